"""The OpenAPI description: what django-ninja finds, and what holds for every endpoint alike."""

from __future__ import annotations

import json
from typing import Any

from ninja.openapi.schema import OpenAPISchema

from kicau.api.core.authentication import WORKSPACE_HEADER
from kicau.api.core.idempotency import IDEMPOTENCY_HEADER, MAX_KEY_LENGTH
from kicau.api.core.problems import MEDIA_TYPE
from kicau.api.core.routes import ASKS_NETWORK_EXTENSION, SCOPE_EXTENSION
from kicau.api.schemas.base import ProblemResponse

API_DESCRIPTION = """Everything that Kicau does, for programs.

**Tokens.** Each request carries `Authorization: Bearer kicau_…`. A token acts for a person, in their workspaces, within
its scopes; where it opens several workspaces, `Kicau-Workspace` chooses one.

**Lists** come in pages: give `next` of one as `cursor` to have the following.

**Repeating.** A POST with an `Idempotency-Key` is done once, however often it is sent within 24 hours.

**Refusals** are `application/problem+json` with a sentence for people and, with status 422, the path of each field.

**Times** are ISO 8601. One without an offset needs its `timezone`.
"""
_METHODS_WITH_BODY = ("post", "put", "patch")
_RATE_LIMIT_HEADERS = {
    "RateLimit-Limit": "Requests that the token may make in a minute.",
    "RateLimit-Remaining": "How many of them are left.",
    "RateLimit-Reset": "Seconds until a new minute begins.",
}
_STATUS_DESCRIPTIONS = {
    "400": "The request cannot be read.",
    "401": "The token is missing, unknown, expired or revoked.",
    "403": "The token's scopes or its person's role do not cover this.",
    "404": "There is no such thing in this workspace.",
    "409": "The present state of things does not permit this.",
    "412": "If-Match names a version that is not the newest.",
    "413": "The body is too large.",
    "415": "The body is of another type than this endpoint takes.",
    "422": "Something cannot be taken as it stands; `errors` names each field. Nothing was changed.",
    "429": "The requests of this minute are used up; Retry-After says when to go on.",
    "502": "The network could not be reached, or did not answer as it should; try again later.",
    "default": "A fault of ours, or something that is not available now.",
}


def completed_schema(schema: OpenAPISchema) -> OpenAPISchema:
    """`schema` with common parameters, answers and headers put in, in place."""
    components = schema["components"]
    components["schemas"] |= _problem_schemas()
    components["responses"] = {f"Problem{status.title()}": _problem_response(status) for status in _STATUS_DESCRIPTIONS}
    components["headers"] = {
        name: {"description": text, "schema": {"type": "integer", "minimum": 0}}
        for name, text in _RATE_LIMIT_HEADERS.items()
    }
    components["parameters"] = _COMMON_PARAMETERS
    for path, operations in schema["paths"].items():
        for method, operation in operations.items():
            _complete_operation(path, method, operation)
    used = json.dumps([schema["paths"], components])
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
    return {201: "Made.", 204: "Done; there is no body."}.get(status, "Done." if method != "get" else "Here it is.")


def _problem_response(status: str) -> dict[str, Any]:
    found: dict[str, Any] = {
        "description": _STATUS_DESCRIPTIONS[status],
        "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemResponse"}}},
    }
    if status == "429":
        found["headers"] = {
            "Retry-After": {"description": "Seconds.", "required": True, "schema": {"type": "integer", "minimum": 1}}
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
        "description": "Id of a workspace that the token opens. Left out: the token's own, or its person's first.",
        "schema": {"type": "string", "format": "uuid"},
    },
    "IdempotencyKey": {
        "name": IDEMPOTENCY_HEADER,
        "in": "header",
        "required": False,
        "description": "A random text of your own for this act. Sent again within 24 hours, the act is not done twice, and the first answer comes again.",
        "schema": {"type": "string", "minLength": 1, "maxLength": MAX_KEY_LENGTH, "pattern": "^[!-~]+$"},
    },
    "IfMatch": {
        "name": "If-Match",
        "in": "header",
        "required": False,
        "description": "ETag of the version that you read; where someone was faster, nothing is changed.",
        "schema": {"type": "string"},
    },
}
