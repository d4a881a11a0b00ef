"""One frame of a video as a picture."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from kicau.media.probe import VIDEO_OPTIONS, UnusableFile, check_video, video_format

if TYPE_CHECKING:
    from collections.abc import Iterator

    import av
    from av.container import InputContainer
    from PIL import Image as Pillow

MAX_DECODED_FRAMES = 1_500  # frames between the key frame before a time and the frame at it


def frame_at(source: Path, mime: str, at_ms: int, edge: int = 0) -> Pillow.Image:
    """The frame that a player shows `at_ms` after the beginning, upright; the last one where the video is shorter.

    Within `edge` pixels each way, 0: as large as it is. Raises UnusableFile where there is none, OSError.
    """
    import av

    av.logging.set_level(None)
    shown: av.VideoFrame | None = None
    with source.open("rb") as file:
        check_video(file, mime, file.seek(0, 2))
        file.seek(0)
        # A damaged end, or a codec that is not known here: what was seen so far will do.
        with suppress(Exception), av.open(file, "r", format=video_format(mime), options=VIDEO_OPTIONS) as box:
            for n, frame in enumerate(_frames_from(box, at_ms)):
                if shown is not None and (frame.time or 0.0) > _start_seconds(box) + at_ms / 1000 + 0.0005:
                    break
                shown = frame
                if n >= MAX_DECODED_FRAMES:
                    break
    if shown is None:
        raise UnusableFile(
            "no-frame", "Kicau cannot take a cover image from the video {name}. Upload your own image as the cover."
        )
    scale = min(1.0, edge / max(shown.width, shown.height, 1)) if edge else 1.0
    size = max(1, round(shown.width * scale)), max(1, round(shown.height * scale))
    picture: Pillow.Image = shown.to_image(width=size[0], height=size[1])  # type: ignore[no-untyped-call]
    return picture.rotate(shown.rotation % 360, expand=True)


def _start_seconds(box: InputContainer) -> float:
    """Seconds at which its first frame is shown."""
    video = box.streams.video[0]
    return float((video.start_time or 0) * (video.time_base or 0))


def _frames_from(box: InputContainer, at_ms: int) -> Iterator[av.VideoFrame]:
    """The frames from the key frame at or before a time on."""
    video = box.streams.video[0]
    video.thread_type, video.codec_context.thread_count = "SLICE", 1
    if at_ms:
        box.seek(int((_start_seconds(box) + at_ms / 1000) * 1_000_000))
    yield from box.decode(video)
