"""Who works on what: a lock of the database's session, so that a process that dies lets go at once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from django.db import connection

_HELD = "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 1 AND classid::bigint << 32 | objid::bigint = %s LIMIT 1"


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


@contextmanager
def at_work(what: UUID) -> Iterator[None]:
    """Lets others see that a process works on it (`is_free`), and keeps none of them away."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock_shared(%s)", [_key(what)])
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock_shared(%s)", [_key(what)])


def is_free(what: UUID) -> bool:
    """Whether no process works on it now."""
    with connection.cursor() as cursor:
        cursor.execute(_HELD, [_key(what)])
        return cursor.fetchone() is None


def _key(what: UUID) -> int:
    return what.int & (2**63 - 1)
