"""Ten thousand posts due in the same second, against a bare loop that sends the same requests.

    python -m bench.spike [--deliveries 10000] [--channels 400] [--latency 0.2] [--rounds 2]

A round is the bare loop (aiohttp, 500 at once, nothing kept) and then a worker with its claims, outcomes, attempt log
and charges; both send the same requests to the same sandbox on this machine. Each begins when what the one before left to
do (the archive takes in what was published) is over. Prints one JSON line. The bars: the last
post is out and written within 1.6 times of the bare loop's time, at 1,000 a second or more (calibrated by the processor)
where the network answers in 200 ms.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from datetime import timedelta
from typing import Any
from uuid import uuid4

import aiohttp

from bench.calibration import calibrated
from bench.instance import engine_instance, network
from kicau.config.worker import freeze_garbage_collector

AT_ONCE = 500
type Parts = Mapping[str, Sequence[int]]  # process ids, by what they are

MOST = 1.6  # times the bare loop's
LEAST = 1000  # a second
LEFT = "SELECT count(*) FROM publishing_delivery d WHERE d.state = 'published' AND NOT EXISTS (SELECT FROM archive_item i WHERE i.delivery_id = d.id)"


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--deliveries", type=int, default=10_000)
    asked.add_argument("--channels", type=int, default=400)
    asked.add_argument("--latency", type=float, nargs="*", default=[0.2, 0.0])
    asked.add_argument("--rounds", type=int, default=2)
    asked.add_argument("--workers", type=int, default=1)
    wanted = asked.parse_args()
    with calibrated() as machine, network.running("x", accounts=wanted.channels) as far, engine_instance.instance():
        connected = engine_instance.ConnectedWorkspace(far)
        with ExitStack() as running:
            workers = [running.enter_context(engine_instance.worker()).pid for _ in range(wanted.workers)]
            parts = {"workers": workers, "network": [far.process.pid], "database": [engine_instance.database_pid()]}
            wave(connected, ["warm up"] * 50, parts)
            freeze_garbage_collector()  # as the worker does, so that the bare loop stops no more than it
            found = []
            for latency in wanted.latency:
                found.append(measure(connected, far, latency, wanted, parts))
                machine.sample(2)
    for one in found:
        one["a_second_calibrated"] = round(machine.rate(one["a_second"]))
        one["met"] = one["met"] and (one["a_second_calibrated"] >= LEAST or not one["latency"])
    print(json.dumps([*found, {"machine": machine.report()}]))
    sys.exit(not all(one["met"] for one in found))


def measure(
    connected: engine_instance.ConnectedWorkspace,
    far: network.Network,
    latency: float,
    wanted: argparse.Namespace,
    parts: Parts,
) -> dict[str, Any]:
    bare, ours, bare_cpu = [], [], 0.0
    for _ in range(wanted.rounds):
        far.set(latency=latency)
        requests = asyncio.run(requests_for(connected, texts(wanted.deliveries)))
        calm(parts)
        used = time.process_time()
        bare.append(asyncio.run(bare_loop(requests)))
        bare_cpu += time.process_time() - used
        ours.append(wave(connected, texts(wanted.deliveries), parts))
    ratio = round(statistics.median(o["seconds"] for o in ours) / statistics.median(bare), 2)
    rate = round(wanted.deliveries / statistics.median(o["seconds"] for o in ours))
    met = ratio <= MOST and not any(o["not_out"] for o in ours)
    return {
        "latency": latency,
        "ratio": ratio,
        "a_second": rate,
        "met": met,
        "bare_s": [round(b, 2) for b in bare],
        "bare_cpu_s": round(bare_cpu / wanted.rounds, 1),
        "ours": ours,
    }


def texts(count: int) -> list[str]:
    return [f"Post {n} {uuid4().hex}" for n in range(count)]


def calm(parts: Parts) -> None:
    """Wait until the archive has what was published, and nobody has much to do; a minute at most."""
    pids = [pid for some in parts.values() for pid in some]
    for _ in range(60):
        before = engine_instance.spent(*pids)
        time.sleep(1)
        if engine_instance.spent(*pids) - before < 0.1 and not engine_instance.ask(LEFT):
            return


def wave(connected: engine_instance.ConnectedWorkspace, says: Sequence[str], parts: Parts) -> dict[str, Any]:
    """Everything due in one second, until the last outcome is written."""
    from kicau.base import clock

    due = clock.now() + timedelta(seconds=5 + len(says) / 400)
    connected.deliveries(says, due)
    before = engine_instance.ask("SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()")
    assert clock.now() < due, "writing the rows took longer than the time until they were due"
    time.sleep((due - clock.now()).total_seconds())
    used = {name: engine_instance.spent(*pids) for name, pids in parts.items()}
    engine_instance.wait_until_out(due, 120)
    cpu = {name: round(engine_instance.spent(*pids) - used[name], 1) for name, pids in parts.items()}
    time.sleep(0.5)
    seconds, out, p99 = engine_instance.ask(
        "SELECT extract(epoch FROM max(changed_at) - min(due_at))::float, count(*) FILTER (WHERE state = 'published'), "
        "percentile_cont(0.99) WITHIN GROUP (ORDER BY extract(epoch FROM published_at - due_at))::float "
        "FROM publishing_delivery WHERE due_at = %s",
        due,
    )
    charges = engine_instance.ask(
        "SELECT count(*) FROM costs_charge c JOIN publishing_delivery d ON d.id = c.delivery_id WHERE d.due_at = %s",
        due,
    )
    attempts = engine_instance.ask(
        "SELECT count(*) FROM publishing_attempt a JOIN publishing_delivery d ON d.id = a.delivery_id WHERE d.due_at = %s",
        due,
    )
    after = engine_instance.ask("SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()")
    return {
        "seconds": round(seconds, 2),
        "p99_s": round(p99 or 0, 2),
        "not_out": len(says) - out,
        "charges": charges,
        "attempts": attempts,
        "transactions": after - before,
        "cpu_s": cpu,
    }


# The bare loop


class Written(Exception):
    """A request was noted, not sent."""


class Notes:
    """Stands in for the door: keeps what would have been sent."""

    def __init__(self) -> None:
        self.calls: list[Any] = []

    async def call(self, method: str, url: str, **how: Any) -> Any:
        self.calls.append((method, url, {k: v for k, v in how.items() if k in ("json", "headers", "params") and v}))
        raise Written


async def _unpaid(used: object) -> None:
    """Nothing is sent."""


async def requests_for(connected: engine_instance.ConnectedWorkspace, says: Sequence[str]) -> list[Any]:
    """Exactly what the connector would send for these texts on these channels."""
    from kicau.channels.channel_session import ChannelSession
    from kicau.connector.content import Delivery

    notes = Notes()
    async with aiohttp.ClientSession() as client:
        channels = next(iter(connected.channels.values()))
        lives = [ChannelSession(channel, client, _unpaid) for channel in channels]
        for live in lives:
            live.http = notes  # type: ignore[assignment]
        for n, text in enumerate(says):
            post = engine_instance.rendered(channels[0].network, text)
            try:
                await lives[n % len(lives)].connector.publish(lives[n % len(lives)], Delivery(key=uuid4(), post=post))
            except Written:
                continue
    assert len(notes.calls) == len(says)
    return notes.calls


async def bare_loop(requests: Sequence[Any]) -> float:
    """Seconds from the first request to the last answer."""
    left = iter(requests)
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar()) as client:

        async def one_after_another() -> None:
            for method, url, how in left:
                async with client.request(method, url, **how) as answer:
                    assert answer.status < 300, await answer.text()
                    await answer.read()

        began = time.perf_counter()
        await asyncio.gather(*(one_after_another() for _ in range(AT_ONCE)))
        return time.perf_counter() - began


if __name__ == "__main__":
    main()
