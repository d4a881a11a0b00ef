"""Keeps processes running: starts them, starts them again when they die, and stops them when it is told to.

No framework: this is what stays in memory beside the real work.
"""

from __future__ import annotations

import os
import select
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from kicau.base.subprocesses import die_with_parent

STOP_TIMEOUT_SECONDS = 31.0  # seconds that children are given; a worker finishes what is in flight
STABLE_AFTER_SECONDS = 60.0  # seconds after which a child that dies counts as fresh
MAX_RESTART_DELAY_SECONDS = 30.0  # seconds before a child that keeps dying is started again

MEMORY_ENVIRONMENT = {"MALLOC_ARENA_MAX": "2"}  # else glibc keeps memory apart for each of many threads
type EventLog = Callable[..., None]


def _prepare_child(become: Callable[[], None]) -> None:
    become()
    die_with_parent()  # a change of user undoes it, so it comes last


@dataclass(slots=True)
class ChildProcess:
    name: str
    command: Sequence[str]
    environment: Mapping[str, str] | None = None  # None: ours
    become: Callable[[], None] = lambda: None  # in the child before it begins: gives up root
    keeps: Sequence[int] = ()  # descriptors that it gets
    process: subprocess.Popen[bytes] | None = None
    began: float = 0.0
    deaths: int = 0  # in a row
    again_at: float = 0.0  # when it is started again

    @property
    def alive(self) -> bool:
        return self.process is not None and self.process.poll() is None


@dataclass(slots=True)
class Supervisor:
    """`log(event, **facts)` is told of everything that happens."""

    children: list[ChildProcess]
    log: EventLog
    stop_within: float = STOP_TIMEOUT_SECONDS
    first_wait: float = 0.5
    tend: Callable[[], None] = lambda: None  # asked every few seconds: what else is to be kept running
    _told: int = 0  # the signal that ends it
    _pipe: tuple[int, int] = field(default=(-1, -1))

    def run(self, *, meanwhile: Callable[[], bool] = lambda: True) -> int:
        """Until SIGTERM or SIGINT; returns the signal's number. `meanwhile` is asked about four times a second until
        it has nothing more to do (True)."""
        self._pipe = os.pipe()
        for end in self._pipe:
            os.set_blocking(end, False)
        before = signal.set_wakeup_fd(self._pipe[1])
        handlers = {
            name: signal.signal(name, self._note)
            for name in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD)
        }
        done = False
        try:
            for child in self.children:
                self._start(child)
            while not self._told:
                done = done or meanwhile()
                self._tend()
                self.tend()
                self._wait(0.25 if not done else self._until_next())
            self._stop()
        finally:
            self._kill_all()
            signal.set_wakeup_fd(before)
            for name, handler in handlers.items():
                signal.signal(name, handler)
            for end in self._pipe:
                os.close(end)
        return self._told

    def _note(self, number: int, _: Any) -> None:
        if number != signal.SIGCHLD:
            self._told = number

    def _wait(self, seconds: float) -> None:
        """Until a signal comes or the time is over."""
        select.select([self._pipe[0]], [], [], seconds)
        with suppress(BlockingIOError):
            os.read(self._pipe[0], 4096)

    def _until_next(self) -> float:
        waits = [c.again_at - time.monotonic() for c in self.children if not c.alive]
        return max(min([*waits, 5.0]), 0.05)

    def _start(self, child: ChildProcess) -> None:
        child.began = time.monotonic()
        # A session of its own, so that Ctrl-C reaches us alone and we stop the children in order.
        child.process = subprocess.Popen(
            child.command,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            env={**MEMORY_ENVIRONMENT, **(os.environ if child.environment is None else child.environment)},
            pass_fds=tuple(child.keeps),
            preexec_fn=partial(_prepare_child, child.become),
        )
        self.log("started", child=child.name, pid=child.process.pid)

    def _tend(self) -> None:
        """Note who died, and start again whose time has come."""
        now = time.monotonic()
        for child in self.children:
            if child.process is not None and child.process.poll() is not None:
                child.deaths = 1 if now - child.began > STABLE_AFTER_SECONDS else child.deaths + 1
                wait = min(self.first_wait * 2 ** (child.deaths - 1), MAX_RESTART_DELAY_SECONDS)
                child.again_at = now + wait
                self.log(
                    "died",
                    child=child.name,
                    pid=child.process.pid,
                    code=child.process.returncode,
                    again_in_seconds=wait,
                )
                child.process = None
            if child.process is None and now >= child.again_at:
                self._start(child)

    def _stop(self) -> None:
        """Tell all to finish; who does not within `stop_within`, or when told a second time, is ended."""
        self.log("stopping", signal=signal.Signals(self._told).name)
        self._told = 0
        for child in self.children:
            if child.alive and child.process:
                child.process.terminate()
        until = time.monotonic() + self.stop_within
        first = signal.SIGTERM
        while any(c.alive for c in self.children) and not self._told and time.monotonic() < until:
            self._wait(min(0.5, max(until - time.monotonic(), 0.01)))
        self._told = self._told or first
        for child in self.children:
            if child.alive and child.process:
                self.log("did not stop in time and was ended", child=child.name, pid=child.process.pid)
        self._kill_all()
        self.log("stopped")

    def _kill_all(self) -> None:
        for child in self.children:
            if child.alive and child.process:
                child.process.kill()
        for child in self.children:
            if child.process is not None:
                child.process.wait()
