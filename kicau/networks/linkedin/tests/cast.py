"""Files and drafts of the LinkedIn tests: made for them, small, and what they say they are."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from pathlib import Path

from PIL import Image

from kicau.connector.content import Draft, Link, Media, MediaKind, Part, Poll
from kicau.connector.session import MediaFile

FOLDER = Path(tempfile.mkdtemp(prefix="kicau-linkedin-"))
atexit.register(shutil.rmtree, FOLDER, ignore_errors=True)


def _file(name: str, mime: str, content: bytes | None = None) -> MediaFile:
    path = FOLDER / name
    if content is not None:
        path.write_bytes(content)
    return MediaFile(path=path, mime=mime, size=path.stat().st_size, name=name)


def _picture(name: str, mime: str, colour: str) -> MediaFile:
    Image.new("RGB", (320, 240), colour).save(FOLDER / name)
    return _file(name, mime)


PDF = b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[]/Count 0>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"
MP4 = b"\x00\x00\x00\x18ftypisom\x00\x00\x02\x00isomiso2" + bytes(range(256)) * 17_000  # a little over one 4 MB part

FILES = {
    "cup": _picture("cup.jpg", "image/jpeg", "#7b4a2d"),
    "shop": _picture("shop.png", "image/png", "#e8a25c"),
    "menu": _file("menu.pdf", "application/pdf", PDF),
    "pour": _file("pour.mp4", "video/mp4", MP4),
}


def media(ref: str, **more: object) -> Media:
    """One of FILES as the library would have measured it."""
    file = FILES[ref]
    shape: dict[str, object] = {"width": 320, "height": 240, "colour": "RGB"}
    kind = MediaKind.IMAGE
    if file.mime == "application/pdf":
        kind, shape = MediaKind.DOCUMENT, {"pages": 2}
    elif file.mime == "video/mp4":
        kind, shape = (
            MediaKind.VIDEO,
            {"width": 640, "height": 360, "duration_ms": 9_000, "fps": 25.0, "video_codec": "h264"},
        )
    return Media(**{"ref": ref, "kind": kind, "mime": file.mime, "size": file.size, "name": file.name, **shape, **more})  # type: ignore[arg-type]


CUP = media("cup", alt="A cup of coffee on a wooden table")
TRICKY = "Kopi (susu) [baru] {dingin} <es> 50% *promo* _hari_ ~ini~ | a\\b @ 7:00 # 1"

DRAFTS = {
    "picture-and-comment": Draft(
        parts=(
            Part(
                text="Roasted this morning by @[Sari Wulandari](urn:li:person:sK7wUlan3d) at @[Kopi Senja](urn:li:organization:5012346). #KopiNusantara ☕🏽",
                media=(CUP,),
            ),
        ),
        first_comment="Details: https://kopisenja.example/panen_2026 (stok terbatas)",
    ),
    "reserved-characters": Draft(parts=(Part(text=TRICKY),)),
    "text": Draft(
        parts=(Part(text="Baris pertama\n\nBaris kedua 🇮🇩 #kopi_senja #2026"),), options={"visibility": "PUBLIC"}
    ),
    "pictures": Draft(parts=(Part(text="Two views", media=(CUP, media("shop", alt="The shop at dusk"))),)),
    "video": Draft(parts=(Part(text="The pour", media=(media("pour", title="A slow pour", cover=CUP),)),)),
    "document": Draft(parts=(Part(text="The menu", media=(media("menu", title="Menu, November"),)),)),
    "article": Draft(
        parts=(Part(text="Read it here"),),
        link=Link(
            url="https://kopisenja.example/cerita?id=1&x=a_b",
            title="A farm story",
            description="From the (high) slopes",
            thumbnail=media("cup"),
        ),
    ),
    "poll": Draft(
        parts=(Part(text="Help us choose"),),
        poll=Poll(options=("Gayo", "Toraja", "Kintamani"), minutes=3 * 1440, question="Which bean next?"),
    ),
}
