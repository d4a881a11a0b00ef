"""What X would bill, counted and priced here on its own: no number comes from the connector or its price lists."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from kicau.networks.x.sandbox.errors import PROBLEM_TYPE_PREFIX, XApiError

# Micro-dollars: https://docs.x.com/x-api/getting-started/pricing, as of 2026-08-22, checked 2026-11-24
PRICES_MICRO = {
    "post": 15_000,
    "post-with-link": 200_000,
    "post-summoned-reply": 10_000,
    "post-delete": 10_000,
    "media-metadata": 5_000,
    "post-read": 5_000,
    "user-read": 10_000,
}


class XBilling:
    """Meters per app and UTC day. `credits` is what the app has left, in micro-dollars; None: it never runs out."""

    def __init__(self, count: Callable[[str, str, int], None], now: Callable[[], datetime]) -> None:
        self._count, self._now = count, now
        self._read: set[tuple[str, str]] = set()  # what was read today is billed once
        self._day = ""
        self.credits: int | None = None

    def check(self) -> None:
        """Refuse when nothing is left. X lets a balance go slightly below zero, so the price is not looked at."""
        if self.credits is not None and self.credits <= 0:
            raise credits_depleted_error()

    def charge(self, app: str, meter: str, units: int = 1) -> None:
        self._count(app, meter, units)
        if self.credits is not None:
            self.credits -= PRICES_MICRO[meter] * units

    def read(self, app: str, meter: str, resource: str) -> None:
        """Bill a resource that comes back, once a UTC day."""
        day = self._now().date().isoformat()
        if day != self._day:
            self._day = day
            self._read.clear()
        key = (app, f"{meter} {resource}")
        if key not in self._read:
            self._read.add(key)
            self.charge(app, meter)


def credits_depleted_error() -> XApiError:
    """Seen in 2026; no description of X's names it."""
    detail = "Your enrolled account does not have any credits to fulfill this request."
    return XApiError(402, {"title": "CreditsDepleted", "detail": detail, "type": f"{PROBLEM_TYPE_PREFIX}credits"})


def price_rows(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Usage rows with what they cost, in micro-dollars."""
    return [{**row, "micro": PRICES_MICRO[row["meter"]] * row["units"], "currency": "USD"} for row in rows]
