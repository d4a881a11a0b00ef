"""A database that was away: what asked it from the loop drops its broken connection, so that the next try opens a new one."""

from __future__ import annotations

from asgiref.sync import sync_to_async
from django.db import InterfaceError, OperationalError, close_old_connections

CONNECTION_ERRORS = (
    OperationalError,
    InterfaceError,
)  # as Django raises them when the server stopped or does not answer


async def drop_broken_connection() -> None:
    """In the one thread in which a loop's own statements run (asgiref's); a whole connection stays."""
    await sync_to_async(close_old_connections)()
