"""Every shape and wording in which X says no, and what the engine is told."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from kicau.connector import clock
from kicau.connector.errors import AuthExpired, PlanExceeded, RateLimited, Rejected, Unavailable, Uncertain
from kicau.connector.transport.http import HttpResponse
from kicau.networks.x.connector import connector

NEW, OLD = "https://api.x.com/2/problems/", "https://api.twitter.com/2/problems/"


def told(status: int, body: Any, **headers: str) -> Any:
    lower = {name.replace("_", "-"): value for name, value in headers.items()}
    return connector.read_error(HttpResponse(status, lower, json.dumps(body).encode(), repeatable=False))


def problem(status: int, detail: str, kind: str = "about:blank", **more: Any) -> dict[str, Any]:
    return {"title": "Forbidden", "type": kind, "status": status, "detail": detail, **more}


@pytest.mark.parametrize(
    "body",
    [
        problem(401, "Unauthorized"),
        {"errors": [{"code": 89, "message": "Invalid or expired token."}]},
        problem(401, "Authenticating with…", f"{OLD}unsupported-authentication"),
    ],
)
def test_a_dead_token_asks_for_a_reconnect(body: dict[str, Any]) -> None:
    assert isinstance(told(401, body), AuthExpired)


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (400, {"error": "invalid_request", "error_description": "Value passed for the token was invalid."}),
        (400, {"error": "invalid_grant"}),
        (401, {"error": "unauthorized_client", "error_description": "Missing valid authorization header"}),
        (403, {"errors": [{"code": 326, "message": "To protect our users, this account is temporarily locked."}]}),
        (403, problem(403, "Your account is suspended and is not permitted to access this feature.")),
        (403, problem(403, "Authenticating with this is forbidden", f"{OLD}unsupported-authentication")),
    ],
)
def test_what_only_a_person_can_mend_asks_for_them(status: int, body: dict[str, Any]) -> None:
    assert isinstance(told(status, body), AuthExpired)


def test_a_limit_names_its_end() -> None:
    reset = int((datetime.now(UTC) + timedelta(minutes=9)).timestamp())
    error = told(429, {"errors": [{"code": 88, "message": "Rate limit exceeded"}]}, x_rate_limit_reset=str(reset))
    assert isinstance(error, RateLimited)
    assert (error.until.timestamp(), error.whole_app, error.detail) == (reset, False, "Rate limit exceeded")


@pytest.mark.parametrize(("scope", "whole"), [("app", True), ("user", False)])
def test_a_limit_of_the_day_outlasts_that_of_the_quarter_hour(scope: str, whole: bool) -> None:
    soon, late = (int((datetime.now(UTC) + timedelta(minutes=m)).timestamp()) for m in (9, 600))
    headers = {
        "x_rate_limit_reset": str(soon),
        f"x_{scope}_limit_24hour_remaining": "0",
        f"x_{scope}_limit_24hour_reset": str(late),
    }
    error = told(429, problem(429, "Too Many Requests"), **headers)
    assert (error.until.timestamp(), error.whole_app) == (late, whole)


@pytest.mark.parametrize("headers", [{}, {"x_rate_limit_reset": "1"}, {"x_rate_limit_reset": "soon"}])
def test_a_limit_without_an_end_waits_a_while(headers: dict[str, str]) -> None:
    with clock.freeze_clock(clock.now()):
        error = told(429, {}, **headers)
        assert error.until == clock.now() + timedelta(seconds=60)


def test_a_spent_plan_is_held() -> None:
    monthly = told(429, problem(429, "Usage cap exceeded", f"{OLD}usage-capped", period="Monthly", scope="Product"))
    daily = told(429, problem(429, "Usage cap exceeded", f"{NEW}usage-capped", period="Daily"))
    enrolled = told(403, problem(403, "…", f"{OLD}client-forbidden", reason="client-not-enrolled"))
    credits = told(
        402, problem(402, "Your enrolled account does not have any credits to fulfill this request.", f"{NEW}credits")
    )
    capped = told(402, {"title": "SpendCapReached", "reset_date": "2026-12-01", "type": f"{NEW}credits"})
    assert [type(one) for one in (monthly, daily, enrolled, credits, capped)] == [PlanExceeded] * 5
    assert [one.meter for one in (monthly, daily, enrolled, credits)] == ["usage", "usage", "access", "credits"]
    assert monthly.resets_at is None
    assert daily.resets_at.hour == 0
    assert daily.resets_at > datetime.now(UTC)
    assert capped.resets_at == datetime(2026, 12, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("body", "code", "field"),
    [
        (problem(403, "You are not allowed to create a Tweet with duplicate content."), "duplicate", "parts.0.text"),
        ({"errors": [{"code": 187, "message": "Status is a duplicate."}]}, "duplicate", "parts.0.text"),
        (problem(400, "Your Tweet text is too long. For more information …"), "too-long", "parts.0.text"),
        ({"errors": [{"code": 186, "message": "…"}]}, "too-long", "parts.0.text"),
        (
            {"errors": [{"message": "Your media IDs are invalid."}], "type": f"{NEW}invalid-request"},
            "media-gone",
            "parts.0.media",
        ),
        (
            problem(403, "This user is not allowed to post a video longer than 20 minutes."),
            "too-long-video",
            "parts.0.media",
        ),
        (
            problem(
                403,
                "Reply to this conversation is not allowed because you have not been mentioned or otherwise engaged by …",
            ),
            "no-replies",
            "reply_to",
        ),
        (
            problem(403, "You attempted to reply to a Tweet that is deleted or not visible to you."),
            "reply-gone",
            "reply_to",
        ),
        (problem(404, "Could not find tweet with id: [20].", f"{NEW}resource-not-found"), "not-found", ""),
        ({"code": 11, "message": "Something else"}, "refused", ""),
    ],
)
def test_a_refusal_is_a_sentence(body: dict[str, Any], code: str, field: str) -> None:
    error = told(404 if code == "not-found" else 403, body)
    assert isinstance(error, Rejected)
    (one,) = error.problems
    assert (one.code, one.field) == (code, field)
    assert "X" in one.sentence
    assert "{" not in one.sentence


def test_an_unknown_refusal_repeats_what_was_said_whatever_it_says() -> None:
    error = told(418, problem(418, "A {teapot} is no coffee pot"))
    assert error.problems[0].sentence == "X rejected the post. Message from the network: A {teapot} is no coffee pot"


@pytest.mark.parametrize("status", [500, 502, 503, 504, 408])
def test_a_fault_is_left_to_the_shared_reading(status: int) -> None:
    assert told(status, problem(status, "Service Unavailable")) is None


@pytest.mark.parametrize("body", ["[]", "null", '{"errors": "none"}', '{"errors": [null, 3]}', '{"code": "x"}'])
def test_no_body_is_too_odd_to_read(body: str) -> None:
    error = connector.read_error(HttpResponse(400, {}, body.encode()))
    assert isinstance(error, Rejected)
    assert error.problems[0].code == "refused"


def test_a_page_from_in_between_is_no_refusal() -> None:
    assert isinstance(
        connector.read_error(HttpResponse(403, {}, b"<html>Attention required", repeatable=False)), Uncertain
    )
    assert isinstance(connector.read_error(HttpResponse(403, {}, b"<html>Attention required")), Unavailable)
