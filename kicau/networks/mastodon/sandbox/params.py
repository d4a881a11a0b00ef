"""Parameters as Rails reads them: JSON, or a form whose names may nest ("poll[options][]")."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any
from urllib.parse import parse_qsl

from aiohttp import web

from kicau.networks.mastodon.sandbox.errors import MastodonApiError

FALSE_VALUES = frozenset({"", "0", "f", "F", "false", "FALSE", "off", "OFF", "no"})


async def read_params(request: web.Request) -> dict[str, Any]:
    """The body's fields; a file is its bytes."""
    if request.content_type == "application/json":
        try:
            found = json.loads(await request.read() or b"{}")
        except ValueError:
            raise MastodonApiError(400, "There was a problem parsing the request body") from None
        return found if isinstance(found, dict) else {}
    fields: dict[str, Any] = {}
    body = await request.read()
    if request.content_type == "multipart/form-data":
        given: Sequence[tuple[str, str | bytes]] = _read_multipart(body, request.headers["Content-Type"])
    else:
        given = parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True)
    for name, value in given:
        _put_nested(fields, name, value)
    return fields


def _read_multipart(body: bytes, content_type: str) -> list[tuple[str, str | bytes]]:
    """The parts of a form by name; a file is its bytes. The body may have been read already."""
    boundary = re.search(r'boundary="?([^";]+)', content_type)
    if boundary is None:
        raise MastodonApiError(400, "There was a problem parsing the request body")
    found: list[tuple[str, str | bytes]] = []
    for piece in body.split(b"--" + boundary[1].encode())[1:-1]:
        head, _, content = piece.removeprefix(b"\r\n").partition(b"\r\n\r\n")
        content = content.removesuffix(b"\r\n")
        said = head.decode("utf-8", "replace")
        if name := re.search(r'\bname="([^"]*)"', said):
            found.append((name[1], content if "filename" in said else content.decode("utf-8", "replace")))
    return found


def _put_nested(fields: dict[str, Any], name: str, value: Any) -> None:
    path = re.findall(r"[^\[\]]+|\[\]", name)
    where: Any = fields
    for here, following in zip(path, [*path[1:], None], strict=True):
        if following is None:
            where[here] = value
        elif following == "[]":
            where.setdefault(here, []).append(value)
            return
        else:
            where = where.setdefault(here, {})


def to_bool(value: Any) -> bool:
    return value not in FALSE_VALUES if isinstance(value, str) else bool(value)


def to_int(value: Any) -> int | None:
    try:
        return int(value)
    except (TypeError, ValueError):
        return None
