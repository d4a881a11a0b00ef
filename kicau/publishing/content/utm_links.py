"""Links that tell a site's own statistics which network and campaign brought a reader (UTM parameters)."""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import urlencode, urlsplit, urlunsplit

URL_PATTERN = re.compile(r"https?://[^\s<>\"]+", re.IGNORECASE)
TRAILING_PUNCTUATION = ".,;:!?'\u2019\u201d\u00bb*_"  # belongs to the sentence and not to the address


def link_marker(network: str, campaign: str) -> Callable[[str], str]:
    """A function that marks every link of a text. One that is marked already stays as it is; a second time changes nothing."""
    query = urlencode({"utm_source": network, "utm_medium": "social", "utm_campaign": campaign_slug(campaign)})

    def mark(text: str) -> str:
        return URL_PATTERN.sub(lambda found: _add_utm(found[0], query), text)

    return mark


def campaign_slug(campaign: str) -> str:
    """As statistics show it: "Lembang opens!" is "lembang-opens"."""
    return re.sub(r"[^\w]+", "-", campaign.casefold()).strip("-")


def _add_utm(address: str, query: str) -> str:
    end = len(address)
    while end and (
        address[end - 1] in TRAILING_PUNCTUATION
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
