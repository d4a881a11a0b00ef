"""Small standing work beside the pump: each chore at its own interval, each safe to run in many workers at once.

What can wait gives way to posts that are going out: both share one processor's time, and only those have a time to keep.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import structlog
from asgiref.sync import sync_to_async
from django.db import connections

from kicau.base.database_reconnect import drop_broken_connection
from kicau.engine import health

MAX_POSTPONE_SECONDS = 120.0  # seconds that a chore gives way at most
POSTPONE_CHECK_SECONDS = 0.5  # seconds between looks whether it still has to

log = structlog.get_logger("kicau.engine")
_THREAD_POOL = ThreadPoolExecutor(8, "chore")  # for what is done apart; the loop's own are for files of posts


@dataclass(frozen=True, slots=True, kw_only=True)
class PeriodicTask:
    """`run` does what is due and returns how much that was; more than nothing makes it look again at once."""

    name: str
    every: float  # seconds
    run: Callable[[], Awaitable[int]]
    gives_way: bool = False  # while many posts are going out


def in_own_thread(work: Callable[[], int], wanted: Callable[[], bool] | None = None) -> Callable[[], Awaitable[int]]:
    """A `run` that does `work` in a thread and over a connection of its own. Whatever asks the database from the loop
    shares one thread (asgiref's): work that waits for something outside, or reckons for seconds, would hold all of it
    up, a post with a picture among it. `wanted` says beforehand, in that one thread, whether there is anything to do:
    asking costs less than a connection."""

    def run() -> int:
        try:
            return work()
        finally:
            connections.close_all()

    async def begin() -> int:
        if wanted and not await sync_to_async(wanted)():
            return 0
        return await asyncio.get_running_loop().run_in_executor(_THREAD_POOL, run)

    return begin


async def run_tasks(chores: Sequence[PeriodicTask], busy: Callable[[], bool] = lambda: False) -> None:
    """Until cancelled. A chore that fails is logged and tried again at its next turn; it disturbs no other. `busy` tells
    whether many posts are going out."""
    async with asyncio.TaskGroup() as group:
        for chore in chores:
            group.create_task(_run_task(chore, busy if chore.gives_way else lambda: False))


async def _run_task(chore: PeriodicTask, busy: Callable[[], bool]) -> None:
    while True:
        done = 0
        until = time.monotonic() + MAX_POSTPONE_SECONDS
        while busy() and time.monotonic() < until:  # noqa: ASYNC110 (an event for it would cost each post something)
            await asyncio.sleep(POSTPONE_CHECK_SECONDS)
        try:
            done = await chore.run()
        except asyncio.CancelledError:
            raise
        except Exception:
            log.exception("a chore failed", chore=chore.name)
            await drop_broken_connection()
        await asyncio.sleep(0.05 if done else chore.every)


def periodic_tasks(client: object) -> Iterable[PeriodicTask]:
    """The engine's own."""
    yield PeriodicTask(
        name="delete dead workers", every=600.0, run=sync_to_async(health.delete_dead_workers), gives_way=True
    )
