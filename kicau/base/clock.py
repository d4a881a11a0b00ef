"""The one clock. Tests freeze it; nothing else asks the system for the time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC as UTC
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

_frozen: datetime | None = None
_shift = timedelta(0)


def now() -> datetime:
    """The present moment in UTC."""
    return _frozen or datetime.now(UTC) + _shift


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


def zone(name: str) -> ZoneInfo:
    """The IANA zone of that name. Raises LookupError with a sentence for people."""
    if name not in _names():
        raise LookupError(f"There is no time zone {name!r}; use an IANA name such as Asia/Jakarta or Europe/London.")
    return ZoneInfo(name)


def _names(cache: list[frozenset[str]] = []) -> frozenset[str]:  # noqa: B006 (filled once: reading all zones takes 20 ms)
    if not cache:
        cache.append(frozenset(available_timezones()))
    return cache[0]
