"""E-mail addresses: which are taken, when two are the same, and whose an address is here.

Databases and mail servers disagree about letters outside ASCII ("ſ" in upper case is "S"), and two mailboxes that one
of them takes for the same are a way into somebody's account. So the part before the @ is ASCII, and whatever is
found without regard to case is compared once more.
"""

from __future__ import annotations

from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from kicau.base.errors import validation_failed
from kicau.workspaces.models import Person


def clean_email(email: str) -> str:
    """The address without blanks around it. Raises ValidationFailed."""
    email = email.strip()
    try:
        validate_email(email)
        _normalize_email(email)
    except (ValidationError, ValueError):
        raise validation_failed(
            "email", "{email!r} is not a valid e-mail address. Check the address for typing errors.", email=email
        ) from None
    return email


def is_same_email(one: str, other: str) -> bool:
    """Whether both are the same address, whatever their case."""
    try:
        return _normalize_email(one) == _normalize_email(other)
    except ValueError:
        return False


def find_person_by_email(email: str) -> Person | None:
    """Who is here under the address. Whether they have proved that it is theirs is the caller's question."""
    found = Person.objects.filter(email__iexact=email.strip())
    return next((one for one in found if is_same_email(one.email, email)), None)


def _normalize_email(email: str) -> str:
    """Raises ValueError (UnicodeError is one) for what is no address."""
    local, _at, domain = email.strip().rpartition("@")
    if not local.isascii() or not local or not domain:
        raise ValueError("no address")
    return f"{local.lower()}@{domain.encode('idna').decode().lower()}"
