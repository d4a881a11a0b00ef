"""Where files keep an XMP packet, a C2PA manifest and notices of rights: finding them, and putting a packet into JPEG,
PNG, WebP and MP4 without touching a pixel.

JPEG: APP1, APP11 and APP13 segments; PNG: iTXt, caBX, eXIf and text chunks; WebP: `XMP `, EXIF and C2PA chunks, told in
VP8X; MP4: uuid boxes; HEIC and AVIF: items of the meta box; GIF: extensions; TIFF: tags; PDF: metadata streams.
XMP: Adobe's specification part 3 (2020); C2PA 2.2, appendix A (looked up 2026-11-26); ISO 14496-12, ISO 32000-2. Never
raises over what a file holds: what cannot be followed is as not there.
"""

from __future__ import annotations

import io
import re
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

from fido2 import cbor

from kicau.vocabularies.cawg import ASSERTION_LABELS
from kicau.vocabularies.embedded_notices import EXIF_HEAD, IRB_HEAD, TIFF_HEADS, Notices

MAX_PIECE_BYTES = 4_000_000  # bytes of a packet or manifest that are read
MAX_CHUNKS = 20_000  # segments, chunks or boxes that are walked
MAX_PDF_BYTES = 32_000_000  # of a PDF that are searched
MAX_ITEMS = 1_000  # of a HEIC or AVIF
JPEG_XMP = b"http://ns.adobe.com/xap/1.0/\x00"
PNG_HEAD = b"\x89PNG\r\n\x1a\n"
PNG_XMP = b"XML:com.adobe.xmp\x00"
MP4_XMP = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")
MP4_C2PA = bytes.fromhex("d8fec3d61b0e483c92975828877ec481")
GIF_XMP = b"XMP DataXMP"
XMP_MIME = b"application/rdf+xml"
PDF_STREAM = re.compile(
    rb"obj((?:(?!endobj|stream).){0,2000}?/Type\s*/Metadata\b(?:(?!endobj|stream).){0,2000}?)stream\r?\n", re.DOTALL
)
MAX_SEGMENT_BYTES = 65_533 - len(JPEG_XMP)  # bytes of a packet that fit into one JPEG segment


class CannotEmbed(ValueError):
    """This file cannot take a packet. The message says why."""


@dataclass(slots=True)
class EmbeddedMetadata:
    """`xmp` and `c2pa` (a JUMBF box) are b"" where there is none. `notices`: texts about rights from other places."""

    xmp: bytes = b""
    c2pa: bytes = b""
    notices: list[str] = field(default_factory=list)
    _c2pa: list[bytes] = field(default_factory=list, repr=False)


def find_metadata(file: BinaryIO) -> EmbeddedMetadata:
    """What a file of any kind holds; nothing for kinds that are not known here."""
    found, notices = EmbeddedMetadata(), Notices()
    file.seek(0)
    head = file.read(12)
    try:
        if head.startswith(b"\xff\xd8"):
            _find_in_jpeg(file, found, notices)
        elif head.startswith(PNG_HEAD):
            for kind, at, size in _png_chunks(file):
                _find_in_png(file, kind, at, size, found, notices)
        elif head.startswith(b"RIFF") and head[8:] == b"WEBP":
            for kind, at, size in _riff_chunks(file):
                if kind in (b"XMP ", b"C2PA"):
                    setattr(found, "xmp" if kind == b"XMP " else "c2pa", _read_piece(file, at, size))
                elif kind == b"EXIF":
                    notices.add_exif(_read_piece(file, at, size))
        elif head[:3] == b"GIF":
            _find_in_gif(file, found, notices)
        elif head[:4] in TIFF_HEADS:
            notices.add_tiff(file)
        elif head.startswith(b"%PDF-"):
            _find_in_pdf(file, found)
        elif head[4:8] in (b"ftyp", b"moov", b"wide", b"mdat", b"free", b"skip"):
            _find_in_mp4(file, found, notices)
    except (struct.error, zlib.error, ValueError, OverflowError, IndexError):
        pass
    found.xmp, found.notices = found.xmp or notices.xmp, notices.texts
    return found


def mining_assertions(jumbf: bytes) -> Iterator[object]:
    """The training and data mining assertions of a manifest store's manifests, the newest manifest's first."""
    found: list[object] = []
    try:
        _collect_assertions(jumbf, found, 0)
    except (struct.error, ValueError, IndexError):
        return iter(())
    return reversed(found)


def embed_xmp(data: bytes, packet: bytes) -> bytes:
    """A picture or film with this XMP packet instead of the one that it may have. Raises CannotEmbed."""
    try:
        if data.startswith(b"\xff\xd8"):
            return _embed_in_jpeg(data, packet)
        if data.startswith(PNG_HEAD):
            return _embed_in_png(data, packet)
        if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
            return _embed_in_webp(data, packet)
        if data[4:8] == b"ftyp":
            return _embed_in_mp4(data, packet)
    except (struct.error, ValueError) as exc:
        raise CannotEmbed(f"the file cannot be followed: {exc}") from None
    raise CannotEmbed("only JPEG, PNG, WebP and MP4 take a packet here")


# JPEG


def _jpeg_segments(file: BinaryIO) -> Iterator[tuple[int, int, int]]:
    """(marker, where its content begins, how long it is), up to the picture itself."""
    file.seek(2)
    for _ in range(MAX_CHUNKS):
        lead = file.read(1)
        if lead != b"\xff":
            return
        while (marker := file.read(1)) == b"\xff":
            pass
        if not marker or marker[0] in (0xD9, 0xDA):
            return
        if marker[0] == 0x01 or 0xD0 <= marker[0] <= 0xD7:
            continue
        (size,) = struct.unpack(">H", file.read(2))
        at = file.tell()
        yield marker[0], at, size - 2
        file.seek(at + size - 2)


def _find_in_jpeg(file: BinaryIO, found: EmbeddedMetadata, notices: Notices) -> None:
    pieces: dict[int, dict[int, bytes]] = {}
    resources = b""
    for marker, at, size in _jpeg_segments(file):
        if marker == 0xE1:
            data = _read_piece(file, at, size)
            if data.startswith(JPEG_XMP) and not found.xmp:
                found.xmp = data[len(JPEG_XMP) :]
            elif data.startswith(EXIF_HEAD):
                notices.add_exif(data)
        if marker == 0xED and len(resources) < MAX_PIECE_BYTES:  # in pieces where they are long
            resources += _read_piece(file, at, size).removeprefix(IRB_HEAD)
        if (
            marker == 0xEB and size > 16
        ):  # JPEG XT: "JP", box instance, sequence, then a piece of the box with its header
            data = _read_piece(file, at, size)
            if data.startswith(b"JP") and data[12:16] == b"jumb":
                instance, sequence = struct.unpack(">HI", data[2:8])
                pieces.setdefault(instance, {})[sequence] = data[8:] if sequence == 1 else data[16:]
    for of in pieces.values():
        whole = b"".join(of[n] for n in sorted(of))
        if b"c2pa" in whole[:64]:
            found.c2pa = whole[:MAX_PIECE_BYTES]
    notices.add_irb(resources)


def _embed_in_jpeg(data: bytes, packet: bytes) -> bytes:
    if len(packet) > MAX_SEGMENT_BYTES:
        raise CannotEmbed("its other XMP is too long for one segment of a JPEG")
    segment = b"\xff\xe1" + struct.pack(">H", len(JPEG_XMP) + len(packet) + 2) + JPEG_XMP + packet
    file, out, after = io.BytesIO(data), [data[:2]], 2
    placed = False
    for marker, at, size in _jpeg_segments(file):
        if not placed and marker not in (0xE0, 0xE1):  # behind JFIF and Exif
            out.append(segment)
            placed = True
        old = marker == 0xE1 and data[at : at + size].startswith(JPEG_XMP)
        if not old:
            out.append(data[after : at + size])
        after = at + size
    return b"".join([*out, *([] if placed else [segment]), data[after:]])


# PNG


def _png_chunks(file: BinaryIO) -> Iterator[tuple[bytes, int, int]]:
    file.seek(8)
    for _ in range(MAX_CHUNKS):
        head = file.read(8)
        if len(head) < 8:
            return
        size, kind = struct.unpack(">I4s", head)
        at = file.tell()
        yield kind, at, size
        if kind == b"IEND":
            return
        file.seek(at + size + 4)


def _find_in_png(file: BinaryIO, kind: bytes, at: int, size: int, found: EmbeddedMetadata, notices: Notices) -> None:
    if kind == b"caBX":
        found.c2pa = _read_piece(file, at, size)
    if kind == b"eXIf":
        notices.add_exif(_read_piece(file, at, size))
    if kind in (b"tEXt", b"zTXt", b"iTXt"):
        data = _read_piece(file, at, size)
        notices.add_png_text(kind, data)
        if kind == b"iTXt" and data.startswith(PNG_XMP) and not found.xmp:
            compressed, rest = data[len(PNG_XMP)], data[len(PNG_XMP) + 2 :]
            text = rest.split(b"\x00", 2)[2]
            found.xmp = zlib.decompressobj().decompress(text, MAX_PIECE_BYTES) if compressed else text


def _embed_in_png(data: bytes, packet: bytes) -> bytes:
    body = PNG_XMP + b"\x00\x00\x00\x00" + packet
    chunk = struct.pack(">I", len(body)) + b"iTXt" + body
    chunk += struct.pack(">I", zlib.crc32(chunk[4:]))
    out, after = [data[:8]], 8
    for kind, at, size in _png_chunks(io.BytesIO(data)):
        old = kind == b"iTXt" and data[at : at + size].startswith(PNG_XMP)
        if not old:
            out.append(data[after : at + size + 4])
        after = at + size + 4
        if kind == b"IHDR":
            out.append(chunk)
    return b"".join([*out, data[after:]])


# WebP


def _riff_chunks(file: BinaryIO) -> Iterator[tuple[bytes, int, int]]:
    file.seek(12)
    for _ in range(MAX_CHUNKS):
        head = file.read(8)
        if len(head) < 8:
            return
        kind, size = struct.unpack("<4sI", head)
        at = file.tell()
        yield kind, at, size
        file.seek(at + size + size % 2)


def _embed_in_webp(data: bytes, packet: bytes) -> bytes:
    chunks = [(kind, data[at : at + size]) for kind, at, size in _riff_chunks(io.BytesIO(data)) if kind != b"XMP "]
    if not chunks:
        raise CannotEmbed("it has no picture")
    if chunks[0][0] != b"VP8X":
        width, height, alpha = _webp_size(*chunks[0])
        chunks.insert(
            0,
            (
                b"VP8X",
                bytes([0x10 if alpha else 0, 0, 0, 0])
                + (width - 1).to_bytes(3, "little")
                + (height - 1).to_bytes(3, "little"),
            ),
        )
    extended = bytearray(chunks[0][1])
    extended[0] |= 0x04  # XMP follows
    chunks[0] = (b"VP8X", bytes(extended))
    chunks.append((b"XMP ", packet))
    body = b"WEBP" + b"".join(
        kind + struct.pack("<I", len(piece)) + piece + b"\x00" * (len(piece) % 2) for kind, piece in chunks
    )
    return b"RIFF" + struct.pack("<I", len(body)) + body


def _webp_size(kind: bytes, chunk: bytes) -> tuple[int, int, bool]:
    if kind == b"VP8 " and chunk[3:6] == b"\x9d\x01\x2a":
        width, height = struct.unpack("<HH", chunk[6:10])
        return width & 0x3FFF, height & 0x3FFF, False
    if kind == b"VP8L" and chunk[:1] == b"\x2f":
        (bits,) = struct.unpack("<I", chunk[1:5])
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1, bool(bits >> 28 & 1)
    raise CannotEmbed("its first chunk is no picture")


# MP4 and QuickTime


def _mp4_boxes(file: BinaryIO, start: int = 0) -> Iterator[tuple[bytes, int, int, int]]:
    """(kind, where the box begins, where its content begins, where it ends) on the highest level."""
    size_of_file = file.seek(0, 2)
    at = start
    for _ in range(MAX_CHUNKS):
        file.seek(at)
        head = file.read(16)
        if len(head) < 8:
            return
        size, kind = struct.unpack(">I4s", head[:8])
        inside = at + 8
        if size == 1 and len(head) == 16:
            (size,) = struct.unpack(">Q", head[8:])
            inside = at + 16
        end = size_of_file if size == 0 else at + size
        if end <= at or inside > end or end > size_of_file:
            return
        yield kind, at, inside, end
        at = end


def _find_in_mp4(file: BinaryIO, found: EmbeddedMetadata, notices: Notices) -> None:
    for kind, _at, inside, end in _mp4_boxes(file):
        if kind == b"meta":
            _find_in_heif(file, _read_piece(file, inside, end - inside), found, notices)
        if kind == b"uuid" and end - inside > 16:
            data = _read_piece(file, inside, end - inside)
            if data.startswith(MP4_XMP) and not found.xmp:
                found.xmp = data[16:]
            if data.startswith(MP4_C2PA) and (start := data.find(b"jumb", 0, 200)) >= 4:
                found.c2pa = data[start - 4 :]


# HEIC and AVIF: items of a meta box, of which one table tells the kind and another the place


def _find_in_heif(file: BinaryIO, meta: bytes, found: EmbeddedMetadata, notices: Notices) -> None:
    boxes = {kind: meta[inside:end] for kind, _, inside, end in _mp4_boxes(io.BytesIO(meta), 4)}
    kinds = _heif_kinds(boxes.get(b"iinf", b""))
    for item, is_inside, places in _heif_places(boxes.get(b"iloc", b"")) if kinds else ():
        if item not in kinds:
            continue
        source = io.BytesIO(boxes.get(b"idat", b"")) if is_inside else file
        data = b"".join(_read_piece(source, at, size) for at, size in places)[:MAX_PIECE_BYTES]
        if kinds[item] == XMP_MIME:
            found.xmp = found.xmp or data
        elif len(data) > 4:  # where the TIFF begins, counted from behind these four bytes
            notices.add_exif(data[4 + struct.unpack(">I", data[:4])[0] :])


def _heif_kinds(table: bytes) -> dict[int, bytes]:
    """The items with XMP or Exif."""
    kinds = {}
    for kind, _, inside, end in _mp4_boxes(io.BytesIO(table), 6 if table[:1] == b"\x00" else 8):
        entry = table[inside:end]
        if kind != b"infe" or entry[:1] not in (b"\x02", b"\x03"):
            continue
        wide = entry[0] == 3
        (item,) = struct.unpack(">I" if wide else ">H", entry[4 : 8 if wide else 6])
        rest = entry[10 if wide else 8 :]
        content = rest[4:].split(b"\x00")[1:2]
        if rest[:4] == b"Exif" or (rest[:4] == b"mime" and content == [XMP_MIME]):
            kinds[item] = b"Exif" if rest[:4] == b"Exif" else XMP_MIME
    return kinds


def _heif_places(table: bytes) -> Iterator[tuple[int, bool, list[tuple[int, int]]]]:
    """(item, whether it lies in the meta box itself, each piece's place and size)."""
    if len(table) < 8:
        return
    version, at = table[0], 6
    offset_size, length_size, base_size, index_size = (
        table[4] >> 4,
        table[4] & 15,
        table[5] >> 4,
        table[5] & 15 if version in (1, 2) else 0,
    )

    def number(size: int) -> int:
        nonlocal at
        at += size
        if at > len(table):
            raise ValueError("the table of places is cut off")
        return int.from_bytes(table[at - size : at])

    wide = 4 if version == 2 else 2
    for _ in range(min(number(wide), MAX_ITEMS)):
        item, method = number(wide), number(2) & 15 if version in (1, 2) else 0
        number(2)
        base, places = number(base_size), []
        for _ in range(min(number(2), MAX_ITEMS)):
            number(index_size)
            places.append((base + number(offset_size), number(length_size)))
        if method in (0, 1):
            yield item, method == 1, places


# GIF


def _find_in_gif(file: BinaryIO, found: EmbeddedMetadata, notices: Notices) -> None:
    file.seek(0)
    head = file.read(13)
    file.seek(13 + _gif_colours(head[10]))
    for _ in range(MAX_CHUNKS):
        kind = file.read(1)
        if kind == b"\x2c":
            described = file.read(9)
            file.seek(file.tell() + _gif_colours(described[8]) + 1)  # and the smallest size of a code
            for _piece in _gif_blocks(file):
                pass
        elif kind == b"\x21":
            label = file.read(1)
            at = file.tell()
            pieces = list(_gif_blocks(file))
            end = file.tell()
            if label == b"\xff" and pieces and pieces[0] == GIF_XMP and not found.xmp:
                data = _read_piece(file, at + 1 + len(GIF_XMP), end - at - 1 - len(GIF_XMP))
                found.xmp = data[: data.find(b"\x01\xff\xfe")]
                file.seek(end)
            elif label == b"\xfe":
                notices.add_text(b"".join(pieces)[:MAX_PIECE_BYTES])
        else:
            return


def _gif_colours(flags: int) -> int:
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0


def _gif_blocks(file: BinaryIO) -> Iterator[bytes]:
    while (size := file.read(1)) not in (b"", b"\x00"):
        yield file.read(size[0])


# PDF


def _find_in_pdf(file: BinaryIO, found: EmbeddedMetadata) -> None:
    """The newest metadata stream; of an encrypted file none can be read."""
    data = _read_piece(file, 0, MAX_PDF_BYTES, MAX_PDF_BYTES)
    for stream in PDF_STREAM.finditer(data):
        end = data.find(b"endstream", stream.end())
        body = data[stream.end() : end if end >= 0 else len(data)][:MAX_PIECE_BYTES]
        if b"/FlateDecode" in stream[1]:
            try:
                body = zlib.decompressobj().decompress(body, MAX_PIECE_BYTES)
            except zlib.error:
                continue
        if b"rdf:RDF" in body:
            found.xmp = body


def _embed_in_mp4(data: bytes, packet: bytes) -> bytes:
    """At the end, where it moves nothing that tables of the film point to; an old one becomes free space."""
    out = bytearray(data)
    reached = 0
    for kind, at, inside, end in _mp4_boxes(io.BytesIO(data)):
        reached = end
        if kind == b"uuid" and data[inside : inside + 16] == MP4_XMP:
            out[at + 4 : at + 8] = b"free"
            out[inside:end] = bytes(end - inside)
            if data[at : at + 4] == b"\x00\x00\x00\x00":  # to the end of the file: the last one
                out[at : at + 4] = struct.pack(">I", len(data) - at)
        elif data[at : at + 4] == b"\x00\x00\x00\x00":
            raise CannotEmbed("its last box has no end")
    if reached != len(data):
        raise CannotEmbed("it ends inside a box")
    return bytes(out) + struct.pack(">I", len(packet) + 24) + b"uuid" + MP4_XMP + packet


# JUMBF (ISO 19566-5): boxes in boxes, each with a description that holds its label


def _collect_assertions(data: bytes, found: list[object], depth: int, label: str = "") -> None:
    at = 0
    while at + 8 <= len(data) and depth < 12 and len(found) < 100:
        size, kind = struct.unpack(">I4s", data[at : at + 8])
        inside = at + 8
        if size == 1:
            (size,) = struct.unpack(">Q", data[at + 8 : at + 16])
            inside = at + 16
        end = len(data) if size == 0 else at + size
        if end <= at or end > len(data):
            return
        body = data[inside:end]
        if kind == b"jumb":
            _collect_assertions(body, found, depth + 1)
        elif kind == b"jumd" and len(body) > 17 and body[16] & 2:
            label = body[17:].partition(b"\x00")[0].decode("utf-8", "replace")
        elif label.partition("__")[0] in ASSERTION_LABELS and kind in (b"cbor", b"json"):
            found.append(_decode_assertion(kind, body))
        at = end


def _decode_assertion(kind: bytes, body: bytes) -> object:
    import json

    try:
        return cbor.decode(body) if kind == b"cbor" else json.loads(body)
    except Exception:  # whatever it is, it is no assertion; the reader of assertions says so
        return None


def _read_piece(file: BinaryIO, at: int, size: int, limit: int = MAX_PIECE_BYTES) -> bytes:
    file.seek(at)
    return file.read(min(size, limit))
