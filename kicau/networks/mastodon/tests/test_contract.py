from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from kicau.connector import errors
from kicau.connector.content import Draft, Media, MediaKind, Part, Poll
from kicau.connector.contract import ConnectorContract, ContractSession, run_to_end
from kicau.connector.sandbox.server import Sandbox
from kicau.networks.mastodon.connector import connector
from kicau.networks.mastodon.errors import HTML_ERROR_STATUSES
from kicau.networks.mastodon.sandbox import SNAC_DIFFERENCES, Server
from kicau.networks.mastodon.tests.cast import CUP, DRAFTS, FILES, KABAR, SERVER, media, saying
from kicau.networks.mastodon.tests.spec import validate


def quick(**how: object) -> Server:
    """The sandbox, done with each video at once."""
    made = Server(**how)  # type: ignore[arg-type]
    made.processing_seconds = 0.02
    return made


def poor(**how: object) -> Server:
    """A server that speaks the API and lacks much of it."""
    made = quick(**how)
    made.lacks, made.version = SNAC_DIFFERENCES, "4.0.0 (not true; really snac/2.75)"
    return made


BIG = Media(ref="big", kind=MediaKind.IMAGE, mime="image/bmp", size=9_000_000, width=8000, height=5000, name="big.bmp")
BAD = {
    "too-long": saying("é" * 501),
    "too-many-parts": Draft(parts=tuple(Part(text=str(n)) for n in range(101))),
    "empty": saying("  "),
    "too-many-media": saying("x", *[replace(CUP, ref=f"c{n}") for n in range(5)]),
    "mixed-media": saying("x", CUP, media("pour")),
    "wrong-type": saying("x", BIG, convert=False),
    "too-many-pixels": saying("x", replace(BIG, mime="image/png"), convert=False),
    "too-large": saying("x", media("pour", size=103_809_024)),
    "wrong-fps": saying("x", media("pour", fps=240.0)),
    "alt-too-long": saying("x", media("cup", alt="a" * 1501)),
    "wrong-kind": saying("x", Media(ref="m", kind=MediaKind.DOCUMENT, mime="application/pdf", size=9, name="menu.pdf")),
    "poll-too-few": saying("x", poll=Poll(options=("one",))),
    "poll-too-many": saying("x", poll=Poll(options=tuple("abcde"))),
    "poll-option-too-long": saying("x", poll=Poll(options=("a" * 51, "b"))),
    "poll-option-empty": saying("x", poll=Poll(options=("", "b"))),
    "poll-duplicate": saying("x", poll=Poll(options=("a", "a "))),
    "poll-duration": saying("x", poll=Poll(options=("a", "b"), minutes=50_000)),
    "poll-with-media": saying("x", CUP, poll=Poll(options=("a", "b"))),
    "no-first-comment": saying("x", first_comment="y"),
    "unknown-option": saying("x", options={"colour": "red"}),
    "bad-option": saying("x", options={"visibility": "friends"}),
    "bad-focus": saying("x", CUP, options={"focus": "0.2;0.3"}),
    "bad-reference": saying("x", reply_to="that post"),
    "broken-text": saying("half an emoji \ud83d"),
}


REFUSED_LOOK_UPS = (
    (403, '{"error": "This action is not allowed"}'),
    (404, '{"error": "Record not found"}'),
    (422, '{"error": "Validation failed"}'),
)


class TestMastodon(ConnectorContract):
    refused_look_ups = REFUSED_LOOK_UPS
    own_pages = HTML_ERROR_STATUSES
    called = "kopisenja"
    other, calling = KABAR, "@kopisenja"
    connector = connector
    server = staticmethod(quick)
    drafts = DRAFTS
    bad_drafts = BAD
    files = FILES
    answers = SERVER
    validators = (validate,)


class TestPoorServer(ConnectorContract):
    """A server that ignores the Idempotency-Key and shows nobody's private posts in a list: nothing doubles there either."""

    refused_look_ups = REFUSED_LOOK_UPS
    own_pages = HTML_ERROR_STATUSES
    called = "kopisenja"
    other, calling = KABAR, "@kopisenja"
    connector = connector
    server = staticmethod(poor)
    drafts = {
        "followers": replace(DRAFTS["picture-and-thread"], options={"visibility": "private"}),
        **{name: draft for name, draft in DRAFTS.items() if name in ("text", "only-a-picture", "video", "link")},
    }
    bad_drafts = {"too-long": BAD["too-long"]}
    files = FILES
    answers = SERVER
    validators = (validate,)

    def public(self) -> Draft:
        return DRAFTS["text"]

    def number_calls(self, posts: int) -> int:
        """It shows one post at a time."""
        return 1 + posts

    async def test_deletes_a_post_and_accepts_that_it_is_already_gone(
        self, session: ContractSession, sandbox: Sandbox
    ) -> None:
        done = await run_to_end(self.connector, session, await self.delivery(session, DRAFTS["text"]))
        with pytest.raises(errors.Rejected) as told:
            await self.connector.delete(session, done.ids[0])
        assert (
            told.value.problems[0].sentence
            == "The server kopi.social does not let apps delete posts. Delete this post yourself on the server's website."
        )
        await self.connector.delete(session, "109300000000000999")


def test_the_product_knows_nothing_of_the_tests() -> None:
    for path in Path(__file__).parent.parent.rglob("*.py"):
        if "tests" not in path.parts:
            assert ".tests" not in path.read_text("utf-8"), path
