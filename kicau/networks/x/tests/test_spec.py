"""The validator itself: a right request passes, and each way of being wrong is told."""

from __future__ import annotations

import json

import pytest

from kicau.connector.contract import ContractSession
from kicau.connector.errors import Rejected
from kicau.networks.x import wire
from kicau.networks.x.sandbox import Server
from kicau.networks.x.tests.spec import validate

BEARER = {"Authorization": "Bearer t", "Content-Type": "application/json"}
FORM = {"Content-Type": "application/x-www-form-urlencoded", "Authorization": "Basic eA=="}
MULTIPART = {"Authorization": "Bearer t", "Content-Type": "multipart/form-data; boundary=b"}
REFRESH = b"grant_type=refresh_token&refresh_token=r"


def form(*fields: tuple[str, str]) -> bytes:
    rows = "".join(f'--b\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n' for name, value in fields)
    return f"{rows}--b--\r\n".encode()


RIGHT = {
    "post": ("POST", "/2/tweets", {}, BEARER, b'{"text": "Pagi"}'),
    "thread": ("POST", "/2/tweets", {}, BEARER, b'{"text": "", "reply": {"in_reply_to_tweet_id": "20"}}'),
    "delete": ("DELETE", "/2/tweets/20", {}, BEARER, b""),
    "own posts": (
        "GET",
        "/2/users/20/tweets",
        {"max_results": "5", "post.fields": "created_at,entities", "start_time": "2026-11-24T10:00:00Z"},
        BEARER,
        b"",
    ),
    "append": ("POST", "/2/media/upload/20/append", {}, MULTIPART, form(("segment_index", "0"), ("media", "x"))),
    "finalize": ("POST", "/2/media/upload/20/finalize", {}, {"Authorization": "Bearer t"}, b""),
    "refresh": ("POST", "/2/oauth2/token", {}, FORM, REFRESH),
    "revocation": ("POST", "/2/oauth2/revoke", {}, FORM, b"token=t"),
}

WRONG = {
    "an unknown address": ("POST", "/2/statuses", {}, BEARER, b"{}"),
    "an unknown method": ("PUT", "/2/tweets", {}, BEARER, b"{}"),
    "a key too many": ("POST", "/2/tweets", {}, BEARER, b'{"text": "Pagi", "status": "Pagi"}'),
    "five media": ("POST", "/2/tweets", {}, BEARER, json.dumps({"media": {"media_ids": list("12345")}}).encode()),
    "a number for an id": ("POST", "/2/tweets", {}, BEARER, b'{"text": "Pagi", "quote_tweet_id": 20}'),
    "a poll of one": ("POST", "/2/tweets", {}, BEARER, b'{"poll": {"options": ["a"], "duration_minutes": 5}}'),
    "no JSON": ("POST", "/2/tweets", {}, BEARER, b"text=Pagi"),
    "a form for JSON": ("POST", "/2/tweets", {}, FORM, b"text=Pagi"),
    "no token": ("POST", "/2/tweets", {}, {"Content-Type": "application/json"}, b'{"text": "Pagi"}'),
    "an old word": ("GET", "/2/users/me", {"tweet.fields": "text"}, BEARER, b""),
    "an unknown field": ("GET", "/2/users/me", {"user.fields": "name,shoe_size"}, BEARER, b""),
    "a page too small": ("GET", "/2/users/20/tweets", {"max_results": "4"}, BEARER, b""),
    "no number": ("GET", "/2/users/20/tweets", {"max_results": "five"}, BEARER, b""),
    "no moment": ("GET", "/2/users/20/tweets", {"start_time": "yesterday"}, BEARER, b""),
    "a name for an id": ("DELETE", "/2/tweets/first", {}, BEARER, b""),
    "a missing parameter": ("GET", "/2/media/upload", {"command": "STATUS"}, BEARER, b""),
    "a missing field": ("POST", "/2/media/upload/20/append", {}, MULTIPART, form(("media", "x"))),
    "a segment too far": (
        "POST",
        "/2/media/upload/20/append",
        {},
        MULTIPART,
        form(("segment_index", "1000"), ("media", "x")),
    ),
    "a body for none": ("POST", "/2/media/upload/20/finalize", {}, BEARER, b"{}"),
    "a long alt text": (
        "POST",
        "/2/media/metadata",
        {},
        BEARER,
        json.dumps({"id": "2", "metadata": {"alt_text": {"text": "x" * 1001}}}).encode(),
    ),
    "a grant that is none": ("POST", "/2/oauth2/token", {}, FORM, b"grant_type=password&password=p"),
    "no token to revoke": ("POST", "/2/oauth2/revoke", {}, FORM, b"token="),
    "no refresh token": ("POST", "/2/oauth2/token", {}, FORM, b"grant_type=refresh_token"),
    "a field that is none": ("POST", "/2/oauth2/token", {}, FORM, REFRESH + b"&scope=all"),
    "an app without a name": ("POST", "/2/oauth2/token", {}, {"Content-Type": FORM["Content-Type"]}, REFRESH),
    "JSON for a form": ("POST", "/2/oauth2/token", {}, {**FORM, "Content-Type": "application/json"}, b"{}"),
}


@pytest.mark.parametrize("name", RIGHT)
def test_a_right_request_passes(name: str) -> None:
    assert list(validate(*RIGHT[name])) == []


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_request_is_told(name: str) -> None:
    said = list(validate(*WRONG[name]))
    assert said
    assert said[0].startswith(f"{WRONG[name][0]} {WRONG[name][1]}: ")


async def test_a_wrong_request_of_ours_is_noted_by_the_sandbox(kopi: ContractSession, sandbox: Server) -> None:
    with pytest.raises(Rejected):
        await wire.send_request(kopi, "POST", "/2/tweets", json={"text": "Pagi", "status": "Pagi"})
    assert [said.split(": ")[0] for said in sandbox.violations] == ["POST /2/tweets"]
    sandbox.violations.clear()
