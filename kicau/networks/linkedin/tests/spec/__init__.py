"""LinkedIn's API as its documentation tells it, as data (`requests.json`), to hold our own requests against.

Test data only: the product never imports it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import jsonschema


@cache
def _spec() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(Path(__file__).with_name("requests.json").read_text("utf-8"))
    return found


@cache
def _checker(name: str) -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator({"$ref": f"#/schemas/{name}", "schemas": _spec()["schemas"]})


def validate(
    method: str, path: str, query: Mapping[str, str], headers: Mapping[str, str], body: bytes
) -> Iterator[str]:
    """One sentence for each disagreement of a request with the specification."""
    where = f"{method} {path}"
    if path == "/" or path.startswith(("/feed/", "/in/", "/company/", "/dms/")):
        return  # pages that people see
    endpoint = next(
        (
            e
            for e in _spec()["endpoints"]
            if e["method"] == method and re.fullmatch(e["path"], path) and _actions(e, query)
        ),
        None,
    )
    if endpoint is None:
        yield f"{where}: there is no such endpoint (query {sorted(query)})"
        return
    sent = {name.lower(): value for name, value in headers.items()}
    yield from _headers(where, endpoint, sent)
    yield from (f"{where}: query parameter {name} is not one of it" for name in query if name not in endpoint["query"])
    for name, pattern in endpoint["query"].items():
        if name in query and not re.fullmatch(pattern, query[name]):
            yield f"{where}: query parameter {name} is {query[name]!r}"
    yield from (
        f"{where}: query parameter {name} is missing" for name in endpoint.get("needs", ()) if name not in query
    )
    yield from _body(where, endpoint, body)


def _actions(endpoint: Mapping[str, Any], query: Mapping[str, str]) -> bool:
    return all(query.get(name) == value for name, value in endpoint.get("when", {}).items())


def _headers(where: str, endpoint: Mapping[str, Any], sent: Mapping[str, str]) -> Iterator[str]:
    for name in endpoint["headers"]:
        pattern = _spec()["headers"][name]
        if name.lower() not in sent:
            yield f"{where}: header {name} is missing"
        elif not re.fullmatch(pattern, sent[name.lower()]):
            yield f"{where}: header {name} does not fit {pattern}"
    for name, value in endpoint.get("header_values", {}).items():
        if sent.get(name.lower()) != value:
            yield f"{where}: header {name} must be {value}"


def _body(where: str, endpoint: Mapping[str, Any], body: bytes) -> Iterator[str]:
    name = endpoint.get("body")
    if name is None:
        if body:
            yield f"{where}: takes no body"
        return
    if name == "bytes":
        if not body:
            yield f"{where}: the file is empty"
        return
    try:
        found: Any = _form(body) if name.endswith("_form") else json.loads(body)
    except ValueError as exc:
        yield f"{where}: the body cannot be read ({exc})"
        return
    for error in _checker(name).iter_errors(found):
        yield f"{where}: body at /{'/'.join(map(str, error.absolute_path))}: {error.message[:300]}"
    if name in ("post", "patch") and isinstance(found, dict):
        said = found if name == "post" else found["patch"]["$set"]
        yield from (
            f"{where}: commentary has an unescaped {mark!r}" for mark in _unescaped(str(said.get("commentary", "")))
        )


def _form(body: bytes) -> dict[str, str]:
    return dict(parse_qsl(body.decode(), keep_blank_values=True, strict_parsing=True))


def _unescaped(commentary: str) -> list[str]:
    """Reserved characters of the little text that neither are escaped nor belong to an element."""
    rest = commentary
    for element in _spec()["little"]["elements"]:
        rest = re.sub(element, "", rest)
    rest = re.sub(_spec()["little"]["escape"], "", rest)
    return sorted(set(re.findall(_spec()["little"]["reserved"], rest)))
