"""A browser that leaves in the middle takes no connection to the database with it."""

from __future__ import annotations

import asyncio
import time
from importlib import import_module
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connections
from django.db.backends.signals import connection_created

SCOPE = {
    "type": "http",
    "asgi": {"version": "3.0"},
    "http_version": "1.1",
    "method": "GET",
    "scheme": "http",
    "path": "/sign-in",
    "raw_path": b"/sign-in",
    "root_path": "",
    "query_string": b"",
    "headers": [(b"host", b"127.0.0.1")],
    "server": ("127.0.0.1", 80),
    "client": ("127.0.0.1", 1),
}
STAYS = -1
BUSY = 0.05  # seconds in which the loop serves others, so that the request's own thread gets ahead of it


async def visit(application: Any, busy_at: int) -> list[dict[str, Any]]:
    """What a reader is sent who leaves at once, unless they stay; the loop is busy so many turns after that."""
    sent: list[dict[str, Any]] = []
    loop = asyncio.get_running_loop()
    messages = iter([{"type": "http.request", "body": b"", "more_body": False}, {"type": "http.disconnect"}])

    def busy(turns: int) -> None:
        if turns:
            loop.call_soon(busy, turns - 1)
        else:
            time.sleep(BUSY)

    async def receive() -> dict[str, Any]:
        message = next(messages)
        if message["type"] == "http.disconnect":
            if busy_at == STAYS:
                await asyncio.sleep(3600)
            busy(busy_at)
        return message

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    await application(SCOPE, receive, send)
    await asyncio.sleep(0.3)  # a thread may go on without its reader
    return sent


def test_connections_go_back_whether_a_reader_stays_or_leaves(transactional_db, owner, monkeypatch):
    monkeypatch.setitem(connections.settings["default"], "CONN_MAX_AGE", 0)  # as kicau.config.web has it
    Path(settings.STATIC_ROOT).mkdir(parents=True, exist_ok=True)
    application = import_module("kicau.config.asgi").application
    made: list[Any] = []
    note = lambda connection, **more: made.append(connection)  # noqa: E731 (a signal wants a name that stays)
    connection_created.connect(note)
    try:
        assert asyncio.run(visit(application, STAYS))[0]["status"] == 200
        assert made, "the page asks the database"
        for turns in range(8):
            asyncio.run(visit(application, turns))
        for _ in range(600):  # a thread may go on without its reader
            if not any(one.connection for one in made):
                break
            time.sleep(0.1)
        assert [one.connection for one in made] == [None] * len(made)
    finally:
        connection_created.disconnect(note)
