"""Connecting and keeping channels: a sign-in counts once, and a refresh token is never lost."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from importlib import import_module

import pytest
from asgiref.sync import sync_to_async

from kicau.base import clock
from kicau.base.errors import Conflict, NotAllowed, ValidationFailed
from kicau.channels import actions, token_refresh
from kicau.channels.channel_session import credentials_of, new_client, to_stored
from kicau.channels.models import Channel, NetworkApp, PendingSignIn
from kicau.connector import registry
from kicau.connector.contract import consent_at_sandbox
from kicau.connector.errors import AuthExpired, Unavailable
from kicau.connector.sandbox.server import start_sandbox
from kicau.connector.serialization import from_json
from kicau.connector.session import Credentials
from kicau.costs.models import Charge
from kicau.workspaces.actions import actor_for, add_person, create_workspace
from tests.stranger.connector import Stranger, StrangerAuth

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
async def client():
    async with new_client() as session:
        yield session


def kept(key: str) -> Credentials:
    return from_json(Credentials, Channel.objects.get(key=key).credentials)


async def due(channel) -> None:
    await Channel.objects.filter(id=channel.id).aupdate(refresh_at=clock.now() - timedelta(seconds=1))


@pytest.mark.parametrize("fault", [Unavailable("down")])
async def test_a_passing_fault_disconnects_nothing(channel, client, monkeypatch, fault):
    async def refresh(self, session, /):
        raise fault

    monkeypatch.setattr(StrangerAuth, "refresh", refresh)
    ana = await sync_to_async(channel)("ana")
    await due(ana)
    await token_refresh.refresh_channel(ana.id, client)
    row = await Channel.objects.aget(id=ana.id)
    assert row.state == "active"
    assert row.refresh_at > clock.now()


async def test_a_dead_token_asks_for_a_reconnect(channel, client, monkeypatch):
    async def refresh(self, session, /):
        raise AuthExpired("revoked")

    monkeypatch.setattr(StrangerAuth, "refresh", refresh)
    ana = await sync_to_async(channel)("ana")
    await due(ana)
    assert not await token_refresh.refresh_channel(ana.id, client)
    assert (await Channel.objects.aget(id=ana.id)).state == "expired"


async def test_an_empty_refresh_token_never_replaces_one(channel, client, monkeypatch):
    async def refresh(self, session, /):
        return replace(
            session.credentials, access_token="new", refresh_token="", expires_at=clock.now() + timedelta(hours=2)
        )

    monkeypatch.setattr(StrangerAuth, "refresh", refresh)
    ana = await sync_to_async(channel)("ana")
    await due(ana)
    assert await token_refresh.refresh_channel(ana.id, client)
    now = await sync_to_async(kept)("ana")
    assert (now.access_token, now.refresh_token) == ("new", "r")
    row = await Channel.objects.aget(id=ana.id)
    assert timedelta(minutes=50) < row.refresh_at - clock.now() < timedelta(minutes=70)  # well ahead of the end


async def test_one_worker_at_a_time_renews(channel, client, monkeypatch):
    asked = []

    async def refresh(self, session, /):
        asked.append(1)
        return replace(session.credentials, access_token=f"new{len(asked)}")

    monkeypatch.setattr(StrangerAuth, "refresh", refresh)
    ana = await sync_to_async(channel)("ana")
    await due(ana)
    await token_refresh.refresh_channel(ana.id, client)
    await token_refresh.refresh_channel(ana.id, client)  # not due any more
    assert await token_refresh.refresh_channel(
        ana.id, client, used="t"
    )  # refused, but renewed meanwhile: that is enough
    assert len(asked) == 1


async def test_of_all_that_are_refused_at_once_one_renews(channel, client, monkeypatch):
    """A refresh token that works once is used once."""
    asked = []

    async def refresh(self, session, /):
        asked.append(1)
        await asyncio.sleep(0.1)
        if len(asked) > 1:
            raise AuthExpired("this refresh token was used before")
        return replace(session.credentials, access_token="new", refresh_token="r2")

    monkeypatch.setattr(StrangerAuth, "refresh", refresh)
    ana = await sync_to_async(channel)("ana")
    assert (
        await asyncio.gather(*(token_refresh.refresh_channel(ana.id, client, used="t") for _ in range(4))) == [True] * 4
    )
    assert len(asked) == 1
    assert (await Channel.objects.aget(id=ana.id)).state == "active"
    assert (await sync_to_async(kept)("ana")).refresh_token == "r2"


async def test_a_network_that_answers_slowly_is_asked_once(channel, client, monkeypatch):
    """A renewal may be of several calls, which together take longer than a claim lasts."""
    asked, answered = [], asyncio.Event()

    async def refresh(self, session, /):
        asked.append(1)
        await answered.wait()
        ends = clock.now() + timedelta(hours=2)
        return replace(session.credentials, access_token="new", refresh_token="r2", expires_at=ends)

    monkeypatch.setattr(StrangerAuth, "refresh", refresh)
    monkeypatch.setattr(token_refresh, "REFRESH_LEASE", timedelta(hours=1))
    monkeypatch.setattr(token_refresh, "LEASE_RENEWAL_SECONDS", 0.01)
    ana = await sync_to_async(channel)("ana")
    await due(ana)
    first = asyncio.create_task(token_refresh.refresh_channel(ana.id, client))
    while not asked:  # noqa: ASYNC110 (it asks after it claimed)
        await asyncio.sleep(0.01)
    try:
        for minutes in (40, 80, 120):  # longer than one claim lasts, three times
            held_until = (await Channel.objects.aget(id=ana.id)).refresh_at
            clock.shift_clock(timedelta(minutes=minutes))
            while (await Channel.objects.aget(id=ana.id)).refresh_at <= held_until:  # noqa: ASYNC110 (in the database)
                await asyncio.sleep(0.01)
            await token_refresh.refresh_channel(ana.id, client)
        again = asyncio.create_task(token_refresh.refresh_channel(ana.id, client, used="t"))
        answered.set()
        assert await first
        assert await again
        assert len(asked) == 1
        row = await Channel.objects.aget(id=ana.id)
        assert row.refresh_at - clock.now() > timedelta(minutes=1), "the claim is over with the renewal"
    finally:
        clock.shift_clock(timedelta(0))


async def test_a_worker_that_is_told_to_stop_keeps_what_it_is_renewing(channel, client, monkeypatch):
    asked = asyncio.Event()

    async def refresh(self, session, /):
        asked.set()
        await asyncio.sleep(0.2)
        return replace(session.credentials, access_token="new", refresh_token="r2")

    monkeypatch.setattr(StrangerAuth, "refresh", refresh)
    ana = await sync_to_async(channel)("ana")
    await due(ana)
    chore = asyncio.create_task(token_refresh.refresh_due(client, "stranger"))
    await asked.wait()
    chore.cancel()
    await asyncio.wait([chore])
    await token_refresh.wait_for_refreshes()
    assert (await sync_to_async(kept)("ana")).refresh_token == "r2"


async def test_channels_are_renewed_together_and_one_that_fails_stops_no_other(channel, client, monkeypatch):
    together = asyncio.Barrier(3)

    async def refresh(self, session, /):
        async with asyncio.timeout(60):
            await together.wait()
        if session.credentials.access_token == "bad":
            raise RuntimeError("a fault of ours")
        return replace(session.credentials, access_token="new")

    monkeypatch.setattr(StrangerAuth, "refresh", refresh)
    for key, token in (("ana", "t"), ("budi", "bad"), ("cici", "t")):
        made = await sync_to_async(channel)(key)
        made.credentials = to_stored(replace(credentials_of(made), access_token=token))
        await made.asave()
        await due(made)
    with pytest.raises(RuntimeError):
        await token_refresh.refresh_due(client, "stranger")
    assert [(await sync_to_async(kept)(key)).access_token for key in ("ana", "budi", "cici")] == ["new", "bad", "new"]


async def test_a_worker_that_dies_while_it_renews_holds_nothing_up_for_long(channel, client, monkeypatch):
    async def refresh(self, session, /):
        return replace(session.credentials, access_token="new")

    monkeypatch.setattr(StrangerAuth, "refresh", refresh)
    ana = await sync_to_async(channel)("ana")
    assert await sync_to_async(token_refresh._lock_for_refresh)(ana.id, "t")  # and then it is killed
    with clock.freeze_clock(clock.now() + timedelta(seconds=31)):
        await token_refresh.refresh_channel(ana.id, client, used="t")
    assert (await sync_to_async(kept)("ana")).access_token == "new"


async def test_a_renewal_that_comes_late_gives_a_channel_back(channel, client, monkeypatch):
    """A worker stood still with the answer in its hands; another was told that the refresh token was used before."""
    ana = await sync_to_async(channel)("ana")

    async def refresh(self, session, /):
        await sync_to_async(token_refresh.expire_channel)(ana.id, "this refresh token was used before", "t")
        return replace(session.credentials, access_token="late", refresh_token="r2")

    monkeypatch.setattr(StrangerAuth, "refresh", refresh)
    assert await token_refresh.refresh_channel(ana.id, client, used="t")
    fresh = await Channel.objects.aget(id=ana.id)
    assert (fresh.state, fresh.reason) == ("active", "")
    assert (await sync_to_async(kept)("ana")).access_token == "late"


async def test_a_channel_that_gave_no_answer_about_itself_is_asked_again_and_holds_no_other_up(
    channel, client, monkeypatch
):
    ana, budi = await sync_to_async(channel)("ana"), await sync_to_async(channel)("budi")
    await Channel.objects.filter(id=budi.id).aupdate(capabilities_at=clock.now() - timedelta(days=1, hours=1))
    await Channel.objects.filter(id=ana.id).aupdate(capabilities_at=clock.now() - timedelta(days=9))

    async def gone(self, session, /):
        raise Unavailable("down")

    known = Stranger.capabilities
    monkeypatch.setattr(Stranger, "capabilities", gone)
    [first] = await sync_to_async(token_refresh.due_for_capabilities)("stranger", 1)
    await token_refresh.update_capabilities(first, client)
    assert first.id == ana.id
    monkeypatch.setattr(Stranger, "capabilities", known)
    assert [one.id for one in await sync_to_async(token_refresh.due_for_capabilities)("stranger", 1)] == [budi.id]
    with clock.freeze_clock(clock.now() + timedelta(minutes=16)):
        await token_refresh.update_due_capabilities(client, "stranger")
        assert not await sync_to_async(token_refresh.due_for_capabilities)("stranger")


async def test_one_that_never_answered_is_asked_later(channel, client, monkeypatch):
    async def gone(self, session, /):
        raise Unavailable("down")

    monkeypatch.setattr(Stranger, "capabilities", gone)
    ana = await sync_to_async(channel)("ana")
    await Channel.objects.filter(id=ana.id).aupdate(capabilities_at=None)
    await token_refresh.update_capabilities(
        await Channel.objects.select_related("app", "workspace").aget(id=ana.id), client
    )
    with clock.freeze_clock(clock.now() + timedelta(minutes=16)):
        assert [one.id for one in await sync_to_async(token_refresh.due_for_capabilities)("stranger")] == [ana.id]


@pytest.mark.parametrize("answer", [AuthExpired("the old one is dead"), None])
async def test_what_an_old_token_comes_to_does_not_touch_a_new_connection(channel, client, monkeypatch, answer):
    ana = await sync_to_async(channel)("ana")

    async def refresh(self, session, /):
        await Channel.objects.filter(id=ana.id).aupdate(
            credentials=to_stored(Credentials(access_token="by a person", refresh_token="r9"))
        )
        if answer:
            raise answer
        return replace(session.credentials, access_token="late")

    monkeypatch.setattr(StrangerAuth, "refresh", refresh)
    await token_refresh.refresh_channel(ana.id, client, used="t")
    await sync_to_async(token_refresh.expire_channel)(ana.id, "refused", "t")
    assert (await sync_to_async(kept)("ana")).access_token == "by a person"
    assert (await Channel.objects.aget(id=ana.id)).state == "active"


async def test_a_sign_in_is_its_beginners_and_counts_once(stranger, actor, client):
    await sync_to_async(actions.register_app)("stranger", "a", "s", endpoints={"api": "http://127.0.0.1:9"})
    begun = await actions.begin_sign_in(actor, "stranger", client=client)
    other = await sync_to_async(add_person)("x@else.example", "X")
    theirs = await sync_to_async(lambda: actor_for(other, create_workspace(other, "Else").id, "page"))()
    for acting, state in ((theirs, begun.state), (actor, "guessed"), (actor, "")):
        with pytest.raises(Conflict):
            await actions.finish_sign_in(acting, {"state": state, "code": "c"}, client=client)
    with pytest.raises(ValidationFailed):
        await actions.finish_sign_in(actor, {"state": begun.state, "error": "access_denied"}, client=client)
    assert not await PendingSignIn.objects.filter(state=begun.state).aexists()


async def test_an_old_sign_in_is_over(stranger, actor, client):
    await sync_to_async(actions.register_app)("stranger", "a", "s", endpoints={"api": "http://127.0.0.1:9"})
    begun = await actions.begin_sign_in(actor, "stranger", client=client)
    with clock.freeze_clock(clock.now() + timedelta(hours=2)), pytest.raises(Conflict):
        await actions.finish_sign_in(actor, {"state": begun.state, "code": "c"}, client=client)


@pytest.mark.django_db
def test_a_network_that_needs_no_keys_has_its_app_when_it_is_first_wanted():
    keyless = {slug for slug, connector in registry.installed_connectors().items() if not connector.auth.needs_keys}
    assert keyless
    for slug in registry.installed_slugs():
        if slug not in keyless:
            with pytest.raises(Conflict, match=f"kicau apps add {slug}"):
                actions.find_app(slug)
            continue
        assert actions.find_app(slug) is None
        first = actions.app_for(slug)
        assert (actions.app_for(slug).id, actions.find_app(slug)) == (first.id, first)
        with pytest.raises(Conflict):
            actions.find_app(slug, "another")
    assert NetworkApp.objects.count() == len(keyless)


async def test_a_network_without_keys_says_what_the_operator_does(stranger, actor):
    with pytest.raises(Conflict, match="kicau apps add stranger"):
        await actions.begin_sign_in(actor, "stranger")


async def test_only_those_who_may_connect_and_disconnect(channel, member):
    await sync_to_async(channel)("ana")
    editor = await sync_to_async(member)("editor")
    with pytest.raises(NotAllowed):
        await actions.begin_sign_in(editor, "stranger")
    with pytest.raises(NotAllowed):
        await sync_to_async(actions.disconnect)(editor, "ana")


def test_disconnecting_forgets_the_credentials_and_nothing_else(channel, actor):
    channel("ana")
    actions.disconnect(actor, "ana")
    assert kept("ana").access_token == ""
    assert Channel.objects.get(key="ana").state == "removed"


def test_an_endpoint_that_the_network_lacks_is_told(stranger, db):
    with pytest.raises(ValidationFailed, match="Choose one of these addresses: api"):
        actions.register_app("stranger", "a", "s", endpoints={"uploads": "https://x"})


def test_stored_credentials_come_back_whole():
    value = Credentials(access_token="a", expires_at=clock.now(), scopes=frozenset({"x"}), extra={"page": "1"})
    assert from_json(Credentials, to_stored(value)) == value


async def test_what_connecting_costs_is_attributed_to_who_connected(actor, client):
    sandbox = import_module(f"{registry.network_package('x')}.sandbox").Server()
    runner, app = await start_sandbox(sandbox), sandbox.default_app
    await sync_to_async(actions.register_app)(
        "x", app.client_id, app.client_secret, endpoints=sandbox.endpoints(), is_sandbox=True
    )
    begun = await actions.begin_sign_in(actor, "x", client=client)
    await actions.finish_sign_in(actor, await consent_at_sandbox(client, begun.url), client=client)
    charges = await sync_to_async(list)(Charge.objects.filter(purpose="connect"))
    assert {(c.meter, c.workspace_id, c.person_id) for c in charges} == {
        ("user-read", actor.workspace.id, actor.person_id)
    }
    await runner.cleanup()
