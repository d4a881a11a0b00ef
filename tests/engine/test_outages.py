"""A network that is out: few try, people are told once, and all of it goes out when the network is back. And what a wave costs."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from asgiref.sync import sync_to_async
from django.db import connection, transaction

from kicau.base import clock
from kicau.channels import actions as channels
from kicau.connector import errors
from kicau.engine.dispatcher import Capacity
from kicau.notifications.models import Notification
from kicau.publishing.delivery import outages, outcomes
from kicau.publishing.delivery.delivery_worker import DeliverySource
from kicau.publishing.delivery.lateness import delivery_health
from kicau.publishing.models import Attempt, Delivery, Outage
from kicau.workspaces import webhooks
from kicau.workspaces.models import WebhookEvent

pytestmark = pytest.mark.django_db(transaction=True)
NOWHERE = {"api": "http://127.0.0.1:9"}


async def point_at(endpoints):
    app = await sync_to_async(channels.app_for)("stranger")
    await sync_to_async(channels.register_app)("stranger", app.client_id, app.client_secret, endpoints=endpoints)


async def test_while_a_network_is_out_few_try_people_hear_of_it_once_and_then_the_oldest_goes_first(
    post, shop, state, network, actor, monkeypatch
):
    monkeypatch.setattr(outcomes, "MAX_RETRY_DELAY_SECONDS", 0.5)
    monkeypatch.setattr(outages, "MAX_PROBE_INTERVAL_SECONDS", 0.2)
    await sync_to_async(webhooks.add_webhook)(
        actor, "https://hooks.example/", ["network.unreachable", "delivery.failed"]
    )
    await point_at(NOWHERE)
    rows = [await sync_to_async(post)(f"nomor {n:02}", to=("ana", "budi")[n % 2]) for n in range(30)]
    await shop.work(lambda: Outage.objects.filter(ended_at=None, rounds__gte=2).exists())
    tried = await Attempt.objects.acount()
    assert tried < len(rows)  # the others wait without having been tried
    assert await Notification.objects.acount() == 0  # a short one is no news
    await Outage.objects.aupdate(began_at=clock.now() - timedelta(seconds=61), until=clock.now())
    await shop.work(lambda: Outage.objects.filter(told_at__isnull=False, rounds__gte=4).exists())
    assert (await Notification.objects.acount(), await WebhookEvent.objects.acount()) == (1, 1)
    assert not await Delivery.objects.filter(state="failed").aexists()

    await point_at(network.endpoints())
    await Outage.objects.aupdate(until=clock.now())
    await shop.work(lambda: all(state(row) == "published" for row in rows), per_lane=1)
    assert (await Notification.objects.acount(), await Outage.objects.filter(ended_at=None).acount()) == (1, 0)
    for name, mine in (("ana", range(0, 30, 2)), ("budi", range(1, 30, 2))):
        said = [p.text for p in network.public_posts() if p.account == name]
        assert said == [f"nomor {n:02}" for n in mine]  # the longest due first


def test_what_waits_for_a_network_that_is_out_is_not_late(post, pair):
    row, long_ago = post("menunggu"), clock.now() - timedelta(hours=1)
    Delivery.objects.filter(id=row.id).update(due_at=long_ago, next_at=long_ago)
    assert delivery_health().late == 1
    out = Outage.objects.create(app=pair[0].app, host=pair[0].host, until=clock.now() - timedelta(seconds=1))
    assert delivery_health().late == 0
    out.ended_at = clock.now()
    out.save()
    assert delivery_health().late == 1


@pytest.mark.parametrize("lasts", [timedelta(0), 2 * outcomes.GIVE_UP_AFTER])
async def test_what_is_in_doubt_keeps_its_own_next_look_while_its_network_is_out(post, client, lasts):
    for n in range(outages.MIN_FAILED_TRIES + 1):
        await sync_to_async(post)(f"nomor {n}")
    known, now, work = outages.OutageTracker(), clock.now(), DeliverySource(client)
    await sync_to_async(work.look)()
    taken = await sync_to_async(work.claim)("one", Capacity({"stranger": 100}, per_lane=50))
    items = [replace(item, due_at=now - lasts, tries=3) for item in taken]
    reported = [
        outcomes.network_unavailable(item, "find" if n else "publish", "Stranger", errors.Unavailable("down"))
        for n, item in enumerate(items)
    ]
    app = await sync_to_async(channels.app_for)("stranger")
    for outcome in reported:
        outcome.app_id = app.id
    waits = [outcome.next_at for outcome in reported]
    await sync_to_async(transaction.atomic(known.note))(reported)
    if lasts:
        await Outage.objects.aupdate(began_at=now - lasts)
        await sync_to_async(transaction.atomic(known.note))(reported)
    assert await Outage.objects.filter(ended_at=None).acount() == 1
    assert [outcome.next_at for outcome in reported[1:]] == waits[1:]
    assert reported[0].next_at < waits[0]
    assert {outcome.outcome for outcome in reported[1:]} == {"unavailable"}, "it may be out"
    assert reported[0].outcome == ("given-up" if lasts else "unavailable")


async def test_a_wave_costs_as_many_queries_as_a_single_delivery(post, client):
    work, counts = DeliverySource(client), []

    def counted(call, *args):
        made = []
        with connection.execute_wrapper(lambda run, *how: (made.append(how[0]), run(*how))[1]):
            result = call(*args)
        counts.append(len(made))
        return result

    for size in (1, 40):
        for n in range(size):
            await sync_to_async(post)(f"gelombang {size}, nomor {n}", to=("ana", "budi")[n % 2])
        await sync_to_async(work.look)()
        items = await sync_to_async(counted)(work.claim, "one", Capacity({"stranger": 100}, per_lane=50))
        assert len(items) == size
        settled = [await work.step(item) for item in items]
        await sync_to_async(counted)(work.settle, "one", settled)
    claim, settle, claim_many, settle_many = counts
    assert claim_many + settle_many <= claim + settle + 2 <= 16, (
        counts
    )  # forty times the work, but what is kept in mind for a while
    assert await Delivery.objects.filter(state="published").acount() == 41
