"""A clock that can be set, so that a worker lives through months in a minute. Every statement gets its time from it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from kicau.base import clock
from kicau.connector.sandbox.server import Sandbox


class Time:
    """`go` sets every clock, the networks' too; from there on time runs as it always does."""

    def __init__(self, servers: Iterable[Sandbox]) -> None:
        self.servers = list(servers)

    def go(self, at: datetime) -> None:
        by = at - datetime.now(UTC)
        # Ours and the networks' in one breath: a proof of who asks is good for the minute in which it was made.
        for server in self.servers:
            server.clock_offset = by.total_seconds()
        clock.shift_clock(by)


@contextmanager
def machine(servers: Iterable[Sandbox]) -> Iterator[Time]:
    """The clock goes back to the real time at the end."""
    try:
        yield Time(servers)
    finally:
        clock.shift_clock(timedelta(0))
