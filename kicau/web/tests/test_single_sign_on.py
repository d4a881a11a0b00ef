"""Signing in by a real OpenID provider on loopback: who gets in, and which answers do not stand up."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import pytest
from django.core import signing
from django.test import Client
from django.urls import reverse
from joserfc.jwk import RSAKey

from kicau.base import setting_definitions
from kicau.web.tests.provider import come_back
from kicau.workspaces import invitations
from kicau.workspaces.models import BrowserSession, Person, ProviderIdentity


def test_somebody_known_signs_in_and_is_remembered_by_the_providers_id(guest, owner, workspace, provider):
    assert "Sign in with Kopi ID" in guest.get(reverse("sign-in")).content.decode()
    assert come_back(guest, provider, next="/drafts")["Location"] == "/drafts"
    assert guest.get("/drafts").status_code == 200
    guest.logout()
    provider.person["email"] = "another@kopisenja.example"
    assert come_back(guest, provider)["Location"] == "/"
    assert ProviderIdentity.objects.get().person == owner


def test_going_to_the_provider_makes_no_rows(guest, provider):
    for _n in range(40):
        assert guest.get(reverse("oidc")).status_code == 302
    assert BrowserSession.objects.count() == 0
    cookie = guest.cookies["kicau_oidc"]
    assert (cookie["max-age"], cookie["samesite"], bool(cookie["httponly"])) == (900, "Lax", True)


def test_a_callback_signs_in_once(guest, owner, workspace, provider):
    returned = provider.consent(guest.get(reverse("oidc"))["Location"])
    begun, asked = guest.cookies["kicau_oidc"].value, provider.codes["c1"]
    assert guest.get(reverse("oidc-callback"), returned)["Location"] == "/"
    assert guest.cookies["kicau_oidc"].value == ""
    thief = Client()
    thief.cookies["kicau_oidc"] = begun
    provider.codes["c1"] = asked  # a provider that accepts its codes twice
    assert thief.get(reverse("oidc-callback"), returned).status_code == 422
    assert thief.get(reverse("personal-settings")).status_code == 302
    assert come_back(thief, provider)["Location"] == "/"


def test_a_sign_in_that_was_changed_or_took_too_long_counts_as_none(guest, owner, workspace, provider, monkeypatch):
    returned = provider.consent(guest.get(reverse("oidc"))["Location"])
    begun = guest.cookies["kicau_oidc"].value
    guest.cookies["kicau_oidc"] = begun[:-2] + "xx"
    assert guest.get(reverse("oidc-callback"), returned).status_code == 422
    guest.cookies["kicau_oidc"] = begun
    signed_at = signing.time.time()
    with monkeypatch.context() as later:
        later.setattr(signing.time, "time", lambda: signed_at + 901)
        assert guest.get(reverse("oidc-callback"), returned).status_code == 422
    guest.cookies["kicau_oidc"] = begun
    assert guest.get(reverse("oidc-callback"), returned)["Location"] == "/"


def test_a_page_whose_address_fits_in_no_cookie_is_not_remembered(guest, owner, workspace, provider):
    assert come_back(guest, provider, next=f"/drafts?text={'a' * 5000}")["Location"] == "/"


def test_nobody_comes_in_unknown_but_by_an_invitation(guest, actor, provider):
    provider.person = {"sub": "u-2", "email": "budi@kopisenja.example", "email_verified": True, "name": "Budi"}
    refused = come_back(guest, provider)
    assert (refused.status_code, "Kicau has no account for budi@kopisenja.example" in refused.content.decode()) == (
        422,
        True,
    )
    secret = invitations.invite(actor, "budi@kopisenja.example", "editor").link.rsplit("/", 1)[1]
    assert "Kopi ID" in guest.get(reverse("accept-invitation", args=[secret])).content.decode()
    assert come_back(guest, provider, join=secret)["Location"] == "/"
    budi = Person.objects.get(name="Budi")
    assert (budi.has_usable_password(), budi.memberships.get().role) == (False, "editor")
    assert guest.get(reverse("sign-in-settings")).status_code == 200


def test_what_does_not_stand_up_signs_nobody_in(guest, owner, workspace, provider):
    other = RSAKey.generate_key(2048, {"kid": "k1", "use": "sig"})
    for twist in ({"nonce": "x"}, {"aud": "other"}, {"iss": "https://evil.example"}, {"exp": 1}, {"sub": None}):
        provider.twist = twist
        assert come_back(guest, provider).status_code == 422, twist
    provider.twist, provider.signs_with = {}, other
    assert come_back(guest, provider).status_code == 422
    provider.signs_with = provider.key
    provider.person["email_verified"] = False
    assert come_back(guest, provider).status_code == 422, "an address that nobody verified is nobody's"
    away = guest.get(reverse("oidc"))["Location"]
    assert guest.get(reverse("oidc-callback"), {**provider.consent(away), "state": "forged"}).status_code == 422
    assert guest.get(reverse("oidc-callback"), {"state": "x", "error": "access_denied"}).status_code == 422
    assert guest.get("/").status_code == 302
    assert not ProviderIdentity.objects.exists()


def test_a_provider_that_is_away_is_told(guest, owner, provider, settings):
    settings.KICAU_OIDC_ISSUER = "http://127.0.0.1:9"
    answer = guest.get(reverse("oidc"))
    assert (answer.status_code, "Kicau could not sign you in with" in answer.content.decode()) == (422, True)


def test_a_token_issued_to_another_client_signs_nobody_in(guest, owner, workspace, provider):
    for twist in (
        {"azp": "another-client"},
        {"azp": ""},
        {"aud": ["kicau-1", "another-client"]},
        {"aud": ["kicau-1", "another-client"], "azp": "another-client"},
    ):
        provider.twist = twist
        assert come_back(guest, provider).status_code == 422, twist
    assert not ProviderIdentity.objects.exists()
    provider.twist = {"aud": ["kicau-1", "another-client"], "azp": "kicau-1"}
    assert come_back(guest, provider)["Location"] == "/"


@pytest.fixture
def elsewhere() -> Iterator[tuple[str, list[str]]]:
    """Another server on the provider's host, and what it was asked."""
    asked: list[str] = []

    class Listener(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked.append(f"{self.path} {self.headers.get('Authorization')}")
            self.send_error(400)

        do_GET = do_POST

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Listener)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", asked
    server.shutdown()
    server.server_close()
    thread.join(10)


@pytest.mark.parametrize("endpoint", ["token_endpoint", "jwks_uri"])
def test_the_clients_secret_goes_to_no_other_host_or_port(guest, owner, provider, elsewhere, endpoint, settings):
    address, asked = elsewhere
    provider.at = {endpoint: f"{address}/x"}
    refused = come_back(guest, provider)
    assert (refused.status_code, asked) == (422, [])
    assert f"because this sign-in service uses another server: {urlsplit(address).netloc}" in refused.content.decode()
    settings.KICAU_OIDC_HOSTS = [urlsplit(address).netloc]  # the operator says that it is the provider's
    come_back(guest, provider)
    assert len(asked) == 1


def test_a_provider_without_encryption_is_asked_on_this_machine_only(guest, owner, provider, settings):
    for issuer in ("http://id.kopisenja.example", "ftp://id.kopisenja.example", "https:///nowhere"):
        assert setting_definitions.read_setting(
            "KICAU_OIDC_ISSUER", {"KICAU_OIDC_ISSUER": "https://id.kopisenja.example"}
        )
        with pytest.raises(setting_definitions.SettingError, match="https://"):
            setting_definitions.read_setting("KICAU_OIDC_ISSUER", {"KICAU_OIDC_ISSUER": issuer})
        settings.KICAU_OIDC_ISSUER = issuer
        answer = guest.get(reverse("oidc"))
        assert (answer.status_code, "does not use https" in answer.content.decode()) == (422, True)
    settings.KICAU_OIDC_ISSUER = provider.url
    for endpoint in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
        provider.at = {endpoint: "http://id.kopisenja.example/x"}
        answer = guest.get(reverse("oidc")) if endpoint.startswith("auth") else come_back(guest, provider)
        assert answer.status_code == 422, endpoint
