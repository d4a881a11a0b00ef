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
from kicau.media.file_types import MEDIA_TYPES, SLIDES_MIME, WORD_MIME, detect_type, type_by_name, unsupported_error

if TYPE_CHECKING:
    from PIL import Image as Pillow

    from kicau.connector.content import MediaKind

PROBE_TIMEOUT_SECONDS = 15.0  # a file that takes longer is made to
MAX_PICTURE_BYTES = 256 << 20  # bytes
MAX_DECODED_PIXELS = 40_000_000  # a larger picture is not decoded to see whether it is whole
ORIENTATION_TAG = 0x0112  # Exif tag


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
            "Kicau stopped checking {name}, because the check took too long. Export a smaller file, for example as JPEG, MP4 or PDF.",
            {"name": name},
        ) from None
    claimed = type_by_name(name)
    if claimed and not set(MEDIA_TYPES[claimed].suffixes.split()) & set(MEDIA_TYPES[found.mime].suffixes.split()):
        said, held = MEDIA_TYPES[claimed].label, MEDIA_TYPES[found.mime].label
        return replace(found, misnamed=f"{name} is named as {said} but holds {held}: it is used as {held}.")
    return found


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
            raise unsupported_error("a run-length BMP picture")
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
        raise unsupported_error("a camera's raw picture")
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
                raise unsupported_error("sound without a picture")
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
