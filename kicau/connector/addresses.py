"""Addresses of pages that networks and archives give: only those are kept that a browser opens as a page."""

from __future__ import annotations

import re

from kicau.connector.transport.http import without_unstorable

_WEB_URL_PATTERN = re.compile(r"https?://[^\s/\\]", re.IGNORECASE)
_STRIPPED_CHARACTERS = "\t\r\n"  # browsers take these out of an address, wherever they are in it


def web_address(given: object, most: int = 1000) -> str:
    """The address where it begins with http:// or https://, else ""; also where it is longer than `most` characters,
    since half an address leads elsewhere."""
    text = without_unstorable(str(given or "")).strip()
    if len(text) > most or any(one in text for one in _STRIPPED_CHARACTERS):
        return ""
    return text if _WEB_URL_PATTERN.match(text) else ""
