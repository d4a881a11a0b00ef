"""The OpenAPI description: what django-ninja finds, and what holds for every endpoint alike."""

from __future__ import annotations

import json
from typing import Any

from ninja.openapi.schema import OpenAPISchema

from kicau.api.core.authentication import WORKSPACE_HEADER
from kicau.api.core.idempotency import IDEMPOTENCY_HEADER, KEY_PATTERN, MAX_KEY_LENGTH
from kicau.api.core.problems import MEDIA_TYPE
from kicau.api.core.routes import ASKS_NETWORK_EXTENSION, SCOPE_EXTENSION
from kicau.api.core.webhook_schemas import object_schemas, webhook_descriptions
from kicau.api.schemas.base import ProblemResponse

API_DESCRIPTION = """The REST API of Kicau covers everything that its pages can do.

**Authentication.** Send `Authorization: Bearer kicau_…` with each request. A token acts on behalf of a person, within
its scopes. If it is valid for several workspaces, choose one with the header `Kicau-Workspace`.

**Pagination.** Lists are returned in pages. To get the next page, send the value of `next` as `cursor`.

**Idempotency.** A POST request with an `Idempotency-Key` is executed only once, even if you repeat it within 24 hours.

**Errors** are `application/problem+json` (RFC 9457) with a message for people. With status 422, `errors` lists the
invalid fields.

**Times** use ISO 8601. A time without an offset requires a `timezone`.
"""
_METHODS_WITH_BODY = ("post", "put", "patch")
_RATE_LIMIT_HEADERS = {
    "RateLimit-Limit": "Maximum number of requests of the token per minute.",
    "RateLimit-Remaining": "Number of requests left in this minute.",
    "RateLimit-Reset": "Seconds until the limit resets.",
}
_STATUS_DESCRIPTIONS = {
    "400": "The request cannot be read.",
    "401": "The token is missing, unknown, expired or revoked.",
    "403": "The scopes of the token or the role of its person do not allow this.",
    "404": "The object does not exist in this workspace.",
    "409": "The current state of the object does not allow this.",
    "412": "The version in If-Match is not the newest.",
    "413": "The request body is too large.",
    "415": "The endpoint does not accept this content type.",
    "422": "Some values are invalid. `errors` lists the fields. Nothing was changed.",
    "429": "Too many requests in this minute. Wait for the time in Retry-After.",
    "502": "The network could not be reached or returned an invalid response. Try again later.",
    "default": "An internal error, or a temporary failure.",
}


def completed_schema(schema: OpenAPISchema) -> OpenAPISchema:
    """`schema` with common parameters, answers and headers put in, in place."""
    components = schema["components"]
    components["schemas"] = object_schemas() | components["schemas"] | _problem_schemas()
    schema["webhooks"] = webhook_descriptions()
    components["responses"] = {f"Problem{status.title()}": _problem_response(status) for status in _STATUS_DESCRIPTIONS}
    components["headers"] = {
        name: {"description": text, "schema": {"type": "integer", "minimum": 0}}
        for name, text in _RATE_LIMIT_HEADERS.items()
    }
    components["parameters"] = _COMMON_PARAMETERS
    for path, operations in schema["paths"].items():
        for method, operation in operations.items():
            _complete_operation(path, method, operation)
    used = json.dumps([schema["paths"], schema["webhooks"], components])
    components["schemas"] = {name: one for name, one in components["schemas"].items() if f'schemas/{name}"' in used}
    return schema


def _complete_operation(path: str, method: str, operation: dict[str, Any]) -> None:
    names = (
        ["Workspace"]
        + (["IdempotencyKey"] if method == "post" else [])
        + (["IfMatch"] if method == "put" and "{post_id}" in path else [])
    )
    operation["parameters"] = operation.get("parameters", []) + [
        {"$ref": f"#/components/parameters/{name}"} for name in names
    ]
    for form in operation.get("requestBody", {}).get("content", {}).values():
        if "properties" in form["schema"]:
            form["schema"] |= {"title": "Form", "additionalProperties": False}
    scope = operation.get(SCOPE_EXTENSION, "")
    operation["description"] = f"{operation.get('description', '')}\n\nScope: `{scope}`.".strip()
    for status, answer in operation["responses"].items():
        answer.setdefault("headers", {}).update(
            {name: {"$ref": f"#/components/headers/{name}"} for name in _RATE_LIMIT_HEADERS}
        )
        answer["description"] = (
            _success_response(method, int(status))
            if answer["description"] in ("OK", "Created", "No Content")
            else answer["description"]
        )
    statuses = ["401", "403", "404", "422", "429", "default"]
    if method in _METHODS_WITH_BODY:
        statuses += ["400", "409", "413", "415"]
    if "IfMatch" in names:
        statuses.append("412")
    if method == "delete":
        statuses.append("409")
    if operation.get(ASKS_NETWORK_EXTENSION):
        statuses.append("502")
    said = {str(status): answer for status, answer in operation["responses"].items()}
    operation["responses"] = said | {
        status: {"$ref": f"#/components/responses/Problem{status.title()}"} for status in sorted(statuses)
    }


def _success_response(method: str, status: int) -> str:
    return {201: "Created.", 204: "Success, without a body."}.get(status, "Success.")


def _problem_response(status: str) -> dict[str, Any]:
    found: dict[str, Any] = {
        "description": _STATUS_DESCRIPTIONS[status],
        "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemResponse"}}},
    }
    if status == "429":
        found["headers"] = {
            "Retry-After": {
                "description": "Number of seconds to wait.",
                "required": True,
                "schema": {"type": "integer", "minimum": 1},
            }
        }
    return found


def _problem_schemas() -> dict[str, Any]:
    """As sent: `errors` and `instance` only where they say something."""
    made = ProblemResponse.model_json_schema(ref_template="#/components/schemas/{model}")
    inner: dict[str, Any] = made.pop("$defs", {})
    return inner | {"ProblemResponse": made}


_COMMON_PARAMETERS: dict[str, Any] = {
    "Workspace": {
        "name": WORKSPACE_HEADER,
        "in": "header",
        "required": False,
        "description": "ID of the workspace. Default: the workspace of the token, or the first workspace of its person.",
        "schema": {"type": "string", "format": "uuid"},
    },
    "IdempotencyKey": {
        "name": IDEMPOTENCY_HEADER,
        "in": "header",
        "required": False,
        "description": "A random string that you create for this request. If you repeat the request within 24 hours, it is not executed again, and you get the first response.",
        "schema": {"type": "string", "minLength": 1, "maxLength": MAX_KEY_LENGTH, "pattern": KEY_PATTERN},
    },
    "IfMatch": {
        "name": "If-Match",
        "in": "header",
        "required": False,
        "description": "ETag of the version that you read. If someone changed the object since then, nothing is changed.",
        "schema": {"type": "string"},
    },
}
