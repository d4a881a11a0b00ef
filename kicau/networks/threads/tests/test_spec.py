"""The collection catches wrong requests: each right one here, with one thing changed, is told."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest

from kicau.networks.threads.tests.spec import validate

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
ID = "35550000000000101"


def told(method, path, params):
    query, body = (params, b"") if method != "POST" else ({}, urlencode(params).encode())
    return list(validate(method, path, query, FORM, body))


@pytest.mark.parametrize(
    ("method", "path", "params"),
    [
        ("POST", f"/v1.0/{ID}/threads", {"media_type": "TEXT", "text": "a", "access_token": "t"}),
        ("POST", f"/v1.0/{ID}/threads", {"media_type": "IMAGE", "image_url": "https://a/b", "alt_text": "a"}),
        ("POST", f"/v1.0/{ID}/threads_publish", {"creation_id": "12"}),
        ("GET", f"/v1.0/{ID}/threads", {"fields": "id,text,timestamp", "limit": "50", "since": "1"}),
        ("GET", f"/v1.0/{ID}/replies", {"fields": "id,text,timestamp", "limit": "50"}),
        ("GET", "/v1.0/17900", {"fields": "status,error_message"}),
        ("DELETE", "/v1.0/17900", {}),
        ("GET", "/access_token", {"grant_type": "th_exchange_token", "client_secret": "s", "access_token": "t"}),
    ],
)
def test_right_requests_pass(method, path, params):
    assert told(method, path, params) == []


@pytest.mark.parametrize(
    ("method", "path", "params", "why"),
    [
        ("POST", f"/v1.0/{ID}/threads", {"media_type": "REELS"}, "media_type"),
        ("POST", f"/v1.0/{ID}/threads", {"media_type": "IMAGE"}, "without image_url"),
        ("POST", f"/v1.0/{ID}/threads", {"media_type": "TEXT", "caption": "a"}, "unknown parameter caption"),
        (
            "POST",
            f"/v1.0/{ID}/threads",
            {"media_type": "IMAGE", "image_url": "https://a", "link_attachment": "https://a"},
            "with IMAGE",
        ),
        ("POST", f"/v1.0/{ID}/threads", {"media_type": "TEXT", "reply_control": "nobody"}, "reply_control"),
        (
            "POST",
            f"/v1.0/{ID}/threads",
            {"media_type": "TEXT", "poll_attachment": '{"option_a":"a"}'},
            "poll_attachment",
        ),
        ("POST", f"/v1.0/{ID}/threads_publish", {"creation_id": ""}, "creation_id"),
        ("POST", f"/v1.0/{ID}/media", {}, "no such request"),
        ("POST", f"/v26.0/{ID}/threads", {"media_type": "TEXT"}, "no such request"),
        ("GET", f"/v1.0/{ID}/threads", {"fields": "caption"}, "unknown field caption"),
        ("GET", "/access_token", {"grant_type": "ig_exchange_token"}, "grant_type"),
        ("GET", "/oauth/authorize", {"client_id": "1"}, "sign-in"),
    ],
)
def test_wrong_requests_are_told(method, path, params, why):
    assert any(why in one for one in told(method, path, params))
