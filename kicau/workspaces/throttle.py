"""How often something may be done in a while: counted in the database before it is done, so that all processes agree.

One statement counts everything that one request needs. Requests at the same moment are counted one after the other, so no
more of them pass than the limit says, however many there are.
"""

from __future__ import annotations

import hashlib
import ipaddress
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection

from kicau.base import clock

GUESS_WINDOW = timedelta(minutes=10)  # for guesses
SHARED_LIMIT_FACTOR = 5  # times the rate: for all names that one address tries, and for all addresses that try one name
IPV6_PREFIX_BITS = 64  # bits: what one subscriber has

_COUNT_SQL = """
INSERT INTO workspaces_throttle AS old (key, until, used)
SELECT key, until, 1 FROM unnest(%s::text[], %s::timestamptz[]) AS given (key, until) ORDER BY key
ON CONFLICT (key) DO UPDATE SET
  used = CASE WHEN old.until > %s THEN old.used + 1 ELSE 1 END,
  until = CASE WHEN old.until > %s THEN old.until ELSE EXCLUDED.until END
RETURNING key, used, until
"""


@dataclass(frozen=True, slots=True)
class ThrottleLimit:
    """At most `most` times under one key until `until`, which counts from the first time."""

    key: str
    most: int
    until: datetime


@dataclass(frozen=True, slots=True)
class ThrottleCount:
    used: int
    until: datetime


def count_attempt(limits: Sequence[ThrottleLimit]) -> dict[str, ThrottleCount]:
    """Count one time more for each limit; what comes back may be above it."""
    now = clock.now()
    with connection.cursor() as cursor:
        cursor.execute(_COUNT_SQL, [[one.key for one in limits], [one.until for one in limits], now, now])
        return {key: ThrottleCount(used, until) for key, used, until in cursor.fetchall()}


def wait_seconds(limits: Sequence[ThrottleLimit]) -> int:
    """Count one try; how long to wait where it is one too many, 0 where it may go on."""
    counted, now = count_attempt(limits), clock.now()
    over = [counted[one.key].until for one in limits if counted[one.key].used > one.most]
    return max((max(1, int((until - now).total_seconds())) for until in over), default=0)


def uncount_attempt(limits: Iterable[ThrottleLimit]) -> None:
    """The try was none of those that are limited, such as a right password."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE workspaces_throttle SET used = greatest(used - 1, 0) WHERE key = ANY(%s)",
            [sorted(one.key for one in limits)],
        )


def delete_expired() -> int:
    """Delete what counts no longer; returns how many."""
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM workspaces_throttle WHERE until < %s", [clock.now()])
        return int(cursor.rowcount)


# Guesses


def sign_in_limits(address: str, name: str, *, known: str = "") -> list[ThrottleLimit]:
    """For a password. `known` marks a browser in which this person has signed in before: it is counted for itself alone,
    so that nobody locks the person out by guessing from elsewhere."""
    rate = settings.KICAU_SIGN_IN_RATE
    if known:
        return _guess_limits({f"sign-in-known:{_digest(known)}": rate})
    who, network = _digest(name.casefold()), _digest(network_of(address))
    return _guess_limits(
        {
            f"sign-in:{who}:{network}": rate,
            f"sign-in-address:{network}": rate * SHARED_LIMIT_FACTOR,
            f"sign-in-account:{who}": rate * SHARED_LIMIT_FACTOR,
        }
    )


def code_limits(person_id: object) -> list[ThrottleLimit]:
    """For the second factor."""
    return _guess_limits({f"code:{person_id}": settings.KICAU_SIGN_IN_RATE})


def proof_limits(person_id: object) -> list[ThrottleLimit]:
    """For the password of somebody who is signed in."""
    return _guess_limits({f"prove:{person_id}": settings.KICAU_SIGN_IN_RATE})


def first_visit_limits(address: str) -> list[ThrottleLimit]:
    """For the code that the first visitor gives; by address, so that who guesses keeps nobody else out."""
    return _guess_limits({f"first-visit:{network_of(address)}": settings.KICAU_SIGN_IN_RATE})


def once_limit(name: str, seconds: int) -> ThrottleLimit:
    """Something that counts a single time in so many seconds, such as the answer to a question that is valid that long."""
    return ThrottleLimit(f"once:{_digest(name)}", 1, clock.now() + timedelta(seconds=seconds))


def network_of(address: str) -> str:
    """The IPv4 address, or the network of an IPv6 address that one subscriber has; "" for what is neither."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return ""
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.ipv4_mapped is None:
            return str(ipaddress.ip_network((int(ip), IPV6_PREFIX_BITS), strict=False))
        ip = ip.ipv4_mapped
    return str(ip)


def _guess_limits(limits: dict[str, int]) -> list[ThrottleLimit]:
    until = clock.now() + GUESS_WINDOW
    return [ThrottleLimit(key, most, until) for key, most in limits.items()]


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:32]
