"""Reads what a form held, from its bytes: for the sandboxes, and for checking our own requests."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl


@dataclass(frozen=True, slots=True)
class UploadedPart:
    filename: str
    mime: str
    body: bytes


def read_form(content_type: str, body: bytes) -> tuple[dict[str, str], dict[str, UploadedPart]]:
    """Fields and files of a urlencoded, multipart or JSON body; nothing for another kind."""
    kind = content_type.partition(";")[0].strip().lower()
    if kind == "application/x-www-form-urlencoded":
        return dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True)), {}
    if kind == "application/json":
        return _read_json_fields(body), {}
    if kind == "multipart/form-data" and (found := re.search(r'boundary="?([^";]+)"?', content_type)):
        return _read_multipart(found[1].encode(), body)
    return {}, {}


def _read_json_fields(body: bytes) -> dict[str, str]:
    try:
        found = json.loads(body)
    except ValueError:
        return {}
    if not isinstance(found, Mapping):
        return {}
    return {str(key): value if isinstance(value, str) else json.dumps(value) for key, value in found.items()}


def _read_multipart(boundary: bytes, body: bytes) -> tuple[dict[str, str], dict[str, UploadedPart]]:
    fields: dict[str, str] = {}
    files: dict[str, UploadedPart] = {}
    for piece in (b"\r\n" + body).split(b"\r\n--" + boundary)[1:]:
        head, gap, content = piece.removeprefix(b"\r\n").partition(b"\r\n\r\n")
        if not gap:
            continue
        headers = head.decode("utf-8", "replace")
        name = re.search(r'[; ]name="([^"]*)"', headers)
        filename = re.search(r'filename="([^"]*)"', headers)
        mime = re.search(r"(?im)^content-type:\s*([^\r\n;]+)", headers)
        if name is None:
            continue
        if filename is None:
            fields[name[1]] = content.decode("utf-8", "replace")
        else:
            files[name[1]] = UploadedPart(filename[1], mime[1].strip() if mime else "application/octet-stream", content)
    return fields, files
