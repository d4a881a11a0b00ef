from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from kicau.connector.content import Draft, Link, Media, MediaKind, Part, Poll
from kicau.connector.contract import ConnectorContract
from kicau.networks.bluesky.connector import connector
from kicau.networks.bluesky.sandbox import Server
from kicau.networks.bluesky.tests.cast import BY_PASSWORD, CUP, DRAFTS, FILES, KABAR, media
from kicau.networks.bluesky.tests.spec import validate


def saying(text: str, **more: object) -> Draft:
    return Draft(parts=(Part(text=text),), **more)  # type: ignore[arg-type]


def showing(*files: Media, **more: object) -> Draft:
    return Draft(parts=(Part(text="x", media=files),), **more)  # type: ignore[arg-type]


BIG = Media(
    ref="big", kind=MediaKind.IMAGE, mime="image/tiff", size=9_000_000, width=4000, height=3000, name="big.tiff"
)
BAD = {
    "too-long": saying("é" * 301),
    "too-many-bytes": saying("👨‍👩‍👧‍👦" * 121),
    "too-many-parts": Draft(parts=(Part(text="x"),) * 101),
    "needs-text": saying("  "),
    "too-many-media": showing(*[replace(CUP, ref=f"c{n}") for n in range(11)]),
    "mixed-media": showing(CUP, media("pour")),
    "wrong-kind": showing(media("cup", kind=MediaKind.DOCUMENT, mime="application/pdf")),
    "wrong-type": showing(BIG, convert=False),
    "too-large": showing(media("pour", size=50_000_001)),
    "too-long-video": showing(media("pour", duration_ms=600_001)),
    "alt-too-long": showing(media("cup", alt="a" * 2001)),
    "no-polls": saying("x", poll=Poll(options=("a", "b"))),
    "no-first-comment": saying("x", first_comment="y"),
    "bad-link": saying("x", link=Link(url="kopisenja.example", title="t")),
    "link-with-media": showing(CUP, link=Link(url="https://kopisenja.example", title="t")),
    "bad-reference": saying("x", reply_to="12345"),
    "bad-language": saying("x", language="bahasa_indonesia!"),
    "too-many-languages": saying("x", language="id, en, jv, su"),
    "gate-on-reply": saying(
        "x", reply_to="at://kopisenja.test/app.bsky.feed.post/3n32ye4jrkk27", options={"replies": "nobody"}
    ),
    "captions-without-video": saying("x", options={"captions": "WEBVTT\n"}),
    "bad-captions": showing(media("pour"), options={"captions": "1\n00:00"}),
    "captions-too-long": showing(media("pour"), options={"captions": "WEBVTT\n" + "x" * 20_000}),
    "unknown-option": saying("x", options={"colour": "red"}),
    "bad-option": saying("x", options={"replies": "friends"}),
    "broken-text": saying("half an emoji \ud83d"),
}


REFUSED_LOOK_UPS = ((400, '{"error": "InvalidRequest", "message": "Invalid repo"}'),)


class TestByAppPassword(ConnectorContract):
    access_outlives_revocation = True  # for two hours at most; nothing renews it any more
    refused_look_ups = REFUSED_LOOK_UPS
    called = "kabarpagi.test"
    other, other_answers = KABAR, {"handle": "kabarpagi.test"}
    connector = connector
    server = Server
    drafts = DRAFTS
    bad_drafts = BAD
    files = FILES
    answers = BY_PASSWORD
    validators = (validate,)


class TestByOAuth(ConnectorContract):
    """Every request is proven by the sign-in's key, with a nonce that the server changes as it likes."""

    refused_look_ups = REFUSED_LOOK_UPS
    called = "kabarpagi.test"
    other, other_answers = KABAR, {"handle": "kabarpagi.test"}
    connector = connector
    server = Server
    drafts = {name: DRAFTS[name] for name in ("picture-and-mention", "gated-thread", "video")}
    bad_drafts = {"too-long": BAD["too-long"]}
    files = FILES
    validators = (validate,)


def test_the_product_knows_nothing_of_the_tests() -> None:
    for path in Path(__file__).parent.parent.rglob("*.py"):
        if "tests" not in path.parts:
            assert ".tests" not in path.read_text("utf-8"), path
