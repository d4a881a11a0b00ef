"""A webhook that tells an id alone: the words are read by it, once, paid for, and within the budgets."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from importlib import import_module
from typing import Any

import pytest
import pytest_asyncio
from asgiref.sync import sync_to_async

from kicau.base import clock
from kicau.base.errors import Conflict
from kicau.channels import actions as channels
from kicau.channels.models import Channel, NetworkApp
from kicau.config.tests.test_told import client, here, rows, taken
from kicau.connector import registry
from kicau.connector.contract import consent_at_sandbox
from kicau.connector.sandbox.server import OrderedFault, start_sandbox
from kicau.costs import actions as plans
from kicau.costs.models import Charge, Reservation
from kicau.inbox import comments
from kicau.sync import fetch_by_id, webhook_subscriptions
from kicau.sync.models import Comment, CommentReference, WebhookSubscription

__all__ = ["client", "here"]
pytestmark = pytest.mark.django_db(transaction=True)
NETWORK = "instagram"


@pytest_asyncio.fixture
async def server(tmp_path) -> AsyncIterator[Any]:
    made = import_module(f"kicau.networks.{NETWORK}.sandbox").Server(folder=tmp_path)
    runner = await start_sandbox(made)
    yield made
    await runner.cleanup()


@pytest_asyncio.fixture
async def told(here, server, actor, client) -> Channel:
    """A channel that signed in with Facebook, of which the network tells."""
    app = server.default_app
    await sync_to_async(channels.register_app)(
        NETWORK, app.client_id, app.client_secret, endpoints=server.endpoints(), is_sandbox=True
    )
    begun = await channels.begin_sign_in(actor, NETWORK, {"login": "facebook"}, client=client)
    await channels.finish_sign_in(actor, await consent_at_sandbox(client, begun.url), client=client)
    made = await channels.connect(actor, begun.state, client=client)
    await sync_to_async(webhook_subscriptions.switch_webhooks)(actor, NETWORK, True)
    await webhook_subscriptions.update_subscriptions(client)
    return min(made, key=lambda c: c.account_id)


async def test_a_mention_s_words_are_read_by_its_id_once(actor, told, server, client):
    before = sum(c.units for c in await rows(Charge, purpose="answers"))
    comment = server.mention(told.account_id, "@kopisenja buka jam berapa? 🙂")
    media = server.mention(told.account_id, "Pagi di @kopisenja", caption=True)
    assert await taken(server) == 2
    assert await rows(Comment) == []
    assert await fetch_by_id.fetch_due(client) == 2
    found = {a.remote_id: a for a in await rows(Comment)}
    assert {key: (a.text, a.handle, a.delivery_id) for key, a in found.items()} == {
        comment: ("@kopisenja buka jam berapa? 🙂", "rini.hartati", None),
        media: ("Pagi di @kopisenja", "rini.hartati", None),
    }
    assert all(a.url.startswith(server.base_url) for a in found.values())
    # under others' media Instagram lets nobody answer from here
    with pytest.raises(Conflict, match="Open the conversation on the network's own website or app to reply"):
        await sync_to_async(comments.begin_reply)(actor, found[comment].id)
    assert sum(c.units for c in await rows(Charge, purpose="answers")) - before == 2
    assert await fetch_by_id.fetch_due(client) == 0
    hook = server.store.get("webhook", NETWORK)
    assert "mentions" in hook["fields"]


async def test_a_budget_holds_it_and_says_so_and_it_is_read_when_there_is_room(actor, told, server, client, go):
    made = await sync_to_async(plans.set_budget)(
        actor, plans.BudgetValues(name="Bacaan", amount=0, meter="calls", period="total", sync_share_percent=100)
    )
    server.mention(told.account_id, "Halo @kopisenja")
    await taken(server)
    server.requests.clear()
    assert await fetch_by_id.fetch_due(client) == 1
    assert not server.requests
    [told_of] = await rows(WebhookSubscription, channel=told)
    assert told_of.reason.startswith(
        "The budget “Bacaan” does not have enough left to monitor the comments, replies and statistics of your posts."
    )
    assert (await rows(CommentReference))[0].next_at is not None
    await sync_to_async(plans.set_budget)(
        actor,
        plans.BudgetValues(name="Bacaan", amount=100, meter="calls", period="total", sync_share_percent=100),
        budget_id=made.id,
    )
    go(minutes=16)
    assert await fetch_by_id.fetch_due(client) == 1
    assert [a.text for a in await rows(Comment)] == ["Halo @kopisenja"]
    assert [s.reason for s in await rows(WebhookSubscription, channel=told)] == [""]
    assert await rows(Reservation) == []


@pytest.mark.parametrize("column", ["leaves_at", "paused_until", "app.paused_until"])
async def test_a_channel_that_may_not_be_used_now_is_not_used_for_it(told, server, client, column):
    server.mention(told.account_id, "Halo @kopisenja")
    await taken(server)
    at = clock.now() + timedelta(hours=-1 if column == "leaves_at" else 1)
    whose = (
        NetworkApp.objects.filter(id=told.app_id) if column.startswith("app.") else Channel.objects.filter(id=told.id)
    )
    await whose.aupdate(**{column.removeprefix("app."): at})
    server.requests.clear()
    assert (await fetch_by_id.fetch_due(client), list(server.requests)) == (0, [])
    await whose.aupdate(**{column.removeprefix("app."): None})
    assert await fetch_by_id.fetch_due(client) == 1


async def test_one_that_is_gone_meanwhile_is_left_and_one_that_is_unanswered_is_tried_again(told, server, client, go):
    server.unmention(server.mention(told.account_id, "Sudah dihapus"))
    await taken(server)
    await fetch_by_id.fetch_due(client)
    assert await rows(Comment) == []
    assert [n.next_at for n in await rows(CommentReference)] == [None]
    server.mention(told.account_id, "Masih ada")
    await taken(server)
    server.faults.append(OrderedFault(effect="drop", method="GET"))
    await fetch_by_id.fetch_due(client)
    assert await rows(Comment) == []
    go(minutes=2)
    await fetch_by_id.fetch_due(client)
    assert [a.text for a in await rows(Comment)] == ["Masih ada"]


async def test_a_fault_of_ours_at_one_of_them_ends_no_other(told, server, client, monkeypatch, go):
    kind = type(registry.get_connector(NETWORK))
    words, broken = kind.words, list[str]()

    async def faulty(self, session, named, /):
        if not broken:
            broken.append(named)
            raise KeyError("text")
        return await words(self, session, named)

    monkeypatch.setattr(kind, "words", faulty)
    for text in ("satu", "dua"):
        server.mention(told.account_id, text)
    await taken(server)
    assert await fetch_by_id.fetch_due(client) == 2
    assert len(await rows(Comment)) == 1
    [waits] = await rows(CommentReference, named=broken[0])
    assert (waits.lease, waits.leased_until, waits.fruitless) == (None, None, 1)
    go(hours=2)
    assert await fetch_by_id.fetch_due(client) == 1
    assert {a.text for a in await rows(Comment)} == {"satu", "dua"}
