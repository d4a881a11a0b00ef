"""Fetching what a person named: never from inside the operator's own network.

Every address that a name resolves to is checked, and the connection is made to the checked address itself, so that a
name that changes between check and use gains nothing. `ALLOWED_HOSTS` is the operator's list of internal hosts that may be
reached all the same (a sandbox on loopback).
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Set as AbstractSet
from typing import Any

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

from kicau.connector.content import Problem
from kicau.connector.transport import dns

#: What is said of every address that gave no answer, wherever it lies: the sentence tells nothing about our network.
UNREACHABLE_MESSAGE = (
    "Kicau could not reach {url}. Check that the address is correct and open to everybody on the internet."
)
IPV4_EMBEDDING_NETWORKS = tuple(  # IPv6 networks whose addresses carry an IPv4 address in their last 32 bits
    ipaddress.IPv6Network(one) for one in ("64:ff9b::/96", "::/96", "::ffff:0:0/96", "::ffff:0:0:0/96")
)
EXTRA_INTERNAL_NETWORKS = tuple(
    ipaddress.IPv6Network(one) for one in ("fec0::/10", "64:ff9b:1::/48")
)  # site-local; local NAT64

ALLOWED_HOSTS: set[str] = set()  # host or host:port, set once from the operator's settings
ENDPOINT_HOSTS: set[str] = set()  # host:port of addresses that the operator gave for networks; for connectors only


class InternalAddress(OSError):
    """The address is inside the operator's network, and not on the list of those that may be reached."""

    def __init__(self, host: str) -> None:
        super().__init__(f"{host} is an internal address; only public addresses are fetched.")


class GuardedResolver(AbstractResolver):
    def __init__(self, also: AbstractSet[str] = frozenset()) -> None:
        self._inner, self._also = dns.ThreadedResolver(), also

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        try:
            found = await self._inner.resolve(host, port, family)
        except UnicodeError:
            raise OSError(f"{host} is no host's name") from None
        if _is_allowed(host, port, self._also):
            return found
        for one in found:
            if not is_public(one["host"]):
                raise InternalAddress(host)
        return found

    async def close(self) -> None:
        await self._inner.close()


def is_public(address: str) -> bool:
    """Whether an IP address is reachable by everybody: not private, loopback, link-local, multicast or reserved."""
    try:
        ip = ipaddress.ip_address(address.split("%")[0])
    except ValueError:
        return False
    if isinstance(ip, ipaddress.IPv6Address):
        inside = _embedded_ipv4(ip)
        if any(ip in one for one in EXTRA_INTERNAL_NETWORKS) or not all(map(_is_global, inside)):
            return False
        if any(ip in one for one in IPV4_EMBEDDING_NETWORKS):
            return True
    return _is_global(ip)


def _embedded_ipv4(ip: ipaddress.IPv6Address) -> list[ipaddress.IPv4Address]:
    """The IPv4 addresses to which a gateway would send what goes to this one: mapped, NAT64, 6to4 and Teredo."""
    found = [ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)] if any(ip in one for one in IPV4_EMBEDDING_NETWORKS) else []
    if ip.sixtofour is not None:
        found.append(ip.sixtofour)
    return [*found, *(ip.teredo or ())]


def _is_global(ip: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    return ip.is_global and not ip.is_multicast


def unreachable_message(url: str) -> Problem:
    """What a person is shown of an address that gave no answer."""
    return Problem(code="unreachable", message=UNREACHABLE_MESSAGE, params={"url": url}, field="url")


def failure_reason(exc: BaseException) -> str:
    """Why an address could not be reached, for the log of the operator alone."""
    cause = exc.__cause__ or exc.__context__ or exc
    return (str(cause) or type(cause).__name__)[:300]


def _is_allowed(host: str, port: int, also: AbstractSet[str]) -> bool:
    return not {host, f"{host}:{port}"}.isdisjoint(ALLOWED_HOSTS | also)


class GuardedConnector(aiohttp.TCPConnector):
    """Reaches public addresses, and the internal ones that are allowed. Literal addresses skip the resolver, so they
    are checked here."""

    def __init__(self, *, also: AbstractSet[str] = frozenset(), **how: Any) -> None:
        super().__init__(resolver=GuardedResolver(also), **how)
        self._also = also

    async def _resolve_host(self, host: str, port: int, traces: Any = None) -> list[ResolveResult]:
        literal = host.strip("[]")
        try:
            ipaddress.ip_address(literal.split("%")[0])
        except ValueError:
            return await super()._resolve_host(host, port, traces)
        if not is_public(literal) and not _is_allowed(host, port, self._also):
            raise InternalAddress(host)
        return await super()._resolve_host(host, port, traces)


def guarded_session(*, timeout: float = 20, user_agent: str = "Kicau") -> aiohttp.ClientSession:
    """A client that reaches public addresses only; for webhooks, link cards and media by URL."""
    return aiohttp.ClientSession(
        connector=GuardedConnector(use_dns_cache=False),
        timeout=aiohttp.ClientTimeout(total=timeout, sock_connect=10),
        headers={"User-Agent": user_agent},
        trust_env=False,
    )
