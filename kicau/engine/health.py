"""Whether the engine does its work: is a worker alive, and how late is the latest."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Max

from kicau.base import clock
from kicau.engine.models import Heartbeat

WORKER_TIMEOUT = timedelta(seconds=20)  # a worker not heard of for so long is gone; it tells of itself every 5 s
LATENESS_LIMIT = timedelta(seconds=60)  # work this late makes health red


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineHealth:
    ok: bool
    workers: int
    latest: timedelta  # how late the latest due work is; zero when none is
    late: int  # how many are later than LATE
    says: str  # one sentence


def workers_alive() -> int:
    return Heartbeat.objects.filter(at__gte=clock.now() - WORKER_TIMEOUT).count()


def last_heartbeat() -> datetime | None:
    """When any worker was last heard of; None where none was in the last hour."""
    return Heartbeat.objects.aggregate(last=Max("at"))["last"]  # type: ignore[no-any-return]


def vanished_workers() -> list[tuple[str, datetime]]:
    """Workers that fell silent without having stopped, while others live, and that no younger one replaces: their names
    and last signs."""
    rows = list(Heartbeat.objects.order_by("at"))
    silent = clock.now() - WORKER_TIMEOUT
    gone = [row for row in rows if row.at < silent]
    alive = [row for row in rows if row.at >= silent]
    younger = sum(1 for row in alive if gone and row.started_at > gone[0].at)
    return [(row.worker, row.at) for row in gone[younger:]] if alive else []


def delete_dead_workers() -> int:
    """Drop workers that were silent for an hour; returns how many."""
    return Heartbeat.objects.filter(at__lt=clock.now() - timedelta(hours=1)).delete()[0]


def assess_health(oldest_due: datetime | None, late: int, workers: int) -> EngineHealth:
    """`oldest_due`: when the longest waiting work was due; `late`: how many wait for longer than LATE."""
    behind = max(clock.now() - oldest_due, timedelta()) if oldest_due else timedelta()
    if workers == 0:
        says = "No worker is running, so nothing will be published; start one with: kicau up"
    elif behind > LATENESS_LIMIT:
        says = f"{late} deliveries are late, the latest by {round(behind.total_seconds())} s; look at: kicau calendar --state publishing"
    else:
        says = f"{workers} worker{'s' if workers > 1 else ''}, nothing late"
    return EngineHealth(
        ok=workers > 0 and behind <= LATENESS_LIMIT, workers=workers, latest=behind, late=late, says=says
    )
