"""A request whose body is at hand, sent over the client's own connections.

A session of aiohttp makes some twenty objects for each request, which was half of a worker's time while ten thousand posts
went out (docs/decisions/0029). Connections, their pool, TLS, the check of addresses and the reading of answers are
aiohttp's here as well; this writes the request itself, and follows no redirect.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from weakref import WeakKeyDictionary

import aiohttp
from aiohttp.http_exceptions import HttpProcessingError
from yarl import URL

LARGE = 64 << 10  # bytes; a larger body is left to the session, which sends it as fast as the network takes it
ORIGINS = 1000  # remembered of a client
BODILESS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})  # methods that say no length where they have no body
UNSENDABLE = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")  # in a header it would end it, or mean something else


@dataclass(frozen=True, slots=True)
class Origin:
    """What all requests to one server have in common."""

    request: aiohttp.ClientRequest  # names the server to the pool; never sent
    headers: Mapping[str, str]  # lower case: the host's, and those of the client


_origins: WeakKeyDictionary[aiohttp.ClientSession, dict[URL, Origin]] = WeakKeyDictionary()


def fits(url: URL, body: object) -> bool:
    """Whether such a request can go this way."""
    return url.user is None and (body is None or (isinstance(body, bytes) and len(body) <= LARGE))


async def exchange(
    client: aiohttp.ClientSession,
    method: str,
    url: URL,
    headers: Mapping[str, str],
    body: bytes | None,
    *,
    patience: aiohttp.ClientTimeout,
    most: int,
    heard: Callable[[int], None],
) -> tuple[dict[str, str], bytes]:
    """Headers (their names in lower case) and body, of which no more than a little over `most` bytes are read;
    `heard` is told the status as soon as it is known.

    `headers` have their names in lower case. Raises TimeoutError after `patience.total` seconds, and what a session
    raises: aiohttp.ClientConnectorError, ConnectionTimeoutError or InvalidURL where nothing was sent, another ClientError where the
    answer was lost; ValueError for what no header can hold.
    """
    origin = _origin_of(client, url)
    request = _written(method, url, {**origin.headers, **headers}, body)
    if client.connector is None:
        raise aiohttp.ClientConnectionError("The client is closed.")
    async with asyncio.timeout(patience.total):
        connection = await client.connector.connect(origin.request, [], patience)
        try:
            answer = await _asked(connection, request, method, most, heard)
        except BaseException:
            connection.close()  # what is under way on it belongs to nobody
            raise
        connection.release()
    return answer


async def _asked(
    connection: aiohttp.connector.Connection, request: bytes, method: str, most: int, heard: Callable[[int], None]
) -> tuple[dict[str, str], bytes]:
    protocol, transport = connection.protocol, connection.transport
    if protocol is None or transport is None:
        raise aiohttp.ServerDisconnectedError
    protocol.set_response_params(skip_payload=method == "HEAD", read_until_eof=True)
    transport.write(request)
    try:
        message, payload = await protocol.read()
        while 100 <= message.code < 200 and message.code != 101:  # "go on", "early hints": the answer comes after them
            message, payload = await protocol.read()
    except HttpProcessingError as exc:
        raise aiohttp.ClientPayloadError("the answer is not HTTP") from exc
    heard(message.code)
    return await whole(message.headers, payload, most)


async def whole(headers: Mapping[str, str], payload: aiohttp.StreamReader, most: int) -> tuple[dict[str, str], bytes]:
    """An answer's headers, their names in lower case, and its body, or the beginning of one that is larger than `most`."""
    content = await payload.read(most + 1)
    while not payload.at_eof() and len(content) <= most:
        content += await payload.read(most)
    return {name.lower(): value for name, value in headers.items()}, content


def _origin_of(client: aiohttp.ClientSession, url: URL) -> Origin:
    known = _origins.get(client)
    if known is None:
        known = _origins[client] = {}
    key = _server_of(url)
    found = known.get(key)
    if found is None:
        if len(known) >= ORIGINS:
            known.clear()
        request = aiohttp.ClientRequest(
            "GET", key, headers=client.headers, loop=asyncio.get_running_loop(), session=client
        )
        found = known[key] = Origin(request, {name.lower(): value for name, value in request.headers.items()})
    return found


def _server_of(url: URL) -> URL:
    if url.scheme not in ("http", "https") or not url.host:
        raise aiohttp.InvalidURL(url, "it is no web address")
    return url.origin()


def _written(method: str, url: URL, headers: dict[str, str], body: bytes | None) -> bytes:
    if body is not None or method not in BODILESS:
        headers["content-length"] = str(len(body or b""))
    lines = [f"{method} {url.raw_path_qs} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    if UNSENDABLE.search("\t".join(lines)):  # which says nothing of it: a header may hold a secret
        raise ValueError("the request's line or one of its headers holds what cannot be sent in one")
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + (body or b"")
