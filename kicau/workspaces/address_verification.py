"""Whose an address is. An account's address counts as proved once its owner used a link that was mailed there and shown
to nobody, came back from an identity provider that has verified it, or an operator vouched for it at the shell.

Before that, anybody could have made the account. So an account without proof is never merged with an identity and
never added to a workspace by its address; and with the first proof every other way into it ends.
"""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta

import structlog
from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.mail import EmailMessage
from django.db import transaction
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _

from kicau.base import clock
from kicau.base.errors import Conflict, validation_failed
from kicau.base.sentences import Sentence
from kicau.workspaces import account_security, addresses
from kicau.workspaces.models import AddressVerification, Authenticator, Passkey, Person, ProviderIdentity, RecoveryCode

LINK_LIFETIME = timedelta(hours=24)
MAX_LINKS_PER_DAY = 5  # e-mails that one account may have sent to an address that may be a stranger's
log = structlog.get_logger("kicau.workspaces")


def send_link(person: Person) -> None:
    """Mail the person a link that proves their address. An earlier one stops working. Raises Conflict."""
    if not settings.KICAU_SENDS_MAIL:
        raise Conflict("This server cannot send e-mail. Ask the server administrator to confirm your e-mail address.")
    if person.is_proved:
        raise Conflict("Your e-mail address is already confirmed.")
    secret = secrets.token_urlsafe(32)
    with transaction.atomic():
        Person.objects.select_for_update().get(id=person.id)
        day = clock.now() - timedelta(days=1)
        if AddressVerification.objects.filter(person=person, created_at__gt=day).count() >= MAX_LINKS_PER_DAY:
            raise Conflict(
                Sentence(
                    "Kicau already sent you {most} confirmation links in the past 24 hours, which is the limit. Try again tomorrow.",
                    most=MAX_LINKS_PER_DAY,
                )
            )
        AddressVerification.objects.filter(person=person, used_at=None).update(expires_at=clock.now())
        AddressVerification.objects.create(
            person=person, email=person.email, digest=_digest(secret), expires_at=clock.now() + LINK_LIFETIME
        )
        account_security.record_security_change(person, "person.proof_sent")
    link = settings.KICAU_PUBLIC_URL + reverse("verify-address", args=[secret])
    with translation.override(person.language):
        subject = _("Confirm your e-mail address for Kicau")
        body = _(
            "Someone uses Kicau with the e-mail address %(email)s. If this is you, open this link and choose a password. The link works once and expires after %(hours)s hours:\n%(link)s\n\nAll other ways to sign in to the account then stop working. If this is not you, you can still choose a password. The person who created the account can then no longer sign in. You can also ignore this e-mail."
        ) % {"email": person.email, "hours": LINK_LIFETIME // timedelta(hours=1), "link": link}
    try:
        EmailMessage(subject, body, to=[person.email]).send()
    except OSError as exc:  # smtplib's errors are OSErrors
        log.warning("a confirmation link could not be sent", person=str(person.id), why=str(exc)[:200])
        raise Conflict(
            "The mail server did not accept the e-mail with the confirmation link. Try again later."
        ) from None


def proof_by_link(secret: str) -> AddressVerification:
    """What a mailed link proves, while it works. Raises Conflict with what to do."""
    found = (
        AddressVerification.objects.select_related("person")
        .filter(digest=_digest(secret), used_at=None, expires_at__gt=clock.now(), person__is_active=True)
        .first()
    )
    if found is None or not addresses.is_same_email(found.email, found.person.email):
        raise Conflict("This confirmation link was already used or is older than 24 hours. Request a new link.")
    return found


@transaction.atomic
def accept_link(secret: str, password: str) -> Person:
    """The address is the account's, and the account is now its reader's alone. Raises Conflict, ValidationFailed."""
    found = proof_by_link(secret)
    AddressVerification.objects.select_for_update().get(id=found.id)
    found = proof_by_link(secret)  # nobody was faster
    AddressVerification.objects.filter(id=found.id).update(used_at=clock.now())
    assign_proved_address(found.person, password, by="link")
    return found.person


@transaction.atomic
def assign_proved_address(
    person: Person, password: str | None, *, by: str, identity: ProviderIdentity | None = None
) -> None:
    """The first proof: from now on only who proved the address gets in, by `password` or (None) by `identity`.

    Sessions end because they depend on the password. Raises ValidationFailed (a weak password).
    """
    if password is None:
        person.set_unusable_password()
    else:
        set_password(person, password)
    end_other_access(person, keep=identity)
    person.email_proved_at = clock.now()
    person.save(update_fields=["password", "email_proved_at"])
    account_security.record_security_change(person, "person.address_proved", by=by)


@transaction.atomic
def vouch_for_address(person: Person, operator: Person, password: str | None = None) -> None:
    """An operator says at the shell that the address is the account's. `password`: end all other ways in, and use this
    one. Raises ValidationFailed."""
    if password is not None:
        assign_proved_address(person, password, by="operator")
        return
    person.email_proved_at = clock.now()
    person.save(update_fields=["email_proved_at"])
    account_security.record_security_change(person, "person.address_proved", by="operator", operator=str(operator))


@transaction.atomic
def end_other_access(person: Person, keep: ProviderIdentity | None = None) -> None:
    """Tokens, passkeys, authenticator app, recovery codes and provider identities stop working (but for `keep`)."""
    account_security.revoke_tokens(person)
    Passkey.objects.filter(person=person).delete()
    Authenticator.objects.filter(person=person).delete()
    RecoveryCode.objects.filter(person=person).delete()
    ProviderIdentity.objects.filter(person=person).exclude(pk=keep.pk if keep else 0).delete()
    AddressVerification.objects.filter(person=person, used_at=None).update(expires_at=clock.now())


def set_password(person: Person, password: str) -> None:
    """Raises ValidationFailed. The caller saves."""
    try:
        validate_password(password, person)
    except ValidationError as exc:
        raise validation_failed("password", " ".join(exc.messages).replace("{", "(").replace("}", ")")) from None
    person.set_password(password)


def sign_in_methods(person: Person) -> dict[str, int]:
    """What opens the account beside its password, for who has to judge whose it is."""
    return {
        "passkeys": person.passkeys.count(),
        "identities": person.identities.count(),
        "tokens": person.tokens.filter(revoked_at=None).count(),
    }


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()
