"""The connector against a real server of accounts (@atproto/pds) and a real directory, not the sandbox.

    python -m kicau.networks.bluesky.tests.real_server --pds http://localhost:2583 --plc http://localhost:2582

Makes an account of its own there, signs in both ways, publishes generated posts, reads them back and compares, and holds
the lengths that we count against the server's verdict at the limit and one past it. Ends with 1 where anything differs.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import re
import sys
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, urlsplit
from uuid import uuid4

import aiohttp

from kicau.connector import errors
from kicau.connector.content import Delivery, Draft, Link, Part, PublishedPost, SpanKind
from kicau.connector.contract import CONTRACT_USER_AGENT, ContractSession, run_to_end, select_identity
from kicau.connector.protocol import SignInRedirect
from kicau.connector.session import App
from kicau.connector.transport.http import HttpClient
from kicau.networks.bluesky import records, text, wire
from kicau.networks.bluesky.connector import connector
from kicau.networks.bluesky.tests.cast import FILES, media

CALLBACK = "http://127.0.0.1:8123/channels/callback"
PASSWORD = "only-for-this-test"
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
    "#2026",
    "#é",
    "https://kopisenja.example/menu?x=1&y=(a)",
    "kopi.id",
    "(lihat kabar.co.id/a)",
    "“hebat!”",
    "selamat\npagi",
    "the",
    "quick",
    "brown",
    "1️⃣",
    "❤️‍🔥",
    "½",
    "ﷺ",
    "\u0301",
    "a\u200db",
    "@nobody.test",
]
UNITS = [
    "a",
    "é",
    "e\u0301",
    "👨‍👩‍👧‍👦",
    "🇮🇩",
    "☕🏽",
    "한",
    "각",
    "กำ",
    "क्षि",
    "ꦏꦺ",
    "1️⃣",
    "🏴󠁧󠁢󠁳󠁣󠁴󠁿",
    "❤️‍🔥",
    "\u0600a",
    "ᬆ",
    "\n",
]


class Real:
    def __init__(self, client: aiohttp.ClientSession, pds: str, plc: str) -> None:
        self.client, self.pds = client, pds
        self.endpoints = {**connector.endpoints, "pds": pds, "resolver": pds, "plc": plc}
        self.wrong: list[str] = []
        self.handle = f"k{time.time_ns() // 1000 % 10**10}.test"

    def lent(self) -> ContractSession:
        app = App(client_id="http://localhost", client_secret="", callback=CALLBACK, endpoints=self.endpoints)
        return ContractSession(http=HttpClient(self.client, read_error=connector.read_error), app=app, files=FILES)

    def check(self, what: str, right: bool, detail: object = "") -> None:
        if not right:
            self.wrong.append(f"{what}: {detail}")
            print("WRONG", what, detail)

    async def account(self) -> str:
        body = {"handle": self.handle, "email": f"{self.handle}@example.com", "password": PASSWORD}
        async with self.client.post(f"{self.pds}/xrpc/com.atproto.server.createAccount", json=body) as made:
            told = await made.json()
        head = {"Authorization": f"Bearer {told['accessJwt']}"}
        url = f"{self.pds}/xrpc/com.atproto.server.createAppPassword"
        async with self.client.post(url, json={"name": "kicau"}, headers=head) as made:
            return str((await made.json())["password"])

    async def by_password(self, password: str) -> ContractSession:
        session = self.lent()
        answers = {"login": "app-password", "handle": self.handle, "password": password}
        (found,) = await connector.auth.begin(session, answers)  # type: ignore[misc]
        return select_identity(session, found)

    async def by_oauth(self) -> ContractSession:
        session = self.lent()
        begun = await connector.auth.begin(session, {"handle": self.handle})
        assert isinstance(begun, SignInRedirect)
        returned = await Browser(self.client, self.pds).consent(begun.url, self.handle, PASSWORD)
        self.check("the state comes back", returned.pop("state", "") == begun.state)
        (found,) = await connector.auth.finish(session, begun.memory, returned)
        return select_identity(session, found)

    async def publish(self, session: ContractSession, draft: Draft) -> tuple[Delivery, PublishedPost]:
        post = connector.render(draft, await connector.capabilities(session))
        assert not post.problems, [p.sentence for p in post.problems]
        delivery = Delivery(key=uuid4(), post=post, due_at=datetime.now(UTC))
        return delivery, await run_to_end(connector, session, delivery)

    async def read_back(self, session: ContractSession, delivery: Delivery, done: PublishedPost) -> None:
        """Text, spans, media and alt texts of every part are what was rendered."""
        for part, uri in zip(delivery.post.parts, done.ids, strict=True):
            found = await wire.fetch_record(session, *records.split_uri(uri))
            value: dict[str, Any] = found["value"] if found else {}
            self.check("text", value.get("text") == part.text, (value.get("text"), part.text))
            raw = part.text.encode()
            marked = [
                (
                    raw[f["index"]["byteStart"] : f["index"]["byteEnd"]].decode(errors="replace"),
                    _target(f["features"][0]),
                )
                for f in value.get("facets", ())
            ]
            wanted = [
                (s.text, s.target) for s in part.spans if s.kind is not SpanKind.MENTION or s.target == self.handle
            ]
            wanted = [(t, session.account_id if t == f"@{self.handle}" else target) for t, target in wanted]
            self.check("facets", marked == wanted, (marked, wanted))
            embed = value.get("embed", {})
            items = embed.get("images") or embed.get("items") or ()
            self.check(
                "alt texts",
                [i["alt"] for i in items] == [m.media.alt for m in part.media if m.media.mime != "video/mp4"],
                embed,
            )
            for item, one in zip(items, part.media, strict=True):
                query = {"did": session.account_id, "cid": item["image"]["ref"]["$link"]}
                async with self.client.get(f"{self.pds}/xrpc/com.atproto.sync.getBlob", params=query) as got:
                    self.check("bytes", await got.read() == FILES[one.media.ref].path.read_bytes(), one.media.ref)

    async def verdict(self, session: ContractSession, words: str) -> str:
        """What the server says of a text: "" where it takes it, else the code of our problem."""
        held, at = session.credentials, datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        body: Any = {
            "repo": session.account_id,
            "collection": records.POST_COLLECTION,
            "record": {"$type": records.POST_COLLECTION, "text": words, "createdAt": at},
        }
        try:
            await wire.call_xrpc(
                session,
                "POST",
                "com.atproto.repo.createRecord",
                at=wire.home_server(session, held),
                held=held,
                json=body,
            )
        except errors.Rejected as refused:
            return refused.problems[0].code
        return ""

    async def lengths(self, session: ContractSession) -> int:
        count = 0
        for unit in UNITS:
            size = text.utf8_size(unit)
            for times in {299, 300, 301, 3000 // size, 3000 // size + 1}:
                words = unit * times
                told = {p.code for p in connector.render(Draft(parts=(Part(text=words),)), connector.baseline).problems}
                if "needs-text" in told:  # blanks alone are ours to refuse
                    told -= {"needs-text"}
                said = await self.verdict(session, words)
                self.check("length", bool(said) == bool(told) and (not said or said in told), (unit, times, said, told))
                count += 1
        return count


def _target(feature: Mapping[str, str]) -> str:
    return feature.get("uri") or feature.get("tag") or feature.get("did") or ""


class Browser:
    """What a person's browser does at the server's own sign-in pages."""

    def __init__(self, client: aiohttp.ClientSession, pds: str) -> None:
        self.client, self.pds, self.cookies = client, pds, dict[str, str]()

    async def _send(
        self, method: str, url: str, *, referer: str = "", body: object = None, token: str = "", kind: str = "cors"
    ) -> tuple[int, str, Mapping[str, str]]:
        head = {
            "sec-fetch-mode": kind if body is None else "same-origin",
            "sec-fetch-site": "same-origin" if referer else "none",
            "sec-fetch-dest": "document" if kind == "navigate" else "empty",
        }
        if body is not None:
            head |= {
                "origin": self.pds,
                "x-csrf-token": self.cookies.get("csrf-token", ""),
                "Content-Type": "application/json",
            }
        if referer:
            head["referer"] = referer
        if token:
            head["Authorization"] = f"Bearer {token}"
        head["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        data = None if body is None else json.dumps(body)
        async with self.client.request(method, url, headers=head, data=data, allow_redirects=False) as answer:
            for line in answer.headers.getall("Set-Cookie", []):
                name, _, value = line.split(";")[0].partition("=")
                self.cookies[name] = value
            return answer.status, await answer.text(), answer.headers

    async def consent(self, url: str, handle: str, password: str) -> dict[str, str]:
        api = f"{self.pds}/@atproto/oauth-provider/~api"
        status, page, _ = await self._send("GET", url, kind="navigate")
        assert status == 200, (status, page[:500])
        status, said, _ = await self._send(
            "POST",
            f"{api}/sign-in",
            referer=url,
            body={"locale": "en", "username": handle, "password": password, "remember": False},
        )
        assert status == 200, (status, said)
        told = json.loads(said)
        status, said, _ = await self._send(
            "POST",
            f"{api}/consent",
            referer=url,
            body={"did": told["account"].get("did") or told["account"]["sub"]},
            token=told.get("ephemeralToken", ""),
        )
        assert status == 200, (status, said)
        status, said, head = await self._send("GET", json.loads(said)["url"], referer=url, kind="navigate")
        assert status in (302, 303), (status, said[:500])
        return dict(parse_qsl(urlsplit(head["Location"]).query))


def _generated(count: int, handle: str) -> list[Draft]:
    chosen = random.Random(20261124)
    drafts = []
    for n in range(count):
        words = ""
        for word in chosen.choices([*WORDS, f"@{handle}"], k=chosen.randint(1, 60)):
            longer = f"{words} {word}" if words else word
            words = longer if text.count_graphemes(longer) <= 300 and text.utf8_size(longer) <= 3000 else words
        files = tuple(media(name, alt=f"{words[:30]} {name}") for name in chosen.sample(["cup", "shop"], n % 3))
        parts = (Part(text=words, media=files),) + ((Part(text=f"{n}: {words[:100]}"),) if n % 10 == 0 else ())
        link = Link(url=f"https://kopisenja.example/{n}", title=words[:50] or "x") if n % 7 == 3 and not files else None
        options = {"replies": "mentioned"} if n % 13 == 5 else {}
        drafts.append(Draft(parts=parts, link=link, language=chosen.choice(["id", "en", ""]), options=options))
    return drafts


async def _again(real: Real, session: ContractSession) -> None:
    """A repeat changes nothing, a look-up finds it, a deletion deletes and is content with nothing."""
    delivery, done = await real.publish(session, Draft(parts=(Part(text="Sekali saja"),), options={"quotes": "nobody"}))
    found = await connector.find(session, delivery)
    real.check("found again", isinstance(found, PublishedPost) and found.ids == done.ids, found)
    try:
        await connector.publish(session, delivery)
        real.check("a gated post is not made twice", False)
    except errors.Uncertain:
        pass
    plain, done_plain = await real.publish(session, Draft(parts=(Part(text="Dua kali sama"),)))
    twice = await connector.publish(session, plain)
    real.check(
        "put twice",
        isinstance(twice, PublishedPost) and twice.raw["posts"][0]["cid"] == done_plain.raw["posts"][0]["cid"],
        twice,
    )  # type: ignore[index, call-overload]
    for _ in range(2):
        await connector.delete(session, done.ids[0])
    real.check("gone", await wire.fetch_record(session, *records.split_uri(done.ids[0])) is None)
    real.check("nothing found", await connector.find(session, delivery) is None)


async def _preferences(real: Real, session: ContractSession) -> None:
    """What an account says about machine use is written, changed, and read back."""
    await connector.declare(session, {"training": False, "inference": True})
    told = await connector.declare(session, {"inference": None, "embedding": False})
    seen = await connector.preferences(session, real.handle)
    real.check("preferences", seen.says == told.says == {"training": False, "embedding": False}, seen)


async def main(pds: str, plc: str, posts: int) -> int:
    began = time.perf_counter()
    async with aiohttp.ClientSession(
        headers={"User-Agent": CONTRACT_USER_AGENT}, cookie_jar=aiohttp.DummyCookieJar()
    ) as client:
        real = Real(client, pds, plc)
        password = await real.account()
        plain, bound = await real.by_password(password), await real.by_oauth()
        for session in (plain, bound):
            can = await connector.capabilities(session)
            print(
                f"signed in as {session.handle} ({session.credentials.extra['login']}); files up to {can.facts['blob-max-size'].value} bytes"
            )
            before = session.credentials
            session.credentials = await connector.auth.refresh(session)
            real.check("refresh rotates", session.credentials.refresh_token != before.refresh_token)
            await _again(real, session)
            await _preferences(real, session)
        for n, draft in enumerate(_generated(posts, real.handle)):
            session = (plain, bound)[n % 2]
            await real.read_back(session, *await real.publish(session, draft))
        counted = await real.lengths(plain)
        reply = Draft(
            parts=(Part(text="Jawaban"), Part(text="dan lanjutannya")),
            reply_to=(await real.publish(plain, Draft(parts=(Part(text="Akar"),))))[1].ids[0],
        )
        await real.read_back(bound, *await real.publish(bound, reply))
    print(
        f"{posts} posts read back, {counted} lengths judged, {len(real.wrong)} wrong, {time.perf_counter() - began:.1f} s"
    )
    return 1 if real.wrong else 0


if __name__ == "__main__":
    asked = argparse.ArgumentParser(description=re.sub(r"\s+", " ", __doc__ or ""))
    asked.add_argument("--pds", default="http://localhost:2583")
    asked.add_argument("--plc", default="http://localhost:2582")
    asked.add_argument("--posts", type=int, default=100)
    given = asked.parse_args()
    sys.exit(asyncio.run(main(given.pds, given.plc, given.posts)))
