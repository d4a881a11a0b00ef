"""The one clock (kicau/connector/clock.py, so that connectors have it, too) and the time zones."""

from __future__ import annotations

from datetime import UTC as UTC
from zoneinfo import ZoneInfo, available_timezones

from kicau.connector.clock import follow_clock as follow_clock
from kicau.connector.clock import follow_system_clock as follow_system_clock
from kicau.connector.clock import freeze_clock as freeze_clock
from kicau.connector.clock import now as now
from kicau.connector.clock import shift_clock as shift_clock
from kicau.connector.clock import system_now as system_now


def find_zone(name: str) -> ZoneInfo:
    """The IANA zone of that name. Raises LookupError with a sentence for people."""
    if name not in _zone_names():
        raise LookupError(f"There is no time zone {name!r}; use an IANA name such as Asia/Jakarta or Europe/London.")
    return ZoneInfo(name)


def _zone_names(cache: list[frozenset[str]] = []) -> frozenset[str]:  # noqa: B006 (filled once: reading all zones takes 20 ms)
    if not cache:
        cache.append(frozenset(available_timezones()))
    return cache[0]
