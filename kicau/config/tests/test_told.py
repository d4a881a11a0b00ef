"""Networks' webhooks over real HTTP: a sandbox signs and posts them, our own server takes them in, a worker works on them."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from importlib import import_module
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import pytest
import pytest_asyncio
import uvicorn
from asgiref.sync import sync_to_async
from django.db import connections

from kicau.base import clock
from kicau.base.errors import Conflict, NotAllowed
from kicau.channels import actions as channels
from kicau.channels.channel_session import new_client
from kicau.channels.models import Channel
from kicau.config import early_limits
from kicau.config.web import server_options
from kicau.connector import registry
from kicau.connector.contract import consent_at_sandbox
from kicau.connector.sandbox.server import OrderedFault, start_sandbox
from kicau.costs.models import Charge
from kicau.inbox import comments
from kicau.publishing.content import compositions
from kicau.publishing.models import Delivery, DeliveryState
from kicau.publishing.scheduling import schedule, scheduled_posts
from kicau.rights.models import ActivityEntry
from kicau.sync import poller, webhook_inbox, webhook_subscriptions
from kicau.sync.models import Comment, IncomingWebhook, SyncProgress, WebhookSubscription
from kicau.workspaces.actions import actor_for, add_person, create_workspace
from tests.engine.conftest import Shop

pytestmark = pytest.mark.django_db(transaction=True)
NETWORK = "facebook"


@pytest.fixture
def here(settings, monkeypatch) -> Iterator[str]:
    """Our own server, as `kicau up` runs it; its address."""
    monkeypatch.setitem(connections.settings["default"], "CONN_MAX_AGE", 0)
    Path(settings.STATIC_ROOT).mkdir(parents=True, exist_ok=True)
    import_module("kicau.config.asgi")
    config = uvicorn.Config(
        "kicau.config.asgi:application",
        host="127.0.0.1",
        port=0,
        **server_options([]),
        timeout_graceful_shutdown=1,
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.02)
    settings.KICAU_PUBLIC_URL = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    yield settings.KICAU_PUBLIC_URL
    server.should_exit = True
    thread.join(10)


@pytest_asyncio.fixture
async def server(tmp_path) -> AsyncIterator[Any]:
    made = import_module(f"kicau.networks.{NETWORK}.sandbox").Server(folder=tmp_path)
    runner = await start_sandbox(made)
    yield made
    await runner.cleanup()


@pytest_asyncio.fixture
async def client() -> AsyncIterator[aiohttp.ClientSession]:
    async with new_client() as session:
        yield session
    await sync_to_async(connections.close_all)()


@pytest_asyncio.fixture
async def pages(here, server, actor, client) -> dict[str, Channel]:
    """The Pages of who signs in, by their ids."""
    app = server.default_app
    await sync_to_async(channels.register_app)(
        NETWORK, app.client_id, app.client_secret, endpoints=server.endpoints(), is_sandbox=True
    )
    begun = await channels.begin_sign_in(actor, NETWORK, client=client)
    await channels.finish_sign_in(actor, await consent_at_sandbox(client, begun.url), client=client)
    await channels.connect(actor, begun.state, client=client)
    rows = Channel.objects.filter(workspace=actor.workspace).select_related("app", "workspace")
    return {c.account_id: c for c in await sync_to_async(list)(rows)}


@pytest.fixture
def page(pages) -> str:
    return min(pages)


@pytest_asyncio.fixture
async def told(actor, pages, page, server, client) -> str:
    """A published post of a Page of which the network tells; its id."""
    await sync_to_async(webhook_subscriptions.switch_webhooks)(actor, NETWORK, True)
    assert await webhook_subscriptions.update_subscriptions(client) == 2
    return await sync_to_async(_published)(actor, pages[page], server.add_post(page, message="Kopi Gayo")["id"])


def _published(actor, channel, id_: str) -> str:
    draft, now = (
        compositions.create_draft(actor, compositions.Composition(parts=(compositions.PartContent(text="Kopi Gayo"),))),
        clock.now(),
    )
    Delivery.objects.create(
        workspace=actor.workspace,
        draft_id=draft.id,
        channel=channel,
        network=NETWORK,
        state=DeliveryState.PUBLISHED,
        due_at=now,
        next_at=now,
        rendered={"parts": []},
        remote_ids=[id_],
        published_at=now,
    )
    return id_


def rows(model, **wanted):
    return sync_to_async(lambda: list(model.objects.filter(**wanted).order_by("pk")))()


async def taken(server) -> int:
    """What the sandbox has to tell is told, and worked on."""
    assert set(await server.tell_all()) <= {200}
    await asyncio.gather(*server.telling)
    return await sync_to_async(webhook_inbox.process_stored)()


def change(page: str, at: int, **value: Any) -> bytes:
    said = {"item": "comment", "from": {"id": "77", "name": "Rini"}, "created_time": at, **value}
    return json.dumps(
        {"object": "page", "entry": [{"id": page, "time": at, "changes": [{"field": "feed", "value": said}]}]}
    ).encode()


async def test_one_act_and_what_others_write_comes_in_by_itself(actor, pages, page, server, client, told, go):
    assert [e.subject for e in await rows(ActivityEntry, act="webhooks.on")] == [NETWORK]
    assert all(s.made_at and not s.reason for s in await rows(WebhookSubscription))
    asked = [r["path"] for r in server.requests if r["path"].endswith(("subscriptions", "subscribed_apps"))]
    paid = await rows(Charge, purpose="answers")
    assert len(asked) == 4
    assert sum(c.units for c in paid) == 4
    assert {c.channel_id for c in paid} == {c.id for c in pages.values()}
    before, comment = len(server.requests), server.comment(told, "Buka jam berapa? 🙂")
    assert await taken(server) == 1
    assert len(server.requests) == before, "nothing is called for it"
    [answer] = await rows(Comment)
    assert (answer.remote_id, answer.text, answer.channel_id) == (comment, "Buka jam berapa? 🙂", pages[page].id)
    assert answer.delivery_id
    [kept] = await rows(IncomingWebhook)
    assert (bytes(kept.body), kept.told, kept.ignored) == (b"", 1, 0)
    go(minutes=1)
    server.recomment(comment, "Buka jam berapa hari ini?")
    await taken(server)
    assert [a.text for a in await rows(Comment)] == ["Buka jam berapa hari ini?"]
    go(minutes=1)
    server.uncomment(comment)
    await taken(server)
    assert await rows(Comment) == []


async def test_replays_duplicates_and_another_order_change_nothing(page, server, told):
    now = int(clock.now().timestamp())
    add = change(page, now, comment_id="1_2", post_id=told, verb="add", message="Pertama")
    for _ in range(3):
        assert await server.send_webhook(add) == 200
    assert len(await rows(IncomingWebhook)) == 1
    again = json.loads(add)
    again["entry"].append(
        json.loads(change(page, now, comment_id="1_3", post_id=told, verb="add", message="Kedua"))["entry"][0]
    )
    later = change(page, now + 5, comment_id="1_2", post_id=told, verb="edited", message="Yang terakhir")
    older = change(page, now + 2, comment_id="1_2", post_id=told, verb="edited", message="Yang lama")
    early = change(page, now + 9, comment_id="1_4", post_id=told, verb="remove")
    gone = change(page, now + 8, comment_id="1_4", post_id=told, verb="add", message="Sudah dihapus")
    for body in (json.dumps(again).encode(), later, older, early, gone):
        assert await server.send_webhook(body) == 200
    assert await sync_to_async(webhook_inbox.process_stored)() == 6
    assert sorted(a.text for a in await rows(Comment)) == ["Kedua", "Yang terakhir"]
    assert await sync_to_async(webhook_inbox.process_stored)() == 0


async def test_two_workers_take_each_in_once_and_a_page_s_own_words_are_no_answer(page, server, told):
    now = int(clock.now().timestamp())
    for n in range(20):
        await server.send_webhook(change(page, now, comment_id=f"1_{n}", post_id=told, verb="add", message=f"Ke-{n}"))
    await server.send_webhook(
        change(page, now, comment_id="2_1", post_id=told, verb="add", message="Kami", **{"from": {"id": page}})
    )

    def worker() -> int:
        try:
            return webhook_inbox.process_stored()
        finally:
            connections.close_all()

    done = await asyncio.gather(*(asyncio.to_thread(worker) for _ in range(3)))
    assert sum(done) == 21
    assert len(await rows(Comment)) == 20


async def test_what_the_network_did_not_sign_is_refused_and_not_kept(here, page, pages, server, told):
    body = change(page, int(clock.now().timestamp()), comment_id="1_2", post_id=told, verb="add", message="Palsu")
    hook = server.store.get("webhook", "page")["callback"]
    for forged in ("", "sha256=", "sha256=" + "0" * 64, "sha1=" + "0" * 40):
        assert await server.send_webhook(body, signature=forged) == 403
    async with aiohttp.ClientSession() as stranger:
        async with stranger.post(hook, data=body) as unsigned:
            assert unsigned.status == 403
        async with stranger.get(
            hook, params={"hub.mode": "subscribe", "hub.challenge": "1", "hub.verify_token": "guess"}
        ) as asked:
            assert asked.status == 403
        async with stranger.post(f"{here}/webhooks/{pages[page].id}", data=body) as unknown:
            assert unknown.status == 404
    assert await rows(IncomingWebhook) == []
    for junk in (b"{", b"\xff" * 10, b"[]"):  # signed, and unreadable all the same
        assert await server.send_webhook(junk) == 200
    await sync_to_async(webhook_inbox.process_stored)()
    assert [w.ignored for w in await rows(IncomingWebhook)] == [1, 1, 1]


async def test_large_and_slow_bodies_are_refused_while_others_are_answered_at_once(
    here, page, server, told, client, monkeypatch
):
    hook, place = urlsplit(server.store.get("webhook", "page")["callback"]), urlsplit(here)

    async def raw(head: str, *pieces: bytes) -> bytes:
        reader, writer = await asyncio.open_connection(place.hostname, place.port)
        try:
            writer.write(f"POST {hook.path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{head}\r\n\r\n".encode())
            for piece in pieces:
                writer.write(piece)
                await writer.drain()
            return await reader.readline()
        except ConnectionError:
            return b""
        finally:
            writer.close()

    monkeypatch.setattr(early_limits, "BODY_TIMEOUT_SECONDS", 3600)
    assert b" 413 " in await raw(f"Content-Length: {10 << 20}", b"x" * 1000)  # the rest of it is not waited for
    said = await raw("Transfer-Encoding: chunked", *([b"10000\r\n" + b"x" * 65536 + b"\r\n"] * 20))
    assert b" 413 " in said or not said  # the line may be cut before the answer is read
    slow = [asyncio.create_task(raw("Content-Length: 500", b'{"object"')) for _ in range(10)]
    assert (
        await server.send_webhook(
            change(page, int(clock.now().timestamp()), comment_id="1_2", post_id=told, verb="add", message="Cepat")
        )
        == 200
    )
    assert not any(task.done() for task in slow)
    for task in slow:
        task.cancel()
    monkeypatch.setattr(early_limits, "BODY_TIMEOUT_SECONDS", 0.1)
    assert b" 408 " in await raw("Content-Length: 500", b'{"object"')
    assert len(await rows(IncomingWebhook)) == 1


async def test_another_workspace_s_channel_is_told_of_nothing_that_is_not_its_own(
    actor, pages, page, server, told, client
):
    """Another workspace has channels of the very same Pages, through the very same app, and asked to be told of one."""
    owner = await sync_to_async(add_person)("rini@lain.example", "Rini")
    theirs = await sync_to_async(lambda: actor_for(owner, create_workspace(owner, "Lain").id, "page"))()
    begun = await channels.begin_sign_in(theirs, NETWORK, client=client)
    await channels.finish_sign_in(theirs, await consent_at_sandbox(client, begun.url), client=client)
    await channels.connect(theirs, begun.state, client=client)
    found = await rows(Channel, workspace=theirs.workspace)
    other = {c.account_id: c for c in found}
    elsewhere = next(id_ for id_ in pages if id_ != page)
    now = int(clock.now().timestamp())
    await server.send_webhook(
        change(page, now, comment_id="1_2", post_id=told, verb="add", message="Untuk yang pertama")
    )
    await sync_to_async(webhook_inbox.process_stored)()
    assert [(a.channel_id, a.text) for a in await rows(Comment)] == [(pages[page].id, "Untuk yang pertama")]

    await sync_to_async(webhook_subscriptions.switch_webhooks)(theirs, NETWORK, True)
    await webhook_subscriptions.update_subscriptions(client)
    theirs_told = await sync_to_async(_published)(
        theirs, other[elsewhere], server.add_post(elsewhere, message="Teh")["id"]
    )
    await server.send_webhook(
        change(elsewhere, now + 1, comment_id="3_4", post_id=theirs_told, verb="add", message="Untuk yang kedua")
    )
    await sync_to_async(webhook_inbox.process_stored)()
    assert [(a.channel_id, a.text) for a in await rows(Comment, remote_id="3_4")] == [
        (other[elsewhere].id, "Untuk yang kedua")
    ]


async def test_what_nobody_asked_to_be_told_of_is_ignored(pages, page, server, told):
    other = next(id_ for id_ in pages if id_ != page)
    await sync_to_async(
        WebhookSubscription.objects.filter(channel=pages[other]).delete
    )()  # as of who never asked for it
    now = int(clock.now().timestamp())
    await server.send_webhook(
        change(other, now, comment_id="1_2", post_id="5_6", verb="add", message="Bukan untuk kita")
    )
    await server.send_webhook(change("999", now, comment_id="1_2", post_id="5_6", verb="add", message="Siapa ini"))
    await sync_to_async(webhook_inbox.process_stored)()
    assert await rows(Comment) == []
    assert [(w.told, w.ignored) for w in await rows(IncomingWebhook)] == [(0, 1), (0, 1)]


async def test_a_disconnected_channel_is_told_of_no_more(actor, pages, page, server, client, told):
    await sync_to_async(channels.disconnect)(actor, pages[page].id)
    assert (await rows(Channel, id=pages[page].id))[0].credentials["access_token"] == ""
    assert await webhook_subscriptions.update_subscriptions(client) == 1
    assert [one["id"] for one in server.store.all("subscribed")] == [id_ for id_ in pages if id_ != page]
    assert await rows(WebhookSubscription, channel=pages[page]) == []
    [record] = await rows(ActivityEntry, act="webhooks.taken-back")
    assert record.subject == str(pages[page].id)
    assert sum(c.units for c in await rows(Charge, channel_id=pages[page].id, purpose="answers")) == 3


async def test_where_the_network_does_not_answer_a_parting_it_is_tried_for_an_hour_and_told(
    actor, pages, page, server, client, told, go
):
    await sync_to_async(channels.disconnect)(actor, pages[page].id)
    server.faults.append(OrderedFault(effect="drop", method="DELETE", times=-1))
    assert await webhook_subscriptions.update_subscriptions(client) == 1
    [kept] = await rows(WebhookSubscription, channel=pages[page])
    assert kept.parting["access_token"]
    for _ in range(8):
        go(minutes=10)
        await webhook_subscriptions.update_subscriptions(client)
    assert await rows(WebhookSubscription, channel=pages[page]) == [], (
        "its permission is forgotten, whatever came of it"
    )
    [record] = await rows(ActivityEntry, act="webhooks.left")
    assert record.detail["why"].startswith(
        "This channel is disconnected, but Kicau could not yet turn off its webhooks (instant updates) from Facebook: "
    )


async def test_one_that_is_connected_again_meanwhile_goes_on_being_told_of(actor, pages, page, server, client, told):
    await sync_to_async(channels.disconnect)(actor, pages[page].id)
    begun = await channels.begin_sign_in(actor, NETWORK, client=client)
    await channels.finish_sign_in(actor, await consent_at_sandbox(client, begun.url), client=client)
    await channels.connect(actor, begun.state, client=client)
    await webhook_subscriptions.update_subscriptions(client)
    [kept] = await rows(WebhookSubscription, channel=pages[page])
    assert (kept.is_wanted, kept.parting, kept.parted_at) == (True, None, None)
    assert {one["id"] for one in server.store.all("subscribed")} == set(pages)


async def test_while_webhooks_come_answers_are_asked_for_seldom_and_then_as_usual(
    pages, page, server, client, told, go
):
    await poller.fetch_due(client)

    async def asked(minutes: int) -> int:
        before = sum("published_posts" in r["path"] and page in r["path"] for r in server.requests)
        for _ in range(minutes // 5):
            go(minutes=5, seconds=10)
            await poller.fetch_due(client)
        return sum("published_posts" in r["path"] and page in r["path"] for r in server.requests) - before

    assert await asked(30) >= 5
    server.comment(told, "Halo")
    await taken(server)
    assert await asked(240) <= 4
    server.store.remove("subscribed", page)  # from now on nobody tells
    missed = server.comment(told, "Apakah ada orang?")
    await asked(130)
    assert [a.remote_id for a in await rows(Comment, text="Apakah ada orang?")] == [missed], "the net under it"
    assert (await rows(WebhookSubscription, channel=pages[page]))[0].told_at is None
    assert await asked(30) >= 5


async def test_an_answer_to_a_post_that_is_not_known_is_looked_for_at_the_usual_pace(
    pages, page, server, client, told, go
):
    await poller.fetch_due(client)
    go(minutes=6)
    await poller.fetch_due(client)
    server.comment(told, "Halo")
    await taken(server)
    go(minutes=6)
    await poller.fetch_due(client)
    far = (await rows(SyncProgress, channel=pages[page]))[0].next_at
    await server.send_webhook(
        change(page, int(clock.now().timestamp()), comment_id="8_9", post_id="5_6", verb="add", message="Di pos lain")
    )
    await sync_to_async(webhook_inbox.process_stored)()
    soon = (await rows(SyncProgress, channel=pages[page]))[0].next_at
    assert far - clock.now() > timedelta(minutes=100)
    assert soon - clock.now() <= timedelta(minutes=5)


async def test_switching_off_takes_it_back_at_the_network(actor, pages, page, server, client, told):
    await sync_to_async(webhook_subscriptions.switch_webhooks)(actor, NETWORK, False)
    assert await webhook_subscriptions.update_subscriptions(client) == 2
    assert list(server.store.all("subscribed")) == []
    assert await rows(WebhookSubscription) == []
    await server.send_webhook(
        change(page, int(clock.now().timestamp()), comment_id="1_2", post_id=told, verb="add", message="Terlambat")
    )
    await sync_to_async(webhook_inbox.process_stored)()
    assert await rows(Comment) == []
    assert [w.ignored for w in await rows(IncomingWebhook)] == [1]


async def test_a_channel_that_is_connected_later_is_told_of_too(actor, pages, page, server, client, told):
    await sync_to_async(Channel.objects.filter(id=pages[page].id).update)(state="expired")
    await sync_to_async(WebhookSubscription.objects.all().delete)()
    assert await webhook_subscriptions.update_subscriptions(client) == 1
    await sync_to_async(Channel.objects.filter(id=pages[page].id).update)(state="active")
    assert await webhook_subscriptions.update_subscriptions(client) == 1
    assert await webhook_subscriptions.update_subscriptions(client) == 0
    assert len(await rows(WebhookSubscription, made_at__isnull=False)) == 2


async def test_a_permission_that_lacks_is_named_and_asked_for_again(actor, pages, page, server, client, go):
    for token in server.store.all("token"):
        server.store.put(
            "token", token["token"], {**token, "scopes": [s for s in token["scopes"] if s != "pages_manage_metadata"]}
        )
    await sync_to_async(webhook_subscriptions.switch_webhooks)(actor, NETWORK, True)
    await webhook_subscriptions.update_subscriptions(client)
    found = await rows(WebhookSubscription)
    assert all("pages_manage_metadata" in s.reason and s.made_at is None for s in found)
    go(hours=7)
    assert await webhook_subscriptions.update_subscriptions(client) == 2


async def test_a_fault_of_ours_at_one_channel_ends_no_other(actor, pages, server, client, monkeypatch, go):
    kind = type(registry.get_connector(NETWORK))
    subscribe, broken = kind.subscribe, list[str]()

    async def faulty(self, session, address, token, /):
        if not broken:
            broken.append(session.account_id)
            raise KeyError("data")
        await subscribe(self, session, address, token)

    monkeypatch.setattr(kind, "subscribe", faulty)
    await sync_to_async(webhook_subscriptions.switch_webhooks)(actor, NETWORK, True)
    assert await webhook_subscriptions.update_subscriptions(client) == 2
    found = await rows(WebhookSubscription)
    assert [(s.lease, s.leased_until) for s in found] == [(None, None)] * 2
    assert sorted(s.made_at is not None for s in found) == [False, True]
    assert any("An internal error in Kicau" in s.reason for s in found)
    go(hours=7)
    assert await webhook_subscriptions.update_subscriptions(client) == 1
    assert all(s.made_at for s in await rows(WebhookSubscription))


async def test_who_may_and_an_address_that_networks_cannot_reach(actor, member, pages, settings):
    with pytest.raises(NotAllowed):
        await sync_to_async(webhook_subscriptions.switch_webhooks)(await sync_to_async(member)("editor"), NETWORK, True)
    app = next(iter(pages.values())).app
    app.is_sandbox = False
    await sync_to_async(app.save)()
    with pytest.raises(Conflict, match="https://"):
        await sync_to_async(webhook_subscriptions.switch_webhooks)(actor, NETWORK, True)
    settings.KICAU_PUBLIC_URL = "https://kicau.example.org"
    assert (await sync_to_async(webhook_subscriptions.switch_webhooks)(actor, NETWORK, True)).is_on


async def test_a_comment_is_answered_from_here_and_waits_no_more(actor, pages, page, server, client, told):
    comment = server.comment(told, "Buka jam berapa?")
    await taken(server)
    [answer] = await rows(Comment)
    draft = await sync_to_async(comments.begin_reply)(actor, answer.id)

    def say() -> Delivery:
        written = compositions.Composition(
            parts=(compositions.PartContent(text="Jam tujuh, Kak."),), options={"facebook.reply_to": comment}
        )
        scheduled_posts.change_post(actor, draft.id, scheduled_posts.ScheduledPostChange(composition=written))
        return schedule.schedule(
            actor, compositions.one_draft(actor, draft.id), [pages[page].key], clock.now()
        ).deliveries[0]

    row = await sync_to_async(say)()
    await Shop(client).work(lambda: Delivery.objects.get(id=row.id).state == "published")
    [said] = [one for one in server.store.all("comment") if one.get("under") == comment]
    assert said["message"] == "Jam tujuh, Kak."
    [answer] = await rows(Comment)
    assert answer.answered_by_id == row.id
    assert answer.answered_at
    await taken(server)
    await poller.fetch_due(client)
    assert len(await rows(Comment)) == 1, "our own words are no answer"
    assert sum(c.units for c in await rows(Charge, delivery_id=row.id)) == 1
