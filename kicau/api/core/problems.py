"""Why a request was not done, as problem+json (RFC 9457): what, where, which limit, what it was, what now."""

from __future__ import annotations

import errno
import json
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import structlog
from django.core.exceptions import (
    BadRequest,
    RequestDataTooBig,
    SuspiciousOperation,
    TooManyFieldsSent,
    TooManyFilesSent,
)
from django.db import IntegrityError, InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse, UnreadablePostError
from django.http.multipartparser import MultiPartParserError
from ninja.errors import HttpError, ValidationError

from kicau.base.errors import Busy, Conflict, NotAllowed, NotFound, Unacceptable
from kicau.connector.content import Problem
from kicau.connector.errors import ConnectorError, RateLimited, Rejected, Unavailable, Uncertain
from kicau.connector.registry import UnknownNetwork

log = structlog.get_logger()
MEDIA_TYPE = "application/problem+json"
DOCS = "/api/v1/docs"


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One kind of problem; its address is the part of the docs page that explains it."""

    slug: str
    status: int
    title: str
    meaning: str

    @property
    def type(self) -> str:
        return f"{DOCS}#problem-{self.slug}"


KINDS = {
    kind.slug: kind
    for kind in (
        Kind(
            slug="malformed",
            status=400,
            title="The request cannot be read",
            meaning="The body is not what its type says, such as broken JSON.",
        ),
        Kind(
            slug="no-token",
            status=401,
            title="A valid token is needed",
            meaning="No token, or one that is unknown, expired or revoked.",
        ),
        Kind(
            slug="not-allowed",
            status=403,
            title="Not allowed",
            meaning="The token's scopes or its person's role do not cover this.",
        ),
        Kind(
            slug="second-factor",
            status=403,
            title="A second factor is required",
            meaning="The workspace requires a second factor of its members, and the token's person has none. They set one up in a browser, under You, Signing in.",
        ),
        Kind(slug="not-found", status=404, title="Not found", meaning="There is no such thing in this workspace."),
        Kind(
            slug="wrong-method",
            status=405,
            title="Method not allowed",
            meaning="The address takes other methods; the Allow header lists them.",
        ),
        Kind(
            slug="conflict",
            status=409,
            title="Conflict",
            meaning="Its present state does not permit this; read it again, then decide.",
        ),
        Kind(
            slug="changed",
            status=412,
            title="Changed meanwhile",
            meaning="If-Match names a version that is not the newest.",
        ),
        Kind(slug="too-large", status=413, title="Too large", meaning="The body has more bytes than are taken."),
        Kind(
            slug="wrong-type",
            status=415,
            title="Unsupported media type",
            meaning="The body is of another type than this address takes.",
        ),
        Kind(
            slug="unacceptable",
            status=422,
            title="Cannot be taken as it stands",
            meaning="`errors` names each field, its limit and what to do. Nothing was changed.",
        ),
        Kind(
            slug="too-many",
            status=429,
            title="Too many requests",
            meaning="The token's requests of this minute are used up; Retry-After says when to go on.",
        ),
        Kind(slug="fault", status=500, title="A fault of ours", meaning="It was logged under the id in `instance`."),
        Kind(
            slug="unreachable",
            status=502,
            title="The network could not be reached",
            meaning="A social network did not answer as it should; try again later.",
        ),
        Kind(
            slug="unavailable",
            status=503,
            title="Not available now",
            meaning="The database does not answer, a social network limits us, or the server is busy; Retry-After says when to try again.",
        ),
        Kind(
            slug="disk-full",
            status=507,
            title="No space left",
            meaning="The server's disk is full; its operator must make room.",
        ),
    )
}


class Refused(Exception):
    """A problem that the API itself finds."""

    def __init__(
        self, slug: str, detail: str, errors: Iterable[Mapping[str, Any]] = (), headers: Mapping[str, str] | None = None
    ) -> None:
        self.kind, self.detail, self.errors, self.headers = KINDS[slug], detail, list(errors), dict(headers or {})
        super().__init__(detail)


def answer(request: HttpRequest, exc: Exception | type[Exception]) -> HttpResponse:
    """The response for anything that was raised; what nobody foresaw is logged and answered with 500."""
    found = _read(exc if isinstance(exc, Exception) else exc())
    body: dict[str, Any] = {
        "type": found.kind.type,
        "title": found.kind.title,
        "status": found.kind.status,
        "detail": found.detail,
    }
    if found.kind.slug == "unacceptable":
        body["errors"] = found.errors
    if found.kind.status == 500:
        body["instance"] = f"urn:uuid:{uuid.uuid4()}"
        log.error("api fault", path=request.path, method=request.method, id=body["instance"], exc_info=exc)
    response = HttpResponse(json.dumps(body, ensure_ascii=False), status=found.kind.status, content_type=MEDIA_TYPE)
    for name, value in found.headers.items():
        response[name] = value
    return response


def _read(exc: Exception) -> Refused:
    if isinstance(exc, Refused):
        return exc
    if isinstance(exc, HttpError) and isinstance(exc.__cause__, Refused):
        return exc.__cause__
    return _refusal(exc) or _of_the_network(exc) or _of_the_request(exc) or _of_the_machine(exc)


def _refusal(exc: Exception) -> Refused | None:
    match exc:
        case NotAllowed():
            return Refused("not-allowed", str(exc))
        case NotFound():
            return Refused("not-found", str(exc))
        case Conflict():
            return Refused("conflict", str(exc))
        case Unacceptable():
            return Refused("unacceptable", str(exc), [error(p) for p in exc.problems])
        case Busy():
            return Refused("unavailable", str(exc), headers={"Retry-After": str(exc.retry_after)})
        case UnknownNetwork():
            return Refused("unacceptable", str(exc), [_error("network", "unknown-network", str(exc))])
    return None


def _of_the_network(exc: Exception) -> Refused | None:
    match exc:
        case Rejected():
            return Refused("unacceptable", str(exc), [error(p) for p in exc.problems])
        case RateLimited():
            return Refused(
                "unavailable",
                f"The network asks to wait until {exc.until:%Y-%m-%d %H:%M:%S} UTC.",
                headers={"Retry-After": "60"},
            )
        case Unavailable() | Uncertain():
            return Refused("unreachable", f"The network could not be reached: {exc} Try again later.")
        case ConnectorError():
            return Refused("conflict", str(exc))
    return None


def _of_the_request(exc: Exception) -> Refused | None:
    match exc:
        case ValidationError():
            errors = [_of_validation(one) for one in exc.errors]
            return Refused("unacceptable", " ".join(e["message"] for e in errors), errors)
        case Http404():
            return Refused("not-found", "There is nothing at this address.")
        case RequestDataTooBig():
            return Refused("too-large", "The body is too large; JSON of at most 10 MB is taken.")
        case TooManyFilesSent() | TooManyFieldsSent():
            return Refused("too-large", "The form has too many fields or files; at most 100 files are taken at once.")
        case HttpError():
            return Refused("malformed", str(exc))
        case MultiPartParserError() | UnreadablePostError() | SuspiciousOperation() | BadRequest():
            return Refused("malformed", "The body could not be read; send it again, whole.")
    return None


def _of_the_machine(exc: Exception) -> Refused:
    match exc:
        case IntegrityError():
            return Refused("conflict", "Somebody did the same at this moment; read it again, then decide.")
        case OperationalError() | InterfaceError():
            return Refused(
                "unavailable", "The database does not answer; try again in a moment.", headers={"Retry-After": "5"}
            )
        case OSError(errno=errno.ENOSPC | errno.EDQUOT):
            return Refused(
                "disk-full",
                "The disk of the server is full, so nothing was kept. Its operator must make room; then send it again.",
            )
    return Refused(
        "fault", "Something went wrong that nobody foresaw. It was logged; tell your operator the id in `instance`."
    )


def error(problem: Problem) -> dict[str, Any]:
    """A domain problem as one entry of `errors`."""
    return {
        "field": problem.field,
        "code": problem.code,
        "message": problem.sentence,
        "limit": problem.limit,
        "actual": problem.actual,
        "mend": problem.mend,
    }


def field_error(field: str, code: str, message: str) -> Refused:
    """One field that the API itself cannot take."""
    return Refused("unacceptable", message, [_error(field, code, message)])


def _error(field: str, code: str, message: str, limit: float | None = None) -> dict[str, Any]:
    return {"field": field, "code": code, "message": message, "limit": limit, "actual": None, "mend": ""}


def _of_validation(one: Mapping[str, Any]) -> dict[str, Any]:
    source, *path = one["loc"]
    if source == "body" or (source in ("query", "form") and len(path) > 1):
        path = path[1:]  # the argument's own name
    field = ".".join(str(step) for step in path)
    limits = [
        v
        for k, v in one.get("ctx", {}).items()
        if k in ("max_length", "min_length", "le", "ge", "lt", "gt") and isinstance(v, int | float)
    ]
    where = field or "The body"
    return _error(
        field,
        str(one["type"]).replace("_", "-"),
        f"{where}: {one['msg']}.".replace("..", "."),
        limits[0] if limits else None,
    )
