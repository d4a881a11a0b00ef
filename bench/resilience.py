"""Whether a fault in one place is felt in another: four faults, each compared with a quiet run or with its bar.

    python -m bench.resilience [neighbours] [outage] [connections] [rolling] [--seconds 600]

neighbours: one channel limited for an hour, a network that answers in 20 s, and reading that hangs; the p99 of all
            other deliveries stays within 20 % of the quiet run's.
outage:     a network refuses connections (for --seconds), then returns: everything due in between is out within 60 s,
            the oldest first, nothing failed, and the workspace is notified once.
connections: 5,000 deliveries in flight; the database sees at most 20 connections of ours.
rolling:    two workers are restarted one after the other under 50 deliveries a second: p99 under 5 s, none doubled.

The seconds of outage and rolling are calibrated by the processor, without the network's latency.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

from bench.calibration import ROUNDS, Calibration, calibrated
from bench.instance import engine_instance, network
from tests.chaos.line import Line

LATENCY_SECONDS = 0.2
FAULTS = ("neighbours", "outage", "connections", "rolling")
CONNECTIONS = "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("which", nargs="*", default=FAULTS)
    asked.add_argument("--seconds", type=float, default=600, help="that the network is out")
    asked.add_argument("--channels", type=int, default=400)
    wanted = asked.parse_args()
    if len(wanted.which) == 1:
        with calibrated() as wanted.machine:
            met = globals()[wanted.which[0]](wanted)
        sys.exit(not met)
    # Each in a process of its own: an instance's settings hold for as long as its process.
    options = ["--seconds", str(wanted.seconds), "--channels", str(wanted.channels)]
    runs = [subprocess.run([sys.executable, "-m", "bench.resilience", name, *options]) for name in wanted.which]
    sys.exit(any(run.returncode for run in runs))


def say(machine: Calibration, name: str, met: bool, **found: Any) -> bool:
    print(json.dumps({"fault": name, "met": met, **found, "machine": machine.report()}), flush=True)
    return met


# Neighbours


def neighbours(wanted: argparse.Namespace) -> bool:
    with (
        network.running("x", accounts=40, latency=LATENCY_SECONDS) as near,
        network.running("linkedin", latency=LATENCY_SECONDS) as slow,
        network.running("mastodon") as mute,
        engine_instance.instance(),
    ):
        connected = engine_instance.ConnectedWorkspace(near, slow, mute)
        with engine_instance.worker():
            lateness = [run_beside(connected, near, [slow, mute], has_faults) for has_faults in (False, True)]
    quiet, faulty = ({f"p{p}": round(engine_instance.percentile(late, p)) for p in (50, 99)} for late in lateness)
    ratio = round(faulty["p99"] / max(1, quiet["p99"]), 2)
    whole = all(len(late) == 600 for late in lateness)
    wanted.machine.sample(ROUNDS)
    return say(wanted.machine, "neighbours", ratio <= 1.2 and whole, ratio=ratio, quiet_ms=quiet, faulty_ms=faulty)


def run_beside(
    connected: engine_instance.ConnectedWorkspace,
    near: network.Network,
    others: Sequence[network.Network],
    has_faults: bool,
) -> list[float]:
    from kicau.channels.models import Channel

    if has_faults:
        others[0].set(latency=19.5)
        others[1].ask("/_sandbox/faults", {"effect": "slow", "seconds": 3600, "times": -1})
        Channel.objects.filter(network=others[1].slug).update(capabilities_at=None)  # it is asked, and hangs
        near.ask("/_sandbox/faults", {"effect": "rate-limit", "seconds": 3600, "times": 1, "method": "POST"})
        limited = spread(connected, 1, 1, channels=1)
        time.sleep(4)
        assert Channel.objects.filter(paused_until__isnull=False).exists(), limited
        spread(connected, 50, 20, channels=1)  # waits for an hour
        spread(connected, 300, 20, slug=others[0].slug)
    rows = spread(connected, 600, 30, but=1)
    time.sleep(40)
    return late_of(rows)


def spread(
    connected: engine_instance.ConnectedWorkspace,
    count: int,
    seconds: float,
    *,
    slug: str = "x",
    channels: int = 0,
    but: int = 0,
) -> list[Any]:
    """Deliveries due evenly over some seconds; on the first `channels` only, or on all but the first."""
    from kicau.base import clock
    from kicau.publishing.models import Delivery

    kept = connected.channels[slug]
    connected.channels[slug] = kept[:channels] if channels else kept[but:]
    begin = clock.now() + timedelta(seconds=2 + count / 500)
    rows = connected.deliveries([f"Fault {uuid4().hex}" for _ in range(count)], begin, slug)
    connected.channels[slug] = kept
    for n, row in enumerate(rows):
        row.due_at = row.next_at = begin + timedelta(seconds=seconds * n / count)
    Delivery.objects.bulk_update(rows, ["due_at", "next_at"], batch_size=1000)
    return rows


def late_of(rows: Sequence[Any]) -> list[float]:
    from kicau.publishing.models import Delivery

    return [float(r.late_ms) for r in Delivery.objects.filter(id__in=[r.id for r in rows], state="published")]


# A network that is out


@contextmanager
def lined(far: network.Network) -> Iterator[tuple[network.Network, Line, asyncio.AbstractEventLoop]]:
    """The network behind a line that can refuse."""
    loop, port = asyncio.new_event_loop(), int(far.said["base_url"].rpartition(":")[2])
    threading.Thread(target=loop.run_forever, daemon=True).start()
    line = Line(port)
    asyncio.run_coroutine_threadsafe(line.open(), loop).result(10)
    said = json.loads(json.dumps(far.said).replace(f":{port}", f":{line.port}"))
    try:
        yield replace(far, said=said), line, loop
    finally:
        asyncio.run_coroutine_threadsafe(line.close(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)


def outage(wanted: argparse.Namespace) -> bool:
    from kicau.base import clock

    count = 3000
    with (
        network.running("x", accounts=wanted.channels) as far,
        engine_instance.instance(),
        lined(far) as (shut, line, loop),
    ):
        connected = engine_instance.ConnectedWorkspace(shut)
        far.set(latency=LATENCY_SECONDS)  # when all have signed in
        from kicau.notifications.models import Notification
        from kicau.publishing.models import Delivery
        from kicau.workspaces import webhooks
        from kicau.workspaces.models import WebhookEvent

        webhooks.add_webhook(connected.actor, "https://hooks.example/", ["network.unreachable"])
        with engine_instance.worker():
            rows = spread(connected, count, wanted.seconds)
            time.sleep(max(0.0, (rows[0].due_at - clock.now()).total_seconds()))
            asyncio.run_coroutine_threadsafe(line.refuse(wanted.seconds), loop).result(wanted.seconds + 30)
            back = clock.now()
            while time.sleep(0.2) or (clock.now() - back).total_seconds() < 120:
                if not engine_instance.ask(
                    "SELECT count(*) FROM publishing_delivery WHERE state IN ('scheduled', 'publishing')"
                ):
                    break
        states = Counter(Delivery.objects.values_list("state", flat=True))
        out = list(Delivery.objects.filter(state="published", published_at__gte=back).order_by("published_at"))
        told = (Notification.objects.count(), WebhookEvent.objects.count())
    place = {row.id: n for n, row in enumerate(sorted(out, key=lambda row: row.due_at))}
    moved = [abs(n - place[row.id]) for n, row in enumerate(out)]
    seconds = max((row.changed_at - back).total_seconds() for row in out)
    # A minute has to pass before an outage is news; then it is told once, to one person and one webhook.
    news = (1, 1) if wanted.seconds > 75 else told
    wanted.machine.sample(ROUNDS)
    calibrated_seconds = wanted.machine.time(seconds, waiting=LATENCY_SECONDS)
    met = (
        calibrated_seconds <= 60
        and states == {"published": count}
        and told == news
        and engine_instance.percentile(moved, 99) <= 500
    )
    return say(
        wanted.machine,
        "outage",
        met,
        out_of_reach_s=wanted.seconds,
        all_out_s=round(seconds, 1),
        all_out_calibrated_s=round(calibrated_seconds, 1),
        states=dict(states),
        told=told,
        out_of_order={"p50": engine_instance.percentile(moved, 50), "p99": engine_instance.percentile(moved, 99)},
    )


# Much in flight


def connections(wanted: argparse.Namespace) -> bool:
    from datetime import timedelta

    with network.running("x", accounts=wanted.channels, latency=15) as far, engine_instance.instance():
        far.set(latency=0)
        connected = engine_instance.ConnectedWorkspace(far)
        far.set(latency=15)
        from kicau.base import clock
        from kicau.engine.models import Heartbeat

        seen, flying = [0], [0]
        with engine_instance.worker("bench.instance.worker_with_limits", arguments=("5000", "16")):
            due = clock.now() + timedelta(seconds=20)
            connected.deliveries([f"Flight {uuid4().hex}" for _ in range(6000)], due)
            until = due + timedelta(seconds=90)
            while clock.now() < until and engine_instance.ask(engine_instance.WAITING, due):
                seen.append(engine_instance.ask(CONNECTIONS))
                flying.append(Heartbeat.objects.values_list("in_flight", flat=True).first() or 0)
                time.sleep(0.2)
        left = engine_instance.ask(engine_instance.WAITING, due)
    met = max(seen) <= 20 and max(flying) >= 4500 and not left
    wanted.machine.sample(ROUNDS)
    return say(wanted.machine, "connections", met, connections=max(seen), in_flight=max(flying), some_left=left)


# A rolling restart


def rolling(wanted: argparse.Namespace) -> bool:
    count, seconds = 3000, 60
    with network.running("x", accounts=wanted.channels) as far, engine_instance.instance():
        connected = engine_instance.ConnectedWorkspace(far)
        far.set(latency=LATENCY_SECONDS)  # when all have signed in
        from kicau.publishing.models import Delivery

        with engine_instance.Workers(2) as workers:
            rows = spread(connected, count, seconds)
            begin = rows[0].due_at.timestamp()
            for n, at in enumerate((15, 35)):
                time.sleep(max(0.0, begin + at - time.time()))
                workers.restart(n)
            time.sleep(max(0.0, begin + seconds + 10 - time.time()))
        late = late_of(rows)
        out = Delivery.objects.filter(id__in=[r.id for r in rows], state="published")
        slow = Counter(round(r.due_at.timestamp() - begin) for r in out if (r.late_ms or 0) > 2000)
        public = Counter(post["text"] for post in far.ask("/_sandbox/posts"))
    doubled = sum(n > 1 for n in public.values())
    p99 = round(engine_instance.percentile(late, 99))
    wanted.machine.sample(ROUNDS)
    calibrated_p99 = round(wanted.machine.time(p99, waiting=LATENCY_SECONDS * 1000))
    met = calibrated_p99 < 5000 and not doubled and len(late) == count == len(public)
    return say(
        wanted.machine,
        "rolling",
        met,
        p50_ms=round(engine_instance.percentile(late, 50)),
        p99_ms=p99,
        p99_calibrated_ms=calibrated_p99,
        doubled=doubled,
        out=len(late),
        public=len(public),
        due_at_s_of_late={s: slow[s] for s in sorted(slow)},
    )


if __name__ == "__main__":
    main()
