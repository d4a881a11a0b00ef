"""Rate limits: points in fixed windows, with the headers that tell of them; in memory, as the server keeps them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from kicau.networks.bluesky.sandbox.errors import Refusal


@dataclass(frozen=True, slots=True)
class Limit:
    name: str
    points: int
    seconds: int


EVERYTHING = Limit("global-ip", 3000, 300)
SIGN_IN = (Limit("sign-in-day", 300, 86_400), Limit("sign-in", 30, 300))
UPLOADS = Limit("uploads", 1000, 86_400)
WRITES = (Limit("repo-write-hour", 5000, 3600), Limit("repo-write-day", 35_000, 86_400))


class Windows:
    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._open: dict[tuple[str, str], tuple[float, int]] = {}  # (limit, who) -> (ends, used)

    def use(self, wanted: Iterable[tuple[Limit, str, int]]) -> dict[str, str]:
        """Take points of each limit for somebody; the headers of the one with the fewest left. Raises Refusal."""
        now, fewest = self._clock(), None
        for limit, who, points in wanted:
            ends, used = self._open.get((limit.name, who), (0.0, 0))
            if ends <= now:
                ends, used = now + limit.seconds, 0
            used += points
            self._open[limit.name, who] = (ends, used)
            left = limit.points - used
            if left < 0:
                raise exceeded(limit, ends, now)
            if fewest is None or left < fewest[1]:
                fewest = (limit, left, ends)
        return headers(fewest[0], fewest[1], fewest[2]) if fewest else {}


def headers(limit: Limit, left: int, ends: float) -> dict[str, str]:
    return {
        "RateLimit-Limit": str(limit.points),
        "RateLimit-Remaining": str(left),
        "RateLimit-Reset": str(math.ceil(ends)),
        "RateLimit-Policy": f"{limit.points};w={limit.seconds}",
    }


def exceeded(limit: Limit, ends: float, now: float) -> Refusal:
    told = headers(limit, 0, ends) | {"Retry-After": str(math.ceil(ends - now))}
    return Refusal(429, "RateLimitExceeded", "Rate Limit Exceeded", told)
