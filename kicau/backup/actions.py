"""`back_up` and `restore_backup`: what both promise is that nothing is changed where they fail."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO, Any

import psycopg

from kicau.backup import archive, database, reconciliation
from kicau.backup.archive import (
    CHUNK_BYTES,
    DUMP_NAME_PATTERN,
    MANIFEST_NAME,
    BackupManifest,
    ChecksumReader,
)
from kicau.backup.errors import (
    BackupDamaged,
    BackupError,
    BackupLocked,
    DiskFull,
    TargetNotEmpty,
    ToolFailed,
    require_disk_space,
)
from kicau.base import clock, keys, postgres, setting_definitions

LOCK_FILE = "up.lock"  # of the one `kicau up`; it may lie in an empty folder
MIN_SPARE_BYTES = 200_000_000  # bytes that a restored instance needs beside its data
DUMP_EXPANSION_FACTOR = 8  # times that a dump's database is larger, where the backup does not say


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoreResult:
    manifest: BackupManifest
    in_doubt: int  # deliveries that are looked up before they are sent
    migrations: int  # that brought the database to this version
    verified: int  # media that were read back from disk; 0 where that was not asked


@contextlib.contextmanager
def running_database_url(folder: Path) -> Iterator[str]:
    """The address of the instance's database, which runs while inside."""
    if url := setting_definitions.read_setting("DATABASE_URL"):
        yield url
    else:
        with postgres.running_server(folder) as here:
            yield here.url


def back_up(target: Path, folder: Path, url: str, *, passphrase: str = "", with_key: bool = True) -> BackupManifest:
    """Everything into one file, while Kicau runs or not; the database as of one moment. Raises BackupError, OSError."""
    if target.exists():
        raise TargetNotEmpty(f"{target} is there already; choose another name.")
    partial = target.with_name(f"{target.name}.{os.getpid()}.partial")
    try:
        with (
            require_disk_space(
                target.absolute().parent,
                "so the backup was not made. Nothing was changed; free some space or choose another place.",
            ),
            os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out,
        ):
            manifest = _write_backup(out, folder, url, passphrase, with_key)
            out.flush()
            os.fsync(out.fileno())
        partial.rename(target)
    finally:
        partial.unlink(missing_ok=True)
    return manifest


def _write_backup(out: IO[bytes], folder: Path, url: str, passphrase: str, with_key: bool) -> BackupManifest:
    manifest = BackupManifest(
        made_at=clock.now().isoformat(), key_marks=archive.key_fingerprints(folder / keys.KEY_FILE_NAME)
    )
    with archive.open_for_writing(out, manifest, passphrase) as writer:
        if with_key:
            writer.file(keys.KEY_FILE_NAME, folder / keys.KEY_FILE_NAME)
        with database.export_snapshot(url) as (connection, moment):
            manifest.server = connection.info.server_version
            manifest.database_size, manifest.rows = database.database_size(connection), database.count_rows(connection)
            known = _media_names(connection)
            with database.open_dump(url, moment) as dump:
                writer.stream(dump)
        for path in sorted((folder / "media").glob("*/*/*")):
            name = f"media/{path.relative_to(folder / 'media').as_posix()}"
            if archive.ORIGINAL_NAME_PATTERN.fullmatch(name):
                with contextlib.suppress(FileNotFoundError):  # removed while we were at it
                    writer.file(name, path)
        manifest.missing = sorted(known - set(manifest.files))
    return manifest


def _media_names(connection: psycopg.Connection[Any]) -> set[str]:
    """The names of the originals that the database knows."""
    found = connection.execute("SELECT replace(workspace_id::text, '-', ''), sha256 FROM media_medium")
    return {f"media/{workspace}/{digest[:2]}/{digest}" for workspace, digest in found}


# Back


def check_backup(source: Path, folder: Path, passphrase: str = "") -> BackupManifest:
    """What a backup holds, all of it read and found as it was written, and the disk has room for it. Writes nothing.

    Raises BackupError.
    """
    manifest = archive.verify_backup(source, passphrase)
    there = next(p for p in (folder, *folder.parents) if p.exists())
    grown = manifest.database_size or DUMP_EXPANSION_FACTOR * manifest.dump_size
    needed = sum(file["size"] for file in manifest.files.values()) - manifest.dump_size + grown + MIN_SPARE_BYTES
    if (free := shutil.disk_usage(there).free) < needed:
        raise DiskFull(
            f"The disk of {folder} has {free / 1e6:.0f} MB free; restoring needs about {needed / 1e6:.0f} MB. Nothing was changed."
        )
    return manifest


def restore_backup(
    source: Path,
    folder: Path,
    checked: BackupManifest,
    *,
    passphrase: str = "",
    key_file: Path | None = None,
    verify: bool = False,
    paused: bool = False,
) -> RestoreResult:
    """A backup that was `checked`, into an empty folder and an empty database: all of it, or both are as empty as before.

    `verify`: read every medium back from the disk, beside the checks that are always made. `paused`: every channel is
    paused, so that somebody can look before anything goes out. Raises BackupError.
    """
    folder.mkdir(parents=True, exist_ok=True)
    require_empty(folder)
    try:
        with require_disk_space(folder, "so nothing was restored, and the folder is as empty as before."):
            return _restore_all(source, folder, checked, passphrase, key_file, verify, paused)
    except BaseException:
        _remove_everything(folder)
        raise


def _restore_all(
    source: Path,
    folder: Path,
    checked: BackupManifest,
    passphrase: str,
    key_file: Path | None,
    verify: bool,
    paused: bool,
) -> RestoreResult:
    found: dict[str, dict[str, Any]] = {}
    manifest: BackupManifest | None = None
    with archive.open_for_reading(source, passphrase) as members:
        first = next(members, None)  # before the database is started: a wrong passphrase shows here
        with running_database_url(folder) as url:
            following = first
            while following is not None:
                name, file = following
                if DUMP_NAME_PATTERN.fullmatch(name):
                    dump = _DumpReader(following, members, found)
                    authentic = archive.is_encrypted(source)
                    database.restore_dump(url, dump.pieces(), checked.server, is_authentic=authentic)
                    dump.rest()
                    following = dump.after
                    continue
                if name == MANIFEST_NAME:
                    manifest = archive.read_manifest(file)
                else:
                    found[name] = _store_member(folder / name, file)
                following = next(members, None)
            whole = archive.check_manifest(manifest, found)
            _check_key(folder, whole, key_file)
            _check_rows(url, whole)
            verified = _verify_media(folder, url, whole) if verify else 0
            migrations = _migrate_database(folder)
            until = clock.now()
            marked = reconciliation.mark_uncertain_deliveries(
                url, datetime.fromisoformat(whole.made_at), until, paused=paused
            )
    return RestoreResult(manifest=whole, in_doubt=marked, migrations=migrations, verified=verified)


class _DumpReader:
    """The members that hold the dump, as one stream; `after` is the first that does not."""

    def __init__(
        self, first: tuple[str, IO[bytes]], members: Iterator[tuple[str, IO[bytes]]], found: dict[str, dict[str, Any]]
    ) -> None:
        self.after: tuple[str, IO[bytes]] | None = first
        self.members, self.found = members, found

    def pieces(self) -> Iterator[bytes]:
        while self.after is not None and DUMP_NAME_PATTERN.fullmatch(self.after[0]):
            name, file = self.after
            summed, size = ChecksumReader(file), 0
            while chunk := summed.read(CHUNK_BYTES):
                size += len(chunk)
                yield chunk
            self.found[name] = {"sha256": summed.digest.hexdigest(), "size": size}
            self.after = next(self.members, None)

    def rest(self) -> None:
        for _ in self.pieces():
            pass


def _store_member(target: Path, file: IO[bytes]) -> dict[str, Any]:
    target.parent.mkdir(parents=True, exist_ok=True)
    summed = ChecksumReader(file)
    with os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
        shutil.copyfileobj(summed, out, CHUNK_BYTES)
        out.flush()
        return {"sha256": summed.digest.hexdigest(), "size": out.tell()}


def _check_key(folder: Path, manifest: BackupManifest, key_file: Path | None) -> None:
    """The key of a backup that was made without it. Raises BackupLocked for none, or another."""
    if manifest.has_key:
        return
    if key_file is None:
        raise BackupLocked(
            "This backup was made without its key; give the key file that belongs to it with --key-file."
        )
    if manifest.key_marks and not set(manifest.key_marks) & set(archive.key_fingerprints(key_file)):
        raise BackupLocked(f"{key_file} is not the key that belongs to this backup.")
    with key_file.open("rb") as file:
        _store_member(folder / keys.KEY_FILE_NAME, file)


def _check_rows(url: str, manifest: BackupManifest) -> None:
    """Raises ToolFailed where a table has not the rows that it had; format 1 did not count them."""
    if not manifest.rows:
        return
    with database.open_connection(url) as connection:
        there = database.count_rows(connection)
    for table in sorted({*there, *manifest.rows}):
        if there.get(table) != manifest.rows.get(table):
            raise ToolFailed(
                f"The table {table} has {there.get(table, 'no')} rows and had {manifest.rows.get(table, 'no')} when the backup was made. Nothing was kept."
            )


def _verify_media(folder: Path, url: str, manifest: BackupManifest) -> int:
    """Every medium from the disk against its checksum, and every one that the database knows is there."""
    for name, wanted in manifest.files.items():
        if archive.ORIGINAL_NAME_PATTERN.fullmatch(name):
            with (folder / name).open("rb") as file:
                summed = ChecksumReader(file)
                while summed.read(CHUNK_BYTES):
                    pass
            if summed.digest.hexdigest() != wanted["sha256"]:
                raise ToolFailed(
                    f"{name} reads differently from the disk than it was written. Nothing was kept; check the disk."
                )
    with database.open_connection(url) as connection:
        lost = _media_names(connection) - set(manifest.files) - set(manifest.missing)
    if lost and manifest.format > 1:
        raise BackupDamaged(
            f"The backup lacks {len(lost)} media that its database knows, such as {min(lost)}. Nothing was kept."
        )
    return manifest.media


def _migrate_database(folder: Path) -> int:
    """Bring the database to this version. Raises BackupDamaged where the backup is of a newer one."""
    command = [sys.executable, "-m", "kicau.config.database_setup"]
    environment = {**os.environ, "KICAU_DATA": str(folder), "DJANGO_SETTINGS_MODULE": "kicau.config.settings"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        said = (done.stderr.strip().splitlines() or ["it did not say why"])[-1]
        raise ToolFailed(f"The restored database could not be brought to this version: {said} Nothing was kept.")
    return int((re.findall(r'"migrated": (\d+)', done.stdout) or ["0"])[-1])


def require_empty(folder: Path) -> None:
    """Raises TargetNotEmpty where anything is there that could be harmed."""
    there = sorted(p.name for p in folder.iterdir() if p.name != LOCK_FILE)
    if there:
        raise TargetNotEmpty(
            f"{folder} is not empty (it holds {', '.join(there[:3])}); restore into a new folder: KICAU_DATA=… kicau restore FILE"
        )
    if url := setting_definitions.read_setting("DATABASE_URL"):
        with database.open_connection(url) as connection:
            nothing = database.is_empty(connection)
        if not nothing:
            raise TargetNotEmpty("The database that DATABASE_URL names is not empty; give an empty one.")


def _remove_everything(folder: Path) -> None:
    """As it was before; an external database loses what was put into it."""
    if url := setting_definitions.read_setting("DATABASE_URL"):
        with contextlib.suppress(BackupError, psycopg.Error), database.open_connection(url) as connection:
            database.clear_database(connection)
    for path in folder.iterdir():
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        elif path.name != LOCK_FILE:
            path.unlink(missing_ok=True)
