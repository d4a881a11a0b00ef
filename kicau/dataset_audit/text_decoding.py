"""Bytes of others' data as a person reads them."""

from __future__ import annotations

import html
import json
import re
import unicodedata


def unescape_bytes(raw: bytes, format: str) -> str:
    """Bytes of a shard as a person reads them: escapes of JSON and HTML undone."""
    text = raw.decode("utf-8", "replace")
    if format == "json":
        text = re.sub(r'\\(u[0-9a-fA-F]{4}(?:\\u[dD][c-fC-F][0-9a-fA-F]{2})?|["\\/bfnrt])', _unescape_match, text)
    if format in ("html", "warc"):
        text = html.unescape(re.sub(r"<[^<>]{0,2000}>", " ", text))
    return text


def normalize_letters(text: str) -> str:
    """The text by its letters: white space is one space, what was escaped for HTML or taken apart (NFD) is as before."""
    return unicodedata.normalize("NFC", html.unescape(" ".join(text.split())))


def _unescape_match(match: re.Match[str]) -> str:
    try:
        said = json.loads(f'"{match.group()}"')
    except ValueError:
        return match.group()
    return str(said).encode("utf-16", "surrogatepass").decode("utf-16", "replace")
