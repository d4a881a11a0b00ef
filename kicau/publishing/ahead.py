"""What will be due in a moment, known beforehand, so that a claim names its rows and costs what it takes.

It is a hint and nothing more: the claim asks the database again whether each is still waiting and its channel open.
"""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

from django.db import connection

from kicau.engine.pump import Room
from kicau.publishing.claims import LOOK

AHEAD = 1.0  # seconds before its time that a delivery is seen
EACH = 25  # of a channel, so that one with many takes no place from the others
MOST = 5000  # seen in one look
OFTEN, SELDOM = 0.2, 1.0  # seconds between looks; seldom while much is known
MARGIN = 0.002  # seconds: the database's clock must have come as far as ours
WAVE = 100  # claimed at once: the first of many are on their way while the next are claimed
PROBES = 2  # of a network that is out, at a time


@dataclass(frozen=True, slots=True)
class Hint:
    id: UUID
    lane: UUID
    outage: UUID | None  # its network was out when last tried
    at: float  # time.monotonic() when it is due


@dataclass(slots=True)
class Ahead:
    _groups: dict[str, deque[Hint]] = field(default_factory=dict)
    _count: int = 0
    _looked: float = 0.0
    _took: float = 0.0  # seconds of the last look: a costly one is taken less often

    def choose(self, room: Room) -> dict[UUID, UUID | None]:
        """What to claim now, the oldest first, each with the outage that it probes. It is known no longer."""
        if self._is_time():
            self._look()
        now, probed = time.monotonic(), Counter[UUID]()
        chosen: dict[UUID, UUID | None] = {}
        used = dict(room.lanes)
        for group, free in room.groups.items():
            free = min(free, WAVE - len(chosen))
            if free > 0 and (hints := self._groups.get(group)):
                taken = _take(hints, free, used, room.per_lane, now, probed)
                self._count -= len(taken)
                chosen |= {hint.id: hint.outage for hint in taken}
        return chosen

    def wait(self) -> float:
        """Seconds until the next that is not due yet; OFTEN where none is known."""
        now = time.monotonic()
        coming = (hint.at - now for hints in self._groups.values() for hint in hints if hint.at > now)
        return min(coming, default=OFTEN)

    def _is_time(self) -> bool:
        pause = OFTEN if self._count < MOST / 10 else SELDOM
        return self._count == 0 or time.monotonic() - self._looked > max(pause, 10 * self._took)

    def _look(self) -> None:
        began = time.monotonic()
        with connection.cursor() as cursor:
            cursor.execute(LOOK, {"ahead": AHEAD, "each": EACH, "most": MOST})
            rows: Sequence[tuple[UUID, str, UUID, UUID | None, float]] = cursor.fetchall()
        now = time.monotonic()
        self._groups, self._count, self._looked, self._took = {}, len(rows), now, now - began
        for id_, group, lane, outage, wait in rows:
            self._groups.setdefault(group, deque()).append(Hint(id_, lane, outage, now + wait + MARGIN * (wait > 0)))


def _take(hints: deque[Hint], free: int, used: dict[UUID, int], per_lane: int, now: float, probed: Counter[UUID]) -> list[Hint]:  # fmt: skip
    """The first `free` that may go now; the others stay in their order."""
    taken, kept = list[Hint](), list[Hint]()
    while hints and len(taken) < free:
        hint = hints.popleft()
        full = used.get(hint.lane, 0) >= per_lane or (hint.outage is not None and probed[hint.outage] >= PROBES)
        if hint.at > now or full:
            kept.append(hint)
            continue
        taken.append(hint)
        used[hint.lane] = used.get(hint.lane, 0) + 1
        if hint.outage is not None:
            probed[hint.outage] += 1
    hints.extendleft(reversed(kept))
    return taken
