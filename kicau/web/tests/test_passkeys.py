"""Passkeys of a software authenticator: a valid answer counts once."""

from __future__ import annotations

import hashlib
import json
import secrets
from typing import Any
from urllib.parse import urlsplit

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from django.conf import settings
from django.test import Client
from django.urls import reverse
from fido2.cose import ES256
from fido2.utils import websafe_encode
from fido2.webauthn import AttestationObject, AttestedCredentialData, AuthenticatorData, CollectedClientData

from kicau.workspaces import throttle
from kicau.workspaces.models import BrowserSession, Passkey

PASSWORD = "hujan-di-bandung-41"
FLAG = AuthenticatorData.FLAG


class Device:
    """Signs as a device whose counter is always 0, as those of Apple and Google are."""

    def __init__(self) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.id = secrets.token_bytes(16)

    def registers(self, options: dict[str, Any]) -> dict[str, Any]:
        public_key = ES256.from_cryptography_key(self.key.public_key())
        data = self._data(FLAG.UP | FLAG.UV | FLAG.AT, AttestedCredentialData.create(bytes(16), self.id, public_key))
        client_data = self._client_data("webauthn.create", options)
        made = AttestationObject.create("none", data, {})
        return self._answer({"clientDataJSON": client_data, "attestationObject": made})

    def signs(self, options: dict[str, Any]) -> dict[str, Any]:
        data = self._data(FLAG.UP | FLAG.UV)
        client_data = self._client_data("webauthn.get", options)
        signature = self.key.sign(data + hashlib.sha256(client_data).digest(), ec.ECDSA(hashes.SHA256()))
        return self._answer({"clientDataJSON": client_data, "authenticatorData": data, "signature": signature})

    def _data(self, flags: FLAG, credential: bytes = b"") -> AuthenticatorData:
        host = urlsplit(settings.KICAU_PUBLIC_URL).hostname or ""
        return AuthenticatorData.create(hashlib.sha256(host.encode()).digest(), flags, 0, credential)

    def _client_data(self, kind: str, options: dict[str, Any]) -> CollectedClientData:
        return CollectedClientData.create(kind, options["challenge"], settings.KICAU_PUBLIC_URL)

    def _answer(self, response: dict[str, bytes]) -> dict[str, Any]:
        id_ = websafe_encode(self.id)
        encoded = {name: websafe_encode(value) for name, value in response.items()}
        return {"id": id_, "rawId": id_, "type": "public-key", "response": encoded, "name": "Phone"}


def send(client: Client, name: str, answer: dict[str, Any]) -> Any:
    return client.post(reverse(name), json.dumps(answer), content_type="application/json")


def prove(client: Client) -> None:
    assert client.post(reverse("verify-identity"), {"password": PASSWORD}).status_code == 302


@pytest.fixture
def device(page) -> Device:
    """Its passkey belongs to Sari."""
    made = Device()
    prove(page)
    assert (
        send(
            page, "passkey-registration-finish", made.registers(page.post(reverse("passkey-registration-begin")).json())
        ).status_code
        == 200
    )
    return made


def test_an_answer_that_signs_in_counts_once(guest, owner, device):
    options = guest.post(reverse("passkey-sign-in-begin")).json()
    challenge, answer = guest.cookies["kicau_passkey"].value, device.signs(options)
    before = BrowserSession.objects.count()
    assert send(guest, "passkey-sign-in-finish", answer).status_code == 200
    assert (guest.get(reverse("personal-settings")).status_code, BrowserSession.objects.count()) == (200, before + 1)
    throttle.delete_expired()
    thief = Client()
    thief.cookies["kicau_passkey"] = challenge
    replayed = send(thief, "passkey-sign-in-finish", answer)
    assert (replayed.status_code, thief.get(reverse("personal-settings")).status_code) == (422, 302)
    assert BrowserSession.objects.count() == before + 1
    guest.cookies["kicau_passkey"] = challenge
    assert send(guest, "passkey-verify", answer).status_code == 422, "nor does it confirm a change later"
    again = device.signs(thief.post(reverse("passkey-sign-in-begin")).json())
    assert send(thief, "passkey-sign-in-finish", again).status_code == 200


def test_what_a_registration_asks_is_kept_in_a_signed_cookie_of_its_person(page, owner, member):
    device = Device()
    prove(page)
    before = dict(page.session)
    options = page.post(reverse("passkey-registration-begin")).json()
    assert dict(page.session) == before
    cookie = page.cookies["kicau_passkey"]
    assert (cookie["httponly"], cookie["samesite"]) == (True, "Strict")
    asked = str(cookie.value)
    other = Client()
    colleague = member("editor").person
    colleague.set_password(PASSWORD)
    colleague.save()
    other.force_login(colleague)
    prove(other)
    other.cookies["kicau_passkey"] = asked
    assert send(other, "passkey-registration-finish", device.registers(options)).status_code == 422
    page.cookies["kicau_passkey"] = asked[:-1] + ("A" if asked[-1] != "A" else "B")
    assert send(page, "passkey-registration-finish", device.registers(options)).status_code == 422
    page.cookies["kicau_passkey"] = asked
    assert send(page, "passkey-registration-finish", device.registers(options)).status_code == 200
    prove(page)
    page.post(reverse("passkey-remove", args=[Passkey.objects.get().id]))
    prove(page)
    page.cookies["kicau_passkey"] = asked
    assert send(page, "passkey-registration-finish", device.registers(options)).status_code == 422, (
        "nor once it was removed"
    )
    assert not Passkey.objects.exists()


def test_a_wrong_answer_uses_no_challenge_up(guest, owner, device):
    options = guest.post(reverse("passkey-sign-in-begin")).json()
    forged = device.signs({**options, "challenge": websafe_encode(bytes(32))})
    assert send(guest, "passkey-sign-in-finish", forged).status_code == 422
    assert send(guest, "passkey-sign-in-finish", device.signs(options)).status_code == 200


def test_an_answer_that_registers_counts_once(page, owner):
    device = Device()
    prove(page)
    answer = device.registers(page.post(reverse("passkey-registration-begin")).json())
    assert send(page, "passkey-registration-finish", answer).status_code == 200
    prove(page)
    assert send(page, "passkey-registration-finish", answer).status_code == 422
    page.post(reverse("passkey-remove", args=[Passkey.objects.get().id]))
    prove(page)
    assert send(page, "passkey-registration-finish", answer).status_code == 422, "nor once its passkey was removed"
    assert not Passkey.objects.exists()
