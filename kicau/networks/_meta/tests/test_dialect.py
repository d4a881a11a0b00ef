"""Errors, usage headers, proof, fields and forms of the Graph dialect."""

from __future__ import annotations

import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta

import pytest

from kicau.connector import errors
from kicau.connector.transport.http import HttpResponse
from kicau.networks._meta.errors import WrongOffset, read_error
from kicau.networks._meta.fields import parse_fields
from kicau.networks._meta.forms import read_form
from kicau.networks._meta.graph import GraphClient, appsecret_proof, parse_time


def refused(code, sub=0, *, status=400, message="said", headers=None, repeatable=True, **more):
    error = {
        "message": message,
        "type": "OAuthException",
        "code": code,
        "error_subcode": sub,
        "fbtrace_id": "A1",
        **more,
    }
    return read_error(
        HttpResponse(status, headers or {}, json.dumps({"error": error}).encode(), repeatable), "Facebook"
    )


@pytest.mark.parametrize("code", [102, 190])
def test_a_dead_token_asks_for_a_reconnect(code):
    assert isinstance(refused(code, 463), errors.AuthExpired)


def test_a_missing_permission_is_named():
    said = "(#200) Requires pages_manage_posts and pages_read_engagement permission to manage the object"
    found = refused(200, message=said)
    assert isinstance(found, errors.AuthExpired)
    assert found.missing == {"pages_manage_posts", "pages_read_engagement"}


@pytest.mark.parametrize(
    ("code", "whole_app"),
    [(4, True), (341, True), (17, False), (32, False), (613, False), (80001, False), (80002, False)],
)
def test_a_limit_waits_for_whom_it_binds(code, whole_app):
    found = refused(code, status=403)
    assert isinstance(found, errors.RateLimited)
    assert found.whole_app is whole_app
    assert timedelta(0) < found.until - datetime.now(UTC) <= timedelta(minutes=15)


def test_the_usage_header_says_when_access_comes_back():
    rows = {
        "1": [
            {"type": "pages", "call_count": 100, "estimated_time_to_regain_access": 19},
            {"type": "x", "estimated_time_to_regain_access": 3},
        ]
    }
    found = refused(80001, headers={"x-business-use-case-usage": json.dumps(rows)})
    assert timedelta(minutes=18) < found.until - datetime.now(UTC) <= timedelta(minutes=19)


@pytest.mark.parametrize(
    "value", ["", "not json", "[]", '{"1": 5}', '{"1": [{"estimated_time_to_regain_access": "soon"}]}']
)
def test_a_usage_header_that_cannot_be_read_is_passed_over(value):
    assert isinstance(refused(80001, headers={"x-business-use-case-usage": value}), errors.RateLimited)


def test_a_passing_fault_is_lost_by_whether_it_may_be_repeated():
    assert isinstance(refused(2, status=500), errors.Unavailable)
    assert isinstance(refused(1, repeatable=False), errors.Uncertain)
    assert isinstance(refused(100, is_transient=True), errors.Unavailable)


def test_an_expired_version_says_what_to_do():
    said = "(#2635) You are calling a deprecated version of the API. Please update to the latest version: v29.0."
    found = refused(2635, message=said)
    assert isinstance(found, errors.Rejected)
    assert found.problems[0].code == "expired-version"
    assert "v26.0" in found.problems[0].sentence
    assert "Ask the server administrator to update Kicau" in found.problems[0].sentence
    assert "v29.0" in found.detail


@pytest.mark.parametrize(
    ("code", "sub", "problem"),
    [(506, 0, "duplicate"), (100, 33, "gone"), (803, 0, "gone"), (1609005, 0, "bad-link"), (100, 0, "refused")],
)
def test_a_known_refusal_has_its_sentence(code, sub, problem):
    found = refused(code, sub)
    assert isinstance(found, errors.Rejected)
    assert found.problems[0].code == problem
    assert "{" not in found.problems[0].sentence


def test_a_piece_out_of_turn_says_which_is_wanted():
    found = refused(6000, 1363037, error_data=json.dumps({"start_offset": "10", "end_offset": "20"}))
    assert isinstance(found, WrongOffset)
    assert (found.start, found.end) == (10, 20)


def test_a_page_between_us_and_graph_is_no_refusal():
    def page(repeatable):
        return read_error(HttpResponse(400, {}, b"<html>", repeatable), "Facebook")

    assert isinstance(page(True), errors.Unavailable)
    assert isinstance(page(False), errors.Uncertain)
    assert read_error(HttpResponse(503, {}, b"<html>"), "Facebook") is None


def test_the_proof_is_the_one_of_the_official_client():
    assert appsecret_proof("secret", "token") == hmac.new(b"secret", b"token", hashlib.sha256).hexdigest()


def test_nothing_printed_holds_a_token():
    assert "hush" not in repr(GraphClient(http=None, base="https://x", token="hush", secret="hush"))


def test_fields_are_read_with_their_own():
    assert parse_fields("id, a.limit(2){b{c},d},e") == {"id": {}, "a": {"b": {"c": {}}, "d": {}}, "e": {}}
    for wrong in ("{a}", "a{b", "a}b", "a;b"):
        with pytest.raises(ValueError, match=r"fields|brace"):
            parse_fields(wrong)


def test_a_form_keeps_bytes_and_names():
    body = (
        b'--B\r\nContent-Disposition: form-data; name="message"\r\n\r\nsenja \xe2\x98\x95\r\n'
        b'--B\r\nContent-Type: image/jpeg\r\nContent-Disposition: form-data; name="source"; filename="f.jpg"\r\n\r\n'
        b"\xff\xd8\r\n--no\r\n\x00\r\n--B--\r\n"
    )
    fields, files = read_form('multipart/form-data; boundary="B"', body)
    assert fields == {"message": "senja ☕"}
    assert files["source"].body == b"\xff\xd8\r\n--no\r\n\x00"
    assert files["source"].mime == "image/jpeg"
    assert read_form("application/json", b'{"a": true, "b": "c"}')[0] == {"a": "true", "b": "c"}
    assert read_form("text/plain", b"x") == ({}, {})


def test_graphs_times_are_read():
    assert parse_time("2026-11-24T10:00:00+0000") == datetime(2026, 11, 24, 10, tzinfo=UTC)
    assert parse_time(0) == datetime(1970, 1, 1, tzinfo=UTC)
    assert parse_time("soon") is None
