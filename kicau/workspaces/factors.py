"""The second factor: an authenticator app's codes (TOTP, RFC 6238), and recovery codes for when it is lost."""

from __future__ import annotations

import base64
import hashlib
import secrets

from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor import InvalidToken
from cryptography.hazmat.primitives.twofactor.totp import TOTP
from django.db import transaction

from kicau.base import clock
from kicau.base.errors import Conflict, validation_failed
from kicau.workspaces import account_security
from kicau.workspaces.models import Authenticator, Passkey, Person, ProviderIdentity, RecoveryCode

TOTP_STEP_SECONDS = (
    30  # seconds that a code lives (RFC 6238, section 5.2: https://www.rfc-editor.org/rfc/rfc6238, 2011-05)
)
ALLOWED_TOTP_STEPS = (0, -1, 1)  # steps by which the phone's clock may differ
RECOVERY_CODE_COUNT = 10
RECOVERY_CODE_ALPHABET = "23456789abcdefghjkmnpqrstuvwxyz"  # nothing that looks like another
ISSUER = "Kicau"


def begin_totp_setup(person: Person) -> Authenticator:
    """A secret for the person's app, kept until a code confirms it; the same one while it waits. Conflict where one counts."""
    found = Authenticator.objects.filter(person=person).first()
    if found and found.confirmed_at:
        raise Conflict(
            "Your account already has an authenticator app. To set up another one, turn off the current one first."
        )
    return found or Authenticator.objects.create(
        person=person, secret=base64.b32encode(secrets.token_bytes(20)).decode()
    )


def otpauth_url(person: Person, authenticator: Authenticator) -> str:
    """What the QR code holds (otpauth://…)."""
    return _totp(authenticator).get_provisioning_uri(person.email, ISSUER)


@transaction.atomic
def confirm_totp_setup(person: Person, code: str) -> list[str]:
    """The app showed `code`: from now on it is asked for. Gives the recovery codes, shown once. Raises ValidationFailed."""
    found = Authenticator.objects.select_for_update().filter(person=person, confirmed_at=None).first()
    if found is None:
        raise Conflict(
            "You have not started to set up an authenticator app, or the setup is already finished. To set up an app, start again."
        )
    if not _is_code_valid(found, code):
        raise validation_failed(
            "code",
            "This code is wrong. Check that your phone's clock is correct, then enter the next code from your authenticator app.",
        )
    found.confirmed_at = clock.now()
    found.save(update_fields=["confirmed_at"])
    account_security.record_security_change(person, "person.two_factor_on")
    return _create_recovery_codes(person)


@transaction.atomic
def turn_off_second_factor(person: Person) -> None:
    """No code is asked for any more; the recovery codes are gone."""
    Authenticator.objects.filter(person=person).delete()
    RecoveryCode.objects.filter(person=person).delete()
    account_security.record_security_change(person, "person.two_factor_off")


@transaction.atomic
def new_recovery_codes(person: Person) -> list[str]:
    """Ten others; the old ones stop counting. Raises Conflict where there is no second factor."""
    if not is_second_factor_on(person):
        raise Conflict(
            "Recovery codes let you sign in if you lose your authenticator app. Set up an authenticator app first."
        )
    account_security.record_security_change(person, "person.recovery_codes")
    return _create_recovery_codes(person)


def is_second_factor_on(person: Person) -> bool:
    """Whether a code is asked for after the password."""
    return Authenticator.objects.filter(person=person).exclude(confirmed_at=None).exists()


def has_own_second_factor(person: Person) -> bool:
    """Whether they have a second factor of Kicau: an authenticator app, or a passkey, which stands for both factors."""
    return is_second_factor_on(person) or Passkey.objects.filter(person=person).exists()


def has_any_second_factor(person: Person) -> bool:
    """The same, or one of the identity provider, as it said at their last sign-in by it."""
    return (
        has_own_second_factor(person) or ProviderIdentity.objects.filter(person=person, had_second_factor=True).exists()
    )


def count_recovery_codes(person: Person) -> int:
    return RecoveryCode.objects.filter(person=person, used_at=None).count()


@transaction.atomic
def check_code(person: Person, code: str) -> bool:
    """Whether `code` is the app's present one or an unused recovery code; either counts once."""
    found = Authenticator.objects.select_for_update().filter(person=person).exclude(confirmed_at=None).first()
    if found is None:
        return False
    if _is_code_valid(found, code):
        return True
    digest = _digest(code)
    used = RecoveryCode.objects.filter(person=person, digest=digest, used_at=None).update(used_at=clock.now())
    if used:
        account_security.record_security_change(person, "person.recovery_code_used")
    return bool(used)


def _is_code_valid(authenticator: Authenticator, code: str) -> bool:
    """Whether the code is of this moment and newer than the last one that was used."""
    given = "".join(code.split())
    if len(given) != 6 or not given.isascii() or not given.isdigit():
        return False
    now = int(clock.now().timestamp())
    for drift in ALLOWED_TOTP_STEPS:
        at = now + drift * TOTP_STEP_SECONDS
        if at // TOTP_STEP_SECONDS <= authenticator.last_step:
            continue
        try:
            _totp(authenticator).verify(given.encode(), at)
        except InvalidToken:
            continue
        authenticator.last_step = at // TOTP_STEP_SECONDS
        authenticator.save(update_fields=["last_step"])
        return True
    return False


def _totp(authenticator: Authenticator) -> TOTP:
    return TOTP(base64.b32decode(authenticator.secret), 6, SHA1(), TOTP_STEP_SECONDS)  # noqa: S303 (what every app speaks)


def _create_recovery_codes(person: Person) -> list[str]:
    RecoveryCode.objects.filter(person=person).delete()
    codes = [
        "-".join("".join(secrets.choice(RECOVERY_CODE_ALPHABET) for _ in range(5)) for _ in range(2))
        for _ in range(RECOVERY_CODE_COUNT)
    ]
    RecoveryCode.objects.bulk_create([RecoveryCode(person=person, digest=_digest(code)) for code in codes])
    return codes


def _digest(code: str) -> str:
    """Of a recovery code as people type it. Its 49 bits need no slow hash: guesses are counted before they come here."""
    plain = "".join(c for c in code.casefold() if c.isalnum())
    return hashlib.sha256(plain.encode("utf-8", "replace")).hexdigest()
