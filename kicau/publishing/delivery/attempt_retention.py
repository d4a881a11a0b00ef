"""How long the story of each delivery's steps is kept; the deliveries themselves are kept for ever."""

from __future__ import annotations

from datetime import timedelta

from django.db import connection

from kicau.base import clock, setting_definitions

DELETE_BATCH_SIZE = 5000  # at a time, so that nothing waits for it

# Ids grow with time: the oldest are the lowest, and where those are young there is nothing to look for.
DELETE_ATTEMPTS_SQL = """
WITH oldest AS (SELECT id, at FROM publishing_attempt ORDER BY id LIMIT %s)
DELETE FROM publishing_attempt a USING oldest WHERE a.id = oldest.id AND oldest.at < %s
"""


def delete_old_attempts() -> int:
    """Delete attempts older than KICAU_ATTEMPT_DAYS, some at a time; returns how many, or 0 when none are left."""
    days = int(setting_definitions.read_setting("KICAU_ATTEMPT_DAYS"))
    if days == 0:
        return 0
    with connection.cursor() as cursor:
        cursor.execute(DELETE_ATTEMPTS_SQL, [DELETE_BATCH_SIZE, clock.now() - timedelta(days=days)])
        return int(cursor.rowcount)
