"""Answers and numbers are read once each, when they are due, for what was set aside; nothing that hangs delays a post."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
from asgiref.sync import sync_to_async
from django.db import transaction

from kicau.base import clock
from kicau.base.errors import Conflict, NotAllowed
from kicau.channels.channel_session import ChannelSession
from kicau.channels.models import Channel
from kicau.connector.content import Charge as Used
from kicau.connector.sandbox.server import OrderedFault
from kicau.costs import actions as plans
from kicau.costs import budgets, call_budgets, pricing
from kicau.costs.models import Charge, Purpose, Reservation
from kicau.costs.pricing import price_charges
from kicau.costs.reservations import ReservationRequest, reserve
from kicau.engine.dispatcher import Dispatcher
from kicau.publishing.budget.budget_checks import charge_context_of
from kicau.publishing.content import compositions
from kicau.publishing.delivery.delivery_worker import DeliverySource
from kicau.publishing.models import Campaign, Delivery
from kicau.publishing.scheduling import actions, schedule
from kicau.rights.models import ActivityEntry
from kicau.sync import due_reads, poller, sync_settings
from kicau.sync.models import Comment, MetricsChange, PostMetrics, SyncProgress
from kicau.sync.tests.conftest import BILLS, unpaid

pytestmark = pytest.mark.django_db(transaction=True)
EACH = 5_000  # micro-dollars for a post that is read: the network's list of 2026-04-20


def rows(model, **wanted):
    return sync_to_async(lambda: list(model.objects.filter(**wanted).order_by("pk")))()


async def switch_on(actor):
    figure = (await sync_to_async(sync_settings.sync_option)(actor, BILLS)).estimate.micro
    await sync_to_async(sync_settings.switch_sync)(actor, BILLS, True, accepts=figure)


async def billed(server):
    return sum(row["units"] for row in server.usage() if row["meter"] == "post-read")


async def paid():
    return sum(c.units for c in await rows(Charge) if c.purpose in ("answers", "numbers"))


async def test_what_costs_is_not_read_until_somebody_who_may_has_seen_the_figure(actor, member, pair, client, go):
    go(minutes=6)
    assert await poller.fetch_due(client) == 0
    go(minutes=6)
    assert await poller.fetch_due(client) == 0
    found = await sync_to_async(sync_settings.sync_option)(actor, BILLS)
    assert (found.reads, found.costs, found.is_chosen) == (False, True, False)
    with pytest.raises(NotAllowed):
        await sync_to_async(sync_settings.switch_sync)(
            await sync_to_async(member)("editor"), BILLS, True, accepts=10**9
        )
    with pytest.raises(Conflict, match="Each reply received costs another"):
        await sync_to_async(sync_settings.switch_sync)(actor, BILLS, True)
    await switch_on(actor)
    assert (await sync_to_async(sync_settings.sync_option)(actor, BILLS)).reads
    assert [e.subject for e in await rows(ActivityEntry, act="reading.on")] == [BILLS]
    await poller.fetch_due(client)
    go(minutes=6)
    assert await poller.fetch_due(client) == 2  # both channels' answers


async def test_answers_come_once_each_beside_the_post_that_they_answer(actor, pair, client, go, server, say, published):
    await switch_on(actor)
    mine = await published("Kopi Gayo baru tiba")
    await poller.fetch_due(client)
    first = await say("kabar", "Berapa harganya, @kopisenja?", to=mine.remote_ids[0])
    await say("kabar", "Selamat pagi @kopisenja")
    go(minutes=6)
    await poller.fetch_due(client)
    got = sorted(await rows(Comment), key=lambda a: a.remote_id)
    assert [(a.text, a.delivery_id) for a in got if a.channel_id == pair["kopi"].id] == [
        ("Berapa harganya, @kopisenja?", mine.id),
        ("Selamat pagi @kopisenja", None),
    ]
    assert got[0].remote_id == first
    await say("kabar", "Dan bukanya jam berapa @kopisenja?")
    for _ in range(2):
        go(minutes=6)
        await poller.fetch_due(client)
    assert len(await rows(Comment)) == 3
    assert await billed(server) == await paid() == 3
    assert {c.channel_id for c in await rows(Charge, purpose="answers")} == {pair["kopi"].id}


async def test_numbers_are_dense_at_first_and_written_only_where_they_changed(
    actor, pair, client, go, server, published
):
    await switch_on(actor)
    post = await published("Kopi Toraja")
    await sync_to_async(due_reads.register_published_posts)()
    go(minutes=36)
    await poller.fetch_due(client)
    [kept] = await rows(PostMetrics)
    first = kept.read_at
    assert (kept.delivery_id, kept.values["like_count"]) == (post.id, 0)
    assert timedelta(minutes=29) < kept.next_at - first <= timedelta(minutes=36)
    go(minutes=36)
    await poller.fetch_due(client)
    [again] = await rows(PostMetrics)
    assert again.read_at > first
    assert len(await rows(MetricsChange)) == 1  # nothing had changed
    go(hours=30)  # the network's second day; the token ended meanwhile and is renewed
    for _ in range(3):
        await poller.fetch_due(client)
        go(minutes=6)
    [late] = await rows(PostMetrics)
    assert late.read_at > again.read_at
    assert late.next_at - late.read_at > timedelta(minutes=115)
    assert {c.campaign_id for c in await rows(Charge, purpose="numbers")} == {(await rows(Campaign))[0].id}
    assert await billed(server) == await paid()


async def test_prices_that_are_read_again_in_mid_reading_ask_no_database_from_the_loop(
    actor, pair, client, go, server, say, published, monkeypatch
):
    await switch_on(actor)
    mine = await published("Kopi Gayo baru tiba")
    await poller.fetch_due(client)
    await say("kabar", "Berapa harganya, @kopisenja?", to=mine.remote_ids[0])
    go(minutes=6)
    monkeypatch.delenv("DJANGO_ALLOW_ASYNC_UNSAFE")  # as in a worker
    taken = call_budgets.CallBudget.take

    def take(self, *what):
        pricing.clear_cache()  # its time ran out just then
        return taken(self, *what)

    monkeypatch.setattr(call_budgets.CallBudget, "take", take)
    await poller.fetch_due(client)
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
    assert [a.text for a in await rows(Comment, channel_id=pair["kopi"].id)] == ["Berapa harganya, @kopisenja?"]
    assert [s.reason for s in await rows(SyncProgress) if "fault" in str(s.reason)] == []


async def test_what_was_deleted_is_left_out(actor, pair, client, go, server, published):
    await switch_on(actor)
    gone, stays = await published("Salah tulis"), await published("Benar")
    await sync_to_async(due_reads.register_published_posts)()
    await sync_to_async(Delivery.objects.filter(id=gone.id).update)(state="deleted")
    go(minutes=36)
    await poller.fetch_due(client)
    by_delivery = {p.delivery_id: p for p in await rows(PostMetrics)}
    assert (by_delivery[gone.id].read_at, by_delivery[gone.id].next_at) == (None, None)
    assert by_delivery[stays.id].values


async def test_a_hard_budget_holds_reading_before_its_last_part_and_leaves_that_to_publish_with(
    actor, pair, client, go, server, published
):
    await switch_on(actor)
    made = [await published(f"Kopi {n}") for n in range(4)]
    await sync_to_async(plans.set_budget)(actor, plans.BudgetValues(name="Kedai", amount=4 * EACH, period="total"))
    await sync_to_async(due_reads.register_published_posts)()
    go(minutes=36)
    await poller.fetch_due(client)
    assert [p.read_at for p in await rows(PostMetrics)] == [None] * len(made)
    assert await billed(server) == 0
    assert not await rows(Reservation)
    assert "Kedai" in (await rows(SyncProgress, channel=pair["kopi"]))[0].reason
    assert await sync_to_async(_fits)(made[0], "post")
    assert not await sync_to_async(_fits)(made[0], "post-read", 4)
    budget = (await sync_to_async(list)(plans.budgets(actor)))[0]
    await sync_to_async(plans.set_budget)(
        actor, plans.BudgetValues(name="Kedai", amount=400 * EACH, period="total"), budget_id=budget.id
    )
    go(minutes=20)
    await poller.fetch_due(client)
    assert all(p.read_at for p in await rows(PostMetrics))
    assert await billed(server) == await paid() == 4
    assert not await rows(Reservation)


def _fits(delivery, meter, units=1):
    """Whether the budgets have room for it: one that publishes, or one that reads."""
    row = Delivery.objects.select_related("channel__app", "draft").get(id=delivery.id)
    work = replace(charge_context_of(row), purpose=Purpose.NUMBERS if meter == "post-read" else Purpose.PUBLISH)
    ask = ReservationRequest(work=work, priced=price_charges(BILLS, [Used(meter, units)], plan=work.plan))
    with transaction.atomic():
        refused = reserve(budgets.active_budgets(), [ask])
        transaction.set_rollback(True)
    return not refused


async def test_two_workers_together_read_nothing_twice(actor, pair, client, go, server, published, say):
    await switch_on(actor)
    for n in range(5):
        await published(f"Kopi {n}")
    await sync_to_async(due_reads.register_published_posts)()
    await poller.fetch_due(client)
    await say("kabar", "Halo @kopisenja")
    go(minutes=36)
    made = await asyncio.gather(*(poller.fetch_due(client) for _ in range(4)))
    assert sum(made) == 3  # two channels' answers, and one batch
    assert len(await rows(Comment)) == 1
    assert len(await rows(MetricsChange)) == 5


async def test_a_worker_that_died_leaves_its_lease_to_the_next(actor, pair, client, go, server, published):
    await switch_on(actor)
    await published("Kopi")
    await sync_to_async(due_reads.register_published_posts)()
    await poller.fetch_due(client)
    go(minutes=36)
    await sync_to_async(due_reads.claim_due)()  # and nothing more is heard of it
    assert await poller.fetch_due(client) == 0
    go(minutes=4)
    assert await poller.fetch_due(client) == 3
    assert all(p.read_at for p in await rows(PostMetrics))


@pytest.fixture
def noon(go):
    """It is noon in UTC when what stands after it in a test's arguments begins: for tests of the days of a post's life."""
    now = clock.system_now()
    go(seconds=(now.replace(hour=12, minute=0) + timedelta(days=1) - now).total_seconds())


@pytest.mark.parametrize(
    "why", ["deleted", "deleted by hand", "a day later", "its worker died", "two days", "three days"]
)
async def test_a_reading_that_broke_is_counted_though_nothing_repeats_it(
    noon, actor, pair, client, go, server, published, why
):
    """The network has billed it: the ledger has it too, whatever became of the post before it is read again."""
    await switch_on(actor)
    row = await published("Kopi Gayo")
    await published("Kopi Toraja")
    await sync_to_async(due_reads.register_published_posts)()
    await poller.fetch_due(client)
    go(minutes=36)
    if why == "its worker died":
        _, [job] = await sync_to_async(due_reads.claim_due)()
        live = ChannelSession(job.channel, client, unpaid)
        await live.connector.numbers(live, [post.remote_id for post in job.posts])
        go(minutes=4)
    else:
        server.faults.append(OrderedFault(effect="drop-after", method="GET", path="^/2/tweets$"))
        await poller.fetch_due(client)
        assert server.faults[0].times == 0
    assert {p.read_at for p in await rows(PostMetrics)} == {None}
    if why == "deleted by hand":
        server.store.remove("post", row.remote_ids[0])
    elif why in ("deleted", "its worker died"):
        await actions.delete_from_network(actor, row.id, client=client)
    else:
        go(hours=24)
    if why in ("two days", "three days"):
        server.faults[:] = [OrderedFault(effect="drop-after", method="GET", path="^/2/tweets$", times=-1)]
        for _ in range(3):
            await poller.fetch_due(client)
            go(minutes=6)
        server.faults.clear()
        go(hours=24 if why == "two days" else 48)
    for _ in range(4):
        await poller.fetch_due(client)
        go(minutes=36)
    assert await billed(server) == await paid()
    # On the third day after it was published a post is not read.
    assert any(p.read_at for p in await rows(PostMetrics)) is (why != "three days")
    assert {p.lost_at for p in await rows(PostMetrics)} == {None}


async def test_a_network_that_hangs_is_given_up_and_asked_later(
    actor, pair, client, go, server, published, monkeypatch
):
    await switch_on(actor)
    await published("Kopi")
    await sync_to_async(due_reads.register_published_posts)()
    await poller.fetch_due(client)
    monkeypatch.setattr(poller, "FETCH_TIMEOUT_SECONDS", 0.3)
    server.faults.append(OrderedFault(effect="slow", seconds=3600, method="GET", times=-1))
    go(minutes=36)
    await poller.fetch_due(client)  # for an hour, where it is not given up
    standings = await rows(SyncProgress)
    assert all(s.fruitless == 1 and s.next_at > clock.now() for s in standings)
    server.faults.clear()
    monkeypatch.setattr(poller, "FETCH_TIMEOUT_SECONDS", 60.0)
    go(minutes=12)
    await poller.fetch_due(client)
    assert [s.fruitless for s in await rows(SyncProgress)] == [0, 0]
    assert (await rows(PostMetrics))[0].read_at


async def test_a_paused_or_offboarded_channel_is_not_read(actor, pair, client, go):
    await switch_on(actor)
    await poller.fetch_due(client)
    await sync_to_async(Channel.objects.filter(key="kopi").update)(is_paused=True)
    await sync_to_async(Channel.objects.filter(key="kabar").update)(state="offboarded")
    go(minutes=6)
    assert await poller.fetch_due(client) == 0


async def test_a_reading_that_hangs_delays_no_post(actor, pair, client, server, monkeypatch):
    monkeypatch.setattr(poller, "FETCH_TIMEOUT_SECONDS", 3600.0)
    await switch_on(actor)
    await poller.fetch_due(client)
    await sync_to_async(SyncProgress.objects.update)(next_at=clock.now())
    server.faults.append(OrderedFault(effect="slow", seconds=3600, path="mentions", times=-1))
    server.requests.clear()
    hanging = asyncio.create_task(poller.fetch_due(client))
    while not server.requests:  # noqa: ASYNC110 (another party's list)
        await asyncio.sleep(0.01)
    draft = await sync_to_async(compositions.create_draft)(
        actor, compositions.Composition(parts=(compositions.PartContent(text="Tepat waktu"),))
    )
    whole = await sync_to_async(compositions.one_draft)(actor, draft.id)
    await sync_to_async(schedule.schedule)(actor, whole, ["kopi"], clock.now())
    pump = Dispatcher(DeliverySource(client))
    running = asyncio.create_task(pump.run())
    try:
        while not await rows(Delivery, state="published"):  # noqa: ASYNC110 (what is waited for is in the database)
            await asyncio.sleep(0.02)
        assert not hanging.done()
    finally:
        pump.stop()
        await running
        hanging.cancel()
        await asyncio.gather(hanging, return_exceptions=True)
