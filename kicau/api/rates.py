"""How many requests a token may make in a minute, counted in the database, so that all web processes agree.

One statement a request on one row of an unlogged table: about as dear as finding the token itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from django.conf import settings
from django.db import connection

from kicau.api.problems import Refused
from kicau.base import clock

_COUNT = """
INSERT INTO api_allowance (token_id, minute, used) VALUES (%s, %s, 1)
ON CONFLICT (token_id) DO UPDATE SET
  used = CASE WHEN api_allowance.minute = EXCLUDED.minute THEN api_allowance.used + 1 ELSE 1 END, minute = EXCLUDED.minute
RETURNING used
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
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


def take(token_id: UUID) -> Rate:
    """Count one request. What comes back may be above its limit."""
    minute, second = divmod(int(clock.now().timestamp()), 60)
    with connection.cursor() as cursor:
        cursor.execute(_COUNT, [token_id, minute])
        used: int = cursor.fetchone()[0]
    return Rate(limit=settings.KICAU_API_RATE, used=used, reset=60 - second)


def too_many(rate: Rate) -> Refused:
    detail = f"This token made {rate.used} requests in this minute; {rate.limit} are allowed. Go on in {rate.reset} s."
    return Refused("too-many", detail, headers={"Retry-After": str(rate.reset)})
