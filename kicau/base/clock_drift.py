"""How far this machine's clock is from the database's, and which of the two a process goes by.

Leases are written and compared by the database's clock alone. Whatever else is compared (due times, pauses, retries) goes
by `clock.now()`. Where the two clocks differ by more than TOLERANCE, `clock.now()` follows the database's, so that all
machines of an instance agree.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from django.db import connection

from kicau.base import clock

CLOCK_TOLERANCE = timedelta(seconds=0.5)  # a smaller difference is left alone: nothing depends on it
MEASURE_EVERY_SECONDS = 15.0
MAX_ROUND_TRIP = timedelta(seconds=2)  # a slower answer says too little of the time

log = structlog.get_logger("kicau.clock")
_reported_differences: list[timedelta] = []  # the difference that was logged last, while there is one


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockMeasurement:
    """The database's clock beside the machine's own."""

    database_now: datetime
    monotonic: float  # time.monotonic() at that moment
    difference: timedelta  # how far the database's clock is ahead of the machine's; negative where it is behind
    error: timedelta  # by which `difference` may be wrong: half the time that the question took

    @property
    def differs(self) -> bool:
        return abs(self.difference) > CLOCK_TOLERANCE + self.error


def measure_clock() -> ClockMeasurement:
    """Ask the database for its time."""
    with connection.cursor() as cursor:
        sent, before = clock.system_now(), time.monotonic()
        cursor.execute("SELECT clock_timestamp()")
        database_now = cursor.fetchone()[0]
        took = time.monotonic() - before
    half = timedelta(seconds=took / 2)
    return ClockMeasurement(
        database_now=database_now, monotonic=before + took / 2, difference=database_now - (sent + half), error=half
    )


def synchronize_clock() -> int:
    """Go by the database's clock while it differs from the machine's, and warn of it. Run at a process' start and every
    MEASURE_EVERY_SECONDS. Always 0: there is never more to do at once."""
    found = measure_clock()
    if found.error * 2 > MAX_ROUND_TRIP:
        return 0
    if found.differs:
        clock.follow_clock(found.database_now, found.monotonic)
        if not _reported_differences or abs(found.difference - _reported_differences[0]) > CLOCK_TOLERANCE:
            _reported_differences[:] = [found.difference]
            log.warning(
                "this machine's clock differs from the database's; the database's is used",
                seconds=round(found.difference.total_seconds(), 1),
            )
    else:
        clock.follow_system_clock()
        if _reported_differences:
            _reported_differences.clear()
            log.info("this machine's clock and the database's agree again")
    return 0
