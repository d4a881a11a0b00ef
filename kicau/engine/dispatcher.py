"""The pump: claims due work in bulk, runs a step of each at once, settles the outcomes in bulk.

One event loop; the database is spoken to from three threads, one that looks ahead, one that claims and one that
settles, so that none waits for another and a worker needs three connections however much is in flight.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import socket
import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import islice
from typing import Any, Protocol

import structlog
from django.db import DataError, Error, IntegrityError, close_old_connections, connections

from kicau.base import clock
from kicau.engine.models import Heartbeat

CLAIM_LEASE = timedelta(seconds=30)  # a worker that dies holds its work no longer
RENEW_INTERVAL_SECONDS = 10.0  # seconds; a third of the lease
IDLE_INTERVAL_SECONDS = 0.2  # seconds between looks when nothing is known to be due
MAX_STEPS_PER_GROUP = 500  # steps in flight in one group (a network), so that a slow one takes nothing from the others
MAX_STEPS_PER_PARTITION = 4  # steps in flight in one lane (a channel)
SETTLE_BATCH_SIZE = 500  # outcomes settled in one transaction
MAX_UNSETTLED_OUTCOMES = 1000  # outcomes that may wait to be settled before nothing more is claimed
BUSY_STEP_COUNT = 100  # steps in flight from which on what can wait gives way
CLAIM_INTERVAL_SECONDS = 0.005  # seconds between claims while there is more, so that each takes many
REFILL_DIVISOR = 10  # a full group waits until one part in so many of it is free
SMALL_BATCH_SIZE = 75  # that a transaction moves at the price of many; fewer than a claim takes at once
GATHER_SECONDS = 0.03  # seconds longer in which, while it is busy, few become more

log = structlog.get_logger("kicau.engine")


@dataclass(frozen=True, slots=True)
class Capacity:
    """What may be claimed now: how many of each group, and how many each busy lane is using already."""

    groups: dict[str, int]
    lanes: dict[Any, int] = field(default_factory=dict)
    per_lane: int = MAX_STEPS_PER_PARTITION


class WorkItem(Protocol):
    """One piece of claimed work."""

    @property
    def id(self) -> Any: ...
    @property
    def group(self) -> str: ...
    @property
    def lane(self) -> Any: ...


class WorkSource[I: WorkItem, O](Protocol):
    """What a subject gives the pump. `look`, `claim`, `settle` and `renew` run in threads; `step` and `wait` in the loop."""

    def groups(self) -> Sequence[str]: ...

    def look(self) -> float:
        """See what will be due in a moment. Seconds after which to look again."""

    def claim(self, worker: str, room: Capacity) -> Sequence[I]:
        """Take due items, of those last seen, under LEASE, their steps marked as begun, in one transaction."""

    async def step(self, item: I) -> O:
        """Take one step. Never raises."""

    def settle(self, worker: str, outcomes: Sequence[O]) -> None:
        """Write outcomes, in one transaction; what is no longer this claim's is left alone."""

    def spoilt(self, outcome: O, exc: Exception) -> O:
        """What is written in the place of an outcome that cannot be, so that it holds up nothing else."""

    def renew(self, worker: str, ids: Sequence[Any]) -> None: ...

    def wait(self) -> float:
        """Seconds until something is due, as far as the last look saw; asks nobody. At most IDLE matters."""

    async def close(self) -> None:
        """The end: no step is under way any more."""


def worker_name() -> str:
    return f"{socket.gethostname()[:40]}:{os.getpid()}:{secrets.token_hex(3)}"


class Dispatcher[I: WorkItem, O]:
    def __init__(
        self,
        work: WorkSource[I, O],
        *,
        name: str = "",
        per_group: int = MAX_STEPS_PER_GROUP,
        per_lane: int = MAX_STEPS_PER_PARTITION,
    ) -> None:
        self.work, self.name = work, name or worker_name()
        self.per_group, self.per_lane = per_group, per_lane
        self.in_flight: dict[Any, I] = {}
        self.steps = 0
        self._renewed = time.monotonic()
        self._took = False  # whether the last claim found something
        self._groups: Counter[str] = Counter()
        self._lanes: Counter[Any] = Counter()
        self._outcomes: deque[tuple[I, O]] = deque()  # of which the first may be being written
        self._reported = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._freed = asyncio.Event()
        self._dry = asyncio.Event()  # all that was seen is claimed: there may be more
        self._stop = asyncio.Event()
        self._looker = ThreadPoolExecutor(1, "look")
        self._claimer = ThreadPoolExecutor(1, "claim")
        self._settler = ThreadPoolExecutor(1, "settle")

    def stop(self) -> None:
        """Take nothing new; `run` returns when what is in flight has been settled."""
        self._stop.set()
        self._freed.set()

    def busy(self) -> bool:
        """Whether many posts are going out this moment."""
        return len(self.in_flight) >= BUSY_STEP_COUNT

    async def run(self) -> None:
        always = [asyncio.create_task(task()) for task in (self._settle_all, self._beat, self._look_all)]
        log.info("worker started", worker=self.name)
        try:
            while not (self._stop.is_set() or any(task.done() for task in always)):
                await self._turn()
            for task in always:
                if task.done():
                    task.result()  # a fault of ours: end with it, so that the supervisor starts a worker that works
            if self._tasks:
                await asyncio.wait(self._tasks, timeout=CLAIM_LEASE.total_seconds())
            async with asyncio.timeout(10):
                while self._outcomes:
                    self._freed.clear()
                    await self._freed.wait()
        finally:
            for task in (*always, *self._tasks):
                task.cancel()
            await asyncio.gather(*always, *self._tasks, return_exceptions=True)
            with contextlib.suppress(Error):
                await self._in(self._settler, self._gone)
            await self.work.close()
            for pool in (self._looker, self._claimer, self._settler):
                await asyncio.get_running_loop().run_in_executor(pool, connections.close_all)
                pool.shutdown(wait=False)
            log.info("worker stopped", worker=self.name, steps=self.steps)

    async def _turn(self) -> None:
        room = {g: self._room(g) for g in self.work.groups()}
        self._freed.clear()
        if not any(n > 0 for n in room.values()) or len(self._outcomes) > MAX_UNSETTLED_OUTCOMES:
            await self._sleep(IDLE_INTERVAL_SECONDS)
            return
        try:
            if self.in_flight and time.monotonic() - self._renewed > RENEW_INTERVAL_SECONDS:
                # The database was away, or we stood still: what is ours is renewed before anything is claimed.
                await self._in(self._claimer, self._renew, list(self.in_flight))
            items: Sequence[I] = await self._in(
                self._claimer, self.work.claim, self.name, Capacity(room, dict(self._lanes), self.per_lane)
            )
        except Error as exc:
            log.error("the database did not answer; trying again", worker=self.name, error=str(exc)[:200])
            await self._sleep(1.0)
            return
        for item in items:
            self._begin(item)
        if not items and self._took:
            self._dry.set()
        self._took = bool(items)
        if len(items) >= SMALL_BATCH_SIZE:
            return  # there is more: the next are claimed while the steps of these begin
        if items:
            await asyncio.sleep(CLAIM_INTERVAL_SECONDS + GATHER_SECONDS if self.busy() else CLAIM_INTERVAL_SECONDS)
        else:
            await self._sleep(min(max(self.work.wait(), 0.005), IDLE_INTERVAL_SECONDS))

    def _room(self, group: str) -> int:
        """A full group is filled up when a part of it is free: many at once cost little more than one."""
        free = self.per_group - self._groups[group]
        return free if free >= self.per_group // REFILL_DIVISOR else 0

    async def _look_all(self) -> None:
        while True:
            self._dry.clear()
            try:
                pause: float = await self._in(self._looker, self.work.look)
                self._freed.set()
            except Error as exc:
                log.error("the database did not answer; looking again", worker=self.name, error=str(exc)[:200])
                pause = 1.0
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._dry.wait(), pause)

    async def _sleep(self, seconds: float) -> None:
        """Until something is settled (a lane or more work may be free) or the time is over."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._freed.wait(), seconds)

    def _begin(self, item: I) -> None:
        self.in_flight[item.id] = item
        self._groups[item.group] += 1
        self._lanes[item.lane] += 1
        # At once, so that its request is written before the next one's step begins.
        task = asyncio.Task(self._step(item), loop=asyncio.get_running_loop(), eager_start=True)
        if not task.done():
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _step(self, item: I) -> None:
        try:
            outcome = await self.work.step(item)
        except Exception:
            # It never should. What was begun is looked up when its lease is over, which is renewed no more.
            log.exception("a step did not report", worker=self.name)
            self._groups[item.group] -= 1
            self._end(item)
            return
        self._groups[item.group] -= 1  # the network is done with it; its lane waits until the outcome is written
        self._outcomes.append((item, outcome))
        self._reported.set()

    async def _settle_all(self) -> None:
        while True:
            if not self._outcomes:
                self._reported.clear()
                await self._reported.wait()
            if self.busy() and len(self._outcomes) < SMALL_BATCH_SIZE:
                await asyncio.sleep(GATHER_SECONDS)
            batch = list(islice(self._outcomes, SETTLE_BATCH_SIZE))
            await self._write([outcome for _, outcome in batch])
            for item, _ in batch:
                self._outcomes.popleft()
                self._end(item)
            self._freed.set()

    async def _write(self, outcomes: Sequence[O]) -> None:
        while True:
            try:
                await self._in(self._settler, self.work.settle, self.name, outcomes)
                return
            except Exception as exc:
                if isinstance(exc, Error) and not isinstance(exc, DataError | IntegrityError):
                    # What was done stays in memory until it is written: forgetting it would mean looking it up.
                    log.error("outcomes could not be written; trying again", worker=self.name, error=str(exc)[:200])
                    await asyncio.sleep(0.5)
                elif len(outcomes) > 1:
                    for one in outcomes:
                        await self._write([one])
                    return
                else:
                    await self._write_spoilt(outcomes[0], exc)
                    return

    async def _write_spoilt(self, outcome: O, exc: Exception) -> None:
        """One outcome that no database takes must not hold up the others; its lease ends by itself."""
        log.error("an outcome cannot be written", worker=self.name, exc_info=exc)
        try:
            await self._in(self._settler, self.work.settle, self.name, [self.work.spoilt(outcome, exc)])
        except Exception:
            log.exception("an outcome is left to be looked up", worker=self.name)

    def _end(self, item: I) -> None:
        self.steps += 1
        self.in_flight.pop(item.id, None)
        lane = item.lane
        left = self._lanes.pop(lane) - 1
        if left:
            self._lanes[lane] = left

    async def _beat(self) -> None:
        while True:
            try:
                await self._in(self._settler, self._tell, list(self.in_flight))
            except Error as exc:
                log.error("the worker could not tell that it lives", worker=self.name, error=str(exc)[:200])
            await asyncio.sleep(RENEW_INTERVAL_SECONDS / 2)

    def _tell(self, ids: list[Any]) -> None:
        self._renew(ids)
        values = {"at": clock.now(), "in_flight": len(ids), "steps": self.steps}
        Heartbeat.objects.update_or_create(worker=self.name, defaults=values)

    def _renew(self, ids: list[Any]) -> None:
        before = time.monotonic()
        if ids:
            self.work.renew(self.name, ids)
        self._renewed = before

    def _gone(self) -> None:
        Heartbeat.objects.filter(worker=self.name).delete()

    async def _in(self, pool: ThreadPoolExecutor, call: Callable[..., Any], *args: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(pool, _with_connection, call, args)


def _with_connection(call: Callable[..., Any], args: tuple[Any, ...]) -> Any:
    """A broken connection is dropped, so that the next try opens a new one."""
    try:
        return call(*args)
    except Error:
        close_old_connections()
        raise
