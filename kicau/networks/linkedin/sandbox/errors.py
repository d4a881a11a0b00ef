"""The error bodies of LinkedIn's API, as documented or as its users quote them (sources beside each)."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any

from aiohttp import web


class LinkedInApiError(Exception):
    """An answer that is not 2xx."""

    def __init__(self, status: int, body: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> None:
        super().__init__(str(body))
        self.status, self.body, self.headers = status, dict(body), dict(headers or {})

    def response(self) -> web.Response:
        return web.json_response(self.body, status=self.status, headers=with_response_headers(self.headers))


def with_response_headers(headers: Mapping[str, str] | None = None) -> dict[str, str]:
    """With the headers that each answer carries."""
    return {"X-RestLi-Protocol-Version": "2.0.0", "x-li-uuid": secrets.token_urlsafe(12), **(headers or {})}


def unauthorised_error(code: str, service: int, message: str) -> LinkedInApiError:
    """https://github.com/jclusso/omniauth-linkedin-openid/issues/6 (2024-09-17)"""
    return LinkedInApiError(401, {"status": 401, "serviceErrorCode": service, "code": code, "message": message})


def access_denied_error(resource: str, version: str = "NO_VERSION") -> LinkedInApiError:
    """https://github.com/linkedin-developers/linkedin-api-js-client/issues/35 (2025-01-04)"""
    return LinkedInApiError(
        403,
        {
            "status": 403,
            "serviceErrorCode": 100,
            "code": "ACCESS_DENIED",
            "message": f"Not enough permissions to access: {resource}.{version}",
        },
    )


def wrong_owner_error(field: str) -> LinkedInApiError:
    return LinkedInApiError(
        403,
        {
            "status": 403,
            "serviceErrorCode": 100,
            "code": "ACCESS_DENIED",
            "message": f"Field Value validation failed in REQUEST_BODY: Data Processing Exception while processing fields [/{field}]",
        },
    )


def missing_version_error() -> LinkedInApiError:
    """https://learn.microsoft.com/en-us/linkedin/marketing/versioning"""
    return LinkedInApiError(
        400,
        {
            "status": 400,
            "code": "VERSION_MISSING",
            "message": "A version must be present. Please specify a version by adding the LinkedIn-Version header.",
        },
    )


def inactive_version_error(version: str) -> LinkedInApiError:
    """https://github.com/ComposioHQ/composio/issues/4320 (2026-08-31)"""
    return LinkedInApiError(
        426, {"status": 426, "code": "NONEXISTENT_VERSION", "message": f"Requested version {version}01 is not active"}
    )


def illegal_argument_error(message: str) -> LinkedInApiError:
    return LinkedInApiError(400, {"status": 400, "code": "ILLEGAL_ARGUMENT", "message": message})


def unknown_parameter_error(names: list[str]) -> LinkedInApiError:
    inputs = [
        {
            "description": f"Query parameter not allowed: {name}",
            "input": {"inputPath": {"fieldPath": name}},
            "code": "QUERY_PARAM_NOT_ALLOWED",
        }
        for name in names
    ]
    return LinkedInApiError(
        400,
        {
            "status": 400,
            "code": "QUERY_PARAM_NOT_ALLOWED",
            "message": "Invalid query parameters passed to request",
            "errorDetailType": "com.linkedin.common.error.BadRequest",
            "errorDetails": {"inputErrors": inputs},
        },
    )


def invalid_body_error(lines: list[str]) -> LinkedInApiError:
    """https://community.n8n.io/t/303875: one line for each fault of a body."""
    return LinkedInApiError(422, {"message": "".join(f"ERROR :: {line}\n" for line in lines), "status": 422})


def bad_input_error(
    message: str, code: str, field: str, *, status: int = 400, description: str = ""
) -> LinkedInApiError:
    """https://github.com/n8n-io/n8n/issues/22899 and https://github.com/Arisamiga/Linkedin-RSS/issues/5"""
    given: dict[str, Any] = {"inputPath": {"fieldPath": field}} if field else {}
    return LinkedInApiError(
        status,
        {
            "errorDetailType": "com.linkedin.common.error.BadRequest",
            "message": f"com.linkedin.content.common.exception.BadRequestResponseException: {message}",
            "errorDetails": {"inputErrors": [{"description": description or message, "input": given, "code": code}]},
            "status": status,
        },
    )


def not_found_error(message: str) -> LinkedInApiError:
    return LinkedInApiError(404, {"status": 404, "code": "NOT_FOUND", "message": message})


def rate_limit_error(who: str, unit: str, headers: Mapping[str, str] | None = None) -> LinkedInApiError:
    """`who` is APPLICATION or APPLICATION_AND_MEMBER, `unit` DAY or MINUTE."""
    return LinkedInApiError(
        429,
        {
            "status": 429,
            "serviceErrorCode": 101,
            "code": "TOO_MANY_REQUESTS",
            "message": f"Resource level throttle {who} {unit} limit for calls to this resource is reached.",
        },
        headers,
    )


def no_resource_error() -> LinkedInApiError:
    return LinkedInApiError(404, {"status": 404, "code": "RESOURCE_NOT_FOUND", "message": "No virtual resource found"})


def no_method_error(method: str, path: str) -> LinkedInApiError:
    return LinkedInApiError(
        405, {"status": 405, "code": "METHOD_NOT_ALLOWED", "message": f"{method} is not supported on {path}"}
    )


def status_error(status: int, method: str, path: str) -> LinkedInApiError:
    """What the server says before any call is carried out, in the form of all other errors."""
    match status:
        case 404:
            return no_resource_error()
        case 405:
            return no_method_error(method, path)
    return LinkedInApiError(status, {"status": status, "message": f"{method} {path} could not be carried out"})


def upload_error(status: int, message: str) -> LinkedInApiError:
    """Of an upload address."""
    return LinkedInApiError(status, {"status": status, "message": message})
