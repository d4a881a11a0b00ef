"""The files of an archive, whatever it is packed in: nothing is unpacked to disk, and no name leads anywhere."""

from __future__ import annotations

import gzip
import io
import re
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Protocol, cast

from kicau.connector.content import Problem

MAX_UNPACK_RATIO = 150  # JSON packs about 10 to 30 times; deflate can 1,032 times
MAX_UNCHECKED_BYTES = 64_000_000  # bytes unpacked from which on the ratio is looked at
MAX_FILES = 2_000_000
READ_ERRORS = (
    OSError,
    EOFError,
    zipfile.BadZipFile,
    tarfile.TarError,
    zlib.error,
    RuntimeError,
    NotImplementedError,
    ValueError,
)


class NotAnArchive(Exception):
    """It cannot be opened at all: give another file. `problem` says why."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        super().__init__(problem.sentence)


class UnreadableFile(Exception):
    """One file of an archive cannot be read, or not further: skip it and go on with the next."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        super().__init__(problem.sentence)


class ArchiveFiles(Protocol):
    """What is in an archive. Names are relative, with "/" between folders, and in a fixed order."""

    name: str  # of the archive itself, for people
    refused: list[str]  # names that are no names within the archive, such as ../../etc/passwd

    def names(self) -> list[str]: ...

    def size(self, name: str) -> int:
        """Bytes, as far as the archive says."""

    def open(self, name: str) -> BinaryIO:
        """To be read from its beginning, piece by piece. Raises UnreadableFile; so may each read."""


def matching_names(files: ArchiveFiles, pattern: str) -> list[str]:
    """The names that a regular expression finds (at any depth, ignoring case), numbers in them in order of size."""
    found = re.compile(pattern, re.IGNORECASE)
    return sorted((n for n in files.names() if found.search(n)), key=natural_sort_key)


def natural_sort_key(name: str) -> list[tuple[int, str]]:
    return [(int(piece), "") if piece.isdigit() else (-1, piece) for piece in re.split(r"(\d{1,18})", name)]


@contextmanager
def open_archive(path: Path, name: str = "") -> Iterator[ArchiveFiles]:
    """A zip, a tar (also packed), a folder, or one file, as its content says. Raises NotAnArchive."""
    shown = name or path.name
    try:
        if path.is_dir():
            yield FolderFiles(path, shown)
            return
        with path.open("rb") as file:
            head = file.read(512)
        if not head:
            raise NotAnArchive(
                Problem(
                    code="empty",
                    message="The archive file {name} is empty. Choose another file, or download this file from the network again.",
                    params={"name": shown},
                )
            )
        if head[:2] == b"PK":
            with zipfile.ZipFile(path) as packed:
                yield ZipFiles(packed, shown)
        elif _is_tar(path, head):
            with tarfile.open(path) as tape:
                yield TarFiles(tape, shown)
        else:
            yield SingleFile(path, shown, packed=head[:2] == b"\x1f\x8b")
    except NotAnArchive:
        raise
    except READ_ERRORS as exc:
        raise NotAnArchive(_broken_problem(shown, exc)) from exc


def _is_tar(path: Path, head: bytes) -> bool:
    if head[:2] == b"\x1f\x8b":
        try:
            with gzip.open(path) as file:
                head = file.read(512)
        except READ_ERRORS:
            return False
    return head[257:262] == b"ustar"


def _broken_problem(name: str, exc: BaseException) -> Problem:
    if isinstance(exc, NotImplementedError):  # such as Deflate64, with which Windows packs what is larger than 2 GB
        return Problem(
            code="packing",
            message="{name} is compressed in a way that Kicau cannot read. Unpack it, then pack it again as an ordinary ZIP file.",
            params={"name": name},
        )
    return Problem(
        code="broken",
        message="The archive file {name} is damaged or incomplete. Download it from the network again, then upload the new copy.",
        params={"name": name},
    )


def _too_many_files_problem(name: str) -> Problem:
    return Problem(
        code="too-many-files",
        message="The archive {name} contains more than {limit} files. Kicau did not read the files beyond this limit.",
        params={"name": name, "limit": MAX_FILES},
    )


class ZipFiles:
    cut: Problem | None

    def __init__(self, packed: zipfile.ZipFile, name: str) -> None:
        self.name = name
        self.refused: list[str] = []
        self._packed = packed
        self._infos: dict[str, zipfile.ZipInfo] = {}
        self.cut = _too_many_files_problem(name) if len(packed.infolist()) > MAX_FILES else None
        for info in packed.infolist()[:MAX_FILES]:
            if info.is_dir():
                continue
            if not is_inside(info.orig_filename) or not is_inside(info.filename):
                self.refused.append(info.orig_filename)
            else:
                self._infos.setdefault(info.filename, info)

    def names(self) -> list[str]:
        return list(self._infos)

    def size(self, name: str) -> int:
        return self._infos[name].file_size

    def open(self, name: str) -> BinaryIO:
        info = self._infos[name]
        if info.flag_bits & 0x1:
            raise UnreadableFile(
                Problem(
                    code="locked",
                    message="{file} is protected with a password. Unpack the file, then upload its content without a password.",
                    params={"file": name},
                )
            )
        try:
            return GuardedStream(cast(BinaryIO, self._packed.open(info)), name, info.file_size, info.compress_size)
        except READ_ERRORS as exc:
            raise UnreadableFile(_broken_problem(name, exc)) from exc


class TarFiles:
    """Read from front to back; a packed tape that ends too early still gives what came before."""

    def __init__(self, tape: tarfile.TarFile, name: str) -> None:
        self.name = name
        self.refused: list[str] = []
        self.cut: Problem | None = None
        self._tape = tape
        self._infos: dict[str, tarfile.TarInfo] = {}
        try:
            for info in tape:
                if info.isfile() and len(self._infos) >= MAX_FILES:
                    self.cut = _too_many_files_problem(name)
                elif info.isfile():
                    plain = info.name.removeprefix("./")
                    if is_inside(plain):
                        self._infos.setdefault(plain, info)
                    else:
                        self.refused.append(info.name)
        except READ_ERRORS as exc:
            self.cut = _broken_problem(name, exc)
            if not self._infos:
                raise

    def names(self) -> list[str]:
        return list(self._infos)

    def size(self, name: str) -> int:
        return self._infos[name].size

    def open(self, name: str) -> BinaryIO:
        try:
            file = self._tape.extractfile(self._infos[name])
        except READ_ERRORS as exc:
            raise UnreadableFile(_broken_problem(name, exc)) from exc
        assert file is not None  # only plain files are listed
        return GuardedStream(cast(BinaryIO, file), name, self.size(name), self.size(name))


class FolderFiles:
    """An archive that somebody has unpacked. Links that lead out of it are not followed."""

    def __init__(self, root: Path, name: str) -> None:
        self.name = name
        self.refused: list[str] = []
        self._root = root.resolve()
        self._paths: dict[str, Path] = {}
        for path in sorted(self._root.rglob("*")):
            if not path.is_file():
                continue
            relative = path.relative_to(self._root).as_posix()
            if path.resolve().is_relative_to(self._root):
                self._paths[relative] = path
            else:
                self.refused.append(relative)

    def names(self) -> list[str]:
        return list(self._paths)

    def size(self, name: str) -> int:
        return self._paths[name].stat().st_size

    def open(self, name: str) -> BinaryIO:
        try:
            return self._paths[name].open("rb")
        except OSError as exc:
            raise UnreadableFile(_broken_problem(name, exc)) from exc


class SingleFile:
    """A single file, also packed with gzip."""

    def __init__(self, path: Path, name: str, *, packed: bool) -> None:
        self.name = name
        self.refused: list[str] = []
        self._path, self._packed = path, packed
        self._inner = name.removesuffix(".gz") if packed else name

    def names(self) -> list[str]:
        return [self._inner]

    def size(self, name: str) -> int:
        return self._path.stat().st_size

    def open(self, name: str) -> BinaryIO:
        if not self._packed:
            return self._path.open("rb")
        size = self.size(name)
        return GuardedStream(cast(BinaryIO, gzip.open(self._path)), name, 0, size)


class GuardedStream(io.RawIOBase, BinaryIO):
    """A packed file as it is unpacked: what breaks is UnreadableFile, and a bomb is let go before it unfolds.

    `claimed`: its size as the archive says, 0 where it does not; `packed`: the bytes that it takes there.
    """

    def __init__(self, inner: BinaryIO, name: str, claimed: int, packed: int) -> None:
        self._inner, self._name, self._packed = inner, name, max(packed, 1)
        self._got = 0
        self._broken: BaseException | None = None
        if claimed > MAX_UNCHECKED_BYTES and claimed / self._packed > MAX_UNPACK_RATIO:
            raise UnreadableFile(self._bomb())

    def read(self, size: int = -1, /) -> bytes:
        if self._broken:
            raise UnreadableFile(_broken_problem(self._name, self._broken))
        got: list[bytes] = []
        left = size if size >= 0 else 1 << 62
        try:
            while left > 0 and (some := self._inner.read1(min(left, 1 << 22))):  # type: ignore[attr-defined]
                got.append(some)
                left -= len(some)
        except READ_ERRORS as exc:
            if not got:
                raise UnreadableFile(_broken_problem(self._name, exc)) from exc
            self._broken = exc  # what came before it is given first
        piece = b"".join(got)
        self._got += len(piece)
        if self._got > MAX_UNCHECKED_BYTES and self._got / self._packed > MAX_UNPACK_RATIO:
            raise UnreadableFile(self._bomb())
        return piece

    def readable(self) -> bool:
        return True

    def close(self) -> None:
        self._inner.close()
        super().close()

    def _bomb(self) -> Problem:
        return Problem(
            code="bomb",
            message="To protect the server, Kicau did not read {file}. Unpacking would make the file more than {ratio} times larger, which is unusual for an archive of posts.",
            params={"file": self._name, "ratio": MAX_UNPACK_RATIO},
        )


def is_inside(name: str) -> bool:
    """Whether a name stays within its archive: relative, without "..", "\\", drive letters or NUL."""
    return not (
        name.startswith("/")
        or "\\" in name
        or "\x00" in name
        or re.match(r"[A-Za-z]:", name)
        or ".." in name.split("/")
    )
