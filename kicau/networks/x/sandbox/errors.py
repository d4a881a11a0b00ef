"""Refusals in X's own shapes, raised anywhere inside the sandbox and sent as they are."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from aiohttp import web

PROBLEM_TYPE_PREFIX = "https://api.x.com/2/problems/"
STATUS_TITLES = {400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found", 429: "Too Many Requests"}


class XApiError(Exception):
    """An answer that is not 2xx."""

    def __init__(self, status: int, body: Mapping[str, Any], *, headers: Mapping[str, str] | None = None) -> None:
        self.status, self.body, self.headers = status, dict(body), dict(headers or {})
        super().__init__(f"{status} {body}")

    def response(self) -> web.Response:
        kind = "application/problem+json" if "type" in self.body else "application/json"
        return web.Response(status=self.status, text=json.dumps(self.body), content_type=kind, headers=self.headers)


def plain_error(status: int, detail: str) -> XApiError:
    """The generic problem of most refusals."""
    return XApiError(
        status, {"title": STATUS_TITLES[status], "type": "about:blank", "status": status, "detail": detail}
    )


def invalid_request_error(message: str, **parameters: str) -> XApiError:
    """A request that does not fit: the parameter and its value are named."""
    detail = "One or more parameters to your request was invalid."
    body: dict[str, Any] = {
        "errors": [{"parameters": {name: [value] for name, value in parameters.items()}, "message": message}],
        "title": "Invalid Request",
        "detail": detail,
        "type": f"{PROBLEM_TYPE_PREFIX}invalid-request",
    }
    if parameters:
        name, value = next(iter(parameters.items()))
        body |= {"parameter": name, "value": value}
    return XApiError(400, body)


def not_found_problem(resource: str, value: str, parameter: str = "id") -> dict[str, Any]:
    """What X says of something that does not exist: as a refusal's body, or beside data in a 200."""
    return {
        "title": "Not Found Error",
        "detail": f"Could not find {resource} with {parameter}: [{value}].",
        "type": f"{PROBLEM_TYPE_PREFIX}resource-not-found",
        "resource_type": resource,
        "resource_id": value,
        "parameter": parameter,
        "value": value,
    }


def unauthorized_error() -> XApiError:
    return plain_error(401, "Unauthorized")


def oauth_error(status: int, error: str, description: str) -> XApiError:
    return XApiError(status, {"error": error, "error_description": description})
