"""One call to a sandbox of Meta's, as it is read, and what it answers: refusals in Graph's form, fields, times."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from aiohttp import web
from yarl import URL

from kicau.connector.sandbox.server import Sandbox
from kicau.networks._meta.fields import FieldTree
from kicau.networks._meta.forms import UploadedPart

type Doc = dict[str, Any]

HOUR_SECONDS, DAY_SECONDS = 3600, 86400
LONG_TOKEN_SECONDS = 60 * DAY_SECONDS  # seconds
PARAMS_KEY: web.RequestKey[dict[str, str]] = web.RequestKey("params", dict[str, str])
FILES_KEY: web.RequestKey[dict[str, UploadedPart]] = web.RequestKey("files", dict[str, UploadedPart])
REVOKE_KEY: web.RequestKey[bool] = web.RequestKey("revoke", bool)


class GraphError(Exception):
    """A refusal in Graph's own form."""

    def __init__(
        self,
        code: int,
        message: str,
        *,
        sub: int = 0,
        status: int = 400,
        kind: str = "OAuthException",
        title: str = "",
        user: str = "",
        transient: bool = False,
        data: Doc | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        error: Doc = {"message": message, "type": kind, "code": code}
        if sub:
            error["error_subcode"] = sub
        if sub or transient:
            error["is_transient"] = transient
        if title or user:
            error |= {"error_user_title": title, "error_user_msg": user}
        if data is not None:
            error["error_data"] = data
        error["fbtrace_id"] = "A" + secrets.token_urlsafe(16).replace("-", "x").replace("_", "y")[:22]
        self.body: Doc = {"error": error}
        self.status = status
        self.headers = dict(headers or {})


@dataclass(slots=True, kw_only=True)
class GraphRequest:
    """One call, read: who asks (`token`), and for what."""

    request: web.Request
    method: str
    version: str
    node: str
    edge: str
    params: dict[str, str]
    files: dict[str, UploadedPart]
    token: Doc
    url: URL

    def flag(self, name: str, default: bool = False) -> bool:
        return self.params.get(name, "true" if default else "false").lower() in ("true", "1")

    def listed(self, name: str) -> list[Any]:
        """A list parameter, as JSON or with commas."""
        value = self.params.get(name, "")
        try:
            found = json.loads(value) if value else []
        except ValueError:
            return [part.strip() for part in value.split(",")]
        return found if isinstance(found, list) else [found]

    def integer(self, name: str) -> int:
        try:
            return int(self.params.get(name, ""))
        except ValueError:
            raise GraphError(100, f"(#100) Param {name} must be an integer") from None


def pick_fields(view: Mapping[str, Callable[[], Any]], wanted: FieldTree, kind: str) -> Doc:
    found: Doc = {}
    for name, inner in wanted.items():
        if name not in view:
            raise GraphError(100, f"(#100) Tried accessing nonexisting field ({name}) on node type ({kind})")
        value = view[name]()
        if value is not None:
            found[name] = narrow_value(value, inner) if inner else value
    return found


def narrow_value(value: Any, wanted: FieldTree) -> Any:
    """A nested value, cut to the fields that were asked for."""
    if isinstance(value, list):
        return [narrow_value(one, wanted) for one in value]
    if not isinstance(value, dict):
        return value
    if isinstance(value.get("data"), list):
        return {**value, "data": narrow_value(value["data"], wanted)}
    return {
        k: narrow_value(v, wanted.get(k, {})) if wanted.get(k) else v
        for k, v in value.items()
        if k in wanted or k == "id"
    }


def unfetchable_error(url: str) -> GraphError:
    return GraphError(
        9004,
        "Only photo or video can be accepted as media type.",
        sub=2207052,
        title="Media download has failed. The media URI doesn't meet our requirements.",
        user=f"The media could not be fetched from this URI: {url}. Please check the limitations of the API and try again.",
    )


def missing_object_error(node: str, method: str) -> GraphError:
    verb = {"GET": "get", "POST": "post", "DELETE": "delete"}.get(method, method.lower())
    said = f"Unsupported {verb} request. Object with ID '{node}' does not exist, cannot be loaded due to missing permissions, or does not support this operation."
    return GraphError(100, said, sub=33, kind="GraphMethodException")


def unsupported_request_error(method: str, edge: str) -> GraphError:
    return GraphError(
        100, f"Unsupported {method.lower()} request. There is no edge {edge!r} here.", kind="GraphMethodException"
    )


def sandbox_time(sandbox: Sandbox) -> float:
    """The sandbox's clock in epoch seconds."""
    return time.time() + sandbox.clock_offset


def graph_time(epoch: float) -> str:
    """A time as Graph writes it."""
    return datetime.fromtimestamp(epoch, UTC).strftime("%Y-%m-%dT%H:%M:%S+0000")


def iso_time(epoch: float) -> str:
    return datetime.fromtimestamp(epoch, UTC).isoformat()
