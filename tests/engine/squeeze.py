"""One seeded run of several workers against a hard budget: answers get lost, workers die, people raise the budget.

Used small by the suite, and a thousand times by `bench/budget.py`.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import aiohttp
from asgiref.sync import sync_to_async
from django.db import connection

from kicau.channels.models import Channel
from kicau.connector.sandbox import Fault
from kicau.engine.pump import Room
from kicau.plans import acts as plans
from kicau.plans.models import Budget, Charge, Reservation
from kicau.publishing import compose, holding, schedule
from kicau.publishing.deliver import Deliveries
from kicau.publishing.models import Delivery, DeliveryState
from kicau.workspaces.actors import Actor
from tests.stranger.sandbox import Server

PRICES = {"post": 15_000, "read": 5_000}
EFFECTS = ("drop", "drop-after", "status", "status-after", "malformed")


@dataclass(frozen=True, slots=True)
class Told:
    """What one run came to, in micro-dollars where it is money."""

    budget: int
    most_billed: (
        int  # by the network's own meter, at the worst moment, beyond what the budget then was (0 or less is good)
    )
    published: int
    lost: int  # deliveries that are neither out nor held
    in_order: bool
    ledger: int
    uncertain: int  # of the ledger
    billed: int


def billed(network: Server) -> int:
    return sum(PRICES[row["meter"]] * row["units"] for row in network.usage())


async def run(seed: int, actor: Actor, channels: Sequence[Channel], network: Server, client: aiohttp.ClientSession, *, workers: int = 4) -> Told:  # fmt: skip
    """Twelve deliveries, some of them threads, with money for a part of them; then the budget is raised until all are out."""
    chance = random.Random(seed)
    before, kept = billed(network), {row["id"] for row in network.store.all("post")}
    budget = await sync_to_async(_budget)(actor, chance.randrange(30_000, 150_000))
    rows = await sync_to_async(_posts)(actor, channels, chance, seed)
    limit, worst = budget.amount, -budget.amount
    for turn in range(400):
        network.faults[:] = [Fault(effect=chance.choice(EFFECTS), status=502, times=1, skip=chance.randrange(4)) for _ in range(chance.randrange(3))]  # fmt: skip
        await asyncio.gather(*(_work(f"w{seed}-{turn}-{n}", client, chance.random() < 0.25, chance) for n in range(workers)))  # fmt: skip
        await sync_to_async(_hasten)()
        worst = max(worst, billed(network) - before - limit)
        await sync_to_async(holding.release)()
        states = await sync_to_async(_states)(rows)
        if not states - {DeliveryState.PUBLISHED}:
            break
        if not states - {DeliveryState.PUBLISHED, DeliveryState.HELD} or turn % 60 == 59:
            limit += 100_000
            await sync_to_async(_budget)(actor, limit, budget.id)
    network.faults.clear()
    return await sync_to_async(_told)(rows, budget.id, limit, worst, billed(network) - before, network, kept)


async def _work(name: str, client: aiohttp.ClientSession, dies: bool, chance: random.Random) -> None:
    """One wave of one worker; one that dies does so after its requests have gone out, before anything is written."""
    work = Deliveries(client)
    items = await sync_to_async(work.claim)(name, Room({"stranger": chance.randrange(1, 6)}))
    outcomes = await asyncio.gather(*(work.step(item) for item in items))
    if outcomes and not dies:
        await sync_to_async(work.settle)(name, outcomes)


def _budget(actor: Actor, amount: int, budget_id: UUID | None = None) -> Budget:
    wanted = plans.BudgetInput(name="Squeeze", amount=amount, period="total", network="stranger")
    return plans.set_budget(actor, wanted, budget_id=budget_id)


def _posts(actor: Actor, channels: Sequence[Channel], chance: random.Random, seed: int) -> list[Delivery]:
    wanted = [compose.Composition(parts=tuple(compose.PartInput(text=f"{seed} {n} {part}") for part in range(chance.choice((1, 1, 1, 2, 3))))) for n in range(12)]  # fmt: skip
    made = [d.id for d in compose.save_drafts(actor, wanted)]
    drafts = {d.id: d for d in compose.whole(compose.drafts(actor).filter(id__in=made))}
    from kicau.base import clock

    now = clock.now()
    asked = [schedule.Wanted(draft=drafts[id_], channels=[channels[n % len(channels)]], due_at=now) for n, id_ in enumerate(made)]  # fmt: skip
    return list(schedule.schedule_many(actor, asked).deliveries)


def _hasten() -> None:
    """No waiting: leases end, and what waits is due."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE publishing_delivery SET lease_until = NULL, next_at = least(next_at, clock_timestamp()), begun_at = begun_at - interval '1 minute', "
            "broken_at = broken_at - interval '1 minute' WHERE state IN ('scheduled', 'publishing')"
        )
        cursor.execute("UPDATE channels_channel SET paused_until = NULL")
        cursor.execute("UPDATE publishing_outage SET ended_at = clock_timestamp() WHERE ended_at IS NULL")


def _states(rows: Sequence[Delivery]) -> set[str]:
    return set(Delivery.objects.filter(id__in=[r.id for r in rows]).values_list("state", flat=True))


def _told(rows: Sequence[Delivery], budget_id: UUID, limit: int, worst: int, spent: int, network: Server, kept: set[str]) -> Told:  # fmt: skip
    ids = [r.id for r in rows]
    done = list(Delivery.objects.filter(id__in=ids))
    charges = list(Charge.objects.filter(delivery_id__in=ids))
    assert not Reservation.objects.filter(holder__in=ids).exists() or any(d.state != "published" for d in done)
    plans.Budget.objects.filter(id=budget_id).update(is_active=False)
    texts = [post["text"] for post in network.store.all("post") if post["id"] not in kept]
    return Told(
        budget=limit, most_billed=worst, published=sum(d.state == "published" for d in done),
        lost=sum(d.state not in ("published", "held") for d in done), in_order=len(texts) == len(set(texts)),
        ledger=sum(c.micro for c in charges), uncertain=sum(c.micro for c in charges if not c.is_certain), billed=spent,
    )  # fmt: skip
