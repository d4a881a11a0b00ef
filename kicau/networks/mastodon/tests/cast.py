"""Files and drafts of the Mastodon tests: made for them, small, and what they say they are."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from pathlib import Path

from PIL import Image

from kicau.connector.content import Draft, Link, Media, MediaKind, Part, Poll
from kicau.connector.session import MediaFile

FOLDER = Path(tempfile.mkdtemp(prefix="kicau-mastodon-"))
atexit.register(shutil.rmtree, FOLDER, ignore_errors=True)

KOPI, KABAR = "109300000000000001", "109300000000000002"
SERVER = {"server": "kopi.social"}


def _file(name: str, mime: str, content: bytes | None = None) -> MediaFile:
    path = FOLDER / name
    if content is not None:
        path.write_bytes(content)
    return MediaFile(path=path, mime=mime, size=path.stat().st_size, name=name)


def _picture(name: str, mime: str, *colours: str) -> MediaFile:
    first, *rest = [Image.new("RGB", (64, 48), colour) for colour in colours]
    if rest:
        first.save(FOLDER / name, save_all=True, append_images=rest, duration=200)
    else:
        first.save(FOLDER / name)
    return _file(name, mime)


MP4 = b"\x00\x00\x00\x18ftypisom\x00\x00\x02\x00isomiso2" + bytes(range(256)) * 400

FILES = {
    "cup": _picture("cup.jpg", "image/jpeg", "#7b4a2d"),
    "shop": _picture("shop.png", "image/png", "#e8a25c"),
    "roast": _picture("roast.webp", "image/webp", "#2d1a10"),
    "steam": _picture("steam.gif", "image/gif", "#7b4a2d", "#e8a25c", "#ffffff"),
    "pour": _file("pour.mp4", "video/mp4", MP4),
    "broken": _file("broken.mp4", "video/mp4", b"\x00\x00\x00\x18ftypisom" + b"broken" + b"\x00" * 400),
}


def media(ref: str, **more: object) -> Media:
    """One of FILES as the library would have measured it."""
    file = FILES[ref]
    shape: dict[str, object] = {"kind": MediaKind.IMAGE, "width": 64, "height": 48, "colour": "RGB"}
    if file.mime == "image/gif":
        shape |= {"kind": MediaKind.GIF, "frames": 3}
    elif file.mime == "video/mp4":
        shape = {
            "kind": MediaKind.VIDEO,
            "width": 640,
            "height": 360,
            "duration_ms": 9_000,
            "fps": 25.0,
            "video_codec": "h264",
        }
    return Media(**{"ref": ref, "mime": file.mime, "size": file.size, "name": file.name, **shape, **more})  # type: ignore[arg-type]


def saying(text: str, *files: Media, **more: object) -> Draft:
    return Draft(parts=(Part(text=text, media=files),), **more)  # type: ignore[arg-type]


CUP = media("cup", alt="A cup of coffee on a wooden table")

DRAFTS = {
    "picture-and-thread": Draft(
        parts=(
            Part(
                text="Roasted this morning ☕🏽 by @kabarpagi and @amy@kopi.id https://kopisenja.com/panen?tahun=2026 #KopiNusantara",
                media=(CUP,),
            ),
            Part(text="And this is how it looks when it is poured.", media=(media("pour", alt="A slow pour"),)),
        ),
        language="id-ID",
        options={"focus": "0.2,-0.5"},
    ),
    "text": saying("Baris pertama\n\nBaris kedua 🇮🇩 <b>bukan tebal</b> & “kutipan” #kopi_senja\nbaris ketiga"),
    "warning": saying("Panas!", options={"warning": "Kopi & susu", "visibility": "unlisted"}),
    "pictures": saying(
        "Three views",
        CUP,
        media("shop", alt="The shop at dusk"),
        media("steam", alt="Steam"),
        options={"sensitive": "yes", "focus": "0,0;-1,1"},
    ),
    "only-a-picture": saying("", CUP),
    "video": saying("The pour", media("pour", cover=CUP)),
    "poll": saying(
        "Which bean next?",
        poll=Poll(options=("Gayo", "Toraja", "Kintamani"), minutes=3 * 1440),
        options={"poll_multiple": "yes", "poll_hide_totals": "yes"},
    ),
    "followers": saying("Only for followers", options={"visibility": "private", "quotes": "nobody"}),
    "link": saying("Read it here", link=Link(url="https://kopisenja.com/cerita")),
    "right-to-left": saying("قهوة الصباح ☕ e\u0301 قهوة"),
}
