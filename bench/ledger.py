"""Whether our ledger equals the network's own bill: mixed calls with faults, dying workers and 50 workers at once.

    python -m bench.ledger [--calls 20000] [--workers 50] [--seed 7]

Publishes, looks up, reads and deletes against a sandbox that bills (the first installed network with prices), while
answers get lost before and after they are carried out, come cut, or come as 429 and 5xx, and a quarter of the workers'
waves die between the network's answer and the database. Then the ledger is compared with the sandbox's own meter, which
shares no code with it, to the unit and the micro-unit, for each day and meter.

One thing no client can know: whether a call that is billed each time and leaves no trace (an alt text) was carried out
when its answer was lost. Such calls are made here too, and the faults leave them their answers; in life each lost one
stands in the ledger as uncertain, at its full price.

Prints one JSON line. The bar: equal.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib
import json
import os
import random
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

from bench.calibration import calibrated

SELF = Path(__file__).resolve().parent.parent
EFFECTS = ("drop", "drop-after", "status", "status-after", "malformed", "truncate", "rate-limit")


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--calls", type=int, default=20_000)
    asked.add_argument("--workers", type=int, default=50)
    asked.add_argument("--seed", type=int, default=7)
    wanted = asked.parse_args()
    with tempfile.TemporaryDirectory(prefix="kicau-bench-") as folder:
        Path(folder).chmod(0o711)
        os.environ.update(
            KICAU_DATA=f"{folder}/data",
            DJANGO_SETTINGS_MODULE="kicau.config.settings",
            DJANGO_ALLOW_ASYNC_UNSAFE="1",
            KICAU_LOG_LEVEL="error",
            KICAU_TEST_FAST_DISK="1",
        )
        from kicau.base import postgres

        with calibrated() as machine, postgres.running_server(Path(folder) / "data"):
            result = measure(wanted)
    print(json.dumps({**result, "machine": machine.report()}))
    sys.exit(not result["equal"])


def measure(wanted: argparse.Namespace) -> dict[str, Any]:
    import django

    django.setup()
    from django.core.management import call_command

    from kicau.base import logs

    logs.set_up_logging("error", "text", process="bench")
    call_command("migrate", verbosity=0)
    return asyncio.run(Bench(wanted).run())


async def _unheld(used: object) -> None:
    """What the readers here use up is written down and held by no budget: what is held has a bench of its own."""


class Bench:
    def __init__(self, wanted: argparse.Namespace) -> None:
        from kicau.connector import registry

        self.wanted, self.chance = wanted, random.Random(wanted.seed)
        self.slug = next(
            s for s in registry.installed_slugs() if any(one.prices for one in registry.get_connector(s).price_lists)
        )
        self.server: Any = importlib.import_module(registry.network_package(self.slug) + ".sandbox").Server()
        self.server.limits_off = True
        self.pool = ThreadPoolExecutor(wanted.workers, "worker")
        self.calls = 0
        self.died = 0
        self.faults: Counter[str] = Counter()

    async def run(self) -> dict[str, Any]:
        from kicau.channels.channel_session import new_client
        from kicau.connector.sandbox.server import start_sandbox
        from kicau.publishing.delivery import outcomes as meanings

        meanings.LOOKUP_DELAY = timedelta(seconds=0.3)
        began = time.monotonic()
        runner = await start_sandbox(self.server)
        self._count_calls()
        async with new_client() as client:
            self.client = client
            await self._connect()
            await self._with_faults()
            await self._alt_texts()
        await runner.cleanup()
        return await asyncio.to_thread(self._compare, time.monotonic() - began)

    def _count_calls(self) -> None:
        original = self.server._note

        async def note(request: Any) -> None:
            self.calls += 1
            await original(request)

        self.server._note = note

    async def _connect(self) -> None:
        from kicau.channels import actions as channels
        from kicau.connector.contract import consent_at_sandbox
        from kicau.workspaces.actions import actor_for, add_person, create_workspace

        for n in range(20):
            sample = dict(next(iter(self.server.store.all("account"))))
            self.server.store.put("account", f"99{n}", {**sample, "id": f"99{n}", "username": f"bench{n}"})
        owner = await asyncio.to_thread(add_person, "bench@example.org", "Bench", operator=True)
        self.actor = await asyncio.to_thread(lambda: actor_for(owner, create_workspace(owner, "Bench").id, "cli"))
        app = self.server.default_app
        await asyncio.to_thread(
            channels.register_app,
            self.slug,
            app.client_id,
            app.client_secret,
            endpoints=self.server.endpoints(),
            is_sandbox=True,
        )
        self.channels = []
        for account in self.server.accounts():
            begun = await channels.begin_sign_in(self.actor, self.slug, client=self.client)
            await channels.finish_sign_in(
                self.actor, await consent_at_sandbox(self.client, begun.url, account.id), client=self.client
            )
            self.channels += await channels.connect(self.actor, begun.state, client=self.client)

    async def _with_faults(self) -> None:
        """Publishing and reading at once, until so many calls were made; then all that was begun is brought to its end."""
        from kicau.connector.sandbox.server import OrderedFault

        stop = asyncio.Event()

        async def spoil() -> None:
            while not stop.is_set():
                effect = self.chance.choice(EFFECTS)
                self.faults[effect] += 1
                self.server.faults.append(
                    OrderedFault(
                        effect=effect,
                        status=self.chance.choice((500, 502, 503)),
                        path="^/2/(tweets|users)",
                        skip=self.chance.randrange(20),
                    )
                )
                await asyncio.sleep(0.02)

        spoiling = asyncio.create_task(spoil())
        jobs = (
            [self._publisher(n) for n in range(self.wanted.workers - 10)]
            + [self._reader() for _ in range(9)]
            + [self._deleter()]
        )
        await asyncio.gather(self._planner(), *jobs)
        stop.set()
        await spoiling
        self.server.faults.clear()
        await self._drain()

    async def _planner(self) -> None:
        while self.calls < self.wanted.calls * 0.9:
            await self._in(self._schedule, 200)
            while self.calls < self.wanted.calls * 0.9 and await self._in(self._waiting) > 150:
                await self._in(self._hasten)
                await asyncio.sleep(0.1)

    def _schedule(self, count: int, picture: Any = None) -> None:
        from kicau.base import clock
        from kicau.publishing.content import compositions
        from kicau.publishing.scheduling import schedule

        uses = (compositions.MediumAttachment(medium=picture),) if picture else ()
        wanted = []
        for _ in range(count):
            words = f"kopi {self.chance.random()}"
            link = " https://kopisenja.id/menu" if self.chance.random() < 0.3 else ""
            parts = 1 if picture or self.chance.random() < 0.85 else self.chance.choice((2, 3))
            wanted.append(
                compositions.Composition(
                    parts=tuple(compositions.PartContent(text=f"{words} {n}{link}", media=uses) for n in range(parts))
                )
            )
        ids = [d.id for d in compositions.save_drafts(self.actor, wanted)]
        drafts = {d.id: d for d in compositions.with_content(compositions.drafts(self.actor).filter(id__in=ids))}
        now = clock.now()
        schedule.schedule_many(
            self.actor,
            [
                schedule.ScheduleRequest(draft=drafts[i], channels=[self.chance.choice(self.channels)], due_at=now)
                for i in ids
            ],
            twins=False,
        )

    def _waiting(self) -> int:
        from kicau.publishing.models import Delivery

        return Delivery.objects.filter(state__in=["scheduled", "publishing"]).count()

    def _hasten(self) -> None:
        """Limits and back-offs end at once; so do the leases of workers that died, once their requests have landed."""
        from django.db import connection

        with connection.cursor() as cursor:
            cursor.execute("UPDATE channels_channel SET paused_until = NULL WHERE paused_until IS NOT NULL")
            cursor.execute("UPDATE channels_networkapp SET paused_until = NULL WHERE paused_until IS NOT NULL")
            cursor.execute("UPDATE publishing_outage SET ended_at = clock_timestamp() WHERE ended_at IS NULL")
            cursor.execute(
                "UPDATE publishing_delivery SET lease_until = NULL WHERE state IN ('scheduled', 'publishing') AND begun_at < clock_timestamp() - interval '2 seconds' AND worker LIKE 'dead%'"
            )
            cursor.execute(
                "UPDATE publishing_delivery SET next_at = clock_timestamp() WHERE state IN ('scheduled', 'publishing') AND begun_at IS NULL AND next_at > clock_timestamp() + interval '1 second'"
            )

    async def _publisher(self, n: int, *, dies: bool = True) -> None:
        from kicau.engine.dispatcher import Capacity
        from kicau.publishing.delivery.delivery_worker import DeliverySource

        work = DeliverySource(self.client)
        while self.calls < self.wanted.calls * 0.9:
            dead = dies and self.chance.random() < 0.25
            name = f"{'dead' if dead else 'live'}-{n}"
            await self._in(work.look)
            items = await self._in(work.claim, name, Capacity({self.slug: 5}))
            if not items:
                await asyncio.sleep(0.2)
                continue
            outcomes = await asyncio.gather(*(work.step(item) for item in items))
            if dead:
                self.died += 1  # the network has answered, and nobody will write it down
                work = DeliverySource(self.client)
            else:
                await self._in(work.settle, name, outcomes)

    async def _reader(self) -> None:
        """Numbers, answers and accounts; what broke off is read again, as a reading that goes on from its cursor is."""
        from kicau.channels.channel_session import ChannelSession
        from kicau.channels.metered_session import charge_context
        from kicau.connector.errors import ConnectorError
        from kicau.costs import call_budgets

        while self.calls < self.wanted.calls * 0.9:
            channel = self.chance.choice(self.channels)
            posts = [p.id for p in list(self.server.public_posts())[-300:]]
            ids = self.chance.sample(posts, min(len(posts), self.chance.randrange(1, 40))) if posts else []
            what = self.chance.choice(("numbers", "answers", "account"))
            for _ in range(30):
                live = ChannelSession(channel, self.client, _unheld)
                try:
                    match what:
                        case "numbers":
                            await live.connector.numbers(live, ids) if ids else None  # type: ignore[attr-defined]
                        case "answers":
                            await live.connector.answers(live, "")  # type: ignore[attr-defined]
                        case _:
                            await live.connector.capabilities(live)
                    done = True
                except ConnectorError:
                    done = False
                if done and self.chance.random() < 0.1:
                    continue  # the reader died before it wrote, and reads again
                work = charge_context(channel, what if what != "account" else "read")
                await self._in(lambda live=live, work=work: call_budgets.record_calls(work, live.http.calls))
                if done:
                    break
            await asyncio.sleep(0.05)

    async def _deleter(self) -> None:
        from kicau.base.errors import DomainError
        from kicau.publishing.models import Delivery
        from kicau.publishing.scheduling import actions

        while self.calls < self.wanted.calls * 0.9:
            row = await self._in(lambda: Delivery.objects.filter(state="published").order_by("?").first())
            for _ in range(30):
                if row is None:
                    break
                try:
                    await actions.delete_from_network(self.actor, row.id, client=self.client)
                    break
                except DomainError:
                    continue
            await asyncio.sleep(0.3)

    async def _drain(self) -> None:
        from kicau.engine.dispatcher import Capacity
        from kicau.publishing.delivery.delivery_worker import DeliverySource

        work = DeliverySource(self.client)
        await asyncio.sleep(2.1)
        while await self._in(self._waiting):
            await self._in(self._hasten)
            await self._in(work.look)
            items = await self._in(work.claim, "last", Capacity({self.slug: 200}))
            outcomes = await asyncio.gather(*(work.step(item) for item in items))
            if outcomes:
                await self._in(work.settle, "last", outcomes)
            else:
                await asyncio.sleep(0.1)

    async def _alt_texts(self) -> None:
        """The rest of the calls: pictures with alt texts, whose answers arrive."""
        from PIL import Image

        from kicau.media import actions as media

        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "p.jpg"
            Image.effect_noise((200, 200), 40).convert("RGB").save(path, quality=60)
            picture = (await self._in(lambda: media.add_medium(self.actor, path, "noise.jpg", alt="Noise"))).id
        while self.calls < self.wanted.calls:
            await self._in(self._schedule, 100, picture)
            await self._drain()

    async def _in(self, call: Any, *args: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self.pool, call, *args)

    def _compare(self, seconds: float) -> dict[str, Any]:
        from kicau.costs.models import Charge
        from kicau.publishing.models import Delivery

        theirs = {(r["day"], r["meter"]): (r["units"], r["micro"]) for r in self.server.usage()}
        ours: dict[tuple[str, str], list[int]] = {}
        uncertain = 0
        for at, meter, units, micro, certain in Charge.objects.values_list(
            "at", "meter", "units", "micro", "is_certain"
        ):
            row = ours.setdefault((at.date().isoformat(), meter), [0, 0])
            row[0], row[1] = row[0] + units, row[1] + micro
            uncertain += 0 if certain else micro
        rows = [
            {"day": d, "meter": m, "ours": list(ours.get((d, m), (0, 0))), "theirs": list(theirs.get((d, m), (0, 0)))}
            for d, m in sorted(theirs.keys() | ours.keys())
        ]
        states = Counter(Delivery.objects.values_list("state", flat=True))
        return {
            "calls": self.calls,
            "seconds": round(seconds, 1),
            "workers": self.wanted.workers,
            "died": self.died,
            "faults": sum(self.faults.values()),
            "deliveries": dict(states),
            "ledger_micro": sum(r["ours"][1] for r in rows),
            "meter_micro": sum(r["theirs"][1] for r in rows),
            "uncertain_micro": uncertain,
            "rows": rows,
            "equal": all(r["ours"] == r["theirs"] for r in rows),
            "bar": "equal",
        }


if __name__ == "__main__":
    main()
