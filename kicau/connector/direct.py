"""A request whose body is at hand, sent over the client's own connections.

A session of aiohttp makes some twenty objects for each request, which was half of a worker's time while ten thousand posts
went out (docs/decisions/0029). Connections, their pool, TLS, the check of addresses and the reading of answers are
aiohttp's here as well; this writes the request itself, and follows no redirect.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

import aiohttp
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.http_parser import RawResponseMessage
from yarl import URL

GO_ON = 5.0  # seconds that a server may take to say that it takes a body
SILENCE = 1.0  # seconds after which one that was never heard to say so is asked whether it is there
UNASKED = 3600.0  # seconds for which one that did not say so, or took it ill, is not asked again
# What a server answered for no other reason than that it was asked (docs/decisions/0032).
ILL = frozenset({405, 417})
LARGE = 64 << 10  # bytes; a larger body is left to the session, which sends it as fast as the network takes it
ORIGINS = 1000  # remembered of a client
BODILESS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})  # methods that say no length where they have no body
UNSENDABLE = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")  # in a header it would end it, or mean something else


class NothingSent(aiohttp.ClientConnectionError):
    """The connection was gone before anything went out on it that could be carried out."""


class _Unasked(Exception):
    """The server does not say whether it takes a body, or takes it ill to be asked. It has carried nothing out."""


@dataclass(slots=True)
class Origin:
    """What all requests to one server have in common."""

    request: aiohttp.ClientRequest  # names the server to the pool; never sent
    headers: Mapping[str, str]  # lower case: the host's, and those of the client
    says_go_on: bool = False  # was heard to, when it was asked before a body
    unasked_until: float = 0.0  # time.monotonic()


type Answer = tuple[RawResponseMessage, aiohttp.StreamReader]
type Whole = tuple[dict[str, str], bytes]  # headers and body
type First = Callable[[], Awaitable[None]]

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
    first: First | None = None,
) -> Whole:
    """Headers (their names in lower case) and body, of which no more than a little over `most` bytes are read;
    `heard` is told the status as soon as it is known.

    `first` is awaited just before anything leaves that could be carried out. Where there is a body, the server is asked
    before that whether it takes one (`Expect: 100-continue`,
    https://www.rfc-editor.org/rfc/rfc9110#section-10.1.1, 2026-11-27), so that a line that stands still is found out
    while nothing is in doubt. One that leaves that question alone, or takes it ill, gets the request without it.

    `headers` have their names in lower case. Raises TimeoutError after `patience.total` seconds, and what a session
    raises: NothingSent, aiohttp.ClientConnectorError, ConnectionTimeoutError or InvalidURL where nothing was sent, another
    ClientError where the answer was lost; ValueError for what no header can hold.
    """
    origin = _origin_of(client, url)
    lines = {**origin.headers, **headers}
    head = _head(method, url, lines, body)
    if client.connector is None:
        raise aiohttp.ClientConnectionError("The client is closed.")
    async with asyncio.timeout(patience.total):
        if first is not None and body and origin.unasked_until <= time.monotonic():
            asking = _head(method, url, {**lines, "expect": "100-continue"}, body)
            connection = await client.connector.connect(origin.request, [], patience)
            try:
                return await _asked(client, origin, connection, asking, body, most, heard, first)
            except _Unasked:
                origin.says_go_on, origin.unasked_until = False, time.monotonic() + UNASKED
        connection = await client.connector.connect(origin.request, [], patience)
        try:
            protocol = _ready(connection, method)
            if first is not None:
                await first()
            _send(protocol, head + (body or b""))
            message, payload = await _answer(protocol)
            heard(message.code)
            answer = await whole(message.headers, payload, most)
        except BaseException:
            connection.close()  # what is under way on it belongs to nobody
            raise
        connection.release()
    return answer


async def _asked(
    client: aiohttp.ClientSession,
    origin: Origin,
    connection: aiohttp.connector.Connection,
    head: bytes,
    body: bytes,
    most: int,
    heard: Callable[[int], None],
    first: First,
) -> Whole:
    """The answer of a server that says whether it takes the body. Raises _Unasked."""
    try:
        protocol = _ready(connection)
        _send(protocol, head)
        message, payload = await _go_on(client, origin, protocol)
        if goes_on := message.code == 100:
            await first()
            _send(protocol, body)
            message, payload = await _answer(protocol)
        if message.code in ILL:
            raise _Unasked
        heard(message.code)
        answer = await whole(message.headers, payload, most)
        if goes_on:
            connection.release()
        return answer
    finally:
        connection.close()  # where it was not released: the server may still wait for the body


async def _go_on(client: aiohttp.ClientSession, origin: Origin, protocol: Any) -> Answer:
    """Its "go on", or the answer that one gave in its place which is known to say so. Raises _Unasked."""
    try:
        async with asyncio.timeout(GO_ON if origin.says_go_on else SILENCE):
            answer = await _answer(protocol, or_go_on=True)
    except (TimeoutError, aiohttp.ClientError):
        if not origin.says_go_on and await _is_there(client, origin.request.url):
            raise _Unasked from None
        origin.says_go_on = False  # it is taken for granted no longer
        raise
    if answer[0].code == 100:
        origin.says_go_on = True
    elif not origin.says_go_on:
        raise _Unasked
    return answer


def _ready(connection: aiohttp.connector.Connection, method: str = "") -> Any:
    """The connection's protocol, set to read one answer."""
    protocol = connection.protocol
    if protocol is None:
        raise NothingSent
    protocol.set_response_params(skip_payload=method == "HEAD", read_until_eof=True)
    return protocol


def _send(protocol: Any, data: bytes) -> None:
    if protocol.transport is None or protocol.transport.is_closing():
        raise NothingSent
    protocol.transport.write(data)


async def _answer(protocol: Any, *, or_go_on: bool = False) -> Answer:
    """After "go on", "early hints" and their like."""
    try:
        while True:
            answer: Answer = await protocol.read()
            code = answer[0].code
            if not 100 <= code < 200 or code == 101 or (or_go_on and code == 100):
                return answer
    except HttpProcessingError as exc:
        raise aiohttp.ClientPayloadError("the answer is not HTTP") from exc


async def _is_there(client: aiohttp.ClientSession, url: URL) -> bool:
    """Whether anything is answered there, on another connection."""
    patience = aiohttp.ClientTimeout(total=GO_ON - SILENCE)
    try:
        await exchange(client, "HEAD", url, {}, None, patience=patience, most=0, heard=lambda code: None)
    except (TimeoutError, aiohttp.ClientError):
        return False
    return True


async def whole(headers: Mapping[str, str], payload: aiohttp.StreamReader, most: int) -> Whole:
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


def _head(method: str, url: URL, headers: dict[str, str], body: bytes | None) -> bytes:
    if body is not None or method not in BODILESS:
        headers["content-length"] = str(len(body or b""))
    lines = [f"{method} {url.raw_path_qs} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    if UNSENDABLE.search("\t".join(lines)):  # which says nothing of it: a header may hold a secret
        raise ValueError("the request's line or one of its headers holds what cannot be sent in one")
    return "\r\n".join(lines).encode() + b"\r\n\r\n"
