"""What will be due in a moment, known beforehand, so that a claim names its rows and costs what it takes.

It is a hint and nothing more: the claim asks the database again whether each is still waiting and its channel open.
"""

from __future__ import annotations

import threading
import time
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from django.db import connection

from kicau.base import clock
from kicau.engine.dispatcher import Capacity
from kicau.publishing.delivery.claims import LOOK_UP_DUE_SQL

LOOK_AHEAD = timedelta(seconds=1)  # before its time that a delivery is seen
MAX_HINTS_PER_CHANNEL = 25  # of a channel, so that one with many takes no place from the others
MAX_HINTS_PER_NETWORK = 5000  # of a network, so that one with many hides no other
MANY_HINTS = 500  # from here on much is known
SHORT_LOOK_INTERVAL_SECONDS, LONG_LOOK_INTERVAL_SECONDS = 0.2, 1.0  # seconds between looks; seldom while much is known
CLOCK_MARGIN_SECONDS = 0.002  # seconds: the clock of days must have come as far as the monotonic one
CLAIM_BATCH_SIZE = 100  # claimed at once: the first of many are on their way while the next are claimed
# The planner takes what was due last year for waiting, too, and would start processes and compile for millions of rows.
DISABLE_PARALLEL_PLANS_SQL = "SET max_parallel_workers_per_gather = 0; SET jit = off"
# Where the database counted while many rows were being written, it takes the table for empty until it counts again, a
# minute or two later, and would read all of it for each row that is claimed.
ESTIMATED_ROW_COUNT_SQL = "SELECT reltuples FROM pg_class WHERE oid = 'publishing_delivery'::regclass"
ANALYZE_DELIVERIES_SQL = "ANALYZE (SKIP_LOCKED) publishing_delivery"
MAX_PROBES_PER_OUTAGE = 2  # of a network that is out, at a time


@dataclass(frozen=True, slots=True)
class DueHint:
    id: UUID
    lane: UUID
    outage: UUID | None  # its network was out when last tried
    at: float  # time.monotonic() when it is due


@dataclass(slots=True)
class DueQueue:
    """Looked for in one thread and chosen from in another, so that no claim waits for a look."""

    lanes: dict[UUID, int] = field(default_factory=dict)  # the channels that the last look saw, with their versions
    _groups: dict[str, deque[DueHint]] = field(default_factory=dict)
    _turn: threading.Lock = field(default_factory=threading.Lock)
    _named: set[UUID] = field(default_factory=set)  # by a claim that is not written yet
    _plain: object = None  # the connection that was told so
    _gone: set[UUID] = field(default_factory=set)  # what claims have named since the look began, which it may still see

    def look(self) -> float:
        """Seconds after which to look again: much that is known, or a costly look, is looked at less often."""
        with self._turn:
            self._gone = set(self._named)
        began = time.monotonic()
        with connection.cursor() as cursor:
            if connection.connection is not self._plain:
                cursor.execute(DISABLE_PARALLEL_PLANS_SQL)
                self._plain = connection.connection
            asked = clock.now()
            cursor.execute(
                LOOK_UP_DUE_SQL,
                {
                    "now": asked,
                    "until": asked + LOOK_AHEAD,
                    "each": MAX_HINTS_PER_CHANNEL,
                    "most": MAX_HINTS_PER_NETWORK,
                },
            )
            rows: Sequence[tuple[UUID, str, UUID, int, UUID | None, datetime]] = cursor.fetchall()
        now, present = time.monotonic(), clock.now()
        groups: dict[str, deque[DueHint]] = {}
        with self._turn:
            for id_, group, lane, _, outage, next_at in rows:
                if id_ not in self._gone:
                    wait = (next_at - present).total_seconds()
                    at = now + wait + CLOCK_MARGIN_SECONDS * (wait > 0)
                    groups.setdefault(group, deque()).append(DueHint(id_, lane, outage, at))
            self._groups = groups
        self.lanes = {lane: version for _, _, lane, version, _, _ in rows}
        if len(rows) >= MANY_HINTS:
            _analyze_if_estimate_low(len(rows))
        return max(
            SHORT_LOOK_INTERVAL_SECONDS if len(rows) < MANY_HINTS else LONG_LOOK_INTERVAL_SECONDS, 10 * (now - began)
        )

    def choose(self, room: Capacity) -> dict[UUID, UUID | None]:
        """What to claim now, the oldest first, each with the outage that it probes. It is known no longer."""
        now, probed = time.monotonic(), Counter[UUID]()
        chosen: dict[UUID, UUID | None] = {}
        used = dict(room.lanes)
        with self._turn:
            for group in sorted(room.groups, key=lambda group: len(self._groups.get(group, ()))):  # who has few, first
                free = min(room.groups[group], CLAIM_BATCH_SIZE - len(chosen))
                if free > 0 and (hints := self._groups.get(group)):
                    taken = _take_due_hints(hints, free, used, room.per_lane, now, probed)
                    chosen |= {hint.id: hint.outage for hint in taken}
            self._named = set(chosen)
            self._gone |= self._named
        return chosen

    def written(self) -> None:
        """The claim of what was chosen last is over, whatever became of it."""
        with self._turn:
            self._named = set()

    def wait(self) -> float:
        """Seconds until the next that is not due yet; OFTEN where none is known."""
        now = time.monotonic()
        with self._turn:
            coming = (hint.at - now for hints in self._groups.values() for hint in hints if hint.at > now)
            return min(coming, default=SHORT_LOOK_INTERVAL_SECONDS)


def _analyze_if_estimate_low(seen: int) -> None:
    """The database counts its rows where it believes that there are fewer than were just seen."""
    with connection.cursor() as cursor:
        cursor.execute(ESTIMATED_ROW_COUNT_SQL)
        if cursor.fetchone()[0] < seen:
            cursor.execute(ANALYZE_DELIVERIES_SQL)


def _take_due_hints(
    hints: deque[DueHint], free: int, used: dict[UUID, int], per_lane: int, now: float, probed: Counter[UUID]
) -> list[DueHint]:
    """The first `free` that may go now; the others stay in their order."""
    taken, kept = list[DueHint](), list[DueHint]()
    while hints and len(taken) < free:
        hint = hints.popleft()
        full = used.get(hint.lane, 0) >= per_lane or (
            hint.outage is not None and probed[hint.outage] >= MAX_PROBES_PER_OUTAGE
        )
        if hint.at > now or full:
            kept.append(hint)
            continue
        taken.append(hint)
        used[hint.lane] = used.get(hint.lane, 0) + 1
        if hint.outage is not None:
            probed[hint.outage] += 1
    hints.extendleft(reversed(kept))
    return taken
