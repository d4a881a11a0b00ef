"""A channel in use: the Session that connectors are lent."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import aiohttp
from asgiref.sync import sync_to_async
from django.conf import settings

import kicau
from kicau.base import clock
from kicau.channels.models import Channel, NetworkApp
from kicau.connector import app_blocks, registry
from kicau.connector.capabilities import Capabilities
from kicau.connector.content import Charge, RenderedMedia
from kicau.connector.protocol import Connector
from kicau.connector.serialization import from_json, to_json
from kicau.connector.session import App, Credentials, MediaFile
from kicau.connector.transport import rate_limit_headers, ssrf
from kicau.connector.transport.http import USER_AGENT_PREFIX, HttpClient, without_automatic_retry
from kicau.media import library, usage_metadata_writer

CALLBACK_PATH = "/channels/callback"
DESCRIPTION_PATH = "/clients/{network}.json"  # where a network's servers read the description of our app


def new_client(limit: int = 0) -> aiohttp.ClientSession:
    """The connection pool of one process; `limit` 0: as many as are needed. Some networks are servers that people
    name, so it reaches public addresses, and internal ones only where the operator gave them for a network."""
    return aiohttp.ClientSession(
        connector=ssrf.GuardedConnector(
            also=ssrf.ENDPOINT_HOSTS, limit=limit, limit_per_host=0, ttl_dns_cache=300, keepalive_timeout=30
        ),
        headers={"User-Agent": f"{USER_AGENT_PREFIX}{kicau.__version__}"},
        cookie_jar=aiohttp.DummyCookieJar(),
        middlewares=(without_automatic_retry,),
    )


def connector_app(row: NetworkApp) -> App:
    """The operator's app as the seam knows it, its endpoints complete; these may be reached, wherever they are."""
    ssrf.ENDPOINT_HOSTS.update(urlsplit(url).netloc for url in row.endpoints.values())
    return App(
        client_id=row.client_id,
        client_secret=row.client_secret,
        callback=settings.KICAU_PUBLIC_URL + CALLBACK_PATH,
        endpoints={**registry.get_connector(row.network).endpoints, **row.endpoints},
        description=settings.KICAU_PUBLIC_URL + DESCRIPTION_PATH.format(network=row.network),
        tier=row.tier,
    )


type PayHook = Callable[
    [Charge], Awaitable[None]
]  # awaited before each call: sets aside what it uses up, or refuses it


class ChannelSession:
    """A Session: one channel for one piece of work. What it spent is in `http.calls`."""

    def __init__(self, channel: Channel, client: aiohttp.ClientSession, pay: PayHook, app: App | None = None) -> None:
        self.channel = channel
        self.connector: Connector = registry.get_connector(channel.network)
        self.app = app or connector_app(channel.app)
        self.account_id, self.handle, self.kind, self.host = (
            channel.account_id,
            channel.handle,
            channel.kind,
            channel.host,
        )
        self.credentials = credentials_of(channel)
        self.http = HttpClient(
            client,
            read_error=self.connector.read_error,
            now=clock.now,
            read_door=app_blocks.app_block_reader(self.connector),
            read_allowances=rate_limit_headers.allowance_reader(self.connector),
            pay=pay,
        )

    def now(self) -> datetime:
        return clock.now()

    async def file(self, media: RenderedMedia, /) -> MediaFile:
        file = await asyncio.to_thread(library.network_copy, media)
        mark = await sync_to_async(usage_metadata_writer.usage_mark_of)(media.media.ref)
        return (
            await asyncio.to_thread(usage_metadata_writer.marked_file, file, mark, self._largest(media))
            if mark
            else file
        )

    async def public_url(self, media: RenderedMedia, /) -> str:
        await asyncio.to_thread(library.network_copy, media)
        mark = await sync_to_async(usage_metadata_writer.usage_mark_of)(media.media.ref)
        return library.public_url(media, mark, self._largest(media))

    def _largest(self, media: RenderedMedia) -> int:
        """Bytes that the network takes, 0 where that is not known."""
        rule = capabilities_of(self.channel).media.get(media.media.kind)
        limits = (rule.max_size if rule else 0, media.recipe.max_size if media.recipe else 0)
        return min((limit for limit in limits if limit), default=0)


class AppSession:
    """A SignInSession: an app while somebody connects a channel of it."""

    def __init__(self, row: NetworkApp, client: aiohttp.ClientSession, pay: PayHook) -> None:
        self.app = connector_app(row)
        self.http = HttpClient(
            client, read_error=registry.get_connector(row.network).read_error, now=clock.now, pay=pay
        )

    def now(self) -> datetime:
        return clock.now()


def capabilities_of(channel: Channel) -> Capabilities:
    """What the channel could do when it was last asked; the network's usual before that."""
    if not channel.capabilities:
        return registry.get_connector(channel.network).baseline
    read: tuple[Any, Capabilities] | None = channel.__dict__.get("_read_capabilities")
    if read is None or read[0] is not channel.capabilities:  # reading takes a millisecond; an import asks 10,000 times
        read = channel.__dict__["_read_capabilities"] = (
            channel.capabilities,
            from_json(Capabilities, channel.capabilities),
        )
    return read[1]


def credentials_of(channel: Channel) -> Credentials:
    """What the channel signs in with; read once from a row that stays in memory."""
    read: tuple[Any, Credentials] | None = channel.__dict__.get("_read_credentials")
    if read is None or read[0] is not channel.credentials:
        read = channel.__dict__["_read_credentials"] = (
            channel.credentials,
            from_json(Credentials, channel.credentials),
        )
    return read[1]


def to_stored(value: Any) -> Any:
    """A seam value in the form in which rows keep it."""
    return to_json(value)


__all__ = [
    "CALLBACK_PATH",
    "AppSession",
    "ChannelSession",
    "capabilities_of",
    "connector_app",
    "new_client",
    "to_stored",
]
