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
from kicau.connector.app_blocks import AppBlocked
from kicau.connector.content import Problem
from kicau.connector.errors import AuthExpired, ConnectorError, RateLimited, Rejected, Unavailable, Uncertain
from kicau.connector.transport.http import HttpResponse
from kicau.networks._meta.graph import API_VERSION

APP_RATE_CODES = frozenset({4, 341})  # the app's window, not one account's
RATE_CODES = APP_RATE_CODES | {17, 32, 368, 613} | frozenset(range(80000, 80015))
DEAD_TOKEN_CODES = frozenset({102, 190, 463, 467})
NO_PERMISSION_CODES = frozenset({3, 10}) | frozenset(range(200, 300))
TEMPORARY_CODES = frozenset({-2, -1, 1, 2})
GONE_CODES = frozenset({803})
DISTINCT_STATUSES = frozenset({401, 429})  # status codes that say enough where no error code is given
DEFAULT_RATE_WAIT = timedelta(minutes=15)  # where no header names a time; Graph sends no Retry-After
SCOPE_PATTERN = re.compile(r"\b(?:pages|instagram|business|threads)_[a-z_]+[a-z]\b")


class MediaNotReady(Unavailable):
    """Media that the network has not finished preparing."""


class WrongOffset(Unavailable):
    """A piece of a video was not the one that the network waits for; it waits for `start` to `end`."""

    def __init__(self, start: int, end: int, detail: str = "") -> None:
        self.start = start
        self.end = end
        super().__init__(detail)


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownRejection:
    """A known refusal: its code for programs, its sentence, and where in the draft it lies."""

    code: str
    message: str
    field: str = ""
    fix: str = ""

    def problem(self, network: str, said: str = "") -> Problem:
        params = {"network": network, "said": said, "version": str(API_VERSION.value)}
        return Problem(code=self.code, message=self.message, params=params, field=self.field, fix=self.fix)


GENERAL_REJECTIONS = {
    "gone": KnownRejection(
        code="gone",
        message="This post does not exist on {network}. It was deleted there, or it never belonged to this channel.",
    ),
    "duplicate": KnownRejection(
        code="duplicate",
        message="{network} rejected the post because it is the same as your previous post. Change the text, then retry the post.",
        field="parts.0.text",
    ),
    "link": KnownRejection(
        code="bad-link",
        message="{network} could not use the link in this post. Check that the link is correct and that everybody can open the page.",
        field="link",
    ),
    "version": KnownRejection(
        code="expired-version",
        message="{network} no longer supports version {version} of its API, which this Kicau server uses. Ask the server administrator to update Kicau, then retry the post.",
    ),
    "other": KnownRejection(
        code="refused", message="{network} rejected a request from Kicau. Message from the network: {said}"
    ),
}


def error_object(reply: HttpResponse) -> dict[str, Any]:
    """Graph's error object, or {} where the answer holds none."""
    found = reply.peek().get("error")
    return found if isinstance(found, dict) else {}


def int_or_zero(value: object) -> int:
    try:
        return int(str(value))
    except ValueError:
        return 0


def read_error(
    reply: HttpResponse, network: str, known: Mapping[int, KnownRejection] | None = None
) -> ConnectorError | None:
    """The reading that Facebook and Instagram share; `known` refusals (by subcode) come first. None: not Graph's form."""
    error = error_object(reply)
    if not error:
        return _is_from_proxy(reply)
    code, sub = int_or_zero(error.get("code")), int_or_zero(error.get("error_subcode"))
    if not code and (
        reply.status in DISTINCT_STATUSES or reply.status >= 500 or not isinstance(error.get("message"), str)
    ):
        return _is_from_proxy(reply)
    said = str(error.get("error_user_msg") or error.get("message") or "")
    detail = f"({code}/{sub}) {error.get('message', '')} {error.get('error_user_msg', '')}".strip()
    if refusal := (known or {}).get(sub):
        return Rejected(refusal.problem(network, said), detail=detail)
    if sub == 1363037:
        return _read_wrong_offset(error, detail)
    if code in RATE_CODES:
        until = access_returns_at(reply) or clock.now() + DEFAULT_RATE_WAIT
        return RateLimited(until, whole_app=code in APP_RATE_CODES, detail=detail)
    if code in DEAD_TOKEN_CODES:
        return AuthExpired(detail)
    if code in NO_PERMISSION_CODES:
        return AuthExpired(detail, missing=frozenset(SCOPE_PATTERN.findall(detail)))
    if name := _general_rejection(code, sub, detail):
        return Rejected(GENERAL_REJECTIONS[name].problem(network, said), detail=detail)
    if code in TEMPORARY_CODES or error.get("is_transient") is True or reply.status >= 500:
        return Unavailable(detail) if reply.repeatable else Uncertain(detail)
    return Rejected(GENERAL_REJECTIONS["other"].problem(network, said), detail=detail)


APP_BLOCKED_PATTERN = re.compile(
    r"API access (?:blocked|deactivated|disabled)|application (?:has been|was|is) (?:deleted|disabled)", re.IGNORECASE
)


def read_app_block(reply: HttpResponse) -> AppBlocked | None:
    """Graph refuses the app itself: its access is blocked (code 200, seen 2025 and 2026), or the version of the API that
    we speak is no longer answered (2635, or 12 and 2500 with words about the version)."""
    error = error_object(reply)
    code, said = int_or_zero(error.get("code")), str(error.get("message", ""))
    if code in (190, 200) and APP_BLOCKED_PATTERN.search(said):
        return AppBlocked(code="access-blocked", said=said, over=timedelta(hours=6))
    if _general_rejection(code, 0, said) == "version":
        return AppBlocked(code="version-gone", said=said, over=timedelta(hours=1))
    return None


def _is_from_proxy(reply: HttpResponse) -> ConnectorError | None:
    """Graph refuses with an error object; a 4xx page without one is something in between, and says nothing of the call."""
    if reply.status in DISTINCT_STATUSES or reply.status >= 500 or (reply.peek() and not error_object(reply)):
        return None
    detail = f"HTTP {reply.status} without an error object: {reply.text[:200]}"
    return Unavailable(detail) if reply.repeatable else Uncertain(detail)


def _general_rejection(code: int, sub: int, detail: str) -> str:
    if code == 2635 or (code in (12, 2500) and re.search(r"\bversion\b|/v\d+\.\d+", detail)):
        return "version"
    if code in GONE_CODES or (code == 100 and sub == 33):
        return "gone"
    if code == 506:
        return "duplicate"
    if code == 1609005 or sub == 1609005:
        return "link"
    return ""


def _read_wrong_offset(error: Mapping[str, Any], detail: str) -> WrongOffset:
    data = error.get("error_data")
    if isinstance(data, str):
        try:
            data = json.loads(data)
        except ValueError:
            data = {}
    data = data if isinstance(data, dict) else {}
    return WrongOffset(int_or_zero(data.get("start_offset")), int_or_zero(data.get("end_offset")), detail)


def access_returns_at(reply: HttpResponse) -> datetime | None:
    """When access comes back, by X-Business-Use-Case-Usage (minutes); None where it names no time."""
    try:
        usage = json.loads(reply.headers.get("x-business-use-case-usage", "{}"))
        rows = [row for listed in usage.values() for row in listed]
        minutes = max((int_or_zero(row.get("estimated_time_to_regain_access")) for row in rows), default=0)
    except (ValueError, AttributeError, TypeError):
        return None
    return clock.now() + timedelta(minutes=minutes) if minutes > 0 else None


def is_missing_object(refused: Rejected) -> bool:
    """Whether a refusal says that the object is not there (any more)."""
    return any(problem.code == "gone" for problem in refused.problems)


def rejection_reason(refused: ConnectorError) -> str:
    """The network's own words about a refusal, for a warning beside a post that is published all the same."""
    problems = refused.problems if isinstance(refused, Rejected) else ()
    return str(problems[0].params.get("said") or refused.detail) if problems else refused.detail
