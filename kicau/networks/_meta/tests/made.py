"""Small pictures and videos for tests, drawn here; each made once a run."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from fractions import Fraction
from functools import cache
from pathlib import Path

import av
from PIL import Image

from kicau.connector.content import Media, MediaKind
from kicau.connector.session import MediaFile

FORMATS = {"image/jpeg": "JPEG", "image/png": "PNG", "image/webp": "WEBP"}


@cache
def folder() -> Path:
    made = Path(tempfile.mkdtemp(prefix="kicau-test-"))
    atexit.register(shutil.rmtree, made, ignore_errors=True)
    return made


@cache
def picture(ref: str, width: int = 400, height: int = 400, mime: str = "image/jpeg") -> MediaFile:
    path = folder() / ref
    Image.new("RGB", (width, height), f"hsl({sum(ref.encode()) % 360}, 60%, 50%)").save(path, FORMATS[mime])
    return MediaFile(path=path, mime=mime, size=path.stat().st_size, name=ref)


@cache
def video(ref: str, width: int = 540, height: int = 960, seconds: float = 3.0, fps: int = 24) -> MediaFile:
    path = folder() / ref
    with av.open(str(path), "w", format="mp4") as out:
        track = out.add_stream("libx264", rate=fps, options={"preset": "ultrafast", "crf": "40"})
        track.width, track.height, track.pix_fmt = width, height, "yuv420p"
        track.time_base = Fraction(1, fps)
        for n in range(round(seconds * fps)):
            frame = av.VideoFrame.from_image(Image.new("RGB", (width, height), (n % 200, 80, 120)))
            frame.pts = n
            out.mux(track.encode(frame))
        out.mux(track.encode())
    return MediaFile(path=path, mime="video/mp4", size=path.stat().st_size, name=ref)


def image_media(file: MediaFile, width: int = 400, height: int = 400, alt: str = "") -> Media:
    return Media(
        ref=file.name,
        kind=MediaKind.IMAGE,
        mime=file.mime,
        size=file.size,
        name=file.name,
        width=width,
        height=height,
        alt=alt,
        colour="RGB",
    )


def video_media(file: MediaFile, width: int = 540, height: int = 960, seconds: float = 3.0, fps: float = 24.0) -> Media:
    return Media(
        ref=file.name,
        kind=MediaKind.VIDEO,
        mime=file.mime,
        size=file.size,
        name=file.name,
        width=width,
        height=height,
        duration_ms=round(seconds * 1000),
        fps=fps,
        bitrate=round(file.size * 8 / seconds),
        video_codec="h264",
    )
