from __future__ import annotations

import json
from datetime import timedelta

import pytest

from kicau.connector import clock
from kicau.connector.content import Draft, Part
from kicau.connector.errors import AuthExpired, ConnectorError, RateLimited, Rejected, Unavailable, Uncertain
from kicau.connector.transport.http import HttpResponse, classify_error
from kicau.networks.linkedin.errors import read_error
from kicau.networks.linkedin.limits import API_VERSION, baseline
from kicau.networks.linkedin.render import render
from kicau.networks.linkedin.sandbox import errors as sandbox_errors


def read(status: int, body: object, **headers: str) -> ConnectorError:
    text = body if isinstance(body, str) else json.dumps(body)
    found = read_error(HttpResponse(status, {k.replace("_", "-"): v for k, v in headers.items()}, text.encode()))
    assert found is not None
    return found


def sentence(error: ConnectorError) -> str:
    assert isinstance(error, Rejected)
    (problem,) = error.problems
    return problem.sentence


@pytest.mark.parametrize("code", ["EXPIRED_ACCESS_TOKEN", "REVOKED_ACCESS_TOKEN", "INVALID_ACCESS_TOKEN"])
def test_a_dead_token(code: str) -> None:
    error = read(401, {"status": 401, "serviceErrorCode": 65601, "code": code, "message": "no longer"})
    assert isinstance(error, AuthExpired)
    assert error.missing == frozenset()


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (
            403,
            {
                "status": 403,
                "serviceErrorCode": 100,
                "code": "ACCESS_DENIED",
                "message": "Not enough permissions to access: userinfo.GET.NO_VERSION",
            },
        ),
        (403, {"serviceErrorCode": 100, "message": "Not enough permissions to access: POST /posts", "status": 403}),
        (400, {"message": "Organization permissions must be used when using organization as author", "status": 400}),
    ],
)
def test_a_missing_scope(status: int, body: object) -> None:
    error = read(status, body)
    assert isinstance(error, AuthExpired)
    assert error.missing


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (426, {"status": 426, "code": "NONEXISTENT_VERSION", "message": "Requested version 20240401 is not active"}),
        (400, {"status": 400, "code": "VERSION_MISSING", "message": "A version must be present."}),
    ],
)
def test_an_expired_version_is_told_to_the_operator(status: int, body: object) -> None:
    said = sentence(read(status, body))
    assert API_VERSION in said
    assert "of its API, which this Kicau server uses. Ask" in said


def test_a_text_too_long_gets_the_words_of_the_preview() -> None:
    quoted = {
        "errorDetailType": "com.linkedin.common.error.BadRequest",
        "message": "com.linkedin.content.common.exception.BadRequestResponseException: ShareCommentary text length (8694 characters) exceeded the maximum allowed (3000 characters)",
        "errorDetails": {
            "inputErrors": [
                {
                    "description": "Size of array cannot be higher than the maxLength",
                    "input": {"value": {"stringValue": "…"}},
                    "code": "FIELD_ARRAY_SIZE_TOO_HIGH",
                }
            ]
        },
        "status": 400,
    }
    foretold = render(Draft(parts=(Part(text="a" * 8694),)), baseline).problems[0]
    error = read(400, quoted)
    assert isinstance(error, Rejected)
    assert error.problems[0] == foretold


def test_a_length_without_numbers_names_our_limit() -> None:
    body = {
        "message": "bad",
        "errorDetails": {
            "inputErrors": [{"code": "FIELD_LENGTH_TOO_LONG", "input": {"inputPath": {"fieldPath": "/commentary"}}}]
        },
        "status": 422,
    }
    assert (
        sentence(read(422, body))
        == "On LinkedIn, the text has too many characters, but the limit is 3000. Shorten the text."
    )


def test_a_comment_too_long_gets_the_words_of_the_preview() -> None:
    refusal = sandbox_errors.bad_input_error(
        "Comment text length (1300 characters) exceeded the maximum allowed (1250 characters)",
        "FIELD_ARRAY_SIZE_TOO_HIGH",
        "/message/text",
    )
    told = render(Draft(parts=(Part(text="x"),), first_comment="a" * 1300), baseline).problems[0]
    assert sentence(read(400, refusal.body)) == told.sentence


def test_a_duplicate_names_the_earlier_post() -> None:
    quoted = '{"errorDetailType":"com.linkedin.common.error.BadRequest","message":"com.linkedin.content.common.exception.BadRequestResponseException: Content is a duplicate of urn:li:share:7141138937766391808","errorDetails":{"inputErrors":[{"description":"Duplicate post is detected","input":{},"code":"DUPLICATE_POST"}]},"status":422}'
    assert "urn:li:share:7141138937766391808" in sentence(read(422, quoted))


def throttled(who: str, unit: str) -> RateLimited:
    error = read(429, sandbox_errors.rate_limit_error(who, unit).body)
    assert isinstance(error, RateLimited)
    return error


def test_daily_limits_end_at_midnight_utc() -> None:
    with clock.freeze_clock(clock.now()):
        member, app = throttled("APPLICATION_AND_MEMBER", "DAY"), throttled("APPLICATION", "DAY")
        tomorrow = (clock.now() + timedelta(days=1)).date()
    assert member.until.date() == tomorrow
    assert member.until.timestamp() % 86400 == 0
    assert (member.whole_app, app.whole_app) == (False, True)


def test_shorter_limits_and_retry_after_are_honoured() -> None:
    with clock.freeze_clock(clock.now()):
        assert throttled("APPLICATION_AND_MEMBER", "MINUTE").until == clock.now() + timedelta(seconds=60)
        told = read(429, {"message": "slow down", "status": 429}, retry_after="7")
        assert isinstance(told, RateLimited)
        assert told.until == clock.now() + timedelta(seconds=7)


def test_a_server_error_is_left_to_the_shared_reading() -> None:
    reply = HttpResponse(503, {}, b"", repeatable=False)
    assert read_error(reply) is None
    assert isinstance(classify_error(reply), Uncertain)
    assert isinstance(classify_error(HttpResponse(503, {}, b"")), Unavailable)


@pytest.mark.parametrize(
    "body", ["", "[]", '{"errorDetails": [1]}', '{"errorDetails": {"inputErrors": [7, {"input": 3}]}}']
)
def test_any_body_can_be_read(body: str) -> None:
    assert sentence(read(400, body)).startswith("LinkedIn rejected the post")


def test_a_page_from_in_between_is_no_refusal() -> None:
    assert isinstance(read(403, "<html>Access Denied"), Unavailable)
