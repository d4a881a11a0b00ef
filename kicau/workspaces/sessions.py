"""Sessions of browsers in the database."""

from __future__ import annotations

from collections.abc import Iterator

from django.contrib.sessions.models import Session

from kicau.base import clock
from kicau.workspaces.models import Person


def delete_expired() -> int:
    """Delete sessions that have ended by time; returns how many."""
    return int(Session.objects.filter(expire_date__lt=clock.now()).delete()[0])


def of_person(person: Person) -> Iterator[Session]:
    """All sessions in which this person is signed in."""
    for row in Session.objects.filter(expire_date__gte=clock.now()).iterator(chunk_size=500):
        if row.get_decoded().get("_auth_user_id") == str(person.id):
            yield row
