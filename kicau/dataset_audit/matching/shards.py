"""Others' data sets as blocks of bytes: JSON lines, plain or packed (gz, zst), Parquet, WARC, text; a file, a folder,
a bucket, or a list of them. What cannot be read is said, and what was read before it counts.
"""

from __future__ import annotations

import bz2
import codecs
import lzma
import re
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any, BinaryIO, cast
from urllib.parse import urlsplit

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.fs as pafs
import pyarrow.parquet as pq
import zstandard
from isal import isal_zlib
from numpy.typing import NDArray

from kicau.base import setting_definitions
from kicau.connector.transport import ssrf
from kicau.dataset_audit import evidence_wording, search_places
from kicau.dataset_audit.file_formats import format_of

BLOCK_BYTES = 1 << 20  # bytes of a block
UNIT_BYTES = 256 << 20  # bytes of a plain file that one process takes at a time
MAX_LINE_BYTES = 64 << 20  # bytes; a longer line is read in pieces
OVERLAP_BYTES = 8192  # bytes that such a piece shares with the one before
NOT_FOUND_FAULT = "lost"
DEFAULT_PORTS = {"https": 443, "http": 80}
BUCKET_NAME_PATTERN = re.compile(r"[a-z0-9][a-z0-9._-]{1,221}")
MAX_UNPACK_RATIO, UNPACK_RATIO_FREE_BYTES = (
    400,
    4 << 30,
)  # a packed shard is read to so many times its size, and 4 GB in any case


READ_ERRORS: tuple[type[Exception], ...] = (
    OSError,
    EOFError,
    ValueError,
    lzma.LZMAError,
    zstandard.ZstdError,
    pa.ArrowException,
    cast("type[Exception]", isal_zlib.error),
)


class NoSuchShards(Exception):
    """Name a file, folder, bucket or list that holds something to read."""


class LocationUnreachable(NoSuchShards):
    """There is nothing of that name, or it cannot be reached."""


class BrokenShard(Exception):
    """A shard ends before its end, or is not what its name says; what was read before it counts."""


@dataclass(frozen=True, slots=True)
class Shard:
    """One file of a data set; `name` is its path or address, `size` its bytes as they lie there."""

    name: str
    size: int
    format: str  # json, parquet, warc, text, html; LOST where a list names what cannot be reached
    packing: str = ""  # gz, zst, bz2, xz


@dataclass(frozen=True, slots=True)
class ShardUnit:
    """What one process reads at a time: a shard, or bytes `first` to `last` of a plain one (its lines that begin there),
    or those row groups of a Parquet file."""

    shard: Shard
    first: int = 0
    last: int = -1  # to the end

    @property
    def key(self) -> str:
        return f"{self.shard.name}|{self.shard.size}|{self.first}|{self.last}"


@dataclass(slots=True, eq=False)
class TextBlock:
    """Bytes, with where they stand: `base` counts unpacked bytes from the shard's beginning (of a column's rows in
    Parquet). `breaks`: rising places of bytes in `data` at which a new text begins that no copy spans."""

    data: NDArray[np.uint8]
    base: int
    breaks: NDArray[np.int64]
    place: dict[str, Any] = field(default_factory=dict)  # record id, row group, column: what leads a reader back
    documents: int = 0


def find_shards(where: str) -> tuple[list[Shard], list[str]]:
    """The shards at a path or address (`s3://…`, `gs://…`, a file at `https://…`), or of a list (`@file`, one a line), in order of name; and
    the names of files that no reader is for. Raises NoSuchShards."""
    if where.startswith("@"):
        return _shards_of_list(where[1:])
    if where.partition("://")[0] in search_places.BUCKET_SCHEMES and not search_places.is_plain_address(where):
        raise LocationUnreachable(f"{where} is no plain address; options of a bucket belong in KICAU_AUDIT_FOLDERS.")
    files, prefix = _list_files(where)
    shards, skipped = [], []
    for file in sorted(files, key=lambda f: f.path):
        shard = _build_shard(prefix + file.path, file.size or 0)
        if shard:
            shards.append(shard)
        else:
            skipped.append(prefix + file.path)
    if not shards:
        raise NoSuchShards(
            f"There is nothing to read at {where}: JSON lines, Parquet, WARC or text is wanted, plain or packed."
        )
    return shards, skipped


def _shards_of_list(path: str) -> tuple[list[Shard], list[str]]:
    try:
        with open(path, encoding="utf-8") as lines:
            names = [line.strip() for line in lines if line.strip()]
    except OSError as lost:
        raise NoSuchShards(f"The list {path} cannot be read: {lost.strerror}.") from lost
    shards, skipped = [], []
    for name in names:
        try:
            more, unread = find_shards(name)
        except LocationUnreachable:
            more, unread = (
                [Shard(name, 0, NOT_FOUND_FAULT)],
                [],
            )  # its reading will say so: it is missing from the search
        except NoSuchShards:
            more, unread = [], [name]
        shards += more
        skipped += unread
    if all(shard.format == NOT_FOUND_FAULT for shard in shards):
        raise NoSuchShards(f"Nothing that the list {path} names can be read.")
    return shards, skipped


def _list_files(where: str) -> tuple[list[pafs.FileInfo], str]:
    system, path = _filesystem(where)
    prefix = where[: len(where) - len(path)] if "://" in where and where.endswith(path) else ""
    try:
        about = system.get_file_info(path)
        if about.type == pafs.FileType.Directory:
            found = system.get_file_info(pafs.FileSelector(path, recursive=True))
            return [f for f in found if f.type == pafs.FileType.File], prefix
    except (OSError, pa.ArrowException) as lost:
        raise LocationUnreachable(f"{where} cannot be reached: {lost}") from lost
    if about.type != pafs.FileType.File:
        raise LocationUnreachable(f"There is no {where}.")
    return [about], prefix


def _filesystem(where: str) -> tuple[pafs.FileSystem, str]:
    """What reads an address, and the path within it. Nothing of `where` but that path reaches it: names in a bucket or a
    list are chosen by others."""
    scheme, found, path = where.partition("://")
    if not found:
        return pafs.LocalFileSystem(), where
    if scheme in ("https", "http"):
        return pafs.PyFileSystem(pafs.FSSpecHandler(_http_filesystem())), where
    bucket = path.partition("/")[0]
    if scheme not in search_places.BUCKET_SCHEMES or not BUCKET_NAME_PATTERN.fullmatch(bucket):
        raise LocationUnreachable(f"{where} is no address that can be read.")
    entry = search_places.entry_of_address(where, setting_definitions.read_list_setting("KICAU_AUDIT_FOLDERS"))
    try:
        return _bucket_filesystem(entry or f"{scheme}://{bucket}"), path
    except (ValueError, OSError, pa.ArrowException) as lost:
        raise LocationUnreachable(f"{where} cannot be reached: {lost}") from lost


def _bucket_filesystem(entry: str) -> pafs.FileSystem:
    """By the operator's own entry, with its options; where there is none, by the environment alone."""
    return pafs.FileSystem.from_uri(entry)[0]


@cache
def _http_filesystem() -> Any:
    import fsspec

    return fsspec.filesystem("http", skip_instance_cache=True, get_client=_guarded_client)  # each process makes its own


async def _guarded_client(**how: Any) -> Any:
    """A client that reaches public addresses, those on the operator's lists, and no others by a redirect either."""
    import aiohttp

    named = [urlsplit(one) for one in setting_definitions.read_list_setting("KICAU_AUDIT_FOLDERS")]
    also = {
        f"{one.hostname}:{one.port or DEFAULT_PORTS[one.scheme]}"
        for one in named
        if one.scheme in DEFAULT_PORTS and one.hostname
    }
    return aiohttp.ClientSession(
        connector=ssrf.GuardedConnector(
            also=also | set(setting_definitions.read_list_setting("KICAU_INTERNAL_HOSTS")), use_dns_cache=False
        ),
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=10, sock_read=60),
        trust_env=False,
        **how,
    )


def _build_shard(name: str, size: int) -> Shard | None:
    format, packing = format_of(name)
    return Shard(name, size, format, packing) if format else None


def shard_units(shard: Shard) -> list[ShardUnit]:
    """A shard in pieces of a size that many processes share, each resumable by itself."""
    if shard.packing or shard.format in ("warc", "html"):
        return [ShardUnit(shard)]
    if shard.format == "parquet":
        try:
            with _open_shard(shard) as stream:
                groups = pq.ParquetFile(stream).num_row_groups
        except (OSError, pa.ArrowException):
            return [ShardUnit(shard)]  # its reading will say what is wrong
        return [ShardUnit(shard, at, at + 1) for at in range(groups)] or [ShardUnit(shard)]
    if shard.size <= UNIT_BYTES:
        return [ShardUnit(shard)]
    return [ShardUnit(shard, first, min(first + UNIT_BYTES, shard.size)) for first in range(0, shard.size, UNIT_BYTES)]


def _open_shard(shard: Shard) -> pa.NativeFile:
    system, path = _filesystem(shard.name)
    return system.open_input_file(path)


def read_blocks(unit: ShardUnit) -> Iterator[TextBlock]:
    """The unit's texts in blocks. Raises BrokenShard, after what could be read."""
    shard = unit.shard
    if shard.format == NOT_FOUND_FAULT:
        raise BrokenShard(f"{shard.name}: {evidence_wording.LOST_FAULT}")
    try:
        if shard.format == "parquet":
            yield from _read_parquet(unit)
        elif shard.format == "warc":
            yield from _read_warc(shard)
        elif shard.packing:
            with _open_shard(shard) as stream:
                yield from _read_lines(
                    cast(
                        BinaryIO,
                        _LenientStream(
                            _unpack_stream(stream, shard.packing),
                            max(UNPACK_RATIO_FREE_BYTES, MAX_UNPACK_RATIO * shard.size),
                        ),
                    ),
                    0,
                    -1,
                    shard.format,
                )
        else:
            yield from _read_plain(unit)
    except READ_ERRORS as lost:
        raise BrokenShard(f"{shard.name}: {_fault_sentence(lost)}") from lost


def _fault_sentence(lost: Exception) -> str:
    """One of `wording.WHY` where it is a usual reason; else what the reader said."""
    if isinstance(lost, EOFError):
        return evidence_wording.CUT_FAULT
    if isinstance(lost, lzma.LZMAError | zstandard.ZstdError | isal_zlib.error | pa.ArrowInvalid):
        return evidence_wording.DAMAGED_FAULT
    return str(lost)


class _LenientStream:
    """A packed stream that gives what it could unpack before it tells that the rest is broken, or that it grows beyond
    what a data set does."""

    STEP = 1 << 16

    def __init__(self, stream: Any, most: int) -> None:
        self._some = getattr(
            stream, "read1", stream.read
        )  # what was unpacked before the fault in the same call is not lost
        self._left = most
        self._fault: Exception | None = None

    def read(self, size: int) -> bytes:
        pieces: list[bytes] = []
        while size > 0 and self._fault is None:
            try:
                piece = self._some(min(size, self.STEP))
            except READ_ERRORS as lost:
                self._fault = lost
                break
            if not piece:
                break
            pieces.append(piece)
            size -= len(piece)
            self._left -= len(piece)
            if self._left < 0:
                self._fault = ValueError(evidence_wording.UNPACK_RATIO_FAULT)
        if not pieces and self._fault is not None:
            raise self._fault
        return b"".join(pieces)


class _GzipStream:
    """A gzip stream, of one member or many, that gives all before a fault: the standard readers lose what they unpacked
    in the call that meets it."""

    PACKED = 1 << 18

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self._rest = b""
        self._begin()

    def _begin(self) -> None:
        self._member = isal_zlib.decompressobj(31)
        self._begun = False

    def read(self, size: int) -> bytes:
        """Up to so many bytes; none at the end."""
        while True:
            if self._member.eof:
                self._rest = self._member.unused_data
                self._begin()
            if not self._begun:  # zeros between members are padding
                self._rest = self._rest.lstrip(b"\0")
            if not self._rest:
                self._rest = self._stream.read(self.PACKED)
                if not self._rest:
                    if self._begun:
                        raise EOFError
                    return b""
                continue
            self._begun = True
            made = self._member.decompress(self._rest, size)
            self._rest = self._member.unconsumed_tail
            if made:
                return made


class _ZstdStream:
    """A zstd stream that tells where it ends in the middle: its reader takes a cut one for whole. Frames and blocks are
    walked by their sizes alone (RFC 8878, section 3.1, https://www.rfc-editor.org/rfc/rfc8878, looked up 2026-11-27)."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self._walk = self._frames()
        self._wanted = next(self._walk)  # bytes of the next number; below 0: bytes that are passed over
        self._number = b""
        self._between = True

    def read(self, size: int) -> bytes:
        """Raises EOFError at an end that is none."""
        data: bytes = self._stream.read(size)
        if not data and not self._between:
            raise EOFError
        at = 0
        while at < len(data):
            if self._wanted < 0:
                step = min(-self._wanted, len(data) - at)
                self._wanted += step
                done = self._wanted == 0
            else:
                step = min(self._wanted - len(self._number), len(data) - at)
                self._number += data[at : at + step]
                done = len(self._number) == self._wanted
                self._between = False
            at += step
            if done:
                number, self._number = int.from_bytes(self._number, "little"), b""
                self._wanted = self._walk.send(number)
        return data

    def _frames(self) -> Generator[int, int, None]:
        while True:
            self._between = True
            mark = yield 4
            if mark & 0xFFFFFFF0 == 0x184D2A50:  # a frame to be skipped
                if size := (yield 4):
                    yield -size
                continue
            told = yield 1
            alone, sums, dictionary = told >> 5 & 1, told >> 2 & 1, (0, 1, 2, 4)[told & 3]
            more = (0 if alone else 1) + dictionary + ((1 if alone else 0), 2, 4, 8)[told >> 6]
            if more:
                yield -more
            last = False
            while not last:
                head = yield 3
                last = bool(head & 1)
                if size := 1 if head >> 1 & 3 == 1 else head >> 3:
                    yield -size
            if sums:
                yield -4


def _unpack_stream(stream: Any, packing: str) -> Any:
    if packing == "gz":
        return _GzipStream(stream)
    if packing == "zst":
        whole: Any = _ZstdStream(stream)  # read from as a file is, which its type says too narrowly
        return zstandard.ZstdDecompressor(max_window_size=1 << 31).stream_reader(whole, read_across_frames=True)
    return bz2.BZ2File(stream) if packing == "bz2" else lzma.LZMAFile(stream)


def _read_plain(unit: ShardUnit) -> Iterator[TextBlock]:
    with _open_shard(unit.shard) as stream:
        first = unit.first
        if first > 0:  # the line that runs over the edge belongs to the piece before
            stream.seek(first - 1)
            first = first - 1 + _skip_to_next_line(stream)
        stream.seek(first)
        yield from _read_lines(cast(BinaryIO, stream), first, unit.last, unit.shard.format)


def _skip_to_next_line(stream: Any) -> int:
    passed = 0
    while chunk := stream.read(1 << 16):
        at = chunk.find(b"\n")
        if at >= 0:
            return passed + int(at) + 1
        passed += len(chunk)
    return passed


def _read_lines(stream: BinaryIO, base: int, last: int, format: str) -> Iterator[TextBlock]:
    """Whole lines, as far as the first that begins at or after `last`."""
    carried = b""
    while True:
        fault: Exception | None = None
        try:
            chunk = stream.read(BLOCK_BYTES)
        except READ_ERRORS as lost:
            chunk, fault = b"", lost
        data = carried + chunk if carried else chunk
        if not data:
            if fault:
                raise fault
            return
        if base == 0 and (encoding := _wide_encoding(data)):
            yield from _read_wide(data, stream, format, encoding)
            return
        cut = len(data) if not chunk else data.rfind(b"\n") + 1
        if not cut and len(data) < MAX_LINE_BYTES:
            carried = data
            continue
        overlap = 0
        if not cut:  # a line of tens of megabytes: in pieces that share a little
            cut, overlap = len(data), OVERLAP_BYTES
        if 0 <= last <= base + cut:
            cut = min(cut, _line_end(data, max(0, last - base - 1)))
            if cut:
                yield _build_block(data[:cut], base, format)
            if cut < len(data) or base + cut >= last:
                return
        else:
            yield _build_block(data[:cut], base, format)
        carried = data[cut - overlap :]
        base += cut - overlap
        if fault:
            raise fault
        if not chunk:
            return


def _line_end(data: bytes, begin: int) -> int:
    """After the line in which `begin` stands; all of the data where it does not end there."""
    at = data.find(b"\n", begin)
    return at + 1 if at >= 0 else len(data)


def _wide_encoding(data: bytes) -> str:
    """The encoding of two or four bytes a character that a text begins in, marked or not; else nothing."""
    if data[:4] in (b"\xff\xfe\0\0", b"\0\0\xfe\xff"):
        return "utf-32"
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return "utf-16"
    begin = data[:4096]
    first, second = (begin[at::2].count(0) / max(1, len(begin) // 2) for at in (0, 1))
    if max(first, second) < 0.4 or min(first, second) > 0.1:
        return ""
    return "utf-16-le" if second > first else "utf-16-be"


def _read_wide(data: bytes, stream: BinaryIO, format: str, encoding: str) -> Iterator[TextBlock]:
    decoder = codecs.getincrementaldecoder(encoding)("replace")
    base = 0
    while data:
        made = decoder.decode(data).encode("utf-8", "replace")
        if made:
            yield _build_block(made, base, format)
        base += len(made)
        data = stream.read(BLOCK_BYTES)


def _build_block(data: bytes, base: int, format: str) -> TextBlock:
    """In text a copy may run over lines; a line of JSON ends what it holds."""
    array = np.frombuffer(data, np.uint8)
    ends = np.flatnonzero(array == 10)
    documents = len(ends) + (0 if data.endswith(b"\n") else 1)
    breaks = ends + 1 if format == "json" else np.zeros(0, np.int64)
    return TextBlock(array, base, breaks, documents=documents)


def _read_parquet(unit: ShardUnit) -> Iterator[TextBlock]:
    with _open_shard(unit.shard) as stream:
        try:
            file = pq.ParquetFile(stream)
        except pa.ArrowInvalid:  # what is in it stands at its end
            raise ValueError(evidence_wording.PARQUET_FAULT) from None
        names = _text_columns(file.schema_arrow)
        if not names:
            raise ValueError(evidence_wording.NO_TEXT_FAULT)
        groups = range(file.num_row_groups) if unit.last < 0 else range(unit.first, unit.last)
        for group in groups:
            row = 0
            for batch in file.iter_batches(batch_size=8192, row_groups=[group], columns=names):
                for name, column in _flat_columns(batch):
                    data, breaks = _join_rows(column)
                    place = {"row_group": group, "column": name, "row": row}
                    documents = batch.num_rows if name == names[0] else 0
                    yield TextBlock(data, 0, breaks, place, documents)
                row += batch.num_rows


def _text_columns(schema: pa.Schema) -> list[str]:
    return [f.name for f in schema if any(_is_text_type(t) for t in _leaf_types(f.type))]


def _is_text_type(kind: pa.DataType) -> bool:
    """Bytes too: many writers keep text so."""
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    return any(
        is_one(kind)
        for is_one in (
            pa.types.is_string,
            pa.types.is_large_string,
            pa.types.is_string_view,
            pa.types.is_binary,
            pa.types.is_large_binary,
            pa.types.is_binary_view,
        )
    )


def _leaf_types(kind: pa.DataType) -> Iterator[pa.DataType]:
    if pa.types.is_struct(kind):
        for at in range(kind.num_fields):
            yield from _leaf_types(kind.field(at).type)
    elif pa.types.is_list(kind) or pa.types.is_large_list(kind):
        yield from _leaf_types(kind.value_type)
    else:
        yield kind


def _flat_columns(batch: pa.RecordBatch) -> Iterator[tuple[str, pa.Array]]:
    for name, column in zip(batch.schema.names, batch.columns, strict=True):
        yield from _flat_column(name, column)


def _flat_column(name: str, column: pa.Array) -> Iterator[tuple[str, pa.Array]]:
    if pa.types.is_struct(column.type):
        for at in range(column.type.num_fields):
            yield from _flat_column(f"{name}.{column.type.field(at).name}", column.field(at))
    elif pa.types.is_list(column.type) or pa.types.is_large_list(column.type):
        yield from _flat_column(f"{name}[]", column.flatten())
    elif _is_text_type(column.type):
        yield name, column


def _join_rows(column: pa.Array) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """The rows' bytes with a newline after each, and where each row begins."""
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if pa.types.is_string_view(column.type):
        column = column.cast(pa.large_string())
    newline, nothing = (pa.scalar(text, pa.large_binary()) for text in (b"\n", b""))
    ended = pc.binary_join_element_wise(pc.fill_null(column.cast(pa.large_binary()), nothing), newline, nothing)
    _, offsets, data = ended.buffers()
    begins = np.frombuffer(offsets, np.int64)[ended.offset : ended.offset + len(ended) + 1]
    array = np.frombuffer(data, np.uint8)[begins[0] : begins[-1]] if len(ended) else np.zeros(0, np.uint8)
    return array, (begins - begins[0])[1:-1]


def _read_warc(shard: Shard) -> Iterator[TextBlock]:
    from fastwarc.warc import ArchiveIterator, WarcRecordType

    wanted = WarcRecordType.response | WarcRecordType.conversion | WarcRecordType.resource
    with _open_shard(shard) as stream:
        read = False
        for record in ArchiveIterator(stream, record_types=wanted):
            read = True
            size = record.content_length
            body = record.reader.read()
            place = {"record": record.record_id, "uri": record.headers.get("WARC-Target-URI", "")}
            yield TextBlock(np.frombuffer(body, np.uint8), record.stream_pos, np.zeros(0, np.int64), place, 1)
            if len(body) < size:
                raise EOFError
        if not read:
            raise ValueError(evidence_wording.NO_RECORD_FAULT)
