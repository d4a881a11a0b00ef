"""A reading that is put off is told in one sentence, loses nothing, and is made when it can be."""

from __future__ import annotations

from datetime import timedelta

import pytest
from asgiref.sync import sync_to_async

from kicau.base import clock
from kicau.channels import rate_limit_backoff
from kicau.channels.models import Channel, NetworkApp
from kicau.connector.sandbox.server import OrderedFault
from kicau.connector.transport.rate_limit_headers import RateAllowance
from kicau.costs import pricing
from kicau.costs.models import OperatorPriceList
from kicau.sync import poller, sync_settings
from kicau.sync.models import Comment, SyncProgress
from kicau.sync.tests.conftest import BILLS
from kicau.sync.tests.test_poller import rows, switch_on

pytestmark = pytest.mark.django_db(transaction=True)
REFUSES = """[[list]]
name = "narrow"
since = 2026-01-01
source = "test"
currency = "USD"
prices = {}
refuses = ["post-read"]
"""


async def begin(actor, client, say, go):
    """Reading is on, was made once, and somebody has said something since; the next one is due."""
    await switch_on(actor)
    await poller.fetch_due(client)
    await say("kabar", "Halo @kopisenja")
    go(minutes=6)


async def kopi(pair):
    return (await rows(SyncProgress, channel=pair["kopi"].id))[0]


async def told(actor):
    return await sync_to_async(sync_settings.sync_option)(actor, BILLS)


async def test_a_network_that_asks_to_wait_is_asked_when_it_said(actor, pair, client, go, server, say):
    await begin(actor, client, say, go)
    server.faults.append(OrderedFault(effect="rate-limit", seconds=900, method="GET", path="mentions", times=2))
    await poller.fetch_due(client)
    standing = await kopi(pair)
    assert standing.reason.startswith(
        "X asked Kicau to stop checking the comments, replies and statistics of your posts until"
    )
    assert timedelta(minutes=14) < standing.next_at - clock.now() < timedelta(minutes=17)
    assert standing in (await told(actor)).waiting
    go(minutes=6)
    asked = len(server.requests)
    await poller.fetch_due(client)
    assert len(server.requests) == asked
    go(minutes=12)
    await poller.fetch_due(client)
    assert [a.text for a in await rows(Comment, channel=pair["kopi"].id)] == ["Halo @kopisenja"]
    assert (await kopi(pair)).reason == ""


async def test_a_permission_that_is_missing_ends_no_channel_and_is_asked_again_much_later(
    actor, pair, client, go, server, say
):
    await begin(actor, client, say, go)
    for account in pair.values():  # no refresh token: a person has to connect again
        row = await Channel.objects.aget(id=account.id)
        row.credentials = {**row.credentials, "refresh_token": ""}
        await row.asave(update_fields=["credentials"])
    server.faults.append(OrderedFault(effect="status", status=401, text="{}", method="GET", path="mentions", times=2))
    await poller.fetch_due(client)
    standing = await kopi(pair)
    assert standing.reason.startswith(
        "X does not let Kicau monitor the comments, replies and statistics of this channel"
    )
    assert standing.reason.endswith("Reconnect the channel and allow this access when the network asks for it.")
    assert {c.state for c in await rows(Channel)} == {"active"}
    assert standing in (await told(actor)).waiting
    go(minutes=30)
    assert await poller.fetch_due(client) == 0


async def test_a_fresh_token_that_is_refused_too_is_not_renewed_again_and_again(actor, pair, client, go, server, say):
    await begin(actor, client, say, go)
    server.faults.append(OrderedFault(effect="status", status=401, text="{}", method="GET", path="mentions", times=-1))
    await poller.fetch_due(client)
    assert (
        await kopi(pair)
    ).reason == "X did not let Kicau access this channel, so Kicau renewed its access. You do not need to do anything."
    await SyncProgress.objects.all().aupdate(reason="In other words.", said=[])  # what is known is no matter of words
    for _ in range(5):
        go(minutes=2)
        await poller.fetch_due(client)
    assert (await kopi(pair)).reason.startswith(
        "X does not let Kicau monitor the comments, replies and statistics of this channel"
    )
    assert {c.state for c in await rows(Channel)} == {"active"}
    renewals = [one for one in server.requests if one["path"].startswith("/2/oauth2/token")]
    assert len(renewals) == 2 + 2  # two channels signed in, and each was renewed once
    server.faults.clear()
    go(hours=7)
    for _ in range(3):
        await poller.fetch_due(client)
        go(minutes=2)
    assert [a.text for a in await rows(Comment, channel=pair["kopi"].id)] == ["Halo @kopisenja"]


async def test_near_the_end_of_an_allowance_nothing_is_read_and_the_page_says_until_when(
    actor, pair, client, go, server, say
):
    await begin(actor, client, say, go)
    channel = (await rows(Channel, id=pair["kopi"].id))[0]
    await sync_to_async(rate_limit_backoff.store_pauses)(
        channel, [RateAllowance(used=80, until=clock.now() + timedelta(minutes=20))]
    )
    await poller.fetch_due(client)
    assert not await rows(Comment, channel=pair["kopi"].id)
    assert [c.key for c in (await told(actor)).kept_back] == ["kopi"]
    go(minutes=21)
    await poller.fetch_due(client)
    assert [a.text for a in await rows(Comment, channel=pair["kopi"].id)] == ["Halo @kopisenja"]
    assert not (await told(actor)).kept_back


async def test_a_plan_without_reading_asks_nothing_and_goes_on_with_one_that_has_it(
    actor, pair, client, go, server, say
):
    await begin(actor, client, say, go)
    await OperatorPriceList.objects.acreate(network=BILLS, toml=REFUSES)
    pricing.clear_cache()
    before = await NetworkApp.objects.aget(network=BILLS)
    await NetworkApp.objects.filter(network=BILLS).aupdate(plan="narrow")
    asked = len(server.requests)
    await poller.fetch_due(client)
    assert len(server.requests) == asked
    standing = await kopi(pair)
    assert (
        standing.reason
        == "Your X plan does not include monitoring the comments, replies and statistics of your posts (post-read). To continue monitoring, switch to a plan that includes it."
    )
    await NetworkApp.objects.filter(network=BILLS).aupdate(plan=before.plan)
    go(hours=6, minutes=1)
    for _ in range(2):  # the token ended meanwhile and is renewed
        await poller.fetch_due(client)
        go(minutes=2)
    await poller.fetch_due(client)
    assert [a.text for a in await rows(Comment, channel=pair["kopi"].id)] == ["Halo @kopisenja"]


async def test_without_a_price_list_in_force_it_is_said_so(actor, pair):
    await NetworkApp.objects.filter(network=BILLS).aupdate(plan="nowhere")
    found = await told(actor)
    assert (found.costs, found.is_listed, found.estimate.currency) == (True, False, "")


async def test_what_costs_asks_does_not_grow_with_the_networks(actor, pair):
    await sync_to_async(_same_number)(actor, pair)


def _same_number(actor, pair):
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    with CaptureQueriesContext(connection) as one:
        sync_settings.sync_options(actor)
    for slug in sync_settings.readable_networks():
        if slug != BILLS:
            app = NetworkApp.objects.create(network=slug, client_id="id", client_secret="secret")
            Channel.objects.create(
                workspace=actor.workspace,
                network=slug,
                app=app,
                key=slug,
                account_id="1",
                handle="a",
                name="A",
                credentials={},
            )
    with CaptureQueriesContext(connection) as many:
        assert len(sync_settings.sync_options(actor)) > 2
    assert len(many) == len(one)
