"""What Graph's error object means, in the six errors of the seam.

Sources: https://developers.facebook.com/docs/graph-api/guides/error-handling and .../overview/rate-limiting,
read 2026-11-24.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from kicau.connector import clock
from kicau.connector.app_blocks import ShutDoor
from kicau.connector.content import Problem
from kicau.connector.errors import AuthExpired, ConnectorError, RateLimited, Rejected, Unavailable, Uncertain
from kicau.connector.transport.http import Reply
from kicau.networks._meta.graph import VERSION

WHOLE_APP = frozenset({4, 341})  # the app's window, not one account's
RATE = WHOLE_APP | {17, 32, 368, 613} | frozenset(range(80000, 80015))
DEAD_TOKEN = frozenset({102, 190, 463, 467})
NO_PERMISSION = frozenset({3, 10}) | frozenset(range(200, 300))
PASSING = frozenset({-2, -1, 1, 2})
GONE = frozenset({803})
OWN_MEANING = frozenset({401, 429})  # status codes that say enough where no error code is given
WAIT = timedelta(minutes=15)  # where no header names a time; Graph sends no Retry-After
SCOPE = re.compile(r"\b(?:pages|instagram|business|threads)_[a-z_]+[a-z]\b")


class NotReady(Unavailable):
    """Media that the network has not finished preparing."""


class WrongOffset(Unavailable):
    """A piece of a video was not the one that the network waits for; it waits for `start` to `end`."""

    def __init__(self, start: int, end: int, detail: str = "") -> None:
        self.start = start
        self.end = end
        super().__init__(detail)


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A known refusal: its code for programs, its sentence, and where in the draft it lies."""

    code: str
    message: str
    field: str = ""
    mend: str = ""

    def problem(self, network: str, said: str = "") -> Problem:
        params = {"network": network, "said": said, "version": str(VERSION.value)}
        return Problem(code=self.code, message=self.message, params=params, field=self.field, mend=self.mend)


GENERAL = {
    "gone": Refusal(
        code="gone",
        message="{network} no longer has this post: it was deleted there, or never belonged to this channel.",
    ),
    "duplicate": Refusal(
        code="duplicate",
        message="{network} refused the post because it is the same as the one before: change its text.",
        field="parts.0.text",
    ),
    "link": Refusal(
        code="bad-link",
        message="{network} could not use the link: check that its address is right and open to everybody.",
        field="link",
    ),
    "version": Refusal(
        code="expired-version",
        message="{network} no longer answers version {version} of its API, the one that this release of Kicau speaks: install a newer release, then retry the post.",
    ),
    "other": Refusal(code="refused", message="{network} refused: {said}"),
}


def error_object(reply: Reply) -> dict[str, Any]:
    """Graph's error object, or {} where the answer holds none."""
    found = reply.peek().get("error")
    return found if isinstance(found, dict) else {}


def number(value: object) -> int:
    try:
        return int(str(value))
    except ValueError:
        return 0


def read_error(reply: Reply, network: str, known: Mapping[int, Refusal] | None = None) -> ConnectorError | None:
    """The reading that Facebook and Instagram share; `known` refusals (by subcode) come first. None: not Graph's form."""
    error = error_object(reply)
    if not error:
        return _not_from_graph(reply)
    code, sub = number(error.get("code")), number(error.get("error_subcode"))
    if not code and (reply.status in OWN_MEANING or reply.status >= 500 or not isinstance(error.get("message"), str)):
        return _not_from_graph(reply)
    said = str(error.get("error_user_msg") or error.get("message") or "")
    detail = f"({code}/{sub}) {error.get('message', '')} {error.get('error_user_msg', '')}".strip()
    if refusal := (known or {}).get(sub):
        return Rejected(refusal.problem(network, said), detail=detail)
    if sub == 1363037:
        return _wrong_offset(error, detail)
    if code in RATE:
        until = regain_at(reply) or clock.now() + WAIT
        return RateLimited(until, whole_app=code in WHOLE_APP, detail=detail)
    if code in DEAD_TOKEN:
        return AuthExpired(detail)
    if code in NO_PERMISSION:
        return AuthExpired(detail, missing=frozenset(SCOPE.findall(detail)))
    if name := _general(code, sub, detail):
        return Rejected(GENERAL[name].problem(network, said), detail=detail)
    if code in PASSING or error.get("is_transient") is True or reply.status >= 500:
        return Unavailable(detail) if reply.repeatable else Uncertain(detail)
    return Rejected(GENERAL["other"].problem(network, said), detail=detail)


BLOCKED = re.compile(
    r"API access (?:blocked|deactivated|disabled)|application (?:has been|was|is) (?:deleted|disabled)", re.IGNORECASE
)


def shut_door(reply: Reply) -> ShutDoor | None:
    """Graph refuses the app itself: its access is blocked (code 200, seen 2025 and 2026), or the version of the API that
    we speak is no longer answered (2635, or 12 and 2500 with words about the version)."""
    error = error_object(reply)
    code, said = number(error.get("code")), str(error.get("message", ""))
    if code in (190, 200) and BLOCKED.search(said):
        return ShutDoor(code="access-blocked", said=said, over=timedelta(hours=6))
    if _general(code, 0, said) == "version":
        return ShutDoor(code="version-gone", said=said, over=timedelta(hours=1))
    return None


def _not_from_graph(reply: Reply) -> ConnectorError | None:
    """Graph refuses with an error object; a 4xx page without one is something in between, and says nothing of the call."""
    if reply.status in OWN_MEANING or reply.status >= 500 or (reply.peek() and not error_object(reply)):
        return None
    detail = f"HTTP {reply.status} without an error object: {reply.text[:200]}"
    return Unavailable(detail) if reply.repeatable else Uncertain(detail)


def _general(code: int, sub: int, detail: str) -> str:
    if code == 2635 or (code in (12, 2500) and re.search(r"\bversion\b|/v\d+\.\d+", detail)):
        return "version"
    if code in GONE or (code == 100 and sub == 33):
        return "gone"
    if code == 506:
        return "duplicate"
    if code == 1609005 or sub == 1609005:
        return "link"
    return ""


def _wrong_offset(error: Mapping[str, Any], detail: str) -> WrongOffset:
    data = error.get("error_data")
    if isinstance(data, str):
        try:
            data = json.loads(data)
        except ValueError:
            data = {}
    data = data if isinstance(data, dict) else {}
    return WrongOffset(number(data.get("start_offset")), number(data.get("end_offset")), detail)


def regain_at(reply: Reply) -> datetime | None:
    """When access comes back, by X-Business-Use-Case-Usage (minutes); None where it names no time."""
    try:
        usage = json.loads(reply.headers.get("x-business-use-case-usage", "{}"))
        rows = [row for listed in usage.values() for row in listed]
        minutes = max((number(row.get("estimated_time_to_regain_access")) for row in rows), default=0)
    except (ValueError, AttributeError, TypeError):
        return None
    return clock.now() + timedelta(minutes=minutes) if minutes > 0 else None


def is_gone(refused: Rejected) -> bool:
    """Whether a refusal says that the object is not there (any more)."""
    return any(problem.code == "gone" for problem in refused.problems)


def said_by(refused: ConnectorError) -> str:
    """A refusal in one sentence, for a warning beside a post that is out all the same."""
    problems = refused.problems if isinstance(refused, Rejected) else ()
    return problems[0].sentence if problems else refused.detail
