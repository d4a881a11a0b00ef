"""The connector against a real server that speaks Mastodon's API (snac2), not the sandbox.

    python -m kicau.networks.mastodon.tests.real_server --server http://127.0.0.2 --person alice --password …

Signs in at the server's own page, publishes generated posts, reads them back and compares: the text by its source, links
and tags by what the server made of them, files byte for byte, alt texts. Ends with 1 where anything differs.
"""

from __future__ import annotations

import argparse
import asyncio
import html
import random
import re
import sys
import time
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, urlsplit
from uuid import uuid4

import aiohttp

from kicau.connector.content import Delivery, Draft, Part, PublishedPost, SpanKind
from kicau.connector.contract import (
    CALLBACK_URL,
    CONTRACT_USER_AGENT,
    ContractSession,
    run_to_end,
    select_identity,
)
from kicau.connector.protocol import SignInRedirect
from kicau.connector.roles.edits import (
    EditRole,
    PartRevision,
    RemoteContentState,
    apply_revision,
    check_editable,
    draft_from_rendered,
    with_unchanged_parts,
)
from kicau.connector.session import App
from kicau.connector.transport.http import HttpClient
from kicau.networks.mastodon import wire
from kicau.networks.mastodon.connector import connector
from kicau.networks.mastodon.tests.cast import FILES, media

WORDS = [
    "kopi",
    "senja",
    "☕🏽",
    "👨‍👩‍👧‍👦",
    "🇮🇩",
    "🏴󠁧󠁢󠁳󠁣󠁴󠁿",
    "e\u0301",
    "Z͑ͫ̓ͪ",
    "שלום",
    "مرحبا",
    "\u202eterbalik\u202c",
    "กำลัง",
    "क्षितिज",
    "ꦏꦺꦴꦥꦶ",
    "한국어",
    "#KopiNusantara",
    "#é",
    "https://kopisenja.example/menu?x=1&y=2",
    "“hebat!”",
    "selamat\npagi",
    "the",
    "quick",
    "brown",
    "1️⃣",
    "❤️‍🔥",
    "½",
    "ﷺ",
    "a\u200db",
    "@nobody",
    "(lihat",
    "bawah)",
    "2 < 3",
    "“&amp;”",
    "harga: Rp 98.000",
    "50%",
]


class Real:
    def __init__(self, client: aiohttp.ClientSession, server: str) -> None:
        self.client, self.server, self.host = client, server, urlsplit(server).netloc
        self.wrong: list[str] = []

    def check(self, what: str, right: bool, detail: object = "") -> None:
        if not right:
            self.wrong.append(f"{what}: {detail}")
            print("WRONG", what, detail)

    async def signed_in(self, person: str, password: str) -> ContractSession:
        app = App(client_id="", client_secret="", callback=CALLBACK_URL, endpoints={"server": self.server})
        session = ContractSession(http=HttpClient(self.client, read_error=connector.read_error), app=app, files=FILES)
        begun = await connector.auth.begin(session, {"server": self.host})
        assert isinstance(begun, SignInRedirect)
        returned = await self.consent(begun.url, person, password)
        self.check("the state comes back", returned.pop("state", "") == begun.state)
        (found,) = await connector.auth.finish(session, begun.memory, returned)
        return select_identity(session, found)

    async def consent(self, url: str, person: str, password: str) -> dict[str, str]:
        """What a person's browser does at snac's own sign-in page."""
        async with self.client.get(url) as page:
            form = await page.text()
            assert page.status == 200, form[:300]
        fields = {
            name: html.unescape(value)
            for name, value in re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', form)
        }
        action = html.unescape(re.findall(r'action="([^"]+)"', form)[0])
        data = {**fields, "login": person, "passwd": password}
        async with self.client.post(f"{self.server}{urlsplit(action).path}", data=data, allow_redirects=False) as done:
            assert done.status in (302, 303), (done.status, await done.text())
            return dict(parse_qsl(urlsplit(done.headers["Location"]).query))

    async def publish(self, session: ContractSession, draft: Draft) -> tuple[Delivery, PublishedPost]:
        post = connector.render(draft, await connector.capabilities(session))
        assert not post.problems, [p.sentence for p in post.problems]
        delivery = Delivery(key=uuid4(), post=post, due_at=datetime.now(UTC))
        return delivery, await run_to_end(connector, session, delivery)

    async def get(self, session: ContractSession, path: str) -> Any:
        reply = await wire.send_request(session, session.host, "GET", path, token=session.credentials.access_token)
        return reply.json()

    async def read_back(self, session: ContractSession, delivery: Delivery, done: PublishedPost) -> None:
        above = ""
        for part, post_id in zip(delivery.post.parts, done.ids, strict=True):
            told = await self.get(session, f"/api/v1/statuses/{post_id}")
            source = await self.get(session, f"/api/v1/statuses/{post_id}/source")
            self.check("text", source.get("text") == as_kept(part.text), (source.get("text"), part.text))
            self.check(
                "warning", told["spoiler_text"] == delivery.post.options.get("warning", ""), told["spoiler_text"]
            )
            self.check("thread", (told.get("in_reply_to_id") or "") == above, (told.get("in_reply_to_id"), above))
            self.check_marks(told["content"], part.spans)
            files = told["media_attachments"]
            self.check(
                "alt texts",
                [one.get("description") or "" for one in files] == [one.media.alt for one in part.media],
                files,
            )
            for one, sent in zip(files, part.media, strict=True):
                async with self.client.get(one["url"]) as got:
                    self.check("bytes", await got.read() == FILES[sent.media.ref].path.read_bytes(), one["url"])
            above = post_id

    def check_marks(self, content: str, spans: tuple[Any, ...]) -> None:
        """Each link and tag is one in the server's HTML too."""
        targets = [html.unescape(one) for one in re.findall(r'<a href="([^"]+)"', content)]
        for span in spans:
            if span.kind is SpanKind.LINK:
                self.check("link", span.target in targets, (span.target, targets))
            elif span.kind is SpanKind.TAG:
                self.check("tag", any(span.target.lower() in one.lower() for one in targets), (span.target, targets))

    async def again(self, session: ContractSession) -> None:
        """What was published is found by a look-up, and a look-up for what was not finds nothing."""
        began = datetime.now(UTC)
        delivery, done = await self.publish(session, Draft(parts=(Part(text=f"Sekali saja {uuid4()}"),)))
        found = await connector.find(session, replace(delivery, begun_at=began))
        self.check("found again", isinstance(found, PublishedPost) and found.ids == done.ids, found)
        post = connector.render(Draft(parts=(Part(text="Belum pernah"),)), await connector.capabilities(session))
        unsent = Delivery(key=uuid4(), post=post, begun_at=began)
        self.check("nothing found", not isinstance(await connector.find(session, unsent), PublishedPost))

    async def edited(self, session: ContractSession) -> None:
        """A published text is changed, and reads as it should; its files stay. (snac makes no links of new tags in an edit.)"""
        delivery, done = await self.publish(
            session, Draft(parts=(Part(text="Salah ketik", media=(media("cup", alt="Cangkir"),)),))
        )
        assert isinstance(connector, EditRole)
        asked, can = draft_from_rendered(connector, delivery.post), await connector.capabilities(session)
        after = with_unchanged_parts(
            delivery.post,
            connector.render(replace(asked, parts=(replace(asked.parts[0], text="Sudah benar ☕🏽"),)), can),
        )
        revision = PartRevision(post_id=done.ids[0], part=0, before=delivery.post, after=after)
        self.check("not allowed", check_editable(delivery.post, after, can, "Mastodon") == ())
        await apply_revision(connector, session, revision, "Mastodon")
        self.check("edited", await connector.reads(session, revision) is RemoteContentState.AFTER, revision.post_id)
        await self.read_back(session, replace(delivery, post=after), done)
        self.check(
            "edited twice", await apply_revision(connector, session, replace(revision, doubt=True), "Mastodon") == {}
        )

    async def lengths(self, session: ContractSession) -> int:
        """At the limit that the server names it takes the text; one past it, we refuse. snac itself refuses nothing."""
        can = await connector.capabilities(session)
        told = await self.get(session, "/api/v1/instance")
        self.check("limit", can.max_length == told["configuration"]["statuses"]["max_characters"], can.max_length)
        past = connector.render(Draft(parts=(Part(text="a" * (can.max_length + 1)),)), can)
        at = connector.render(Draft(parts=(Part(text="a" * can.max_length),)), can)
        self.check("one past", [p.code for p in past.problems] == ["too-long"], past.problems[:1])
        self.check("at the limit", at.problems == (), at.problems[:1])
        return 2


def as_kept(text: str) -> str:
    """What snac 2.75 keeps: characters from U+20000 on lose a bit, which the preview tells."""
    return "".join(chr((ord(c) - 0x10000) | 0x10000) if ord(c) > 0xFFFF else c for c in text)


def generated(count: int) -> list[Draft]:
    chosen = random.Random(20261126)
    drafts = []
    for n in range(count):
        words = " ".join(chosen.choices(WORDS, k=chosen.randint(1, 60)))
        files = tuple(
            media(name, alt=f"{n}: {words[:40].strip()} {name}")
            for name in chosen.sample(["cup", "shop", "steam"], n % 3)
        )
        parts = (Part(text=f"{n} {words}", media=files),)
        if n % 10 == 0:
            parts += (Part(text=f"{n}b {words[:100]}"),)
        options: Mapping[str, str] = {"warning": "Awas panas"} if n % 13 == 5 else {}
        drafts.append(Draft(parts=parts, language=chosen.choice(["id", "en", ""]), options=options))
    return drafts


async def main(server: str, person: str, password: str, posts: int) -> int:
    began = time.perf_counter()
    async with aiohttp.ClientSession(headers={"User-Agent": CONTRACT_USER_AGENT}) as client:
        real = Real(client, server)
        session = await real.signed_in(person, password)
        session.credentials = await connector.auth.refresh(session)
        await real.again(session)
        await real.edited(session)
        for draft in generated(posts):
            await real.read_back(session, *await real.publish(session, draft))
        counted = await real.lengths(session)
    print(
        f"{posts} posts read back, {counted} lengths judged, {len(real.wrong)} wrong, {time.perf_counter() - began:.1f} s"
    )
    return 1 if real.wrong else 0


if __name__ == "__main__":
    asked = argparse.ArgumentParser(description=re.sub(r"\s+", " ", __doc__ or ""))
    asked.add_argument("--server", required=True)
    asked.add_argument("--person", default="alice")
    asked.add_argument("--password", required=True)
    asked.add_argument("--posts", type=int, default=100)
    given = asked.parse_args()
    sys.exit(asyncio.run(main(given.server, given.person, given.password, given.posts)))
