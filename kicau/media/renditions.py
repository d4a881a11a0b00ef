"""A network's own copy of a picture, and the small pictures of the library. Originals are never touched."""

from __future__ import annotations

import io
import math
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from kicau.media import file_structure
from kicau.media.file_structure import check_pixels
from kicau.media.file_types import MEDIA_TYPES, detect_type
from kicau.media.frames import frame_at
from kicau.media.probe import (
    MAX_DECODED_PIXELS,
    VIDEO_OPTIONS,
    MediaInfo,
    UnusableFile,
    check_video,
    exif_orientation,
    open_picture,
    probe_file,
    video_format,
)

if TYPE_CHECKING:
    from PIL import Image as Pillow

    from kicau.connector.content import Recipe

JPEG_QUALITIES = (90, 82, 75, 68, 60)  # tried in turn; below 60 a smaller picture looks better
MAX_EDGE_PIXELS = {
    "image/jpeg": 65_500,
    "image/png": 100_000,
    "image/webp": 16_383,
}  # pixels an edge the formats can hold
CONVERSION_TIMEOUT_SECONDS = 60.0
MAX_FRAMES_TRIED = 60  # of a video, for one that shows something


@dataclass(frozen=True, slots=True)
class CanvasLayout:
    """Pixels of the picture, and of the canvas that it lies in the middle of."""

    width: int
    height: int
    canvas_width: int
    canvas_height: int


def convert(source: Path, recipe: Recipe, target: Path) -> MediaInfo:
    """Write the copy of `source` that `recipe` describes, without any metadata, in sRGB; the same bytes each time.

    `target` appears whole or not at all. Raises UnusableFile where no such copy can be made, OSError where the disk refuses.
    """
    try:
        with file_structure.deadline(CONVERSION_TIMEOUT_SECONDS):
            data = _convert_to_bytes(source, recipe)
    except file_structure.DeadlinePassed:
        raise UnusableFile(
            "too-slow",
            "Kicau stopped converting {name}, because the conversion took too long. Export a smaller file, for example as JPEG, MP4 or PDF.",
        ) from None
    with _replacement_file(target) as copy:
        copy.write_bytes(data)
        return probe_file(copy, target.name)


def thumbnail(source: Path, target: Path, edge: int = 480, at_ms: int | None = None) -> bool:
    """Write a JPEG of at most `edge` pixels each way of a picture or video; False where there is nothing to show.
    `at_ms`: of a video, the frame at this time instead of the first that shows something.

    Raises UnusableFile where the file cannot be read, OSError where the disk refuses.
    """
    try:
        with file_structure.deadline(CONVERSION_TIMEOUT_SECONDS):
            picture = (
                _preview_frame(source, edge) if at_ms is None else frame_at(source, _detect_type(source), at_ms, edge)
            )
    except file_structure.DeadlinePassed:
        picture = None
    if picture is None:
        return False
    with _replacement_file(target) as copy:
        copy.write_bytes(_encode(picture, "image/jpeg", 80))
    return True


def crop(source: Path, box: tuple[float, float, float, float], target: Path) -> None:
    """Write the part of a picture that `box` frames: left, top, width and height as shares (0 to 1) of its shown size.

    A PNG stays one, everything else becomes a JPEG, without metadata, in sRGB. Raises UnusableFile, OSError.
    """
    left, top, wide, high = box
    try:
        with file_structure.deadline(CONVERSION_TIMEOUT_SECONDS):
            mime = _detect_type(source)
            if MEDIA_TYPES[mime].kind != "image":
                raise UnusableFile(
                    "unconvertible",
                    "Kicau cannot convert {name}, because the file is not an image but {held}. Choose an image.",
                    {"held": MEDIA_TYPES[mime].label},
                )
            with open_picture(source, mime) as (image, _):
                width, height = _workable_size(image)
                picture = _flatten(image, width, height, "#ffffff")
            x, y = min(width - 1, round(left * width)), min(height - 1, round(top * height))
            edges = (
                x,
                y,
                min(width, max(x + 1, round((left + wide) * width))),
                min(height, max(y + 1, round((top + high) * height))),
            )
            data = _encode(picture.crop(edges), "image/png" if mime == "image/png" else "image/jpeg", 92)
    except file_structure.DeadlinePassed:
        raise UnusableFile(
            "too-slow",
            "Kicau stopped converting {name}, because the conversion took too long. Export a smaller file, for example as JPEG, MP4 or PDF.",
        ) from None
    target.write_bytes(data)


@contextmanager
def _replacement_file(target: Path) -> Iterator[Path]:
    """A file beside `target` that takes its place at the end, unless something is raised."""
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=".making-")
    os.close(handle)
    try:
        yield Path(name)
        os.replace(name, target)
    finally:
        Path(name).unlink(missing_ok=True)


def _convert_to_bytes(source: Path, recipe: Recipe) -> bytes:
    if recipe.mime not in MAX_EDGE_PIXELS:
        raise UnusableFile(
            "unmakeable-type",
            "Kicau cannot convert {name} to {mime}. Choose JPEG, PNG or WebP, because Kicau can convert images only to these formats.",
            {"mime": recipe.mime},
        )
    mime = _detect_type(source)
    if MEDIA_TYPES[mime].kind == "video" and recipe.frame_ms is not None:
        picture = frame_at(source, mime, recipe.frame_ms)
        return _encode_within_size(picture, *picture.size, recipe)
    if MEDIA_TYPES[mime].kind != "image":
        raise UnusableFile(
            "unconvertible",
            "Kicau cannot convert {name}, because the file is not an image but {held}. Choose an image.",
            {"held": MEDIA_TYPES[mime].label},
        )
    with open_picture(source, mime) as (image, shape):
        if max(shape.frames, getattr(image, "n_frames", 1) if mime == "image/avif" else 1) > 1:
            raise UnusableFile(
                "unconvertible",
                "{name} is an animated image, which would lose its animation if Kicau converted it to {mime}. Choose another image or format.",
                {"mime": recipe.mime},
            )
        width, height = _workable_size(image)
        layout = compute_layout(width, height, recipe)
        picture = _flatten(image, layout.width, layout.height, recipe.background)
    return _encode_within_size(picture, width, height, recipe)


def _detect_type(source: Path) -> str:
    with source.open("rb") as file:
        return detect_type(file, file.seek(0, 2))


def compute_layout(width: int, height: int, recipe: Recipe, scale: float = 1.0) -> CanvasLayout:
    """Where a picture of this size comes to lie: scaled down by `scale` and into the limits, padded into the aspect."""
    longest = MAX_EDGE_PIXELS[recipe.mime]
    most_wide, most_high = min(recipe.max_width or longest, longest), min(recipe.max_height or longest, longest)
    wide, high = float(width), float(height)
    if recipe.min_aspect:
        wide = max(wide, high * recipe.min_aspect)
    if recipe.max_aspect:
        high = max(high, wide / recipe.max_aspect)
    scale = min(scale, most_wide / wide, most_high / high)
    while True:
        w, h = max(1, round(width * scale)), max(1, round(height * scale))
        canvas_w = max(w, math.ceil(h * recipe.min_aspect - 1e-9))
        canvas_h = max(h, math.ceil(canvas_w / recipe.max_aspect - 1e-9)) if recipe.max_aspect else h
        if (canvas_w <= most_wide and canvas_h <= most_high) or (w == 1 and h == 1):
            return CanvasLayout(w, h, canvas_w, canvas_h)
        scale *= 0.999  # rounding went over a limit


def _encode_within_size(picture: Pillow.Image, width: int, height: int, recipe: Recipe) -> bytes:
    """Encoded within the recipe's size: first at lower qualities, then smaller."""
    scale, limit = min(1.0, picture.width / width), recipe.max_size
    qualities = JPEG_QUALITIES if recipe.mime != "image/png" else (0,)
    for _ in range(40):
        layout = compute_layout(width, height, recipe, scale)
        laid = _pad(picture, layout, recipe.background)
        for quality in qualities:
            data = _encode(laid, recipe.mime, quality)
            if not limit or len(data) <= limit:
                return data
        if max(layout.width, layout.height) <= 16:
            break
        scale *= min(0.9, max(0.3, 0.95 * math.sqrt(limit / len(data))))
    raise UnusableFile(
        "cannot-fit",
        "Kicau cannot make the image {name} smaller than {actual} bytes, but the limit is {limit} bytes. Use another image.",
        {"actual": len(data), "limit": limit},
    )


def _encode(picture: Pillow.Image, mime: str, quality: int) -> bytes:
    out = io.BytesIO()
    if mime == "image/jpeg":
        picture.save(out, "JPEG", quality=quality, optimize=True)
    elif mime == "image/webp":
        picture.save(out, "WEBP", quality=quality, method=4)
    else:
        picture.save(out, "PNG", compress_level=9)
    return out.getvalue()


def _pad(picture: Pillow.Image, layout: CanvasLayout, background: str) -> Pillow.Image:
    from PIL import Image

    size, canvas = (layout.width, layout.height), (layout.canvas_width, layout.canvas_height)
    if picture.size != size:
        picture = picture.resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0)
    if size == canvas:
        return picture
    whole = Image.new("RGB", canvas, background)
    whole.paste(picture, ((canvas[0] - size[0]) // 2, (canvas[1] - size[1]) // 2))
    return whole


# From whatever a file holds to plain sRGB pixels.


def _workable_size(image: Pillow.Image) -> tuple[int, int]:
    """The size, as shown, in which a picture can be decoded within MAX_DECODED_PIXELS. Raises UnusableFile."""
    step = _jpeg_scale(image)
    width, height = math.ceil(image.width / step), math.ceil(image.height / step)
    check_pixels(width, height, MAX_DECODED_PIXELS)
    return (height, width) if exif_orientation(image) >= 5 else (width, height)


def _jpeg_scale(image: Pillow.Image) -> int:
    """A JPEG can be decoded at a half, a quarter or an eighth of its size."""
    if image.format not in ("JPEG", "MPO"):
        return 1
    pixels = image.width * image.height
    return next((step for step in (1, 2, 4) if pixels // (step * step) <= MAX_DECODED_PIXELS), 8)


def _flatten(image: Pillow.Image, width: int, height: int, background: str) -> Pillow.Image:
    """RGB in sRGB, upright, `width`×`height` as shown (not larger than it is), with nothing of the file but pixels."""
    from PIL import Image

    turn = exif_orientation(image)
    if turn >= 5:
        width, height = height, width
    profile = image.info.get("icc_profile")
    if image.format in ("JPEG", "MPO"):
        step = _jpeg_scale(image)
        image.draft(None, (min(2 * width, image.width // step), min(2 * height, image.height // step)))
    pixels = _plain_mode(image)
    if pixels.size != (width, height):
        pixels = pixels.resize((width, height), Image.Resampling.LANCZOS, reducing_gap=3.0)
    pixels = _to_srgb(pixels, profile)
    if pixels.mode == "RGBA":
        under = Image.new("RGBA", pixels.size, background)
        pixels = Image.alpha_composite(under, pixels)
    upright = _rotate_upright(pixels.convert("RGB"), turn)
    upright.info = {}  # encoders write out profiles, comments and resolutions from here
    return upright


def _plain_mode(image: Pillow.Image) -> Pillow.Image:
    """L, RGB, RGBA, CMYK or LAB, eight bits a channel."""
    if image.mode.startswith("I;16") or image.mode in ("I", "F"):
        return _eight_bits(image)
    if image.mode == "RGBA" and "transparency" not in image.info:
        return image
    if "transparency" in image.info or image.mode in ("LA", "La", "PA", "RGBa", "RGBA"):
        return image.convert("RGBA")
    if image.mode in ("L", "RGB", "CMYK", "LAB"):
        return image
    return image.convert("L" if image.mode == "1" else "RGB")


def _eight_bits(image: Pillow.Image) -> Pillow.Image:
    """Sixteen bits (or more) of grey, scaled instead of clipped."""
    wide = image.convert("F")
    low, high = wide.getextrema()
    if not (isinstance(low, float) and isinstance(high, float) and math.isfinite(low) and math.isfinite(high)):
        raise file_structure.damaged_error("picture")
    top = 255.0 if high <= 255 and not image.mode.startswith("I;16") else max(65_535.0, high)
    if image.mode == "F" and high <= 1:
        top = 1.0
    return wide.point(lambda value: value * (255 / top) + 0.0).convert("L")


def _to_srgb(pixels: Pillow.Image, profile: bytes | None) -> Pillow.Image:
    from PIL import ImageCms

    out = "RGBA" if pixels.mode == "RGBA" else "RGB"
    if profile or pixels.mode == "LAB":
        try:
            given = ImageCms.ImageCmsProfile(io.BytesIO(profile)) if profile else ImageCms.createProfile("LAB")
            made = ImageCms.profileToProfile(pixels, given, ImageCms.createProfile("sRGB"), outputMode=out)
        except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
            made = None  # a profile of another colour space, or damaged: the pixels are taken as they are
        if made is not None:
            return made
    return pixels if pixels.mode == out else pixels.convert(out)


def _rotate_upright(pixels: Pillow.Image, turn: int) -> Pillow.Image:
    from PIL import Image

    step = Image.Transpose
    methods = {
        2: step.FLIP_LEFT_RIGHT,
        3: step.ROTATE_180,
        4: step.FLIP_TOP_BOTTOM,
        5: step.TRANSPOSE,
        6: step.ROTATE_270,
        7: step.TRANSVERSE,
        8: step.ROTATE_90,
    }
    return pixels.transpose(methods[turn]) if turn in methods else pixels


# Small pictures.


def _preview_frame(source: Path, edge: int) -> Pillow.Image | None:
    mime = _detect_type(source)
    if MEDIA_TYPES[mime].kind == "image":
        with open_picture(source, mime) as (image, _):
            width, height = _workable_size(image)
            scale = min(1.0, edge / max(width, height))
            return _flatten(image, max(1, round(width * scale)), max(1, round(height * scale)), "#ffffff")
    if MEDIA_TYPES[mime].kind == "video":
        with source.open("rb") as file:
            check_video(file, mime, file.seek(0, 2))
            file.seek(0)
            return _first_frame(file, video_format(mime), edge)
    return None


def _first_frame(file: BinaryIO, form: str, edge: int) -> Pillow.Image | None:
    """The first frame that is not all but one colour, from a second into the video on; else the liveliest seen."""
    import av
    from PIL import ImageStat

    av.logging.set_level(None)
    best, liveliest = None, -1.0
    try:
        with av.open(file, "r", format=form, options=VIDEO_OPTIONS) as box:
            video = box.streams.video[0]
            video.thread_type, video.codec_context.thread_count = "SLICE", 1
            if box.duration and box.duration > 3_000_000:
                box.seek(1_000_000)
            for n, frame in enumerate(box.decode(video)):
                scale = min(1.0, edge / max(frame.width, frame.height, 1))
                size = max(1, round(frame.width * scale)), max(1, round(frame.height * scale))
                picture: Pillow.Image = frame.to_image(width=size[0], height=size[1])  # type: ignore[no-untyped-call]
                liveliness = sum(ImageStat.Stat(picture.convert("L").resize((32, 32))).stddev)
                if liveliness > liveliest:
                    best, liveliest = picture.rotate(frame.rotation % 360, expand=True), liveliness
                if liveliness > 12 or n >= MAX_FRAMES_TRIED:
                    break
    except Exception:  # a damaged end, or a codec that is not known here: what was seen so far will do
        return best
    return best
