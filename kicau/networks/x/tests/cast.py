"""The files and drafts that the tests publish: small, drawn here, and ours."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from PIL import Image, ImageDraw

from kicau.connector.content import Draft, Media, MediaKind, Part, Poll
from kicau.connector.session import MediaFile


@cache
def folder() -> Path:
    return Path(tempfile.mkdtemp(prefix="kicau-x-"))


def _picture(name: str, colour: str) -> Path:
    path = folder() / name
    image = Image.new("RGB", (64, 48), colour)
    ImageDraw.Draw(image).ellipse((16, 8, 48, 40), fill="white")
    image.save(path)
    return path


def _gif(name: str) -> Path:
    path = folder() / name
    frames = [Image.new("P", (32, 32), n * 40) for n in range(4)]
    frames[0].save(path, save_all=True, append_images=frames[1:], duration=80, loop=0)
    return path


def _video(name: str, size: int) -> Path:
    """The head of an MP4 and enough after it for several segments: X's processing here looks at the head alone."""
    path = folder() / name
    path.write_bytes(b"\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom" + bytes(size - 24))
    return path


@cache
def files() -> Mapping[str, MediaFile]:
    made = {
        "red": (_picture("red.png", "crimson"), "image/png"),
        "green": (_picture("green.jpg", "seagreen"), "image/jpeg"),
        "blue": (_picture("blue.webp", "navy"), "image/webp"),
        "grey": (_picture("grey.png", "grey"), "image/png"),
        "steam": (_gif("steam.gif"), "image/gif"),
        "pour": (_video("pour.mp4", (9 << 20) + 17), "video/mp4"),
    }
    return {
        ref: MediaFile(path=path, mime=mime, size=path.stat().st_size, name=path.name)
        for ref, (path, mime) in made.items()
    }


def media(ref: str, alt: str = "") -> Media:
    file = files()[ref]
    kind = {"image/gif": MediaKind.GIF, "video/mp4": MediaKind.VIDEO}.get(file.mime, MediaKind.IMAGE)
    video = {
        "duration_ms": 12_000,
        "fps": 30.0,
        "video_codec": "h264",
        "audio_codec": "aac",
        "width": 1280,
        "height": 720,
    }
    still = {"width": 64, "height": 48}
    animated = {"width": 32, "height": 32, "frames": 4, "duration_ms": 320}
    measured = {MediaKind.VIDEO: video, MediaKind.GIF: animated}.get(kind, still)
    return Media(ref=ref, kind=kind, mime=file.mime, size=file.size, name=file.name, alt=alt, **measured)  # type: ignore[arg-type]


def drafts() -> dict[str, Draft]:
    """One of each kind of post; the first is the one that is broken at every request."""
    return {
        "thread": Draft(
            parts=(
                Part(
                    text="Pagi! Kopi & kue hari ini <3 👩🏽‍🍳🇮🇩 #kopi",
                    media=(media("red", "Secangkir kopi"), media("green")),
                ),
                Part(text="Resepnya: https://kopisenja.com/resep?a=1&b=2 oleh @kabarpagi", media=(media("blue"),)),
                Part(text="Sampai besok."),
            )
        ),
        "text": Draft(parts=(Part(text="Selamat pagi, dunia."),)),
        "link": Draft(parts=(Part(text="Buka jam 8 → kopisenja.com/menu, dan https://kopisenja.com/peta."),)),
        "four pictures": Draft(
            parts=(
                Part(text="Empat", media=tuple(media(ref, f"alt {ref}") for ref in ("red", "green", "blue", "grey"))),
            )
        ),
        "only a picture": Draft(parts=(Part(media=(media("red"),)),)),
        "gif": Draft(parts=(Part(text="Uap", media=(media("steam", "Uap naik dari cangkir"),)),)),
        "video": Draft(parts=(Part(text="Menuang", media=(media("pour"),)),)),
        "poll": Draft(parts=(Part(text="Pilih satu"),), poll=Poll(options=("Kopi", "Teh", "Air"), minutes=60)),
        "labels": Draft(
            parts=(Part(text="Iklan", media=(media("grey"),)),),
            options={"replies": "mentionedUsers", "made_with_ai": "yes", "paid_partnership": "yes"},
        ),
    }
