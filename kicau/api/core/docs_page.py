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

from kicau.api.core.problems import KINDS
from kicau.api.core.routes import SCOPE


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One parameter or field."""

    name: str
    type: str
    text: str
    required: bool
    depth: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    id: str
    method: str
    path: str
    summary: str
    text: str
    scope: str
    parameters: list[Row]
    body_type: str
    body: list[Row]
    answer_status: str
    answer: list[Row]
    example: str  # a curl command


class Plain(DocsBase):
    def render_page(self, request: HttpRequest, api: NinjaAPI, **kwargs: Any) -> HttpResponse:
        schema = api.get_openapi_schema(path_params=kwargs)
        about = schema["info"]["description"].split("\n\n")
        return render(
            request,
            "api/docs.html",
            {
                "about": about,
                "groups": groups(schema),
                "kinds": KINDS.values(),
                "openapi": self.get_openapi_url(api, kwargs),
            },
        )


def groups(schema: Mapping[str, Any]) -> list[tuple[str, list[Endpoint]]]:
    """Endpoints by tag, in the order of the description."""
    found: dict[str, list[Endpoint]] = {}
    for path, operations in schema["paths"].items():
        for method, operation in operations.items():
            found.setdefault(operation["tags"][0], []).append(_endpoint(schema, path, method, operation))
    return list(found.items())


def _endpoint(schema: Mapping[str, Any], path: str, method: str, operation: Mapping[str, Any]) -> Endpoint:
    own = [p for p in operation["parameters"] if "$ref" not in p]
    body_type, body = _content(operation.get("requestBody", {}))
    status = next(iter(operation["responses"]))
    _, answer = _content(operation["responses"][status])
    return Endpoint(
        id=operation["operationId"],
        method=method.upper(),
        path=path,
        summary=operation["summary"],
        text=operation["description"].rsplit("\n\nScope:", 1)[0].removeprefix("Scope:"),
        scope=operation.get(SCOPE, ""),
        parameters=[
            Row(name=p["name"], type=_type(schema, p["schema"]), text=p.get("description", ""), required=p["required"])
            for p in own
        ],
        body_type=body_type,
        body=list(_rows(schema, body, "")),
        answer_status=status,
        answer=[replace(row, required=False) for row in _rows(schema, answer, "")],
        example=_curl(schema, path, method, body_type, body),
    )


def _content(holder: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
    for media_type, inner in holder.get("content", {}).items():
        return media_type, inner["schema"]
    return "", {}


def _followed(schema: Mapping[str, Any], given: Mapping[str, Any]) -> Mapping[str, Any]:
    """Past references, and past the null of what may be null."""
    if "$ref" in given:
        return _followed(schema, schema["components"]["schemas"][given["$ref"].rsplit("/", 1)[-1]])
    for several in ("allOf", "anyOf"):
        if several in given:
            real = [one for one in given[several] if one.get("type") != "null"]
            return _followed(schema, real[0])
    return given


def _type(schema: Mapping[str, Any], given: Mapping[str, Any]) -> str:
    inner = _followed(schema, given)
    null = " or null" if any(one.get("type") == "null" for one in given.get("anyOf", [])) else ""
    if "enum" in inner:
        return " | ".join(str(v) for v in inner["enum"]) + null
    if inner.get("type") == "array":
        return f"list of {_type(schema, inner.get('items', {}))}{null}"
    return str(inner.get("format") or inner.get("type") or "any") + null


def _rows(schema: Mapping[str, Any], given: Mapping[str, Any], before: str, depth: int = 0) -> Iterator[Row]:
    """The fields of an object and of those within it, with their paths."""
    inner = _followed(schema, given)
    if inner.get("type") == "array":
        inner, before = _followed(schema, inner["items"]), f"{before.rstrip('.')}[]." if before else "[]."
    needed = inner.get("required", [])
    for name, field in inner.get("properties", {}).items():
        yield Row(
            name=before + name,
            type=_type(schema, field),
            text=field.get("description", ""),
            required=name in needed,
            depth=depth,
        )
        if depth < 4:
            yield from _rows(schema, field, f"{before}{name}.", depth + 1)


def _curl(schema: Mapping[str, Any], path: str, method: str, body_type: str, body: Mapping[str, Any]) -> str:
    parts = ["curl -H 'Authorization: Bearer kicau_…'"]
    if method not in ("get", "post"):
        parts.append(f"-X {method.upper()}")
    if body_type == "multipart/form-data":
        parts.append("-F file=@menu.png -F 'alt=Papan menu'")
    elif body_type:
        said = _followed(schema, body).get("examples", [{}])[0]
        parts.append(f"--json '{json.dumps(said, ensure_ascii=False)}'")
    elif method == "post":
        parts.append("-X POST")
    return " ".join([*parts, settings.KICAU_PUBLIC_URL + path])
