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
from kicau.backup.errors import Damaged, Locked
from kicau.base import clock, keys, postgres

FORMAT = 2
SERVER = postgres.MAJOR * 10_000
MANIFEST = "manifest.json"
FIRST_DUMP = "database.dump"  # format 1 had the dump in one piece
PIECE = 16 << 20  # bytes of a dump that are held in memory at once
CHUNK = 1 << 20
LONGEST_MANIFEST = 1 << 30
DATABASE = re.compile(r"database/\d{5,}|database\.dump")
ORIGINAL = re.compile(r"media/[0-9a-f]{32}/[0-9a-f]{2}/[0-9a-f]{64}")


@dataclass(slots=True)
class Manifest:
    """What a backup holds."""

    made_at: str  # ISO 8601, UTC: the moment of the database
    kicau: str = kicau.__version__
    postgres: int = postgres.MAJOR
    server: int = SERVER  # the database's server_version_num
    format: int = FORMAT
    database_size: int = 0  # bytes that it took on the disk
    rows: dict[str, int] = field(default_factory=dict)
    files: dict[str, dict[str, Any]] = field(default_factory=dict)  # name: {"sha256", "size"}
    key_marks: list[str] = field(default_factory=list)  # tell a key file from another without telling a key
    missing: list[str] = field(default_factory=list)  # media that the database knows and the disk does not have

    @property
    def media(self) -> int:
        return sum(1 for name in self.files if ORIGINAL.fullmatch(name))

    @property
    def dump_size(self) -> int:
        return sum(int(file["size"]) for name, file in self.files.items() if DATABASE.fullmatch(name))

    @property
    def has_key(self) -> bool:
        return keys.FILE in self.files


def marks_of(key_file: Path) -> list[str]:
    """A mark of each key in a file, from which the key cannot be told."""
    lines = [line.strip() for line in key_file.read_text("ascii").splitlines() if line.strip()]
    return [hashlib.sha256(f"kicau key mark:{line}".encode()).hexdigest()[:16] for line in lines]


class Writer:
    """Adds what goes into a backup, and sums it up."""

    def __init__(self, tar: tarfile.TarFile, manifest: Manifest) -> None:
        self.tar, self.manifest = tar, manifest

    def stream(self, source: IO[bytes]) -> None:
        """The dump, in pieces."""
        number = 0
        while piece := source.read(PIECE):
            self._put(f"database/{number:05}", io.BytesIO(piece), len(piece))
            number += 1

    def file(self, name: str, path: Path) -> None:
        """Raises FileNotFoundError where it is gone."""
        with path.open("rb") as file:
            self._put(name, file, os.fstat(file.fileno()).st_size)

    def close(self) -> None:
        body = json.dumps({name: getattr(self.manifest, name) for name in Manifest.__slots__}, indent=1).encode()
        self.tar.addfile(self._info(MANIFEST, len(body)), io.BytesIO(body))

    def _put(self, name: str, file: IO[bytes], size: int) -> None:
        summed = Summed(file)
        self.tar.addfile(self._info(name, size), summed)
        self.manifest.files[name] = {"sha256": summed.digest.hexdigest(), "size": size}

    def _info(self, name: str, size: int) -> tarfile.TarInfo:
        info = tarfile.TarInfo(name)
        info.size, info.mode, info.mtime = size, 0o600, int(clock.now().timestamp())
        return info


class Summed:
    """A file that is summed up as it is read."""

    def __init__(self, file: IO[bytes]) -> None:
        self.file, self.digest = file, hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        data = self.file.read(size)
        self.digest.update(data)
        return data


@contextlib.contextmanager
def writing(out: IO[bytes], manifest: Manifest, passphrase: str = "") -> Iterator[Writer]:
    """A backup is written to `out`; it is whole when this ends without an error."""
    sealer = encryption.Sealer(out, passphrase) if passphrase else None
    with tarfile.open(fileobj=sealer or out, mode="w|", format=tarfile.PAX_FORMAT, bufsize=CHUNK) as tar:
        writer = Writer(tar, manifest)
        yield writer
        writer.close()
    if sealer is not None:
        sealer.close()


@contextlib.contextmanager
def reading(source: Path, passphrase: str = "") -> Iterator[Iterator[tuple[str, IO[bytes]]]]:
    """What a backup holds, in its order, each to be read before the next. Raises Damaged, Locked."""
    try:
        with source.open("rb") as file:
            beginning = file.read(len(encryption.MARK))
            file.seek(0)
            sealed = encryption.is_sealed(beginning)
            if sealed and not passphrase:
                raise Locked(f"The backup {source} is encrypted; give its passphrase.")
            inner: Any = encryption.Opener(file, passphrase) if sealed else file
            with tarfile.open(fileobj=inner, mode="r|", bufsize=CHUNK) as tar:
                yield _members(tar)
    except Damaged as exc:
        raise _unusable(source, str(exc)) from None
    except (tarfile.TarError, EOFError) as exc:
        raise _unusable(source, f"it is cut off or no backup ({exc})") from None


def is_sealed(source: Path) -> bool:
    """Whether a backup is encrypted, and so written by somebody who has the passphrase. A plain one says nothing of who
    wrote it: its checksums find damage, not a change that somebody made."""
    with source.open("rb") as file:
        return encryption.is_sealed(file.read(len(encryption.MARK)))


def _members(tar: tarfile.TarFile) -> Iterator[tuple[str, IO[bytes]]]:
    for member in tar:
        file = tar.extractfile(member) if member.isfile() else None
        name = member.name
        if file is None or not (name in (keys.FILE, MANIFEST) or DATABASE.fullmatch(name) or ORIGINAL.fullmatch(name)):
            raise Damaged(f"it holds {name[:80]!r}, which is no part of a backup")
        yield name, file


def read_manifest(file: IO[bytes]) -> Manifest:
    """Raises Damaged for what is none, or is newer than we are."""
    try:
        said = json.loads(file.read(LONGEST_MANIFEST))
        if not isinstance(said, dict) or not isinstance(said["files"], dict):
            raise TypeError
        version, made_by = int(said["format"]), str(said.get("kicau"))
    except (ValueError, TypeError, KeyError):
        raise Damaged("its list of contents is not what it was") from None
    if version > FORMAT or int(said.get("postgres", 0)) > postgres.MAJOR:
        raise Damaged(f"it was made by Kicau {made_by}, which is newer than this one ({kicau.__version__})")
    return Manifest(**{name: said[name] for name in Manifest.__slots__ if name in said})


def compare(manifest: Manifest | None, found: dict[str, dict[str, Any]]) -> Manifest:
    """The manifest, where all that it lists was read, and nothing else. Raises Damaged."""
    if manifest is None:
        raise Damaged("its end is missing")
    for name in sorted({*manifest.files, *found}):
        if manifest.files.get(name) != found.get(name):
            raise Damaged(f"{name} is not what it was when the backup was made")
    if not any(DATABASE.fullmatch(name) for name in found):
        raise Damaged("it holds no database")
    return manifest


def verify(source: Path, passphrase: str = "") -> Manifest:
    """Read all of a backup and hold it against its own checksums. Raises Damaged, Locked; writes nothing."""
    found: dict[str, dict[str, Any]] = {}
    manifest: Manifest | None = None
    with reading(source, passphrase) as members:
        for name, file in members:
            if name == MANIFEST:
                manifest = read_manifest(file)
                continue
            summed, size = Summed(file), 0
            while chunk := summed.read(CHUNK):
                size += len(chunk)
            found[name] = {"sha256": summed.digest.hexdigest(), "size": size}
        return compare(manifest, found)


def _unusable(source: Path, why: str) -> Damaged:
    return Damaged(f"The backup {source} cannot be used: {why}. Nothing was changed; take another copy of it.")
