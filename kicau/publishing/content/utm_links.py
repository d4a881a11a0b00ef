"""Links that tell a site's own statistics which network and campaign brought a reader (UTM parameters)."""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import urlencode, urlsplit, urlunsplit

ADDRESS = re.compile(r"https?://[^\s<>\"]+", re.IGNORECASE)
AFTER = ".,;:!?'\u2019\u201d\u00bb*_"  # belongs to the sentence and not to the address


def marker(network: str, campaign: str) -> Callable[[str], str]:
    """A function that marks every link of a text. One that is marked already stays as it is; a second time changes nothing."""
    query = urlencode({"utm_source": network, "utm_medium": "social", "utm_campaign": short_name(campaign)})

    def mark(text: str) -> str:
        return ADDRESS.sub(lambda found: _marked(found[0], query), text)

    return mark


def short_name(campaign: str) -> str:
    """As statistics show it: "Lembang opens!" is "lembang-opens"."""
    return re.sub(r"[^\w]+", "-", campaign.casefold()).strip("-")


def _marked(address: str, query: str) -> str:
    end = len(address)
    while end and (
        address[end - 1] in AFTER
        or (address[end - 1] == ")" and address.count("(", 0, end) < address.count(")", 0, end))
    ):
        end -= 1
    link, rest = address[:end], address[end:]
    try:
        parts = urlsplit(link)
    except ValueError:  # a bracket that is no IPv6 address
        return address
    if not parts.netloc or "utm_" in parts.query:
        return address
    return urlunsplit(parts._replace(path=parts.path or "/", query="&".join(filter(None, (parts.query, query))))) + rest
