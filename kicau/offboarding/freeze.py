"""Stopping a queue and letting it go on, in bulk; what was stopped remembers the state that it was in.

A delivery whose step is under way is left to its worker, which settles it; what is then still waiting is stopped by the
next round of `periodic_work.py`.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection

from kicau.base.sentences import Sentence
from kicau.offboarding.models import Offboarding
from kicau.publishing.bulk_transitions import FREEZE_SQL, THAW_SQL, reason_params

FREEZE_AND_REMEMBER_SQL = f"""{FREEZE_SQL}
INSERT INTO offboarding_frozendelivery (offboarding_id, delivery_id, was_state, was_hold, was_reason, was_said, frozen_at)
SELECT %(offboarding)s, id, state, hold, reason, said, %(now)s FROM stopped
ON CONFLICT (offboarding_id, delivery_id) DO UPDATE SET was_state = excluded.was_state, was_hold = excluded.was_hold,
    was_reason = excluded.was_reason, was_said = excluded.was_said, frozen_at = excluded.frozen_at, ended_at = NULL
"""  # noqa: S608 (constants only)
THAW_REMEMBERED_SQL = f"""
WITH back AS (
    UPDATE offboarding_frozendelivery f SET ended_at = %(now)s FROM publishing_delivery d
    WHERE f.offboarding_id = %(offboarding)s AND f.ended_at IS NULL AND d.id = f.delivery_id AND d.channel_id = ANY(%(channels)s)
    RETURNING f.delivery_id, f.was_state, f.was_hold, f.was_reason, f.was_said
)
{THAW_SQL}"""  # noqa: S608 (constants only)


def freeze_deliveries(
    row: Offboarding, channels: Iterable[UUID], reason: Sentence, now: datetime, *, before: datetime | None = None
) -> int:
    """Stop what waits on these channels (or of it, what was due before a time); returns how many that were."""
    values: dict[str, Any] = {"channels": list(channels), "offboarding": row.id, "now": now, "before": before}
    with connection.cursor() as cursor:
        cursor.execute(FREEZE_AND_REMEMBER_SQL, values | reason_params("reason", reason))
        return int(cursor.rowcount)


def thaw_deliveries(
    row: Offboarding, channels: Iterable[UUID], now: datetime, asked: Sentence, *, until: datetime | None = None
) -> tuple[int, int]:
    """Let go on what is due after `until` (now); returns (how many go on, how many are past their time and wait)."""
    values: dict[str, Any] = {"offboarding": row.id, "channels": list(channels), "now": now, "until": until or now}
    with connection.cursor() as cursor:
        cursor.execute(THAW_REMEMBERED_SQL, values | reason_params("asked", asked))
        late = [bool(is_late) for (is_late,) in cursor.fetchall()]
    return len(late) - sum(late), sum(late)
