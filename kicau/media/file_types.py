"""The types of files: by name, and by their first bytes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from kicau.media import file_structure
from kicau.media.file_structure import UnusableFile as UnusableFile

USABLE_FORMATS_HINT = (
    "Use an image (JPEG, PNG, WebP, GIF), a video (MP4, MOV, WebM) or a document (PDF, Word, PowerPoint)"
)
WORD_MIME, SLIDES_MIME = (
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "application/vnd.openxmlformats-officedocument.presentationml.presentation",
)


@dataclass(frozen=True, slots=True)
class MediaType:
    kind: str  # of MediaKind, when it does not move
    label: str
    suffixes: str  # of names; all are harmless aliases of each other
    pillow: str = ""  # Pillow's name of it


MEDIA_TYPES = {
    "image/jpeg": MediaType("image", "a JPEG image", "jpg jpeg jpe jfif", "JPEG"),
    "image/png": MediaType("image", "a PNG image", "png apng", "PNG"),
    "image/webp": MediaType("image", "a WebP image", "webp", "WEBP"),
    "image/gif": MediaType("image", "a GIF", "gif", "GIF"),
    "image/bmp": MediaType("image", "a BMP image", "bmp dib", "BMP"),
    "image/tiff": MediaType("image", "a TIFF image", "tif tiff", "TIFF"),
    "image/heic": MediaType("image", "a HEIC image", "heic heif", "HEIF"),
    "image/avif": MediaType("image", "an AVIF image", "avif", "AVIF"),
    "video/mp4": MediaType("video", "an MP4 video", "mp4 m4v mov qt 3gp"),
    "video/quicktime": MediaType("video", "a MOV video", "mov qt mp4 m4v"),
    "video/webm": MediaType("video", "a WebM video", "webm"),
    "application/pdf": MediaType("document", "a PDF document", "pdf"),
    "application/msword": MediaType("document", "a Word document in the old format (.doc)", "doc dot"),
    WORD_MIME: MediaType("document", "a Word document", "docx"),
    "application/vnd.ms-powerpoint": MediaType(
        "document", "a PowerPoint presentation in the old format (.ppt)", "ppt pps"
    ),
    SLIDES_MIME: MediaType("document", "a PowerPoint presentation", "pptx ppsx"),
}

# Known by their first bytes and never usable. The refused ones are dangerous to pass on.
REJECTED_SIGNATURES = (
    (rb"MZ", "a Windows program"),
    (rb"\x7fELF", "a program"),
    (rb"(?:\xca\xfe\xba\xbe|\xfe\xed\xfa[\xce\xcf]|[\xce\xcf]\xfa\xed\xfe)", "a program"),
    (rb"#!", "a script"),
    (rb"(?i:\s*<(?:!doctype\s+svg|svg)|\s*<\?xml.{0,900}<svg)", "an SVG vector image"),
    (rb"(?i:\s*<(?:!doctype\s+html|html|head|body|script|iframe|\?php))", "a web page"),
)
UNSUPPORTED_SIGNATURES = (
    (rb"(?:Rar!|7z\xbc\xaf|\x1f\x8b|BZh|\xfd7zXZ|\x28\xb5\x2f\xfd)", "a compressed archive file"),
    (rb"(?:ID3|fLaC|OggS|RIFF....WAVE|FORM....AIFF)", "an audio file"),
    (
        rb"(?:RIFF....AVI |FLV\x01|\x30\x26\xb2\x75|\x00\x00\x01\xba|\x47.{187}\x47)",
        "a video of an unknown type",
    ),
    (
        rb"(?:8BPS|\x00\x00\x01\x00|%!PS|\x00\x00\x00\x0cJXL |\xff\x0a|\x00\x00\x00\x0cjP  )",
        "an image of an unknown type",
    ),
    (rb"\s*<\?xml", "an XML file"),
    (rb"\{\\rtf", "an RTF document"),
)


def type_by_name(name: str) -> str:
    """The type that a name says by its last part; "" where it says none that is known."""
    suffix = Path(name).suffix[1:].lower()
    return next(
        (mime for mime, kind in MEDIA_TYPES.items() if suffix and suffix == kind.suffixes.split()[0]), ""
    ) or next((mime for mime, kind in MEDIA_TYPES.items() if suffix and suffix in kind.suffixes.split()), "")


def detect_type(file: BinaryIO, size: int) -> str:
    """The type of a file, one of TYPES. Raises UnusableFile for all others."""
    if size == 0:
        raise UnusableFile("empty", "{name} is empty (0 bytes). Export or upload the file again.")
    file.seek(0)
    head = file.read(1024)
    if mime := _type_by_signature(head) or _type_by_box_brand(head):
        return mime
    if head[:4] == b"\x1a\x45\xdf\xa3":
        return _ebml_type(head)
    if head[:4] in (b"PK\3\4", b"PK\5\6"):
        return _office_type(file_structure.read_zip_directory(file, size))
    if head[:8] == b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1":
        return _ole_type(file_structure.walk_ole(file, size))
    text = head.removeprefix(b"\xef\xbb\xbf")
    for pattern, held in REJECTED_SIGNATURES:
        if re.match(pattern, text, re.DOTALL):
            raise UnusableFile(
                "refused-type",
                "For safety reasons, Kicau does not accept {held}, which {name} contains. " + USABLE_FORMATS_HINT + ".",
                {"held": held},
            )
    if b"%PDF-" in head:
        return "application/pdf"
    for pattern, held in UNSUPPORTED_SIGNATURES:
        if re.match(pattern, text, re.DOTALL):
            raise unsupported_error(held)
    raise unsupported_error("plain text" if _is_text(head) else "")


def unsupported_error(held: str) -> UnusableFile:
    if held:
        return UnusableFile(
            "unknown-type",
            "{name} contains {held}, which no network accepts. " + USABLE_FORMATS_HINT + ".",
            {"held": held},
        )
    message = "{name} is not a file type that Kicau knows, or the file is damaged. " + USABLE_FORMATS_HINT + "."
    return UnusableFile("unknown-type", message, {"held": "a file of another type"})


def _is_text(head: bytes) -> bool:
    text = head.decode("utf-8", "replace").rstrip("\ufffd")
    return "\ufffd" not in text and all(c.isprintable() or c.isspace() for c in text)


def _type_by_signature(head: bytes) -> str:
    if head[:3] == b"\xff\xd8\xff":
        return "image/jpeg"
    if head[:8] == b"\x89PNG\r\n\x1a\n":
        return "image/png"
    if head[:6] in (b"GIF87a", b"GIF89a"):
        return "image/gif"
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "image/webp"
    if head[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+") and head[8:10] != b"CR":  # Canon's raw pictures
        return "image/tiff"
    if head[:2] == b"BM" and int.from_bytes(head[14:18], "little") in (12, 40, 52, 56, 64, 108, 124):
        return "image/bmp"
    return "application/pdf" if head[:5] == b"%PDF-" else ""


def _type_by_box_brand(head: bytes) -> str:
    """The type of a file of boxes (MP4 and its relatives), by its brands."""
    if head[4:8] in (b"moov", b"mdat", b"wide", b"pnot") or (head[4:8] in (b"free", b"skip") and head[:2] == b"\0\0"):
        return "video/quicktime"  # from before there were brands
    if head[4:8] != b"ftyp":
        return ""
    main, length = head[8:12], max(16, min(int.from_bytes(head[:4]), 256))
    brands = {main, *(head[at : at + 4] for at in range(16, length, 4))}
    if brands & {b"avif", b"avis"}:
        return "image/avif"
    if brands & {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"}:
        return "image/heic"
    if main in (b"M4A ", b"M4B ", b"M4P "):
        raise unsupported_error("an audio file")
    if main == b"crx ":
        raise unsupported_error("a camera's raw picture")
    return "video/quicktime" if main == b"qt  " else "video/mp4"


def _ebml_type(head: bytes) -> str:
    if re.search(rb"\x42\x82[\x80-\xff]webm", head[:64]):
        return "video/webm"
    raise unsupported_error("a Matroska video")


def _office_type(entries: tuple[file_structure.ZipEntry, ...]) -> str:
    names = {entry.name for entry in entries}
    if "[Content_Types].xml" in names:
        if "word/document.xml" in names:
            return WORD_MIME
        if "ppt/presentation.xml" in names:
            return SLIDES_MIME
    raise unsupported_error("a spreadsheet" if "xl/workbook.xml" in names else "a compressed archive file")


def _ole_type(names: tuple[str, ...]) -> str:
    for name in names:
        if name == "WordDocument":
            return "application/msword"
        if name == "PowerPoint Document":
            return "application/vnd.ms-powerpoint"
        if name == "EncryptedPackage":
            raise UnusableFile(
                "encrypted",
                "{name} is protected by a password. Save the file without a password, then upload it again.",
            )
    raise unsupported_error("a spreadsheet" if "Workbook" in names else "")
