"""Webhooks: signed, retried, and never to an internal address unless the operator says so."""

from __future__ import annotations

import hashlib
import hmac
import json
from datetime import timedelta

import pytest
from aiohttp import web
from asgiref.sync import sync_to_async

from kicau.base import clock
from kicau.base.errors import NotAllowed, Unacceptable
from kicau.connector import guard
from kicau.workspaces import webhooks
from kicau.workspaces.models import Webhook, WebhookEvent

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
async def receiver(monkeypatch):
    """Another program: `got` holds what it received; it answers as `status` says."""

    class Receiver:
        status = 200
        got: list[tuple[dict[str, str], bytes]] = []

    found = Receiver()
    found.got = []

    async def take(request: web.Request) -> web.Response:
        found.got.append((dict(request.headers), await request.read()))
        return web.Response(status=found.status)

    app = web.Application()
    app.router.add_post("/hook", take)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    port = runner.addresses[0][1]
    found.url = f"http://127.0.0.1:{port}/hook"
    monkeypatch.setattr(guard, "ALLOWED", {f"127.0.0.1:{port}"})
    yield found
    await runner.cleanup()


async def test_an_event_arrives_once_and_its_signature_holds(receiver, actor):
    hook = await sync_to_async(webhooks.add_webhook)(actor, receiver.url, ["delivery.*"])
    await sync_to_async(webhooks.emit)("delivery.published", [(actor.workspace.id, {"delivery": "1"})])
    await sync_to_async(webhooks.emit)("channel.expired", [(actor.workspace.id, {})])
    assert await webhooks.send_due() == 1
    assert await webhooks.send_due() == 0
    headers, body = receiver.got[0]
    stamp, mac = (part.split("=")[1] for part in headers["Kicau-Signature"].split(","))
    assert hmac.compare_digest(
        mac, hmac.new(hook.secret.encode(), f"{stamp}.".encode() + body, hashlib.sha256).hexdigest()
    )
    assert json.loads(body)["data"] == {"delivery": "1"}
    assert len(receiver.got) == 1


async def test_a_failure_is_tried_again_later_and_given_up_in_the_end(receiver, actor):
    receiver.status = 500
    await sync_to_async(webhooks.add_webhook)(actor, receiver.url, ["*"])
    await sync_to_async(webhooks.emit)("delivery.failed", [(actor.workspace.id, {})])
    at = clock.now()
    for wait in (0, *webhooks.WAITS):
        at += timedelta(seconds=wait + 61)
        with clock.frozen(at):
            await webhooks.send_due()
    event = await WebhookEvent.objects.aget()
    assert event.given_up_at is not None
    assert len(receiver.got) == len(webhooks.WAITS) + 1
    hook = await Webhook.objects.aget()
    assert (hook.last_status, hook.failures) == (500, len(webhooks.WAITS) + 1)


async def test_an_internal_address_is_not_reached(receiver, actor, monkeypatch):
    monkeypatch.setattr(guard, "ALLOWED", set())
    await sync_to_async(webhooks.add_webhook)(actor, receiver.url, ["*"])
    await sync_to_async(webhooks.emit)("delivery.failed", [(actor.workspace.id, {})])
    await webhooks.send_due()
    assert receiver.got == []
    assert "internal address" in (await Webhook.objects.aget()).last_error


def test_a_wrong_address_or_event_is_told(actor, member):
    for url, events in (("ftp://x", ["*"]), ("https://ok.example", ["delivery.exploded"]), ("https://ok.example", [])):
        with pytest.raises(Unacceptable):
            webhooks.add_webhook(actor, url, events)
    with pytest.raises(NotAllowed):
        webhooks.add_webhook(member("editor"), "https://ok.example", ["*"])
