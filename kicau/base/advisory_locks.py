"""Who works on what: a lock of the database's session, so that a process that dies lets go at once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from django.db import connection

_LOCK_HELD_SQL = "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 1 AND classid::bigint << 32 | objid::bigint = %s LIMIT 1"


@contextmanager
def exclusive_lock(what: UUID) -> Iterator[None]:
    """Waits until no other process works on it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [_lock_key(what)])
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [_lock_key(what)])


@contextmanager
def shared_lock(what: UUID) -> Iterator[None]:
    """Lets others see that a process works on it (`is_unlocked`), and keeps none of them away."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock_shared(%s)", [_lock_key(what)])
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock_shared(%s)", [_lock_key(what)])


def is_unlocked(what: UUID) -> bool:
    """Whether no process works on it now."""
    with connection.cursor() as cursor:
        cursor.execute(_LOCK_HELD_SQL, [_lock_key(what)])
        return cursor.fetchone() is None


def _lock_key(what: UUID) -> int:
    return what.int & (2**63 - 1)
