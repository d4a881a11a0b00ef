"""Rate limits: points in fixed windows, with the headers that tell of them; in memory, as the server keeps them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from kicau.networks.bluesky.sandbox.errors import BlueskyApiError


@dataclass(frozen=True, slots=True)
class PointLimit:
    name: str
    points: int
    seconds: int


GLOBAL_LIMIT = PointLimit("global-ip", 3000, 300)
SIGN_IN_LIMITS = (PointLimit("sign-in-day", 300, 86_400), PointLimit("sign-in", 30, 300))
UPLOAD_LIMIT = PointLimit("uploads", 1000, 86_400)
WRITE_LIMITS = (PointLimit("repo-write-hour", 5000, 3600), PointLimit("repo-write-day", 35_000, 86_400))


class BlueskyRateLimits:
    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._open: dict[tuple[str, str], tuple[float, int]] = {}  # (limit, who) -> (ends, used)

    def use(self, wanted: Iterable[tuple[PointLimit, str, int]]) -> dict[str, str]:
        """Take points of each limit for somebody; the headers of the one with the fewest left. Raises BlueskyApiError."""
        now, fewest = self._clock(), None
        for limit, who, points in wanted:
            ends, used = self._open.get((limit.name, who), (0.0, 0))
            if ends <= now:
                ends, used = now + limit.seconds, 0
            used += points
            self._open[limit.name, who] = (ends, used)
            left = limit.points - used
            if left < 0:
                raise rate_limit_error(limit, ends, now)
            if fewest is None or left < fewest[1]:
                fewest = (limit, left, ends)
        return rate_limit_headers(fewest[0], fewest[1], fewest[2]) if fewest else {}


def rate_limit_headers(limit: PointLimit, left: int, ends: float) -> dict[str, str]:
    return {
        "RateLimit-Limit": str(limit.points),
        "RateLimit-Remaining": str(left),
        "RateLimit-Reset": str(math.ceil(ends)),
        "RateLimit-Policy": f"{limit.points};w={limit.seconds}",
    }


def rate_limit_error(limit: PointLimit, ends: float, now: float) -> BlueskyApiError:
    told = rate_limit_headers(limit, 0, ends) | {"Retry-After": str(math.ceil(ends - now))}
    return BlueskyApiError(429, "RateLimitExceeded", "Rate Limit Exceeded", told)
