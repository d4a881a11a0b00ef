"""Sign-ins, good and refused, in the log and in the audit trail, with the address (IP) they came from.

What was typed as an address is kept nowhere: it may be a password in the wrong field.
"""

from __future__ import annotations

import structlog

from kicau.rights.models import ActivityEntry
from kicau.workspaces.models import Person

log = structlog.get_logger("kicau.sign_ins")


def record_sign_in(person: Person, how: str, address: str) -> None:
    """`person` is signed in. `how`: password, code, passkey, provider, invitation, link or first visit."""
    ActivityEntry.objects.create(
        actor=person.name,
        actor_id=person.id,
        via="page",
        act="sign-in.ok",
        subject=str(person.id),
        detail={"how": how, "address": address},
    )
    log.info("signed in", person=str(person.id), how=how, address=address)


def record_rejected_sign_in(person: Person | None, how: str, address: str) -> None:
    """Somebody was not let in as `person`, or as nobody who is known here."""
    ActivityEntry.objects.create(
        actor="",
        via="page",
        act="sign-in.refused",
        subject=str(person.id) if person else "",
        detail={"how": how, "address": address},
    )
    log.warning("sign-in refused", person=str(person.id) if person else None, how=how, address=address)


def log_throttled_sign_in(how: str, address: str) -> None:
    """A try that was one too many, and so not tried at all: in the log alone, since there may be very many."""
    log.warning("sign-in not tried: too many before", how=how, address=address)
