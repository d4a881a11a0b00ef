"""How the sandbox counts a text: the rules of twitter-text 3.1.0 in plain expressions.

It shares no line with the connector's rules in `text`, so that a mistake in one of them shows. It reads UTF-16 as X does
and takes time in the square of a hostile text, which the connector may not. The emoji are a table, `emoji.txt`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import cache
from importlib.resources import files

MAX_URL_UNITS, MAX_LABEL_LENGTH, MAX_TCO_SLUG_LENGTH = 4096, 63, 40
LINK_WEIGHT, EMOJI_WEIGHT, HEAVY_WEIGHT = 23, 2, 2
LIGHT_RANGES = ((0, 4351), (8192, 8205), (8208, 8223), (8242, 8247))  # configuration 3

_PUNCTUATION = r"!'#%&()*+,\\\-./:;<=>?@\[\]^_{|}~$"
_SPACES = r"\x09-\x0d\x20\x85\xa0\u1680\u180e\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
_INVALID = r"\ufffe\ufeff\uffff"
_DIRECTIONS = r"\u202a-\u202e\u061c\u200e\u200f\u2066-\u2069"
_ACCENTS = (
    r"\xc0-\xd6\xd8-\xf6\xf8-\xff\u0100-\u024f\u0253\u0254\u0256\u0257\u0259\u025b\u0263\u0268\u026f\u0272\u0289\u028b"
    r"\u02bb\u0300-\u036f\u1e00-\u1eff"
)
_CYRILLIC = r"\u0400-\u04ff"


@cache
def _url_patterns() -> tuple[re.Pattern[str], re.Pattern[str], re.Pattern[str]]:
    """A link, an ASCII domain, and a shortened address."""
    names = [line for line in _read_data_lines("tlds.txt", "kicau.networks.x") if not line.startswith("#")]
    ascii_names = "|".join(name for name in names if name.isascii())
    other_names = "|".join(name for name in names if not name.isascii())
    top = rf"(?:(?:(?ai:{ascii_names})|(?i:{other_names}))(?![0-9a-zA-Z@+-])|(?ai:xn--[-0-9a-z]+))"
    char = rf"[^{_PUNCTUATION}{_SPACES}{_INVALID}{_DIRECTIONS}]"
    subdomain = rf"(?:(?:{char}(?:[_-]|{char})*)?{char}\.)"
    name = rf"(?:(?:{char}(?:-|{char})*)?{char}\.)"
    general = rf"(?:[a-zA-Z0-9!*';:=+,.$/%#\[\]\-\u2013_~@|&]|(?i:[{_CYRILLIC}{_ACCENTS}]))"
    parens = rf"\((?:{general}+|{general}*\({general}+\){general}*)\)"
    last = rf"(?:[+\-a-zA-Z0-9=_#/]|(?i:[{_CYRILLIC}{_ACCENTS}])|{parens})"
    path = rf"(?:{general}*(?:{parens}{general}*)*{last}|@{general}+/)"
    query = r"\?[a-zA-Z0-9!?*'@();:&=+$/%#\[\]\-_.,~|]*[a-zA-Z0-9\-_&=#/]"
    before = rf"(?:[^A-Za-z0-9@＠$#＃{_INVALID}]|[{_DIRECTIONS}]|^)"
    link = rf"({before})(((?ai:https?://)|)({subdomain}*{name}{top})(?::[0-9]+)?(/{path}*)?(?:{query})?)"
    accents = rf"(?i:[{_ACCENTS}])"
    ascii_domain = rf"(?:(?:[-a-zA-Z0-9]|{accents})+\.)+{top}"
    shortened = rf"(?ai:https?://t\.co/)([a-zA-Z0-9]+)(?:{query})?"
    return re.compile(link), re.compile(ascii_domain), re.compile(shortened)


@cache
def _emoji_by_prefix() -> dict[str, tuple[str, ...]]:
    """By their first two units, the longest first."""
    found: dict[str, list[str]] = {}
    for line in _read_data_lines("emoji.txt", __package__ or ""):
        if line.startswith("#"):
            continue
        for tone in range(0x1F3FB, 0x1F400) if "T" in line else (0,):
            whole = _utf16_units("".join(chr(tone if part == "T" else int(part, 16)) for part in line.split()))
            found.setdefault(whole[:2], []).append(whole)
    return {first: tuple(sorted(every, key=len, reverse=True)) for first, every in found.items()}


def _read_data_lines(name: str, package: str) -> list[str]:
    return [line for line in files(package).joinpath(name).read_text("utf-8").splitlines() if line]


def text_weight(text: str) -> int:
    """The text's length as X counts it."""
    text = _utf16_units(unicodedata.normalize("NFC", text))
    links = dict(_find_links(text))
    total = at = 0
    while at < len(text):
        if at in links:
            total, at = total + LINK_WEIGHT, at + links[at]
        elif emoji := next(
            (one for one in _emoji_by_prefix().get(text[at : at + 2], ()) if text.startswith(one, at)), ""
        ):
            total, at = total + EMOJI_WEIGHT, at + len(emoji)
        else:
            at += "\ud800" <= text[at] <= "\udbff" and "\udc00" <= text[at + 1 : at + 2] <= "\udfff"
            light = any(first <= ord(text[at]) <= last for first, last in LIGHT_RANGES)
            total, at = total + (1 if light else HEAVY_WEIGHT), at + 1
    return total


def _utf16_units(text: str) -> str:
    """The text as UTF-16: each half of a character beyond U+FFFF on its own."""
    raw = text.encode("utf-16-le", "surrogatepass")
    return "".join(chr(raw[n] | raw[n + 1] << 8) for n in range(0, len(raw), 2))


def _find_links(text: str) -> Iterator[tuple[int, int]]:
    """Start and length of each link in a text of units."""
    if "." not in text:
        return
    link, ascii_domain, shortened = _url_patterns()
    for found in link.finditer(text):
        before, url, protocol, domain, path = found.groups()
        start = found.start(2)
        if not _is_valid_link(url, protocol or "https://", domain, ascii_domain):
            continue
        if protocol:
            if tco := shortened.match(url):
                if len(tco[1]) > MAX_TCO_SLUG_LENGTH:
                    continue
                url = tco[0]
            yield start, len(url)
        elif not before.endswith(("-", "_", ".", "/")):
            hosts, done = [], 0
            for host in ascii_domain.findall(domain):
                hosts.append((domain.index(host, done), host))
                done = hosts[-1][0] + len(host)
            for number, (at, host) in enumerate(hosts, 1):
                whole = url.replace(domain, host, 1) if path and number == len(hosts) else host
                yield start + at, len(whole)


def _is_valid_link(url: str, protocol: str, domain: str, ascii_domain: re.Pattern[str]) -> bool:
    if domain.startswith("xn--") and not ascii_domain.search(domain):
        return False
    labels = [_encode_punycode(label) for label in domain.split(".")]
    return all(1 <= len(one) <= MAX_LABEL_LENGTH for one in labels) and len(protocol) + len(url) <= MAX_URL_UNITS


def _encode_punycode(label: str) -> str:
    """As the library's `punycode` writes it, which takes ideographic full stops for dots."""
    whole = label.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")
    parts = re.split("[\u3002\uff0e\uff61]", whole)
    return ".".join(one if one.isascii() else "xn--" + one.encode("punycode").decode() for one in parts)
