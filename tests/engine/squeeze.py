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
from django.db.models import Sum

from kicau.channels.models import Channel
from kicau.connector.sandbox.server import OrderedFault
from kicau.costs import actions as plans
from kicau.costs import pricing
from kicau.costs.models import Budget, Charge, OperatorPriceList, Reservation
from kicau.engine.dispatcher import Capacity
from kicau.publishing.budget import held_deliveries, plan_quotas
from kicau.publishing.content import compositions
from kicau.publishing.delivery.delivery_worker import DeliverySource
from kicau.publishing.models import Delivery, DeliveryState
from kicau.publishing.scheduling import schedule
from kicau.workspaces.actors import Actor
from tests.stranger.sandbox import Server

PRICES = {"post": 15_000, "read": 5_000}
EFFECTS = ("drop", "drop-after", "status", "status-after", "malformed")


@dataclass(frozen=True, slots=True)
class Told:
    """What one run came to, in micro-dollars where it is money."""

    budget: int
    most_billed: (
        int  # by the network's own meter, at the worst moment, beyond what the limit then was (0 or less is good)
    )
    published: int
    lost: int  # deliveries that are neither out nor held
    in_order: bool
    ledger: int
    uncertain: int  # of the ledger
    billed: int


def billed(network: Server) -> int:
    return sum(PRICES[row["meter"]] * row["units"] for row in network.usage())


class Money:
    """A hard budget in total: twelve deliveries cost more, and it is raised until all are out."""

    first, more = (30_000, 150_000), 100_000

    def __init__(self, actor: Actor) -> None:
        self.actor = actor
        self.id: UUID | None = None

    def set(self, amount: int) -> None:
        wanted = plans.BudgetValues(name="Squeeze", amount=amount, period="total", network="stranger")
        self.id = plans.set_budget(self.actor, wanted, budget_id=self.id).id

    def used(self, network: Server) -> int:
        return billed(network)

    def look(self) -> None:
        pass

    def end(self) -> None:
        Budget.objects.filter(id=self.id).update(is_active=False)


class Allowance:
    """A plan's cap of posts a month for the app, beyond what earlier runs used; a larger plan comes after it."""

    first, more = (3, 8), 7

    def __init__(self, actor: Actor) -> None:
        self.actor = actor
        self.before = Charge.objects.filter(meter="post").aggregate(n=Sum("units"))["n"] or 0

    def set(self, amount: int) -> None:
        plans.add_price_list(self.actor, "stranger", CAPPED.format(units=self.before + amount))
        plan_quotas.update_quota_budgets()

    def used(self, network: Server) -> int:
        return sum(row["units"] for row in network.usage() if row["meter"] == "post")

    def look(self) -> None:
        plan_quotas.update_quota_budgets()

    def end(self) -> None:
        OperatorPriceList.objects.all().delete()
        pricing.clear_cache()
        plan_quotas.update_quota_budgets()


CAPPED = """[[list]]
name = "capped"
since = 2026-01-02
currency = "USD"
source = "ours"
prices = {{ post = 15000, read = 5000 }}
caps = [{{ meters = ["post"], units = {units} }}]
"""


async def run(
    seed: int,
    actor: Actor,
    channels: Sequence[Channel],
    network: Server,
    client: aiohttp.ClientSession,
    *,
    workers: int = 4,
    kind: type[Money | Allowance] = Money,
) -> Told:
    """Twelve deliveries, some of them threads, with room for a part of them; then it is raised until all are out."""
    chance = random.Random(seed)
    hold = await sync_to_async(kind)(actor)
    before, start, kept = billed(network), hold.used(network), {row["id"] for row in network.store.all("post")}
    limit = chance.randrange(*hold.first)
    await sync_to_async(hold.set)(limit)
    rows = await sync_to_async(_posts)(actor, channels, chance, seed)
    worst = -limit
    for turn in range(400):
        network.faults[:] = [
            OrderedFault(effect=chance.choice(EFFECTS), status=502, times=1, skip=chance.randrange(4))
            for _ in range(chance.randrange(3))
        ]
        await asyncio.gather(
            *(_work(f"w{seed}-{turn}-{n}", client, chance.random() < 0.25, chance) for n in range(workers))
        )
        await sync_to_async(_hasten)()
        worst = max(worst, hold.used(network) - start - limit)
        await sync_to_async(hold.look)()
        await sync_to_async(held_deliveries.release_held)()
        states = await sync_to_async(_states)(rows)
        if not states - {DeliveryState.PUBLISHED}:
            break
        if not states - {DeliveryState.PUBLISHED, DeliveryState.HELD} or turn % 60 == 59:
            limit += hold.more
            await sync_to_async(hold.set)(limit)
    network.faults.clear()
    await sync_to_async(hold.end)()
    return await sync_to_async(_told)(rows, limit, worst, billed(network) - before, network, kept)


async def _work(name: str, client: aiohttp.ClientSession, dies: bool, chance: random.Random) -> None:
    """One wave of one worker; one that dies does so after its requests have gone out, before anything is written."""
    work = DeliverySource(client)
    await sync_to_async(work.look)()
    items = await sync_to_async(work.claim)(name, Capacity({"stranger": chance.randrange(1, 6)}))
    outcomes = await asyncio.gather(*(work.step(item) for item in items))
    if outcomes and not dies:
        await sync_to_async(work.settle)(name, outcomes)


def _posts(actor: Actor, channels: Sequence[Channel], chance: random.Random, seed: int) -> list[Delivery]:
    wanted = [
        compositions.Composition(
            parts=tuple(
                compositions.PartContent(text=f"{seed} {n} {part}") for part in range(chance.choice((1, 1, 1, 2, 3)))
            )
        )
        for n in range(12)
    ]
    made = [d.id for d in compositions.save_drafts(actor, wanted)]
    drafts = {d.id: d for d in compositions.with_content(compositions.drafts(actor).filter(id__in=made))}
    from kicau.base import clock

    now = clock.now()
    asked = [
        schedule.ScheduleRequest(draft=drafts[id_], channels=[channels[n % len(channels)]], due_at=now)
        for n, id_ in enumerate(made)
    ]
    return list(schedule.schedule_many(actor, asked).deliveries)


def _hasten() -> None:
    """No waiting: leases end, and what waits is due. Nothing moves into the month before, whose allowance is another."""
    earlier = "greatest({0} - interval '1 minute', date_trunc('month', clock_timestamp(), 'UTC'))"
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE publishing_delivery SET lease_until = NULL, next_at = least(next_at, clock_timestamp()), "
            f"begun_at = CASE WHEN begun_at IS NOT NULL THEN {earlier.format('begun_at')} END, "
            f"broken_at = CASE WHEN broken_at IS NOT NULL THEN {earlier.format('broken_at')} END "
            "WHERE state IN ('scheduled', 'publishing')"
        )
        cursor.execute("UPDATE channels_channel SET paused_until = NULL")
        cursor.execute("UPDATE publishing_outage SET ended_at = clock_timestamp() WHERE ended_at IS NULL")


def _states(rows: Sequence[Delivery]) -> set[str]:
    return set(Delivery.objects.filter(id__in=[r.id for r in rows]).values_list("state", flat=True))


def _told(rows: Sequence[Delivery], limit: int, worst: int, spent: int, network: Server, kept: set[str]) -> Told:
    ids = [r.id for r in rows]
    done = list(Delivery.objects.filter(id__in=ids))
    charges = list(Charge.objects.filter(delivery_id__in=ids))
    assert not Reservation.objects.filter(holder__in=ids).exists() or any(d.state != "published" for d in done)
    texts = [post["text"] for post in network.store.all("post") if post["id"] not in kept]
    return Told(
        budget=limit,
        most_billed=worst,
        published=sum(d.state == "published" for d in done),
        lost=sum(d.state not in ("published", "held") for d in done),
        in_order=len(texts) == len(set(texts)),
        ledger=sum(c.micro for c in charges),
        uncertain=sum(c.micro for c in charges if not c.is_certain),
        billed=spent,
    )
