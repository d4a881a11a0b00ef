"""A request that must not be sent twice asks the server first whether it takes the body (`Expect: 100-continue`).

A line that stands still, or a server that is away, is then found out while nothing is in doubt (docs/decisions/0032).
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
SILENCE_SECONDS = 3.0  # after which one that was never heard to say so is asked whether it is there
NOT_ASKED_SECONDS = 3600.0  # for which one that did not say so, or refused to be asked, is not asked again
# What a server answered for no other reason than that it was asked (docs/decisions/0032).
REFUSALS = frozenset({405, 417})
MAX_SERVERS = 1000  # remembered of a client

type Whole = tuple[dict[str, str], bytes]  # headers, their names in lower case, and body
type Read = Callable[[aiohttp.ClientResponse], Awaitable[Whole]]


class NotAsked(Exception):
    """The server does not say whether it takes a body, or refuses to be asked. It has carried nothing out."""


class NotTakenYet(aiohttp.ClientConnectionError):
    """The line broke while the server had not said that it takes the body: nothing that counts was sent."""


@dataclass(slots=True)
class _Server:
    says_go_on: bool = False  # was heard to, when it was asked before a body
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
    """What `read` gives of the answer. `first` is awaited when the server has said that it takes the body, before that
    leaves; what it raises is raised here.

    Raises NotAsked where the request has to be sent without asking; NotTakenYet or TimeoutError where nothing that counts
    was sent; another ClientError where the answer was lost.
    """
    server, goes_on = _server(client, url), asyncio.Event()
    failure: Exception | None = None
    is_given_up = False

    async def when_asked_for() -> AsyncIterator[bytes]:
        nonlocal failure
        if is_given_up:  # its "go on" comes after we have said that nothing was sent
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
        is_given_up = not goes_on.is_set()  # from here to the end nothing may leave, whatever comes in
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
        server.says_go_on = False  # it is taken for granted no longer
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
