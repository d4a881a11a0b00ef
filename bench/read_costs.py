"""What reading from a network costs in a month: our policy beside the naive one, by the meter of that network's sandbox.

    python -m bench.read_costs [--days 30] [--channels 100] [--posts 10] [--answers 5]

A simulated month in a steady state: so many channels on the first installed network that bills its readings, so many
posts a day in each (30% with a link), so many answers. Time is the sandbox's and ours, moved on by five minutes; requests
are real ones over HTTP, ours through the connector and the planner (`kicau/costs/read_policy.py`).

The naive policy polls each channel each minute for its newest page of 20 and reads 90 days of posts again every two
hours. A network that bills each resource once a UTC day bills what is read again that day no more, so of each day only
those naive requests are made that can still bring something new: the first and the last poll, the last sweep. For the
same reason a poll of ours that finds nothing new is made only in one channel, to see that it is free. The bar: at most
one tenth of the naive cost, each answer read within five minutes, numbers for 30 days.
"""

from __future__ import annotations

import argparse
import asyncio
import heapq
import importlib
import json
import random
import statistics
import sys
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import aiohttp

from bench.calibration import calibrated

START = datetime(2026, 12, 1, tzinfo=UTC)
SLOT = timedelta(minutes=5)
NAIVE_DAYS, NAIVE_PAGE = 90, 20


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--days", type=int, default=30)
    asked.add_argument("--channels", type=int, default=100)
    asked.add_argument("--posts", type=int, default=10)
    asked.add_argument("--answers", type=int, default=5)
    wanted = asked.parse_args()
    import os

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "kicau.config.settings")
    os.environ.setdefault("KICAU_DATA", "/nonexistent")
    with calibrated() as machine:
        result = asyncio.run(measure(wanted))
    print(json.dumps({**result, "machine": machine.report()}, indent=1))
    sys.exit(not result["met"])


class Place:
    """A sandbox with its own meter, channels, posts and answers, at a time of our choosing."""

    def __init__(self, wanted: argparse.Namespace) -> None:
        from kicau.connector import registry

        self.wanted, self.at = wanted, START
        self.slug = next(
            s for s in registry.installed_slugs() if any(one.daily for one in registry.get_connector(s).price_lists)
        )
        self.connector: Any = registry.get_connector(self.slug)
        self.server: Any = importlib.import_module(registry.network_package(self.slug) + ".sandbox").Server()
        self.server.limits_off = True
        self.requests = 0
        self.account_ids = [f"77{n:03}" for n in range(wanted.channels)]
        sample = dict(next(iter(self.server.store.all("account"))))
        for n, id_ in enumerate(self.account_ids):
            self.server.store.put("account", id_, {**sample, "id": id_, "username": f"channel{n}"})
            held = {
                "account": id_,
                "app": self.server.default_app.client_id,
                "scopes": ["tweet.read", "users.read"],
                "expires": 1e12,
            }
            self.server.store.put("token", f"token-{id_}", held)

    def move(self, at: datetime) -> None:
        self.at = at
        self.server.clock_offset = (at - datetime.now(UTC)).total_seconds()

    def add(self, account: str, text: str, *, mentions: tuple[str, ...] = ()) -> str:
        post_id = self.server.next_id()
        post = {
            "id": post_id,
            "account": account,
            "app": self.server.default_app.client_id,
            "text": text,
            "at": self.at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "links": [],
            "mentions": list(mentions),
            "tags": [],
            "reply_to": "",
            "conversation": post_id,
            "quote": "",
            "media": [],
            "media_ids": [],
            "kind": "video",
            "poll": None,
            "reply_settings": "",
            "labels": [],
            "same": post_id,
        }
        self.server.store.put("post", post_id, post)
        self.server.posts._index(post)
        return post_id

    def session(self, client: aiohttp.ClientSession, n: int) -> Any:
        from kicau.connector.contract import open_test_session
        from kicau.connector.session import Credentials

        lent = open_test_session(self.connector, self.server, client)
        lent.account_id = self.account_ids[n]
        lent.credentials = Credentials(access_token=f"token-{lent.account_id}")
        lent.http.now = lambda: self.at
        return lent

    def bill(self) -> tuple[int, int]:
        rows = self.server.usage()
        return sum(r["units"] for r in rows), sum(r["micro"] for r in rows)


def plan(wanted: argparse.Namespace, seed: int = 7) -> list[tuple[datetime, str, int]]:
    """What happens in the simulated time, in order: (when, "post" | "answer", channel)."""
    chance = random.Random(seed)
    happens = []
    for day in range(-NAIVE_DAYS, wanted.days):
        for channel in range(wanted.channels):
            for what, count in (("post", wanted.posts), ("answer", wanted.answers)):
                if what == "answer" and day < -5:
                    continue
                happens += [
                    (START + timedelta(days=day, seconds=chance.randrange(86_400)), what, channel) for _ in range(count)
                ]
    return sorted(happens)


def happen(place: Place, what: str, channel: int, n: int) -> str:
    if what == "post":
        return place.add(place.account_ids[channel], f"post {n}" + (" https://kopisenja.example" if n % 10 < 3 else ""))
    return place.add("1790000000000000004", f"answer {n} @channel{channel}", mentions=(f"channel{channel}",))


async def measure(wanted: argparse.Namespace) -> dict[str, Any]:
    from kicau.connector.sandbox.server import start_sandbox

    happens = plan(wanted)
    found: dict[str, Any] = {}
    for name, run in (("ours", ours), ("naive", naive)):
        place, began = Place(wanted), time.monotonic()
        runner = await start_sandbox(place.server)
        async with aiohttp.ClientSession(headers={"User-Agent": "Kicau/bench"}) as client:
            told = await run(place, client, happens)
        await runner.cleanup()
        units, micro = place.bill()
        found[name] = {
            **told,
            "billed_resources": units,
            "dollars": round(micro / 1_000_000, 2),
            "seconds": round(time.monotonic() - began, 1),
        }
    ratio = found["ours"]["dollars"] / found["naive"]["dollars"]
    fresh = found["ours"]["answers_latest_s"] <= 300
    return {
        "workload": {**vars(wanted), "month": f"{START:%Y-%m-%d} + {wanted.days} days"},
        **found,
        "calculation": calculation(wanted),
        "ratio": round(ratio, 4),
        "bar": "ratio <= 0.1, answers within 300 s",
        "met": ratio <= 0.1 and fresh,
    }


def calculation(wanted: argparse.Namespace) -> dict[str, str]:
    days = len(shipped_policy().days)
    posts, answers = wanted.channels * wanted.posts, wanted.channels * wanted.answers
    return {
        "ours": f"{posts} posts a day x {days} days of their lives x {wanted.days} days = {posts * days * wanted.days:,}; answers {answers} x {wanted.days} = {answers * wanted.days:,}",
        "naive": f"{posts} posts a day x {NAIVE_DAYS} days of their lives x {wanted.days} days = {posts * NAIVE_DAYS * wanted.days:,}; polls {wanted.channels} x ({NAIVE_PAGE} + {wanted.answers}) x {wanted.days} = {wanted.channels * (NAIVE_PAGE + wanted.answers) * wanted.days:,}",
    }


def shipped_policy() -> Any:
    """Ours, whatever the operator of this machine set."""
    from importlib.resources import files

    from kicau.costs import read_policy

    return read_policy.parse_policy(files("kicau.costs").joinpath(read_policy.POLICY_FILE_NAME).read_text("utf-8"))


class Reading:
    """Our reading of the accounts: what is due by the policy, and how late it came."""

    def __init__(self, place: Place, client: aiohttp.ClientSession) -> None:
        self.place, self.policy = place, shipped_policy()
        self.channel_ids = {n: UUID(int=n + 1) for n in range(place.wanted.channels)}
        self.by_id = {id_: n for n, id_ in self.channel_ids.items()}
        self.sessions = [place.session(client, n) for n in range(place.wanted.channels)]
        self.cursors = [""] * place.wanted.channels
        self.waiting: list[tuple[datetime, int, Any]] = []  # a heap of posts by their next reading
        self.told: Counter[str] = Counter(answers=0, numbers=0, calls=0, polls_found_free=0)
        self.delays: list[float] = []
        self.lags: list[float] = []
        self.seen: set[tuple[Any, str]] = set()  # the day, and what was read on it

    def take_post(self, made: str, when: datetime, channel: int, number: int) -> None:
        from kicau.costs import read_policy

        post = read_policy.PolledPost(
            id=made, channel_id=self.channel_ids[channel], app_id=UUID(int=1), published_at=when
        )
        heapq.heappush(self.waiting, (read_policy.next_fetch_at(self.policy, when, None), number, post))

    def take_due(self, slot: datetime, *, counts: bool) -> list[Any]:
        due = []
        while self.waiting and self.waiting[0][0] <= slot:
            wanted_at, _, post = heapq.heappop(self.waiting)
            due.append(post)
            if counts:
                self.lags.append((slot - wanted_at).total_seconds())
        return due

    async def read_numbers(self, due: list[Any], slot: datetime) -> None:
        from kicau.costs import read_policy

        connector = self.place.connector
        for channel_id, batch in read_policy.fetch_batches(due, connector.batch, reads_all=connector.reads_all):
            got = await connector.numbers(self.sessions[self.by_id[channel_id]], [p.id for p in batch])
            assert len(got) == len(batch)
            self.told.update(calls=1, numbers=len(got))
            self.seen |= {(slot.date(), p.id) for p in batch}

    async def read_answers(self, fresh: Mapping[int, list[datetime]], slot: datetime) -> None:
        """Of the channels that a webhook named; and one poll that finds nothing, to see that it is free."""
        connector = self.place.connector
        for channel, times in fresh.items():
            got = await connector.answers(self.sessions[channel], self.cursors[channel])
            assert len(got.items) == len(times), (len(got.items), len(times))
            self.cursors[channel] = got.cursor
            self.told.update(calls=1, answers=len(got.items))
            self.delays += [(slot - when).total_seconds() for when in times]
            self.seen |= {(slot.date(), one.id) for one in got.items}
        if 0 not in fresh:
            before = self.place.bill()
            await connector.answers(self.sessions[0], self.cursors[0])
            self.told["polls_found_free"] += self.place.bill() == before

    def wait_again(self, due: list[Any], slot: datetime) -> None:
        from kicau.costs import read_policy

        for post in due:
            if (again := read_policy.next_fetch_at(self.policy, post.published_at, slot)) is not None:
                heapq.heappush(self.waiting, (again, hash(post.id), replace(post, read_at=slot)))


async def ours(place: Place, client: aiohttp.ClientSession, happens: list[tuple[datetime, str, int]]) -> dict[str, Any]:
    reading, at, begun = Reading(place, client), 0, False
    slot = START - timedelta(days=35)
    while slot < START + timedelta(days=place.wanted.days):
        slot += SLOT
        fresh: dict[int, list[datetime]] = {}
        while at < len(happens) and happens[at][0] < slot:
            when, what, channel = happens[at]
            place.move(when)
            made = happen(place, what, channel, at)
            if what == "answer" and begun:
                fresh.setdefault(channel, []).append(when)
            elif what == "answer":
                reading.cursors[channel] = made
            else:
                reading.take_post(made, when, channel, at)
            at += 1
        place.move(slot)
        begun = slot >= START
        due = reading.take_due(slot, counts=begun)
        if begun:
            await reading.read_numbers(due, slot)
            await reading.read_answers(fresh, slot)
        reading.wait_again(due, slot)
    for session in reading.sessions:
        session.http.calls.clear()
    return dict(reading.told) | {
        "ledger_resources": len(reading.seen),
        "answers_median_s": round(statistics.median(reading.delays)),
        "answers_latest_s": round(max(reading.delays)),
        "numbers_latest_s_after_plan": round(max(reading.lags)),
    }


async def naive(
    place: Place, client: aiohttp.ClientSession, happens: list[tuple[datetime, str, int]]
) -> dict[str, Any]:
    posts: list[tuple[datetime, str]] = []
    counts: Counter[str] = Counter()
    at = 0

    def until(moment: datetime) -> None:
        nonlocal at
        while at < len(happens) and happens[at][0] < moment:
            place.move(happens[at][0])
            made = happen(place, happens[at][1], happens[at][2], at)
            if happens[at][1] == "post":
                posts.append((happens[at][0], made))
            at += 1
        place.move(moment)

    async def get(path: str, token: str, **query: str) -> None:
        async with client.get(
            place.server.base_url + path, params=query, headers={"Authorization": f"Bearer {token}"}
        ) as answer:
            assert answer.status == 200, await answer.text()
            await answer.read()
        counts["calls"] += 1

    async def poll() -> None:
        for id_ in place.account_ids:
            await get(f"/2/users/{id_}/mentions", f"token-{id_}", max_results=str(NAIVE_PAGE))

    for day in range(place.wanted.days):
        begins = START + timedelta(days=day)
        until(begins + timedelta(seconds=1))
        await poll()
        until(begins + timedelta(hours=22))
        young = [id_ for when, id_ in posts if when > place.at - timedelta(days=NAIVE_DAYS)]
        for n in range(0, len(young), 100):
            await get("/2/tweets", f"token-{place.account_ids[0]}", ids=",".join(young[n : n + 100]))
        until(begins + timedelta(hours=23, minutes=59, seconds=59))
        await poll()
    return dict(counts)


if __name__ == "__main__":
    main()
