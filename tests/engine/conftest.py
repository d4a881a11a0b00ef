"""A worker in the test's own loop, a stranger's network on loopback, and a workspace with two channels there."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import timedelta

import aiohttp
import pytest
import pytest_asyncio
from asgiref.sync import sync_to_async
from django.db import connections

from kicau.base import clock
from kicau.channels import actions as channels
from kicau.channels.channel_session import new_client
from kicau.channels.models import Channel
from kicau.connector.contract import consent_at_sandbox
from kicau.connector.sandbox.server import start_sandbox
from kicau.engine.dispatcher import Capacity, Dispatcher
from kicau.publishing.content import compositions
from kicau.publishing.delivery.delivery_worker import DeliverySource
from kicau.publishing.delivery.outcomes import ClaimedDelivery
from kicau.publishing.models import Delivery
from kicau.publishing.scheduling import schedule
from tests.stranger.sandbox import Server


async def claimed(work: DeliverySource, worker: str) -> list[ClaimedDelivery]:
    """What a worker takes that looks first."""
    await sync_to_async(work.look)()
    return await sync_to_async(work.claim)(worker, Capacity({"stranger": 100}))


@pytest_asyncio.fixture
async def network(stranger, tmp_path) -> AsyncIterator[Server]:
    server = Server(folder=tmp_path)
    runner = await start_sandbox(server)
    yield server
    await runner.cleanup()


@pytest_asyncio.fixture
async def client() -> AsyncIterator[aiohttp.ClientSession]:
    async with new_client() as session:
        yield session
    await sync_to_async(connections.close_all)()


@pytest_asyncio.fixture
async def pair(network, actor, client) -> list[Channel]:
    """Ana's and Budi's accounts, connected as people do it."""
    app = network.default_app
    await sync_to_async(channels.register_app)(
        "stranger", app.client_id, app.client_secret, endpoints=network.endpoints(), is_sandbox=True
    )
    made = []
    for name in ("ana", "budi"):
        begun = await channels.begin_sign_in(actor, "stranger", client=client)
        returned = await consent_at_sandbox(client, begun.url, account=name)
        await channels.finish_sign_in(actor, returned, client=client)
        made += await channels.connect(actor, begun.state, keys={name: name}, client=client)
    return made


@pytest.fixture
def post(actor, pair) -> Callable[..., Delivery]:
    """Write and schedule: post("text", "and a second part", to="ana", after=0)."""

    def make(*texts: str, to: str = "ana", after: float = 0) -> Delivery:
        draft = compositions.create_draft(
            actor, compositions.Composition(parts=tuple(compositions.PartContent(text=t) for t in texts))
        )
        at = clock.now() + timedelta(seconds=after)
        return schedule.schedule(actor, compositions.one_draft(actor, draft.id), [to], at).deliveries[0]

    return make


class Shop:
    """Runs a worker until what it was given is done. `seconds` end a test that would wait for ever; on a busy machine all
    of it takes many times as long as otherwise."""

    def __init__(self, client: aiohttp.ClientSession) -> None:
        self.client = client

    async def work(self, until: Callable[[], bool], seconds: float = 120, **how: int) -> None:
        pump = Dispatcher(DeliverySource(self.client), **how)
        running = asyncio.create_task(pump.run())
        try:
            async with asyncio.timeout(seconds):
                while not await sync_to_async(until)():
                    await asyncio.sleep(0.02)
                    if running.done():
                        running.result()
        finally:
            pump.stop()
            await running


@pytest.fixture
def shop(client) -> Shop:
    return Shop(client)


@pytest.fixture
def state() -> Callable[[Delivery], str]:
    return lambda row: Delivery.objects.values_list("state", flat=True).get(id=row.id)
