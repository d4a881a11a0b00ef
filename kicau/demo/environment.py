"""The demo's own small internet: a data folder, ports that stay the same, the sandboxes and a Kicau."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import secrets
import select
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from kicau.base import privileges, setting_definitions
from kicau.base.subprocesses import die_with_parent
from kicau.sandbox.all_networks import choose_ports, default_ports

WEB_PORT = 8090
START_TIMEOUT_SECONDS = 90.0  # seconds: the first start makes a database
STOP_TIMEOUT_SECONDS = 40.0


class DemoError(RuntimeError):
    """The demo cannot go on. The message is a sentence that says what to do."""


@dataclass(slots=True)
class DemoWorld:
    folder: Path
    web: str = ""  # address
    password: str = field(default="", repr=False)
    networks: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)  # slug -> what its sandbox tells of itself
    moved: Sequence[str] = ()  # what has another address than the last time
    children: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def check(self) -> None:
        """Raises DemoError where a process has died."""
        for name, child in self.children.items():
            if child.poll() is not None:
                raise DemoError(
                    f"{name} stopped unexpectedly. For the reason, see {self.folder / 'demo.log'}. Its last lines:\n{_log_tail(self.folder / 'demo.log')}"
                )

    def published(self, slug: str) -> list[dict[str, Any]]:
        """Everything that readers see on a network now."""
        with urllib.request.urlopen(f"{self.networks[slug]['base_url']}/_sandbox/posts", timeout=20) as told:  # noqa: S310 (our own sandbox)
            found: list[dict[str, Any]] = json.load(told)
            return found


def demo_folder() -> Path:
    """The data folder's neighbour, so that a real Kicau is never touched."""
    real = setting_definitions.data_folder()
    return real.with_name(f"{real.name}-demo")


@contextlib.contextmanager
def running_demo(folder: Path) -> Iterator[DemoWorld]:
    """Everything runs while inside, and is stopped in order after. Raises DemoError."""
    with _exclusive_folder(folder):
        world = DemoWorld(folder)
        ports = _ports(world)
        with open(folder / "demo.log", "ab") as log:
            try:
                _start_sandboxes(world, ports["sandboxes"], log)
                _start_kicau(world, ports["web"], log)
                yield world
            finally:
                _stop_processes(world)


@contextlib.contextmanager
def _exclusive_folder(folder: Path) -> Iterator[None]:
    try:
        privileges.make_folder(folder)
        lock = open(folder / "demo.lock", "a")  # noqa: SIM115 (held while inside)
    except OSError as exc:
        raise DemoError(
            f"The demo's folder {folder} cannot be used ({exc.strerror}). Choose another folder with KICAU_DATA."
        ) from exc
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise DemoError(
                f"The demo is already running with the data folder {folder}. Stop it first with Ctrl-C."
            ) from None
        yield


def _ports(world: DemoWorld) -> dict[str, Any]:
    """The last run's ports where they are free, else others; a change is noted in `moved`."""
    path = world.folder / "demo.json"
    try:
        state: dict[str, Any] = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        state = {}
    before = {**default_ports(), **state.get("sandboxes", {})}
    wanted = {"web": state.get("web", WEB_PORT), **{slug: before[slug] for slug in default_ports()}}
    chosen = choose_ports(wanted)
    world.moved = [
        f"{name}: {wanted[name]} is taken, so {port}" for name, port in chosen.items() if port != wanted[name]
    ]
    world.password = state.get("password") or "-".join(secrets.token_hex(3) for _ in range(3))
    kept = {"web": chosen.pop("web"), "sandboxes": chosen, "password": world.password}
    fresh = path.with_name("demo.json.new")
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as out:
        json.dump(kept, out, indent=1)
    fresh.replace(path)
    return kept


def _start_sandboxes(world: DemoWorld, ports: Mapping[str, int], log: IO[bytes]) -> None:
    command = [sys.executable, "-m", "kicau.sandbox.all_networks", "--folder", str(world.folder / "sandbox")]
    command += [part for slug, port in ports.items() for part in ("--port", f"{slug}={port}")]
    child = _start_process(world, "The sandbox", command, log, stdout=subprocess.PIPE)
    assert child.stdout is not None
    until = time.monotonic() + START_TIMEOUT_SECONDS
    while not select.select([child.stdout], [], [], 0.2)[0]:
        world.check()
        if time.monotonic() > until:
            raise DemoError(
                f"The sandboxes did not start within {START_TIMEOUT_SECONDS:.0f} s. For the reason, see {world.folder / 'demo.log'}."
            )
    line = child.stdout.readline()
    child.stdout.close()
    if not line:
        child.wait(10)
        world.check()
    world.networks = {told["network"]: told for told in json.loads(line)["networks"]}


def _start_kicau(world: DemoWorld, port: int, log: IO[bytes]) -> None:
    """Also sets this process's own settings, so that it works on the same instance."""
    world.web = f"http://127.0.0.1:{port}"
    for name in [
        n for n in os.environ if n.startswith("KICAU_") and n not in ("KICAU_SANDBOX_VALIDATORS", "KICAU_DEBUG")
    ]:
        del os.environ[name]
    os.environ.pop("DATABASE_URL", None)
    os.environ.update(
        KICAU_DATA=str(world.folder), KICAU_PORT=str(port), KICAU_PUBLIC_URL=world.web, KICAU_INTERNAL_HOSTS="127.0.0.1"
    )
    _start_process(world, "Kicau", [sys.executable, "-m", "kicau.cli", "up"], log, stdout=log)


def wait_until_ready(world: DemoWorld) -> None:
    """Until pages can be served, and so migrations are applied. Raises DemoError."""
    until = time.monotonic() + START_TIMEOUT_SECONDS
    while True:
        try:
            with urllib.request.urlopen(f"{world.web}/readyz", timeout=2):  # noqa: S310 (our own server)
                return
        except OSError:
            world.check()
            if time.monotonic() > until:
                raise DemoError(
                    f"Kicau did not start within {START_TIMEOUT_SECONDS:.0f} s. For the reason, see {world.folder / 'demo.log'}."
                ) from None
            time.sleep(0.1)


def _start_process(
    world: DemoWorld, name: str, command: Sequence[str], log: IO[bytes], *, stdout: Any
) -> subprocess.Popen[bytes]:
    # A session of its own: Ctrl-C reaches the demo alone, which then stops its children in order.
    child = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=stdout, stderr=log, start_new_session=True, preexec_fn=die_with_parent
    )
    world.children[name] = child
    return child


def _stop_processes(world: DemoWorld) -> None:
    """Kicau first, so that nothing is sent to a network that is gone."""
    for child in reversed(world.children.values()):
        child.terminate()
        try:
            child.wait(STOP_TIMEOUT_SECONDS)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def _log_tail(path: Path) -> str:
    try:
        return "\n".join(path.read_text("utf-8", "replace").splitlines()[-8:])
    except OSError:
        return ""
