"""A request that must not be sent twice asks the server first whether it takes the body (`Expect: 100-continue`).

A stalled connection or an unreachable server is then noticed before anything was sent (docs/decisions/0032).
Source: https://www.rfc-editor.org/rfc/rfc9110#section-10.1.1, 2026-11-27.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from weakref import WeakKeyDictionary

import aiohttp
from yarl import URL

CONTINUE_TIMEOUT_SECONDS = 5.0  # that a server may take to say that it takes a body
FIRST_CONTINUE_TIMEOUT_SECONDS = (
    3.0  # the same for a server that has not said so before; then Kicau checks whether it answers at all
)
EXPECT_PAUSE_SECONDS = 3600.0  # pause before a server that ignores or refuses the question is asked again
# Statuses with which servers refuse the question itself (docs/decisions/0032).
EXPECT_REFUSED_STATUSES = frozenset({405, 417})
MAX_SERVERS_PER_SESSION = 1000  # remembered for each session

type ResponseParts = tuple[dict[str, str], bytes]  # headers, their names in lower case, and body
type ResponseReader = Callable[[aiohttp.ClientResponse], Awaitable[ResponseParts]]


class ExpectUnsupported(Exception):
    """The server ignores or refuses the question. It has not processed the request, so send it without asking."""


class BodyNotSent(aiohttp.ClientConnectionError):
    """The connection failed before the server accepted the body, so the body was not sent."""


@dataclass(slots=True)
class _ServerState:
    says_go_on: bool = False  # it answered "100 Continue" before
    not_asked_until: float = 0.0  # time.monotonic()


_server_states: WeakKeyDictionary[aiohttp.ClientSession, dict[URL, _ServerState]] = WeakKeyDictionary()


def may_expect_continue(client: aiohttp.ClientSession, url: URL) -> bool:
    return _server_state(client, url).not_asked_until <= time.monotonic()


@dataclass(slots=True)
class _Exchange:
    """A request whose body leaves once the server has said that it takes it."""

    body: bytes
    first: Callable[[], Awaitable[None]]
    server: _ServerState
    goes_on: asyncio.Event = field(default_factory=asyncio.Event)
    failure: Exception | None = None  # of `first`
    is_given_up: bool = False

    async def run(
        self,
        client: aiohttp.ClientSession,
        method: str,
        url: URL,
        headers: Mapping[str, str],
        timeout: aiohttp.ClientTimeout,
        read: ResponseReader,
    ) -> ResponseParts:
        sent = {**headers, "content-length": str(len(self.body))}
        async with client.request(
            method, url, headers=sent, data=self._stream_body(), expect100=True, timeout=timeout, allow_redirects=False
        ) as answer:
            if answer.status in EXPECT_REFUSED_STATUSES or not (self.goes_on.is_set() or self.server.says_go_on):
                raise ExpectUnsupported
            found = await read(answer)
            if not self.goes_on.is_set():
                answer.close()  # it may still wait for the body
            return found

    async def _stream_body(self) -> AsyncIterator[bytes]:
        if self.is_given_up:  # "100 Continue" came after the caller was told that nothing was sent
            raise BodyNotSent
        self.goes_on.set()
        try:
            await self.first()
        except Exception as exc:
            self.failure = exc
            raise
        yield self.body


async def send_expecting_continue(
    client: aiohttp.ClientSession,
    method: str,
    url: URL,
    headers: Mapping[str, str],
    body: bytes,
    *,
    timeout: aiohttp.ClientTimeout,
    read: ResponseReader,
    first: Callable[[], Awaitable[None]],
) -> ResponseParts:
    """Return what `read` makes of the answer. `first` is awaited after the server accepted the body and before the body
    is sent; its errors are raised unchanged.

    Raises ExpectUnsupported if the request must be sent without asking; BodyNotSent if the body was not sent; TimeoutError or
    another ClientError if the answer was lost after the body was sent.
    """
    server = _server_state(client, url)
    exchange = _Exchange(body, first, server)
    asking = asyncio.ensure_future(exchange.run(client, method, url, headers, timeout, read))
    heard = asyncio.ensure_future(exchange.goes_on.wait())
    try:
        patience = CONTINUE_TIMEOUT_SECONDS if server.says_go_on else FIRST_CONTINUE_TIMEOUT_SECONDS
        await asyncio.wait((asking, heard), timeout=patience, return_when=asyncio.FIRST_COMPLETED)
        # From now on the body may not be sent, even if "100 Continue" comes.
        exchange.is_given_up = not exchange.goes_on.is_set()
        if exchange.goes_on.is_set():
            server.says_go_on = True
        elif not asking.done():
            asking.cancel()
            raise TimeoutError
        return await asking
    except ExpectUnsupported:
        _pause_expecting(server)
        raise
    except (TimeoutError, aiohttp.ClientError) as exc:
        if exchange.failure is not None:
            raise exchange.failure from None
        if exchange.goes_on.is_set():
            raise
        if not server.says_go_on and await _is_answering(client, url):
            _pause_expecting(server)
            raise ExpectUnsupported from None
        server.says_go_on = False
        raise BodyNotSent(str(exc)) from exc
    finally:
        exchange.is_given_up = True
        heard.cancel()
        asking.cancel()


async def _is_answering(client: aiohttp.ClientSession, url: URL) -> bool:
    """Whether anything is answered there, on another connection."""
    timeout = aiohttp.ClientTimeout(total=CONTINUE_TIMEOUT_SECONDS)
    try:
        async with client.head(url.origin(), timeout=timeout, allow_redirects=False):
            return True
    except (TimeoutError, aiohttp.ClientError):
        return False


def _pause_expecting(server: _ServerState) -> None:
    server.says_go_on, server.not_asked_until = False, time.monotonic() + EXPECT_PAUSE_SECONDS


def _server_state(client: aiohttp.ClientSession, url: URL) -> _ServerState:
    known = _server_states.setdefault(client, {})
    if len(known) >= MAX_SERVERS_PER_SESSION:
        known.clear()
    return known.setdefault(url.origin(), _ServerState())


__all__ = [
    "BodyNotSent",
    "ExpectUnsupported",
    "ResponseParts",
    "ResponseReader",
    "may_expect_continue",
    "send_expecting_continue",
]
