"""Rate limits of the Mastodon sandbox (config/initializers/rack_attack.rb, app/lib/rate_limiter.rb, read 2026-11-24)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

from aiohttp import web

from kicau.networks.mastodon.sandbox.errors import rate_limit_error

MINUTE_SECONDS = 60
_MEDIA_PATH_PATTERN = re.compile(r"/api/v\d+/media")
_STATUS_PATH_PATTERN = re.compile(r"/api/v1/statuses/\d+")


class MastodonRateLimits:
    """Counts by fixed windows of time, as the server does. They do not outlive the process."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._counts: dict[tuple[str, str], tuple[int, int]] = {}

    def count(self, request: web.Request, account: str, token: str) -> dict[str, str]:
        """Count a request; gives the headers of the limit that is nearest. Raises Refusal where one is passed."""
        nearest: tuple[int, int, int] | None = None
        for name, who, limit, period in _limits_of_request(request, account, token):
            window = int(self._now() // period)
            before, used = self._counts.get((name, who), (window, 0))
            used = used + 1 if before == window else 1
            if used > limit:
                raise rate_limit_error(self._headers(limit, 0, (window + 1) * period))
            self._counts[name, who] = (window, used)
            if nearest is None or limit - used < nearest[1]:
                nearest = (limit, limit - used, (window + 1) * period)
        return self._headers(*nearest) if nearest else {}

    @staticmethod
    def _headers(limit: int, remaining: int, reset: float) -> dict[str, str]:
        at = datetime.fromtimestamp(reset, UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
        return {"X-RateLimit-Limit": str(limit), "X-RateLimit-Remaining": str(remaining), "X-RateLimit-Reset": at}


def _limits_of_request(request: web.Request, account: str, token: str) -> Iterator[tuple[str, str, int, int]]:
    """(name, who, how many, in how many seconds) of every limit that a request counts towards."""
    if not account:
        yield "anonymous", request.remote or "", 300, 5 * MINUTE_SECONDS
        return
    path = request.path.rstrip("/")
    yield "account", account, 1500, 5 * MINUTE_SECONDS
    yield "token", token, 300, 5 * MINUTE_SECONDS
    if request.method == "POST" and _MEDIA_PATH_PATTERN.fullmatch(path):
        yield "media", account, 30, 30 * MINUTE_SECONDS
    if request.method == "DELETE" and _STATUS_PATH_PATTERN.fullmatch(path):
        yield "delete", account, 30, 30 * MINUTE_SECONDS
    if request.method == "POST" and path == "/api/v1/statuses":
        yield "statuses", account, 300, 180 * MINUTE_SECONDS
