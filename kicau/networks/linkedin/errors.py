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
from kicau.connector.app_blocks import ShutDoor
from kicau.connector.content import Problem
from kicau.connector.errors import AuthExpired, ConnectorError, RateLimited, Rejected
from kicau.connector.transport.http import Reply, from_between, retry_after
from kicau.networks.linkedin.limits import LABEL, VERSION, number

ANY_SCOPE = frozenset({"w_member_social", "w_organization_social"})  # until the caller says which one was needed
TOO_LONG = re.compile(r"length \((\d+) characters\) exceeded the maximum allowed \((\d+) characters\)")
POST_URN = re.compile(r"urn:li:(?:share|ugcPost|activity):\d+")
VERSION_CODES = frozenset({"NONEXISTENT_VERSION", "VERSION_MISSING", "INVALID_VERSION"})
UNITS = {"SECOND": timedelta(seconds=5), "MINUTE": timedelta(seconds=60), "HOUR": timedelta(hours=1)}


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
class Said:
    """An error body's parts; each is empty where it was not given."""

    message: str
    code: str
    input_codes: tuple[str, ...]
    fields: tuple[str, ...]
    oauth: str  # the `error` of an OAuth answer

    def has(self, *marks: str) -> bool:
        return any(mark in text for text in (self.code, *self.input_codes) for mark in marks)


def read(reply: Reply) -> Said:
    body = reply.peek()
    inputs = list(_inputs(body))
    return Said(
        message=str(body.get("message") or body.get("error_description") or reply.text[:300]),
        code=str(body.get("code") or ""),
        input_codes=tuple(str(one.get("code") or "") for one in inputs),
        fields=tuple(filter(None, (_path(one) for one in inputs))),
        oauth=str(body.get("error") or ""),
    )


def _inputs(body: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    details = body.get("errorDetails")
    errors = details.get("inputErrors") if isinstance(details, dict) else None
    yield from (one for one in (errors if isinstance(errors, list) else ()) if isinstance(one, dict))


def _path(one: Mapping[str, Any]) -> str:
    given = one.get("input")
    path = given.get("inputPath") if isinstance(given, dict) else None
    return str(path.get("fieldPath") or "") if isinstance(path, dict) else ""


def read_error(reply: Reply) -> ConnectorError | None:
    """What an answer that is not 2xx means; None leaves it to the shared reading."""
    if reply.status >= 500 or reply.status in (408, 425):
        return None
    if between := from_between(reply):
        return between
    said = read(reply)
    if said.oauth in OAUTH_ERRORS:
        return AuthExpired(f"{said.oauth}: {said.message}")
    if reply.status == 426 or said.code in VERSION_CODES:
        return _refused(
            "expired-version",
            "{network} no longer answers version {version} of its API, which this Kicau speaks: the operator installs a newer Kicau, then the post is retried.",
            said,
            version=VERSION,
        )
    match reply.status:
        case 401:
            return AuthExpired(said.message)
        case 403 if _about_permission(said):
            return AuthExpired(said.message, missing=ANY_SCOPE)
        case 429:
            return _limited(reply, said)
        case 404:
            return _refused("not-found", "{network} has no such thing any more: {said}", said)
    if "Organization permissions must be used" in said.message:
        return AuthExpired(said.message, missing=frozenset({"w_organization_social"}))
    return _of_content(said)


def shut_door(reply: Reply) -> ShutDoor | None:
    """LinkedIn ends a version of its API a year after its month, and then answers nothing in it (426):
    https://learn.microsoft.com/en-us/linkedin/marketing/versioning, read 2026-11-26."""
    said = read(reply)
    if not from_between(reply) and (reply.status == 426 or said.code in VERSION_CODES):
        return ShutDoor(code="version-gone", said=said.message, over=timedelta(hours=1))
    return None


def _about_permission(said: Said) -> bool:
    return said.code == "ACCESS_DENIED" or "permission" in said.message.lower() or "[/author]" in said.message


def _limited(reply: Reply, said: Said) -> RateLimited:
    """Daily limits end at midnight UTC; a shorter one says its unit. LinkedIn documents no header for either."""
    words = set(re.findall(r"[A-Z]+", said.message.upper()))
    shorter = next((wait for unit, wait in UNITS.items() if unit in words), None)
    now = clock.now()
    until = retry_after(reply) or (now + shorter if shorter else _midnight(now))
    return RateLimited(
        until,
        whole_app="APPLICATION" in said.message.upper() and "MEMBER" not in said.message.upper(),
        detail=said.message,
    )


def _midnight(now: datetime) -> datetime:
    return (now + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)


def _of_content(said: Said) -> Rejected:
    where = " ".join(said.fields)
    numbers = TOO_LONG.search(said.message)
    if numbers or said.has("LENGTH_TOO_LONG") or (said.has("FIELD_ARRAY_SIZE_TOO_HIGH") and "images" not in where):
        return _too_long(where, numbers, said)
    if said.has("DUPLICATE_POST") or "is a duplicate of" in said.message:
        known = POST_URN.search(said.message)
        urn = known.group() if known else "an earlier one"
        return _refused(
            "duplicate",
            "{network} refused the post because it says the same as {urn}, published not long ago: change the text, or leave it at that.",
            said,
            urn=urn,
        )
    if said.has("MEDIA_ASSET"):
        if said.has("FAILED"):
            return _refused(
                "media-refused", "{network} could not use a file of the post: {said}. Replace the file.", said
            )
        return _refused("media-not-ready", "{network} has not finished with a file of the post: {said}", said)
    return _refused("refused", "{network} refused the post: {said}", said)


def _too_long(where: str, numbers: re.Match[str] | None, said: Said) -> Rejected:
    """The sentence of `render` for the same field; the numbers are LinkedIn's where it tells them."""
    actual: int | str = int(numbers[1]) if numbers else "too many"
    if "poll" in where:
        field, limit = "poll", number("poll-max-option-length" if "option" in where else "poll-max-question-length")
        message = "On {network}, a text of the poll has {actual} characters; the limit is {limit}: shorten it."
    elif "message" in where or "comment" in said.message.lower().replace("commentary", ""):
        field, limit = "first_comment", number("max-comment-length")
        message = "On {network}, the first comment has {actual} characters; the limit is {limit}: shorten it."
    else:
        field, limit = "parts.0.text", number("max-length")
        message = "On {network}, {where} has {actual} {unit}; the limit is {limit}: {now_what}."
    limit = int(numbers[2]) if numbers else limit
    params = {
        "network": LABEL,
        "where": "the text",
        "actual": actual,
        "unit": "characters",
        "limit": limit,
        "now_what": "shorten it",
    }
    problem = Problem(
        code="too-long",
        message=message,
        params=params,
        field=field,
        limit=limit,
        actual=actual if isinstance(actual, int) else None,
        mend="shorten",
    )
    return Rejected(problem, detail=said.message)


def _refused(code: str, message: str, said: Said, **params: str | int) -> Rejected:
    short = said.message.rsplit("Exception: ", 1)[-1].strip().rstrip(".")[:300]
    return Rejected(
        Problem(code=code, message=message, params={"network": LABEL, "said": short, **params}), detail=said.message
    )
