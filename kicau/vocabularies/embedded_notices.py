"""Notices of rights that stand in a file outside of XMP: Exif and TIFF tags, IPTC's IIM, Photoshop's resources, texts of
PNG. Each is a text as it was written; what it means is decided elsewhere.

TIFF 6.0, Exif 3.0, IIM 4.2, Photoshop's file format and PNG 3 (looked up 2026-12-03). Never raises over what a file holds.
"""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

MAX_PIECE_BYTES = 4_000_000
MAX_ENTRIES = 1_000  # of a directory, of a block
MAX_DIRECTORIES = 8
EXIF_HEAD = b"Exif\x00\x00"
IRB_HEAD = b"Photoshop 3.0\x00"
TAG_XMP, TAG_COPYRIGHT, TAG_IIM, TAG_IRB = 0x02BC, 0x8298, 0x83BB, 0x8649
IRB_IIM, IRB_URL, IRB_EXIF, IRB_XMP = 0x0404, 0x040B, 0x0422, 0x0424
IIM_COPYRIGHT = (2, 116)
PNG_KEYS = ("copyright", "disclaimer", "license", "licence", "rights", "usage terms", "usageterms")
RAW_PROFILE = "raw profile type "
TIFF_HEADS = {b"II*\x00": "<", b"MM\x00*": ">"}


@dataclass(slots=True)
class Notices:
    """`xmp` is a packet that stood among them; b"" where there is none."""

    texts: list[str] = field(default_factory=list)
    xmp: bytes = b""

    def add_text(self, raw: bytes) -> None:
        for one in raw.split(b"\x00"):
            try:
                text = one.decode()
            except UnicodeDecodeError:
                text = one.decode("latin-1")
            if (text := " ".join(text.split())) and text not in self.texts:
                self.texts.append(text)

    def add_exif(self, data: bytes) -> None:
        """As JPEG, PNG, WebP and HEIF hold it, with or without its head."""
        self.add_tiff(io.BytesIO(data.removeprefix(EXIF_HEAD)))

    def add_tiff(self, file: BinaryIO) -> None:
        """Of a TIFF: its tags, and what its tags hold of the other kinds."""
        for tag, value in _tiff_tags(file):
            if tag == TAG_COPYRIGHT:
                self.add_text(value)
            elif tag == TAG_XMP:
                self.xmp = self.xmp or value
            elif tag == TAG_IIM:
                self.add_iim(value)
            elif tag == TAG_IRB:
                self.add_irb(value)

    def add_irb(self, data: bytes) -> None:
        """Photoshop's image resources."""
        for number, value in _irb_resources(data.removeprefix(IRB_HEAD)):
            if number == IRB_IIM:
                self.add_iim(value)
            elif number == IRB_URL:
                self.add_text(value)
            elif number == IRB_EXIF:
                self.add_exif(value)
            elif number == IRB_XMP:
                self.xmp = self.xmp or value

    def add_iim(self, data: bytes) -> None:
        at = 0
        for _ in range(MAX_ENTRIES):
            if data[at : at + 1] != b"\x1c" or at + 5 > len(data):
                return
            record, number, size = struct.unpack(">BBH", data[at + 1 : at + 5])
            if size & 0x8000:  # longer than 32 kB: no notice is
                return
            if (record, number) == IIM_COPYRIGHT:
                self.add_text(data[at + 5 : at + 5 + size])
            at += 5 + size

    def add_png_text(self, kind: bytes, data: bytes) -> None:
        """One chunk tEXt, zTXt or iTXt."""
        key, _, rest = data.partition(b"\x00")
        name = " ".join(key.decode("latin-1").split()).lower()
        if name not in PNG_KEYS and not name.startswith(RAW_PROFILE):
            return
        if kind == b"zTXt":
            rest = _inflate(rest[1:])
        elif kind == b"iTXt":
            packed, text = rest[:1] == b"\x01", rest[2:].split(b"\x00", 2)[-1]
            rest = _inflate(text) if packed else text
        if name in PNG_KEYS:
            self.add_text(rest)
        else:
            self._add_raw_profile(name.removeprefix(RAW_PROFILE), rest)

    def _add_raw_profile(self, kind: str, text: bytes) -> None:
        """As ImageMagick writes it: a name, a length, and the bytes as hexadecimal digits."""
        lines = text.strip().split(b"\n", 2)
        try:
            data = bytes.fromhex(lines[2].decode("ascii")) if len(lines) == 3 else b""
        except ValueError:
            return
        if kind in ("exif", "app1") and data.startswith(EXIF_HEAD):
            self.add_exif(data)
        elif kind in ("iptc", "8bim"):
            (self.add_irb if data.startswith(b"8BIM") else self.add_iim)(data)
        elif kind == "xmp":
            self.xmp = self.xmp or data


def _inflate(data: bytes) -> bytes:
    return zlib.decompressobj().decompress(data, MAX_PIECE_BYTES)


def _tiff_tags(file: BinaryIO) -> Iterator[tuple[int, bytes]]:
    """The tags of its directories that hold one of our kinds."""
    file.seek(0)
    head = file.read(8)
    order = TIFF_HEADS.get(head[:4])
    if order is None or len(head) < 8:
        return
    (at,) = struct.unpack(f"{order}I", head[4:])
    for _ in range(MAX_DIRECTORIES):
        file.seek(at)
        count = file.read(2)
        if not at or len(count) < 2:
            return
        size = struct.unpack(f"{order}H", count)[0] * 12
        entries = file.read(size + 4)
        for place in range(0, min(size, MAX_ENTRIES * 12, len(entries) - 11), 12):
            tag, kind, number, _ = struct.unpack(f"{order}HHII", entries[place : place + 12])
            if tag not in (TAG_XMP, TAG_COPYRIGHT, TAG_IIM, TAG_IRB):
                continue
            length = number * (4 if kind in (4, 9, 11) else 2 if kind in (3, 8) else 1)
            value = entries[place + 8 : place + 12][:length]
            if length > 4:
                file.seek(struct.unpack(f"{order}I", entries[place + 8 : place + 12])[0])
                value = file.read(min(length, MAX_PIECE_BYTES))
            yield tag, value
        if len(entries) < size + 4:
            return
        (at,) = struct.unpack(f"{order}I", entries[size:])


def _irb_resources(data: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    for _ in range(MAX_ENTRIES):
        if data[at : at + 4] != b"8BIM" or at + 12 > len(data):
            return
        (number,) = struct.unpack(">H", data[at + 4 : at + 6])
        name = data[at + 6] + 1
        at += 6 + name + name % 2
        (size,) = struct.unpack(">I", data[at : at + 4])
        yield number, data[at + 4 : at + 4 + size]
        at += 4 + size + size % 2
