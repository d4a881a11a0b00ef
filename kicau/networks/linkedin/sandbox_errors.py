"""The error bodies of LinkedIn's API, as documented or as its users quote them (sources beside each)."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any

from aiohttp import web


class Refusal(Exception):
    """An answer that is not 2xx."""

    def __init__(self, status: int, body: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> None:
        super().__init__(str(body))
        self.status, self.body, self.headers = status, dict(body), dict(headers or {})

    def response(self) -> web.Response:
        return web.json_response(self.body, status=self.status, headers=stamped(self.headers))


def stamped(headers: Mapping[str, str] | None = None) -> dict[str, str]:
    """With the headers that each answer carries."""
    return {"X-RestLi-Protocol-Version": "2.0.0", "x-li-uuid": secrets.token_urlsafe(12), **(headers or {})}


def unauthorised(code: str, service: int, message: str) -> Refusal:
    """https://github.com/jclusso/omniauth-linkedin-openid/issues/6 (2024-09-17)"""
    return Refusal(401, {"status": 401, "serviceErrorCode": service, "code": code, "message": message})


def denied(resource: str, version: str = "NO_VERSION") -> Refusal:
    """https://github.com/linkedin-developers/linkedin-api-js-client/issues/35 (2025-01-04)"""
    return Refusal(
        403,
        {
            "status": 403,
            "serviceErrorCode": 100,
            "code": "ACCESS_DENIED",
            "message": f"Not enough permissions to access: {resource}.{version}",
        },
    )


def not_yours(field: str) -> Refusal:
    return Refusal(
        403,
        {
            "status": 403,
            "serviceErrorCode": 100,
            "code": "ACCESS_DENIED",
            "message": f"Field Value validation failed in REQUEST_BODY: Data Processing Exception while processing fields [/{field}]",
        },
    )


def no_version() -> Refusal:
    """https://learn.microsoft.com/en-us/linkedin/marketing/versioning"""
    return Refusal(
        400,
        {
            "status": 400,
            "code": "VERSION_MISSING",
            "message": "A version must be present. Please specify a version by adding the LinkedIn-Version header.",
        },
    )


def inactive_version(version: str) -> Refusal:
    """https://github.com/ComposioHQ/composio/issues/4320 (2026-08-31)"""
    return Refusal(
        426, {"status": 426, "code": "NONEXISTENT_VERSION", "message": f"Requested version {version}01 is not active"}
    )


def illegal(message: str) -> Refusal:
    return Refusal(400, {"status": 400, "code": "ILLEGAL_ARGUMENT", "message": message})


def unknown_query(names: list[str]) -> Refusal:
    inputs = [
        {
            "description": f"Query parameter not allowed: {name}",
            "input": {"inputPath": {"fieldPath": name}},
            "code": "QUERY_PARAM_NOT_ALLOWED",
        }
        for name in names
    ]
    return Refusal(
        400,
        {
            "status": 400,
            "code": "QUERY_PARAM_NOT_ALLOWED",
            "message": "Invalid query parameters passed to request",
            "errorDetailType": "com.linkedin.common.error.BadRequest",
            "errorDetails": {"inputErrors": inputs},
        },
    )


def invalid_body(lines: list[str]) -> Refusal:
    """https://community.n8n.io/t/303875: one line for each fault of a body."""
    return Refusal(422, {"message": "".join(f"ERROR :: {line}\n" for line in lines), "status": 422})


def bad_input(message: str, code: str, field: str, *, status: int = 400, description: str = "") -> Refusal:
    """https://github.com/n8n-io/n8n/issues/22899 and https://github.com/Arisamiga/Linkedin-RSS/issues/5"""
    given: dict[str, Any] = {"inputPath": {"fieldPath": field}} if field else {}
    return Refusal(
        status,
        {
            "errorDetailType": "com.linkedin.common.error.BadRequest",
            "message": f"com.linkedin.content.common.exception.BadRequestResponseException: {message}",
            "errorDetails": {"inputErrors": [{"description": description or message, "input": given, "code": code}]},
            "status": status,
        },
    )


def not_found(message: str) -> Refusal:
    return Refusal(404, {"status": 404, "code": "NOT_FOUND", "message": message})


def throttled(who: str, unit: str, headers: Mapping[str, str] | None = None) -> Refusal:
    """`who` is APPLICATION or APPLICATION_AND_MEMBER, `unit` DAY or MINUTE."""
    return Refusal(
        429,
        {
            "status": 429,
            "serviceErrorCode": 101,
            "code": "TOO_MANY_REQUESTS",
            "message": f"Resource level throttle {who} {unit} limit for calls to this resource is reached.",
        },
        headers,
    )


def no_resource() -> Refusal:
    return Refusal(404, {"status": 404, "code": "RESOURCE_NOT_FOUND", "message": "No virtual resource found"})


def no_method(method: str, path: str) -> Refusal:
    return Refusal(
        405, {"status": 405, "code": "METHOD_NOT_ALLOWED", "message": f"{method} is not supported on {path}"}
    )


def of_status(status: int, method: str, path: str) -> Refusal:
    """What the server says before any call is carried out, in the form of all other errors."""
    match status:
        case 404:
            return no_resource()
        case 405:
            return no_method(method, path)
    return Refusal(status, {"status": status, "message": f"{method} {path} could not be carried out"})


def upload(status: int, message: str) -> Refusal:
    """Of an upload address."""
    return Refusal(status, {"status": status, "message": message})
