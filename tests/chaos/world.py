"""What the chaos happens to: sandboxes behind lines, a database, worker processes and the web server."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import os
import random
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Coroutine, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.instance.processes import free_port
from kicau.base import postgres
from kicau.connector import registry
from kicau.connector.sandbox.server import Sandbox, start_sandbox
from tests.chaos.line import Line
from tests.chaos.plan import NETWORKS, Pace, Size
from tests.chaos.weather import Weather

HERE = Path(__file__).resolve().parents[2]
PROCESSED = 0.5  # seconds that a video is processed in a sandbox
ANSWERED = 0.15  # seconds that a sandbox takes for any answer, so that a kill finds requests under way


@dataclass
class Networks:
    """Every network's sandbox, its line and its weather, in one thread."""

    seed: int
    pace: Pace
    share: float
    more: int = 0  # accounts on X beside the seeded ones: it takes 100 posts of each in a quarter of an hour
    sandboxes: dict[str, Sandbox] = field(default_factory=dict)
    ports: dict[str, int] = field(default_factory=dict)  # of the sandboxes themselves, for the judge
    lines: dict[str, Line] = field(default_factory=dict)
    weather: dict[str, Weather] = field(default_factory=dict)
    loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.new_event_loop)

    @contextmanager
    def running(self) -> Iterator[Networks]:
        thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        thread.start()
        try:
            for slug in NETWORKS:
                self.wait_for(self._start(slug))
            yield self
        finally:
            for line in self.lines.values():
                self.wait_for(line.close())
            self.loop.call_soon_threadsafe(self.loop.stop)
            thread.join(5)

    async def _start(self, slug: str) -> None:
        package = registry.network_package(slug)
        # Every request of ours is held against the network's official description.
        held_against = (importlib.import_module(package + ".tests.spec").validate,)
        server: Any = importlib.import_module(package + ".sandbox").Server(validators=held_against)
        for n in range(self.more if slug == "x" else 0):
            server.store.put(
                "account",
                str(1800 + n),
                {
                    "id": str(1800 + n),
                    "username": f"chaos{n}",
                    "name": f"Chaos {n}",
                    "verified_type": "none",
                    "subscription_type": "None",
                },
            )
        runner = await start_sandbox(server)
        self.ports[slug] = runner.addresses[0][1]
        line = self.lines[slug] = Line(self.ports[slug])
        await line.open()
        server.base_url = f"http://127.0.0.1:{line.port}"
        # What a network allows in a day is not what is tried here.
        server.limits_off, server.processing_seconds = True, PROCESSED
        if self.seed % 2 and hasattr(server, "duplicate_seconds"):
            server.duplicate_seconds = 0.0  # a network that refuses twins hides that we sent one
        server.clock_offset = random.Random(f"{self.seed}:clock:{slug}").uniform(-20, 20)  # no two clocks agree
        server.faults = self.weather[slug] = Weather(self.seed, slug, self.share, self.pace, line.held, server.store)
        self.sandboxes[slug] = server

    def wait_for(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(30)

    def begin(self, work: Coroutine[Any, Any, Any]) -> None:
        asyncio.run_coroutine_threadsafe(work, self.loop)

    def do(self, call: Any) -> None:
        self.loop.call_soon_threadsafe(call)

    def requests(self) -> int:
        """How many came so far."""
        return sum(one.requests for one in self.weather.values())

    def faulted(self) -> int:
        """How many of them were answered badly."""
        return sum(one.faults.total() for one in self.weather.values())

    def in_storm(self) -> int:
        """Requests that came during the storm."""
        return sum(one.in_storm for one in self.weather.values())

    def storm(self, blows: bool) -> None:
        for slug, one in self.weather.items():
            one.is_calm = not blows
            self.sandboxes[slug].latency = ANSWERED if blows else 0.0


class Database:
    """The embedded PostgreSQL, on a disk that keeps what was committed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.cluster = postgres.cluster(folder)

    def crash(self) -> None:
        """Its processes end where they stand (SIGQUIT); the next start recovers."""
        pid = int((self.cluster.data / "postmaster.pid").read_text().splitlines()[0])
        os.kill(pid, signal.SIGQUIT)
        while _lives(pid):
            time.sleep(0.02)

    def stop(self) -> None:
        postgres.stop_server(self.cluster)

    def start(self) -> None:
        postgres.restart_if_dead(self.folder)


def _lives(pid: int) -> bool:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


class Processes:
    """The workers and the web server, each started again as soon as it is gone, as a supervisor does."""

    def __init__(self, folder: Path, size: Size, pace: Pace) -> None:
        self.folder = folder
        self.died: dict[int, float] = {}  # pid -> when it was killed (epoch seconds)
        self.ended: list[str] = []  # what ended by itself
        quick = [str(t) for t in (pace.timeout, pace.look_after, pace.lease, pace.longest_wait)]
        worker = ["kicau.config.worker"] if pace.is_real else ["tests.chaos.worker", *quick]
        self.commands = {"web": ["kicau.config.web"], **{f"worker-{n}": worker for n in range(size.workers)}}
        self.running: dict[str, subprocess.Popen[bytes]] = {}

    def start(self) -> None:
        for name in self.commands:
            self._launch(name)

    def _launch(self, name: str) -> None:
        with (self.folder / f"{name}.log").open("ab") as log:
            self.running[name] = subprocess.Popen(
                [sys.executable, "-m", *self.commands[name]], cwd=HERE, stdout=log, stderr=log
            )

    def kill(self, name: str) -> None:
        process = self.running[name]
        process.kill()
        process.wait()
        self.died[process.pid] = time.time()
        self._launch(name)

    def freeze(self, name: str, seconds: float) -> None:
        """Stop it where it stands, as a machine that is out of memory does, and let it go on when its leases are over."""
        pid = self.running[name].pid
        with contextlib.suppress(OSError):  # killed meanwhile
            os.kill(pid, signal.SIGSTOP)
            time.sleep(seconds)
            os.kill(pid, signal.SIGCONT)

    def look(self) -> None:
        """Start what ended by itself; nothing should."""
        for name, process in list(self.running.items()):
            if process.poll() is not None:
                self.ended.append(f"{name} (process {process.pid}) ended by itself with {process.returncode}")
                self.died[process.pid] = time.time()
                self._launch(name)

    def stop(self) -> None:
        for process in self.running.values():
            process.terminate()
        for process in self.running.values():
            try:
                process.wait(40)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def wait_for_web(self) -> None:
        for _ in range(300):
            with (
                contextlib.suppress(OSError),
                urllib.request.urlopen(f"http://127.0.0.1:{os.environ['KICAU_PORT']}/readyz", timeout=1),
            ):
                return
            time.sleep(0.1)
        raise SystemExit("the web server did not start")


@contextmanager
def prepared(folder: Path) -> Iterator[Database]:
    """The environment of an instance in `folder`, its database started and migrated. Before Django is touched."""
    for name in [n for n in os.environ if n.startswith("KICAU_") or n == "DATABASE_URL"]:
        del os.environ[name]  # KICAU_TEST_FAST_DISK above all: a database that forgets is not what is tried here
    os.environ.update(
        KICAU_DATA=str(folder / "data"),
        KICAU_PORT=str(free_port()),
        KICAU_LOG_LEVEL="warning",
        DJANGO_SETTINGS_MODULE="kicau.config.settings",
        DJANGO_ALLOW_ASYNC_UNSAFE="1",
    )
    with postgres.running_server(folder / "data"):
        import django

        django.setup()
        from kicau.config.database_setup import prepare_database

        prepare_database()
        yield Database(folder / "data")


def names(processes: Processes) -> Sequence[str]:
    return [name for name in processes.commands if name.startswith("worker")]
