"""What X says when it refuses, as one of the six errors and a sentence for the author.

X answers in three shapes: problem+json {type, title, detail, status}, the older {errors: [{code, message}]}, and, at the
token endpoint, {error, error_description}. Wordings marked "seen" come from answers that developers have published;
the specification names none of them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from kicau.connector import clock
from kicau.connector.app_blocks import AppBlocked
from kicau.connector.content import Problem
from kicau.connector.errors import AuthExpired, ConnectorError, PlanExceeded, RateLimited, Rejected
from kicau.connector.transport.http import (
    DEFAULT_RETRY_DELAY,
    HttpResponse,
    is_from_proxy,
    rate_limit_reset_at,
)

NETWORK_LABEL = "X"

DUPLICATE_CODE = "duplicate"
MEDIA_GONE_CODE = "media-gone"
TOO_LONG_VIDEO_CODE = "too-long-video"
NOT_FOUND_CODE = "not-found"

# (pattern searched in what X says, code, field, sentence). The first that fits is taken.
KNOWN_REJECTIONS: tuple[tuple[str, str, str, str], ...] = (
    # seen 2023-04 to 2026-02
    (
        r"duplicate content|status is a duplicate",
        DUPLICATE_CODE,
        "parts.0.text",
        "This account already published this text, and {network} does not accept the same text twice. Change the text.",
    ),
    # seen 2022 to 2025
    (
        r"text is too long|too long\. for more information",
        "too-long",
        "parts.0.text",
        "The text of this post is too long for {network}. Shorten it or split it into a thread.",
    ),
    (
        r"media ids? .*invalid|media ids are invalid",
        MEDIA_GONE_CODE,
        "parts.0.media",
        "{network} has deleted an uploaded file of this post. Retry the post, and Kicau will upload the file again.",
    ),
    # X's media page, 2026
    (
        r"not allowed to post a video longer than (?P<limit>\d+) minutes?",
        TOO_LONG_VIDEO_CODE,
        "parts.0.media",
        "{network} accepts only videos of at most {limit} minutes from this account. Shorten the video.",
    ),
    (
        r"not been mentioned or otherwise engaged|not allowed to reply|reply to this conversation is not allowed",
        "no-replies",
        "reply_to",
        "{network} lets apps such as Kicau reply only to posts that mention or quote your account. Write this reply directly on {network}.",
    ),
    (
        r"reply to a (tweet|post) that is deleted|not visible to you",
        "reply-gone",
        "reply_to",
        "The post that you are replying to was deleted, or this account cannot see it on {network}. Clear the field “Reply to a post”.",
    ),
    (
        r"quot(e|ing)[- ](tweets?|posts?).* not (allowed|permitted|available)",
        "no-quote-posts",
        "options.quote",
        "{network} does not let Kicau's app publish quote posts. Remove the quote, and put the link to the quoted post into the text.",
    ),
    (
        r"cashtag",
        "too-many-cashtags",
        "parts.0.text",
        "{network} allows at most one cashtag (a stock symbol such as $TSLA) in a post. Keep only one cashtag.",
    ),
)

LOCKED_PATTERN = re.compile(
    r"temporarily locked|account is suspended|user has been suspended", re.I
)  # seen; a person must act
OLD_DUPLICATE, OLD_TOO_LONG, OLD_RATE, OLD_TOKENS, OLD_LOCKED = 187, 186, 88, {32, 89, 99}, {64, 326}
DEAD_GRANT_ERRORS = frozenset(
    {"invalid_grant", "invalid_request", "invalid_client", "unauthorized_client", "invalid_token"}
)


@dataclass(frozen=True, slots=True)
class XError:
    """A refusal, whatever its shape."""

    kind: str  # the last part of the problem's type: "usage-capped", "" where there is none
    detail: str
    codes: frozenset[int]
    body: dict[str, Any]


def parse_error(reply: HttpResponse) -> XError:
    """Never raises."""
    body = reply.peek()
    rows = (
        [row for row in body.get("errors") or () if isinstance(row, dict)]
        if isinstance(body.get("errors"), list)
        else []
    )
    told = [str(body.get("detail") or body.get("message") or "")]
    told += [str(row.get("message") or row.get("detail") or "") for row in rows]
    told += [str(body.get("error_description") or "")]
    numbers = [body.get("code"), *(row.get("code") for row in rows)]
    kind = str(body.get("type") or "").rstrip("/").rsplit("/", 1)[-1]
    detail = " ".join(dict.fromkeys(part.strip() for part in told if part.strip()))
    title = str(body.get("title") or body.get("error") or "")
    return XError(
        kind="" if kind == "about:blank" else kind,
        detail=(detail or title or reply.text[:300]).strip(),
        codes=frozenset(n for n in numbers if isinstance(n, int)),
        body=body,
    )


def read_error(reply: HttpResponse) -> ConnectorError | None:
    """X's own reading of an answer that is not 2xx; None (5xx, time-outs) leaves it to the shared one."""
    if reply.status >= 500 or reply.status in (408, 425):
        return None
    said = parse_error(reply)
    known = (
        is_from_proxy(reply)
        or _read_access_error(reply, said)
        or _read_plan_error(reply, said)
        or _read_rate_limit(reply, said)
    )
    return known or _read_rejection(reply, said)


def _read_access_error(reply: HttpResponse, said: XError) -> ConnectorError | None:
    if str(said.body.get("error")) in DEAD_GRANT_ERRORS:
        return AuthExpired(said.detail)
    if (
        reply.status == 401
        or said.codes & OLD_TOKENS
        or said.kind in ("unsupported-authentication", "oauth1-permissions")
    ):
        return AuthExpired(said.detail)
    if said.codes & OLD_LOCKED or LOCKED_PATTERN.search(said.detail):
        return AuthExpired(said.detail)
    return None


def read_app_block(reply: HttpResponse) -> AppBlocked | None:
    """What X says of the app itself: it is not (or no longer) let in, its plan has ended, or the API's version is gone.

    client-forbidden with reason client-not-enrolled or official-client-forbidden: https://docs.x.com/x-api/fundamentals/response-codes-and-errors
    and what developers published from April 2023 on; 402 CreditsDepleted (seen 2026) also when a card was declined, so
    it must last a day. Read 2026-11-26.
    """
    if reply.status < 400 or reply.status >= 500 or is_from_proxy(reply):
        return None
    said = parse_error(reply)
    if said.kind == "client-forbidden":
        return AppBlocked(code="not-enrolled", said=said.detail, over=timedelta(hours=1))
    if reply.status == 410:
        return AppBlocked(code="version-gone", said=said.detail, over=timedelta(hours=1))
    if reply.status == 402 and _parse_reset_date(said.body.get("reset_date")) is None:
        return AppBlocked(code="plan-ended", said=said.detail, over=timedelta(days=1))
    return None


def _read_plan_error(reply: HttpResponse, said: XError) -> ConnectorError | None:
    if said.kind == "client-forbidden":  # the app is not enrolled or its plan lacks this
        return PlanExceeded("access", detail=said.detail)
    if said.kind == "usage-capped":
        daily = said.body.get("period") == "Daily"
        return PlanExceeded("usage", _next_midnight() if daily else None, detail=said.detail)
    if reply.status == 402:  # credits used up, or the operator's own spending limit at X (seen 2026)
        return PlanExceeded("credits", _parse_reset_date(said.body.get("reset_date")), detail=said.detail)
    return None


def _read_rate_limit(reply: HttpResponse, said: XError) -> ConnectorError | None:
    if reply.status != 429 and OLD_RATE not in said.codes:
        return None
    now = clock.now()
    for scope in ("app", "user"):  # the limits of a day have headers of their own (seen 2023 to 2026)
        if reply.headers.get(f"x-{scope}-limit-24hour-remaining") == "0":
            until = rate_limit_reset_at(reply, f"x-{scope}-limit-24hour-reset")
            if until and until > now:
                return RateLimited(until, whole_app=scope == "app", detail=said.detail)
    until = rate_limit_reset_at(reply, "x-rate-limit-reset")
    return RateLimited(until if until and until > now else now + DEFAULT_RETRY_DELAY, detail=said.detail)


def _read_rejection(reply: HttpResponse, said: XError) -> ConnectorError:
    words = said.detail
    if OLD_DUPLICATE in said.codes:
        words += " status is a duplicate"
    if OLD_TOO_LONG in said.codes:
        words += " text is too long"
    for pattern, code, field, sentence in KNOWN_REJECTIONS:
        if fits := re.search(pattern, words, re.I):
            params: dict[str, str | int | float] = {
                "network": NETWORK_LABEL,
                **{k: int(v) for k, v in fits.groupdict().items()},
            }
            return Rejected(Problem(code=code, message=sentence, params=params, field=field), detail=said.detail)
    if reply.status == 404:
        message = "{network} could not find a post, account or file that Kicau needs. Message from the network: {said}"
        return Rejected(Problem(code=NOT_FOUND_CODE, message=message, params=_message_params(said)), detail=said.detail)
    message = "{network} rejected the post. Message from the network: {said}"
    return Rejected(Problem(code="refused", message=message, params=_message_params(said)), detail=said.detail)


def rejection_code(refused: Rejected) -> str:
    return refused.problems[0].code if refused.problems else ""


def _message_params(said: XError) -> dict[str, str | int | float]:
    return {"network": NETWORK_LABEL, "said": said.detail[:300]}


def _next_midnight() -> datetime:
    tomorrow = clock.now() + timedelta(days=1)
    return tomorrow.replace(hour=0, minute=0, second=0, microsecond=0)


def _parse_reset_date(value: object) -> datetime | None:
    try:
        at = datetime.fromisoformat(str(value))
    except ValueError:
        return None
    return at if at.tzinfo else at.replace(tzinfo=UTC)
