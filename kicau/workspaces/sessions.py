"""Sessions of browsers in the database: whose they are, and their end."""

from __future__ import annotations

from django.contrib.auth import HASH_SESSION_KEY
from django.utils.crypto import constant_time_compare

from kicau.base import clock
from kicau.workspaces.models import BrowserSession, Person
from kicau.workspaces.session_store import SessionStore


def delete_expired() -> int:
    """Delete sessions that have ended by time; returns how many."""
    return int(BrowserSession.objects.filter(expire_date__lt=clock.now()).delete()[0])


def sessions_of(person: Person) -> list[BrowserSession]:
    """All sessions in which this person is signed in, the last used first. Those of an earlier password have ended."""
    rows = BrowserSession.objects.filter(person=person, expire_date__gt=clock.now()).order_by("-used_at", "-began_at")
    return [row for row in rows if _is_valid_for(row, person)]


def end_all_sessions(person: Person, keep: str = "") -> int:
    """Sign somebody out everywhere but in the session with the key `keep`; returns how many sessions ended."""
    return int(BrowserSession.objects.filter(person=person).exclude(session_key=keep).delete()[0])


def _is_valid_for(row: BrowserSession, person: Person) -> bool:
    hashed = str(SessionStore().decode(row.session_data).get(HASH_SESSION_KEY, ""))
    known = [person.get_session_auth_hash(), *person.get_session_auth_fallback_hash()]
    return any(constant_time_compare(hashed, one) for one in known)
