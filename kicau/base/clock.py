"""The one clock (kicau/connector/clock.py, so that connectors have it, too) and the time zones."""

from __future__ import annotations

from datetime import UTC as UTC
from zoneinfo import ZoneInfo, available_timezones

from kicau.connector.clock import follow as follow
from kicau.connector.clock import follow_system as follow_system
from kicau.connector.clock import frozen as frozen
from kicau.connector.clock import now as now
from kicau.connector.clock import shift as shift
from kicau.connector.clock import system_now as system_now


def zone(name: str) -> ZoneInfo:
    """The IANA zone of that name. Raises LookupError with a sentence for people."""
    if name not in _names():
        raise LookupError(f"There is no time zone {name!r}; use an IANA name such as Asia/Jakarta or Europe/London.")
    return ZoneInfo(name)


def _names(cache: list[frozenset[str]] = []) -> frozenset[str]:  # noqa: B006 (filled once: reading all zones takes 20 ms)
    if not cache:
        cache.append(frozenset(available_timezones()))
    return cache[0]
