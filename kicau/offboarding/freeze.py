"""The statements that stop a queue and let it go on, in bulk. Nothing but state, hold and reason is ever written: text,
media, times, progress, keys and remote ids stay as they are.

A delivery whose step is under way is left to its worker, which settles it; what is then still waiting is stopped by the
next round of `rounds.py`. A step that began and lost its worker is marked, so that `find` comes before anything else.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from django.db import connection

from kicau.base.sentences import Sentence, to_stored_pieces
from kicau.offboarding.models import Withdrawal

PENDING_STATES_SQL = "('scheduled', 'publishing', 'held')"

# A lease is compared by the database's clock, which wrote it.
FREEZE_SQL = f"""
WITH waiting AS (
    SELECT id, state, hold, reason, said FROM publishing_delivery
    WHERE channel_id = ANY(%(channels)s) AND state IN {PENDING_STATES_SQL} AND hold <> 'withdrawn'
      AND (%(before)s::timestamptz IS NULL OR due_at < %(before)s)
      AND (lease_until IS NULL OR lease_until <= clock_timestamp())
    FOR UPDATE
), kept AS (
    INSERT INTO offboarding_frozen (withdrawal_id, delivery_id, was_state, was_hold, was_reason, was_said, frozen_at)
    SELECT %(withdrawal)s, id, state, hold, reason, said, %(now)s FROM waiting
    ON CONFLICT (withdrawal_id, delivery_id) DO UPDATE SET was_state = excluded.was_state, was_hold = excluded.was_hold,
        was_reason = excluded.was_reason, was_said = excluded.was_said, frozen_at = excluded.frozen_at, ended_at = NULL
)
UPDATE publishing_delivery d SET
    state = 'held', hold = 'withdrawn', reason = %(reason)s, said = %(said)s::jsonb, broken_at = coalesce(d.broken_at, d.begun_at), begun_at = NULL,
    lease_until = NULL, worker = '', changed_at = %(now)s
FROM waiting WHERE d.id = waiting.id
"""  # noqa: S608 (constants only)

# What is past its time is not let go: it keeps its hold, and a person is asked.
THAW_SQL = """
WITH back AS (
    UPDATE offboarding_frozen f SET ended_at = %(now)s FROM publishing_delivery d
    WHERE f.withdrawal_id = %(withdrawal)s AND f.ended_at IS NULL AND d.id = f.delivery_id AND d.channel_id = ANY(%(channels)s)
    RETURNING f.delivery_id, f.was_state, f.was_hold, f.was_reason, f.was_said
)
UPDATE publishing_delivery d SET
    state = CASE WHEN d.due_at > %(until)s THEN b.was_state ELSE d.state END,
    hold = CASE WHEN d.due_at > %(until)s THEN b.was_hold ELSE d.hold END,
    reason = CASE WHEN d.due_at > %(until)s THEN b.was_reason ELSE %(asked)s END,
    said = CASE WHEN d.due_at > %(until)s THEN b.was_said ELSE %(said)s::jsonb END,
    changed_at = %(now)s
FROM back b WHERE d.id = b.delivery_id AND d.state = 'held' AND d.hold = 'withdrawn'
RETURNING d.hold = 'withdrawn' AND d.state = 'held' AND d.due_at <= %(until)s
"""


def freeze_deliveries(
    row: Withdrawal, channels: Iterable[UUID], reason: Sentence, now: datetime, *, before: datetime | None = None
) -> int:
    """Stop what waits on these channels (or of it, what was due before a time); returns how many that were."""
    with connection.cursor() as cursor:
        cursor.execute(
            FREEZE_SQL,
            {
                "channels": list(channels),
                "withdrawal": row.id,
                "reason": str(reason),
                "said": json.dumps(to_stored_pieces(reason)),
                "now": now,
                "before": before,
            },
        )
        return int(cursor.rowcount)


def thaw_deliveries(
    row: Withdrawal, channels: Iterable[UUID], now: datetime, asked: Sentence, *, until: datetime | None = None
) -> tuple[int, int]:
    """Let go on what is due after `until` (now); returns (how many go on, how many are past their time and wait)."""
    with connection.cursor() as cursor:
        cursor.execute(
            THAW_SQL,
            {
                "withdrawal": row.id,
                "channels": list(channels),
                "now": now,
                "until": until or now,
                "asked": str(asked),
                "said": json.dumps(to_stored_pieces(asked)),
            },
        )
        late = [bool(is_late) for (is_late,) in cursor.fetchall()]
    return len(late) - sum(late), sum(late)
