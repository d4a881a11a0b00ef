"""The connector contract, for every kind of post on Threads."""

from __future__ import annotations

from typing import Any

from kicau.connector.content import Draft, Link, Media, MediaKind, Part, Poll
from kicau.connector.contract import ConnectorContract
from kicau.networks._meta.tests import made
from kicau.networks.threads.connector import connector
from kicau.networks.threads.sandbox import Server
from kicau.networks.threads.tests.spec import validate

ONE, TWO = made.picture("one.jpg"), made.picture("two.png", mime="image/png")
CLIP = made.video("upright.mp4")
FILES = {file.name: file for file in (ONE, TWO, CLIP)}
CUP = made.image_media(ONE, alt="Secangkir kopi")


def quick(**how: Any) -> Server:
    server = Server(**how)
    server.processing_seconds = 0.01
    return server


def measured(**how: Any) -> Media:
    how = {"kind": MediaKind.IMAGE, "mime": "image/jpeg", "size": 1000, "width": 1080, "height": 1080, **how}
    return Media(ref="x", name="x", **how)


def clip(**how: Any) -> Media:
    return measured(**{"kind": MediaKind.VIDEO, "mime": "video/mp4", "duration_ms": 9000, "fps": 30.0, "video_codec": "h264", **how})  # fmt: skip


def drafted(*media: Media, text: str = "", **how: Any) -> Draft:
    return Draft(parts=(Part(text=text, media=media),), **how)


class TestThreads(ConnectorContract):
    connector = connector
    server = staticmethod(quick)
    validators = (validate,)
    files = FILES
    drafts = {
        "text": drafted(text="Selamat pagi ☕ dari @kopisenja #kopi https://kopisenja.example/menu"),
        "thread with files": Draft(
            parts=(
                Part(text="Tiga hal tentang air", media=(CUP, made.image_media(TWO))),
                Part(text="Dua", media=(CUP,)),
                Part(text="Tiga"),
            ),
            options={"topic": "Kopi susu", "reply_control": "followers_only"},
        ),
        "picture without words": drafted(made.image_media(TWO)),
        "mixed carousel": drafted(CUP, made.video_media(CLIP), text="Gambar dan video", options={"spoiler": "true"}),
        "video": drafted(made.video_media(CLIP), text="Uap"),
        "poll": drafted(text="Panas atau dingin?", poll=Poll(options=("Panas 🔥", "Dingin", "Air putih"))),
        "link card": drafted(text="Menu baru", link=Link(url="https://kopisenja.example/menu")),
    }
    bad_drafts = {
        "empty": drafted(),
        "too-long": drafted(text="a" * 501),
        "too-many-parts": Draft(parts=tuple(Part(text=f"{n}") for n in range(51))),
        "too-many-media": drafted(*[measured() for _ in range(21)]),
        "too-many-links": drafted(text=" ".join(f"https://a.example/{n}" for n in range(6))),
        "poll-duration": drafted(text="?", poll=Poll(options=("a", "b"), minutes=60)),
        "poll-option-too-long": drafted(text="?", poll=Poll(options=("a" * 26, "b"))),
        "poll-with-media": drafted(measured(), text="?", poll=Poll(options=("a", "b"))),
        "bad-topic": drafted(text="a", options={"topic": "kopi.susu"}),
        "bad-reference": drafted(text="a", reply_to="https://www.threads.net/@a/post/b"),
        "bad-option": drafted(text="a", options={"reply_control": "nobody"}),
        "no-first-comment": drafted(text="a", first_comment="b"),
        "wrong-type": drafted(measured(mime="image/webp"), convert=False),
        "too-large": drafted(measured(size=9_000_000), convert=False),
        "wrong-aspect": drafted(measured(width=1100, height=100), convert=False),
        "wrong-kind": drafted(measured(kind=MediaKind.GIF, mime="image/gif")),
        "too-long-video": drafted(clip(duration_ms=301_000)),
        "wrong-fps": drafted(clip(fps=12.0)),
        "wrong-codec": drafted(clip(video_codec="vp9")),
        "alt-too-long": drafted(measured(alt="a" * 1001)),
        "bad-character": drafted(text="a\ud800"),
    }
