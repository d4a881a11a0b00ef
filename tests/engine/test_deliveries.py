"""Never late, never lost, never twice: the engine over real PostgreSQL and a real network on loopback."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from asgiref.sync import sync_to_async

from kicau.base import clock
from kicau.base.errors import Conflict, ValidationFailed
from kicau.channels import actions as channels
from kicau.channels.models import Channel
from kicau.connector import errors
from kicau.connector.content import Problem
from kicau.connector.sandbox.server import OrderedFault
from kicau.costs.models import Charge
from kicau.publishing.delivery import delivery_worker, outcomes
from kicau.publishing.models import Attempt, Delivery
from kicau.publishing.scheduling import actions
from tests.engine.conftest import claimed
from tests.stranger import connector

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _soon(monkeypatch):
    """The stranger's requests give up after 2 s, so a lost one may be looked up after that."""
    monkeypatch.setattr(outcomes, "LOOKUP_DELAY", timedelta(seconds=0.5))
    monkeypatch.setattr(outcomes, "MAX_RETRY_DELAY_SECONDS", 0.5)


def texts(network):
    return [p.text for p in network.public_posts()]


async def test_goes_out_at_its_second_with_story_and_charge(post, shop, state, network, actor):
    row = await sync_to_async(post)("halo dunia", after=0.7)
    await shop.work(lambda: state(row) == "published")
    row = await sync_to_async(actions.one_delivery)(actor, row.id)
    assert texts(network) == ["halo dunia"]
    assert row.late_ms >= 0, "never before its second; how long after it is measured by bench/lateness.py"
    story = await sync_to_async(actions.attempt_log)(actor, row)
    assert [a.outcome for a in story] == ["published"]
    charge = await Charge.objects.aget(delivery_id=row.id)
    assert (charge.meter, charge.units, charge.micro, charge.currency) == ("post", 1, 15_000, "USD")


async def test_an_address_that_is_no_page_is_not_stored(post, shop, state, monkeypatch):
    told = connector.PublishedPost
    monkeypatch.setattr(connector, "PublishedPost", lambda **facts: told(**{**facts, "url": "javascript:alert(1)"}))
    row = await sync_to_async(post)("halo dunia")
    await shop.work(lambda: state(row) == "published")
    assert (await Delivery.objects.aget(id=row.id)).url == ""


async def test_a_thread_goes_part_by_part_each_once(post, shop, state, network):
    row = await sync_to_async(post)("satu", "dua", "tiga", "empat", "lima")
    await shop.work(lambda: state(row) == "published")
    assert texts(network) == ["satu", "dua", "tiga", "empat", "lima"]


@pytest.mark.parametrize("effect", ["drop", "drop-after", "status-after", "malformed", "truncate"])
async def test_a_lost_answer_is_looked_up_and_never_repeated_blindly(post, shop, state, network, effect):
    network.faults.append(OrderedFault(effect=effect, method="POST", path="^/posts", status=503, skip=1))
    row = await sync_to_async(post)("satu", "dua", "tiga")
    await shop.work(lambda: state(row) == "published")
    assert texts(network) == ["satu", "dua", "tiga"]
    assert "find" in [a.did async for a in Attempt.objects.filter(delivery=row)]


DUPLICATE = Problem(code="duplicate", message="It says the same as the one before.")


async def test_a_duplicate_of_its_own_lost_try_is_looked_up(post, shop, state, network, monkeypatch):
    """The first request is carried out after it was looked for; the second is refused for that."""
    network.faults.append(OrderedFault(effect="drop", method="POST", path="^/posts"))
    row = await sync_to_async(post)("datang terlambat")
    original = connector.Stranger.publish
    refusals = 0

    async def publish(self, session, delivery):
        nonlocal refusals
        if not await Attempt.objects.filter(delivery=row, outcome="not-found").aexists():
            return await original(self, session, delivery)
        doc = {"id": "x1", "account": "ana", "at": network.now().isoformat(), "text": "datang terlambat"}
        network.store.put("post", "x1", doc)
        network.store.put("tag", f"{row.key}-0", {"id": "x1"})
        refusals += 1
        raise errors.Rejected(DUPLICATE)

    monkeypatch.setattr(connector.Stranger, "publish", publish)
    await shop.work(lambda: state(row) in ("published", "failed"))
    assert (await sync_to_async(state)(row), refusals, texts(network)) == ("published", 1, ["datang terlambat"])


async def test_a_duplicate_of_another_post_is_refused_in_the_end(post, shop, state, network, monkeypatch):
    network.faults.append(OrderedFault(effect="drop", method="POST", path="^/posts"))
    row = await sync_to_async(post)("sudah ada")
    original = connector.Stranger.publish

    async def publish(self, session, delivery):
        if not await Attempt.objects.filter(delivery=row, outcome="not-found").aexists():
            return await original(self, session, delivery)
        raise errors.Rejected(DUPLICATE)

    monkeypatch.setattr(connector.Stranger, "publish", publish)
    await shop.work(lambda: state(row) == "failed")
    assert "the same as the one before" in (await Delivery.objects.aget(id=row.id)).reason


async def test_a_dead_workers_step_is_looked_up_when_its_lease_is_over(post, shop, state, network):
    row = await sync_to_async(post)("dari worker yang mati")
    # A worker that was killed after its request had been taken: the row says "begun", nothing more.
    network.store.put(
        "post", "x1", {"id": "x1", "account": "ana", "at": network.now().isoformat(), "text": "dari worker yang mati"}
    )
    network.store.put("tag", f"{row.key}-0", {"id": "x1"})
    ago = clock.now() - timedelta(seconds=40)
    await Delivery.objects.filter(id=row.id).aupdate(
        state="publishing", begun_at=ago, worker="gone", lease_until=ago + delivery_worker.CLAIM_LEASE
    )
    await shop.work(lambda: state(row) == "published")
    assert texts(network) == ["dari worker yang mati"]


async def test_a_living_workers_lease_is_respected(post, shop, state, network):
    row, other = await sync_to_async(post)("milik worker lain"), await sync_to_async(post)("bebas", to="budi")
    now = clock.now()
    await Delivery.objects.filter(id=row.id).aupdate(
        state="publishing", begun_at=now, worker="other", lease_until=now + delivery_worker.CLAIM_LEASE
    )
    await shop.work(lambda: state(other) == "published")
    await asyncio.sleep(0.3)
    assert texts(network) == ["bebas"]


async def test_who_lost_the_lease_lost_the_word(post, client, actor):
    row = await sync_to_async(post)("terlambat melapor")
    work = delivery_worker.DeliverySource(client)

    item = (await claimed(work, "slow"))[0]
    await Delivery.objects.filter(id=row.id).aupdate(worker="quick")
    outcome = outcomes.post_rejected(item, "publish", errors.Rejected())
    await sync_to_async(work.settle)("slow", [outcome])
    fresh = await Delivery.objects.aget(id=row.id)
    assert (fresh.state, fresh.standing, fresh.worker) == ("scheduled", "publishing", "quick")


@pytest.mark.parametrize("others", ["are waiting", "are looking", "have asked a person"])
async def test_a_late_report_ends_the_doubt_about_its_step(post, client, actor, network, others):
    row = await sync_to_async(post)("lama diam")
    slow, quick = delivery_worker.DeliverySource(client), delivery_worker.DeliverySource(client)
    item = (await claimed(slow, "slow"))[0]
    report = await slow.step(item)  # and then it stands still until its lease is over
    await Delivery.objects.filter(id=row.id).aupdate(lease_until=item.begun_at)
    doubted = (await claimed(quick, "quick"))[0]
    assert doubted.broken_at == item.begun_at
    lost = outcomes.outcome_uncertain(doubted, "find", "Stranger", errors.Uncertain("gone"), False, item.begun_at)
    theirs = lost if others == "have asked a person" else await quick.step(doubted)
    if others != "are looking":
        await sync_to_async(quick.settle)("quick", [theirs])
    await sync_to_async(slow.settle)("slow", [report])
    if others == "are looking":
        await sync_to_async(quick.settle)("quick", [theirs])
    fresh = await Delivery.objects.aget(id=row.id)
    assert (fresh.state, fresh.remote_ids, fresh.broken_at) == ("published", list(report.published.ids), None)
    assert texts(network) == ["lama diam"]


async def test_a_late_report_changes_nothing_once_the_step_was_taken_again(post, client, actor):
    row = await sync_to_async(post)("dikirim lagi")
    slow, quick = delivery_worker.DeliverySource(client), delivery_worker.DeliverySource(client)
    item = (await claimed(slow, "slow"))[0]
    report = await slow.step(item)
    await Delivery.objects.filter(id=row.id).aupdate(lease_until=item.begun_at)
    doubted = (await claimed(quick, "quick"))[0]
    await sync_to_async(quick.settle)("quick", [outcomes.step_succeeded(doubted, "find", None, "Stranger")])
    again = (await claimed(quick, "quick"))[0]
    await sync_to_async(slow.settle)("slow", [report])
    fresh = await Delivery.objects.aget(id=row.id)
    assert (fresh.state, fresh.begun_at, fresh.worker) == ("publishing", again.begun_at, "quick")


async def test_a_limit_lets_the_channel_wait_and_delays_no_other(post, shop, state, network):
    network.faults.append(OrderedFault(effect="rate-limit", seconds=3600, method="POST", path="^/posts"))
    first = await sync_to_async(post)("dibatasi", to="ana")
    await shop.work(lambda: Channel.objects.filter(key="ana", paused_until__gt=clock.now()).exists())
    second = await sync_to_async(post)("juga menunggu", to="ana")
    other = await sync_to_async(post)("tidak terganggu", to="budi")
    await shop.work(lambda: state(other) == "published")
    assert texts(network) == ["tidak terganggu"]
    assert {await sync_to_async(state)(first), await sync_to_async(state)(second)} <= {"publishing", "scheduled"}
    until = (await Channel.objects.aget(key="ana")).paused_until
    assert timedelta(minutes=59) < until - clock.now() <= timedelta(minutes=60)


async def test_a_slow_channel_delays_no_other(post, shop, state, network):
    network.faults.append(OrderedFault(effect="slow", seconds=1.5, method="POST", path="^/posts", times=4))
    slow = [await sync_to_async(post)(f"lambat {n}", to="ana") for n in range(6)]
    quick = await sync_to_async(post)("cepat", to="budi", after=0.6)
    await shop.work(lambda: state(quick) == "published")
    quick = await Delivery.objects.aget(id=quick.id)
    assert quick.late_ms < 1000
    await shop.work(lambda: all(state(row) == "published" for row in slow))
    assert len(texts(network)) == 7


async def test_a_refused_token_is_renewed_and_the_step_taken_again(post, shop, state, network):
    network.faults.append(OrderedFault(effect="revoke-token", method="POST", path="^/posts"))
    row = await sync_to_async(post)("token baru")
    await shop.work(lambda: state(row) == "published")
    assert texts(network) == ["token baru"]


async def test_a_dead_permission_keeps_the_queue_and_a_reconnect_goes_on(
    post, shop, state, network, actor, client, pair
):
    for kind in ("refresh", "token"):
        for key in list(network.store._docs.get(kind, {})):
            network.store.remove(kind, key)
    row = await sync_to_async(post)("menunggu sambungan")
    await shop.work(lambda: Channel.objects.get(key="ana").state == "expired")
    channel = await Channel.objects.aget(key="ana")
    assert "Reconnect this channel" in channel.reason
    assert await sync_to_async(state)(row) != "failed"
    from kicau.connector.contract import consent_at_sandbox

    begun = await channels.begin_sign_in(actor, "stranger", client=client)
    await channels.finish_sign_in(actor, await consent_at_sandbox(client, begun.url, account="ana"), client=client)
    await channels.connect(actor, begun.state, client=client)
    await shop.work(lambda: state(row) == "published")
    assert texts(network) == ["menunggu sambungan"]


async def test_a_network_that_was_out_gets_everything_when_it_is_back(post, shop, state, network):
    network.faults.append(OrderedFault(effect="status", status=503, method="GET", times=0))
    app = await sync_to_async(channels.app_for)("stranger")
    await sync_to_async(channels.register_app)(
        "stranger", app.client_id, app.client_secret, endpoints={"api": "http://127.0.0.1:9"}
    )
    rows = [await sync_to_async(post)(f"nomor {n}", to=("ana", "budi")[n % 2]) for n in range(6)]
    await shop.work(lambda: Attempt.objects.filter(outcome="unavailable").count() >= 6)
    await sync_to_async(channels.register_app)(
        "stranger", app.client_id, app.client_secret, endpoints=network.endpoints()
    )
    await shop.work(lambda: all(state(row) == "published" for row in rows))
    assert sorted(texts(network)) == [f"nomor {n}" for n in range(6)]


async def test_a_refusal_goes_back_to_the_author_in_words(post, shop, state, network, actor):
    network.faults.append(OrderedFault(effect="status", status=422, text="no cats", method="POST", path="^/posts"))
    row = await sync_to_async(post)("kucing")
    await shop.work(lambda: state(row) == "failed")
    row = await sync_to_async(actions.one_delivery)(actor, row.id)
    assert "no cats" in row.reason
    await sync_to_async(actions.retry)(actor, row.id)
    await shop.work(lambda: state(row) == "published")


async def test_a_bug_parks_the_delivery_with_its_traceback_and_looks_before_a_retry(
    post, shop, state, network, actor, monkeypatch
):
    from tests.stranger.connector import Stranger

    original = Stranger.publish

    async def buggy(self, session, delivery):
        await original(self, session, delivery)
        raise ZeroDivisionError("oops")

    monkeypatch.setattr(Stranger, "publish", buggy)
    row = await sync_to_async(post)("ada kutu")
    await shop.work(lambda: state(row) == "parked")
    attempt = await Attempt.objects.filter(delivery=row).alast()
    assert "ZeroDivisionError" in attempt.detail["traceback"]
    assert "ZeroDivision" not in attempt.sentence
    monkeypatch.setattr(Stranger, "publish", original)
    await sync_to_async(actions.retry)(actor, row.id)
    await shop.work(lambda: state(row) == "published")
    assert texts(network) == ["ada kutu"]


async def test_cancel_and_move(post, shop, state, network, actor):
    gone, moved = await sync_to_async(post)("batal", after=1), await sync_to_async(post)("pindah", after=600)
    await sync_to_async(actions.cancel)(actor, gone.id)
    await sync_to_async(actions.reschedule)(actor, moved.id, clock.now() + timedelta(seconds=0.3))
    await shop.work(lambda: state(moved) == "published")
    await asyncio.sleep(0.8)
    assert texts(network) == ["pindah"]
    with pytest.raises(Conflict):
        await sync_to_async(actions.reschedule)(actor, moved.id, clock.now() + timedelta(days=1))
    with pytest.raises(Conflict):
        await sync_to_async(actions.cancel)(actor, moved.id)


async def test_deletes_from_the_network_and_keeps_what_it_knows(post, shop, state, network, actor, client):
    row = await sync_to_async(post)("satu", "dua")
    await shop.work(lambda: state(row) == "published")
    await actions.delete_from_network(actor, row.id, client=client)
    row = await sync_to_async(actions.one_delivery)(actor, row.id)
    assert texts(network) == []
    assert (row.state, len(row.remote_ids)) == ("deleted", 2)


async def test_an_unconnected_channel_takes_nothing_new_and_loses_nothing(post, actor):
    row = await sync_to_async(post)("nanti", after=600)
    await sync_to_async(channels.disconnect)(actor, "ana")
    with pytest.raises(ValidationFailed):
        await sync_to_async(post)("baru", after=600)
    assert await Delivery.objects.filter(id=row.id, state="held", hold="offboarded").aexists()


async def test_two_workers_share_without_doubling(post, shop, state, network):
    rows = [await sync_to_async(post)(f"ke-{n}", to=("ana", "budi")[n % 2]) for n in range(40)]

    def done() -> bool:
        return Delivery.objects.filter(state="published").count() == len(rows)

    await asyncio.gather(shop.work(done), shop.work(done))
    assert sorted(texts(network)) == sorted(f"ke-{n}" for n in range(40))
