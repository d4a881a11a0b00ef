"""The one clock. Tests freeze it or move it; nothing else asks the system for the time.

It follows the system's clock until a process finds that the database's differs (kicau/base/clock_drift.py). From then on it
runs from the database's time by the monotonic clock, so that all machines of an instance agree on what is due.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

_frozen_at: datetime | None = None
_clock_shift = timedelta(0)
_system_clock_error = timedelta(0)  # tests set it: by how much this machine's clock is wrong
_followed_clock: tuple[datetime, float] | None = None  # another clock's time, and time.monotonic() at that moment


def now() -> datetime:
    """The present moment in UTC."""
    if _frozen_at is not None:
        return _frozen_at
    if _followed_clock is not None:
        at, then = _followed_clock
        return at + timedelta(seconds=time.monotonic() - then) + _clock_shift
    return system_now() + _clock_shift


def system_now() -> datetime:
    """What the machine's own clock says, whatever `now` follows."""
    return datetime.now(UTC) + _system_clock_error


def follow_clock(at: datetime, monotonic: float) -> None:
    """Run on from `at`, which another clock showed when time.monotonic() was `monotonic`."""
    global _followed_clock
    _followed_clock = (at, monotonic)


def follow_system_clock() -> None:
    """Go by the machine's own clock again."""
    global _followed_clock
    _followed_clock = None


def shift_clock(by: timedelta) -> None:
    """Go on from here at another time: the drills' way to live through months. 0 is the real time."""
    global _clock_shift
    _clock_shift = by


@contextmanager
def freeze_clock(at: datetime) -> Iterator[None]:
    """Stand still at `at` (aware) while inside; for tests."""
    global _frozen_at
    before, _frozen_at = _frozen_at, at
    try:
        yield
    finally:
        _frozen_at = before
