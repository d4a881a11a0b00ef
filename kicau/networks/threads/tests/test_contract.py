"""The connector contract, for every kind of post on Threads."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from kicau.connector.content import Draft, Link, Media, MediaKind, Part, Poll
from kicau.connector.contract import ConnectorContract, run_to_end
from kicau.connector.contract.session import ContractSession
from kicau.connector.errors import AuthExpired
from kicau.connector.sandbox.server import Sandbox
from kicau.networks._meta.tests import made
from kicau.networks.threads.connector import connector
from kicau.networks.threads.sandbox.server import SEEDED_VISITOR, Server
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
    return measured(
        **{"kind": MediaKind.VIDEO, "mime": "video/mp4", "duration_ms": 9000, "fps": 30.0, "video_codec": "h264", **how}
    )


def drafted(*media: Media, text: str = "", **how: Any) -> Draft:
    return Draft(parts=(Part(text=text, media=media),), **how)


class TestThreads(ConnectorContract):
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
            '{"error": {"message": "Media not found", "type": "OAuthException", "code": 24, "error_subcode": 4279009}}',
        ),
    )
    tells = True

    async def answered(self, sandbox: Sandbox, client: Any, post_id: str, text: str) -> str:
        assert isinstance(sandbox, Server)
        return sandbox.comment(post_id, text)

    async def taken_back(self, sandbox: Sandbox, client: Any, answer_id: str) -> None:
        assert isinstance(sandbox, Server)
        sandbox.uncomment(answer_id)

    async def set_up_webhooks(self, sandbox: Sandbox, address: str, token: str) -> None:
        assert isinstance(sandbox, Server)
        await sandbox.set_webhook(address, token, "replies,mentions")

    def number_calls(self, posts: int) -> int:
        """Threads tells each post's in a call of its own."""
        return posts

    async def test_replies_at_any_depth_mentions_and_what_was_said_from_the_account_itself(
        self, session: ContractSession, sandbox: Sandbox
    ) -> None:
        assert isinstance(sandbox, Server)
        done = await run_to_end(connector, session, await self.delivery(session, self.drafts["thread with files"]))
        asked = sandbox.comment(done.ids[2], "Buka jam berapa?")
        ours = (
            await run_to_end(
                connector, session, await self.delivery(session, drafted(text="Jam tujuh", reply_to=asked))
            )
        ).ids[0]
        below, thanks = sandbox.comment(ours, "Terima kasih"), sandbox.comment(asked, "Saya juga mau tahu @kopisenja")
        named = sandbox.comment("", "Kopi terbaik di @kopisenja")
        sandbox.comment("", "Bukan @kopisenja.lain")
        got = await connector.answers(session, "")
        assert [(one.id, one.answers) for one in got.items] == [
            (asked, done.ids[0]),
            (below, done.ids[0]),
            (thanks, asked),
            (named, ""),
        ]
        assert {one.author for one in got.items} == {SEEDED_VISITOR.handle}
        counted = await connector.numbers(session, [done.ids[0], done.ids[2]])
        assert counted[done.ids[0]] == {"views": 0, "likes": 0, "replies": 6, "reposts": 0, "quotes": 0, "shares": 0}
        assert counted[done.ids[2]]["replies"] == 1

    async def test_many_replies_since_the_last_reading_come_page_by_page(
        self, session: ContractSession, sandbox: Sandbox
    ) -> None:
        assert isinstance(sandbox, Server)
        (post,) = await self.posted(session, 1)
        first = sandbox.comment(post, "Pertama")
        got = await connector.answers(session, "")
        assert [one.id for one in got.items] == [first]
        more = [sandbox.comment(post, f"Ke-{n}") for n in range(60)]
        assert [one.id for one in (await connector.answers(session, got.cursor)).items] == more

    async def test_where_nobody_replied_one_call_and_the_mentions_are_all(
        self, session: ContractSession, sandbox: Sandbox
    ) -> None:
        await self.posted(session, 3)
        before = len(sandbox.requests)
        assert (await connector.answers(session, "")).items == ()
        assert len(sandbox.requests) - before == 2

    async def test_a_sign_in_from_before_reads_replies_and_is_told_what_numbers_need(
        self, session: ContractSession, sandbox: Sandbox
    ) -> None:
        assert isinstance(sandbox, Server)
        (post,) = await self.posted(session, 1)
        reply = sandbox.comment(post, "Halo @kopisenja")
        before = session.credentials.scopes - {"threads_manage_insights", "threads_manage_mentions"}
        token = sandbox.store.get("token", session.credentials.access_token) or {}
        sandbox.store.put("token", token["token"], {**token, "scopes": sorted(before)})
        session.credentials = replace(session.credentials, scopes=before)
        assert [one.id for one in (await connector.answers(session, "")).items] == [reply]
        with pytest.raises(AuthExpired) as told:
            await connector.numbers(session, [post])
        assert told.value.missing == {"threads_manage_insights"}

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
