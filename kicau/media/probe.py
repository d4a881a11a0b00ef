"""What a file is, found by looking into it; its name is only compared, and no claimed type is believed.

Libraries are imported when first needed: this module is cheap to import.
"""

from __future__ import annotations

import mmap
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from kicau.media import file_structure
from kicau.media.file_structure import UnusableFile as UnusableFile
from kicau.media.file_structure import check_pixels, damaged_error, truncated_error

if TYPE_CHECKING:
    from PIL import Image as Pillow

    from kicau.connector.content import MediaKind

PROBE_TIMEOUT_SECONDS = 15.0  # a file that takes longer is made to
MAX_PICTURE_BYTES = 256 << 20  # bytes
MAX_DECODED_PIXELS = 40_000_000  # a larger picture is not decoded to see whether it is whole
ORIENTATION_TAG = 0x0112  # Exif tag
USABLE_FORMATS_HINT = (
    "Use an image (JPEG, PNG, WebP, GIF), a video (MP4, MOV, WebM) or a document (PDF, Word, PowerPoint)"
)
WORD_MIME, SLIDES_MIME = (
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "application/vnd.openxmlformats-officedocument.presentationml.presentation",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaInfo:
    """What looking into a file found; the names are those of `kicau.connector.content.Media`."""

    kind: MediaKind
    mime: str
    size: int  # bytes
    sha256: str  # hexadecimal
    width: int = 0  # pixels, as shown
    height: int = 0
    duration_ms: int = 0
    fps: float = 0.0
    bitrate: int = 0  # bits a second, the whole file
    video_codec: str = ""
    audio_codec: str = ""  # "" when silent
    frames: int = 0  # of an animation
    pages: int = 0  # of a document; 0 where not known
    colour: str = ""  # Pillow's mode of a picture
    misnamed: str = ""  # a sentence, where the name says another type than the content


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


def probe_file(path: Path, name: str = "") -> MediaInfo:
    """Look into a file, in bounded time and memory. Raises UnusableFile, or OSError where the disk refuses."""
    import hashlib

    name = _printable_name(name or path.name)
    with path.open("rb") as file, file_structure.deadline(60):
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    try:
        with path.open("rb") as file, file_structure.deadline(PROBE_TIMEOUT_SECONDS):
            found = _inspect(path, file, file.seek(0, 2), digest)
    except UnusableFile as exc:
        raise _with_name(exc, name) from exc.__cause__
    except file_structure.DeadlinePassed:
        raise UnusableFile(
            "too-slow",
            "Kicau stopped checking {name}, because the check took too long. Export the file in a simpler format.",
            {"name": name},
        ) from None
    claimed = type_by_name(name)
    if claimed and not set(MEDIA_TYPES[claimed].suffixes.split()) & set(MEDIA_TYPES[found.mime].suffixes.split()):
        said, held = MEDIA_TYPES[claimed].label, MEDIA_TYPES[found.mime].label
        return replace(found, misnamed=f"{name} is named as {said} but holds {held}: it is used as {held}.")
    return found


def type_by_name(name: str) -> str:
    """The type that a name says by its last part; "" where it says none that is known."""
    suffix = Path(name).suffix[1:].lower()
    return next(
        (mime for mime, kind in MEDIA_TYPES.items() if suffix and suffix == kind.suffixes.split()[0]), ""
    ) or next((mime for mime, kind in MEDIA_TYPES.items() if suffix and suffix in kind.suffixes.split()), "")


def _printable_name(name: str) -> str:
    kept = "".join(c for c in Path(name.replace("\\", "/")).name if c.isprintable()).strip()
    return kept if len(kept) <= 80 else f"{kept[:60]}…{kept[-15:]}"


def _with_name(exc: UnusableFile, name: str) -> UnusableFile:
    claimed = type_by_name(name)
    if claimed and exc.code in ("unknown-type", "refused-type"):
        message = "The content of {name} does not match its file name: the name says {claimed}, but the file contains {held}. Choose the right file."
        code = exc.code if exc.code == "refused-type" else "misnamed"
        return UnusableFile(code, message, {**exc.params, "name": name, "claimed": MEDIA_TYPES[claimed].label})
    return UnusableFile(exc.code, exc.message, {**exc.params, "name": name or "The file"})


def _inspect(path: Path, file: BinaryIO, size: int, digest: str) -> MediaInfo:
    from kicau.connector.content import MediaKind

    mime = detect_type(file, size)
    kind = MediaKind(MEDIA_TYPES[mime].kind)
    found = MediaInfo(kind=kind, mime=mime, size=size, sha256=digest)
    if kind is MediaKind.IMAGE:
        return _probe_picture(path, found)
    if kind is MediaKind.VIDEO:
        return _probe_video(path, file, found)
    return _probe_document(file, found)


# Types, by their first bytes.


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
                "{name} contains {held}, which Kicau does not accept for safety. " + USABLE_FORMATS_HINT + ".",
                {"held": held},
            )
    if b"%PDF-" in head:
        return "application/pdf"
    for pattern, held in UNSUPPORTED_SIGNATURES:
        if re.match(pattern, text, re.DOTALL):
            raise _unsupported_error(held)
    raise _unsupported_error("plain text" if _is_text(head) else "")


def _unsupported_error(held: str) -> UnusableFile:
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
        raise _unsupported_error("an audio file")
    if main == b"crx ":
        raise _unsupported_error("a camera's raw picture")
    return "video/quicktime" if main == b"qt  " else "video/mp4"


def _ebml_type(head: bytes) -> str:
    if re.search(rb"\x42\x82[\x80-\xff]webm", head[:64]):
        return "video/webm"
    raise _unsupported_error("a Matroska video")


def _office_type(entries: tuple[file_structure.ZipEntry, ...]) -> str:
    names = {entry.name for entry in entries}
    if "[Content_Types].xml" in names:
        if "word/document.xml" in names:
            return WORD_MIME
        if "ppt/presentation.xml" in names:
            return SLIDES_MIME
    raise _unsupported_error("a spreadsheet" if "xl/workbook.xml" in names else "a compressed archive file")


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
    raise _unsupported_error("a spreadsheet" if "Workbook" in names else "")


# Pictures.


@contextmanager
def open_picture(path: Path, mime: str) -> Iterator[tuple[Pillow.Image, file_structure.PictureStructure]]:
    """A picture with its first frame, not decoded yet, and what its blocks say. Raises UnusableFile, in the block too."""
    from PIL import Image

    Image.MAX_IMAGE_PIXELS = file_structure.MAX_PIXELS
    warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")  # faults of Exif do no harm
    form, what = MEDIA_TYPES[mime].pillow, MEDIA_TYPES[mime].label.partition(" ")[2]
    if path.stat().st_size > MAX_PICTURE_BYTES:
        raise UnusableFile(
            "too-large",
            "The image {name} is larger than {limit} MB. Save the image in a smaller size.",
            {"limit": MAX_PICTURE_BYTES >> 20},
        )
    Image.init()
    if form not in Image.OPEN:
        raise UnusableFile(
            "unreadable-type",
            "{name} is {held}, which this server cannot read. Save the image as JPEG.",
            {"held": MEDIA_TYPES[mime].label},
        )
    shape = _picture_structure(path, mime)
    try:
        with Image.open(path, formats=[form]) as image:
            check_pixels(*image.size)
            if mime == "image/tiff":
                _check_tiles(image)
            yield image, shape
    except (UnusableFile, file_structure.DeadlinePassed):
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise UnusableFile(
            "too-many-pixels",
            "{name} has more than {limit} million pixels. Reduce its width and height.",
            {"limit": file_structure.MAX_PIXELS // 1_000_000},
        ) from None
    except Exception as exc:  # decoders raise anything at all over a damaged file
        raise damaged_error(what) from exc


def _picture_structure(path: Path, mime: str) -> file_structure.PictureStructure:
    with (
        path.open("rb") as file,
        mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as held,
        memoryview(held) as data,
    ):
        if mime == "image/bmp" and bytes(data[30:34]) in (b"\1\0\0\0", b"\2\0\0\0"):  # slow to decode
            raise _unsupported_error("a run-length BMP picture")
        match mime:
            case "image/jpeg":
                return file_structure.walk_jpeg(data)
            case "image/png":
                return file_structure.walk_png(data)
            case "image/gif":
                return file_structure.walk_gif(data)
            case "image/webp":
                return file_structure.walk_webp(data)
    return file_structure.PictureStructure()


def _check_tiles(image: Pillow.Image) -> None:
    """A TIFF's tiles are unpacked whole, however small the picture is; cameras' raw files are TIFFs with a preview."""
    tags = getattr(image, "tag_v2", {})
    if 50706 in tags:  # DNGVersion
        raise _unsupported_error("a camera's raw picture")
    wide, high = tags.get(322, 0), tags.get(323, 0)
    if not isinstance(wide, int) or not isinstance(high, int) or wide * high > 16_000_000:
        raise damaged_error("TIFF image")


def exif_orientation(image: Pillow.Image) -> int:
    """Exif's 1 to 8; 1 where it is not said or makes no sense. May decode a PNG."""
    if image.format == "TIFF":
        return 1  # Pillow turns these by itself
    try:
        if image.format == "PNG" and "exif" not in image.info and image.width * image.height > MAX_DECODED_PIXELS:
            return 1
        said = image.getexif().get(ORIENTATION_TAG, 1)
    except Exception:  # Exif of any camera and any damage; the picture itself may be fine
        return 1
    return said if said in range(1, 9) else 1


def _probe_picture(path: Path, found: MediaInfo) -> MediaInfo:
    with open_picture(path, found.mime) as (image, shape):
        frames = max(shape.frames, getattr(image, "n_frames", 1) if found.mime == "image/avif" else 1)
        file_structure.check_frames(frames)
        (width, height), mode, pixels = image.size, image.mode, image.width * image.height
        turned = exif_orientation(image) >= 5
        if found.mime == "image/jpeg" and not shape.progressive:
            image.draft(None, (1, 1))  # an eighth in each direction; the whole file is read all the same
            pixels //= 64
        if pixels <= MAX_DECODED_PIXELS:
            image.load()
    found = replace(found, width=height if turned else width, height=width if turned else height, colour=mode)
    if frames == 1:
        return found
    fps = round(1000 * frames / shape.duration_ms, 3) if shape.duration_ms else 0.0
    return replace(found, kind=type(found.kind)("gif"), frames=frames, duration_ms=shape.duration_ms, fps=fps)


# Videos.


def _probe_video(path: Path, file: BinaryIO, found: MediaInfo) -> MediaInfo:
    import av

    turned = check_video(file, found.mime, found.size)
    av.logging.set_level(None)
    file.seek(0)
    try:
        with av.open(file, "r", format=video_format(found.mime), options=VIDEO_OPTIONS) as box:
            shown = [s for s in box.streams.video if not int(s.disposition) & 0x400]  # not a cover picture
            if not shown:
                raise _unsupported_error("sound without a picture")
            video, sound = shown[0], next(iter(box.streams.audio), None)
            milliseconds = (box.duration or 0) // 1000 or _duration_by_packets(box, video, found.size)
            width, height = video.width, video.height
            if not width or not height:
                raise damaged_error("video")
            check_pixels(width, height, file_structure.MAX_MOVING_PIXELS)
            square = video.sample_aspect_ratio
            width = round(width * square) if square and 0.1 < square < 10 else width
            return replace(
                found,
                width=height if turned else width,
                height=width if turned else height,
                duration_ms=max(0, milliseconds),
                fps=round(float(video.average_rate or video.guessed_rate or 0), 3),
                bitrate=found.size * 8000 // milliseconds if milliseconds > 0 else 0,
                video_codec=_codec_name(video),
                audio_codec=_codec_name(sound) if sound else "",
            )
    except (UnusableFile, file_structure.DeadlinePassed):
        raise
    except Exception as exc:  # the file could be read a moment ago, so whatever is wrong is inside it
        raise damaged_error("video") from exc


VIDEO_OPTIONS = {"max_pixels": str(file_structure.MAX_MOVING_PIXELS), "threads": "1"}


def video_format(mime: str) -> str:
    """The one demuxer a file may reach; others open playlists and addresses."""
    return "matroska" if mime == "video/webm" else "mov"


def check_video(file: BinaryIO, mime: str, size: int) -> bool:
    """Whether a video is shown a quarter turned. Raises UnusableFile where a decoder must not see it."""
    if mime != "video/webm":
        return file_structure.walk_mp4(file, size)
    file.seek(0)
    file_structure.walk_webm(file.read(1024), size)
    return False


def _codec_name(stream: object) -> str:
    context = getattr(stream, "codec_context", None)
    return str(context.codec.canonical_name) if context else "unknown"


def _duration_by_packets(box: object, video: object, size: int) -> int:
    """Milliseconds up to the end of the last packet, for recordings that do not say; 0 where that is not cheap."""
    if size > 64 << 20:
        return 0
    end = 0.0
    for n, packet in enumerate(box.demux(video)):  # type: ignore[attr-defined]
        if n > 100_000:
            return 0
        if packet.pts is not None and packet.time_base:
            end = max(end, float((packet.pts + (packet.duration or 0)) * packet.time_base))
    return round(1000 * end)


# Documents.


def _probe_document(file: BinaryIO, found: MediaInfo) -> MediaInfo:
    if found.mime == "application/pdf":
        return replace(found, pages=_count_pdf_pages(file, found.size))
    if found.mime == SLIDES_MIME:
        names = {entry.name for entry in file_structure.read_zip_directory(file, found.size)}
        return replace(found, pages=sum(re.fullmatch(r"ppt/slides/slide\d+\.xml", name) is not None for name in names))
    if found.mime == WORD_MIME:
        told = next(
            (e for e in file_structure.read_zip_directory(file, found.size) if e.name == "docProps/app.xml"), None
        )
        pages = (
            re.search(rb"<Pages>(\d{1,6})</Pages>", file_structure.unpack_entry(file, told, 1 << 18)) if told else None
        )
        return replace(found, pages=int(pages[1]) if pages else 0)
    return found


def _count_pdf_pages(file: BinaryIO, size: int) -> int:
    """What the page tree says. Raises UnusableFile where a PDF is damaged or needs a password."""
    import logging

    import pypdf

    logging.getLogger("pypdf").setLevel(logging.CRITICAL)
    file.seek(max(0, size - 65_536))
    if b"%%EOF" not in file.read():
        raise truncated_error("PDF document")
    file.seek(0)
    try:
        reader = pypdf.PdfReader(file)
        if reader.is_encrypted and not reader.decrypt(""):
            raise UnusableFile(
                "encrypted",
                "{name} is protected by a password. Save the file without a password, then upload it again.",
            )
        pages = int(reader.root_object["/Pages"]["/Count"])  # type: ignore[index]
    except (UnusableFile, file_structure.DeadlinePassed):
        raise
    except Exception as exc:  # a damaged PDF makes its reader raise anything
        raise damaged_error("PDF document") from exc
    if not 1 <= pages <= 1_000_000:
        raise damaged_error("PDF document")
    return pages
