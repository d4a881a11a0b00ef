"""Deliveries to the real servers through proxies that lose accepted answers, while workers are killed.

What is public is asked of the servers themselves, past the proxies, and compared with what was asked for.
"""

from __future__ import annotations

import asyncio
import random
import shutil
import tempfile
import time
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp
import psycopg

from bench.instance.processes import free_port
from tests.chaos.plan import QUICK, Pace, Size
from tests.chaos.run import LEFT
from tests.chaos.world import Processes, names, prepared
from tests.servers import pds as pds_server
from tests.servers import snac as snac_server
from tests.servers.lossy import Lossy
from tests.servers.pds import Pds
from tests.servers.snac import Snac

# Short enough that a killed worker's work is taken up soon, long enough for a server that is busy with hundreds.
PACE = Pace(timeout=6.0, look_after=8.0, lease=10.0, longest_wait=3.0)
STATES = "SELECT state, count(*) FROM publishing_delivery WHERE network = %s GROUP BY state"
SHARE = 0.1  # of accepted answers that are lost
PATIENCE = 240.0  # seconds


@dataclass(frozen=True, kw_only=True)
class Wanted:
    bluesky: int
    mastodon: int
    kills: int
    seconds: float  # over which everything is due and workers die


def run(wanted: Wanted) -> dict[str, Any]:
    """The report; its "wrong" is empty where each post is public exactly once."""
    began = time.monotonic()
    folder = Path(tempfile.mkdtemp(prefix="kicau-real-chaos-"))
    folder.chmod(0o711)  # the database's own user passes through
    try:
        with ExitStack() as stack:
            front, back = free_port(), free_port()
            pds = stack.enter_context(pds_server.running(front, back))
            before_pds = stack.enter_context(Lossy(pds.real, port=front).running())
            alice, _ = stack.enter_context(snac_server.running())
            before_snac = stack.enter_context(Lossy(alice.url).running())
            database = stack.enter_context(prepared(folder))
            report = _deliver(wanted, folder, database.cluster.url, pds, alice, (before_pds, before_snac))
            report |= {
                "accepted": before_pds.accepted + before_snac.accepted,
                "answers_lost": before_pds.lost + before_snac.lost,
            }
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return {**report, "took_s": round(time.monotonic() - began, 1)}


def _deliver(
    wanted: Wanted, folder: Path, url: str, pds: Pds, alice: Snac, lines: tuple[Lossy, Lossy]
) -> dict[str, Any]:
    from tests.servers.people import People

    people = People()
    did = people.connect_bluesky(pds, "chaos")
    people.connect_mastodon(alice, f"http://127.0.0.1:{lines[1].port}")
    for line in lines:
        line.share = SHARE
    dice = random.Random(20261126)
    texts = {
        "bluesky": [f"Kabar ke-{n} 🇮🇩 #kopi" for n in range(wanted.bluesky)],
        "mastodon": [f"Kiriman ke-{n} ☕🏽 #senja" for n in range(wanted.mastodon)],
    }
    size = Size(
        deliveries=wanted.bluesky + wanted.mastodon,
        kills=wanted.kills,
        restarts=0,
        seconds=wanted.seconds,
        faulted=SHARE,
        patience=PATIENCE,
    )
    begin = people.write(
        {
            slug: [(text, dice.random() * wanted.seconds, dice.random() < 0.1) for text in listed]
            for slug, listed in texts.items()
        },
        timedelta(seconds=4),
    )
    processes = Processes(folder, size, QUICK if size.deliveries < 100 else PACE)
    del processes.commands["web"]  # nobody looks at a page here
    processes.start()
    try:
        for n in range(wanted.kills):
            _until(begin.timestamp() + (n + dice.random()) * wanted.seconds * 0.9 / wanted.kills)
            workers = names(processes)
            processes.kill(workers[dice.randrange(len(workers))])
        left = _wait(processes, url, begin.timestamp() + wanted.seconds + PATIENCE)
    finally:
        processes.stop()
    public = {
        "bluesky": Counter(one["value"]["text"] for one in pds.posts(did)),
        "mastodon": asyncio.run(_shown(alice)),
    }
    wrong = [f"{left} deliveries were still under way"] if left else []
    lost = doubled = 0
    for slug, listed in texts.items():
        for text in listed:
            times = public[slug].pop(text, 0)
            lost, doubled = lost + (times == 0), doubled + (times > 1)
            if times != 1:
                wrong.append(f"{slug}: {text!r} is public {times} times")
        wrong += [f"{slug}: nobody asked for {text!r}" for text in public[slug]]
    with psycopg.connect(url) as connection:
        states = {slug: dict(connection.execute(STATES, [slug]).fetchall()) for slug in texts}
    return {
        "deliveries": {slug: len(listed) for slug, listed in texts.items()},
        "kills": wanted.kills,
        "lost": lost,
        "doubled": doubled,
        "states": states,
        "ended": processes.ended,
        "wrong": wrong,
    }


def _until(moment: float) -> None:
    time.sleep(max(0.0, moment - time.time()))


def _wait(processes: Processes, url: str, until: float) -> int:
    """How many are still under way when patience is over."""
    left = -1
    while time.time() < until and left != 0:
        processes.look()
        time.sleep(0.3)
        with psycopg.connect(url, connect_timeout=5) as connection:
            row = connection.execute(LEFT).fetchone()
            left = int(row[0]) if row else 0
    return left


async def _shown(alice: Snac) -> Counter[str]:
    """The source of every post that Alice's server lists of hers."""
    found: Counter[str] = Counter()
    head = {"Authorization": f"Bearer {alice.token()}"}
    async with aiohttp.ClientSession(alice.url, headers=head) as client:

        async def get(path: str) -> Any:
            async with client.get(path) as answer:
                return await answer.json()

        me = await get("/api/v1/accounts/verify_credentials")
        seen: set[str] = set()
        more = ""
        while True:
            page = await get(f"/api/v1/accounts/{me['id']}/statuses?limit=40{more}")
            fresh = [one for one in page if one["id"] not in seen]
            if not fresh:
                return found
            for one in fresh:
                seen.add(one["id"])
                found[(await get(f"/api/v1/statuses/{one['id']}/source"))["text"]] += 1
            more = f"&max_id={page[-1]['id']}"
