from __future__ import annotations

import json
from datetime import timedelta

import pytest

from kicau.connector import clock
from kicau.connector.content import Draft, Part
from kicau.connector.errors import AuthExpired, ConnectorError, RateLimited, Rejected, Unavailable, Uncertain
from kicau.connector.transport.http import HttpResponse, classify_error
from kicau.networks.bluesky.errors import NonceRequired, read_error, rejection_code
from kicau.networks.bluesky.limits import baseline
from kicau.networks.bluesky.render import render
from kicau.networks.bluesky.tests.spec import recorded


def read(status: int, body: object, *, repeatable: bool = True, **headers: str) -> ConnectorError:
    text = body if isinstance(body, str) else json.dumps(body)
    reply = HttpResponse(status, {k.replace("_", "-"): v for k, v in headers.items()}, text.encode(), repeatable)
    return read_error(reply) or classify_error(reply)


def said(error: ConnectorError) -> tuple[str, str, str]:
    assert isinstance(error, Rejected)
    (problem,) = error.problems
    return problem.code, problem.field, problem.sentence


MEANT = {
    "createSession bad password": AuthExpired,
    "301 graphemes": "too-long",
    "121 family emoji (3025 bytes > 3000)": "too-many-bytes",
    "facet missing index": "refused",
    "missing createdAt": "refused",
    "5 images": "too-many-media",
    "image without alt": "needs-alt",
    "image over 2,000,000 bytes": "too-large",
    "no auth": AuthExpired,
    "bad token": AuthExpired,
    "getRecord deleted": "not-found",
    "getProfile w/o appview": "refused",
    "unknown method": "refused",
    "createSession rl": RateLimited,
}


@pytest.mark.parametrize(
    "call", [c for c in recorded("transcripts")["calls"] if c["status"] >= 400], ids=lambda c: c["note"]
)
def test_every_recorded_refusal_is_read(call: dict) -> None:  # type: ignore[type-arg]
    headers = {name.lower(): value for name, value in call["headers"].items()}
    error = read_error(HttpResponse(call["status"], headers, json.dumps(call["body"]).encode()))
    wanted = MEANT[call["note"]]
    if isinstance(wanted, str):
        assert isinstance(error, Rejected)
        assert rejection_code(error) == wanted
        assert "{" not in error.problems[0].sentence
    else:
        assert type(error) is wanted


def test_a_text_too_long_gets_the_words_of_the_preview() -> None:
    for draft, message in (
        (Draft(parts=(Part(text="a" * 301),)), "grapheme too big (maximum 300, got 301) at $.record.text"),
        (
            Draft(parts=(Part(text="👨‍👩‍👧‍👦" * 121),)),
            "string too big (maximum 3000, got 3025) at $.writes[0].record.text",
        ),
    ):
        foretold = render(draft, baseline).problems[0]
        error = read(400, {"error": "InvalidRequest", "message": f"Invalid app.bsky.feed.post record: {message}"})
        assert said(error) == (foretold.code, foretold.field, foretold.sentence)


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("$.record.embed.images[1].image", "parts.0.media.1"),
        ("$.record.embed.media.items[3].image", "parts.0.media.3"),
        ("$.record.embed.external.thumb", "link.thumbnail"),
        ("$.record.embed.video", "parts.0.media"),
        ("$.record.embed.captions[0].file", "options.captions"),
    ],
)
def test_a_file_too_large_is_named_by_its_place(path: str, field: str) -> None:
    error = read(
        400,
        {
            "error": "InvalidRequest",
            "message": f"Invalid app.bsky.feed.post record: blob too big (maximum 2000000, got 2000076) at {path}",
        },
    )
    code, where, sentence = said(error)
    assert (code, where) == ("too-large", field)
    assert "2 MB" in sentence


@pytest.mark.parametrize("name", ["ExpiredToken", "InvalidToken", "AccountDeactivated", "AccountTakedown"])
def test_a_permission_that_is_over(name: str) -> None:
    assert type(read(400, {"error": name, "message": "x"})) is AuthExpired
    assert type(read(401, {"error": "invalid_token", "message": "x"})) is AuthExpired
    assert type(read(400, {"error": "invalid_grant", "error_description": "Refresh token replayed"})) is AuthExpired


def test_a_scope_that_is_missing_is_named() -> None:
    error = read(403, {"error": "ScopeMissingError", "message": "x"})
    assert isinstance(error, AuthExpired)
    assert error.missing


def test_limits_say_when() -> None:
    at = clock.now().replace(microsecond=0)
    with clock.freeze_clock(at):
        soon = read(429, {"error": "RateLimitExceeded", "message": "x"}, retry_after="290")
        later = read(
            429,
            {"error": "RateLimitExceeded"},
            ratelimit_reset=str(int(at.timestamp()) + 600),
            ratelimit_policy="5000;w=3600",
        )
        bare = read(429, "")
    for error, seconds in ((soon, 290), (later, 600), (bare, 60)):
        assert isinstance(error, RateLimited)
        assert error.until == at + timedelta(seconds=seconds)
        assert not error.whole_app


@pytest.mark.parametrize(
    ("status", "name"), [(502, "UpstreamFailure"), (400, "UpstreamFailure"), (500, "InternalServerError"), (503, "")]
)
def test_a_server_out_of_order_is_asked_again_or_looked_up(status: int, name: str) -> None:
    body = {"error": name, "message": "x"}
    assert type(read(status, body)) is Unavailable
    assert type(read(status, body, repeatable=False)) is Uncertain


def test_a_nonce_is_told() -> None:
    error = read(401, {"error": "use_dpop_nonce", "message": "x"}, dpop_nonce="n1")
    assert isinstance(error, NonceRequired)
    assert error.nonce == "n1"


def test_what_a_server_does_not_offer_is_for_its_operator() -> None:
    assert said(read(501, {"error": "MethodNotImplemented", "message": "Method Not Implemented"}))[0] == "not-offered"
    assert said(read(413, {"error": "PayloadTooLarge", "message": "request entity too large"}))[0] == "too-large"
    assert said(read(400, {"error": "BlobNotFound", "message": "Could not find blob: x"}))[0] == "media-gone"


@pytest.mark.parametrize("body", ["", "[]", '{"error": 5}', '{"message": null}'])
def test_any_body_can_be_read(body: str) -> None:
    assert said(read(400, body))[2].startswith("Bluesky rejected the post")


def test_a_page_from_in_between_is_no_refusal() -> None:
    """Nor is it the answer that a record is not there, which comes with the same status."""
    assert isinstance(read(400, "<html>Bad gateway"), Unavailable)
