"""Holds a request against Meta's own collection of the Threads API; one sentence for each disagreement."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from kicau.networks._meta.forms import read_form

# Where the wire has more than the collection: name -> why. Nothing else is let through.
EVERYWHERE = {"access_token": "the collection sends it as a header; a parameter is Graph's usual way"}
MORE = {
    ("GET", "/access_token"): {"access_token"},
    ("POST", "/me/threads"): {"is_carousel_item", "children"},
    ("GET", "/{id}/conversation"): {"after"},  # its sample answer has the cursor
}
OWN_ANSWER = {"/me/threads_publishing_limit": "fields_quota", "/{id}": "fields_threads", "/me": "fields_profile"}
LOGIN = {
    "client_id",
    "redirect_uri",
    "response_type",
    "scope",
    "state",
}  # developers.facebook.com/docs/threads/get-started
VERSION = re.compile(r"^/v1\.0(?=/)")


@cache
def described() -> dict[str, Any]:
    return json.loads(files(__package__).joinpath("collection.json").read_text("utf-8"))


@cache
def calls() -> dict[tuple[str, str], dict[str, set[str]]]:
    """By method and path: each parameter with the values that the collection gives it."""
    found: dict[tuple[str, str], dict[str, set[str]]] = {}
    for one in described()["requests"]:
        path = re.sub(r"\{\{\w+\}\}", "{id}", one["path"])
        params = found.setdefault((one["method"], path), {})
        for name, value in one["params"].items():
            params.setdefault(name, set()).add(value)
    return found


def validate(
    method: str, path: str, query: Mapping[str, str], headers: Mapping[str, str], body: bytes
) -> Iterable[str]:
    lower = {name.lower(): value for name, value in headers.items()}
    params = {**query, **read_form(lower.get("content-type", ""), body)[0]}
    if path == "/oauth/authorize":
        return [] if method == "POST" else [f"sign-in: {name}" for name in sorted(LOGIN ^ set(params))]
    return list(_against(method, VERSION.sub("", path), params))


def _against(method: str, path: str, params: Mapping[str, str]) -> Iterable[str]:
    """An account's and a post's number look alike: of two readings the one with fewer complaints counts."""
    template = re.sub(r"(?<=/)\d+(?=$|/)", "{id}", path)
    named = {one for one in (template, template.replace("/{id}/", "/me/", 1)) if (method, one) in calls()}
    if not named:
        return [f"{method} {path}: the collection has no such request"]
    return min((list(_complaints(method, one, params)) for one in sorted(named)), key=len)


def _complaints(method: str, named: str, params: Mapping[str, str]) -> Iterator[str]:
    where, known = f"{method} {named}", calls()[method, named]
    for name in sorted(set(params) - set(known) - set(EVERYWHERE) - MORE.get((method, named), set())):
        yield f"{where}: unknown parameter {name}"
    if named.endswith("access_token") and (wrong := params.get("grant_type")) not in known["grant_type"]:
        yield f"{where}: no grant_type {wrong}"
    if "fields" in params:
        yield from _fields(where, named, params["fields"], known)
    if where == "POST /me/threads":
        yield from _container(params)
    if where == "POST /me/threads_publish" and not params.get("creation_id", "").isdigit():
        yield f"{where}: creation_id must be a container's number"


def _fields(where: str, named: str, asked: str, known: Mapping[str, set[str]]) -> Iterator[str]:
    lists = [value.strip("{}") for value in known.get("fields", ())] or [OWN_ANSWER.get(named, "")]
    lists += ["fields_container"] if named == "/{id}" else []
    allowed = {name for one in lists for name in re.findall(r"[\w]+", described()["variables"].get(one, ""))}
    for name in asked.split(","):
        if name not in allowed:
            yield f"{where}: unknown field {name}"


def _container(params: Mapping[str, str]) -> Iterator[str]:
    kind = params.get("media_type", "")
    variables = described()["variables"]
    if kind not in variables["media_type"].split(", "):
        yield f"container: media_type {kind!r}"
    if params.get("reply_control", "everyone") not in variables["reply_control"].split(","):
        yield f"container: reply_control {params['reply_control']!r}"
    needed = {"TEXT": (), "IMAGE": ("image_url",), "VIDEO": ("video_url",), "CAROUSEL": ("children",)}.get(kind, ())
    for name in needed:
        if not params.get(name):
            yield f"container: {kind} without {name}"
    for name in ("image_url", "video_url", "link_attachment"):
        if name in params and not params[name].startswith(("http://", "https://")):
            yield f"container: {name} is no address"
    for name, only in (
        ("image_url", "IMAGE"),
        ("video_url", "VIDEO"),
        ("children", "CAROUSEL"),
        ("link_attachment", "TEXT"),
        ("poll_attachment", "TEXT"),
    ):
        if name in params and kind != only:
            yield f"container: {name} with {kind}"
    if "poll_attachment" in params:
        named = sorted(json.loads(params["poll_attachment"]))
        if named not in (
            ["option_a", "option_b"],
            ["option_a", "option_b", "option_c"],
            ["option_a", "option_b", "option_c", "option_d"],
        ):
            yield f"container: poll_attachment has {named}"
