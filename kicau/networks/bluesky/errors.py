"""The refusals of a server of the AT Protocol, read into the six errors, in the words that `render` uses.

As a real server gave them (@atproto/pds 0.5.35, recorded 2026-11-24), and as its lexicons name them.
"""

from __future__ import annotations

import re

from kicau.connector import clock
from kicau.connector.checks import megabytes
from kicau.connector.content import Problem
from kicau.connector.errors import (
    AuthExpired,
    ConnectorError,
    RateLimited,
    Rejected,
    Unavailable,
    Uncertain,
)
from kicau.connector.transport.http import DEFAULT_WAIT, Reply, from_between, reset_at, retry_after
from kicau.networks.bluesky.limits import LABEL

NOT_FOUND, BLOB_GONE, TOO_LARGE, SIGN_IN = "not-found", "media-gone", "too-large", "sign-in-failed"
NOTHING_HERE = "nothing-here"  # a 404 that names no record: it is not certain that there is none

# The permission is over, or the account is no longer (or not now) on this server.
GONE = frozenset(
    {
        "ExpiredToken",
        "InvalidToken",
        "AuthMissing",
        "AuthenticationRequired",
        "AccountTakedown",
        "AccountSuspended",
        "AccountDeactivated",
        "AccountNotFound",
        "RepoTakendown",
        "RepoSuspended",
        "RepoDeactivated",
        "RepoNotFound",
        "invalid_token",
        "invalid_grant",
        "invalid_client",
        "unauthorized_client",
    }
)
SHORT = frozenset({"InsufficientScope", "insufficient_scope", "ScopeMissingError"})
PASSING = frozenset(
    {
        "UpstreamFailure",
        "UpstreamTimeout",
        "NotEnoughResources",
        "InternalServerError",
        "temporarily_unavailable",
        "server_error",
    }
)

BEYOND = re.compile(
    r"(grapheme|string|array|blob|integer) too (big|small) \((?:maximum|minimum) (\d+), got (-?\d+)\) at (\$\S*)"
)
ALT = re.compile(r'Missing required key "alt" at (\$\S*)')
RECORD = re.compile(r"^\$(?:\.writes\[\d+\])?\.(?:record|value)\b")
PICTURE = re.compile(r"\.(?:images|items)\[(\d+)\]")


class NonceAsked(Unavailable):
    """The server wants its nonce in the proof, and has done nothing; the request is sent again with it."""

    def __init__(self, nonce: str) -> None:
        self.nonce = nonce
        super().__init__(f"{LABEL}'s server wants another nonce")


class NoSuchPage(Unavailable):
    """A 404 in a form that is not the protocol's: a web server that has no such page, or something in between."""


def read_error(reply: Reply) -> ConnectorError | None:
    """What an answer that is not 2xx means; None leaves it to the shared reading."""
    body = reply.peek()
    error = str(body.get("error") or "")
    said = str(body.get("message") or body.get("error_description") or error or reply.text[:300])
    if error == "use_dpop_nonce" and (nonce := reply.headers.get("dpop-nonce")):
        return NonceAsked(nonce)
    if reply.status == 429 or error == "RateLimitExceeded":
        until = retry_after(reply) or reset_at(reply, "ratelimit-reset")
        return RateLimited(
            until or clock.now() + DEFAULT_WAIT,
            detail=f"{said} ({reply.headers.get('ratelimit-policy', 'no policy told')})",
        )
    if error in PASSING:
        return Unavailable(said) if reply.repeatable else Uncertain(said)
    if error == "MethodNotImplemented" or reply.status == 501:
        return _refused(
            "not-offered",
            "The server of this {network} account does not offer what the post needs ({said}): its operator installs a newer version.",
            said,
        )
    if reply.status >= 500 or reply.status in (408, 425):
        return None
    if between := from_between(reply):
        return NoSuchPage(between.detail) if reply.status == 404 and reply.repeatable else between
    if error in SHORT:
        return AuthExpired(said, missing=frozenset({"transition:generic"}))
    if error == "AuthFactorTokenRequired":
        return _refused(
            SIGN_IN,
            "{network} asks for a code sent by mail with the account's own password: make an app password and use that.",
            said,
        )
    if error in GONE or reply.status == 401:
        return AuthExpired(f"{error}: {said}" if error and error != said else said)
    return _of_content(reply, error, said)


def _of_content(reply: Reply, error: str, said: str) -> Rejected:
    if error in ("RecordNotFound", "HandleNotFound", "DidNotFound") or said.startswith("Could not locate record"):
        return _refused(NOT_FOUND, "{network} has no such thing any more: {said}", said)
    if reply.status == 404:
        return _refused(NOTHING_HERE, "{network} has no such thing any more: {said}", said)
    if said == "Unable to resolve handle":
        return _refused(NOT_FOUND, "{network} knows nobody of this name.", said)
    if error == "BlobNotFound":
        return _refused(BLOB_GONE, "{network}'s server no longer has a file of the post.", said)
    if reply.status == 413 or error == "PayloadTooLarge":
        return _refused(
            TOO_LARGE, "The server of this {network} account takes no file of this size: make it smaller.", said
        )
    if found := BEYOND.search(said):
        return Rejected(_beyond(found, said), detail=said)
    if found := ALT.search(said):
        return Rejected(
            Problem(
                code="needs-alt",
                message="{network} wants an alt text for each picture.",
                params={"network": LABEL},
                field=f"{_field(found[1])}.alt",
            ),
            detail=said,
        )
    return _refused("refused", "{network} refused the post: {said}", said)


def _beyond(found: re.Match[str], said: str) -> Problem:
    """A limit that was passed: the sentence of `render` for the same problem, with the server's own numbers."""
    what, path, limit, actual = found[1], found[5], int(found[3]), int(found[4])
    field = _field(path)
    params: dict[str, str | int | float] = {"network": LABEL, "limit": limit, "actual": actual, "where": "the text"}
    if what == "grapheme" and field.endswith(".text"):
        params |= {"unit": "graphemes", "now_what": "shorten it or split it into a thread"}
        message = "On {network}, {where} has {actual} {unit}; the limit is {limit}: {now_what}."
        return Problem(
            code="too-long", message=message, params=params, field=field, limit=limit, actual=actual, mend="split"
        )
    if what == "string" and field.endswith(".text"):
        message = "On {network}, {where} takes {actual} bytes; the limit is {limit}, beside that of the graphemes: shorten it or split it into a thread."
        return Problem(
            code="too-many-bytes", message=message, params=params, field=field, limit=limit, actual=actual, mend="split"
        )
    if what == "array" and ".media" in field:
        message = "{network} takes at most {limit} files in one post; this one has {actual}: remove some."
        return Problem(code="too-many-media", message=message, params=params, field=field, limit=limit, actual=actual)
    if what == "blob":
        told = {"limit": megabytes(limit), "actual": megabytes(actual)}
        message = "{network} takes a file here of at most {limit}; this one has {actual}: make it smaller."
        return Problem(code=TOO_LARGE, message=message, params=params | told, field=field, limit=limit, actual=actual)
    message = "{network} refused the post: {said}"
    return Problem(code="refused", message=message, params={"network": LABEL, "said": said[:300]}, field=field)


def _field(path: str) -> str:
    """A place in a record as a place in the draft; "" where there is none."""
    inside = RECORD.sub("", path)
    if inside == ".text":
        return "parts.0.text"
    if picture := PICTURE.search(inside):
        return f"parts.0.media.{picture[1]}"
    if ".external.thumb" in inside:
        return "link.thumbnail"
    if ".captions" in inside:
        return "options.captions"
    if ".embed" in inside:
        return "link" if ".external" in inside else "parts.0.media"
    return {"langs": "language", "labels": "options.label"}.get(inside.strip(".").split(".")[0].split("[")[0], "")


def _refused(code: str, message: str, said: str) -> Rejected:
    params = {"network": LABEL, "said": said.strip().rstrip(".")[:300]}
    return Rejected(Problem(code=code, message=message, params=params), detail=said)


def is_missing(refused: Rejected) -> bool:
    """Whether an address was answered with 404, or a server says that what was asked for does not exist."""
    return code_of(refused) in (NOT_FOUND, NOTHING_HERE)


def code_of(refused: Rejected) -> str:
    return refused.problems[0].code if refused.problems else ""
