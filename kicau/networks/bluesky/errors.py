"""The refusals of a server of the AT Protocol, read into the six errors, in the words that `render` uses.

As a real server gave them (@atproto/pds 0.5.35, recorded 2026-11-24), and as its lexicons name them.
"""

from __future__ import annotations

import re

from kicau.connector import clock
from kicau.connector.checks.formats import format_megabytes
from kicau.connector.content import Problem
from kicau.connector.errors import (
    AuthExpired,
    ConnectorError,
    RateLimited,
    Rejected,
    Unavailable,
    Uncertain,
)
from kicau.connector.transport.http import (
    DEFAULT_RETRY_DELAY,
    HttpResponse,
    is_from_proxy,
    rate_limit_reset_at,
    retry_after,
)
from kicau.networks.bluesky.limits import NETWORK_LABEL

NOT_FOUND_CODE, BLOB_GONE_CODE, TOO_LARGE_CODE, SIGN_IN_CODE = "not-found", "media-gone", "too-large", "sign-in-failed"
NO_SUCH_PAGE_CODE = "nothing-here"  # a 404 that names no record: it is not certain that there is none

# The permission is over, or the account is no longer (or not now) on this server.
DEAD_TOKEN_ERRORS = frozenset(
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
MISSING_SCOPE_ERRORS = frozenset({"InsufficientScope", "insufficient_scope", "ScopeMissingError"})
TEMPORARY_ERRORS = frozenset(
    {
        "UpstreamFailure",
        "UpstreamTimeout",
        "NotEnoughResources",
        "InternalServerError",
        "temporarily_unavailable",
        "server_error",
    }
)

LIMIT_ERROR_PATTERN = re.compile(
    r"(grapheme|string|array|blob|integer) too (big|small) \((?:maximum|minimum) (\d+), got (-?\d+)\) at (\$\S*)"
)
MISSING_ALT_PATTERN = re.compile(r'Missing required key "alt" at (\$\S*)')
RECORD_PATH_PATTERN = re.compile(r"^\$(?:\.writes\[\d+\])?\.(?:record|value)\b")
PICTURE_PATH_PATTERN = re.compile(r"\.(?:images|items)\[(\d+)\]")


class NonceRequired(Unavailable):
    """The server wants its nonce in the proof, and has done nothing; the request is sent again with it."""

    def __init__(self, nonce: str) -> None:
        self.nonce = nonce
        super().__init__(f"{NETWORK_LABEL}'s server wants another nonce")


class NoSuchPage(Unavailable):
    """A 404 in a form that is not the protocol's: a web server that has no such page, or something in between."""


def read_error(reply: HttpResponse) -> ConnectorError | None:
    """What an answer that is not 2xx means; None leaves it to the shared reading."""
    body = reply.peek()
    error = str(body.get("error") or "")
    said = str(body.get("message") or body.get("error_description") or error or reply.text[:300])
    if error == "use_dpop_nonce" and (nonce := reply.headers.get("dpop-nonce")):
        return NonceRequired(nonce)
    if reply.status == 429 or error == "RateLimitExceeded":
        until = retry_after(reply) or rate_limit_reset_at(reply, "ratelimit-reset")
        return RateLimited(
            until or clock.now() + DEFAULT_RETRY_DELAY,
            detail=f"{said} ({reply.headers.get('ratelimit-policy', 'no policy told')})",
        )
    if error in TEMPORARY_ERRORS:
        return Unavailable(said) if reply.repeatable else Uncertain(said)
    if error == "MethodNotImplemented" or reply.status == 501:
        return _rejection(
            "not-offered",
            "The server of this {network} account does not support a feature that the post needs ({said}). Ask the person who runs that server to install a newer version.",
            said,
        )
    if reply.status >= 500 or reply.status in (408, 425):
        return None
    if between := is_from_proxy(reply):
        return NoSuchPage(between.detail) if reply.status == 404 and reply.repeatable else between
    if error in MISSING_SCOPE_ERRORS:
        return AuthExpired(said, missing=frozenset({"transition:generic"}))
    if error == "AuthFactorTokenRequired":
        return _rejection(
            SIGN_IN_CODE,
            "{network} asks for a code sent by e-mail because you entered the account's main password. Create an app password in the account's settings, then enter it.",
            said,
        )
    if error in DEAD_TOKEN_ERRORS or reply.status == 401:
        return AuthExpired(f"{error}: {said}" if error and error != said else said)
    return _content_rejection(reply, error, said)


def _content_rejection(reply: HttpResponse, error: str, said: str) -> Rejected:
    if error in ("RecordNotFound", "HandleNotFound", "DidNotFound") or said.startswith("Could not locate record"):
        return _rejection(
            NOT_FOUND_CODE,
            "{network} could not find a post, account or file that Kicau needs. Message from the network: {said}",
            said,
        )
    if reply.status == 404:
        return _rejection(
            NO_SUCH_PAGE_CODE,
            "{network} could not find a post, account or file that Kicau needs. Message from the network: {said}",
            said,
        )
    if said == "Unable to resolve handle":
        return _rejection(
            NOT_FOUND_CODE, "{network} has no account with this handle. Check the spelling of the handle.", said
        )
    if error == "BlobNotFound":
        return _rejection(
            BLOB_GONE_CODE,
            "{network}'s server no longer has one of the files that Kicau uploaded for this post. Retry the post.",
            said,
        )
    if reply.status == 413 or error == "PayloadTooLarge":
        return _rejection(
            TOO_LARGE_CODE,
            "One file of this post is too large for the server of this {network} account. Make the file smaller.",
            said,
        )
    if found := LIMIT_ERROR_PATTERN.search(said):
        return Rejected(_limit_rejection(found, said), detail=said)
    if found := MISSING_ALT_PATTERN.search(said):
        return Rejected(
            Problem(
                code="needs-alt",
                message="{network} requires alt text for each image, but this post has an image without alt text. Write the missing alt text.",
                params={"network": NETWORK_LABEL},
                field=f"{_draft_field(found[1])}.alt",
            ),
            detail=said,
        )
    return _rejection("refused", "{network} rejected the post. Message from the network: {said}", said)


def _limit_rejection(found: re.Match[str], said: str) -> Problem:
    """A limit that was passed: the sentence of `render` for the same problem, with the server's own numbers."""
    what, path, limit, actual = found[1], found[5], int(found[3]), int(found[4])
    field = _draft_field(path)
    params: dict[str, str | int | float] = {
        "network": NETWORK_LABEL,
        "limit": limit,
        "actual": actual,
        "text_or_part": "the text",
    }
    if what == "grapheme" and field.endswith(".text"):
        params |= {"unit": "graphemes"}
        message = "On {network}, {text_or_part} has {actual} {unit}, but the limit is {limit}. Shorten the text, or split it into a thread (several connected posts)."
        return Problem(
            code="too-long", message=message, params=params, field=field, limit=limit, actual=actual, fix="split"
        )
    if what == "string" and field.endswith(".text"):
        message = "On {network}, {text_or_part} has a size of {actual} bytes, but the limit is {limit} bytes (an emoji can need many bytes). Shorten the text or split it into a thread."
        return Problem(
            code="too-many-bytes", message=message, params=params, field=field, limit=limit, actual=actual, fix="split"
        )
    if what == "array" and ".media" in field:
        message = "This post has {actual} files, but {network} allows at most {limit} in one post. Remove some files."
        return Problem(code="too-many-media", message=message, params=params, field=field, limit=limit, actual=actual)
    if what == "blob":
        told = {"limit": format_megabytes(limit), "actual": format_megabytes(actual)}
        message = "One file of this post has a size of {actual}, but {network} accepts at most {limit}. Make the file smaller."
        return Problem(
            code=TOO_LARGE_CODE, message=message, params=params | told, field=field, limit=limit, actual=actual
        )
    message = "{network} rejected the post. Message from the network: {said}"
    return Problem(code="refused", message=message, params={"network": NETWORK_LABEL, "said": said[:300]}, field=field)


def _draft_field(path: str) -> str:
    """A place in a record as a place in the draft; "" where there is none."""
    inside = RECORD_PATH_PATTERN.sub("", path)
    if inside == ".text":
        return "parts.0.text"
    if picture := PICTURE_PATH_PATTERN.search(inside):
        return f"parts.0.media.{picture[1]}"
    if ".external.thumb" in inside:
        return "link.thumbnail"
    if ".captions" in inside:
        return "options.captions"
    if ".embed" in inside:
        return "link" if ".external" in inside else "parts.0.media"
    return {"langs": "language", "labels": "options.label"}.get(inside.strip(".").split(".")[0].split("[")[0], "")


def _rejection(code: str, message: str, said: str) -> Rejected:
    params = {"network": NETWORK_LABEL, "said": said.strip().rstrip(".")[:300]}
    return Rejected(Problem(code=code, message=message, params=params), detail=said)


def is_missing(refused: Rejected) -> bool:
    """Whether an address was answered with 404, or a server says that what was asked for does not exist."""
    return rejection_code(refused) in (NOT_FOUND_CODE, NO_SUCH_PAGE_CODE)


def rejection_code(refused: Rejected) -> str:
    return refused.problems[0].code if refused.problems else ""
