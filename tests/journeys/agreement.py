"""What a preview promises and what readers see, held against each other: generated posts, previewed, published, compared."""

from __future__ import annotations

import asyncio
import random
import tempfile
import time
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from django.test import Client
from django.urls import reverse
from PIL import Image

from kicau.base import clock
from kicau.base.ids import new_id
from kicau.channels import actions as channels
from kicau.channels.channel_session import new_client
from kicau.channels.models import Channel
from kicau.connector.contract import consent_at_sandbox
from kicau.connector.sandbox.server import PublicPost, Sandbox
from kicau.media.actions import add_medium
from kicau.media.models import Medium
from kicau.publishing.models import Delivery
from kicau.workspaces.actors import Actor

WORDS = [
    "kopi",
    "Gayo",
    "pagi",
    "senja",
    "☕",
    "#kopi",
    "#Bandung_2027",
    "harvest",
    "“quoted”",
    "rain",
    "&",
    "sun",
    "<b>bold</b>",
    "a.b",
    "https://kopi.example/gayo?a=1&b=2",
    "https://w.example/Kopi_(minuman)",
    "it's",
    "100%",
    "naïve",
    "日本",
    "👩\u200d🌾",
    "été",
]

MOST_EACH = 45  # posts of one channel: below what a network takes in a day


@dataclass(slots=True)
class Shown:
    """One part as a page shows it."""

    text: str = ""
    links: list[str] = field(default_factory=list)
    alts: list[str] = field(default_factory=list)


class Preview(HTMLParser):
    """Reads the parts out of the preview's own page, by network."""

    def __init__(self) -> None:
        super().__init__()
        self.parts: dict[str, list[Shown]] = {}
        self._now: list[Shown] = []
        self._said = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        classes = given.get("class", "").split()
        if "shown" in classes:
            self._now = self.parts.setdefault(given["data-network"], [])
        if "piece" in classes and "reply" not in classes:
            self._now.append(Shown())
        if tag == "p":
            self._said = "said" in classes and bool(self._now)
        if "span-link" in classes and self._said:
            self._now[-1].links.append(given["href"])
        if tag == "img" and "height" in given and given.get("src", "").startswith("/library/thumbnails/") and self._now:
            self._now[-1].alts.append(given["alt"])

    def handle_endtag(self, tag: str) -> None:
        self._said = self._said and tag != "p"

    def handle_data(self, data: str) -> None:
        if self._said:
            self._now[-1].text += data


def connect_all(actor: Actor, servers: Mapping[str, Sandbox], *only: str) -> list[Channel]:
    """All channels of the first account on every network (or on `only` some), through its sign-in, with no page of
    ours; gives the first of each."""

    async def connect() -> list[Channel]:
        made: list[Channel] = []
        async with new_client() as client:
            for slug in only or servers:
                server = servers[slug]
                account = next(iter(server.accounts()))
                begun = await channels.begin_sign_in(actor, slug, client=client)
                returned = await consent_at_sandbox(client, begun.url, account.id)
                await channels.finish_sign_in(actor, returned, client=client)
                made += (await channels.connect(actor, begun.state, client=client))[:1]
        return made

    with ThreadPoolExecutor(1) as aside:  # a browser of another journey may have this thread's loop
        return aside.submit(asyncio.run, connect()).result()


def pictures(actor: Actor, count: int = 6) -> list[Medium]:
    """Of different shapes, each with a description of its own."""
    made = []
    with tempfile.TemporaryDirectory() as folder:
        for n in range(count):
            path = Path(folder) / f"{n}.jpg"
            Image.new("RGB", (1000, 800 + 40 * n), (200, 40 * n, 60)).save(path)
            made.append(add_medium(actor, path, path.name, alt=f"Picture number {n}"))
    return made


def forms(count: int, media: Sequence[Medium], keys: Sequence[str], seed: int) -> Iterable[dict[str, Any]]:
    """What the composer's form sends: one to three parts, with up to four pictures."""
    chance = random.Random(seed)
    for _ in range(count):
        parts = [f"p{n}" for n in range(chance.choice((1, 1, 1, 2, 3)))]
        form: dict[str, Any] = {
            "draft": str(new_id()),
            "version": "0",
            "hand": "h",
            "parts:": parts,
            "channel": list(keys),
            "when": "now",
            "timezone": "UTC",
            "confirm": "on",
            "how": "schedule",
        }
        for key in parts:
            words = [f"{chance.randrange(10**9)}", *chance.choices(WORDS, k=chance.randrange(1, 22))]
            form[f"text:{key}"] = chance.choice((" ", " ", "\n", "  ")).join(words)
            form[f"media:{key}"] = [str(m.id) for m in chance.sample(media, chance.randrange(0, 5))]
        yield form


def previewed(page: Client, form: Mapping[str, Any]) -> dict[str, list[Shown]]:
    reader = Preview()
    reader.feed(page.post(reverse("compose-preview"), form).content.decode())
    return reader.parts


def fitting(page: Client, form: Mapping[str, Any]) -> list[str]:
    """Keys of the channels that take the post as it is."""
    html = page.post(reverse("compose-preview"), form).content.decode()
    return [key for key in form["channel"] if f'id="trouble-{key}" hx-swap-oob="true"></span>' in html]


def run(
    page: Client, actor: Actor, servers: Mapping[str, Sandbox], count: int, *, seed: int = 1, patience: float = 60
) -> tuple[int, list[str]]:
    """How many deliveries agreed, and each disagreement in a line."""
    by_key = {channel.key: channel for channel in connect_all(actor, servers)}
    promised: dict[str, dict[str, list[Shown]]] = {}
    used = dict.fromkeys(by_key, 0)
    for form in forms(count, pictures(actor), list(by_key), seed):
        free = [key for key in fitting(page, form) if used[key] < MOST_EACH]
        form["channel"] = sorted(free, key=lambda key: used[key])[:2]
        if not form["channel"]:
            continue
        used |= {key: used[key] + 1 for key in form["channel"]}
        promised[form["draft"]] = previewed(page, form)
        answer = page.post(reverse("compose-submit"), form)
        assert answer.status_code == 302, answer.content.decode()[:3000]
    until = time.monotonic() + patience
    while time.monotonic() < until and Delivery.objects.filter(state__in=["scheduled", "publishing"]).exists():
        time.sleep(0.2)
    agreed, wrong = 0, []
    posts = {slug: {post.id: post for post in server.public_posts()} for slug, server in servers.items()}
    for row in Delivery.objects.select_related("channel").filter(due_at__lte=clock.now() + timedelta(minutes=1)):
        if row.state in ("scheduled", "publishing") and row.channel.paused_until:
            continue  # the network asked for a pause, as real ones do after many uploads
        if row.state != "published":
            wrong.append(f"{row.network}: {row.state} {row.reason}")
            continue
        out = [posts[row.network][key] for key in row.remote_ids]
        said = promised[str(row.draft_id)][row.network]
        differences = compare(said, out)
        agreed += not differences
        wrong += [f"{row.network}: {one}" for one in differences]
    return agreed, wrong


def compare(said: Sequence[Shown], out: Sequence[PublicPost]) -> list[str]:
    """Text, links, media in their order, and where one part ends."""
    if len(said) != len(out):
        return [f"{len(said)} parts were shown, {len(out)} were published"]
    found = []
    for shown, post in zip(said, out, strict=True):
        if shown.text.strip() != post.text.strip():
            found.append(f"text {shown.text!r} became {post.text!r}")
        found += [
            f"the link {link} is not there"
            for link in shown.links
            if link not in post.text and link not in str(post.extra)
        ]
        if len(shown.alts) != len(post.media):
            found.append(f"{len(shown.alts)} pictures became {len(post.media)}")
        alts = [medium.get("alt", "") for medium in post.media]
        if any(alts) and alts != shown.alts:
            found.append(f"pictures {shown.alts} became {alts}")
    return found
