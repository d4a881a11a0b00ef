"""What waits to be made, and who makes it: a lock of the database's session, so that a process that dies lets go."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from django.db import connection

from kicau.datasets.models import Preview, Version, VersionState

UNDONE = (VersionState.WAITING, VersionState.MAKING)  # the second counts where its process is gone
_HELD = "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 1 AND classid::bigint << 32 | objid::bigint = %s LIMIT 1"  # fmt: skip


def preview() -> Preview | None:
    """The one that waits longest and that nobody works on."""
    rows = Preview.objects.select_related("set__workspace").filter(state__in=UNDONE).order_by("as_of")[:50]
    return next((row for row in rows if _is_free(row.set_id)), None)


def version() -> Version | None:
    """The one that waits longest and that nobody works on."""
    rows = Version.objects.select_related("set__workspace").filter(state__in=UNDONE).order_by("id")[:50]
    return next((row for row in rows if _is_free(row.id)), None)


@contextmanager
def alone(what: UUID) -> Iterator[None]:
    """Waits until no other process works on it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [_key(what)])
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [_key(what)])


def _is_free(what: UUID) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(_HELD, [_key(what)])
        return cursor.fetchone() is None


def _key(what: UUID) -> int:
    return what.int & (2**63 - 1)
