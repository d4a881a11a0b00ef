"""The connector contract, for both sign-ins and every kind of post."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from kicau.connector.content import Draft, Link, Media, MediaKind, Part, Poll
from kicau.connector.contract import ConnectorContract, ContractSession, run_to_end
from kicau.connector.errors import AuthExpired, Rejected
from kicau.connector.sandbox.server import Sandbox
from kicau.networks._meta.tests import made
from kicau.networks.instagram.connector import Instagram
from kicau.networks.instagram.sandbox.server import SEEDED_VISITOR, Server
from kicau.networks.instagram.tests.spec import validate

ONE, TWO = made.picture("one.jpg"), made.picture("two.jpg")
UPRIGHT = made.video("upright.mp4")
FILES = {file.name: file for file in (ONE, TWO, UPRIGHT)}
CAROUSEL = Draft(
    parts=(
        Part(
            text="Dua rasa baru #kopi @kabarpagi",
            media=(made.image_media(ONE, alt="Secangkir kopi"), made.image_media(TWO)),
        ),
    ),
    first_comment="Yang mana pilihanmu?",
)
MIXED = Draft(parts=(Part(text="Gambar dan video", media=(made.image_media(ONE), made.video_media(UPRIGHT))),))
REEL = Draft(
    parts=(Part(text="Di balik mesin", media=(replace(made.video_media(UPRIGHT), cover=made.image_media(ONE)),)),),
    options={"share_to_feed": "false"},
)
STORY = Draft(parts=(Part(media=(made.image_media(TWO),)),), options={"format": "story"})

connector = Instagram()


def quick(**how: Any) -> Server:
    server = Server(**how)
    server.processing_seconds = 0.01
    return server


def measured(**how: Any) -> Media:
    how = {"kind": MediaKind.IMAGE, "mime": "image/jpeg", "size": 1000, "width": 1080, "height": 1080, **how}
    return Media(ref="x", name="x", **how)


def drafted(*media: Media, text: str = "", **how: Any) -> Draft:
    return Draft(parts=(Part(text=text, media=media),), **how)


def clip(**how: Any) -> Media:
    return measured(
        **{"kind": MediaKind.VIDEO, "mime": "video/mp4", "duration_ms": 9000, "fps": 30.0, "video_codec": "h264", **how}
    )


class TestInstagram(ConnectorContract):
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
        (
            400,
            '{"error": {"message": "Media not found", "type": "OAuthException", "code": 24, "error_subcode": 2207006}}',
        ),
    )
    tells = True

    async def answered(self, sandbox: Sandbox, client: Any, post_id: str, text: str) -> str:
        assert isinstance(sandbox, Server)
        return sandbox.comment(post_id, text)

    def said_under(self, sandbox: Sandbox, answer_id: str) -> list[str]:
        assert isinstance(sandbox, Server)
        return [one["text"] for one in sandbox.store.all("comment") if one.get("under") == answer_id]

    async def taken_back(self, sandbox: Sandbox, client: Any, answer_id: str) -> None:
        assert isinstance(sandbox, Server)
        sandbox.uncomment(answer_id)

    async def set_up_webhooks(self, sandbox: Sandbox, address: str, token: str) -> None:
        """With Facebook's sign-in no dashboard is needed."""
        assert isinstance(sandbox, Server)
        if not self.answers:
            await sandbox.set_webhook(address, token, "comments")

    def test_a_webhook_that_is_not_formed_as_it_should_be_tells_nothing(self) -> None:
        junk = b'{"object":"instagram","entry":[{"time":1e400,"changes":[{"field":"comments","value":{"id":"1"}}]},{"id":1,"time":1,"field":"comments","value":{"id":"1","from":3}}]}'
        assert connector.happenings(junk) == []

    def number_calls(self, posts: int) -> int:
        """The newest are listed; one that is not among them is asked for."""
        return 2

    async def test_what_is_under_a_comment_is_read_and_a_missing_permission_named(
        self, session: ContractSession, sandbox: Sandbox
    ) -> None:
        assert isinstance(sandbox, Server)
        (post,) = await self.posted(session, 1)
        comment = sandbox.comment(post, "Buka jam berapa?")
        below = sandbox.comment(post, "Jam tujuh", under=comment)
        got = await connector.answers(session, "")
        assert [(one.id, one.answers, one.author) for one in got.items] == [
            (one, post, SEEDED_VISITOR["id"]) for one in (comment, below)
        ]
        assert got.items[1].raw["username"] == SEEDED_VISITOR["username"]
        counted = await connector.numbers(session, [post])
        ours = bool(self.public().first_comment)
        assert counted == {post: {"like_count": 0, "comments_count": 2 + ours}}
        token = session.credentials.access_token
        known = sandbox.store.get("token", token) or {}
        narrow = [one for one in known["scopes"] if "manage_comments" not in one]
        sandbox.store.put("token", token, {**known, "scopes": narrow})
        session.credentials = replace(session.credentials, scopes=frozenset(narrow))
        with pytest.raises(AuthExpired) as told:
            await connector.answers(session, "")
        assert [one.endswith("manage_comments") for one in told.value.missing] == [True]
        assert await connector.numbers(session, [post]) == counted

    connector = connector
    server = staticmethod(quick)
    validators = (validate,)
    files = FILES
    drafts = {
        "carousel and comment": CAROUSEL,
        "picture": drafted(made.image_media(ONE, alt="Kopi"), text="Selamat pagi ☕"),
        "picture without words": drafted(made.image_media(TWO)),
        "reel": REEL,
        "reel and a frame": drafted(replace(made.video_media(UPRIGHT), cover_ms=1500)),
        "mixed carousel": MIXED,
        "story": STORY,
        "video story": drafted(made.video_media(UPRIGHT), options={"format": "story"}),
    }
    bad_drafts = {
        "needs-media": drafted(text="Hanya kata-kata"),
        "bad-reference": drafted(text="Terima kasih", reply_to="https://instagram.com/p/x"),
        "words-alone": drafted(measured(), text="Terima kasih", reply_to="123"),
        "empty": drafted(reply_to="123"),
        "too-long": drafted(measured(), text="a" * 2201),
        "too-many-parts": Draft(parts=(Part(media=(measured(),)), Part(text="dua"))),
        "too-many-media": drafted(*[measured() for _ in range(11)]),
        "no-polls": drafted(measured(), poll=Poll(options=("ya", "tidak"))),
        "too-many-hashtags": drafted(measured(), text=" ".join(f"#kopi{n}" for n in range(31))),
        "too-many-mentions": drafted(measured(), text=" ".join(f"@kopi{n}" for n in range(21))),
        "wrong-type": drafted(measured(mime="image/png", size=9_000_000), convert=False),
        "too-large": drafted(measured(size=9_000_000), convert=False),
        "wrong-aspect": drafted(measured(width=1080, height=1920), convert=False),
        "cover-too-late": drafted(clip(cover_ms=9001)),
        "wrong-kind": drafted(measured(kind=MediaKind.GIF, mime="image/gif")),
        "too-long-video": drafted(clip(duration_ms=3 * 3_600_000)),
        "too-short-video": drafted(clip(duration_ms=1000)),
        "wrong-fps": drafted(clip(fps=12.0)),
        "wrong-bitrate": drafted(clip(bitrate=30_000_000)),
        "wrong-codec": drafted(clip(video_codec="vp9")),
        "needs-video": drafted(measured(), options={"format": "reel"}),
        "no-first-comment": drafted(measured(), first_comment="Halo", options={"format": "story"}),
        "no-link-card": drafted(measured(), link=Link(url="https://kicau.example")),
        "alt-too-long": drafted(measured(alt="a" * 1001)),
        "bad-option": drafted(measured(), options={"share_to_feed": "maybe"}),
        "bad-character": drafted(measured(), text="a\ud800"),
    }

    async def test_finds_who_is_there_and_nobody_else(self, session: ContractSession) -> None:
        """Only with the other sign-in; this one says so."""
        if self.called:
            await super().test_finds_who_is_there_and_nobody_else(session)
        else:
            with pytest.raises(Rejected, match="only if you connected the channel with Facebook"):
                await connector.people(session, "kabarpagi")


class TestFacebookLogin(TestInstagram):
    answers = {"login": "facebook"}
    called = "kabarpagi"
    drafts = {"mixed carousel": MIXED, "story": STORY}
    bad_drafts = {"needs-media": drafted()}

    async def test_deletes_a_post_and_accepts_that_it_is_already_gone(
        self, session: ContractSession, sandbox: Sandbox
    ) -> None:
        done = await run_to_end(connector, session, await self.delivery(session, CAROUSEL))
        assert "delete" in (await connector.capabilities(session)).abilities
        for post_id in [*done.ids, done.ids[0]]:
            await connector.delete(session, post_id)
        assert self.visible(sandbox) == []
