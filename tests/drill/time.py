"""A clock that can be set: Python's and the database's together, so that a worker lives through months in a minute."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from django.db import connection

from kicau.base import clock
from kicau.connector.sandbox import Sandbox

# Found before PostgreSQL's own, so that the very statements of the engine run on it.
SET_UP = """
CREATE SCHEMA drill;
CREATE TABLE drill.shift (by interval NOT NULL);
INSERT INTO drill.shift VALUES ('0');
CREATE FUNCTION drill.clock_timestamp() RETURNS timestamptz LANGUAGE sql VOLATILE AS 'SELECT pg_catalog.clock_timestamp() + by FROM drill.shift';
"""


class Time:
    """`go` sets every clock, the networks' too; from there on time runs as it always does."""

    def __init__(self, servers: Iterable[Sandbox]) -> None:
        self.servers = list(servers)

    def go(self, at: datetime) -> None:
        by = at - datetime.now(UTC)
        with connection.cursor() as cursor:
            cursor.execute("UPDATE drill.shift SET by = %s", [by])
        # Ours and the networks' in one breath: a proof of who asks is good for the minute in which it was made.
        for server in self.servers:
            server.clock_offset = by.total_seconds()
        clock.shift(by)


@contextmanager
def machine(servers: Iterable[Sandbox]) -> Iterator[Time]:
    """All connections that are made inside use the drill's clock."""
    with connection.cursor() as cursor:
        cursor.execute("DROP SCHEMA IF EXISTS drill CASCADE")
        cursor.execute(SET_UP)
        name = connection.settings_dict["NAME"]
        cursor.execute(f'ALTER DATABASE "{name}" SET search_path = drill, public, pg_catalog')
    connection.close()
    try:
        yield Time(servers)
    finally:
        clock.shift(timedelta(0))
        with connection.cursor() as cursor:
            cursor.execute(f'ALTER DATABASE "{name}" RESET search_path')
            cursor.execute("DROP SCHEMA drill CASCADE")
        connection.close()
