"""The connector contract, for posts with pictures, for videos in pieces and for reels."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from kicau.connector.content import Draft, Link, Media, MediaKind, Part, Poll
from kicau.connector.contract import ConnectorContract, ContractSession
from kicau.connector.errors import AuthExpired
from kicau.connector.sandbox.server import Sandbox
from kicau.networks._meta.tests import made
from kicau.networks.facebook.connector import Facebook
from kicau.networks.facebook.sandbox.comments import SEEDED_VISITOR
from kicau.networks.facebook.sandbox.server import Server
from kicau.networks.facebook.tests.spec import validate

ONE, TWO, PNG = made.picture("one.jpg"), made.picture("two.jpg"), made.picture("three.png", mime="image/png")
UPRIGHT, WIDE = made.video("upright.mp4"), made.video("wide.mp4", 320, 180, 2.0)
FILES = {file.name: file for file in (ONE, TWO, PNG, UPRIGHT, WIDE)} | {"upright.mp4@1000": ONE}
ALBUM = Draft(
    parts=(
        Part(
            text="Menu baru di Kopi Senja ☕",
            media=(made.image_media(ONE, alt="Secangkir kopi"), made.image_media(TWO)),
        ),
    ),
    first_comment="Buka setiap hari, 07.00 sampai 22.00.",
)
REEL = Draft(
    parts=(Part(text="Di balik mesin espresso", media=(replace(made.video_media(UPRIGHT), cover_ms=1000),)),),
    options={"format": "reel"},
)
VIDEO = Draft(
    parts=(
        Part(
            text="Sehari di kedai", media=(replace(made.video_media(WIDE, 320, 180, 2.0), cover=made.image_media(PNG)),)
        ),
    ),
    first_comment="Terima kasih!",
)

connector = Facebook()


def quick(**how: Any) -> Server:
    server = Server(**how)
    server.processing_seconds, server.chunk = 0.01, 4096
    return server


def measured(**how: Any) -> Media:
    return Media(
        ref="x",
        kind=how.pop("kind", MediaKind.IMAGE),
        mime=how.pop("mime", "image/jpeg"),
        size=how.pop("size", 1000),
        name="x",
        **how,
    )


class TestFacebook(ConnectorContract):
    refused_look_ups = (
        (
            400,
            '{"error": {"message": "Unsupported get request. Object with ID does not exist", "type": "GraphMethodException", "code": 100, "error_subcode": 33}}',
        ),
        (
            400,
            '{"error": {"message": "(#100) Tried accessing nonexisting field", "type": "OAuthException", "code": 100}}',
        ),
        (
            400,
            '{"error": {"message": "Some of the aliases you requested do not exist", "type": "OAuthException", "code": 803}}',
        ),
    )
    tells = True

    def told_of(self, sandbox: Sandbox, post: str) -> str:
        """By the post that shows a film."""
        assert isinstance(sandbox, Server)
        return next((one["id"] for one in sandbox.store.all("post") if one["video"] == post), post)

    connector = connector
    server = staticmethod(quick)
    validators = (validate,)
    files = FILES
    drafts = {
        "album and comment": ALBUM,
        "text": Draft(parts=(Part(text="Selamat pagi, Bandung! 👩🏽‍🌾🇮🇩"),)),
        "link": Draft(parts=(Part(text="Baca di sini"),), link=Link(url="https://kicau.example/kopi")),
        "a link alone": Draft(parts=(Part(),), link=Link(url="https://kicau.example/senja")),
        "one photo": Draft(parts=(Part(media=(made.image_media(PNG, alt="Papan menu"),)),)),
        "video": VIDEO,
        "reel": REEL,
    }
    bad_drafts = {
        "too-long": Draft(parts=(Part(text="a" * 63_207),)),
        "too-many-parts": Draft(parts=(Part(text="satu"), Part(text="dua"))),
        "no-polls": Draft(parts=(Part(text="?"),), poll=Poll(options=("ya", "tidak"))),
        "too-many-media": Draft(parts=(Part(media=tuple(measured() for _ in range(11))),)),
        "mixed-media": Draft(parts=(Part(media=(measured(), measured(kind=MediaKind.VIDEO, mime="video/mp4"))),)),
        "wrong-kind": Draft(parts=(Part(media=(measured(kind=MediaKind.DOCUMENT, mime="application/pdf"),)),)),
        "too-long-video": Draft(
            parts=(Part(media=(measured(kind=MediaKind.VIDEO, mime="video/mp4", duration_ms=5 * 3_600_000),)),)
        ),
        "wrong-aspect": Draft(
            parts=(
                Part(
                    media=(
                        measured(
                            kind=MediaKind.VIDEO, mime="video/mp4", width=1920, height=1080, duration_ms=9000, fps=30
                        ),
                    )
                ),
            ),
            options={"format": "reel"},
        ),
        "link-with-media": Draft(parts=(Part(media=(measured(),)),), link=Link(url="https://kicau.example")),
        "empty": Draft(parts=(Part(),)),
        "bad-reference": Draft(parts=(Part(text="a"),), reply_to="https://facebook.com/x"),
        "words-alone": Draft(parts=(Part(text="a", media=(measured(),)),), reply_to="1_2"),
        "unknown-option": Draft(parts=(Part(text="a"),), options={"colour": "red"}),
        "bad-character": Draft(parts=(Part(text="a\ud800"),)),
    }

    async def answered(self, sandbox: Sandbox, client: Any, post_id: str, text: str) -> str:
        assert isinstance(sandbox, Server)
        return sandbox.comment(post_id, text)

    def said_under(self, sandbox: Sandbox, answer_id: str) -> list[str]:
        assert isinstance(sandbox, Server)
        return [one["message"] for one in sandbox.store.all("comment") if one.get("under") == answer_id]

    async def taken_back(self, sandbox: Sandbox, client: Any, answer_id: str) -> None:
        assert isinstance(sandbox, Server)
        sandbox.uncomment(answer_id)


class TestVideo(TestFacebook):
    drafts = {"video": VIDEO}
    bad_drafts = {"needs-video": Draft(parts=(Part(text="a"),), options={"format": "reel"})}


class TestReel(TestFacebook):
    drafts = {"reel": REEL}
    bad_drafts = {"needs-video": Draft(parts=(Part(text="a"),), options={"format": "reel"})}


class TestText(TestFacebook):
    async def test_what_others_say_wants_a_permission_that_is_named(
        self, session: ContractSession, sandbox: Sandbox, client: Any
    ) -> None:
        (post,) = await self.posted(session, 1)
        assert (await connector.numbers(session, [post]))[post] == {"comments": 1, "reactions": 0, "shares": 0}
        answer = await self.answered(sandbox, client, post, "Enak sekali")
        (one,) = (await connector.answers(session, "")).items
        assert (one.id, one.raw["from"]) == (answer, SEEDED_VISITOR)
        assert (await connector.numbers(session, [post]))[post]["comments"] == 2
        token = session.credentials.access_token
        known = sandbox.store.get("token", token) or {}
        sandbox.store.put(
            "token", token, {**known, "scopes": [s for s in known["scopes"] if s != "pages_read_user_content"]}
        )
        for read in (connector.answers(session, ""), connector.numbers(session, [post])):
            with pytest.raises(AuthExpired) as told:
                await read
            assert told.value.missing == {"pages_read_user_content"}

    async def test_many_are_read_in_one_call_and_each_counts(self, session: ContractSession, sandbox: Sandbox) -> None:
        ids = await self.posted(session, 3)
        before, session.spent[:] = len(sandbox.requests), []
        assert list(await connector.numbers(session, ids)) == ids
        assert len(sandbox.requests) - before == 1
        assert [(charge.meter, charge.units) for charge in session.spent] == [("calls", 3)]

    drafts = {"text": Draft(parts=(Part(text="Hanya kata-kata."),), first_comment="Dan komentar.")}
    bad_drafts = {"bad-link": Draft(parts=(Part(text="a"),), link=Link(url="ftp://x"))}
