from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from kicau.connector.content import Draft, Link, Media, MediaKind, Part, Poll
from kicau.connector.contract import ConnectorContract
from kicau.networks.linkedin.connector import connector
from kicau.networks.linkedin.sandbox.server import Server
from kicau.networks.linkedin.tests.cast import CUP, DRAFTS, FILES, media
from kicau.networks.linkedin.tests.spec import validate


def quick(**how: object) -> Server:
    """The sandbox, done with each file at once."""
    made = Server(**how)  # type: ignore[arg-type]
    made.processing_seconds = 0.02
    return made


def saying(text: str, **more: object) -> Draft:
    return Draft(parts=(Part(text=text),), **more)  # type: ignore[arg-type]


def showing(*files: Media) -> Draft:
    return Draft(parts=(Part(text="x", media=files),))


BIG = Media(
    ref="big", kind=MediaKind.IMAGE, mime="image/webp", size=9_000_000, width=8000, height=5000, name="big.webp"
)
BAD = {
    "too-long": saying("é" * 3001),
    "too-many-parts": Draft(parts=(Part(text="1/2"), Part(text="2/2"))),
    "needs-text": saying("  "),
    "too-many-media": showing(*[replace(CUP, ref=f"c{n}") for n in range(21)]),
    "mixed-media": showing(CUP, media("pour")),
    "wrong-type": replace(showing(BIG), convert=False),
    "too-many-pixels": replace(showing(BIG), convert=False),
    "too-long-video": showing(media("pour", duration_ms=3 * 3_600_000)),
    "too-short-video": showing(media("pour", duration_ms=2_900)),
    "too-large": showing(media("pour", size=500_000_001)),
    "too-small": showing(media("pour", size=74_999)),
    "too-many-pages": showing(media("menu", pages=301)),
    "too-many-frames": showing(media("cup", kind=MediaKind.GIF, mime="image/gif", frames=251)),
    "alt-too-long": showing(media("cup", alt="a" * 4087)),
    "comment-too-long": saying("x", first_comment="a" * 1251),
    "poll-too-few": saying("x", poll=Poll(options=("one",), question="q")),
    "poll-too-many": saying("x", poll=Poll(options=tuple("abcde"), question="q")),
    "poll-option-too-long": saying("x", poll=Poll(options=("a" * 31, "b"), question="q")),
    "poll-duration": saying("x", poll=Poll(options=("a", "b"), minutes=2880, question="q")),
    "poll-needs-question": saying("long " * 40, poll=Poll(options=("a", "b"))),
    "question-too-long": saying("x", poll=Poll(options=("a", "b"), question="q" * 141)),
    "poll-with-media": Draft(parts=(Part(text="x", media=(CUP,)),), poll=Poll(options=("a", "b"), question="q")),
    "link-needs-title": saying("x", link=Link(url="https://kopisenja.example")),
    "bad-link": saying("x", link=Link(url="kopisenja.example", title="t")),
    "link-with-media": Draft(
        parts=(Part(text="x", media=(CUP,)),), link=Link(url="https://kopisenja.example", title="t")
    ),
    "bad-reference": saying("x", reply_to="https://www.linkedin.com/feed"),
    "words-alone": saying("x", reply_to="urn:li:share:1", first_comment="y"),
    "unknown-option": saying("x", options={"colour": "red"}),
    "bad-option": saying("x", options={"visibility": "FRIENDS"}),
    "broken-text": saying("half an emoji \ud83d"),
}


class TestOrganisation(ConnectorContract):
    """An organisation's posts may be read back, so every broken step ends in a published post."""

    refused_look_ups = (
        (400, '{"message": "Query parameter is not allowed", "status": 400, "code": "QUERY_PARAM_NOT_ALLOWED"}'),
        (404, '{"message": "Could not find entity", "status": 404, "code": "NOT_FOUND"}'),
    )
    called = "kopi-senja"
    connector = connector
    server = staticmethod(quick)
    drafts = DRAFTS
    bad_drafts = BAD
    files = FILES
    choice = staticmethod(lambda account: account.kind == "organisation")
    validators = (validate,)


def test_the_product_knows_nothing_of_the_tests() -> None:
    for path in Path(__file__).parent.parent.glob("*.py"):
        assert ".tests" not in path.read_text("utf-8"), path
