"""How many requests a token may make in a minute."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from django.conf import settings

from kicau.api.core.problems import ApiProblem
from kicau.base import clock
from kicau.workspaces import throttle


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestRate:
    limit: int
    used: int
    reset: int  # seconds until a new minute begins

    @property
    def headers(self) -> dict[str, str]:
        return {
            "RateLimit-Limit": str(self.limit),
            "RateLimit-Remaining": str(max(0, self.limit - self.used)),
            "RateLimit-Reset": str(self.reset),
        }


def count_request(token_id: UUID) -> RequestRate:
    """Count one request. What comes back may be above its limit."""
    now = clock.now()
    second = int(now.timestamp()) % 60
    minute_ends = now.replace(second=0, microsecond=0) + timedelta(minutes=1)
    limit = throttle.ThrottleLimit(f"api:{token_id}", settings.KICAU_API_RATE, minute_ends)
    used = throttle.count_attempt([limit])[limit.key].used
    return RequestRate(limit=limit.most, used=used, reset=60 - second)


def rate_limit_problem(rate: RequestRate) -> ApiProblem:
    detail = f"This token made {rate.used} requests in this minute, but only {rate.limit} are allowed. Try again in {rate.reset} s."
    return ApiProblem("too-many", detail, headers={"Retry-After": str(rate.reset)})
