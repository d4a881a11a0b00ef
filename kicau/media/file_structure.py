"""Files walked block by block, with bounds, before any decoder sees them.

Time and memory here grow with the file's size only, never with what the file claims about itself.
"""

from __future__ import annotations

import re
import struct
import sys
import time
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import FrameType
from typing import BinaryIO

MAX_PIXELS = 120_000_000  # of a still picture
MAX_MOVING_PIXELS = 40_000_000  # of one frame of a video or an animation; 8K video has 33 million
MAX_FRAMES = 3_000  # of an animation
MAX_SCANS = 100  # of a progressive JPEG; encoders make about 10
MAX_BLOCK_COUNT = 2_000_000  # of a GIF, PNG or WebP
MAX_SAMPLES = 20_000_000  # of one video or sound track: 92 hours at 60 frames a second
MAX_HEADER_BYTES = 64 << 20  # bytes of one MP4 or MOV header box

TRUNCATED_MESSAGE = "{name} is incomplete: a part of the file is missing ({what}). Export or upload the file again."
DAMAGED_MESSAGE = "{name} is damaged: a part of the file cannot be read ({what}). Export or upload the file again."
TOO_MANY_PIXELS_MESSAGE = (
    "{name} has {width}×{height} pixels, but the limit is {limit} million pixels. Reduce its width and height."
)
TOO_MANY_FRAMES_MESSAGE = "The animation {name} has {actual} frames, but the limit is {limit}. Shorten the animation, or convert it to a video."


class UnusableFile(ValueError):
    """A file that cannot be used, and why: `message` with `{named}` places is the key of its translations."""

    def __init__(self, code: str, message: str, params: Mapping[str, str | int] | None = None) -> None:
        self.code, self.message, self.params = code, message, dict(params or {})
        super().__init__(code, message, self.params)

    def __str__(self) -> str:
        return self.message.format_map({"name": "The file", **self.params})


class DeadlinePassed(BaseException):
    """Raised in the midst of a library's work when its time is up; no `except Exception` in there may keep it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureStructure:
    """What the blocks of a picture say; zeros where only its decoder can tell."""

    width: int = 0
    height: int = 0
    frames: int = 1
    duration_ms: int = 0
    progressive: bool = False


@contextmanager
def deadline(seconds: float) -> Iterator[None]:
    """Raise DeadlinePassed from the next call of any Python or C function of this thread once `seconds` are over."""
    end = time.monotonic() + seconds
    before = sys.getprofile()

    def look(frame: FrameType, event: str, arg: object) -> None:
        if time.monotonic() > end:
            raise DeadlinePassed

    sys.setprofile(look)
    try:
        yield
    finally:
        sys.setprofile(before)


def truncated_error(what: str) -> UnusableFile:
    return UnusableFile("cut-off", TRUNCATED_MESSAGE, {"what": what})


def damaged_error(what: str) -> UnusableFile:
    return UnusableFile("damaged", DAMAGED_MESSAGE, {"what": what})


def check_pixels(width: int, height: int, limit: int = MAX_PIXELS) -> None:
    """Raises UnusableFile when a picture of these dimensions is not to be decoded."""
    if width * height > limit:
        raise UnusableFile(
            "too-many-pixels", TOO_MANY_PIXELS_MESSAGE, {"width": width, "height": height, "limit": limit // 1_000_000}
        )


def check_frames(frames: int) -> None:
    if frames > MAX_FRAMES:
        raise UnusableFile("too-many-frames", TOO_MANY_FRAMES_MESSAGE, {"actual": frames, "limit": MAX_FRAMES})


def _check_limits(shape: PictureStructure, what: str) -> PictureStructure:
    if not shape.width or not shape.height:
        raise damaged_error(what)
    check_frames(shape.frames)
    check_pixels(shape.width, shape.height, MAX_MOVING_PIXELS if shape.frames > 1 else MAX_PIXELS)
    return shape


# Pictures: `data` is the mapped file.


def walk_jpeg(data: memoryview) -> PictureStructure:
    """Up to the end-of-image marker; a file without one is cut off."""
    what, at, scans, width, height, progressive = "JPEG image", 2, 0, 0, 0, False
    real = re.compile(rb"\xff[\x01-\xcf\xd8-\xfe]")  # in a scan, FF 00 is data and FF D0 to D7 are restarts
    for _ in range(10_000):
        found = real.search(data, at)
        if not found:
            raise truncated_error(what)
        marker, at = data[found.end() - 1], found.end()
        if marker == 0xD9:
            return _check_limits(PictureStructure(width=width, height=height, progressive=progressive), what)
        if marker in (0x01, 0xD8):
            continue
        if at + 2 > len(data):
            raise truncated_error(what)
        length = int.from_bytes(data[at : at + 2])
        if at + length > len(data):
            raise truncated_error(what)
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC) and length >= 8:
            height, width = (
                max(a, b) for a, b in zip(struct.unpack(">HH", data[at + 3 : at + 7]), (height, width), strict=True)
            )
            check_pixels(width, height)
            progressive = progressive or marker in (0xC2, 0xC6, 0xCA, 0xCE)
        scans += marker == 0xDA
        if scans > MAX_SCANS:
            break
        at += max(length, 2)
    raise damaged_error(what)


def walk_png(data: memoryview) -> PictureStructure:
    """Every chunk's checksum, up to IEND; an animated PNG has more than one frame."""
    what, at, width, height, frames, duration = "PNG image", 8, 0, 0, 1, 0.0
    for n in range(MAX_BLOCK_COUNT):
        if at + 12 > len(data):
            raise truncated_error(what)
        length, name = struct.unpack(">I4s", data[at : at + 8])
        body, at = at + 8, at + 12 + length
        if at > len(data):
            raise truncated_error(what)
        if zlib.crc32(data[body - 4 : body + length]) != int.from_bytes(data[at - 4 : at]):
            raise damaged_error(what)
        if (n == 0) != (name == b"IHDR"):
            raise damaged_error(what)
        if n == 0 and length >= 8:
            width, height = struct.unpack(">II", data[body : body + 8])
            check_pixels(width, height)
        elif name == b"acTL" and length >= 4:
            frames = max(1, int.from_bytes(data[body : body + 4]))
        elif name == b"fcTL" and length >= 24:
            up, down = struct.unpack(">HH", data[body + 20 : body + 24])
            duration += 1000 * up / (down or 100)
        elif name == b"IEND":
            return _check_limits(
                PictureStructure(width=width, height=height, frames=frames, duration_ms=round(duration)), what
            )
    raise damaged_error(what)


def walk_gif(data: memoryview) -> PictureStructure:
    """Frames and their delays; a delay under 20 ms is shown as 100 ms, as browsers do."""
    what = "GIF"
    try:
        width, height, flags = struct.unpack("<HHB", data[6:11])
        at, frames, duration, delay = 13 + _colour_table_size(flags), 0, 0, 100
        for _ in range(MAX_BLOCK_COUNT):
            if at >= len(data) and frames:  # some programs leave out the trailer
                break
            block = data[at]
            if block == 0x21:
                if data[at + 1] == 0xF9:
                    delay = 10 * int.from_bytes(data[at + 4 : at + 6], "little")
                at = _skip_blocks(data, at + 2)
            elif block == 0x2C:
                left, top, w, h, flags = struct.unpack("<HHHHB", data[at + 1 : at + 10])
                width, height = (max(width, left + w), max(height, top + h)) if not frames else (width, height)
                check_pixels(left + w, top + h)
                at = _skip_blocks(data, at + 11 + _colour_table_size(flags))
                frames, duration, delay = frames + 1, duration + (delay if delay >= 20 else 100), 100
                check_frames(frames)
            elif block == 0x3B or frames:
                break
            else:
                raise damaged_error(what)
        else:
            raise damaged_error(what)
    except (IndexError, struct.error):
        raise truncated_error(what) from None
    if not frames:
        raise damaged_error(what)
    return _check_limits(
        PictureStructure(width=width, height=height, frames=frames, duration_ms=duration if frames > 1 else 0), what
    )


def _colour_table_size(flags: int) -> int:
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0


def _skip_blocks(data: memoryview, at: int) -> int:
    for _ in range(MAX_BLOCK_COUNT):
        size = data[at]
        at += 1 + size
        if not size:
            return at
    raise damaged_error("GIF")


def walk_webp(data: memoryview) -> PictureStructure:
    what, end = "WebP image", 8 + int.from_bytes(data[4:8], "little")
    if end > len(data):
        raise truncated_error(what)
    at, width, height, frames, duration = 12, 0, 0, 0, 0
    for _ in range(MAX_BLOCK_COUNT):
        if at + 8 > end:
            return _check_limits(
                PictureStructure(width=width, height=height, frames=max(frames, 1), duration_ms=duration), what
            )
        name, length = struct.unpack("<4sI", data[at : at + 8])
        body = bytes(data[at + 8 : at + 24])
        if at + 8 + length > end:
            raise truncated_error(what)
        if name == b"ANMF" and len(body) >= 15:
            frames, duration = frames + 1, duration + int.from_bytes(body[12:15], "little")
            w, h = int.from_bytes(body[6:9], "little") + 1, int.from_bytes(body[9:12], "little") + 1
        else:
            w, h = _webp_size(name, body)
        check_pixels(w, h)
        width, height = max(width, w), max(height, h)
        at += 8 + length + (length & 1)
    raise damaged_error(what)


def _webp_size(name: bytes, body: bytes) -> tuple[int, int]:
    if name == b"VP8X" and len(body) >= 10:
        return int.from_bytes(body[4:7], "little") + 1, int.from_bytes(body[7:10], "little") + 1
    if name == b"VP8 " and len(body) >= 10:
        w, h = struct.unpack("<HH", body[6:10])
        return w & 0x3FFF, h & 0x3FFF
    if name == b"VP8L" and len(body) >= 5:
        bits = int.from_bytes(body[1:5], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    return 0, 0


# Videos.

_DATA_BOXES = (b"mdat", b"free", b"skip", b"wide")
_TABLE_BOXES_PATTERN = re.compile(rb"stsz|stz2|stts|ctts|stsc|stco|co64|trun|cmov")


@dataclass(slots=True)
class _TrackClaims:
    """The greatest claims of one track's tables, whatever they are nested in."""

    samples: int = 0
    expanded: int = 0  # samples that the timing tables stand for
    per_chunk: int = 0
    chunks: int = 0
    unit_steps: bool = True  # every step is 1, as in uncompressed sound
    budget: list[int] = field(default_factory=lambda: [4_000_000])  # table rows that may still be read

    def check(self, size: int) -> None:
        # Uncompressed sound counts each sample, but is read chunk by chunk.
        if self.unit_steps and self.per_chunk < 1 << 20 and self.chunks * (self.per_chunk // 1024 + 1) <= MAX_SAMPLES:
            fits = self.samples <= size and self.expanded <= max(size, MAX_SAMPLES)
        else:
            fits = self.samples <= MAX_SAMPLES and self.expanded <= MAX_SAMPLES and self.per_chunk <= MAX_SAMPLES
        if not fits:
            raise damaged_error("video")


def walk_mp4(file: BinaryIO, size: int) -> bool:
    """Whether an MP4 or MOV is shown a quarter turned. Its boxes must be whole and claim no more than a file can hold."""
    what, at, seen, turned, read = "video", 0, set[bytes](), False, 0
    for _ in range(200_000):
        file.seek(at)
        head = file.read(16)
        length, name = struct.unpack(">I4s", head[:8]) if len(head) >= 8 else (0, b"")
        length = int.from_bytes(head[8:16]) if length == 1 else length or size - at
        done = {b"moov", b"mdat"} <= seen
        if at >= size or (done and not name.isalnum()):  # some cameras add data of their own after the last box
            break
        if length < 8:
            raise damaged_error(what)
        if at + length > size:
            raise truncated_error(what)
        if name not in _DATA_BOXES or head[12:16] == b"hoov":  # "hoov" in free space: a header that decoders still read
            if length > MAX_HEADER_BYTES or (read := read + length) > 4 * MAX_HEADER_BYTES:
                raise damaged_error(what)
            file.seek(at)
            turned = _check_tables(file.read(length), size) or turned
        seen.add(name)
        at += length
    if b"moov" not in seen:
        raise truncated_error(what)
    return turned


def _check_tables(blob: bytes, size: int) -> bool:
    """Check one header box; whether its first video track is shown a quarter turned."""
    tracks = re.split(rb"(?=trak)", blob)
    if len(tracks) > 256:
        raise damaged_error("video")
    budget = [4_000_000]
    turned: bool | None = None
    for segment in tracks:
        track = _TrackClaims(budget=budget)
        for n, hit in enumerate(_TABLE_BOXES_PATTERN.finditer(segment)):
            if n > 1000:
                raise damaged_error("video")
            _check_table(track, hit.group(), segment, hit.end())
        track.check(size)
        if turned is None and re.search(rb"hdlr.{8}vide", segment, re.DOTALL):
            turned = _is_turned(segment)
    return bool(turned)


def _check_table(track: _TrackClaims, name: bytes, segment: bytes, at: int) -> None:
    words = struct.unpack(">3I", segment[at : at + 12].ljust(12, b"\0"))
    if name == b"cmov":
        raise UnusableFile(
            "old-video",
            "{name} is a MOV video in an outdated format (compressed header). Save the video as MP4, then upload it again.",
        )
    if name in (b"stsz", b"stz2"):
        track.samples = max(track.samples, words[2])
    elif name == b"trun":
        track.samples, track.unit_steps = max(track.samples, words[1]), False
    elif name in (b"stco", b"co64"):
        track.chunks = max(track.chunks, words[1])
    else:
        row = 12 if name == b"stsc" else 8
        rows = min(words[1], (len(segment) - at - 8) // row)
        track.budget[0] -= max(rows, 0)
        if track.budget[0] < 0:
            raise damaged_error("video")
        table = segment[at + 8 : at + 8 + max(rows, 0) * row]
        if name == b"stsc":
            track.per_chunk = max(track.per_chunk, max((r[1] for r in struct.iter_unpack(">3I", table)), default=0))
        else:
            track.expanded = max(track.expanded, sum(r[0] for r in struct.iter_unpack(">2I", table)))
            steady = name == b"stts" and all(r[1] == 1 for r in struct.iter_unpack(">2I", table))
            track.unit_steps = track.unit_steps and steady


def _is_turned(segment: bytes) -> bool:
    at = segment.find(b"tkhd") + 4
    start = at + (52 if segment[at : at + 1] == b"\1" else 40)
    if at < 4 or start + 20 > len(segment):
        return False
    a, b, _, c, d = struct.unpack(">5i", segment[start : start + 20])
    return bool(a == d == 0 and b and c)


def walk_webm(head: bytes, size: int) -> None:
    """Raises UnusableFile when the one segment of a WebM goes on after the end of the file."""
    at = 4
    at += _read_number(head, at)[1] + _read_number(head, at)[0]
    if head[at : at + 4] != b"\x18\x53\x80\x67":
        raise damaged_error("video")
    length, width = _read_number(head, at + 4)
    unknown = length == (1 << 7 * width) - 1  # as browsers record it
    if not unknown and at + 4 + width + length > size:
        raise truncated_error("video")


def _read_number(head: bytes, at: int) -> tuple[int, int]:
    """A variable-length number and how many bytes it takes."""
    first = head[at] if at < len(head) else 0
    width = 9 - first.bit_length()
    if not first:
        raise damaged_error("video")
    return int.from_bytes(head[at : at + width]) & ((1 << 7 * width) - 1), width


# Documents.


@dataclass(frozen=True, slots=True)
class ZipEntry:
    name: str
    packed: int
    size: int
    method: int
    at: int  # where its local header begins


def read_zip_directory(file: BinaryIO, size: int) -> tuple[ZipEntry, ...]:
    """The central directory of a zip; nothing is unpacked. Raises UnusableFile for a bomb."""
    what = "document"
    tail_at = max(0, size - 66_000)
    file.seek(tail_at)
    tail = file.read(66_000)
    end = tail.rfind(b"PK\5\6")
    if end < 0 or end + 22 > len(tail):
        raise truncated_error(what)
    count, length, start = struct.unpack("<10xHII", tail[end : end + 20])
    if count > 20_000 or length > 8 << 20 or start + length > size:
        raise damaged_error(what)
    file.seek(start)
    data, at, entries = file.read(length), 0, []
    for _ in range(count):
        if data[at : at + 4] != b"PK\1\2" or at + 46 > len(data):
            raise damaged_error(what)
        method, packed, full, n, extra, note, local = struct.unpack("<10xH8xIIHHH8xI", data[at : at + 46])
        entries.append(ZipEntry(data[at + 46 : at + 46 + n].decode("utf-8", "replace"), packed, full, method, local))
        at += 46 + n + extra + note
    full, packed = sum(e.size for e in entries), sum(e.packed for e in entries)
    if full > 1 << 30 and (full > 100 * size or packed > 2 * size):
        raise UnusableFile(
            "bomb",
            "Kicau did not open {name}, because unpacking it would need {actual} MB instead of {size} MB and could fill the disk. Use another file.",
            {"actual": full // 1_000_000, "size": max(1, size // 1_000_000)},
        )
    return tuple(entries)


def unpack_entry(file: BinaryIO, entry: ZipEntry, limit: int) -> bytes:
    """At most `limit` bytes of one entry of a zip; b"" where it is not as it should be."""
    file.seek(entry.at)
    head = file.read(30)
    if len(head) < 30 or head[:4] != b"PK\3\4" or entry.packed > limit:
        return b""
    name, extra = struct.unpack("<HH", head[26:30])
    file.seek(entry.at + 30 + name + extra)
    data = file.read(entry.packed)
    if entry.method != 8:
        return data if entry.method == 0 else b""
    try:
        return zlib.decompressobj(-15).decompress(data, limit)
    except zlib.error:
        return b""


def walk_ole(file: BinaryIO, size: int) -> tuple[str, ...]:
    """The names in the directory of an old Office document, in order; at most 4,096."""
    what = "document"
    file.seek(0)
    head = file.read(512)
    if len(head) < 512:
        raise truncated_error(what)
    shift = int.from_bytes(head[30:32], "little")
    if shift not in (9, 12):
        raise damaged_error(what)
    table, sector = struct.unpack("<109I", head[76:512]), int.from_bytes(head[48:52], "little")
    names: list[str] = []
    for _ in range(4096 * 128 >> shift):
        data = _read_sector(file, sector, shift, size)
        for at in range(0, len(data), 128):
            n = int.from_bytes(data[at + 64 : at + 66], "little")
            if 2 <= n <= 64 and data[at + 66]:
                names.append(data[at : at + n - 2].decode("utf-16-le", "replace"))
        per = 1 << shift - 2
        if sector // per >= len(table):
            break  # directories that far back belong to files of 7 MB and more; the first names are enough
        fat = _read_sector(file, table[sector // per], shift, size)
        sector = int.from_bytes(fat[4 * (sector % per) : 4 * (sector % per) + 4], "little")
        if sector >= 0xFFFFFFFA:
            break
    return tuple(names)


def _read_sector(file: BinaryIO, n: int, shift: int, size: int) -> bytes:
    at = n + 1 << shift
    if at + (1 << shift) > size:
        raise truncated_error("document")
    file.seek(at)
    return file.read(1 << shift)
