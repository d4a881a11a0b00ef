"""How deliveries stand and what became of them, in numbers, for those who host the instance: of all workspaces."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import connection

from kicau.base import clock

# Waiting in every sense: due, not taken, whatever its channel waits for. By the index of what is due. A lease is compared
# by the database's clock, which wrote it.
DUE_DELIVERIES_SQL = """
SELECT network, count(*) FILTER (WHERE free), extract(epoch FROM %(now)s - min(next_at) FILTER (WHERE free)), count(*) FILTER (WHERE NOT free)
FROM (SELECT network, next_at, lease_until IS NULL OR lease_until < clock_timestamp() AS free FROM publishing_delivery
      WHERE state IN ('scheduled', 'publishing') AND next_at <= %(now)s) d GROUP BY network
"""
ATTENTION_COUNT_SQL = """
SELECT d.network, d.state, count(*) FROM publishing_delivery d JOIN channels_channel c ON c.id = d.channel_id
WHERE NOT (d.hold = 'offboarded' AND c.state IN ('offboarded', 'removed')) AND d.workspace_id = ANY(ARRAY(SELECT id FROM workspaces_workspace)) AND d.state = ANY(ARRAY['held', 'failed', 'unknown', 'parked'])
GROUP BY d.network, d.state
"""
# A statement of a wave is settled within seconds; what is younger may not be visible yet, though its ids are taken.
SETTLED_ATTEMPT_SQL = "SELECT coalesce((SELECT id FROM publishing_attempt WHERE at < least(%s::timestamptz, %s) ORDER BY id DESC LIMIT 1), 0)"
OUTCOME_COUNT_SQL = """
SELECT d.network, a.did, a.outcome, count(*), coalesce(array_agg(extract(epoch FROM d.published_at - d.due_at)) FILTER (WHERE a.outcome = 'published'), '{}')
FROM publishing_attempt a JOIN publishing_delivery d ON d.id = a.delivery_id WHERE a.id > %s AND a.id <= %s GROUP BY 1, 2, 3
"""
LATENCY_BUCKETS_SECONDS = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 60.0, 300.0, 3600.0)  # seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryQueue:
    network: str
    due: int  # may be taken, by their time
    oldest_seconds: float  # of these
    in_flight: int


def delivery_queues() -> list[DeliveryQueue]:
    with connection.cursor() as cursor:
        cursor.execute(DUE_DELIVERIES_SQL, {"now": clock.now()})
        return [
            DeliveryQueue(network=n, due=due, oldest_seconds=float(old or 0), in_flight=taken)
            for n, due, old, taken in cursor.fetchall()
        ]


def attention_counts() -> list[tuple[str, str, int]]:
    """Network, state, and how many deliveries wait in it for a person."""
    with connection.cursor() as cursor:
        cursor.execute(ATTENTION_COUNT_SQL)
        return list(cursor.fetchall())


@dataclass(slots=True)
class OutcomeCounter:
    """What steps came to since this was made, with its process; ten seconds behind, so that none is missed. Reading a
    stretch of the attempt log each time costs the hot path nothing."""

    since: datetime = field(default_factory=clock.now)

    counted: Counter[tuple[str, str, str]] = field(default_factory=Counter)  # network, did, outcome
    late: dict[str, list[int]] = field(default_factory=dict)  # network: how many in each of BUCKETS, and beyond
    late_sum: Counter[str] = field(default_factory=Counter)
    _last: int | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def catch_up(self) -> None:
        with self._lock, connection.cursor() as cursor:
            if self._last is None:
                self._last = _last_settled_attempt(cursor, self.since)
            until = _last_settled_attempt(cursor, None)
            if until > self._last:
                cursor.execute(OUTCOME_COUNT_SQL, [self._last, until])
                for network, did, outcome, count, late in cursor.fetchall():
                    self.counted[network, did, outcome] += count
                    self._add(network, [float(seconds) for seconds in late if seconds is not None])
            self._last = until

    def _add(self, network: str, late: list[float]) -> None:
        row = self.late.setdefault(network, [0] * (len(LATENCY_BUCKETS_SECONDS) + 1))
        for seconds in late:
            row[
                next(
                    (n for n, top in enumerate(LATENCY_BUCKETS_SECONDS) if seconds <= top), len(LATENCY_BUCKETS_SECONDS)
                )
            ] += 1
            self.late_sum[network] += max(seconds, 0)  # type: ignore[assignment]


def _last_settled_attempt(cursor: Any, before: datetime | None) -> int:
    """The last line of the attempt log that is surely whole, or the last one before that moment."""
    cursor.execute(SETTLED_ATTEMPT_SQL, [clock.now() - timedelta(seconds=10), before])
    return int(cursor.fetchone()[0])
