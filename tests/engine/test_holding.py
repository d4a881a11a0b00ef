"""What a worker holds: nothing that it cannot write holds up the rest, and it sends only what is surely its own."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
from asgiref.sync import sync_to_async
from django.db import OperationalError, connection
from structlog.testing import capture_logs

from kicau.base import clock
from kicau.channels.models import Channel
from kicau.connector import errors
from kicau.connector.content import PublishedPost
from kicau.connector.sandbox.server import OrderedFault
from kicau.engine import dispatcher
from kicau.engine.dispatcher import Dispatcher
from kicau.engine.periodic_tasks import PeriodicTask, run_tasks
from kicau.publishing.delivery import delivery_worker, outcomes, send_intents
from kicau.publishing.delivery.delivery_worker import DeliverySource
from kicau.publishing.models import Attempt, Delivery
from tests.engine.conftest import claimed
from tests.stranger.connector import Stranger

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _soon(monkeypatch):
    monkeypatch.setattr(outcomes, "LOOKUP_DELAY", timedelta(seconds=0.5))


def texts(network):
    return [p.text for p in network.public_posts()]


@pytest.mark.parametrize("said", ["\x00", "\ud83d", object(), 1j])
async def test_an_outcome_that_cannot_be_written_holds_up_no_other(post, shop, state, network, monkeypatch, said):
    original = Stranger.publish

    async def publish(self, session, delivery):
        result = await original(self, session, delivery)
        if "aneh" in delivery.post.parts[0].text:
            return PublishedPost(ids=result.ids, url=result.url, at=result.at, raw={"said": said})
        return result

    monkeypatch.setattr(Stranger, "publish", publish)
    odd = await sync_to_async(post)("jawaban aneh")
    plain = [await sync_to_async(post)(f"biasa {n}", to="budi") for n in range(3)]
    await shop.work(lambda: state(odd) == "parked" and all(state(row) == "published" for row in plain))
    assert sorted(texts(network)) == ["biasa 0", "biasa 1", "biasa 2", "jawaban aneh"]
    assert (await Delivery.objects.aget(id=odd.id)).broken_at is not None  # a retry looks it up first


async def test_what_a_network_says_in_no_known_writing_is_written_down_all_the_same(post, shop, state, network):
    network.faults.append(
        OrderedFault(effect="status-after", status=502, text="\x00 oh \x00", method="POST", path="^/posts")
    )
    row = await sync_to_async(post)("halo")
    await shop.work(lambda: state(row) == "published")
    assert texts(network) == ["halo"]


async def test_a_late_outcome_does_not_touch_a_later_claim_of_the_same_worker(post, client):
    row = await sync_to_async(post)("diambil dua kali")
    work = DeliverySource(client)
    first = (await claimed(work, "same"))[0]
    await Delivery.objects.filter(id=row.id).aupdate(lease_until=first.begun_at)  # the database was away for that long
    second = (await claimed(work, "same"))[0]
    await sync_to_async(work.settle)("same", [outcomes.post_rejected(first, "publish", errors.Rejected())])
    fresh = await Delivery.objects.aget(id=row.id)
    assert (fresh.standing, fresh.begun_at, fresh.worker) == ("publishing", second.begun_at, "same")
    await sync_to_async(work.settle)("same", [outcomes.post_rejected(second, "find", errors.Rejected())])
    assert (await Delivery.objects.aget(id=row.id)).state == "failed"


async def test_a_worker_that_stood_still_sends_nothing(post, client, network, monkeypatch):
    await sync_to_async(post)("tertidur")
    work = DeliverySource(client)
    item = (await claimed(work, "asleep"))[0]
    mark, at = work._held[item.id]
    work._held[item.id] = (mark, at - (delivery_worker.CLAIM_LEASE - outcomes.LOOKUP_DELAY).total_seconds() - 1)
    outcome = await work.step(item)
    assert (outcome.outcome, outcome.broken_at, outcome.calls, texts(network)) == ("waiting", None, [], [])
    await sync_to_async(work.renew)("asleep", [item.id])
    assert (await work.step(item)).outcome == "published"


async def test_a_worker_that_lost_the_lease_sends_nothing_however_often_it_renews(post, client, network):
    row = await sync_to_async(post)("diambil orang")
    work = DeliverySource(client)
    item = (await claimed(work, "slow"))[0]
    await Delivery.objects.filter(id=row.id).aupdate(lease_until=item.begun_at)
    await claimed(DeliverySource(client), "quick")
    work._held[item.id] = (item.begun_at, 0.0)
    await sync_to_async(work.renew)("slow", [item.id])
    assert (await work.step(item)).outcome == "waiting"
    assert texts(network) == []


async def test_after_an_outage_what_was_done_is_written_before_it_could_be_claimed_again(
    post, shop, state, network, monkeypatch
):
    monkeypatch.setattr(dispatcher, "CLAIM_LEASE", timedelta(seconds=0.6))
    monkeypatch.setattr(delivery_worker, "CLAIM_LEASE", timedelta(seconds=0.6))
    monkeypatch.setattr(dispatcher, "RENEW_INTERVAL_SECONDS", 0.2)
    monkeypatch.setattr(outcomes, "LOOKUP_DELAY", timedelta(seconds=0.1))
    row = await sync_to_async(post)("sudah terkirim")
    away = asyncio.Event()

    def breaks(name):
        original = getattr(DeliverySource, name)

        def call(self, *args):
            if away.is_set():
                raise OperationalError("the database is away")
            return original(self, *args)

        monkeypatch.setattr(DeliverySource, name, call)

    for name in ("claim", "settle", "renew"):
        breaks(name)
    original = Stranger.publish

    async def publish(self, session, delivery):
        result = await original(self, session, delivery)
        away.set()
        asyncio.get_running_loop().call_later(1.2, away.clear)
        return result

    monkeypatch.setattr(Stranger, "publish", publish)
    await shop.work(lambda: state(row) == "published")
    assert texts(network) == ["sudah terkirim"]
    assert [a.did async for a in Attempt.objects.filter(delivery=row)] == ["publish"]


async def test_a_worker_that_can_no_longer_renew_ends_instead_of_going_on(client, post, monkeypatch):
    def renew(self, ids):
        raise ZeroDivisionError("a fault of ours")

    monkeypatch.setattr(Dispatcher, "_renew", renew)
    monkeypatch.setattr(dispatcher, "RENEW_INTERVAL_SECONDS", 0.05)
    with pytest.raises(ZeroDivisionError):
        await asyncio.wait_for(Dispatcher(DeliverySource(client)).run(), 60)


async def test_a_step_that_keeps_breaking_off_is_taken_later_and_later_and_then_told(post, client, network):
    """A network that answers every try with 503 would otherwise be asked, and paid, each half minute for ever."""
    row = await sync_to_async(post)("tidak pernah sampai")
    network.faults.append(OrderedFault(effect="status", status=503, method="POST", path="^/posts", times=-1))
    work, waits = DeliverySource(client), []
    for _ in range(6):
        for _ in ("publish", "find"):
            await Delivery.objects.filter(id=row.id).aupdate(next_at=clock.now() - timedelta(seconds=60))
            item = (await claimed(work, "w"))[0]
            if item.broken_at:
                item = replace(item, broken_at=item.broken_at - timedelta(seconds=60))
            await sync_to_async(work.settle)("w", [await work.step(item)])
        waits.append((await Delivery.objects.aget(id=row.id)).next_at - clock.now())
    assert all(wait <= timedelta(0) for wait in waits[:2])
    assert timedelta(seconds=30) < waits[-1] < timedelta(seconds=64)
    ago = clock.now() - timedelta(hours=2)
    await Attempt.objects.abulk_create(
        [Attempt(delivery=row, did="publish", outcome="uncertain", at=ago) for _ in range(200)]
    )
    await Delivery.objects.filter(id=row.id).aupdate(
        due_at=clock.now() - timedelta(hours=25), broken_at=ago, next_at=ago
    )
    item = (await claimed(work, "w"))[0]
    await sync_to_async(work.settle)("w", [await work.step(item)])
    fresh = await Delivery.objects.aget(id=row.id)
    assert (fresh.state, "returned an error to every publishing attempt for a" in fresh.reason) == ("failed", True)


async def test_a_token_refused_while_the_database_is_away_costs_no_delivery_its_lane(
    post, shop, state, network, monkeypatch
):
    original, away = delivery_worker.token_refresh.refresh_channel, [True]

    async def refresh(*args, **how):
        if away.pop() if away else False:
            raise OperationalError("the database is away")
        return await original(*args, **how)

    monkeypatch.setattr(delivery_worker.token_refresh, "refresh_channel", refresh)
    network.faults.append(OrderedFault(effect="revoke-token", method="POST", path="^/posts"))
    rows = [await sync_to_async(post)(f"nomor {n}") for n in range(3)]
    await shop.work(lambda: all(state(row) == "published" for row in rows))
    assert sorted(texts(network)) == [f"nomor {n}" for n in range(3)]
    assert away == []


async def test_a_database_that_was_restarted_costs_no_delivery_its_way(post, client, network, monkeypatch):
    """A step asks it from the loop (what a medium is marked with, say): its connection is broken, and is made anew."""
    original = Stranger.publish

    async def publish(self, session, delivery):
        assert await Channel.objects.acount()
        return await original(self, session, delivery)

    monkeypatch.setattr(Stranger, "publish", publish)
    await sync_to_async(post)("sesudah")
    work = DeliverySource(client)
    item = (await claimed(work, "steady"))[0]
    await sync_to_async(restart)()
    outcome = await work.step(item)
    assert (outcome.outcome, outcome.state, outcome.broken_at, texts(network)) == ("waiting", "publishing", None, [])
    assert (await work.step(item)).outcome == "published"
    assert texts(network) == ["sesudah"]


async def test_a_chore_goes_on_after_the_database_was_restarted(client):
    counted, enough = [], asyncio.Event()

    async def count() -> int:
        counted.append(await Channel.objects.acount())
        if len(counted) > 2:
            enough.set()
        return 0

    await count()
    await sync_to_async(restart)()
    keeping = asyncio.create_task(run_tasks([PeriodicTask(name="count", every=0.05, run=count)]))
    try:
        with capture_logs() as told:
            await asyncio.wait_for(enough.wait(), 60)
    finally:
        keeping.cancel()
        await asyncio.gather(keeping, return_exceptions=True)
    assert [line["event"] for line in told] == ["a chore failed"]


def restart() -> None:
    """As a restart of PostgreSQL looks to a connection that was open meanwhile."""
    with pytest.raises(OperationalError), connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")


async def test_a_step_that_died_before_it_said_that_it_sends_is_taken_again_where_nobody_can_be_asked(
    post, client, network, monkeypatch
):
    monkeypatch.setattr(Stranger, "can_verify_posts", False)
    row = await sync_to_async(post)("tak bisa ditanya")
    dies = DeliverySource(client)
    item = (await claimed(dies, "dies"))[0]  # and dies here: it has sent nothing
    await Delivery.objects.filter(id=row.id).aupdate(lease_until=item.begun_at)
    again = DeliverySource(client)
    item = (await claimed(again, "again"))[0]
    assert item.broken_at is None
    late = await dies.step(replace(item, begun_at=item.begun_at - timedelta(seconds=1)))
    assert (late.outcome, texts(network)) == (
        "waiting",
        [],
    )  # a claim that is over sends nothing, however late it wakes
    await again.step(item)  # and dies there: it has said so, and what it did is not written
    assert texts(network) == ["tak bisa ditanya"]
    await Delivery.objects.filter(id=row.id).aupdate(lease_until=item.begun_at)
    third = (await claimed(DeliverySource(client), "third"))[0]
    assert third.broken_at == item.begun_at
    await dies.close()
    await again.close()


async def test_nothing_leaves_while_the_database_cannot_note_it(post, client, network, monkeypatch):
    monkeypatch.setattr(Stranger, "can_verify_posts", False)
    await sync_to_async(post)("menunggu")
    work = DeliverySource(client)
    item = (await claimed(work, "alone"))[0]
    monkeypatch.setattr(send_intents, "RECORD_SEND_INTENT_SQL", "SELECT 1 / 0")
    outcome = await work.step(item)
    assert (outcome.outcome, outcome.broken_at, texts(network)) == ("waiting", None, [])
    await work.close()
