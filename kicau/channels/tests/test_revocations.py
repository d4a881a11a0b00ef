"""Credentials that are no longer used here end at the network, too."""

from __future__ import annotations

from datetime import timedelta

import pytest
from asgiref.sync import sync_to_async
from django.db import connection

from kicau.base import clock
from kicau.base.ids import new_id
from kicau.channels import actions, revocations
from kicau.channels.channel_session import new_client, to_stored
from kicau.channels.models import Channel, Revocation
from kicau.connector.contract import consent_at_sandbox
from kicau.connector.errors import AuthExpired, Rejected, Unavailable
from kicau.connector.sandbox.server import start_sandbox
from kicau.connector.session import Credentials
from kicau.costs.models import Charge
from kicau.rights.models import ActivityEntry
from tests.stranger.connector import Stranger, StrangerAuth
from tests.stranger.sandbox import Server

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
async def client():
    async with new_client() as session:
        yield session


@pytest.fixture
def revoke(monkeypatch):
    """What the network is asked to end; `fault` is what it answers."""
    asked: list[str] = []

    async def revoke(self, session, /):
        asked.append(session.credentials.access_token)
        if revoke.fault:
            raise revoke.fault

    revoke.asked, revoke.fault = asked, None
    monkeypatch.setattr(StrangerAuth, "revoke", revoke)
    return revoke


async def due(client) -> int:
    await Revocation.objects.aupdate(next_at=clock.now() - timedelta(seconds=1))
    return await revocations.revoke_due(client, "stranger")


def recorded() -> list[str]:
    return list(ActivityEntry.objects.filter(act__endswith="revoked").values_list("act", flat=True))


async def test_a_disconnected_channels_credentials_end_at_the_network(channel, actor, client, revoke):
    ana = await sync_to_async(channel)("ana")
    token = ana.credentials["access_token"]
    await sync_to_async(actions.disconnect)(actor, "ana")
    assert await due(client) == 1
    assert revoke.asked == [token]
    assert not await Revocation.objects.aexists()
    assert await sync_to_async(recorded)() == ["channel.revoked"]
    assert await due(client) == 0


async def test_a_network_ends_them_and_the_call_is_booked(actor, client, stranger, tmp_path):
    server = Server(folder=tmp_path)
    runner, app = await start_sandbox(server), server.default_app
    await sync_to_async(actions.register_app)(
        "stranger", app.client_id, app.client_secret, endpoints=server.endpoints(), is_sandbox=True
    )
    begun = await actions.begin_sign_in(actor, "stranger", client=client)
    await actions.finish_sign_in(actor, await consent_at_sandbox(client, begun.url, "ana"), client=client)
    [ana] = await actions.connect(actor, begun.state, client=client)
    token = ana.credentials["access_token"]
    assert server.store.get("token", token)
    await sync_to_async(actions.disconnect)(actor, ana.id)
    assert await due(client) == 1
    assert not server.store.get("token", token)
    assert await sync_to_async(recorded)() == ["channel.revoked"]
    booked = Charge.objects.filter(channel_id=ana.id, purpose="connect", meter="revocation")
    assert await booked.acount() == 1
    await runner.cleanup()


async def test_a_network_that_is_away_is_asked_later_and_given_up_after_a_week(channel, actor, client, revoke):
    await sync_to_async(channel)("ana")
    await sync_to_async(actions.disconnect)(actor, "ana")
    revoke.fault = Unavailable("down")
    delays = []
    for _ in range(3):
        assert await due(client) == 1
        row = await Revocation.objects.aget()
        delays.append(row.next_at - clock.now())
        assert await revocations.revoke_due(client, "stranger") == 0
    assert delays == sorted(delays)
    assert delays[0] > revocations.FIRST_RETRY_DELAY / 2
    await Revocation.objects.aupdate(created_at=clock.now() - revocations.GIVE_UP_AFTER)
    assert await due(client) == 1
    assert not await Revocation.objects.aexists()
    entry = await ActivityEntry.objects.aget(act="channel.not_revoked")
    assert entry.detail["why"] == "down"


@pytest.mark.parametrize(
    ("fault", "act"), [(Rejected(detail="unknown"), "channel.not_revoked"), (AuthExpired("gone"), "channel.revoked")]
)
async def test_what_the_network_says_ends_the_matter(channel, actor, client, revoke, fault, act):
    await sync_to_async(channel)("ana")
    await sync_to_async(actions.disconnect)(actor, "ana")
    revoke.fault = fault
    await due(client)
    assert not await Revocation.objects.aexists()
    assert await sync_to_async(recorded)() == [act]


async def test_credentials_that_a_channel_uses_are_left_alone(channel, actor, client, revoke):
    ana = await sync_to_async(channel)("ana")
    before = ana.credentials
    await sync_to_async(actions.disconnect)(actor, "ana")
    await Channel.objects.filter(id=ana.id).aupdate(credentials=before, state="active")  # connected once more
    await due(client)
    assert revoke.asked == []
    assert not await Revocation.objects.aexists()


async def test_what_was_in_a_deleted_workspace_ends_too(channel, actor, client, revoke):
    ana = await sync_to_async(channel)("ana")
    await sync_to_async(actions.disconnect)(actor, "ana")
    await Channel.objects.filter(id=ana.id).adelete()
    await Revocation.objects.aupdate(workspace_id=new_id())  # of nobody
    assert await due(client) == 1
    assert revoke.asked == [ana.credentials["access_token"]]
    assert await sync_to_async(recorded)() == ["channel.revoked"]


async def test_a_network_without_an_endpoint_is_not_asked(channel, actor, monkeypatch):
    monkeypatch.setattr(Stranger, "auth", object())
    ana = await sync_to_async(channel)("ana")
    await sync_to_async(actions.disconnect)(actor, ana.id)
    assert not await Revocation.objects.aexists()


def test_a_copy_of_credentials_is_sealed(channel, actor):
    ana = channel("ana")
    secret = "a-token-that-nobody-reads"
    ana.credentials = to_stored(Credentials(access_token=secret))
    ana.save()
    actions.disconnect(actor, "ana")
    assert Revocation.objects.get().credentials["access_token"] == secret
    with connection.cursor() as cursor:
        cursor.execute("SELECT credentials::text FROM channels_revocation")
        assert secret not in cursor.fetchone()[0]
