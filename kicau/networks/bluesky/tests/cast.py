"""Files and drafts of the Bluesky tests: made for them, small, and what they say they are."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from pathlib import Path

from PIL import Image

from kicau.connector.content import Draft, Link, Media, MediaKind, Part
from kicau.connector.session import MediaFile

FOLDER = Path(tempfile.mkdtemp(prefix="kicau-bluesky-"))
atexit.register(shutil.rmtree, FOLDER, ignore_errors=True)

KOPI, KABAR = "did:plc:kopisenjasandbox22222222", "did:plc:kabarpagisandbox22222222"
PASSWORD = "kopi-senj-asan-dbox"
BY_PASSWORD = {"login": "app-password", "handle": "kopisenja.test", "password": PASSWORD}


def _file(name: str, mime: str, content: bytes | None = None) -> MediaFile:
    path = FOLDER / name
    if content is not None:
        path.write_bytes(content)
    return MediaFile(path=path, mime=mime, size=path.stat().st_size, name=name)


def _picture(name: str, mime: str, colour: str) -> MediaFile:
    Image.new("RGB", (320, 240), colour).save(FOLDER / name)
    return _file(name, mime)


MP4 = b"\x00\x00\x00\x18ftypisom\x00\x00\x02\x00isomiso2" + bytes(range(256)) * 1200  # a little over one chunk

FILES = {
    "cup": _picture("cup.jpg", "image/jpeg", "#7b4a2d"),
    "shop": _picture("shop.png", "image/png", "#e8a25c"),
    "pour": _file("pour.mp4", "video/mp4", MP4),
}


def media(ref: str, **more: object) -> Media:
    """One of FILES as the library would have measured it."""
    file = FILES[ref.split("-")[0]]
    shape: dict[str, object] = {"kind": MediaKind.IMAGE, "width": 320, "height": 240, "colour": "RGB"}
    if file.mime == "video/mp4":
        shape = {
            "kind": MediaKind.VIDEO,
            "width": 640,
            "height": 360,
            "duration_ms": 9_000,
            "fps": 25.0,
            "video_codec": "h264",
        }
    return Media(**{"ref": ref, "mime": file.mime, "size": file.size, "name": file.name, **shape, **more})  # type: ignore[arg-type]


CUP = media("cup", alt="A cup of coffee on a wooden table ☕")
TRICKY = "Selamat pagi 👨‍👩‍👧‍👦! Kopi ☕🏽 @kabarpagi.test (lihat https://kopisenja.example/menu?x=1_(a)), #KopiNusantara dan kopi.id."
CAPTIONS = "WEBVTT\n\n00:00.000 --> 00:04.000\nAir dituang perlahan\n"

DRAFTS = {
    "picture-and-mention": Draft(parts=(Part(text=TRICKY, media=(CUP,)),), language="id"),
    "text": Draft(parts=(Part(text="Baris pertama\n\nBaris kedua 🇮🇩 #kopi_senja #2026"),)),
    "thread": Draft(
        parts=(
            Part(text="Satu"),
            Part(text="Dua", media=(media("shop", alt="The shop"),)),
            Part(text="Tiga @kabarpagi.test"),
        )
    ),
    "gated-thread": Draft(
        parts=(Part(text="Hanya untuk yang disebut"), Part(text="Lanjut")),
        options={"replies": "following+mentioned", "quotes": "nobody"},
    ),
    "pictures": Draft(parts=(Part(text="Two views", media=(CUP, media("shop"))),), options={"label": "graphic-media"}),
    "gallery": Draft(
        parts=(Part(text="Many views", media=tuple(media(f"cup-{n}", alt=f"View {n}") for n in range(10))),)
    ),
    "video": Draft(
        parts=(Part(text="The pour", media=(media("pour", alt="Water is poured"),)),),
        options={"captions": CAPTIONS},
        language="id",
    ),
    "card": Draft(
        parts=(Part(text="Read it here"),),
        link=Link(
            url="https://kopisenja.example/cerita?id=1&x=a_b",
            title="A farm story",
            description="From the (high) slopes",
            thumbnail=media("cup"),
        ),
    ),
    "card-alone": Draft(
        parts=(Part(text=""),), link=Link(url="https://kopisenja.example/cerita", title="A farm story")
    ),
    "long": Draft(parts=(Part(text="👨‍👩‍👧‍👦" * 120),)),
}
FILES |= {f"cup-{n}": FILES["cup"] for n in range(11)}
