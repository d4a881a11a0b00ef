"""Looking up the addresses of hosts, in threads of its own.

The system's resolver blocks its thread, for half a minute where a name server does not answer. In the event loop's own
threads (six on two processors) a few such hosts would hold up every other look-up, and the files of posts.
"""

from __future__ import annotations

import asyncio
import socket
import threading
from concurrent.futures import Future, ThreadPoolExecutor

from aiohttp.abc import AbstractResolver, ResolveResult

MAX_PARALLEL_LOOKUPS = (
    32  # at a time; each host has one at most, so that many requests to a host that hangs wait for the same
)

type Key = tuple[str, int, int]  # host, port, family

_LOOKUP_THREADS = ThreadPoolExecutor(MAX_PARALLEL_LOOKUPS, "names")
_pending_lookups: dict[Key, Future[list[ResolveResult]]] = {}
_lock = threading.Lock()


class ThreadedResolver(AbstractResolver):
    """What aiohttp's connectors ask for addresses; any number of them share the threads."""

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Raises OSError where the host has no address, UnicodeError where it is no host's name."""
        # Shielded, since others may wait for the same look-up.
        return await asyncio.shield(asyncio.wrap_future(_shared_lookup(host, port, family)))

    async def close(self) -> None:
        """Nothing of it is this resolver's own."""


def _shared_lookup(host: str, port: int, family: int) -> Future[list[ResolveResult]]:
    """The look-up of this host that is under way, or a new one."""
    key = (host, port, family)
    with _lock:
        if (found := _pending_lookups.get(key)) is not None:
            return found
        made = _pending_lookups[key] = _LOOKUP_THREADS.submit(_resolve_addresses, host, port, family)
    made.add_done_callback(lambda _: _drop_lookup(key))
    return made


def _drop_lookup(key: Key) -> None:
    with _lock:
        _pending_lookups.pop(key, None)


def _resolve_addresses(host: str, port: int, family: int) -> list[ResolveResult]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, family=family, flags=socket.AI_ADDRCONFIG)
    return [
        _resolve_result(host, kind, proto, address) for kind, _, proto, _, address in found if len(address) in (2, 4)
    ]


def _resolve_result(host: str, family: int, proto: int, address: tuple[object, ...]) -> ResolveResult:
    numeric, port = str(address[0]), address[1]
    if len(address) == 4 and address[3]:  # a link-local address is of use with its interface alone
        numeric, port = socket.getnameinfo(address, socket.NI_NUMERICHOST | socket.NI_NUMERICSERV)  # type: ignore[arg-type]
    return ResolveResult(
        hostname=host,
        host=numeric,
        port=int(str(port)),
        family=family,
        proto=proto,
        flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
    )
