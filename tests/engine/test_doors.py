"""What is heard at a network's door while publishing and asking becomes evidence, over real HTTP."""

from __future__ import annotations

from datetime import timedelta

import pytest
from asgiref.sync import sync_to_async

from kicau.base import clock
from kicau.channels.models import AppRefusal
from kicau.connector.app_blocks import AppBlocked
from kicau.connector.sandbox.server import OrderedFault
from kicau.offboarding import blocked_app_detection
from kicau.offboarding.models import Offboarding
from kicau.publishing.models import Delivery
from tests.stranger.connector import Stranger


@pytest.mark.django_db(transaction=True)
async def test_what_is_heard_while_publishing_and_asking_is_evidence(
    pair, post, shop, state, network, client, monkeypatch, actor
):
    def shut_door(self, reply):
        return AppBlocked(code="gone", said="Gone", over=timedelta(0)) if reply.status == 410 else None

    monkeypatch.setattr(Stranger, "shut_door", shut_door, raising=False)
    network.faults.append(
        OrderedFault(effect="status", status=410, method="POST", path="^/posts", times=-1, text="Gone")
    )
    rows = [await sync_to_async(post)(f"ke {name}", to=name) for name in ("ana", "budi")]
    await shop.work(lambda: all(state(row) == "failed" for row in rows))
    assert await AppRefusal.objects.acount() == 2
    later = await sync_to_async(post)("nanti", to="budi", after=600)

    async def asks(self, session):
        await session.http.call("POST", session.app.endpoints["api"] + "/posts", json={}, repeatable=True)
        return self.baseline

    monkeypatch.setattr(Stranger, "capabilities", asks)
    with clock.freeze_clock(clock.now() + blocked_app_detection.PROBE_INTERVAL):
        assert await blocked_app_detection.probe_suspected_blocks(client) == 1  # the third refusal
    assert await Delivery.objects.filter(id=later.id, state="held", hold="offboarded").aexists()
    row = await Offboarding.objects.aget()
    assert (row.state, await blocked_app_detection.check_if_unblocked(actor, row.id, client)) == ("proposed", False)
    network.faults.clear()
    network.faults.append(OrderedFault(effect="status", status=200, method="POST", path="^/posts", times=-1, text="{}"))
    assert await blocked_app_detection.check_if_unblocked(actor, row.id, client)
