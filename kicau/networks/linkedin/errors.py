"""LinkedIn's refusals, read into the six errors, in the words that `render` uses for the same problem.

Bodies as documented (https://learn.microsoft.com/en-us/linkedin/shared/api-guide/concepts/error-handling) and as its
users quote them, read 2026-11-24; none was recorded by us from the live network.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from kicau.connector import clock
from kicau.connector.app_blocks import AppBlocked
from kicau.connector.content import Problem
from kicau.connector.errors import AuthExpired, ConnectorError, RateLimited, Rejected
from kicau.connector.transport.http import HttpResponse, is_from_proxy, retry_after
from kicau.networks.linkedin.limits import API_VERSION, NETWORK_LABEL, fact_number

WRITE_SCOPES = frozenset({"w_member_social", "w_organization_social"})  # until the caller says which one was needed
TOO_LONG_PATTERN = re.compile(r"length \((\d+) characters\) exceeded the maximum allowed \((\d+) characters\)")
POST_URN_PATTERN = re.compile(r"urn:li:(?:share|ugcPost|activity):\d+")
VERSION_ERROR_CODES = frozenset({"NONEXISTENT_VERSION", "VERSION_MISSING", "INVALID_VERSION"})
LIMIT_UNIT_WAITS = {"SECOND": timedelta(seconds=5), "MINUTE": timedelta(seconds=60), "HOUR": timedelta(hours=1)}


# Of the token endpoint (RFC 6749, 5.2, and LinkedIn's own); any other `error` comes from something in between.
OAUTH_ERRORS = frozenset(
    {
        "access_denied",
        "invalid_client",
        "invalid_client_id",
        "invalid_grant",
        "invalid_redirect_uri",
        "invalid_request",
        "invalid_scope",
        "invalid_token",
        "unauthorized_client",
        "unsupported_grant_type",
    }
)


@dataclass(frozen=True, slots=True)
class LinkedInError:
    """An error body's parts; each is empty where it was not given."""

    message: str
    code: str
    input_codes: tuple[str, ...]
    fields: tuple[str, ...]
    oauth: str  # the `error` of an OAuth answer

    def has(self, *marks: str) -> bool:
        return any(mark in text for text in (self.code, *self.input_codes) for mark in marks)


def parse_error(reply: HttpResponse) -> LinkedInError:
    body = reply.peek()
    inputs = list(_input_errors(body))
    return LinkedInError(
        message=str(body.get("message") or body.get("error_description") or reply.text[:300]),
        code=str(body.get("code") or ""),
        input_codes=tuple(str(one.get("code") or "") for one in inputs),
        fields=tuple(filter(None, (_field_path(one) for one in inputs))),
        oauth=str(body.get("error") or ""),
    )


def _input_errors(body: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    details = body.get("errorDetails")
    errors = details.get("inputErrors") if isinstance(details, dict) else None
    yield from (one for one in (errors if isinstance(errors, list) else ()) if isinstance(one, dict))


def _field_path(one: Mapping[str, Any]) -> str:
    given = one.get("input")
    path = given.get("inputPath") if isinstance(given, dict) else None
    return str(path.get("fieldPath") or "") if isinstance(path, dict) else ""


def read_error(reply: HttpResponse) -> ConnectorError | None:
    """What an answer that is not 2xx means; None leaves it to the shared reading."""
    if reply.status >= 500 or reply.status in (408, 425):
        return None
    if between := is_from_proxy(reply):
        return between
    said = parse_error(reply)
    if said.oauth in OAUTH_ERRORS:
        return AuthExpired(f"{said.oauth}: {said.message}")
    if reply.status == 426 or said.code in VERSION_ERROR_CODES:
        return _rejection(
            "expired-version",
            "{network} no longer supports version {version} of its API, which this Kicau server uses. Ask the server administrator to update Kicau, then retry the post.",
            said,
            version=API_VERSION,
        )
    match reply.status:
        case 401:
            return AuthExpired(said.message)
        case 403 if _is_permission_error(said):
            return AuthExpired(said.message, missing=WRITE_SCOPES)
        case 429:
            return _rate_limited(reply, said)
        case 404:
            return _rejection(
                "not-found",
                "{network} could not find a post, account or file that Kicau needs. Message from the network: {said}",
                said,
            )
    if "Organization permissions must be used" in said.message:
        return AuthExpired(said.message, missing=frozenset({"w_organization_social"}))
    return _content_rejection(said)


def read_app_block(reply: HttpResponse) -> AppBlocked | None:
    """LinkedIn ends a version of its API a year after its month, and then answers nothing in it (426):
    https://learn.microsoft.com/en-us/linkedin/marketing/versioning, read 2026-11-26."""
    said = parse_error(reply)
    if not is_from_proxy(reply) and (reply.status == 426 or said.code in VERSION_ERROR_CODES):
        return AppBlocked(code="version-gone", said=said.message, over=timedelta(hours=1))
    return None


def _is_permission_error(said: LinkedInError) -> bool:
    return said.code == "ACCESS_DENIED" or "permission" in said.message.lower() or "[/author]" in said.message


def _rate_limited(reply: HttpResponse, said: LinkedInError) -> RateLimited:
    """Daily limits end at midnight UTC; a shorter one says its unit. LinkedIn documents no header for either."""
    words = set(re.findall(r"[A-Z]+", said.message.upper()))
    shorter = next((wait for unit, wait in LIMIT_UNIT_WAITS.items() if unit in words), None)
    now = clock.now()
    until = retry_after(reply) or (now + shorter if shorter else _next_midnight(now))
    return RateLimited(
        until,
        whole_app="APPLICATION" in said.message.upper() and "MEMBER" not in said.message.upper(),
        detail=said.message,
    )


def _next_midnight(now: datetime) -> datetime:
    return (now + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)


def _content_rejection(said: LinkedInError) -> Rejected:
    where = " ".join(said.fields)
    numbers = TOO_LONG_PATTERN.search(said.message)
    if numbers or said.has("LENGTH_TOO_LONG") or (said.has("FIELD_ARRAY_SIZE_TOO_HIGH") and "images" not in where):
        return _too_long_rejection(where, numbers, said)
    if said.has("DUPLICATE_POST") or "is a duplicate of" in said.message:
        if known := POST_URN_PATTERN.search(said.message):
            return _rejection(
                "duplicate",
                "{network} rejected the post because your recent post {urn} has the same content. Change the text, or cancel this post.",
                said,
                urn=known.group(),
            )
        return _rejection(
            "duplicate",
            "{network} rejected the post because a recent post of yours has the same content. Change the text, or cancel this post.",
            said,
        )
    if said.has("MEDIA_ASSET"):
        if said.has("FAILED"):
            return _rejection(
                "media-refused",
                "{network} could not use one of the files in this post: {said}. Replace the file.",
                said,
            )
        return _rejection(
            "media-not-ready",
            "{network} is still processing one of the files in this post. Message from the network: {said}",
            said,
        )
    return _rejection("refused", "{network} rejected the post. Message from the network: {said}", said)


def _too_long_rejection(where: str, numbers: re.Match[str] | None, said: LinkedInError) -> Rejected:
    """The sentence of `render` for the same field; the numbers are LinkedIn's where it tells them."""
    actual: int | str = int(numbers[1]) if numbers else "too many"
    if "poll" in where:
        field, limit = (
            "poll",
            fact_number("poll-max-option-length" if "option" in where else "poll-max-question-length"),
        )
        message = (
            "A text in the poll for {network} has {actual} characters, but the limit is {limit}. Shorten the text."
        )
    elif "message" in where or "comment" in said.message.lower().replace("commentary", ""):
        field, limit = "first_comment", fact_number("max-comment-length")
        message = (
            "The first comment for {network} has {actual} characters, but the limit is {limit}. Shorten the comment."
        )
    else:
        field, limit = "parts.0.text", fact_number("max-length")
        message = "On {network}, {text_or_part} has {actual} {unit}, but the limit is {limit}. Shorten the text."
    limit = int(numbers[2]) if numbers else limit
    params = {
        "network": NETWORK_LABEL,
        "text_or_part": "the text",
        "actual": actual,
        "unit": "characters",
        "limit": limit,
    }
    problem = Problem(
        code="too-long",
        message=message,
        params=params,
        field=field,
        limit=limit,
        actual=actual if isinstance(actual, int) else None,
        fix="shorten",
    )
    return Rejected(problem, detail=said.message)


def _rejection(code: str, message: str, said: LinkedInError, **params: str | int) -> Rejected:
    short = said.message.rsplit("Exception: ", 1)[-1].strip().rstrip(".")[:300]
    return Rejected(
        Problem(code=code, message=message, params={"network": NETWORK_LABEL, "said": short, **params}),
        detail=said.message,
    )
