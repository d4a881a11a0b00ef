"""The one clock. Tests freeze it or move it; nothing else asks the system for the time.

It follows the system's clock until a process finds that the database's differs (kicau/base/clock_drift.py). From then on it
runs from the database's time by the monotonic clock, so that all machines of an instance agree on what is due.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

_frozen: datetime | None = None
_shift = timedelta(0)
_system_error = timedelta(0)  # tests set it: by how much this machine's clock is wrong
_followed: tuple[datetime, float] | None = None  # another clock's time, and time.monotonic() at that moment


def now() -> datetime:
    """The present moment in UTC."""
    if _frozen is not None:
        return _frozen
    if _followed is not None:
        at, then = _followed
        return at + timedelta(seconds=time.monotonic() - then) + _shift
    return system_now() + _shift


def system_now() -> datetime:
    """What the machine's own clock says, whatever `now` follows."""
    return datetime.now(UTC) + _system_error


def follow(at: datetime, monotonic: float) -> None:
    """Run on from `at`, which another clock showed when time.monotonic() was `monotonic`."""
    global _followed
    _followed = (at, monotonic)


def follow_system() -> None:
    """Go by the machine's own clock again."""
    global _followed
    _followed = None


def shift(by: timedelta) -> None:
    """Go on from here at another time: the drills' way to live through months. 0 is the real time."""
    global _shift
    _shift = by


@contextmanager
def frozen(at: datetime) -> Iterator[None]:
    """Stand still at `at` (aware) while inside; for tests."""
    global _frozen
    before, _frozen = _frozen, at
    try:
        yield
    finally:
        _frozen = before
