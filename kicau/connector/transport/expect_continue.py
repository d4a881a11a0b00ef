"""A request that must not be sent twice asks the server first whether it takes the body (`Expect: 100-continue`).

A stalled connection or an unreachable server is then noticed before anything was sent (docs/decisions/0032).
Source: https://www.rfc-editor.org/rfc/rfc9110#section-10.1.1, 2026-11-27.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from weakref import WeakKeyDictionary

import aiohttp
from yarl import URL

GO_ON_SECONDS = 5.0  # that a server may take to say that it takes a body
SILENCE_SECONDS = 3.0  # the same for a server that has not said so before; then Kicau checks whether it answers at all
NOT_ASKED_SECONDS = 3600.0  # pause before a server that ignores or refuses the question is asked again
# Statuses with which servers refuse the question itself (docs/decisions/0032).
REFUSALS = frozenset({405, 417})
MAX_SERVERS = 1000  # remembered for each session

type Whole = tuple[dict[str, str], bytes]  # headers, their names in lower case, and body
type Read = Callable[[aiohttp.ClientResponse], Awaitable[Whole]]


class NotAsked(Exception):
    """The server ignores or refuses the question. It has not processed the request, so send it without asking."""


class NotTakenYet(aiohttp.ClientConnectionError):
    """The connection failed before the server accepted the body, so the body was not sent."""


@dataclass(slots=True)
class _Server:
    says_go_on: bool = False  # it answered "100 Continue" before
    not_asked_until: float = 0.0  # time.monotonic()


_servers: WeakKeyDictionary[aiohttp.ClientSession, dict[URL, _Server]] = WeakKeyDictionary()


def may_be_asked(client: aiohttp.ClientSession, url: URL) -> bool:
    return _server(client, url).not_asked_until <= time.monotonic()


async def send(
    client: aiohttp.ClientSession,
    method: str,
    url: URL,
    headers: Mapping[str, str],
    body: bytes,
    *,
    timeout: aiohttp.ClientTimeout,
    read: Read,
    first: Callable[[], Awaitable[None]],
) -> Whole:
    """Return what `read` makes of the answer. `first` is awaited after the server accepted the body and before the body
    is sent; its errors are raised unchanged.

    Raises NotAsked if the request must be sent without asking; NotTakenYet if the body was not sent; TimeoutError or
    another ClientError if the answer was lost after the body was sent.
    """
    server, goes_on = _server(client, url), asyncio.Event()
    failure: Exception | None = None
    is_given_up = False

    async def when_asked_for() -> AsyncIterator[bytes]:
        nonlocal failure
        if is_given_up:  # "100 Continue" came after the caller was told that nothing was sent
            raise NotTakenYet
        goes_on.set()
        try:
            await first()
        except Exception as exc:
            failure = exc
            raise
        yield body

    async def exchange() -> Whole:
        sent = {**headers, "content-length": str(len(body))}
        async with client.request(
            method, url, headers=sent, data=when_asked_for(), expect100=True, timeout=timeout, allow_redirects=False
        ) as answer:
            if answer.status in REFUSALS or not (goes_on.is_set() or server.says_go_on):
                raise NotAsked
            found = await read(answer)
            if not goes_on.is_set():
                answer.close()  # it may still wait for the body
            return found

    asking = asyncio.ensure_future(exchange())
    heard = asyncio.ensure_future(goes_on.wait())
    try:
        patience = GO_ON_SECONDS if server.says_go_on else SILENCE_SECONDS
        await asyncio.wait((asking, heard), timeout=patience, return_when=asyncio.FIRST_COMPLETED)
        is_given_up = not goes_on.is_set()  # from now on the body may not be sent, even if "100 Continue" comes
        if goes_on.is_set():
            server.says_go_on = True
        elif not asking.done():
            asking.cancel()
            raise TimeoutError
        return await asking
    except NotAsked:
        _leave_alone(server)
        raise
    except (TimeoutError, aiohttp.ClientError) as exc:
        if failure is not None:
            raise failure from None
        if goes_on.is_set():
            raise
        if not server.says_go_on and await _is_there(client, url):
            _leave_alone(server)
            raise NotAsked from None
        server.says_go_on = False
        raise NotTakenYet(str(exc)) from exc
    finally:
        is_given_up = True
        heard.cancel()
        asking.cancel()


async def _is_there(client: aiohttp.ClientSession, url: URL) -> bool:
    """Whether anything is answered there, on another connection."""
    timeout = aiohttp.ClientTimeout(total=GO_ON_SECONDS)
    try:
        async with client.head(url.origin(), timeout=timeout, allow_redirects=False):
            return True
    except (TimeoutError, aiohttp.ClientError):
        return False


def _leave_alone(server: _Server) -> None:
    server.says_go_on, server.not_asked_until = False, time.monotonic() + NOT_ASKED_SECONDS


def _server(client: aiohttp.ClientSession, url: URL) -> _Server:
    known = _servers.setdefault(client, {})
    if len(known) >= MAX_SERVERS:
        known.clear()
    return known.setdefault(url.origin(), _Server())


__all__ = ["NotAsked", "NotTakenYet", "Read", "Whole", "may_be_asked", "send"]
