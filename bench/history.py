"""How much slower a long history makes the engine: claims, lateness and the spike, with millions of deliveries and with none.

    python -m bench.history [--past 2000000] [--future 1000000] [--deliveries 10000]

Measures on the empty table, fills it, and measures again, in one run. Prints one JSON line. The bars: a wave is claimed
in 10 ms (p99, calibrated by SQL); the p99 of lateness and the time of the spike stay within 20 % of the empty table's.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import sys
import time
from contextlib import ExitStack
from datetime import timedelta
from typing import Any
from uuid import uuid4

from bench import spike
from bench.calibration import Bound, calibrated
from bench.instance import engine_instance, network

CLAIM = 10.0  # milliseconds
SLOWER = 1.2  # times

# One row in SQL is as good as another: the same channels, texts of the usual length, due evenly over the time.
FILL = """
INSERT INTO publishing_delivery (id, workspace_id, draft_id, channel_id, network, key, state, hold, due_at, timezone, next_at, rendered, head, charges, text_hash, progress,
    steps, tries, worker, reason, said, problems, remote_ids, url, raw, published_at, created_at, changed_at)
SELECT gen_random_uuid(), %(workspace)s, %(draft)s, (%(channels)s::uuid[])[1 + n %% %(many)s], %(network)s, gen_random_uuid(), %(state)s, '', at, 'UTC', at,
    jsonb_set(%(rendered)s::jsonb, '{parts,0,text}', to_jsonb(text)), text, %(rendered)s::jsonb->'charges', md5(n::text), '{}',
    1, 0, '', '', '[]', '[]', ARRAY[n::text], 'https://example.org/' || n, '{}', CASE WHEN %(state)s = 'published' THEN at END, at, at
FROM (SELECT n, 'A post of the past or the future, number ' || n AS text, clock_timestamp() + %(begin)s::interval + n * (%(span)s::interval / %(count)s) AS at FROM generate_series(1, %(count)s) n) rows
"""
STORIES = """
INSERT INTO publishing_attempt (delivery_id, at, did, outcome, sentence, detail, worker)
SELECT id, due_at, 'publish', 'published', 'Published on X.', '{"calls": []}', 'host:1:abcdef' FROM publishing_delivery WHERE state = 'published'
"""


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--past", type=int, default=2_000_000)
    asked.add_argument("--future", type=int, default=1_000_000)
    asked.add_argument("--deliveries", type=int, default=10_000)
    asked.add_argument("--channels", type=int, default=400)
    asked.add_argument("--rounds", type=int, default=2)
    wanted = asked.parse_args()
    with calibrated() as machine, network.running("x", accounts=wanted.channels) as far, engine_instance.instance():
        connected = engine_instance.ConnectedWorkspace(far)
        empty = measure(connected, far, wanted)
        began = time.monotonic()
        size = fill(connected, wanted)
        filled = time.monotonic() - began
        full = measure(connected, far, wanted)
    claim = round(machine.time(full["claim_ms"]["p99"], Bound.SQL), 1)
    met = {
        "claim": claim <= CLAIM,
        "lateness": full["late_ms"]["p99"] <= SLOWER * empty["late_ms"]["p99"],
        "spike": full["spike_s"] <= SLOWER * empty["spike_s"],
    }
    found = {"empty": empty, "full": full, "filled_s": round(filled), "database": size}
    print(json.dumps({"met": met, "claim_p99_calibrated_ms": claim, **found, "machine": machine.report()}))
    sys.exit(not all(met.values()))


def measure(
    connected: engine_instance.ConnectedWorkspace, far: network.Network, wanted: argparse.Namespace
) -> dict[str, Any]:
    claims, looks = claimed(connected, wanted)
    far.set(latency=0.2)
    with ExitStack() as running:
        workers = [running.enter_context(engine_instance.worker()).pid]
        parts = {"workers": workers, "network": [far.process.pid], "database": [engine_instance.database_pid()]}
        spike.wave(connected, ["warm up"] * 50, parts)
        waves = [spike.wave(connected, spike.texts(wanted.deliveries), parts) for _ in range(wanted.rounds)]
        late = lateness(connected)
    return {
        "claim_ms": {f"p{p}": round(engine_instance.percentile(claims, p), 1) for p in (50, 99, 100)},
        "look_ms": {f"p{p}": round(engine_instance.percentile(looks, p), 1) for p in (50, 100)},
        "late_ms": {f"p{p}": round(engine_instance.percentile(late, p)) for p in (50, 99)},
        "spike_s": statistics.median(w["seconds"] for w in waves),
        "spikes": waves,
    }


def claimed(
    connected: engine_instance.ConnectedWorkspace, wanted: argparse.Namespace
) -> tuple[list[float], list[float]]:
    """Milliseconds of each claim of a wave while many are due, and of each look (which goes on beside the claims)."""
    from kicau.base import clock
    from kicau.config.worker import freeze_garbage_collector
    from kicau.engine.dispatcher import Capacity
    from kicau.publishing.delivery.delivery_worker import DeliverySource

    freeze_garbage_collector()  # as a worker does
    claims, looks = list[float](), list[float]()
    work = DeliverySource(None)  # type: ignore[arg-type]  # nothing is sent
    for _ in range(3):
        due = clock.now() - timedelta(seconds=1)
        connected.deliveries(spike.texts(wanted.deliveries), due)
        taken = None
        while taken != 0:
            began = time.perf_counter()
            work.look()
            looks.append((time.perf_counter() - began) * 1000)
            taken = 0
            while True:
                began = time.perf_counter()
                items = work.claim("bench", Capacity({"x": 500}, {}, 1000))
                if not items:
                    break
                claims.append((time.perf_counter() - began) * 1000)
                taken += len(items)
        engine_instance.ask("UPDATE publishing_delivery SET state = 'canceled' WHERE due_at = %s RETURNING 1", due)
        engine_instance.ask("SELECT pg_stat_force_next_flush()")
    return claims, looks


def lateness(connected: engine_instance.ConnectedWorkspace, count: int = 600, seconds: float = 20) -> list[float]:
    """Milliseconds of each of `count` deliveries due at random over some seconds."""
    from kicau.base import clock
    from kicau.publishing.models import Delivery

    begin = clock.now() + timedelta(seconds=5)
    rows = connected.deliveries([f"Late? {uuid4().hex}" for _ in range(count)], begin)
    dice = random.Random(7)
    for row in rows:
        row.due_at = row.next_at = begin + timedelta(seconds=dice.random() * seconds)
    Delivery.objects.bulk_update(rows, ["due_at", "next_at"], batch_size=600)
    time.sleep(max(0.0, (begin - clock.now()).total_seconds()) + seconds + 5)
    return [float(row.late_ms) for row in Delivery.objects.filter(id__in=[r.id for r in rows], state="published")]


def fill(connected: engine_instance.ConnectedWorkspace, wanted: argparse.Namespace) -> str:
    from kicau.connector.serialization import to_compact_json

    channels = next(iter(connected.channels.values()))
    same = {
        "workspace": connected.actor.workspace.id,
        "draft": connected.draft.id,
        "channels": [c.id for c in channels],
        "many": len(channels),
        "network": channels[0].network,
        "rendered": json.dumps(to_compact_json(engine_instance.rendered(channels[0].network, ""))),
    }
    engine_instance.run("SET synchronous_commit = off")
    for count, state, begin, span in (
        (wanted.past, "published", "-365 days", "364 days"),
        (wanted.future, "scheduled", "1 day", "364 days"),
    ):
        engine_instance.run(FILL, {**same, "count": count, "state": state, "begin": begin, "span": span})
    engine_instance.run(STORIES)
    engine_instance.run("RESET synchronous_commit")
    engine_instance.run("VACUUM ANALYZE publishing_delivery")
    engine_instance.run("VACUUM ANALYZE publishing_attempt")
    return str(engine_instance.ask("SELECT pg_size_pretty(pg_database_size(current_database()))"))


if __name__ == "__main__":
    main()
