"""What a network's plan allows: held like a hard budget once it is near, and free of cost while it is far."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from asgiref.sync import sync_to_async
from django.db import connection, transaction
from django.db.models import F
from django.test.utils import CaptureQueriesContext

from kicau.base import clock
from kicau.base.errors import Conflict
from kicau.costs import actions as plans
from kicau.costs.models import Budget, Charge, Reservation
from kicau.engine.dispatcher import Capacity
from kicau.publishing.budget import held_deliveries, plan_quotas
from kicau.publishing.delivery import outcomes
from kicau.publishing.delivery.delivery_worker import DeliverySource
from kicau.publishing.models import Attempt, Delivery
from kicau.publishing.scheduling import actions, bulk
from tests.engine import squeeze
from tests.engine.conftest import claimed

pytestmark = pytest.mark.django_db(transaction=True)
LIST = """[[list]]
name = "{name}"
since = 2026-01-01
currency = "USD"
source = "ours"
[list.prices]
post = 15000
read = 5000
[[list.caps]]
meters = ["post", "post-with-link"]
units = {units}
period = "{period}"
per = "{per}"
"""
WITHOUT_POSTS = """[[list]]
name = "small"
since = 2026-01-02
currency = "USD"
source = "ours"
refuses = ["post"]
[list.prices]
read = 1
"""


def allow(actor, units, period="24 hours", per="channel", name="capped"):
    return plans.add_price_list(actor, "stranger", LIST.format(name=name, units=units, period=period, per=per))


def states(rows):
    return sorted(Delivery.objects.filter(id__in=[r.id for r in rows]).values_list("state", flat=True))


async def test_what_is_beyond_a_cap_waits_for_its_window_or_a_larger_plan(actor, post, shop, network):
    listed = await sync_to_async(allow)(actor, 3)
    rows = [await sync_to_async(post)(f"kopi {n}", after=n / 1000) for n in range(6)]
    other = await sync_to_async(post)("teh", to="budi")
    await shop.work(lambda: states([*rows, other]) == ["held"] * 3 + ["published"] * 4)

    def look():
        held = list(Delivery.objects.filter(state="held").order_by("due_at"))
        oldest = Charge.objects.filter(channel_id=held[0].channel_id).order_by("at")[0].at
        frees = f"{oldest + timedelta(hours=24):%Y-%m-%d at %H:%M} UTC"
        assert (
            held[0].reason
            == f"Stranger allows 3 in 24 hours and 0 post + post-with-link are left, but this post needs 1. Kicau publishes the post when enough is available again, probably on {frees}. With a larger plan at the network, Kicau can publish it sooner. You can also cancel the post."
        )
        [cap] = plans.budget_balances(list(plans.budgets(actor)))
        assert (cap.budget.channel_id, cap.used, cap.left) == (held[0].channel_id, 3, 0)
        with pytest.raises(Conflict):
            plans.remove_budget(actor, cap.budget.id)
        assert held_deliveries.release_held() == 0
        Charge.objects.order_by("id")[:1].get()
        first = Charge.objects.filter(channel_id=held[0].channel_id).order_by("at")[0]
        Charge.objects.filter(id=first.id).update(at=F("at") - timedelta(hours=24))
        assert held_deliveries.release_held() == 1
        return held

    held = await sync_to_async(look)()
    await shop.work(lambda: states(rows) == ["held"] * 2 + ["published"] * 4)

    def larger():
        plans.remove_price_list(actor, listed.id)
        plan_quotas.update_quota_budgets()
        assert not Budget.objects.filter(is_active=True).exists()
        assert held_deliveries.release_held() == 2

    await sync_to_async(larger)()
    await shop.work(lambda: states(rows) == ["published"] * 6)
    order = [h.rendered["parts"][0]["text"] for h in held]
    assert [p.text for p in network.public_posts() if p.text in order] == order
    assert not await sync_to_async(Reservation.objects.exists)()


async def test_a_cap_of_the_app_holds_all_its_channels_and_what_was_under_way_counts(actor, post, client, network):
    """Two are claimed before the cap is one that holds; three workers then share what is left."""

    def claim(work, name, most):
        work.look()
        return work.claim(name, Capacity({"stranger": most}))

    rows = [await sync_to_async(post)(f"kopi {n}", to=("ana", "budi")[n % 2]) for n in range(8)]
    early = DeliverySource(client)
    taken = await sync_to_async(claim)(early, "early", 2)
    assert len(taken) == 2
    await sync_to_async(allow)(actor, 5, "month", "app")
    await sync_to_async(plan_quotas.update_quota_budgets)()
    assert await sync_to_async(Reservation.objects.count)() == 2
    for n in range(3):
        late = DeliverySource(client)
        items = await sync_to_async(claim)(late, f"late{n}", 3)
        await sync_to_async(late.settle)(f"late{n}", [await late.step(item) for item in items])
    await sync_to_async(early.settle)("early", [await early.step(item) for item in taken])
    assert await sync_to_async(states)(rows) == ["held"] * 3 + ["published"] * 5
    assert len(list(network.public_posts())) == 5


async def test_a_window_of_minutes_holds_too_and_opens_by_itself(actor, post, shop, network):
    await sync_to_async(allow)(actor, 2, "5 minutes")
    rows = [await sync_to_async(post)(f"kopi {n}", after=n / 1000) for n in range(3)]
    await shop.work(lambda: states(rows) == ["held", "published", "published"])

    def look():
        [held] = Delivery.objects.filter(state="held")
        oldest = Charge.objects.filter(channel_id=held.channel_id).order_by("at")[0].at
        assert (
            held.reason
            == f"Stranger allows 2 in 5 minutes and 0 post + post-with-link are left, but this post needs 1. Kicau publishes the post when enough is available again, probably on {oldest + timedelta(minutes=5):%Y-%m-%d at %H:%M} UTC. You can also cancel the post."
        )
        assert [s.used for s in plans.budget_balances(list(plans.budgets(actor)))] == [2]
        assert held_deliveries.release_held() == 0
        Charge.objects.filter(channel_id=held.channel_id).update(at=F("at") - timedelta(minutes=5))
        assert held_deliveries.release_held() == 1

    await sync_to_async(look)()
    await shop.work(lambda: states(rows) == ["published"] * 3)
    assert len(list(network.public_posts())) == 3


def moved_to_now(actor, rows):
    bulk.reschedule_many(actor, [bulk.Reschedule(delivery=r.id, due_at=clock.now()) for r in rows])


def moved_one_by_one(actor, rows):
    for row in rows:
        actions.reschedule(actor, row.id, clock.now())


def canceled_then_retried(actor, rows):
    Delivery.objects.filter(id__in=[r.id for r in rows]).update(due_at=clock.now())
    assert len(bulk.cancel_many(actor, [r.id for r in rows]).done) == len(rows)
    assert len(bulk.retry_many(actor, [r.id for r in rows]).done) == len(rows)


@pytest.mark.parametrize("hurry", [moved_to_now, moved_one_by_one, canceled_then_retried])
async def test_what_somebody_hurries_is_held_by_the_cap_though_no_round_has_looked(hurry, actor, post, shop, network):
    """Far ahead they count for nothing; all of them are due at once, and a worker claims at that moment."""
    await sync_to_async(allow)(actor, 3)
    rows = [await sync_to_async(post)(f"kopi {n}", after=86_400 + n) for n in range(6)]
    assert not await sync_to_async(Budget.objects.exists)()
    waits = shop.work(lambda: states(rows) == ["held"] * 3 + ["published"] * 3)  # it is at work when they come
    await asyncio.gather(waits, sync_to_async(hurry)(actor, rows))
    assert len(list(network.public_posts())) == 3


def test_the_cap_is_there_with_the_change_that_needs_it_and_not_after(actor, post):
    allow(actor, 3)
    rows = [post(f"kopi {n}", after=86_400 + n) for n in range(6)]
    with transaction.atomic():
        moved_to_now(actor, rows)
        assert Budget.objects.filter(is_active=True).exclude(cap="").exists()


async def test_the_cap_holds_whatever_happens_to_workers_and_answers(actor, pair, network, client, monkeypatch):
    monkeypatch.setattr(outcomes, "LOOKUP_DELAY", timedelta(0))
    told = await squeeze.run(1, actor, pair, network, client, kind=squeeze.Allowance)
    assert told.most_billed <= 0, told
    assert (told.published, told.lost, told.in_order) == (12, 0, True), told


async def test_a_cap_that_is_far_costs_a_claim_nothing(actor, post, client):
    def statements(work):
        work.look()
        with CaptureQueriesContext(
            connection,
        ) as seen:
            assert len(work.claim("w", Capacity({"stranger": 1}))) == 1
        return len(seen)

    work = DeliverySource(client)
    for n in range(2):
        await sync_to_async(post)(f"kopi {n}")
    before = await sync_to_async(statements)(work)
    await sync_to_async(allow)(actor, 1000)
    await sync_to_async(plan_quotas.update_quota_budgets)()
    assert not await sync_to_async(Budget.objects.exists)()
    assert await sync_to_async(statements)(work) <= before


async def test_what_a_changed_plan_does_not_have_is_held_before_it_is_sent_and_goes_out_on_one_that_has_it(
    actor, post, shop, network
):
    row = await sync_to_async(post)("kopi", "dan gula", after=0.5)
    listed = await sync_to_async(plans.add_price_list)(actor, "stranger", WITHOUT_POSTS)
    await shop.work(lambda: states([row]) == ["held"])

    def look():
        found = Delivery.objects.get(id=row.id)
        assert (
            found.reason
            == "Your plan small for Stranger does not include the API usage “post”, which this post needs. Kicau publishes the post when you switch to a plan that includes it. You can also cancel the post."
        )
        assert (found.hold, [p["code"] for p in found.problems]) == ("budget", ["not-on-plan"])
        assert held_deliveries.release_held() == 0
        plans.remove_price_list(actor, listed.id)
        assert held_deliveries.release_held() == 1

    assert not list(network.store.all("post"))
    await sync_to_async(look)()
    await shop.work(lambda: states([row]) == ["published"])
    assert [attempt.did async for attempt in Attempt.objects.filter(delivery=row).order_by("at")] == [
        "publish",
        "release",
        "publish",
        "publish",
    ]


async def test_what_a_plan_loses_in_the_middle_of_a_thread_holds_the_rest(actor, post, shop, network, client):
    row = await sync_to_async(post)("satu", "dua")
    work = DeliverySource(client)
    items = await claimed(work, "first")
    await sync_to_async(work.settle)("first", [await work.step(items[0])])
    listed = await sync_to_async(plans.add_price_list)(actor, "stranger", WITHOUT_POSTS)
    await shop.work(lambda: states([row]) == ["held"])
    assert len(list(network.store.all("post"))) == 1
    await sync_to_async(plans.remove_price_list)(actor, listed.id)
    assert await sync_to_async(held_deliveries.release_held)() == 1
    await shop.work(lambda: states([row]) == ["published"])
    assert len(list(network.store.all("post"))) == 2
