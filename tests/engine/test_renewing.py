"""Renewing a permission has a price and stays within its budget: what is held says so, waits, and goes on by itself."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from asgiref.sync import sync_to_async

from kicau.base import clock
from kicau.channels import credential_checks, token_refresh
from kicau.channels.models import Channel
from kicau.cli.core import supervisor
from kicau.connector.sandbox.server import OrderedFault
from kicau.connector.transport import http
from kicau.costs import actions as plans
from kicau.costs.models import Charge, Reservation
from kicau.notifications.models import Notification
from kicau.publishing.models import Delivery
from kicau.workspaces.models import WebhookEvent
from kicau.workspaces.webhooks import add_webhook
from tests.stranger.connector import StrangerAuth

pytestmark = pytest.mark.django_db(transaction=True)
NOT_RENEWED = "Kicau did not renew its access to Ana on Stranger, because the renewal needs 1 and the budget “Renewals” has only 0 renewal of 1 renewal left. Raise the budget so that Kicau can renew the access."


@pytest.fixture
def budget(actor):
    """Makes a hard budget of so many renewals, or changes it."""
    known = []

    def make(amount: int, **more):
        wanted = plans.BudgetValues(name="Renewals", amount=amount, meter="renewal", **{"period": "total", **more})
        known[:] = [plans.set_budget(actor, wanted, budget_id=known[0].id if known else None)]

    return sync_to_async(make)


def asked(network) -> int:
    """Renewals that the network was asked for."""
    return len([one for one in network.requests if one["path"] == "/token"])


async def ana() -> Channel:
    return await Channel.objects.select_related("app").aget(key="ana")


async def due(lasts: timedelta) -> None:
    """Its renewal is due, and its permission lasts so much longer."""
    now = clock.now()
    await Channel.objects.filter(key="ana").aupdate(refresh_at=now - timedelta(seconds=1), token_expires_at=now + lasts)


async def test_a_held_renewal_says_which_budget_and_goes_on_when_it_is_raised(pair, network, client, budget):
    await budget(1)
    await due(timedelta(hours=1))
    before, sent = (await ana()).token_expires_at, asked(network)
    assert await token_refresh.refresh_due(client, "stranger") == 1
    assert asked(network) == sent + 1
    assert (await ana()).token_expires_at > before
    assert [(c.purpose, c.units) async for c in Charge.objects.filter(meter="renewal")] == [("refresh", 1)]

    await due(timedelta(hours=1))
    await token_refresh.refresh_due(client, "stranger")
    row = await ana()
    assert asked(network) == sent + 1
    assert (row.state, row.reason, row.renewal_problem) == ("active", "", NOT_RENEWED)
    [told] = [n async for n in Notification.objects.filter(event="channel.held")]
    assert (told.count, told.details["budget"], told.details["limit"]) == (1, "Renewals", "1 renewal")
    assert not await Reservation.objects.aexists()

    await budget(2)
    with clock.freeze_clock(clock.now() + timedelta(seconds=31)):
        await token_refresh.refresh_due(client, "stranger")
    row = await ana()
    assert asked(network) == sent + 2
    assert (row.state, row.renewal_problem, row.renewal_said) == ("active", "", [])


async def test_a_channel_whose_token_runs_out_meanwhile_is_held_and_not_broken(pair, network, client, budget):
    await budget(0, period="day")
    await due(timedelta(0))
    await token_refresh.refresh_due(client, "stranger")
    row = await ana()
    assert row.state == "held"
    assert row.reason.startswith(
        "Kicau did not renew its access to Ana on Stranger, because the renewal needs 1 and the budget “Renewals” has only 0 renewal of 0 renewal left"
    )
    assert "left. Raise the budget, or wait until the budget resets at" in row.reason
    with clock.freeze_clock(clock.now() + timedelta(seconds=31)):
        await token_refresh.refresh_due(client, "stranger")  # and told once
    assert [n.count async for n in Notification.objects.filter(event="channel.held")] == [1]
    with clock.freeze_clock(clock.now() + timedelta(days=1, seconds=62)):
        await budget(1)
        await token_refresh.refresh_due(client, "stranger")
    row = await ana()
    assert (row.state, row.reason, row.renewal_problem) == ("active", "", "")


async def test_what_is_due_on_a_held_channel_waits_with_its_reason_and_goes_out_when_the_budget_is_raised(
    actor, pair, post, shop, state, network, client, budget
):
    await sync_to_async(add_webhook)(actor, "https://example.org/hook", ["channel.held"])
    await budget(0)
    network.faults.append(OrderedFault(effect="revoke-token", method="POST", path="^/posts"))
    rows = [await sync_to_async(post)(f"nomor {n}") for n in range(3)]
    held = lambda: Channel.objects.get(key="ana").state == "held"  # noqa: E731
    await shop.work(held)
    sent = asked(network)
    waits = await Delivery.objects.aget(id=rows[0].id)
    assert waits.state in ("publishing", "scheduled")
    reasons = {d.reason async for d in Delivery.objects.exclude(reason="")}
    assert any(
        "Stranger did not let Kicau access this channel." in r
        and "budget “Renewals” has only 0 renewal of 0 renewal left" in r
        for r in reasons
    )
    assert await WebhookEvent.objects.filter(event="channel.held").acount() == 1

    await budget(1)
    with clock.freeze_clock(clock.now() + timedelta(seconds=31)):
        await token_refresh.refresh_due(client, "stranger")
    await shop.work(lambda: all(state(row) == "published" for row in rows))
    assert sorted(p.text for p in network.public_posts()) == ["nomor 0", "nomor 1", "nomor 2"]
    assert asked(network) == sent + 1


async def test_a_renewal_ends_with_the_call_that_it_is_in_when_the_worker_is_told_to_stop(
    pair, network, client, monkeypatch
):
    """However many calls a renewal has: the stop waits for one, whose answer is kept, and the next worker goes on."""
    assert http.NETWORK_TIMEOUT_SECONDS + 5 < supervisor.STOP_TIMEOUT_SECONDS
    refresh, looking, go_on = StrangerAuth.refresh, asyncio.Event(), asyncio.Event()

    async def of_two_calls(self, session):
        looking.set()
        await go_on.wait()
        await session.http.call(
            "GET",
            session.app.endpoints["api"] + "/posts",
            headers={"Authorization": f"Bearer {session.credentials.access_token}"},
            params={"tag": ""},
        )
        return await refresh(self, session)

    monkeypatch.setattr(StrangerAuth, "refresh", of_two_calls)
    await due(timedelta(hours=1))
    before, sent = await ana(), asked(network)
    for stops in (True, False):  # before its first call, and then not at all
        looking.clear()
        renewing = asyncio.create_task(token_refresh.refresh_due(client, "stranger"))
        await looking.wait()
        if stops:
            token_refresh.stop_refreshing()
        go_on.set()
        await token_refresh.wait_for_refreshes()
        await renewing
        row = await ana()
        assert asked(network) == sent + (not stops)
        assert (row.credentials == before.credentials) == stops
        assert row.state == "active"
        if stops:
            assert row.refresh_at <= clock.now(), "the next worker renews it at once"


async def test_an_answer_that_comes_after_the_stop_is_kept(pair, network, client):
    network.faults.append(OrderedFault(effect="slow", seconds=0.5, path="^/token$"))
    await due(timedelta(hours=1))
    before, sent = await ana(), asked(network)
    renewing = asyncio.create_task(token_refresh.refresh_due(client, "stranger"))
    while asked(network) == sent:  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    token_refresh.stop_refreshing()
    renewing.cancel()  # as the worker ends its chores
    await token_refresh.wait_for_refreshes()
    assert (await ana()).credentials != before.credentials


async def test_the_check_of_a_token_is_held_like_any_call(actor, pair, network, client, budget):
    wanted = plans.BudgetValues(name="Checks", amount=0, period="total", purpose="refresh")
    await sync_to_async(plans.set_budget)(actor, wanted)
    network.requests.clear()
    told = {one.key: one for one in await credential_checks.check_all_credentials()}
    assert not network.requests
    assert told["ana"].state == "held"
    assert "Kicau sent no request to Stranger: the budget “Checks” has $0.00 of $0.00 left" in told["ana"].says
    assert {c.state async for c in Channel.objects.all()} == {"active"}
