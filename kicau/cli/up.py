"""`kicau up`: the database, the web server and the workers, from one folder."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import click

from kicau.base import options
from kicau.base.children import die_with_parent
from kicau.cli.frame import FAILED, NO_KICAU, Trouble
from kicau.cli.supervisor import Child, Supervisor

LOCAL = ("127.0.0.1", "localhost", "::1")


@click.command()
@click.option(
    "--owner",
    metavar="EMAIL",
    envvar="KICAU_OWNER",
    default="",
    help="On the first start: who owns this Kicau. Their password is printed once.",
)
@click.option("--workers", type=click.IntRange(1, 64), help="How many workers; else KICAU_WORKERS, else 1.")
@click.option("--host", help="Address to listen on; else KICAU_HOST, else 127.0.0.1.")
@click.option("--port", type=click.IntRange(1, 65535), help="Port to listen on; else KICAU_PORT, else 8000.")
def up(owner: str, workers: int | None, host: str | None, port: int | None) -> None:
    """Run Kicau: database, web server and workers, until Ctrl-C or SIGTERM.

    The first start makes the data folder and says, once, how to become its owner.
    """
    for name, given in (("KICAU_HOST", host), ("KICAU_PORT", port), ("KICAU_WORKERS", workers)):
        if given is not None:
            os.environ[name] = str(given)
    for option in options.OPTIONS:
        options.read(option.name)  # a wrong setting is told before anything starts
    folder = options.data_folder()
    with alone_in(folder), contextlib.ExitStack() as stack:
        check_port(options.read("KICAU_HOST"), int(options.read("KICAU_PORT")))
        log = _log()
        tend: Callable[[], None] = _nothing
        if not options.read("DATABASE_URL"):
            from kicau.base import postgres

            stack.enter_context(postgres.running(folder))
            log("database started", folder=str(folder / "postgres"))
            tend = partial(_keep_database, folder, log)
        prepared = _prepare(owner)
        log("database ready", migrated=prepared["migrated"])
        _greet(prepared)
        children = [Child("web", [sys.executable, "-m", "kicau.config.web"])]
        children += [
            Child(f"worker-{n + 1}", [sys.executable, "-m", "kicau.config.worker"])
            for n in range(int(options.read("KICAU_WORKERS")))
        ]
        Supervisor(children, log, tend=tend).run(meanwhile=_announce_when_ready(log))


def _nothing() -> None:
    """An external database is its own operator's to keep running."""


def _keep_database(folder: Path, log: Any) -> None:
    from kicau.base import postgres

    try:
        if postgres.keep_running(folder):
            log("database had died and was started again")
    except postgres.DatabaseTrouble as exc:
        log("database does not start", error=str(exc))


@contextlib.contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Nobody else runs `up` on this folder meanwhile. Raises Trouble."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = open(folder / "up.lock", "a+")  # noqa: SIM115 (held while inside)
    except OSError as exc:
        raise Trouble(
            f"The data folder {folder} cannot be used ({exc.strerror}); choose another with KICAU_DATA.", NO_KICAU
        ) from exc
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            who = lock.read().strip()
            raise Trouble(
                f"Kicau is running on {folder} already{f' (process {who})' if who else ''}. Stop that one first, or choose another KICAU_DATA."
            ) from None
        lock.truncate(0)
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        yield


def check_port(host: str, port: int) -> None:
    """Raises Trouble where nothing can listen there."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as exc:
            raise Trouble(
                f"Kicau cannot listen on {host}, port {port}: {exc.strerror or exc}. Choose another with --port or KICAU_PORT."
            ) from None


def _prepare(owner: str) -> dict[str, Any]:
    """Migrations and the first owner, in a process of their own so that this one stays small."""
    command = [sys.executable, "-m", "kicau.config.prepare", *(["--owner", owner] if owner else [])]
    done = subprocess.run(command, capture_output=True, text=True, check=False, preexec_fn=die_with_parent)
    if done.returncode != 0:
        said = (
            done.stderr.strip()
            if os.environ.get("KICAU_DEBUG") == "1"
            else (done.stderr.strip().splitlines() or ["it did not say why"])[-1]
        )
        raise Trouble(
            f"The database could not be made ready: {said}", NO_KICAU if "database" in said.lower() else FAILED
        )
    prepared: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    if prepared["empty"] and not owner and not _is_local():
        return _prepare(f"owner@{urlsplit(options.public_url()).hostname}")  # a stranger must not be the first to come
    return prepared


def _is_local() -> bool:
    """Whether only this machine can reach the pages."""
    return options.read("KICAU_HOST") in LOCAL and urlsplit(options.public_url()).hostname in LOCAL


def _greet(prepared: dict[str, Any]) -> None:
    if made := prepared["owner"]:
        click.echo(
            f"First start. Sign in as {made['email']} with the password {made['password']} (shown this once; change it after signing in)."
        )
    elif prepared["empty"]:
        click.echo(f"First start. Open {options.public_url()}/ and become the owner: whoever comes first does.")


def _announce_when_ready(log: Any) -> Any:
    """Asks the web server whether it serves; says so once."""

    def ready() -> bool:
        if not answers():
            return False
        log("ready", address=options.public_url())
        click.echo(f"Kicau is at {options.public_url()}/ (stop it with Ctrl-C).")
        sys.stdout.flush()
        return True

    return ready


def answers() -> bool:
    """Whether the web server of these settings answers that it is ready."""
    from http.client import HTTPConnection, HTTPException

    host = options.read("KICAU_HOST")
    own = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 (what listens everywhere answers here)
    there = HTTPConnection(own, int(options.read("KICAU_PORT")), timeout=2)
    try:
        there.request("GET", "/readyz", headers={"Host": "localhost"})
        return there.getresponse().status == 200
    except (OSError, HTTPException):
        return False
    finally:
        there.close()


def _log() -> Any:
    import structlog

    from kicau.base import logs

    logs.set_up(options.read("KICAU_LOG_LEVEL"), options.read("KICAU_LOG_FORMAT"), process="up")
    log = structlog.get_logger("kicau.up")
    return lambda event, **facts: (log.warning if event.startswith("di") else log.info)(event, **facts)
