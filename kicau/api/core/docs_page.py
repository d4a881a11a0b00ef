"""The docs page: the OpenAPI description as plain HTML, without a script and without anything from elsewhere."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from ninja import NinjaAPI
from ninja.openapi.docs import DocsBase

from kicau.api.core.problems import PROBLEM_TYPES
from kicau.api.core.routes import SCOPE_EXTENSION


@dataclass(frozen=True, slots=True, kw_only=True)
class DocsField:
    """One parameter or field."""

    name: str
    type: str
    text: str
    required: bool
    depth: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class DocsEndpoint:
    id: str
    method: str
    path: str
    summary: str
    text: str
    scope: str
    parameters: list[DocsField]
    body_type: str
    body: list[DocsField]
    answer_status: str
    answer: list[DocsField]
    example: str  # a curl command


class PlainDocs(DocsBase):
    def render_page(self, request: HttpRequest, api: NinjaAPI, **kwargs: Any) -> HttpResponse:
        schema = api.get_openapi_schema(path_params=kwargs)
        about = schema["info"]["description"].split("\n\n")
        return render(
            request,
            "api/docs.html",
            {
                "about": about,
                "groups": endpoints_by_tag(schema),
                "kinds": PROBLEM_TYPES.values(),
                "openapi": self.get_openapi_url(api, kwargs),
            },
        )


def endpoints_by_tag(schema: Mapping[str, Any]) -> list[tuple[str, list[DocsEndpoint]]]:
    """Endpoints by tag, in the order of the description."""
    found: dict[str, list[DocsEndpoint]] = {}
    for path, operations in schema["paths"].items():
        for method, operation in operations.items():
            found.setdefault(operation["tags"][0], []).append(_endpoint(schema, path, method, operation))
    return list(found.items())


def _endpoint(schema: Mapping[str, Any], path: str, method: str, operation: Mapping[str, Any]) -> DocsEndpoint:
    own = [p for p in operation["parameters"] if "$ref" not in p]
    body_type, body = _body_schema(operation.get("requestBody", {}))
    status = next(iter(operation["responses"]))
    _, answer = _body_schema(operation["responses"][status])
    return DocsEndpoint(
        id=operation["operationId"],
        method=method.upper(),
        path=path,
        summary=operation["summary"],
        text=operation["description"].rsplit("\n\nScope:", 1)[0].removeprefix("Scope:"),
        scope=operation.get(SCOPE_EXTENSION, ""),
        parameters=[
            DocsField(
                name=p["name"],
                type=_type_name(schema, p["schema"]),
                text=p.get("description", ""),
                required=p["required"],
            )
            for p in own
        ],
        body_type=body_type,
        body=list(_field_rows(schema, body, "")),
        answer_status=status,
        answer=[replace(row, required=False) for row in _field_rows(schema, answer, "")],
        example=_curl_example(schema, path, method, body_type, body),
    )


def _body_schema(holder: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
    for media_type, inner in holder.get("content", {}).items():
        return media_type, inner["schema"]
    return "", {}


def _resolve_reference(schema: Mapping[str, Any], given: Mapping[str, Any]) -> Mapping[str, Any]:
    """Past references, and past the null of what may be null."""
    if "$ref" in given:
        return _resolve_reference(schema, schema["components"]["schemas"][given["$ref"].rsplit("/", 1)[-1]])
    for several in ("allOf", "anyOf"):
        if several in given:
            real = [one for one in given[several] if one.get("type") != "null"]
            return _resolve_reference(schema, real[0])
    return given


def _type_name(schema: Mapping[str, Any], given: Mapping[str, Any]) -> str:
    inner = _resolve_reference(schema, given)
    null = " or null" if any(one.get("type") == "null" for one in given.get("anyOf", [])) else ""
    if "enum" in inner:
        return " | ".join(str(v) for v in inner["enum"]) + null
    if inner.get("type") == "array":
        return f"list of {_type_name(schema, inner.get('items', {}))}{null}"
    return str(inner.get("format") or inner.get("type") or "any") + null


def _field_rows(
    schema: Mapping[str, Any], given: Mapping[str, Any], before: str, depth: int = 0
) -> Iterator[DocsField]:
    """The fields of an object and of those within it, with their paths."""
    inner = _resolve_reference(schema, given)
    if inner.get("type") == "array":
        inner, before = _resolve_reference(schema, inner["items"]), f"{before.rstrip('.')}[]." if before else "[]."
    needed = inner.get("required", [])
    for name, field in inner.get("properties", {}).items():
        yield DocsField(
            name=before + name,
            type=_type_name(schema, field),
            text=field.get("description", ""),
            required=name in needed,
            depth=depth,
        )
        if depth < 4:
            yield from _field_rows(schema, field, f"{before}{name}.", depth + 1)


def _curl_example(schema: Mapping[str, Any], path: str, method: str, body_type: str, body: Mapping[str, Any]) -> str:
    parts = ["curl -H 'Authorization: Bearer kicau_…'"]
    if method not in ("get", "post"):
        parts.append(f"-X {method.upper()}")
    if body_type == "multipart/form-data":
        parts.append("-F file=@menu.png -F 'alt=Papan menu'")
    elif body_type:
        said = _resolve_reference(schema, body).get("examples", [{}])[0]
        parts.append(f"--json '{json.dumps(said, ensure_ascii=False)}'")
    elif method == "post":
        parts.append("-X POST")
    return " ".join([*parts, settings.KICAU_PUBLIC_URL + path])
