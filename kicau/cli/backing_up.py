"""`kicau backup` and `kicau restore`: all of an instance in one file, with checksums.

A tar: `database.dump` (pg_dump's own format), `secret.key`, `media/…` (originals; the networks' own copies are made
again), and last `manifest.json` with each file's size and SHA-256. Whoever has the file has the instance's secrets.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import re
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any
from urllib.parse import unquote, urlsplit, urlunsplit

import click

import kicau
from kicau.base import clock, keys, options, postgres
from kicau.cli.frame import NO_KICAU, Trouble, answer, json_option
from kicau.cli.up import alone_in

FORMAT = 1
DUMP, MANIFEST = "database.dump", "manifest.json"
ORIGINAL = re.compile(r"media/[0-9a-f]{32}/[0-9a-f]{2}/[0-9a-f]{64}")
CHUNK = 1 << 20

# What was due before this moment may have gone out after the backup was made: it is looked up before it is sent.
LOOK_UP_FIRST = """
UPDATE publishing_delivery SET broken_at = least(coalesce(begun_at, next_at), next_at, due_at), begun_at = NULL, lease_until = NULL, worker = ''
WHERE state IN ('scheduled', 'publishing') AND broken_at IS NULL AND (due_at <= %(now)s OR begun_at IS NOT NULL)
"""


@click.command()
@click.argument("target", metavar="FILE", type=click.Path(path_type=Path, dir_okay=False))
@json_option
def backup(target: Path, as_json: bool) -> None:
    """Write everything into FILE, while Kicau runs or not. Keep it safe: it holds the instance's secrets."""
    folder = options.data_folder()
    if target.exists():
        raise Trouble(f"{target} is there already; choose another name.")
    if not (folder / keys.FILE).exists():
        raise Trouble(f"There is no Kicau in {folder}; name its folder with KICAU_DATA.", NO_KICAU)
    with database(folder) as url:
        manifest = write_backup(target, folder, url)
    size = target.stat().st_size
    told = {"file": str(target), "size": size, "media": len(manifest["files"]) - 2, "made_at": manifest["made_at"]}
    answer(as_json, told, lambda: click.echo(f"{target}: {size / 1e6:.1f} MB, the database and {told['media']} media."))


@click.command()
@click.argument("source", metavar="FILE", type=click.Path(path_type=Path, dir_okay=False, exists=True))
@json_option
def restore(source: Path, as_json: bool) -> None:
    """Put a backup into an empty data folder (KICAU_DATA).

    What was due since the backup was made is looked up on the networks before anything of it is sent.
    """
    folder = options.data_folder()
    manifest = verify(source)
    check_space(folder, manifest)
    with alone_in(folder):
        check_empty(folder)
        looked_up = put_back(source, folder)
    told = {
        "folder": str(folder),
        "made_at": manifest["made_at"],
        "media": len(manifest["files"]) - 2,
        "looked_up_first": looked_up,
    }
    sentence = f"Restored into {folder} what it was at {manifest['made_at'][:16]}Z."
    more = f" {looked_up} deliveries that may have gone out since are looked up first." if looked_up else ""
    answer(as_json, told, lambda: click.echo(f"{sentence}{more} Start it with: kicau up"))


@contextlib.contextmanager
def database(folder: Path) -> Iterator[str]:
    """The address of the instance's database, which runs while inside."""
    if url := options.read("DATABASE_URL"):
        yield url
    else:
        with postgres.running(folder) as here:
            yield here.url


# Writing


def write_backup(target: Path, folder: Path, url: str) -> dict[str, Any]:
    """Raises Trouble or OSError, and then leaves nothing behind."""
    partial = target.with_name(f"{target.name}.{os.getpid()}.partial")
    try:
        with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
            manifest = _fill(out, folder, url, target.absolute().parent)
            out.flush()
            os.fsync(out.fileno())
        partial.rename(target)
    finally:
        partial.unlink(missing_ok=True)
    return manifest


def _fill(out: IO[bytes], folder: Path, url: str, scratch: Path) -> dict[str, Any]:
    manifest: dict[str, Any] = {
        "format": FORMAT,
        "kicau": kicau.__version__,
        "postgres": postgres.MAJOR,
        "made_at": clock.now().isoformat(),
        "files": {},
    }
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
        with tempfile.NamedTemporaryFile(dir=scratch, prefix=".kicau-dump-") as dump:
            _run("pg_dump", url, "--format=custom", "--no-owner", "--no-privileges", f"--file={dump.name}")
            _add(tar, manifest, DUMP, Path(dump.name))
        _add(tar, manifest, keys.FILE, folder / keys.FILE)
        for path in sorted((folder / "media").glob("*/*/*")):
            name = f"media/{path.relative_to(folder / 'media').as_posix()}"
            if ORIGINAL.fullmatch(name):
                _add(tar, manifest, name, path)
        body = json.dumps(manifest, indent=1).encode()
        info = tarfile.TarInfo(MANIFEST)
        info.size = len(body)
        tar.addfile(info, io.BytesIO(body))
    return manifest


class _Summed:
    """A file that is hashed as it is read."""

    def __init__(self, file: IO[bytes]) -> None:
        self.file, self.digest = file, hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        data = self.file.read(size)
        self.digest.update(data)
        return data


def _add(tar: tarfile.TarFile, manifest: dict[str, Any], name: str, path: Path) -> None:
    with path.open("rb") as file:
        info = tarfile.TarInfo(name)
        info.size, info.mode, info.mtime = os.fstat(file.fileno()).st_size, 0o600, int(clock.now().timestamp())
        summed = _Summed(file)
        tar.addfile(info, summed)
    manifest["files"][name] = {"sha256": summed.digest.hexdigest(), "size": info.size}


# Putting back


def verify(source: Path) -> dict[str, Any]:
    """The manifest of a backup that is whole. Raises Trouble where it is not; nothing is written."""

    def damaged(why: str) -> Trouble:
        return Trouble(f"The backup {source} cannot be used: {why}. Nothing was changed; take another copy of it.")

    found: dict[str, dict[str, Any]] = {}
    manifest: dict[str, Any] | None = None
    try:
        with tarfile.open(source, "r:") as tar:
            for member in tar:
                file = tar.extractfile(member) if member.isfile() else None
                if file is None or not (member.name in (DUMP, keys.FILE, MANIFEST) or ORIGINAL.fullmatch(member.name)):
                    raise damaged(f"it holds {member.name[:80]!r}, which is not part of a backup")
                if member.name == MANIFEST:
                    manifest = json.loads(file.read(CHUNK * 64))
                else:
                    found[member.name] = {"sha256": _digest(file), "size": member.size}
    except (tarfile.TarError, EOFError, ValueError) as exc:
        raise damaged(f"it is cut off or not a backup ({exc})") from None
    if not isinstance(manifest, dict) or not isinstance(manifest.get("files"), dict):
        raise damaged("its end is missing")
    if manifest.get("format") != FORMAT or manifest.get("postgres", 0) > postgres.MAJOR:
        raise damaged(
            f"it was made by Kicau {manifest.get('kicau')}, which is newer than this one ({kicau.__version__})"
        )
    for name in sorted({*manifest["files"], *found, DUMP, keys.FILE}):
        if manifest["files"].get(name) != found.get(name) or name not in found:
            raise damaged(f"{name} is not what it was when the backup was made")
    return manifest


def _digest(file: IO[bytes]) -> str:
    summed = _Summed(file)
    while summed.read(CHUNK):
        pass
    return summed.digest.hexdigest()


def check_space(folder: Path, manifest: dict[str, Any]) -> None:
    """Raises Trouble where the disk cannot hold what the backup holds."""
    there = next(p for p in (folder, *folder.parents) if p.exists())
    needed = 3 * manifest["files"][DUMP]["size"] + sum(f["size"] for f in manifest["files"].values()) + 100_000_000
    free = shutil.disk_usage(there).free
    if free < needed:
        raise Trouble(
            f"The disk of {folder} has {free / 1e6:.0f} MB free; restoring needs about {needed / 1e6:.0f} MB. Nothing was changed."
        )


def check_empty(folder: Path) -> None:
    """Raises Trouble where anything is there that could be harmed."""
    there = sorted(p.name for p in folder.iterdir() if p.name != "up.lock")
    if there:
        raise Trouble(
            f"{folder} is not empty (it holds {', '.join(there[:3])}); restore into a new folder: KICAU_DATA=… kicau restore FILE"
        )
    if url := options.read("DATABASE_URL"):
        import psycopg

        try:
            with psycopg.connect(url, connect_timeout=10) as connection:
                row = connection.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").fetchone()
        except psycopg.OperationalError as exc:
            raise Trouble(f"The database does not answer: {str(exc).strip().splitlines()[0]}", NO_KICAU) from None
        if row and row[0]:
            raise Trouble("The database that DATABASE_URL names is not empty; give an empty one.")


def put_back(source: Path, folder: Path) -> int:
    """All of it, or the folder is as empty as before; returns how many deliveries are looked up first."""
    try:
        with tarfile.open(source, "r:") as tar:
            for member in tar:
                file = tar.extractfile(member)
                if file is not None and member.name != MANIFEST:
                    _keep(folder / member.name, file)
        dump = folder / DUMP
        with database(folder) as url:
            _run(
                "pg_restore", url, "--no-owner", "--no-privileges", "--exit-on-error", "--single-transaction", str(dump)
            )
            looked_up = look_up_first(url)
        dump.unlink()
        return looked_up
    except BaseException:
        for path in folder.iterdir():
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            elif path.name != "up.lock":
                path.unlink(missing_ok=True)
        raise


def _keep(target: Path, file: IO[bytes]) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    with os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
        shutil.copyfileobj(file, out, CHUNK)


def look_up_first(url: str) -> int:
    """Make the engine ask the networks about everything that may have gone out since; returns how much that is."""
    import psycopg

    with psycopg.connect(url) as connection:
        return connection.execute(LOOK_UP_FIRST, {"now": clock.now()}).rowcount


def _run(program: str, url: str, *arguments: str) -> None:
    """A PostgreSQL program on that database; the password goes by environment, so that no list of processes shows it."""
    plain, password = without_password(url)
    environment = {**os.environ, **({"PGPASSWORD": password} if password else {})}
    done = subprocess.run(
        [str(postgres.tool(program)), f"--dbname={plain}", *arguments],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        said = done.stderr.strip()
        if "No space left" in said:
            raise Trouble("The disk is full. Nothing was changed; free some space and try again.")
        raise Trouble(f"{program} failed, and nothing was changed: {(said.splitlines() or ['it did not say why'])[-1]}")


def without_password(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    if not parts.password:
        return url, ""
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{parts.username}@{host}")), unquote(parts.password)
