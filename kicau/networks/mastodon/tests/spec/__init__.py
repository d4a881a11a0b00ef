"""Holds requests and answers against Mastodon's documented API (`openapi-4.7.0.json`): a sentence for each difference."""

from __future__ import annotations

import email.parser
import email.policy
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import jsonschema

SPEC: dict[str, Any] = json.loads((Path(__file__).parent / "openapi-4.7.0.json").read_text("utf-8"))
PAGES = re.compile(r"^/(?:@[^/]+(?:/\d+)?|system/.*|oauth/authorize)?$")  # what a person's browser opens

# Where the wire differs from the file, and why.
DIFFERENCES = {
    # The documentation calls these parameters form data (methods/apps, methods/oauth), as RFC 6749 does; the program that
    # made the file writes every body as JSON.
    "forms": ("/api/v1/apps", "/oauth/token", "/oauth/revoke"),
    # A refresh token is asked of servers that give one (Pleroma); RFC 6749, section 6.
    "grants": ("authorization_code", "client_credentials", "refresh_token"),
}


def validate(
    method: str, path: str, query: Mapping[str, str], headers: Mapping[str, str], body: bytes
) -> Iterator[str]:
    """A sentence for each way in which a request differs from the description."""
    what = f"{method} {path}"
    lower = {name.lower(): value for name, value in headers.items()}
    if path == "/" or PAGES.match(path):
        return
    found = _operation(method, path)
    if found is None:
        yield f"{what}: there is no such operation"
        return
    operation, path_values = found
    yield from _parameters(what, operation, query, path_values)
    if operation.get("security") and not re.fullmatch(r"Bearer \S+", lower.get("authorization", "")):
        yield f"{what}: it needs a bearer token"
    yield from _body(what, path, operation, lower, body)


# A quote is one of two shapes that overlap in the file: either will do.
SPEC["components"]["schemas"]["Status"]["properties"]["quote"] = {
    "anyOf": SPEC["components"]["schemas"]["Status"]["properties"]["quote"]["oneOf"]
}
# Named as a form spells it: in JSON it is a list of objects (app/controllers/api/v1/statuses_controller.rb).
_EDIT = SPEC["paths"]["/api/v1/statuses/{id}"]["put"]["requestBody"]["content"]["application/json"]["schema"][
    "properties"
]
_EDIT["media_attributes"] = {"type": "array", "items": {"type": "object", "required": ["id"]}}
del _EDIT["media_attributes[]"]


def answer_faults(method: str, path: str, status: int, body: Any) -> list[str]:
    """The same of a successful answer."""
    found = _operation(method, path)
    if found is None:
        return [f"{method} {path}: there is no such operation"]
    listed = found[0]["responses"].get(str(status))
    if listed is None:
        return [f"{method} {path}: it does not answer {status}"]
    content = listed.get("content", {}).get("application/json")
    return list(_fits(content["schema"], body)) if content else []


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
    # Headers are left out: the file calls Idempotency-Key, the only one that it lists, an object.
    listed = [one for one in operation.get("parameters") or [] if one["in"] != "header"]
    # Rails takes a list as `name[]` (https://docs.joinmastodon.org/client/intro/#array), which the file leaves out.
    known = {
        (one["in"], one["name"] + ("[]" if one["in"] == "query" and one["schema"].get("type") == "array" else "")): one
        for one in listed
    }
    for name in sorted(set(query) - {name for place, name in known if place == "query"}):
        yield f"{what}: there is no query parameter {name}"
    for (place, name), one in known.items():
        given = {"query": query, "path": in_path}.get(place, {}).get(name)
        if given is None:
            if one.get("required"):
                yield f"{what}: the {place} parameter {name} is missing"
            continue
        schema = one["schema"]
        yield from (f"{what}: {place} parameter {name}: {said}" for said in _fits(schema, _typed(schema, given)))


def _body(what: str, path: str, operation: dict[str, Any], headers: Mapping[str, str], body: bytes) -> Iterator[str]:
    wanted = operation.get("requestBody")
    if wanted is None:
        if body:
            yield f"{what}: it takes no body"
        return
    kind = headers.get("content-type", "").split(";")[0].strip()
    listed, schema = next((kind, content["schema"]) for kind, content in wanted["content"].items())
    if path in DIFFERENCES["forms"]:
        listed = "application/x-www-form-urlencoded"
    if kind != listed:
        yield f"{what}: it takes {listed}, not {kind or 'nothing'}"
        return
    try:
        value = _read(kind, headers["content-type"], body, schema)
    except ValueError as exc:
        yield f"{what}: the body cannot be read ({exc})"
        return
    if path == "/oauth/token" and value.get("grant_type") == "refresh_token":
        schema = {"type": "object", "required": ["client_id", "client_secret", "refresh_token"]}
        yield from (
            f"{what}: there is no field {name}" for name in sorted(set(value) - {"grant_type", *schema["required"]})
        )
    else:
        yield from (f"{what}: there is no field {name}" for name in _unknown(schema, value))
    if path == "/oauth/token" and value.get("grant_type") not in DIFFERENCES["grants"]:
        yield f"{what}: there is no grant type {value.get('grant_type')}"
    yield from (f"{what}: {said}" for said in _fits(_choice(schema, value), value))


def _read(kind: str, content_type: str, body: bytes, schema: dict[str, Any]) -> dict[str, Any]:
    if kind == "application/json":
        found = json.loads(body)
        if not isinstance(found, dict):
            raise ValueError("no object")
        return found
    properties = schema.get("properties", {})
    if kind == "multipart/form-data":
        fields: Mapping[str, str] = multipart(content_type, body)
    else:
        fields = dict(parse_qsl(body.decode(), keep_blank_values=True, strict_parsing=True))
    return {name: _typed(properties.get(name, {}), one) for name, one in fields.items()}


def multipart(content_type: str, body: bytes) -> dict[str, str]:
    """The fields of a form by name; of a file its type."""
    head = f"Content-Type: {content_type}\r\n\r\n".encode()
    message = email.parser.BytesParser(policy=email.policy.HTTP).parsebytes(head + body)
    fields = {}
    for part in message.iter_parts():  # type: ignore[attr-defined]
        name = str(part.get_param("name", header="content-disposition"))
        fields[name] = part.get_content_type() if part.get_filename() else part.get_payload(decode=True).decode()
    return fields


def _choice(schema: dict[str, Any], value: Mapping[str, Any]) -> dict[str, Any]:
    """A status is one of three kinds, which overlap in the file: the one that the body means."""
    if "oneOf" not in schema:
        return schema
    kind = "MediaStatus" if "media_ids" in value else "PollStatus" if "poll" in value else "TextStatus"
    return {"$ref": f"#/components/schemas/{kind}"}


def _unknown(schema: dict[str, Any], value: Mapping[str, Any]) -> list[str]:
    known = _names(_choice(schema, value))
    return sorted(name for name in value if name not in known)


def _names(schema: dict[str, Any]) -> set[str]:
    if "$ref" in schema:
        return _names(SPEC["components"]["schemas"][schema["$ref"].rsplit("/", 1)[-1]])
    return set(schema.get("properties", {})).union(*(_names(one) for one in schema.get("allOf", [])))


def _typed(schema: dict[str, Any], given: Any) -> Any:
    """A value that came as text, as the type that it stands for."""
    match schema.get("type"):
        case "array":
            return [given]
        case "integer":
            return int(given) if re.fullmatch(r"-?\d+", given) else given
        case "boolean":
            return {"true": True, "false": False}.get(given, given)
    return given


def _fits(schema: dict[str, Any], value: Any) -> Iterable[str]:
    return [
        f"{'/'.join(map(str, one.absolute_path)) or 'the whole'}: {one.message[:300]}"
        for one in _validator(json.dumps(schema)).iter_errors(value)
    ]


@cache
def _validator(schema: str) -> jsonschema.protocols.Validator:
    return jsonschema.Draft202012Validator(
        {**json.loads(schema), "components": SPEC["components"]},
        format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER,
    )
