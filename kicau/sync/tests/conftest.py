"""A sandbox that bills its readings, two channels that have signed in there, and a time that goes on when it is told."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from importlib import import_module
from typing import Any
from uuid import uuid4

import aiohttp
import pytest
import pytest_asyncio
from asgiref.sync import sync_to_async
from django.db import connections

from kicau.base import clock
from kicau.channels import actions as channels
from kicau.channels.channel_session import ChannelSession, capabilities_of, new_client
from kicau.channels.models import Channel
from kicau.connector import content, registry
from kicau.connector.contract import consent_at_sandbox
from kicau.connector.sandbox.server import start_sandbox
from kicau.connector.serialization import to_compact_json
from kicau.publishing.content import compositions
from kicau.publishing.models import Delivery, DeliveryState
from kicau.publishing.scheduling import schedule

BILLS = "x"  # the network of these tests: each resource that is read costs once a UTC day


@pytest_asyncio.fixture
async def server(tmp_path) -> AsyncIterator[Any]:
    made = import_module(f"{registry.network_package(BILLS)}.sandbox").Server(folder=tmp_path)
    made.tier = "enterprise"  # on which anybody may answer without having been mentioned
    runner = await start_sandbox(made)
    yield made
    await runner.cleanup()


@pytest_asyncio.fixture
async def client() -> AsyncIterator[aiohttp.ClientSession]:
    async with new_client() as session:
        yield session
    await sync_to_async(connections.close_all)()


@pytest_asyncio.fixture
async def pair(server, actor, client) -> dict[str, Channel]:
    """Kopi Senja's account and a reader's, by key."""
    app = server.default_app
    await sync_to_async(channels.register_app)(
        BILLS, app.client_id, app.client_secret, endpoints=server.endpoints(), is_sandbox=True
    )
    for account, key in zip(server.accounts()[:2], ("kopi", "kabar"), strict=True):
        begun = await channels.begin_sign_in(actor, BILLS, client=client)
        returned = await consent_at_sandbox(client, begun.url, account.id)
        await channels.finish_sign_in(actor, returned, client=client)
        await channels.connect(actor, begun.state, keys={account.id: key}, client=client)
    rows = Channel.objects.filter(workspace=actor.workspace).select_related("app", "workspace")
    return {c.key: c for c in await sync_to_async(list)(rows)}


async def unpaid(used: object) -> None:
    """What a test sends beside the app is nobody's money."""


@pytest.fixture
def say(pair, client) -> Callable[..., Any]:
    """Publish over HTTP as one of the accounts; gives the network's id."""

    async def send(key: str, words: str, *, to: str | None = None) -> str:
        live = ChannelSession(pair[key], client, unpaid)
        post = live.connector.render(
            content.Draft(parts=(content.Part(text=words),), reply_to=to), capabilities_of(pair[key])
        )
        done = await live.connector.publish(
            live, content.Delivery(key=uuid4(), post=post, due_at=live.now(), begun_at=live.now())
        )
        assert isinstance(done, content.PublishedPost)
        return done.ids[0]

    return send


@pytest.fixture
def published(actor, pair, say) -> Callable[..., Any]:
    """A post of the workspace that went out just now."""

    async def make(words: str, key: str = "kopi") -> Delivery:
        return await sync_to_async(keep)(words, key, await say(key, words))

    def keep(words: str, key: str, id_: str) -> Delivery:
        draft = compositions.create_draft(
            actor, compositions.Composition(parts=(compositions.PartContent(text=words),), campaign="Lembang")
        )
        whole, now = compositions.one_draft(actor, draft.id), clock.now()
        return Delivery.objects.create(
            workspace=actor.workspace,
            draft=whole,
            channel=pair[key],
            network=BILLS,
            state=DeliveryState.PUBLISHED,
            due_at=now,
            next_at=now,
            rendered=to_compact_json(schedule.render(whole, pair[key])),
            remote_ids=[id_],
            published_at=now,
        )

    return make
