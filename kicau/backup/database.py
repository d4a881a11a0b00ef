"""The database's part: a consistent dump as a stream, and back, by PostgreSQL's own programs from the wheel.

Where the dump's server and the new one are not of one major version, the dump goes through a script from which is left
out what only one of them knows and Kicau does not use: a setting in its first lines, and options of columns, which some
builds of PostgreSQL write into every table.
"""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import tempfile
import threading
from collections.abc import Iterable, Iterator
from typing import IO, Any
from urllib.parse import unquote, urlsplit, urlunsplit

import psycopg

from kicau.backup.errors import BackupError, BackupUntrusted, DiskFull, ToolFailed
from kicau.base import postgres

CHUNK_BYTES = 1 << 20
SKIPPED_STATEMENTS_PATTERN = re.compile(
    rb"SET transaction_timeout = 0;|ALTER TABLE ONLY \S+ ALTER COLUMN \S+ SET \(.*\);"
)
# What a restore brings: tables, and the functions that no extension owns; tables first.
OWN_OBJECTS_SQL = """
    SELECT 'TABLE' AS kind, format('%I.%I', schemaname, tablename) AS name FROM pg_tables WHERE schemaname = 'public'
    UNION ALL
    SELECT 'ROUTINE', oid::regprocedure::text FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND NOT EXISTS
        (SELECT FROM pg_depend WHERE classid = 'pg_proc'::regclass AND objid = pg_proc.oid AND deptype = 'e')
    ORDER BY 1 DESC"""
DATA_STATEMENT_PREFIXES = (
    b"COPY ",
    b"SELECT pg_catalog.setval(",
)  # how the part of a script begins in which nothing is left out


@contextlib.contextmanager
def export_snapshot(url: str) -> Iterator[tuple[psycopg.Connection[Any], str]]:
    """A connection that sees one moment for as long as it is open, and that moment's name for pg_dump."""
    with open_connection(url) as connection:
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        connection.read_only = True
        row = connection.execute("SELECT pg_export_snapshot()").fetchone()
        assert row is not None
        yield connection, str(row[0])


@contextlib.contextmanager
def open_connection(url: str) -> Iterator[psycopg.Connection[Any]]:
    """Raises ToolFailed where nothing answers."""
    try:
        connection = psycopg.connect(url, connect_timeout=10)
    except psycopg.OperationalError as exc:
        raise ToolFailed(f"The database does not answer: {str(exc).strip().splitlines()[0]}.") from None
    with connection:
        yield connection


def count_rows(connection: psycopg.Connection[Any]) -> dict[str, int]:
    """How many rows each table has."""
    names = [r[0] for r in connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1")]
    counted = {}
    for name in names:
        found = connection.execute(psycopg.sql.SQL("SELECT count(*) FROM {}").format(psycopg.sql.Identifier(name)))
        counted[name] = int((found.fetchone() or (0,))[0])
    return counted


def is_superuser(connection: psycopg.Connection[Any]) -> bool:
    """Whether the role that is signed in may do everything."""
    row = connection.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user").fetchone()
    return bool(row and row[0])


def is_empty(connection: psycopg.Connection[Any]) -> bool:
    """Neither tables nor functions; extensions, and what they brought, do not count."""
    return connection.execute(OWN_OBJECTS_SQL).fetchone() is None


def clear_database(connection: psycopg.Connection[Any]) -> None:
    """Make it empty, as `is_empty` says it."""
    for kind, name in connection.execute(OWN_OBJECTS_SQL).fetchall():
        connection.execute(f"DROP {kind} IF EXISTS {name} CASCADE")  # PostgreSQL itself quoted the name


def database_size(connection: psycopg.Connection[Any]) -> int:
    """Bytes that the database takes on its disk."""
    row = connection.execute("SELECT pg_database_size(current_database())").fetchone()
    return int(row[0]) if row else 0


@contextlib.contextmanager
def open_dump(url: str, moment: str) -> Iterator[IO[bytes]]:
    """pg_dump's own format of that moment, to be read to its end inside. Raises ToolFailed."""
    plain, environment = _url_without_password(url)
    command = [
        str(postgres.program_path("pg_dump")),
        f"--dbname={plain}",
        "--format=custom",
        "--no-owner",
        "--no-privileges",
        f"--snapshot={moment}",
    ]
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=said, env=environment)
        assert process.stdout is not None
        try:
            yield process.stdout
            if process.wait() != 0:
                raise _tool_error("pg_dump", said)
        finally:
            process.stdout.close()
            process.kill()
            process.wait()


def restore_dump(url: str, dump: Iterable[bytes], made_on: int, *, is_authentic: bool = False) -> None:
    """All of a dump into an empty database, or nothing of it. `made_on`: the server of which it was made, as its
    `server_version_num`. `is_authentic`: who has the passphrase wrote it. Raises BackupError.

    A dump is SQL. What a changed one asks for is done with the rights of the role that restores it, and again whenever
    its functions run, so that role is no superuser: it can run no program and read no file of the server's.
    """
    plain, environment = _url_without_password(url)
    whole = ["--no-owner", "--no-privileges", "--no-comments", "--exit-on-error"]
    with open_connection(url) as connection:
        here = connection.info.server_version
        if is_superuser(connection) and not is_authentic:
            raise BackupUntrusted(
                "The database's user is a superuser and this backup is not encrypted, so a changed file could run programs on the database's server. Nothing was changed. Restore it as a user that owns the database and is no superuser."
            )
    if here // 10_000 == made_on // 10_000 and here >= 170_000:
        command = [str(postgres.program_path("pg_restore")), f"--dbname={plain}", "--single-transaction", *whole]
        _pipe_dump([command], dump, environment)
        return
    script = [str(postgres.program_path("pg_restore")), "--file=-", *whole]
    run = [
        str(postgres.program_path("psql")),
        f"--dbname={plain}",
        "--no-psqlrc",
        "--quiet",
        "--set=ON_ERROR_STOP=1",
        "--single-transaction",
        "--output=/dev/null",
    ]
    _pipe_dump([script, run], dump, environment)


def _pipe_dump(commands: list[list[str]], dump: Iterable[bytes], environment: dict[str, str]) -> None:
    """One program, or two with the second reading what the first makes of it."""
    with contextlib.ExitStack() as stack:
        said = [stack.enter_context(tempfile.TemporaryFile()) for _ in commands]
        processes = []
        for command, err in zip(commands, said, strict=True):
            between = subprocess.PIPE if command is not commands[-1] else subprocess.DEVNULL
            process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=between, stderr=err, env=environment)
            stack.callback(_end_process, process)
            processes.append(process)
        first, last = processes[0], processes[-1]
        if first is not last:
            thread = threading.Thread(target=_copy_script, args=(first.stdout, last.stdin), daemon=True)
            thread.start()
        assert first.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # it ended early, and says why
            for piece in dump:
                first.stdin.write(piece)
            first.stdin.close()
        for process, err, command in zip(processes, said, commands, strict=True):
            if process.wait() != 0:
                raise _tool_error(os.path.basename(command[0]), err)


def _copy_script(source: IO[bytes], target: IO[bytes]) -> None:
    """A script, without what only one of the servers knows."""
    with contextlib.suppress(OSError, ValueError), target:
        for line in source:
            if not SKIPPED_STATEMENTS_PATTERN.fullmatch(line.strip()):
                target.write(line)
            if line.startswith(DATA_STATEMENT_PREFIXES):
                break
        while chunk := source.read(CHUNK_BYTES):
            target.write(chunk)


def _end_process(process: subprocess.Popen[bytes]) -> None:
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            with contextlib.suppress(OSError):
                pipe.close()
    process.kill()
    process.wait()


def _tool_error(program: str, said: IO[bytes]) -> BackupError:
    said.seek(0)
    text = said.read().decode("utf-8", "replace").strip()
    if "No space left" in text:
        return DiskFull("The disk of the database is full. Nothing was changed; free some space and try again.")
    if 'extension "vector"' in text:
        return ToolFailed(
            "The backup's search by meaning needs the extension pgvector in the database, and nothing was changed. Install pgvector for that PostgreSQL (Debian: postgresql-17-pgvector) and have its administrator run CREATE EXTENSION vector in the database."
        )
    lines = [line for line in text.splitlines() if "error:" in line] or text.splitlines() or ["it did not say why"]
    return ToolFailed(f"{program} failed, and nothing was changed: {lines[0].removeprefix(f'{program}: ')}")


def _url_without_password(url: str) -> tuple[str, dict[str, str]]:
    """The address without its password, and an environment with it, so that no list of processes shows it."""
    plain, password = split_password(url)
    return plain, {**os.environ, "LC_ALL": "C.UTF-8", **({"PGPASSWORD": password} if password else {})}


def split_password(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    if not parts.password:
        return url, ""
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{parts.username}@{host}")), unquote(parts.password)
