"""Rate limits per account and per app, with X's headers. The windows live in memory: a restart resets them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from kicau.networks.x.sandbox.errors import XApiError

QUARTER_HOUR_SECONDS, DAY_SECONDS = 900, 86_400

# (per account, per app), each (requests, seconds): https://docs.x.com/x-api/fundamentals/rate-limits, checked 2026-11-24
LIMITS_BY_ENDPOINT: Mapping[str, tuple[tuple[int, int] | None, tuple[int, int] | None]] = {
    "POST /2/tweets": ((100, QUARTER_HOUR_SECONDS), (10_000, DAY_SECONDS)),
    "DELETE /2/tweets/:id": ((50, QUARTER_HOUR_SECONDS), None),
    "GET /2/tweets": ((5_000, QUARTER_HOUR_SECONDS), (3_500, QUARTER_HOUR_SECONDS)),
    "GET /2/tweets/:id": ((900, QUARTER_HOUR_SECONDS), (450, QUARTER_HOUR_SECONDS)),
    "GET /2/users/me": ((75, QUARTER_HOUR_SECONDS), None),
    "GET /2/users/:id": ((900, QUARTER_HOUR_SECONDS), (300, QUARTER_HOUR_SECONDS)),
    "GET /2/users/by/username/:username": ((900, QUARTER_HOUR_SECONDS), (300, QUARTER_HOUR_SECONDS)),
    "GET /2/users/:id/tweets": ((900, QUARTER_HOUR_SECONDS), (10_000, QUARTER_HOUR_SECONDS)),
    "GET /2/users/:id/mentions": ((300, QUARTER_HOUR_SECONDS), (450, QUARTER_HOUR_SECONDS)),
    "POST /2/media/upload": ((500, QUARTER_HOUR_SECONDS), (50_000, DAY_SECONDS)),
    "GET /2/media/upload": ((1_000, QUARTER_HOUR_SECONDS), (100_000, DAY_SECONDS)),
    "POST /2/media/upload/initialize": ((1_875, QUARTER_HOUR_SECONDS), (180_000, DAY_SECONDS)),
    "POST /2/media/upload/:id/append": ((1_875, QUARTER_HOUR_SECONDS), (180_000, DAY_SECONDS)),
    "POST /2/media/upload/:id/finalize": ((1_875, QUARTER_HOUR_SECONDS), (180_000, DAY_SECONDS)),
    "POST /2/media/metadata": ((500, QUARTER_HOUR_SECONDS), (50_000, DAY_SECONDS)),
    "GET /2/usage/tweets": (None, (50, QUARTER_HOUR_SECONDS)),
}


class XRateLimits:
    """Counts requests in fixed windows that begin with the first request."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._windows: dict[tuple[str, str], list[float]] = {}  # [begun, used]

    def take(self, route: str, account: str, app: str, *, lifted: bool) -> dict[str, str]:
        """Count one request; returns X's headers, or raises the 429. An app's own token counts for the app alone."""
        if route not in LIMITS_BY_ENDPOINT:
            return {}
        per_account, per_app = LIMITS_BY_ENDPOINT[route]
        headers: dict[str, str] = {}
        if per_app is not None and (not account or per_app[1] == DAY_SECONDS):
            daily = per_app[1] == DAY_SECONDS
            left, reset = self._use(f"{route} app", app, per_app)
            headers |= _rate_limit_headers("x-app-limit-24hour" if daily else "x-rate-limit", per_app[0], left, reset)
            if left < 0 and not lifted:
                raise rate_limit_error(headers)
        if account and per_account is not None:
            left, reset = self._use(route, account, per_account)
            headers |= _rate_limit_headers("x-rate-limit", per_account[0], left, reset)
            if left < 0 and not lifted:
                raise rate_limit_error(headers)
        return headers

    def _use(self, route: str, subject: str, limit: tuple[int, int]) -> tuple[int, int]:
        """(requests left, negative when refused; when the window ends, in epoch seconds)"""
        now = self._now()
        window = self._windows.setdefault((route, subject), [now, 0])
        if now >= window[0] + limit[1]:
            window[:] = [now, 0]
        window[1] += 1
        return limit[0] - int(window[1]), int(window[0] + limit[1]) + 1


def rate_limit_error(headers: Mapping[str, str]) -> XApiError:
    """The 429 as X documents it."""
    return XApiError(429, {"errors": [{"code": 88, "message": "Rate limit exceeded"}]}, headers=headers)


def _rate_limit_headers(prefix: str, limit: int, left: int, reset: int) -> dict[str, str]:
    return {f"{prefix}-limit": str(limit), f"{prefix}-remaining": str(max(0, left)), f"{prefix}-reset": str(reset)}
