"""How much of Meta's windows is used, from the headers beside every answer.

Source: https://developers.facebook.com/docs/graph-api/overview/rate-limiting, read 2026-11-24: X-App-Usage speaks of the
app, X-Business-Use-Case-Usage of the account whose token was used; both are percentages of calls, time and processor
time, of which the first to reach 100 closes the window.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from kicau.connector.transport.http import HttpResponse
from kicau.connector.transport.rate_limit_headers import RateAllowance
from kicau.networks._meta.errors import access_returns_at, int_or_zero

USAGE_FIELDS = ("call_count", "total_time", "total_cputime")  # percent


def read_allowances(reply: HttpResponse) -> tuple[RateAllowance, ...]:
    """What both headers say; () where neither can be read."""
    found = []
    app = _read_header(reply, "x-app-usage")
    if app:
        found.append(RateAllowance(used=_used_percent(app), whole_app=True))
    rows = list(_usage_rows(reply))
    if rows:
        found.append(RateAllowance(used=max(map(_used_percent, rows)), until=access_returns_at(reply)))
    return tuple(found)


def _usage_rows(reply: HttpResponse) -> Iterable[Mapping[str, Any]]:
    for listed in _read_header(reply, "x-business-use-case-usage").values():
        if isinstance(listed, list):
            yield from (row for row in listed if isinstance(row, dict))


def _used_percent(row: Mapping[str, Any]) -> int:
    return max(int_or_zero(row.get(name)) for name in USAGE_FIELDS)


def _read_header(reply: HttpResponse, name: str) -> dict[str, Any]:
    try:
        found = json.loads(reply.headers.get(name, "{}"))
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
