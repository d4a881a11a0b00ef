"""The validator itself: each right request passes, and each wrong one is caught."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode

import pytest

from kicau.networks.mastodon import wire
from kicau.networks.mastodon.limits import baseline
from kicau.networks.mastodon.render import render
from kicau.networks.mastodon.tests.cast import DRAFTS
from kicau.networks.mastodon.tests.spec import answer_faults, validate

HEADERS = {"Authorization": "Bearer abc", "Content-Type": "application/json"}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
APP = {"client_name": "Kicau", "redirect_uris": "http://127.0.0.1:9/callback", "scopes": "read"}
CODE = {
    "grant_type": "authorization_code",
    "client_id": "a",
    "client_secret": "b",
    "code": "c",
    "redirect_uri": "d",
    "code_verifier": "e",
}
FRESH = {"grant_type": "refresh_token", "client_id": "a", "client_secret": "b", "refresh_token": "c"}


def faults(
    body: Any = None,
    *,
    method: str = "POST",
    path: str = "/api/v1/statuses",
    query: dict[str, str] | None = None,
    headers: dict[str, str] = HEADERS,
) -> list[str]:
    raw = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
    return list(validate(method, path, query or {}, headers, raw))


@pytest.mark.parametrize("name", list(DRAFTS))
def test_our_bodies_pass(name: str) -> None:
    post = render(DRAFTS[name], baseline)
    for n, part in enumerate(post.parts):
        media = [str(m) for m, _ in enumerate(part.media)]
        assert faults(wire.post_body(post, n, media, reply_to="1", quoted="2")) == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"text": "x"},
        {"status": "x", "visibility": "friends"},
        {"status": "x", "sensitive": "yes"},
        {"status": "x", "media_ids": "1"},
        {"status": "x", "media_ids": [1]},
        {"status": "x", "in_reply_to_id": 5},
        {"status": "x", "poll": {"options": "a", "expires_in": 300}},
        {"status": "x", "poll": {"options": ["a", "b"], "expires_in": "300"}},
        {"status": "x", "colour": "red"},
        [],
        b"{",
        None,
    ],
)
def test_a_wrong_post_is_caught(wrong: Any) -> None:
    assert faults(wrong)


def test_a_missing_token_or_type_is_caught() -> None:
    right = {"status": "x"}
    assert faults(right) == []
    assert faults(right, headers={**HEADERS, "Authorization": "Basic abc"})
    assert faults(right, headers={"Authorization": "Bearer abc", "Content-Type": "text/plain"})
    assert faults(right, headers=HEADERS, query={"dry": "true"})
    assert faults(right, path="/api/v2/statuses")
    assert faults(right, method="PATCH")


def test_forms() -> None:
    for path, right, needed in (
        ("/api/v1/apps", APP, ("client_name", "redirect_uris")),
        ("/oauth/token", CODE, ("client_id", "client_secret", "code", "grant_type", "redirect_uri")),
        ("/oauth/token", FRESH, ("client_id", "client_secret", "refresh_token", "grant_type")),
    ):
        assert faults(urlencode(right).encode(), path=path, headers=FORM) == []
        assert faults(urlencode({**right, "colour": "red"}).encode(), path=path, headers=FORM)
        assert faults(right, path=path, headers={"Content-Type": "application/json"})
        for name in needed:
            rest = {key: value for key, value in right.items() if key != name}
            assert faults(urlencode(rest).encode(), path=path, headers=FORM), name


def test_uploads() -> None:
    def body(*fields: str) -> bytes:
        return (
            "".join(
                f'--b\r\nContent-Disposition: form-data; name="{one}"{"; filename=x.jpg" if one == "file" else ""}\r\nContent-Type: image/jpeg\r\n\r\nx\r\n'
                for one in fields
            ).encode()
            + b"--b--\r\n"
        )

    how = {
        "path": "/api/v2/media",
        "headers": {"Authorization": "Bearer abc", "Content-Type": "multipart/form-data; boundary=b"},
    }
    assert faults(body("description", "focus", "file"), **how) == []  # type: ignore[arg-type]
    assert faults(body("description"), **how)  # type: ignore[arg-type]
    assert faults(body("file", "alt"), **how)  # type: ignore[arg-type]
    assert faults({"file": "x"}, path="/api/v2/media")


def test_queries() -> None:
    listed: dict[str, Any] = {
        "method": "GET",
        "path": "/api/v1/accounts/1/statuses",
        "headers": {"Authorization": "Bearer a"},
    }
    assert faults(query={"limit": "40", "max_id": "5"}, **listed) == []
    assert faults(query={"limit": "many"}, **listed)
    assert faults(query={"count": "40"}, **listed)
    search: dict[str, Any] = {**listed, "path": "/api/v2/search"}
    assert faults(query={"q": "x", "type": "statuses", "resolve": "true"}, **search) == []
    assert faults(query={"type": "statuses"}, **search)
    assert faults(query={"q": "x", "resolve": "perhaps"}, **search)


def test_answers() -> None:
    right = {"id": "1", "text": "x", "spoiler_text": ""}
    assert answer_faults("GET", "/api/v1/statuses/1/source", 200, right) == []
    assert answer_faults("GET", "/api/v1/statuses/1/source", 200, {**right, "id": 1})
    assert answer_faults("GET", "/api/v1/statuses/1/source", 200, {"id": "1"})
    assert answer_faults("GET", "/api/v1/statuses/1/source", 201, right)
