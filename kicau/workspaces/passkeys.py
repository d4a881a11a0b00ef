"""Passkeys (WebAuthn): registering a device's key and signing in by it, without a password.

A passkey asks for the device's own lock (user verification), so it stands for both factors.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, transaction
from fido2.server import Fido2Server
from fido2.utils import websafe_decode
from fido2.webauthn import (
    AttestedCredentialData,
    AuthenticatorData,
    PublicKeyCredentialRpEntity,
    PublicKeyCredentialUserEntity,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from kicau.base import clock
from kicau.base.errors import Conflict, NotFound, validation_failed
from kicau.base.ids import as_uuid
from kicau.base.sentences import Sentence
from kicau.workspaces import account_security, throttle
from kicau.workspaces.models import Passkey, Person

MAX_PASSKEYS = 20  # passkeys of one person
CHALLENGE_SECONDS = 300
type BrowserResponse = Mapping[str, Any]  # what the browser gave, as JSON
INVALID_RESPONSE_MESSAGE = (
    "Kicau could not use the passkey data that your browser sent. Try again, or sign in another way."
)


def begin_registration(person: Person) -> tuple[dict[str, Any], dict[str, Any]]:
    """(options for the browser, state to keep until it answers). Raises Conflict where there are too many."""
    known = list(person.passkeys.all())
    if len(known) >= MAX_PASSKEYS:
        raise Conflict(
            Sentence(
                "You already have {most} passkeys, which is the limit. Remove one before you add another.",
                most=MAX_PASSKEYS,
            )
        )
    options, state = _server().register_begin(
        PublicKeyCredentialUserEntity(id=person.id.bytes, name=person.email, display_name=person.name),
        [_credential_data(key) for key in known],
        resident_key_requirement=ResidentKeyRequirement.REQUIRED,
        user_verification=UserVerificationRequirement.REQUIRED,
    )
    return dict(options.public_key), state


@transaction.atomic
def finish_registration(person: Person, state: Mapping[str, Any], answer: BrowserResponse, name: str) -> Passkey:
    """An answer counts once, as in `finish_passkey_sign_in`. Raises ValidationFailed where it does not belong to what was asked."""
    try:
        found: AuthenticatorData = _server().register_complete(state, answer)
        data = found.credential_data
    except (ValueError, KeyError, TypeError, AttributeError) as exc:
        raise validation_failed("passkey", INVALID_RESPONSE_MESSAGE) from exc
    if data is None or _was_used(state):
        raise validation_failed("passkey", INVALID_RESPONSE_MESSAGE)
    try:
        with transaction.atomic():
            made = Passkey.objects.create(
                person=person,
                name=name.strip()[:80] or "Passkey",
                credential_id=data.credential_id,
                credential=bytes(data),
                count=found.counter,
            )
    except IntegrityError:
        raise Conflict("This passkey is already registered with Kicau. You do not need to add it again.") from None
    account_security.record_security_change(person, "person.passkey_added", name=made.name)
    return made


def begin_passkey_sign_in() -> tuple[dict[str, Any], dict[str, Any]]:
    """(options for the browser, state to keep until it answers); nobody needs to be named first."""
    options, state = _server().authenticate_begin(user_verification=UserVerificationRequirement.REQUIRED)
    return dict(options.public_key), state


@transaction.atomic
def finish_passkey_sign_in(state: Mapping[str, Any], answer: BrowserResponse) -> Person:
    """Whose passkey answered. An answer counts once, though nothing is kept of the question: who asks for many
    questions makes no rows, and a wrong answer proves nothing however often it is given. Raises ValidationFailed."""
    try:
        credential_id = websafe_decode(answer["rawId"])
        found = (
            Passkey.objects.select_for_update(of=("self",))
            .select_related("person")
            .filter(credential_id=credential_id)
            .first()
        )
    except (ValueError, KeyError, TypeError) as exc:
        raise validation_failed("passkey", INVALID_RESPONSE_MESSAGE) from exc
    if found is None or not found.person.is_active:
        raise validation_failed(
            "passkey",
            "This passkey does not belong to any account on this server. Sign in another way, then add the passkey on the “You” page.",
        )
    try:
        _server().authenticate_complete(state, [_credential_data(found)], answer)
        count = _signature_counter(answer)
    except (ValueError, KeyError, TypeError, AttributeError) as exc:
        raise validation_failed("passkey", INVALID_RESPONSE_MESSAGE) from exc
    if (count or found.count) and count <= found.count:  # WebAuthn, section 7.2, step 22: it may have been copied
        raise validation_failed(
            "passkey",
            "Kicau rejected this passkey because someone may have copied it. Sign in another way, then remove the passkey on the “You” page.",
        )
    if _was_used(state):
        raise validation_failed("passkey", INVALID_RESPONSE_MESSAGE)
    found.count, found.last_used_at = count, clock.now()
    found.save(update_fields=["count", "last_used_at"])
    return found.person


def _was_used(state: Mapping[str, Any]) -> bool:
    """Whether a valid answer came to this challenge before; from now on, one has."""
    return bool(throttle.wait_seconds([throttle.once_limit(f"passkey:{state['challenge']}", CHALLENGE_SECONDS)]))


def _signature_counter(answer: BrowserResponse) -> int:
    return AuthenticatorData(websafe_decode(answer["response"]["authenticatorData"])).counter


@transaction.atomic
def remove_passkey(person: Person, passkey_id: UUID | str) -> None:
    """Raises NotFound."""
    found = Passkey.objects.filter(person=person, id=as_uuid(passkey_id)).first()
    if found is None:
        raise NotFound("passkey", passkey_id)
    account_security.record_security_change(person, "person.passkey_removed", name=found.name)
    found.delete()


def are_passkeys_possible() -> bool:
    """Whether browsers offer passkeys at this instance's address: not at a bare number, and only by TLS or on localhost."""
    host = urlsplit(settings.KICAU_PUBLIC_URL).hostname or ""
    numeric = ":" in host or host.replace(".", "").isdigit()
    return not numeric and (str(settings.KICAU_PUBLIC_URL).startswith("https://") or host == "localhost")


def parse_response(body: bytes) -> dict[str, Any]:
    """What a browser sent. Raises ValidationFailed."""
    try:
        found = json.loads(body)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise validation_failed("passkey", INVALID_RESPONSE_MESSAGE)
    return found


def _server() -> Fido2Server:
    """For this instance's own address: no other site can use its passkeys."""
    host = urlsplit(settings.KICAU_PUBLIC_URL).hostname or "localhost"
    return Fido2Server(
        PublicKeyCredentialRpEntity(name="Kicau", id=host),
        verify_origin=lambda origin: origin == settings.KICAU_PUBLIC_URL,
    )


def _credential_data(key: Passkey) -> AttestedCredentialData:
    return AttestedCredentialData(bytes(key.credential))
