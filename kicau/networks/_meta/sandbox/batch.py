"""Batches and the legacy features of the Graph API in a sandbox.

Batches: https://developers.facebook.com/docs/graph-api/batch-requests, read 2026-12-02. The refusal of a batch that is
too large is quoted from clients that met it. Calls that depend on each other (`depends_on`, JSONPath) are not served.

Legacy features: https://developers.facebook.com/blog/post/2026/11/04/introducing-graph-api-v27-and-marketing-api-v27/.
How Meta words the refusal is not documented; code and words here are the sandbox's own.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from kicau.networks._meta.sandbox.calls import Doc, GraphError

MAX_BATCH_CALLS = 50  # in one batch
LEGACY_REFUSED_TO_APPS_FROM = date(2026, 11, 4)
LEGACY_REMOVED_IN = (28, 0)  # version of the API
BATCH_METHODS = ("GET", "POST", "DELETE", "PUT")


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchCall:
    """One call of a batch, as its client wrote it."""

    method: str
    path: str  # without a version
    version: str  # "" where the call names none
    params: dict[str, str]
    files: tuple[str, ...]  # names of files of the whole request


def read_batch(text: str) -> list[BatchCall]:
    """Raises GraphError where it is no list of calls, or of too many."""
    try:
        listed = json.loads(text)
    except ValueError:
        listed = None
    if not isinstance(listed, list) or not listed or not all(isinstance(one, dict) for one in listed):
        raise GraphError(100, "(#100) param batch must be an array.")
    if len(listed) > MAX_BATCH_CALLS:
        refused = GraphError(
            0,
            f"Too many requests in batch message. Maximum batch size is {MAX_BATCH_CALLS}",
            kind="GraphBatchException",
        )
        del refused.body["error"]["code"]
        raise refused
    return [_read_call(one) for one in listed]


def _read_call(one: Mapping[str, Any]) -> BatchCall:
    if one.get("depends_on") or re.search(r"\{result=", json.dumps(one)):
        raise GraphError(100, "(#100) This sandbox serves no calls that depend on others of their batch.")
    url = urlsplit(str(one.get("relative_url", "")))
    version, _, rest = url.path.strip("/").partition("/")
    if not re.fullmatch(r"v\d+\.\d+", version):
        version, rest = "", url.path.strip("/")
    body = str(one.get("body") or "")
    return BatchCall(
        method=str(one.get("method", "")).upper(),
        path=rest,
        version=version,
        params={**dict(parse_qsl(url.query, keep_blank_values=True)), **dict(parse_qsl(body, keep_blank_values=True))},
        files=tuple(name.strip() for name in str(one.get("attached_files") or "").split(",") if name.strip()),
    )


def batch_answer(status: int, headers: Mapping[str, str], body: Any, *, with_headers: bool) -> Doc:
    """The answer to one call, in a batch's form."""
    answer: Doc = {"code": status}
    if with_headers:
        sent = {"Content-Type": "application/json; charset=utf-8", **headers}
        answer["headers"] = [{"name": name, "value": value} for name, value in sent.items()]
    return {**answer, "body": json.dumps(body)}


def reject_legacy_features(params: Mapping[str, str], version: str, app_created: date) -> None:
    """Raises GraphError for a feature that new apps may not use on any version, and nobody from v28.0 on."""
    major, _, minor = version.removeprefix("v").partition(".")
    is_new = app_created >= LEGACY_REFUSED_TO_APPS_FROM
    if not is_new and (int(major), int(minor)) < LEGACY_REMOVED_IN:
        return
    for feature in _legacy_features(params):
        why = "apps made since November 4, 2026" if is_new else f"version {version}"
        raise GraphError(100, f"(#100) {feature} is not available to {why}.")


def _legacy_features(params: Mapping[str, str]) -> Iterator[str]:
    if "ids" in params:
        yield "A multi-ID request (ids)"
    if "date_format" in params:
        yield "Date formatting (date_format)"
    if "method" in params:
        yield "HTTP method override (method)"
    if "callback" in params:
        yield "A JSONP callback (callback)"
    if ".as(" in params.get("fields", ""):
        yield "A field alias (.as)"
