"""Webhooks: signed, retried, and never to an internal address unless the operator says so."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
from datetime import timedelta
from uuid import UUID

import pytest
from aiohttp import web
from asgiref.sync import sync_to_async

from kicau.base import clock
from kicau.base.errors import NotAllowed, ValidationFailed
from kicau.base.ids import new_id
from kicau.connector.transport import ssrf
from kicau.events.catalogue import ChannelReleased, DeliveryReleased
from kicau.workspaces import webhooks
from kicau.workspaces.models import Webhook, WebhookEvent

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
async def receiver(monkeypatch):
    """Another program: `got` holds what it received; it answers as `status` says."""

    class Receiver:
        status = 200
        hold: asyncio.Event | None = None  # until it is set, /slow answers nothing; then as usual
        release: asyncio.Event | None = None  # until it is set, /slow answers nothing; then its line is cut
        got: list[tuple[dict[str, str], bytes]] = []

    found = Receiver()
    found.got = []

    async def take(request: web.Request) -> web.Response:
        found.got.append(({**request.headers, "at": request.path}, await request.read()))
        if request.path == "/slow":
            if found.hold:
                await found.hold.wait()
            if found.release:
                await found.release.wait()
                request.transport.abort()
        return web.Response(status=found.status)

    app = web.Application()
    app.router.add_post("/hook", take)
    app.router.add_post("/slow", take)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    port = runner.addresses[0][1]
    found.url, found.slow = (f"http://127.0.0.1:{port}/{path}" for path in ("hook", "slow"))
    found.told = lambda path: [json.loads(b)["data"]["n"] for h, b in found.got if h["at"] == path]
    monkeypatch.setattr(ssrf, "ALLOWED_HOSTS", {f"127.0.0.1:{port}"})
    yield found
    await runner.cleanup()


@sync_to_async
def put(*data: dict[str, object], event: str = "delivery.failed", subject: UUID | None = None) -> None:
    """Messages in the outbox of every webhook."""
    for hook in Webhook.objects.all():
        for payload in data:
            WebhookEvent.objects.create(webhook=hook, event=event, payload=payload, subject=subject)


async def has_come(receiver, path: str, many: int) -> None:
    while len(receiver.told(path)) < many:  # noqa: ASYNC110
        await asyncio.sleep(0.01)


async def test_an_event_arrives_once_and_its_signature_holds(receiver, actor):
    hook = await sync_to_async(webhooks.add_webhook)(actor, receiver.url, ["delivery.*"])
    ours, other = actor.workspace.id, new_id()
    told = [kind(workspace_id=ours, object_id=other) for kind in (DeliveryReleased, ChannelReleased)]
    await sync_to_async(webhooks.queue_messages)([*told, DeliveryReleased(workspace_id=other, object_id=other)])
    assert await webhooks.send_due_messages() == 1
    assert await webhooks.send_due_messages() == 0
    headers, body = receiver.got[0]
    stamp, mac = (part.split("=")[1] for part in headers["Kicau-Signature"].split(","))
    assert hmac.compare_digest(
        mac, hmac.new(hook.secret.encode(), f"{stamp}.".encode() + body, hashlib.sha256).hexdigest()
    )
    sent = json.loads(body)
    assert (sent["event"], sent["data"], sent["details"]) == ("delivery.released", {}, {})
    assert len(receiver.got) == 1


async def test_a_failure_is_tried_again_later_and_given_up_in_the_end(receiver, actor):
    receiver.status = 500
    await sync_to_async(webhooks.add_webhook)(actor, receiver.url, ["*"])
    await put({})
    at = clock.now()
    for wait in (0, *webhooks.RETRY_DELAYS_SECONDS):
        at += timedelta(seconds=wait + 61)
        with clock.freeze_clock(at):
            await webhooks.send_due_messages()
    event = await WebhookEvent.objects.aget()
    assert event.given_up_at is not None
    assert len(receiver.got) == len(webhooks.RETRY_DELAYS_SECONDS) + 1
    hook = await Webhook.objects.aget()
    assert (hook.last_status, hook.failures) == (500, len(webhooks.RETRY_DELAYS_SECONDS) + 1)


async def test_an_internal_address_is_not_reached(receiver, actor, monkeypatch):
    monkeypatch.setattr(ssrf, "ALLOWED_HOSTS", set())
    await sync_to_async(webhooks.add_webhook)(actor, receiver.url, ["*"])
    await put({})
    await webhooks.send_due_messages()
    assert receiver.got == []
    assert (
        await Webhook.objects.aget()
    ).last_error == "it could not be reached: its address must be public, and it must answer"


async def test_who_stands_still_delays_no_other_and_is_tried_once(receiver, actor, monkeypatch):
    monkeypatch.setattr(webhooks, "REQUEST_TIMEOUT_SECONDS", 3600)
    receiver.release = asyncio.Event()
    for url in (receiver.slow, receiver.url):
        await sync_to_async(webhooks.add_webhook)(actor, url, ["*"])
    await put(*({"n": n} for n in range(5)))
    round_ = asyncio.create_task(webhooks.send_due_messages())
    await has_come(receiver, "/hook", 5)
    assert not round_.done()
    receiver.release.set()
    assert await round_ == 5
    assert (receiver.told("/hook"), receiver.told("/slow")) == ([0, 1, 2, 3, 4], [0])
    assert await webhooks.send_due_messages() == 0, "all of them wait for a while"
    receiver.release = None
    with clock.freeze_clock(clock.now() + timedelta(minutes=1)):
        assert await webhooks.send_due_messages() == 5
    assert receiver.told("/slow") == [0, 0, 1, 2, 3, 4]


async def test_an_address_that_does_not_answer_is_given_up(receiver, actor, monkeypatch):
    monkeypatch.setattr(webhooks, "REQUEST_TIMEOUT_SECONDS", 0.2)
    receiver.release = asyncio.Event()  # never set: it would wait for ever
    await sync_to_async(webhooks.add_webhook)(actor, receiver.slow, ["*"])
    await put({"n": 1})
    assert await webhooks.send_due_messages() == 0
    assert (await Webhook.objects.aget()).last_error
    receiver.release.set()


async def test_an_address_is_told_by_one_worker_at_a_time(receiver, actor, monkeypatch):
    receiver.hold = asyncio.Event()
    await sync_to_async(webhooks.add_webhook)(actor, receiver.slow, ["*"])
    await put(*({"n": n} for n in range(6)))
    first = asyncio.create_task(webhooks.send_due_messages())
    await has_come(receiver, "/slow", 1)
    assert await webhooks.send_due_messages() == 0
    receiver.hold.set()
    assert await first == 6
    monkeypatch.setattr(webhooks, "MAX_ROUND_SECONDS", 0.0)
    await put(*({"n": n} for n in range(6, 12)))
    assert await webhooks.send_due_messages() == 1, "then the others have their turn"
    monkeypatch.setattr(webhooks, "MAX_ROUND_SECONDS", 10.0)
    await webhooks.send_due_messages()
    assert receiver.told("/slow") == list(range(12))


async def test_a_slow_address_is_sent_several_messages_at_once_and_each_delivery_in_order(actor, monkeypatch):
    """Nothing but the receiver's own count of what is under way says how many came together."""
    under_way, most, came = set[str](), 0, list[tuple[str, int]]()
    together = asyncio.Event()

    async def take(request: web.Request) -> web.Response:
        nonlocal most
        data = (await request.json())["data"]
        assert data["delivery"] not in under_way, "the message before it has not been answered"
        under_way.add(data["delivery"])
        came.append((data["delivery"], data["n"]))
        most = max(most, len(under_way))
        if len(came) > 1:  # the first comes alone
            if len(under_way) == webhooks.MAX_CONCURRENT_REQUESTS:
                together.set()
            await together.wait()
        under_way.discard(data["delivery"])
        return web.Response()

    app = web.Application()
    app.router.add_post("/hook", take)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    port = runner.addresses[0][1]
    monkeypatch.setattr(ssrf, "ALLOWED_HOSTS", {f"127.0.0.1:{port}"})
    await sync_to_async(webhooks.add_webhook)(actor, f"http://127.0.0.1:{port}/hook", ["*"])
    about = [new_id() for _ in range(15)]
    for n in range(3):
        for d in range(15):
            await put({"delivery": str(d), "n": n}, subject=about[d])
    assert await webhooks.send_due_messages() == 45
    await runner.cleanup()
    assert most == webhooks.MAX_CONCURRENT_REQUESTS
    assert sorted(came) == sorted((str(d), n) for n in range(3) for d in range(15))
    for delivery in range(15):
        assert [n for d, n in came if d == str(delivery)] == [0, 1, 2]


@pytest.mark.parametrize("event", ["delivery.held", "channel.expired", "offboarding.announced"])
async def test_a_message_that_was_not_taken_holds_the_next_ones_about_its_object_and_no_other(receiver, actor, event):
    await sync_to_async(webhooks.add_webhook)(actor, receiver.url, ["*"])
    about = {"a": new_id(), "b": new_id()}

    async def say(*said: tuple[str, int]) -> None:
        for name, n in said:
            await put({"n": n}, event=event, subject=about[name])

    await say(("a", 1), ("a", 2))
    receiver.status = 500
    assert await webhooks.send_due_messages() == 0
    receiver.status = 200
    await say(("a", 3), ("b", 4))
    assert await webhooks.send_due_messages() == 1
    assert receiver.told("/hook") == [1, 4]
    with clock.freeze_clock(clock.now() + timedelta(seconds=11)):
        assert await webhooks.send_due_messages() == 3
    assert receiver.told("/hook") == [1, 4, 1, 2, 3]


async def test_a_worker_that_dies_holds_an_address_for_half_a_minute_at_most(receiver, actor):
    await sync_to_async(webhooks.add_webhook)(actor, receiver.url, ["*"])
    await put({"n": 1})
    assert len(await sync_to_async(webhooks._claim_webhooks)()) == 1  # and then it is killed
    assert await webhooks.send_due_messages() == 0
    with clock.freeze_clock(clock.now() + timedelta(seconds=31)):
        assert await webhooks.send_due_messages() == 1


async def test_what_was_told_is_forgotten_after_days_and_what_waits_is_not(receiver, actor):
    hook = await sync_to_async(webhooks.add_webhook)(actor, receiver.url, ["*"])
    await put(*({"n": n} for n in range(2)))
    await webhooks.send_due_messages()
    later = clock.now() + timedelta(days=8)
    await WebhookEvent.objects.acreate(webhook=hook, event="delivery.failed", payload={"n": 2}, next_at=later)
    assert await sync_to_async(webhooks.delete_old_messages)() == 0
    with clock.freeze_clock(later):
        assert await sync_to_async(webhooks.delete_old_messages)() == 2
    assert [event.payload async for event in WebhookEvent.objects.all()] == [{"n": 2}]


async def test_a_webhook_that_is_removed_while_it_is_told_is_no_fault(receiver, actor):
    receiver.stands_still = 0.2
    hook = await sync_to_async(webhooks.add_webhook)(actor, receiver.slow, ["*"])
    await put({"n": 1})
    round_ = asyncio.create_task(webhooks.send_due_messages())
    await has_come(receiver, "/slow", 1)
    await sync_to_async(webhooks.remove_webhook)(actor, hook.id)
    assert await round_ == 1


def test_a_wrong_address_or_event_is_told(actor, member):
    for url, events in (("ftp://x", ["*"]), ("https://ok.example", ["delivery.exploded"]), ("https://ok.example", [])):
        with pytest.raises(ValidationFailed):
            webhooks.add_webhook(actor, url, events)
    with pytest.raises(NotAllowed):
        webhooks.add_webhook(member("editor"), "https://ok.example", ["*"])
