"""Small standing work beside the pump: each chore at its own interval, each safe to run in many workers at once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import structlog

log = structlog.get_logger("kicau.engine")


@dataclass(frozen=True, slots=True, kw_only=True)
class Chore:
    """`run` does what is due and returns how much that was; more than nothing makes it look again at once."""

    name: str
    every: float  # seconds
    run: Callable[[], Awaitable[int]]


async def keep_doing(chores: Sequence[Chore]) -> None:
    """Until cancelled. A chore that fails is logged and tried again at its next turn; it disturbs no other."""
    async with asyncio.TaskGroup() as group:
        for chore in chores:
            group.create_task(_keep(chore))


async def _keep(chore: Chore) -> None:
    while True:
        done = 0
        try:
            done = await chore.run()
        except asyncio.CancelledError:
            raise
        except Exception:
            log.exception("a chore failed", chore=chore.name)
        await asyncio.sleep(0.05 if done else chore.every)
