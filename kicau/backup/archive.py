"""The file: a tar that any program opens, with what it holds and its checksums in `manifest.json` at its end.

secret.key            the keys that open sealed credentials (unless it was left out)
database/00000 …      pg_dump's own format, in pieces to be joined
media/…               originals; the networks' own copies are made again
manifest.json         version, moment, rows a table, and each file's size and SHA-256
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import re
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import kicau
from kicau.backup import encryption
from kicau.backup.errors import BackupDamaged, BackupLocked
from kicau.base import clock, keys, postgres

BACKUP_FORMAT_VERSION = 2
DEFAULT_SERVER_VERSION = postgres.POSTGRES_MAJOR_VERSION * 10_000
MANIFEST_NAME = "manifest.json"
SINGLE_DUMP_NAME = "database.dump"  # format 1 had the dump in one piece
DUMP_PIECE_BYTES = 16 << 20  # bytes of a dump that are held in memory at once
CHUNK_BYTES = 1 << 20
MAX_MANIFEST_BYTES = 1 << 30
DUMP_NAME_PATTERN = re.compile(r"database/\d{5,}|database\.dump")
ORIGINAL_NAME_PATTERN = re.compile(r"media/[0-9a-f]{32}/[0-9a-f]{2}/[0-9a-f]{64}")


@dataclass(slots=True)
class BackupManifest:
    """What a backup holds."""

    made_at: str  # ISO 8601, UTC: the moment of the database
    kicau: str = kicau.__version__
    postgres: int = postgres.POSTGRES_MAJOR_VERSION
    server: int = DEFAULT_SERVER_VERSION  # the database's server_version_num
    format: int = BACKUP_FORMAT_VERSION
    database_size: int = 0  # bytes that it took on the disk
    rows: dict[str, int] = field(default_factory=dict)
    files: dict[str, dict[str, Any]] = field(default_factory=dict)  # name: {"sha256", "size"}
    key_marks: list[str] = field(default_factory=list)  # tell a key file from another without telling a key
    missing: list[str] = field(default_factory=list)  # media that the database knows and the disk does not have

    @property
    def media(self) -> int:
        return sum(1 for name in self.files if ORIGINAL_NAME_PATTERN.fullmatch(name))

    @property
    def dump_size(self) -> int:
        return sum(int(file["size"]) for name, file in self.files.items() if DUMP_NAME_PATTERN.fullmatch(name))

    @property
    def has_key(self) -> bool:
        return keys.KEY_FILE_NAME in self.files


def key_fingerprints(key_file: Path) -> list[str]:
    """A mark of each key in a file, from which the key cannot be told."""
    lines = [line.strip() for line in key_file.read_text("ascii").splitlines() if line.strip()]
    return [hashlib.sha256(f"kicau key mark:{line}".encode()).hexdigest()[:16] for line in lines]


class BackupWriter:
    """Adds what goes into a backup, and sums it up."""

    def __init__(self, tar: tarfile.TarFile, manifest: BackupManifest) -> None:
        self.tar, self.manifest = tar, manifest

    def stream(self, source: IO[bytes]) -> None:
        """The dump, in pieces."""
        number = 0
        while piece := source.read(DUMP_PIECE_BYTES):
            self._put(f"database/{number:05}", io.BytesIO(piece), len(piece))
            number += 1

    def file(self, name: str, path: Path) -> None:
        """Raises FileNotFoundError where it is gone."""
        with path.open("rb") as file:
            self._put(name, file, os.fstat(file.fileno()).st_size)

    def close(self) -> None:
        body = json.dumps({name: getattr(self.manifest, name) for name in BackupManifest.__slots__}, indent=1).encode()
        self.tar.addfile(self._info(MANIFEST_NAME, len(body)), io.BytesIO(body))

    def _put(self, name: str, file: IO[bytes], size: int) -> None:
        summed = ChecksumReader(file)
        self.tar.addfile(self._info(name, size), summed)
        self.manifest.files[name] = {"sha256": summed.digest.hexdigest(), "size": size}

    def _info(self, name: str, size: int) -> tarfile.TarInfo:
        info = tarfile.TarInfo(name)
        info.size, info.mode, info.mtime = size, 0o600, int(clock.now().timestamp())
        return info


class ChecksumReader:
    """A file that is summed up as it is read."""

    def __init__(self, file: IO[bytes]) -> None:
        self.file, self.digest = file, hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        data = self.file.read(size)
        self.digest.update(data)
        return data


@contextlib.contextmanager
def open_for_writing(out: IO[bytes], manifest: BackupManifest, passphrase: str = "") -> Iterator[BackupWriter]:
    """A backup is written to `out`; it is whole when this ends without an error."""
    sealer = encryption.EncryptingWriter(out, passphrase) if passphrase else None
    with tarfile.open(fileobj=sealer or out, mode="w|", format=tarfile.PAX_FORMAT, bufsize=CHUNK_BYTES) as tar:
        writer = BackupWriter(tar, manifest)
        yield writer
        writer.close()
    if sealer is not None:
        sealer.close()


@contextlib.contextmanager
def open_for_reading(source: Path, passphrase: str = "") -> Iterator[Iterator[tuple[str, IO[bytes]]]]:
    """What a backup holds, in its order, each to be read before the next. Raises BackupDamaged, BackupLocked."""
    try:
        with source.open("rb") as file:
            beginning = file.read(len(encryption.ENCRYPTED_FILE_MARK))
            file.seek(0)
            sealed = encryption.is_encrypted(beginning)
            if sealed and not passphrase:
                raise BackupLocked(f"The backup {source} is encrypted; give its passphrase.")
            inner: Any = encryption.DecryptingReader(file, passphrase) if sealed else file
            with tarfile.open(fileobj=inner, mode="r|", bufsize=CHUNK_BYTES) as tar:
                yield _tar_members(tar)
    except BackupDamaged as exc:
        raise _damaged_error(source, str(exc)) from None
    except (tarfile.TarError, EOFError) as exc:
        raise _damaged_error(source, f"it is cut off or no backup ({exc})") from None


def is_encrypted(source: Path) -> bool:
    """Whether a backup is encrypted, and so written by somebody who has the passphrase. A plain one says nothing of who
    wrote it: its checksums find damage, not a change that somebody made."""
    with source.open("rb") as file:
        return encryption.is_encrypted(file.read(len(encryption.ENCRYPTED_FILE_MARK)))


def _tar_members(tar: tarfile.TarFile) -> Iterator[tuple[str, IO[bytes]]]:
    for member in tar:
        file = tar.extractfile(member) if member.isfile() else None
        name = member.name
        if file is None or not (
            name in (keys.KEY_FILE_NAME, MANIFEST_NAME)
            or DUMP_NAME_PATTERN.fullmatch(name)
            or ORIGINAL_NAME_PATTERN.fullmatch(name)
        ):
            raise BackupDamaged(f"it holds {name[:80]!r}, which is no part of a backup")
        yield name, file


def read_manifest(file: IO[bytes]) -> BackupManifest:
    """Raises BackupDamaged for what is none, or is newer than we are."""
    try:
        said = json.loads(file.read(MAX_MANIFEST_BYTES))
        if not isinstance(said, dict) or not isinstance(said["files"], dict):
            raise TypeError
        version, made_by = int(said["format"]), str(said.get("kicau"))
    except (ValueError, TypeError, KeyError):
        raise BackupDamaged("its list of contents is not what it was") from None
    if version > BACKUP_FORMAT_VERSION or int(said.get("postgres", 0)) > postgres.POSTGRES_MAJOR_VERSION:
        raise BackupDamaged(f"it was made by Kicau {made_by}, which is newer than this one ({kicau.__version__})")
    return BackupManifest(**{name: said[name] for name in BackupManifest.__slots__ if name in said})


def check_manifest(manifest: BackupManifest | None, found: dict[str, dict[str, Any]]) -> BackupManifest:
    """The manifest, where all that it lists was read, and nothing else. Raises BackupDamaged."""
    if manifest is None:
        raise BackupDamaged("its end is missing")
    for name in sorted({*manifest.files, *found}):
        if manifest.files.get(name) != found.get(name):
            raise BackupDamaged(f"{name} is not what it was when the backup was made")
    if not any(DUMP_NAME_PATTERN.fullmatch(name) for name in found):
        raise BackupDamaged("it holds no database")
    return manifest


def verify_backup(source: Path, passphrase: str = "") -> BackupManifest:
    """Read all of a backup and hold it against its own checksums. Raises BackupDamaged, BackupLocked; writes nothing."""
    found: dict[str, dict[str, Any]] = {}
    manifest: BackupManifest | None = None
    with open_for_reading(source, passphrase) as members:
        for name, file in members:
            if name == MANIFEST_NAME:
                manifest = read_manifest(file)
                continue
            summed, size = ChecksumReader(file), 0
            while chunk := summed.read(CHUNK_BYTES):
                size += len(chunk)
            found[name] = {"sha256": summed.digest.hexdigest(), "size": size}
        return check_manifest(manifest, found)


def _damaged_error(source: Path, why: str) -> BackupDamaged:
    return BackupDamaged(f"The backup {source} cannot be used: {why}. Nothing was changed; take another copy of it.")
