"""The processes of one instance: PostgreSQL, the web server and the workers, started, watched and stopped together.

The supervisor knows no Django, so that it weighs little.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import structlog

from kicau.base import options, postgres

STOP_WITHIN = 40.0  # seconds: a worker finishes what is in flight
LONGEST_PAUSE = 30.0  # seconds before a child that keeps dying is started again

log = structlog.get_logger("kicau.up")


class CannotStart(RuntimeError):
    """The instance cannot be started. The message says why and what to do."""


@dataclass(slots=True)
class Child:
    name: str
    command: Sequence[str]
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    deaths: int = 0
    not_before: float = 0.0


@dataclass(slots=True)
class House:
    """One data folder's processes. Use `open_house`."""

    folder: Path
    environment: Mapping[str, str]
    output: IO[bytes] | None = None  # where children write; None: to our own standard error
    children: list[Child] = field(default_factory=list)
    stopping: threading.Event = field(default_factory=threading.Event)

    def start(self, name: str, *module: str) -> Child:
        child = Child(name, [sys.executable, "-m", *module])
        self._launch(child)
        self.children.append(child)
        return child

    def watch(self) -> None:
        """Until `stopping` is set: a child that died is started again, sooner the longer it had lived."""
        while not self.stopping.wait(0.5):
            self.look()

    def look(self) -> None:
        now = time.monotonic()
        for child in self.children:
            if child.process is None:
                if now >= child.not_before:
                    self._launch(child)
            elif (code := child.process.poll()) is not None:
                lived = now - child.started
                child.deaths = 1 if lived > 60 else child.deaths + 1
                pause = min(0.5 * 2 ** (child.deaths - 1), LONGEST_PAUSE)
                log.error(
                    "a process ended; starting it again",
                    name=child.name,
                    code=code,
                    lived_s=round(lived),
                    pause_s=pause,
                )
                child.process, child.not_before = None, now + pause
        if not os.environ.get("DATABASE_URL"):
            postgres.keep_running(self.folder)

    def stop(self) -> None:
        """Tell all at once, wait for each, end what does not go."""
        alive = [c for c in self.children if c.process and c.process.poll() is None]
        for child in alive:
            assert child.process is not None
            child.process.terminate()
        until = time.monotonic() + STOP_WITHIN
        for child in alive:
            assert child.process is not None
            try:
                child.process.wait(max(0.1, until - time.monotonic()))
            except subprocess.TimeoutExpired:
                log.error("a process did not stop in time and was ended", name=child.name)
                child.process.kill()
                child.process.wait()
        self.children.clear()

    def _launch(self, child: Child) -> None:
        # A group of its own: Ctrl-C reaches the supervisor, which then stops the children in order.
        child.process = subprocess.Popen(
            child.command, env=dict(self.environment), stdout=self.output, stderr=self.output, start_new_session=True
        )
        child.started = time.monotonic()
        log.info("process started", name=child.name, pid=child.process.pid)


@contextlib.contextmanager
def open_house(
    folder: Path, *, owner: str = "", output: IO[bytes] | None = None, environment: Mapping[str, str] | None = None
) -> Iterator[tuple[House, dict[str, Any]]]:
    """The database runs and is migrated while inside; gives the house, without children yet, and what `prepare` said.

    Raises CannotStart, BadSetting, DatabaseTrouble.
    """
    for option in options.OPTIONS:
        options.read(option.name)
    here = {**os.environ, **(environment or {}), "KICAU_DATA": str(folder)}
    with _only_one(folder), contextlib.ExitStack() as stack:
        if not here.get("DATABASE_URL"):
            stack.enter_context(postgres.running(folder))
        house = House(folder, here, output)
        said = _prepare(here, owner)
        stack.callback(house.stop)
        yield house, said


def stop_on_signals(house: House) -> None:
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: house.stopping.set())


def wait_until_ready(address: str, house: House, seconds: float = 60) -> None:
    """Until /readyz answers. Raises CannotStart."""
    until = time.monotonic() + seconds
    while time.monotonic() < until and not house.stopping.is_set():
        try:
            with urllib.request.urlopen(f"{address}/readyz", timeout=2) as answer:  # noqa: S310 (our own address)
                if answer.status == 200:
                    return
        except (OSError, urllib.error.URLError):
            time.sleep(0.05)
            house.look()
    if not house.stopping.is_set():
        raise CannotStart(
            f"The web server did not answer at {address} within {seconds:.0f} s; the lines above say why."
        )


def free_port(wanted: int, host: str = "127.0.0.1") -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, wanted))
        except OSError:
            return False
    return True


def _prepare(environment: Mapping[str, str], owner: str) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-m", "kicau.config.prepare", "--owner", owner],
        env=dict(environment),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        tail = done.stderr.strip().splitlines()
        raise CannotStart(tail[-1] if tail else "The database could not be prepared.")
    found: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


@contextlib.contextmanager
def _only_one(folder: Path) -> Iterator[None]:
    """One `up` a data folder; the lock goes with its process, however that ends."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = open(folder / "up.lock", "a+")  # noqa: SIM115 (held while inside)
    except OSError as exc:
        raise CannotStart(
            f"The data folder {folder} cannot be used ({exc.strerror}); choose another with KICAU_DATA."
        ) from exc
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            holder = lock.read().strip() or "unknown"
            raise CannotStart(
                f"Kicau runs on {folder} already (process {holder}). Stop that one, or choose another folder with KICAU_DATA."
            ) from None
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield
