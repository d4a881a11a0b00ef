"""`kicau up`: the database, the web server and the workers, from one folder."""

from __future__ import annotations

import compileall
import contextlib
import fcntl
import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.util import cache_from_source
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import click

from kicau.base import privileges, setting_definitions
from kicau.base.subprocesses import die_with_parent
from kicau.cli.core.command import EXIT_FAILED, EXIT_NO_KICAU, CommandError
from kicau.cli.core.supervisor import ChildProcess, Supervisor

PRIVILEGED_PORTS = 1024  # below it only root listens
LOCAL_HOSTS = ("127.0.0.1", "localhost", "::1")


@click.command()
@click.option(
    "--owner",
    metavar="EMAIL",
    envvar="KICAU_OWNER",
    default="",
    help="E-mail address of the first owner, for the first start. Kicau prints a password once.",
)
@click.option("--workers", type=click.IntRange(1, 64), help="Number of workers. Default: KICAU_WORKERS, or 1.")
@click.option("--host", help="Address to listen on. Default: KICAU_HOST, or 127.0.0.1.")
@click.option("--port", type=click.IntRange(1, 65535), help="Port to listen on. Default: KICAU_PORT, or 8000.")
def up(owner: str, workers: int | None, host: str | None, port: int | None) -> None:
    """Run Kicau (database, web server and workers) until Ctrl-C or SIGTERM.

    The first start creates the data folder and prints once how to become the owner.
    """
    for name, given in (("KICAU_HOST", host), ("KICAU_PORT", port), ("KICAU_WORKERS", workers)):
        if given is not None:
            os.environ[name] = str(given)
    for option in setting_definitions.SETTING_DEFINITIONS:
        setting_definitions.read_setting(option.name)  # a wrong setting is told before anything starts
    folder = setting_definitions.data_folder()
    try:
        service = ServiceUser.of(folder)
    except privileges.SystemUserMissing as exc:
        raise CommandError(str(exc), EXIT_NO_KICAU) from None
    with contextlib.ExitStack() as stack:
        stack.enter_context(privileges.files_owned_by(service.account))
        stack.enter_context(exclusive_folder(folder))
        stack.callback(setting_definitions.record_running(folder).unlink, missing_ok=True)
        listening = check_port(
            setting_definitions.read_setting("KICAU_HOST"), int(setting_definitions.read_setting("KICAU_PORT")), service
        )
        log = _event_logger()
        service.take_over(folder, log)
        tend: Callable[[], None] = _do_nothing
        if not setting_definitions.read_setting("DATABASE_URL"):
            from kicau.base import postgres

            stack.enter_context(postgres.running_server(folder))
            log("database started", folder=str(folder / "postgres"))
            tend = partial(_keep_database, folder, log)
        prepared = _prepare(owner, service)
        log("database ready", migrated=prepared["migrated"])
        _print_first_sign_in(prepared)
        web = [sys.executable, "-m", "kicau.config.web"]
        kept = (listening.fileno(),) if listening else ()
        children = [service.child("web", [*web, *(f"--fd={fd}" for fd in kept)], kept)]
        children += [
            service.child(f"worker-{n + 1}", [sys.executable, "-m", "kicau.config.worker"])
            for n in range(int(setting_definitions.read_setting("KICAU_WORKERS")))
        ]
        Supervisor(children, log, tend=tend).run(meanwhile=_announce_when_ready(log))


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceUser:
    """As whom the children run: where root starts Kicau, as a user without its rights."""

    account: privileges.SystemUser | None  # None: as ourselves
    folder: Path
    reads_anything: bool = False  # Kicau lies in a private folder of root's

    @classmethod
    def of(cls, folder: Path) -> ServiceUser:
        """Raises privileges.SystemUserMissing."""
        account = privileges.service_user(folder)
        private = account is not None and not privileges.can_run_kicau(account)
        return cls(account=account, folder=folder, reads_anything=private)

    def take_over(self, folder: Path, log: Any) -> None:
        """What root made earlier is the account's from now on. Raises CommandError for a named file that it cannot read."""
        if self.account is None:
            privileges.take_ownership(folder, privileges.current_user(), shared=False)
            return
        if privileges.is_shared_place(folder):
            raise CommandError(f"{folder} does not belong to Kicau. Choose another folder with KICAU_DATA.")
        privileges.take_ownership(folder, self.account, shared=not setting_definitions.read_setting("DATABASE_URL"))
        if lost := privileges.unreadable_paths(self.account, _configured_files()):
            raise CommandError(
                f"Kicau runs as the user {self.account.name}, who cannot read {lost[0]}. Give that user access, for example: chown {self.account.name} {lost[0]}"
            )
        compile_package()
        log("runs without root permissions", user=self.account.name)
        if self.reads_anything:
            log(
                "is installed in a folder that other users cannot read, so it keeps the permission to read any file. Move Kicau to a folder such as /opt/kicau.",
                folder=str(Path(__file__).resolve().parents[3]),
            )

    def become(self) -> None:
        """In a child: gives up root, where we are root."""
        if self.account is not None:
            privileges.switch_user(self.account, reads_anything=self.reads_anything)

    def environment(self) -> dict[str, str] | None:
        """Not root's home, and the folder by its name: another user has another one by default."""
        if self.account is None:
            return None
        return {
            **os.environ,
            "KICAU_DATA": str(self.folder),
            "HOME": str(self.folder),
            "XDG_CACHE_HOME": str(self.folder / "cache"),
            "USER": self.account.name,
        }

    def child(self, name: str, command: Sequence[str], keeps: Sequence[int] = ()) -> ChildProcess:
        return ChildProcess(name, command, environment=self.environment(), become=self.become, keeps=keeps)


def compile_package() -> None:
    """While we may write beside Kicau's sources: its children may not, and would compile them at each start. What our
    commands compiled is readable by them, whatever our umask is."""
    package = Path(__file__).resolve().parents[2]
    with contextlib.suppress(OSError):  # a place where nobody writes was compiled when it was made
        for source in package.rglob("*.py"):
            compiled = Path(cache_from_source(str(source)))
            if not compiled.exists() or compiled.stat().st_mtime < source.stat().st_mtime:
                compileall.compile_dir(package, quiet=2)
                break
        for folder in package.rglob("__pycache__"):
            for path in (folder, *folder.iterdir()):
                if (mode := path.stat().st_mode) & 0o044 != 0o044:
                    path.chmod(mode | (0o055 if path is folder else 0o044))


def _configured_files() -> list[str]:
    """Files of the operator's that the settings name for web and workers."""
    database = dict(parse_qsl(urlsplit(setting_definitions.read_setting("DATABASE_URL")).query))
    named = [
        setting_definitions.read_setting("KICAU_C2PA_CERTIFICATE"),
        setting_definitions.read_setting("KICAU_C2PA_KEY"),
    ]
    named += [database.get(name, "") for name in ("sslcert", "sslkey", "sslrootcert", "passfile")]
    return [one for one in named if one.startswith("/")]


def _do_nothing() -> None:
    """An external database is its own operator's to keep running."""


def _keep_database(folder: Path, log: Any) -> None:
    from kicau.base import postgres

    try:
        if postgres.restart_if_dead(folder):
            log("database stopped unexpectedly and was restarted")
    except postgres.DatabaseUnavailable as exc:
        log("database cannot start", error=str(exc))


@contextlib.contextmanager
def exclusive_folder(folder: Path) -> Iterator[None]:
    """Nobody else runs `up` on this folder meanwhile. Raises CommandError."""
    try:
        privileges.make_folder(folder)
        lock = open(privileges.open_lock(folder / "up.lock", "a+"), "a+")  # noqa: SIM115 (held while inside)
    except OSError as exc:
        raise CommandError(
            f"The data folder {folder} cannot be used ({exc.strerror}). Choose another folder with KICAU_DATA.",
            EXIT_NO_KICAU,
        ) from exc
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            who = lock.read().strip()
            raise CommandError(
                f"Kicau is already running with the data folder {folder}{f' (process {who})' if who else ''}. Stop it first, or choose another folder with KICAU_DATA."
            ) from None
        lock.truncate(0)
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        yield


def check_port(host: str, port: int, service: ServiceUser | None = None) -> socket.socket | None:
    """Raises CommandError where nothing can listen there. Gives a socket that listens where only root may open that port, and
    the web server is not root."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    probe = socket.socket(family)
    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        probe.bind((host, port))
    except OSError as exc:
        probe.close()
        raise CommandError(
            f"Kicau cannot listen on {host}, port {port}: {exc.strerror or exc}. Choose another port with --port or KICAU_PORT."
        ) from None
    if service is not None and service.account is not None and port < PRIVILEGED_PORTS:
        return probe
    probe.close()
    return None


def _prepare(owner: str, service: ServiceUser) -> dict[str, Any]:
    """Migrations and the first owner, in a process of their own so that this one stays small."""
    command = [sys.executable, "-m", "kicau.config.database_setup", *(["--owner", owner] if owner else [])]
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=False,
        env=service.environment(),
        preexec_fn=partial(_become_service_user, service),
    )
    if done.returncode != 0:
        said = (
            done.stderr.strip()
            if os.environ.get("KICAU_DEBUG") == "1"
            else (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        )
        raise CommandError(
            f"Kicau could not prepare the database: {said}",
            EXIT_NO_KICAU if "database" in said.lower() else EXIT_FAILED,
        )
    prepared: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return prepared


def _become_service_user(service: ServiceUser) -> None:
    service.become()
    die_with_parent()


def _print_first_sign_in(prepared: dict[str, Any]) -> None:
    if made := prepared["owner"]:
        click.echo(
            f"First start. Sign in as {made['email']} with the password {made['password']} (shown only once; change it after you sign in)."
        )
    elif prepared["empty"]:
        from kicau.base.keys import first_visit_code, load_or_create_keys

        code = first_visit_code(load_or_create_keys(setting_definitions.data_folder()).signing[0])
        click.echo(
            f"First start. Become the owner at {setting_definitions.public_url()}/welcome?code={code} (from another machine or through a proxy the page asks for the code {code})."
        )


def _announce_when_ready(log: Any) -> Any:
    """Asks the web server whether it serves; says so once."""

    def ready() -> bool:
        if not is_web_ready():
            return False
        log("ready", address=setting_definitions.public_url())
        click.echo(f"Kicau is at {setting_definitions.public_url()}/ (stop it with Ctrl-C).")
        sys.stdout.flush()
        return True

    return ready


def is_web_ready() -> bool:
    """Whether the web server of these settings answers that it is ready."""
    from http.client import HTTPConnection, HTTPException

    host = setting_definitions.read_setting("KICAU_HOST")
    own = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 (what listens everywhere answers here)
    there = HTTPConnection(own, int(setting_definitions.read_setting("KICAU_PORT")), timeout=2)
    try:
        there.request("GET", "/readyz", headers={"Host": "localhost"})
        return there.getresponse().status == 200
    except (OSError, HTTPException):
        return False
    finally:
        there.close()


def _event_logger() -> Any:
    import structlog

    from kicau.base import logs

    logs.set_up_logging(
        setting_definitions.read_setting("KICAU_LOG_LEVEL"),
        setting_definitions.read_setting("KICAU_LOG_FORMAT"),
        process="up",
    )
    log = structlog.get_logger("kicau.up")
    return lambda event, **facts: (log.warning if event.startswith("di") else log.info)(event, **facts)
