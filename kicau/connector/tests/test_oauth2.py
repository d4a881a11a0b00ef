"""OAuth 2: state, PKCE, and token answers read with care."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

from kicau.connector import oauth2
from kicau.connector.errors import Rejected, Unavailable
from kicau.connector.session import Credentials

NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)


def test_the_challenge_is_that_of_the_standard():
    # RFC 7636, appendix B
    assert (
        oauth2.code_challenge("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk")
        == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
    )


def test_a_redirect_carries_state_and_challenge_and_keeps_the_verifier():
    found = oauth2.authorization_redirect("https://n.example/authorize", {"client_id": "a"}, pkce=True)
    query = {k: v[0] for k, v in parse_qs(urlsplit(found.url).query).items()}
    assert query["state"] == found.state
    assert query["code_challenge"] == oauth2.code_challenge(str(found.memory["verifier"]))
    assert str(found.memory["verifier"]) not in found.url
    assert oauth2.authorization_redirect("https://n.example", {}, pkce=False).state != found.state


def test_a_refresh_token_that_is_not_repeated_is_kept():
    before = Credentials(access_token="a", refresh_token="r", scopes=frozenset({"write"}), refresh_expires_at=NOW)
    after = oauth2.credentials_from_response(
        {"access_token": "b", "refresh_token": "", "expires_in": "60"}, NOW, before=before
    )
    assert (after.access_token, after.refresh_token, after.scopes) == ("b", "r", frozenset({"write"}))
    assert after.expires_at == NOW + timedelta(seconds=60)
    assert after.refresh_expires_at == NOW


@pytest.mark.parametrize("scope", ["", " ", ",", None])
def test_an_empty_scope_is_like_a_missing_one(scope):
    before = Credentials(access_token="a", scopes=frozenset({"write"}))
    assert oauth2.credentials_from_response({"access_token": "b", "scope": scope}, NOW, before=before).scopes == {
        "write"
    }
    assert oauth2.credentials_from_response({"access_token": "b", "scope": scope}, NOW).scopes == frozenset()


@pytest.mark.parametrize("answer", [{}, {"access_token": ""}, {"access_token": None}, {"access_token": 5}])
def test_an_answer_without_a_token_is_a_passing_fault(answer):
    with pytest.raises(Unavailable):
        oauth2.credentials_from_response(answer, NOW)


@pytest.mark.parametrize("expires", [None, "soon", 1e400])
def test_an_unreadable_lifetime_is_no_date(expires):
    assert oauth2.credentials_from_response({"access_token": "a", "expires_in": expires}, NOW).expires_at is None


def test_declining_says_what_now():
    with pytest.raises(Rejected) as told:
        oauth2.authorization_code("Net", {"error": "access_denied", "error_description": "The user {declined}"})
    assert "Connect the channel again" in told.value.problems[0].sentence


def test_credentials_do_not_show_themselves():
    assert "topsecret" not in repr(Credentials(access_token="topsecret", refresh_token="topsecret"))
