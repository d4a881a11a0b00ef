"""Holds requests against X's own description: `validate` gives a sentence for each violation."""

from __future__ import annotations

import json
import re
from collections.abc import Generator, Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import jsonschema

from kicau.networks.x.sandbox.media import read_multipart

SPEC = json.loads((Path(__file__).parent / "openapi-2.167.json").read_text("utf-8"))
TOKEN_PATH = "/2/oauth2/token"
REVOCATION_PATH = "/2/oauth2/revoke"
TOKEN_FORMS = {
    "authorization_code": ({"grant_type", "code", "redirect_uri", "code_verifier"}, {"client_id"}),
    "refresh_token": ({"grant_type", "refresh_token"}, {"client_id"}),
}
PAGES = re.compile(r"^/i/oauth2/authorize$")  # what a person opens, which is no call of ours
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")


def validate(
    method: str, path: str, query: Mapping[str, str], headers: Mapping[str, str], body: bytes
) -> Iterator[str]:
    """A sentence for each way in which a request differs from the description."""
    what = f"{method} {path}"
    lower = {name.lower(): value for name, value in headers.items()}
    if path == TOKEN_PATH:
        yield from _token(what, method, lower, body)
        return
    if path == REVOCATION_PATH:
        yield from _revocation(what, method, lower, body)
        return
    if PAGES.match(path):
        return
    found = _operation(method, path)
    if found is None:
        yield f"{what}: there is no such operation"
        return
    operation, path_values = found
    yield from _parameters(what, operation, query, path_values)
    if any(scheme for scheme in operation.get("security", [])) and not lower.get("authorization", "").startswith(
        "Bearer "
    ):
        yield f"{what}: it needs a bearer token"
    yield from _body(what, operation, lower, body)


def _token(what: str, method: str, headers: Mapping[str, str], body: bytes) -> Iterator[str]:
    form = yield from _form(what, method, headers, body)
    if form is None:
        return
    if form.get("grant_type") not in TOKEN_FORMS:
        yield f"{what}: there is no grant type {form.get('grant_type')}"
        return
    needed, allowed = TOKEN_FORMS[form["grant_type"]]
    for name in sorted(needed - {key for key, value in form.items() if value}):
        yield f"{what}: the field {name} is missing"
    for name in sorted(set(form) - needed - allowed):
        yield f"{what}: there is no field {name}"
    yield from _app_named(what, headers, form)


def _revocation(what: str, method: str, headers: Mapping[str, str], body: bytes) -> Iterator[str]:
    form = yield from _form(what, method, headers, body)
    if form is None:
        return
    if not form.get("token"):
        yield f"{what}: the field token is missing"
    for name in sorted(set(form) - {"token", "client_id"}):
        yield f"{what}: there is no field {name}"
    yield from _app_named(what, headers, form)


def _form(
    what: str, method: str, headers: Mapping[str, str], body: bytes
) -> Generator[str, None, dict[str, str] | None]:
    if method != "POST":
        yield f"{what}: it takes POST"
    if not headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        yield f"{what}: it takes a form, not {headers.get('content-type')}"
        return None
    return dict(parse_qsl(body.decode(), keep_blank_values=True))


def _app_named(what: str, headers: Mapping[str, str], form: Mapping[str, str]) -> Iterator[str]:
    if not headers.get("authorization", "").startswith("Basic ") and "client_id" not in form:
        yield f"{what}: neither Basic nor client_id names the app"


@cache
def _templates() -> tuple[tuple[re.Pattern[str], str], ...]:
    """Addresses as patterns, those without a variable first."""
    paths = sorted(SPEC["paths"], key=lambda path: ("{" in path, path))
    return tuple(
        (re.compile("^" + re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/]+)", re.escape(path)) + "$"), path) for path in paths
    )


def _operation(method: str, path: str) -> tuple[dict[str, Any], dict[str, str]] | None:
    for pattern, template in _templates():
        fits = pattern.match(path)
        if fits and method.lower() in SPEC["paths"][template]:
            return SPEC["paths"][template][method.lower()], fits.groupdict()
    return None


def _parameters(
    what: str, operation: dict[str, Any], query: Mapping[str, str], in_path: Mapping[str, str]
) -> Iterator[str]:
    known = {(one["in"], one["name"]): one for one in map(_resolved, operation.get("parameters", []))}
    for name in sorted(set(query) - {name for place, name in known if place == "query"}):
        yield f"{what}: there is no query parameter {name}"
    for (place, name), one in known.items():
        given = {"query": query, "path": in_path}.get(place, {}).get(name)
        if given is None:
            if one.get("required"):
                yield f"{what}: the {place} parameter {name} is missing"
            continue
        schema = _resolved(one["schema"])
        yield from (f"{what}: {place} parameter {name}: {said}" for said in _fits(schema, _typed(schema, given)))


def _body(what: str, operation: dict[str, Any], headers: Mapping[str, str], body: bytes) -> Iterator[str]:
    wanted = operation.get("requestBody")
    if wanted is None:
        if body:
            yield f"{what}: it takes no body"
        return
    kind = headers.get("content-type", "").split(";")[0].strip()
    if kind not in wanted["content"]:
        yield f"{what}: it takes {', '.join(wanted['content'])}, not {kind or 'nothing'}"
        return
    schema = _resolved(wanted["content"][kind]["schema"])
    if kind == "application/json":
        try:
            value = json.loads(body)
        except ValueError:
            yield f"{what}: the body is no JSON"
            return
    else:
        fields = read_multipart(headers["content-type"], body)
        properties = schema.get("properties", {})
        value = {name: _typed(_resolved(properties.get(name, {})), one) for name, one in fields.items()}
    yield from (f"{what}: {said}" for said in _fits(schema, value))


def _typed(schema: dict[str, Any], given: Any) -> Any:
    """A value that came as text, as the type that it stands for."""
    if isinstance(given, bytes):
        return given.decode("latin-1")
    match schema.get("type"):
        case "array":
            return [_typed(_resolved(schema.get("items", {})), one) for one in given.split(",")]
        case "integer":
            return int(given) if re.fullmatch(r"-?\d+", given) else given
        case "boolean":
            return {"true": True, "false": False}.get(given, given)
    return given


def _fits(schema: dict[str, Any], value: Any) -> Iterable[str]:
    said = [
        f"{'/'.join(map(str, one.absolute_path)) or 'the whole'}: {one.message[:300]}"
        for one in _validator(json.dumps(schema)).iter_errors(value)
    ]
    if schema.get("format") == "date-time" and not MOMENT.fullmatch(str(value)):
        said.append(f"{value} is no moment")
    return said


@cache
def _validator(schema: str) -> jsonschema.protocols.Validator:
    return jsonschema.Draft202012Validator({**json.loads(schema), "components": SPEC["components"]})


def _resolved(one: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in one:
        name = one["$ref"].removeprefix("#/").split("/")
        one = SPEC
        for part in name:
            one = one[part]
    return one
