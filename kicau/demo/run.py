"""The demo: the whole of Kicau and a local internet, six channels, and a morning's posts within two minutes."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from kicau.base import options, processes
from kicau.connector import registry
from kicau.sandbox.serve import PORT_BASE

WEB_PORT = 8420  # not the usual one: a demo beside a real instance disturbs nothing
LENGTH = 120.0  # seconds in which the posts are due


@dataclass(slots=True)
class State:
    """What a second run needs to find everything where it was."""

    web_port: int
    sandbox_ports: list[int]
    password: str

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.web_port}"

    def sandbox(self, slug: str) -> str:
        return f"http://127.0.0.1:{self.sandbox_ports[registry.slugs().index(slug)]}"


def default_folder() -> Path:
    """Beside the folder of a real instance, never inside it."""
    usual = options.data_folder()
    return usual.with_name(usual.name + "-demo")


def run(*, folder: Path | None = None, seconds: float = LENGTH, leave: bool = False, console: Console | None = None) -> int:
    """Runs it; gives the exit code: 0 where everything was published exactly once. `leave`: do not stay up.

    Raises CannotStart, BadSetting, DatabaseTrouble.
    """
    folder, console = folder or default_folder(), console or Console(highlight=False, width=None if sys.stdout.isatty() else 160)
    folder.mkdir(parents=True, exist_ok=True)
    with contextlib.ExitStack() as stack:
        state = _state(folder, console)
        log = stack.enter_context(open(folder / "demo.log", "ab"))
        environment = _environment(state)
        console.print(f"[bold]Kicau[/bold] starts in {folder} …")
        house, _ = stack.enter_context(processes.open_house(folder, output=log, environment=environment))
        processes.stop_on_signals(house)
        ports = [f"--port={slug}={port}" for slug, port in zip(registry.slugs(), state.sandbox_ports, strict=True)]
        house.start("sandbox", "kicau.sandbox.serve", "--folder", str(folder / "sandbox"), *ports)
        house.start("web", "kicau.config.web")
        house.start("worker", "kicau.config.worker")
        processes.wait_until_ready(state.address, house)
        apps = {slug: _info(state.sandbox(slug), house) for slug in registry.slugs()}
        if house.stopping.is_set():
            return 130
        os.environ.update(environment, KICAU_DATA=str(folder), DJANGO_SETTINGS_MODULE="kicau.config.settings")
        code = _publish(house, state, apps, seconds, console)
        if not leave and not house.stopping.is_set():
            _say_where(state, console, folder)
            house.watch()
        console.print("Stopping …")
        return code


def _publish(house: processes.House, state: State, apps: dict[str, Any], seconds: float, console: Console) -> int:
    import django

    from kicau.base import logs

    logs.set_up("error", "text", process="demo")
    django.setup()
    from kicau.demo import show, stage

    actor = stage.set_up(apps, state.password, console)
    if stage.import_posts(actor, seconds):
        console.print(f"Scheduled over the next {seconds:.0f} s:")
    else:
        console.print("These posts were scheduled by an earlier run; going on from there:")
    show.progress(actor, house, console)
    if house.stopping.is_set():
        return 130
    return show.result(actor, {slug: state.sandbox(slug) for slug in registry.slugs()}, console)


def _environment(state: State) -> dict[str, str]:
    sandboxes = ",".join(f"127.0.0.1:{port}" for port in state.sandbox_ports)
    return {
        "KICAU_PORT": str(state.web_port),
        "KICAU_HOST": "127.0.0.1",
        "KICAU_PUBLIC_URL": state.address,
        "KICAU_INTERNAL_HOSTS": sandboxes,
        "PYTHONUNBUFFERED": "1",
    }


def _state(folder: Path, console: Console) -> State:
    """As the last run left it; ports that others took meanwhile are given up, and that is said."""
    path = folder / "demo.json"
    found: dict[str, Any] = {}
    with contextlib.suppress(OSError, ValueError):
        found = json.loads(path.read_text("utf-8"))
    taken: set[int] = set()
    wanted = [found.get("web_port", WEB_PORT), *found.get("sandbox_ports", range(PORT_BASE, PORT_BASE + len(registry.slugs())))]
    ports = [_near(port, taken) for port in wanted[: 1 + len(registry.slugs())]]
    for old, new in zip(wanted, ports, strict=False):
        if old != new:
            console.print(f"Port {old} is taken; using {new}.")
    state = State(web_port=ports[0], sandbox_ports=ports[1:], password=found.get("password") or secrets.token_urlsafe(9))
    path.touch(mode=0o600)
    path.write_text(json.dumps({"web_port": state.web_port, "sandbox_ports": state.sandbox_ports, "password": state.password}), "utf-8")
    return state


def _near(port: int, taken: set[int]) -> int:
    while port in taken or not processes.free_port(port):
        port += 1
    taken.add(port)
    return port


def _info(address: str, house: processes.House) -> dict[str, Any]:
    """What a sandbox says of itself, as soon as it answers. Raises CannotStart."""
    until = time.monotonic() + 30
    while time.monotonic() < until and not house.stopping.is_set():
        with contextlib.suppress(OSError, urllib.error.URLError):
            with urllib.request.urlopen(f"{address}/_sandbox/info", timeout=5) as answer:  # noqa: S310 (our own address)
                told: dict[str, Any] = json.load(answer)
                return told
        time.sleep(0.1)
    if house.stopping.is_set():
        return {}
    raise processes.CannotStart(f"The sandbox at {address} did not answer; {house.folder / 'demo.log'} says why.")


def _say_where(state: State, console: Console, folder: Path) -> None:
    from kicau.demo.cast import OWNER

    console.print()
    console.print(f"It stays up. Look at  [bold]{state.address}[/bold]  and sign in as [bold]{OWNER}[/bold] with the password [bold]{state.password}[/bold]")
    console.print(f"The API and its description:  {state.address}/api/v1/docs")
    for slug in registry.slugs():
        console.print(f"What {registry.get(slug).label} shows its readers:  {state.sandbox(slug)}/")
    console.print(f"From the shell:  KICAU_DATA={folder} kicau calendar")
    console.print("Ctrl-C stops it; the same command goes on where it is.")
    sys.stdout.flush()

