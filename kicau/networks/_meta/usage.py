"""How much of Meta's windows is used, from the headers beside every answer.

Source: https://developers.facebook.com/docs/graph-api/overview/rate-limiting, read 2026-11-24: X-App-Usage speaks of the
app, X-Business-Use-Case-Usage of the account whose token was used; both are percentages of calls, time and processor
time, of which the first to reach 100 closes the window.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from kicau.connector.transport.http import Reply
from kicau.connector.transport.rate_limit_headers import Allowance
from kicau.networks._meta.errors import number, regain_at

SHARES = ("call_count", "total_time", "total_cputime")  # percent


def allowances(reply: Reply) -> tuple[Allowance, ...]:
    """What both headers say; () where neither can be read."""
    found = []
    app = _header(reply, "x-app-usage")
    if app:
        found.append(Allowance(used=_used(app), whole_app=True))
    rows = list(_rows(reply))
    if rows:
        found.append(Allowance(used=max(map(_used, rows)), until=regain_at(reply)))
    return tuple(found)


def _rows(reply: Reply) -> Iterable[Mapping[str, Any]]:
    for listed in _header(reply, "x-business-use-case-usage").values():
        if isinstance(listed, list):
            yield from (row for row in listed if isinstance(row, dict))


def _used(row: Mapping[str, Any]) -> int:
    return max(number(row.get(name)) for name in SHARES)


def _header(reply: Reply, name: str) -> dict[str, Any]:
    try:
        found = json.loads(reply.headers.get(name, "{}"))
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
