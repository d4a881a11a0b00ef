"""Holds a request against Meta's own description of the Graph API, v25.0 and v26.0 both.

`Checker(prefixes)(method, path, query, headers, body)` yields one sentence for each disagreement.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from kicau.networks._meta.fields import FieldTree, parse_fields
from kicau.networks._meta.forms import read_form

# Where the wire differs from the description: name -> why. Nothing else is let through.
EVERYWHERE = {
    "access_token": "every call carries it; the description leaves it out",
    "appsecret_proof": "sent by the official client too (session.py); the description leaves it out",
    "fields": "field expansion belongs to every GET; the description leaves it out",
}
BATCH = {"batch", "include_headers"}  # developers.facebook.com/docs/graph-api/batch-requests; parameters of no object
BATCH_CALL = {"method", "relative_url", "body", "headers", "attached_files", "name", "omit_response_on_success"}
PAGING = {
    "limit": "cursor paging of every edge; the description lists it for some only",
    "after": "cursor paging of every edge",
    "since": "time paging of feed and posts: developers.facebook.com/docs/graph-api/results",
    "until": "time paging of feed and posts",
}
PARAMS = {
    ("Page", "POST /photos", "source"): "the file part of a multipart form: the description lists parameters only",
}
FIELDS = {
    ("Page", "tasks"): "what me/accounts answers: developers.facebook.com/docs/graph-api/reference/user/accounts",
    ("IGUserForIGOnlyAPI", "config"): "of content_publishing_limit, whose answer is not described",
    ("IGUserForIGOnlyAPI", "quota_usage"): "of content_publishing_limit, whose answer is not described",
}
EDGES = {
    ("IGUserForIGOnlyAPI", "POST /media_publish"): (
        "POST /mediapublish",
        "the description drops the underscore; the guide and every client that works send media_publish",
    ),
}
ENUMS_OF_ANY_CASE = {
    "upload_phase": "the description has START and FINISH for video_reels; Meta's own collection sends lower case",
}
WEBHOOKS = {  # edges that our extract of the description leaves out: (allowed, needed) parameters
    "POST /subscriptions": (
        {"object", "callback_url", "verify_token", "fields"},
        {"object", "callback_url", "fields"},
        "webhooks of an app",
    ),
    "POST /subscribed_apps": ({"subscribed_fields"}, {"subscribed_fields"}, "webhooks of an account"),
    "DELETE /subscribed_apps": (set[str](), set[str](), "webhooks of an account"),
}
OUTSIDE = {  # calls that the description does not hold at all: (allowed, needed) parameters and the reason
    "dialog/oauth": (
        {"client_id", "redirect_uri", "response_type", "scope", "state"},
        {"client_id", "redirect_uri", "state"},
        "Facebook Login",
    ),
    "oauth/access_token": (
        {"client_id", "client_secret", "redirect_uri", "code", "grant_type", "fb_exchange_token"},
        {"client_id", "client_secret"},
        "Facebook Login",
    ),
    "ig oauth/authorize": (
        {"client_id", "redirect_uri", "response_type", "scope", "state", "force_reauth", "enable_fb_login"},
        {"client_id", "redirect_uri", "response_type", "scope", "state"},
        "Instagram Login",
    ),
    "ig oauth/access_token": (
        {"client_id", "client_secret", "grant_type", "redirect_uri", "code"},
        {"client_id", "client_secret", "grant_type", "redirect_uri", "code"},
        "Instagram Login",
    ),
}
FOUND_ONLY_IN_26 = {"ShadowIGMediaBuilder": "a container; v25.0's files leave the object out"}
ANSWERS = {  # what an edge's rows are, where the description names a type that is not in it
    "Media": "IGMediaForIGOnlyAPI",
    "Comment": "Comment",
    "IGGraphMedia": "IGMediaForIGOnlyAPI",
    "ContentPublishingLimitResponse": "",
}
FACEBOOK = {"": ("User", "Page", "PagePost", "Photo", "AdVideo", "Comment")}
INSTAGRAM = {
    "": ("IGUserForIGOnlyAPI", "IGMediaForIGOnlyAPI", "IGComment", "ShadowIGMediaBuilder"),
    "/facebook": ("User", "Page", "IGUser", "IGMedia", "IGComment", "ShadowIGMediaBuilder"),
}
OBJECT_FIELDS = {("Page", "instagram_business_account"): "IGUser", ("PagePost", "comments"): "Comment"}


NAMES = re.compile(r"[a-z_]+")
MODIFIERS = re.compile(r"\.\w+\([^)]*\)")


@cache
def calls() -> dict[str, tuple[frozenset[str], frozenset[str]]]:
    """Parameters and fields by call, of everything that was looked up in the changelogs of v26.0 and v27.0."""
    listed = tomllib.loads(files(__package__).joinpath("calls.toml").read_text("utf-8"))["call"]
    return {
        one["sent"]: (frozenset(one.get("parameters", "").split()), frozenset(one.get("fields", "").split()))
        for one in listed
    }


def removed() -> frozenset[str]:
    """Edges, parameters and metrics that v26.0, v27.0 or a date removed."""
    listed = tomllib.loads(files(__package__).joinpath("calls.toml").read_text("utf-8"))["removed"]
    return frozenset(
        name for one in listed for kind in ("edges", "parameters", "metrics") for name in one.get(kind, "").split()
    )


def _unlisted(call: str, params: Mapping[str, str], sent_files: Iterable[str] = ()) -> Iterator[str]:
    """What of a call is not in calls.toml."""
    if call not in calls():
        yield f"{call} is not in calls.toml"
        return
    allowed, fields = calls()[call]
    for name in sorted({*params, *sent_files} - allowed - EVERYWHERE.keys()):
        yield f"{call}: the parameter {name} is not in calls.toml"
    asked = set(NAMES.findall(MODIFIERS.sub("", params.get("fields", ""))))
    for name in sorted(asked - fields) if "fields" not in allowed else ():
        yield f"{call}: the field {name} is not in calls.toml"


@dataclass(frozen=True, slots=True)
class Called:
    method: str
    node: str
    edge: str
    params: Mapping[str, str]
    files: frozenset[str]

    @property
    def name(self) -> str:
        return f"{self.method} /{self.edge}"


@cache
def described(version: str) -> dict[str, Any]:
    return json.loads(files(__package__).joinpath(f"graph-{version}.json").read_text("utf-8"))


class Checker:
    """`prefixes` maps a path's start to the object types that ids on that host may be."""

    def __init__(self, prefixes: Mapping[str, tuple[str, ...]]) -> None:
        self.prefixes = dict(sorted(prefixes.items(), key=lambda pair: -len(pair[0])))

    def __call__(
        self, method: str, path: str, query: Mapping[str, str], headers: Mapping[str, str], body: bytes
    ) -> Iterable[str]:
        lower = {name.lower(): value for name, value in headers.items()}
        if path.startswith("/video-upload/"):
            return list(_rupload(method, path, lower, body))
        form, parts = read_form(lower.get("content-type", ""), body)
        params = {**query, **form}
        if outside := _outside(path):
            return [*_against_list(method, path, params, OUTSIDE[outside]), *_unlisted_sign_in(method, outside, params)]
        for prefix, types in self.prefixes.items():
            if method == "POST" and re.fullmatch(re.escape(prefix) + r"/v\d+\.\d+/", path):
                return list(self._batch(path, params))
            if found := re.fullmatch(re.escape(prefix) + r"/(v\d+\.\d+)/([^/]+)(?:/([^/]+))?", path):
                called = Called(method, found[2], found[3] or "", params, frozenset(parts))
                if called.name in WEBHOOKS:
                    own = {
                        name: value for name, value in params.items() if name not in ("access_token", "appsecret_proof")
                    }
                    return [
                        *_against_list(method, path, own, WEBHOOKS[called.name]),
                        *_unlisted(f"webhooks {called.name}", own),
                    ]
                return list(_against_types(called, types))
        if path in ("/access_token", "/refresh_access_token"):
            name = "IGAccessTokenForIGOnlyAPI" if path == "/access_token" else "IGRefreshAccessTokenForIGOnlyAPI"
            return list(_against_type(Called(method, "", "", params, frozenset()), name, "v25.0"))
        return [f"{method} {path}: no host of the API has such a path"]

    def _batch(self, path: str, params: Mapping[str, str]) -> Iterator[str]:
        """Each call of a batch, as if it had been sent alone."""
        for name in sorted(set(params) - BATCH - {"access_token", "appsecret_proof"}):
            yield f"POST {path}: unknown parameter {name}"
        yield from _unlisted("POST /", params)
        try:
            calls = json.loads(params.get("batch", ""))
        except ValueError:
            calls = None
        if not isinstance(calls, list) or not 1 <= len(calls) <= 50:
            yield f"POST {path}: batch must be a list of 1 to 50 calls"
            return
        for call in calls:
            for name in sorted(set(call) - BATCH_CALL):
                yield f"POST {path}: a call of a batch has no {name}"
            url, form = (
                urlsplit(str(call.get("relative_url", ""))),
                {"content-type": "application/x-www-form-urlencoded"},
            )
            query = dict(parse_qsl(url.query, keep_blank_values=True))
            yield from self(str(call.get("method")), path + url.path, query, form, str(call.get("body", "")).encode())


def _outside(path: str) -> str:
    if path == "/oauth/authorize":
        return "ig oauth/authorize"
    if path == "/oauth/access_token":
        return "ig oauth/access_token"
    for name in ("dialog/oauth", "oauth/access_token"):
        if re.fullmatch(r"(/\w+)?/v\d+\.\d+/" + name, path):
            return name
    return ""


def _unlisted_sign_in(method: str, name: str, params: Mapping[str, str]) -> Iterator[str]:
    if "decision" in params:
        return  # the consent form of a sandbox
    of_instagram = name.startswith("ig ")
    yield from _unlisted(
        f"{'Instagram' if of_instagram else 'Facebook'} Login {method} /{name.removeprefix('ig ')}", params
    )


def _against_list(
    method: str, path: str, params: Mapping[str, str], rule: tuple[set[str], set[str], str]
) -> Iterator[str]:
    allowed, needed, _ = rule
    if method == "POST" and "decision" in params:
        return  # the consent form of a sandbox, which no client of the network sends
    for name in sorted(set(params) - allowed):
        yield f"{method} {path}: unknown parameter {name}"
    for name in sorted(needed - set(params)):
        yield f"{method} {path}: parameter {name} is missing"


def _rupload(method: str, path: str, headers: Mapping[str, str], body: bytes) -> Iterator[str]:
    """Headers of the binary upload, by Meta's Reels Publishing collection."""
    if method != "POST" or not re.fullmatch(r"/video-upload/v\d+\.\d+/\d+", path):
        yield f"{method} {path}: an upload is POST /video-upload/<version>/<video id>"
    if not headers.get("authorization", "").startswith("OAuth "):
        yield f"{path}: the header Authorization must be 'OAuth <token>'"
    if headers.get("file_url"):
        return
    offset, size = headers.get("offset", ""), headers.get("file_size", "")
    if not offset.isdigit() or not size.isdigit():
        yield f"{path}: the headers offset and file_size must be whole numbers, not {offset!r} and {size!r}"
    elif int(offset) + len(body) > int(size):
        yield f"{path}: {len(body)} bytes from {offset} go past the file's {size}"


def _against_types(called: Called, types: tuple[str, ...]) -> Iterator[str]:
    """An id's type is not in a path: one type that agrees is enough; else the nearest one's complaints are given."""
    if called.node == "me":
        types = tuple(t for t in types if t in ("User", "Page", "IGUserForIGOnlyAPI"))
    nearest: list[str] | None = None
    for name in types:
        told: list[str] = []
        for version in ("v25.0", "v26.0"):
            if version == "v25.0" and name in FOUND_ONLY_IN_26:
                continue
            if name in described(version)["objects"]:
                told += [f"{version}: {one}" for one in _against_type(called, name, version)]
        told = told or list(_unlisted(f"{name} {called.name}", called.params, called.files))
        if not told:
            return
        if nearest is None or _distance(told) < _distance(nearest):
            nearest = told
    yield from nearest or [f"{called.name}: nothing of that name is described"]


def _distance(told: list[str]) -> tuple[int, int]:
    """A type that agrees, and was only not looked up, is nearer than any that does not."""
    if all("calls.toml" in one for one in told):
        return 0, len(told)
    return 2 if any(" has no " in one for one in told) else 1, len(told)


def _against_type(called: Called, name: str, version: str) -> Iterator[str]:
    spec = described(version)["objects"][name]
    edge = EDGES.get((name, called.name), (called.name, ""))[0]
    call = spec["calls"].get(edge)
    if call is None:
        yield f"{name} has no {called.name}"
        return
    where = f"{name} {called.name}"
    is_edge_read = called.method == "GET" and bool(called.edge)
    for key, value in called.params.items():
        kind = call["params"].get(key)
        if kind is not None:
            yield from _against_kind(where, key, value, kind, version)
        elif key not in EVERYWHERE and not (is_edge_read and key in PAGING):
            yield f"{where}: unknown parameter {key}"
    for key in called.files:
        if key not in call["params"] and (name, called.name, key) not in PARAMS:
            yield f"{where}: unknown file {key}"
    for key in call.get("required", []):
        if key not in called.params and key not in called.files:
            yield f"{where}: parameter {key} is missing"
    if "fields" in called.params:
        yield from _fields(name, called, call, version)


def _fields(name: str, called: Called, call: Mapping[str, Any], version: str) -> Iterator[str]:
    try:
        wanted = parse_fields(called.params["fields"])
    except ValueError as exc:
        yield f"{name}: {exc}"
        return
    of = name
    if called.edge:
        returns = call.get("returns") or described("v25.0")["objects"].get(name, {}).get("calls", {}).get(
            called.name, {}
        ).get("returns", "")
        of = ANSWERS.get(returns, returns)
        if of == "Comment" and name.startswith("IGMedia"):
            of = "IGComment"
    if called.edge == "content_publishing_limit":
        for field in wanted:
            if ("IGUserForIGOnlyAPI", field) not in FIELDS:
                yield f"{name} content_publishing_limit: unknown field {field}"
        return
    yield from _known(of, wanted, version)


def _known(name: str, wanted: FieldTree, version: str) -> Iterator[str]:
    spec = described(version)["objects"].get(name)
    if spec is None:
        return
    edges = {key.partition(" /")[2] for key in spec["calls"] if key.startswith("GET /")}
    for field, inner in wanted.items():
        if field not in spec["fields"] and field not in edges and (name, field) not in FIELDS:
            yield f"{name}: unknown field {field}"
        elif inner and (of := OBJECT_FIELDS.get((name, field))):
            yield from _known(of, inner, version)


def _against_kind(where: str, key: str, value: str, kind: str, version: str) -> Iterator[str]:
    if not _fits(key, value, kind, version):
        yield f"{where}: {key}={value[:60]!r} is not of type {kind}"


def _fits(key: str, value: str, kind: str, version: str) -> bool:
    if kind.startswith(("list", "map")) or kind == "Object":
        try:
            found = json.loads(value)
        except ValueError:
            return False
        if not kind.startswith("list"):
            return isinstance(found, dict)
        inner = kind.removeprefix("list").strip("<>")
        return isinstance(found, list) and all(_element(one, inner) for one in found)
    match kind:
        case "bool":
            return value in ("true", "false")
        case "int" | "unsigned int":
            return re.fullmatch(r"-?\d+" if kind == "int" else r"\d+", value) is not None
        case "float":
            return re.fullmatch(r"-?\d+(\.\d+)?", value) is not None
        case "datetime":
            return re.fullmatch(r"\d{9,}|\d{4}-\d\d-\d\dT.*", value) is not None
    values = described("v25.0")["enums"].get(kind)
    if values is None:
        return True
    return value in values or (key in ENUMS_OF_ANY_CASE and value.upper() in {v.upper() for v in values})


def _element(found: object, kind: str) -> bool:
    match kind:
        case "string":
            return isinstance(found, str)
        case "Object" | "map":
            return isinstance(found, dict)
        case "int" | "unsigned int":
            return isinstance(found, int) and not isinstance(found, bool)
    return True
