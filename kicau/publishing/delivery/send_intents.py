"""Where a network cannot be asked afterwards, a step says so in the database before it sends what may not be sent twice.

A step whose process died before it said so has sent nothing, and is simply taken again; only one that died after it has
to be asked about.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from uuid import UUID

from django.db import Error, close_old_connections, connection, connections

from kicau.base.bulk import to_json_text

type SendIntent = tuple[UUID, datetime]  # a delivery, and the moment of the claim for which it leaves

# A lease is compared by the database's clock, which wrote it.
RECORD_SEND_INTENT_SQL = """
UPDATE publishing_delivery d SET unsent = false FROM jsonb_to_recordset(%s::jsonb) AS v (id uuid, begun_at timestamptz)
WHERE d.id = v.id AND coalesce(d.state, '') IN ('scheduled', 'publishing') AND d.begun_at = v.begun_at AND d.lease_until > clock_timestamp()
RETURNING d.id, d.begun_at
"""


class SendIntentLog:
    """What waits to be marked is marked together, by one statement at a time."""

    def __init__(self) -> None:
        self._waiting: list[tuple[SendIntent, asyncio.Future[bool]]] = []
        self._writing: asyncio.Task[None] | None = None
        self._thread = ThreadPoolExecutor(1, "leave")

    async def may(self, mark: SendIntent) -> bool:
        """Whether it was written, and so may leave: the claim still holds, and the database answered."""
        done: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._waiting.append((mark, done))
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write_all())
        return await done

    async def close(self) -> None:
        await asyncio.get_running_loop().run_in_executor(self._thread, connections.close_all)
        self._thread.shutdown(wait=False)

    async def _write_all(self) -> None:
        while self._waiting:
            these, self._waiting = self._waiting, []
            marks, written = [mark for mark, _ in these], set[SendIntent]()
            try:
                written = await asyncio.get_running_loop().run_in_executor(self._thread, _record_intents, marks)
            finally:  # whatever happens here, no step waits for ever
                for mark, done in these:
                    if not done.done():  # its step may have been given up meanwhile
                        done.set_result(mark in written)


def _record_intents(marks: Sequence[SendIntent]) -> set[SendIntent]:
    try:
        with connection.cursor() as cursor:
            cursor.execute(
                RECORD_SEND_INTENT_SQL, [to_json_text([{"id": id_, "begun_at": begun_at} for id_, begun_at in marks])]
            )
            return set(cursor.fetchall())
    except Error:
        close_old_connections()
        return set()
