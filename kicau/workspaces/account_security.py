"""Changes to how somebody signs in: each is in the trail, and the person hears of it; and what ends with them."""

from __future__ import annotations

from uuid import UUID

from django.db import transaction

from kicau.base import clock
from kicau.base.errors import NotFound
from kicau.base.ids import as_uuid
from kicau.events.catalogue import SignInChanged
from kicau.events.dispatch import emit
from kicau.rights.models import ActivityEntry
from kicau.workspaces import sessions
from kicau.workspaces.models import ApiToken, BrowserSession, Person


@transaction.atomic
def record_security_change(person: Person, act: str, *, letter: str = "", **detail: object) -> None:
    """One line in the trail, and word to the person. `letter`: what they hear of, where it is not the act itself."""
    ActivityEntry.objects.create(
        actor=person.name, actor_id=person.id, via="page", act=act, subject=str(person.id), detail=detail
    )
    emit(SignInChanged(person=person, change=letter or act, name=str(detail.get("name", ""))))


def revoke_tokens(person: Person) -> int:
    """Every API token of theirs stops working; returns how many."""
    return ApiToken.objects.filter(person=person, revoked_at=None).update(revoked_at=clock.now())


@transaction.atomic
def end_session(person: Person, handle: UUID | str) -> None:
    """Sign them out in one browser. Raises NotFound."""
    found = BrowserSession.objects.select_for_update().filter(person=person, handle=as_uuid(handle)).first()
    if found is None:
        raise NotFound("session", handle)
    found.delete()
    record_security_change(person, "person.session_ended", address=found.address)


@transaction.atomic
def end_other_sessions(person: Person, keep: str) -> int:
    """Sign them out everywhere but in the session with the key `keep`; returns how many sessions ended."""
    count = sessions.end_all_sessions(person, keep)
    record_security_change(person, "person.sessions_ended", count=count)
    return count


@transaction.atomic
def end_access(person: Person, keep: str = "") -> None:
    """Their API tokens and their other sessions end."""
    record_security_change(
        person, "person.access_ended", tokens=revoke_tokens(person), sessions=sessions.end_all_sessions(person, keep)
    )
