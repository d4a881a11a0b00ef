"""Why a request was not done, as problem+json (RFC 9457): what, where, which limit, what it was, what now."""

from __future__ import annotations

import errno
import json
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import ceil
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

from kicau.base import clock
from kicau.base.errors import DomainError, ServerBusy, ValidationFailed
from kicau.connector.errors import ConnectorError, RateLimited, Rejected, Unavailable, Uncertain
from kicau.connector.registry import UnknownNetwork

log = structlog.get_logger()
MEDIA_TYPE = "application/problem+json"
DOCS_PATH = "/api/v1/docs"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProblemType:
    """One kind of problem; its address is the part of the docs page that explains it."""

    slug: str
    status: int
    title: str
    meaning: str

    @property
    def type(self) -> str:
        return f"{DOCS_PATH}#problem-{self.slug}"


PROBLEM_TYPES = {
    kind.slug: kind
    for kind in (
        ProblemType(
            slug="malformed",
            status=400,
            title="The request cannot be read",
            meaning="The body does not match its content type, for example because of invalid JSON.",
        ),
        ProblemType(
            slug="no-token",
            status=401,
            title="A valid token is required",
            meaning="The token is missing, unknown, expired or revoked.",
        ),
        ProblemType(
            slug="not-allowed",
            status=403,
            title="Not allowed",
            meaning="The scopes of the token or the role of its person do not allow this.",
        ),
        ProblemType(
            slug="second-factor",
            status=403,
            title="A second factor is required",
            meaning="The workspace requires a second factor for its members, and the token's person has none. They can set one up in a browser, under You, Signing in.",
        ),
        ProblemType(
            slug="not-found", status=404, title="Not found", meaning="The object does not exist in this workspace."
        ),
        ProblemType(
            slug="wrong-method",
            status=405,
            title="Method not allowed",
            meaning="The URL does not support this method. The Allow header lists the supported ones.",
        ),
        ProblemType(
            slug="conflict",
            status=409,
            title="Conflict",
            meaning="The current state of the object does not allow this. Retrieve the object again, then decide.",
        ),
        ProblemType(
            slug="changed",
            status=412,
            title="Changed in the meantime",
            meaning="The version in If-Match is not the newest.",
        ),
        ProblemType(
            slug="too-large",
            status=413,
            title="Request too large",
            meaning="The request body exceeds the maximum size.",
        ),
        ProblemType(
            slug="wrong-type",
            status=415,
            title="Unsupported media type",
            meaning="The endpoint does not accept this content type.",
        ),
        ProblemType(
            slug="unacceptable",
            status=422,
            title="Invalid values",
            meaning="`errors` lists each invalid field with its limit and what to do. Nothing was changed.",
        ),
        ProblemType(
            slug="too-many",
            status=429,
            title="Too many requests",
            meaning="The token made too many requests in this minute. Wait for the time in Retry-After.",
        ),
        ProblemType(
            slug="fault", status=500, title="Internal error", meaning="The error was logged with the ID in `instance`."
        ),
        ProblemType(
            slug="unreachable",
            status=502,
            title="The network could not be reached",
            meaning="A social network could not be reached or returned an invalid response. Try again later.",
        ),
        ProblemType(
            slug="unavailable",
            status=503,
            title="Temporarily unavailable",
            meaning="The database cannot be reached, a social network limits requests, or the server is busy. Wait for the time in Retry-After.",
        ),
        ProblemType(
            slug="disk-full",
            status=507,
            title="No disk space left",
            meaning="The server's disk is full. The operator must free some space.",
        ),
    )
}


class ApiProblem(Exception):
    """A problem that the API itself finds."""

    def __init__(
        self, slug: str, detail: str, errors: Iterable[Mapping[str, Any]] = (), headers: Mapping[str, str] | None = None
    ) -> None:
        self.kind, self.detail, self.errors, self.headers = (
            PROBLEM_TYPES[slug],
            detail,
            list(errors),
            dict(headers or {}),
        )
        super().__init__(detail)


def problem_response(request: HttpRequest, exc: Exception | type[Exception]) -> HttpResponse:
    """The response for anything that was raised; what nobody foresaw is logged and answered with 500."""
    found = _problem_of(exc if isinstance(exc, Exception) else exc())
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


def _problem_of(exc: Exception) -> ApiProblem:
    if isinstance(exc, ApiProblem):
        return exc
    if isinstance(exc, HttpError) and isinstance(exc.__cause__, ApiProblem):
        return exc.__cause__
    return _of_domain_error(exc) or _of_connector_error(exc) or _of_request_error(exc) or _of_server_error(exc)


_DOMAIN_ERROR_SLUGS = {403: "not-allowed", 404: "not-found", 409: "conflict", 422: "unacceptable"}


def _of_domain_error(exc: Exception) -> ApiProblem | None:
    match exc:
        case ValidationFailed():
            return ApiProblem("unacceptable", str(exc), [p.fields() for p in exc.problems])
        case ServerBusy():
            return ApiProblem("unavailable", str(exc), headers={"Retry-After": str(exc.retry_after)})
        case DomainError():
            return ApiProblem(_DOMAIN_ERROR_SLUGS[exc.http_status], str(exc))
        case UnknownNetwork():
            return ApiProblem("unacceptable", str(exc), [_error_entry("network", "unknown-network", str(exc))])
    return None


def _of_connector_error(exc: Exception) -> ApiProblem | None:
    match exc:
        case Rejected():
            return ApiProblem("unacceptable", str(exc), [p.fields() for p in exc.problems])
        case RateLimited():
            return ApiProblem(
                "unavailable",
                f"The network limits requests until {exc.until:%Y-%m-%d %H:%M:%S} UTC. Try again after that.",
                headers={"Retry-After": str(max(1, ceil((exc.until - clock.now()).total_seconds())))},
            )
        case Unavailable() | Uncertain():
            return ApiProblem("unreachable", f"The network could not be reached: {exc} Try again later.")
        case ConnectorError():
            return ApiProblem("conflict", str(exc))
    return None


def _of_request_error(exc: Exception) -> ApiProblem | None:
    match exc:
        case ValidationError():
            errors = [_validation_error(one) for one in exc.errors]
            return ApiProblem("unacceptable", " ".join(e["message"] for e in errors), errors)
        case Http404():
            return ApiProblem("not-found", "There is no endpoint with this URL.")
        case RequestDataTooBig():
            return ApiProblem("too-large", "The request body is too large. JSON can have at most 10 MB.")
        case TooManyFilesSent() | TooManyFieldsSent():
            return ApiProblem("too-large", "The form has too many fields or files. Send at most 100 files at once.")
        case HttpError():
            return ApiProblem("malformed", str(exc))
        case MultiPartParserError() | UnreadablePostError() | SuspiciousOperation() | BadRequest():
            return ApiProblem("malformed", "The request body is incomplete or invalid. Send it again.")
    return None


def _of_server_error(exc: Exception) -> ApiProblem:
    match exc:
        case IntegrityError():
            return ApiProblem(
                "conflict", "Someone else changed the same object at this moment. Retrieve it again, then decide."
            )
        case OperationalError() | InterfaceError():
            return ApiProblem(
                "unavailable",
                "The database cannot be reached. Try again in a few seconds.",
                headers={"Retry-After": "5"},
            )
        case OSError(errno=errno.ENOSPC | errno.EDQUOT):
            return ApiProblem(
                "disk-full",
                "The disk of the server is full, so nothing was saved. After the operator has freed some space, repeat the request.",
            )
    return ApiProblem(
        "fault", "An unexpected error occurred and was logged. Report the ID in `instance` to your operator."
    )


def field_error(field: str, code: str, message: str) -> ApiProblem:
    """One field that the API itself cannot take."""
    return ApiProblem("unacceptable", message, [_error_entry(field, code, message)])


def _error_entry(field: str, code: str, message: str, limit: float | None = None) -> dict[str, Any]:
    return {"field": field, "code": code, "message": message, "limit": limit, "actual": None, "fix": ""}


def _validation_error(one: Mapping[str, Any]) -> dict[str, Any]:
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
    return _error_entry(
        field,
        str(one["type"]).replace("_", "-"),
        f"{where}: {one['msg']}.".replace("..", "."),
        limits[0] if limits else None,
    )
