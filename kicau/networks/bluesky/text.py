"""How Bluesky counts a text, and what its apps make links, mentions and tags of.

The network itself marks nothing: whoever writes a post says where its links are. These are the rules of Bluesky's own
apps (https://docs.bsky.app/docs/advanced-guides/post-richtext, 2026-11-24; `@atproto/api` 0.21), read token by token, so
that the time grows with the text alone. Where ours are wanted to be others, tests/oracle says why.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from importlib.resources import files

import regex

from kicau.connector.content import Span, SpanKind
from kicau.connector.graphemes import GRAPHEME_PATTERN
from kicau.networks.bluesky.limits import fact_number

_SPACES = r"\t-\r \xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ufeff"  # what JavaScript takes for them
_TOKEN_PATTERN = re.compile(rf"[^{_SPACES}]+")
_PROTOCOL_PATTERN = re.compile(rf"https?://[^{_SPACES}/?#]", re.IGNORECASE | re.ASCII)
_DOMAIN_PATTERN = re.compile(
    r"[a-z0-9](?:[a-z0-9-]*+(?<!-))(?:\.[a-z0-9](?:[a-z0-9-]*+(?<!-)))+", re.IGNORECASE | re.ASCII
)
_DOMAIN_CHARACTERS_PATTERN = re.compile("[a-zA-Z0-9.-]+")
_URL_REST_PATTERN = re.compile(rf"(?::[0-9]+)?(?:[/?#][^{_SPACES}]*)?")
_CASHTAG_PATTERN = re.compile(rf"\$([A-Za-z][A-Za-z0-9]{{0,4}})(?=[{_SPACES}]|\Z|[.,;:!?)\"'\u2019])")
_PUNCTUATION_PATTERN = regex.compile(r"\p{P}")
_TAG_LETTER_PATTERN = regex.compile(r"[^0-9\p{P}]")
_CLOSING_PUNCTUATION = ".,;:!?'\"’”»…"
_INVISIBLE_CHARACTERS = frozenset("\u00ad\u2060\u200a\u200b\u200c\u200d\u20e2")  # end a tag
_UNSENDABLE_PATTERN = re.compile("[\x00\ud800-\udfff]")


def count_graphemes(text: str) -> int:
    """What a person takes for characters: 300 of them make a post."""
    return len(text) if text.isascii() and "\r" not in text else sum(1 for _ in GRAPHEME_PATTERN.finditer(text))


def utf8_size(text: str) -> int:
    """Bytes in UTF-8; never raises."""
    return len(text.encode("utf-8", "surrogatepass"))


def has_unsendable(text: str) -> bool:
    """Half an emoji, or U+0000: neither travels."""
    return _UNSENDABLE_PATTERN.search(text) is not None


def byte_offsets(text: str, places: list[int]) -> list[int]:
    """Offsets in UTF-8 bytes for offsets in code points, which come in ascending order."""
    found, done, at = [], 0, 0
    for place in places:
        at += utf8_size(text[done:place])
        done = place
        found.append(at)
    return found


@cache
def top_level_domains() -> frozenset[str]:
    lines = files(__package__ or "kicau.networks.bluesky").joinpath("tlds.txt").read_text("utf-8").splitlines()
    return frozenset(word for line in lines if not line.startswith("#") for word in line.split())


def is_handle(name: str) -> bool:
    """Whether a name can be somebody's handle: a domain below a known top, or one of a test server."""
    top = name.rsplit(".", 1)[-1].lower()
    fits = (
        _DOMAIN_PATTERN.fullmatch(name) is not None
        and len(name) <= 253
        and all(len(part) <= 63 for part in name.split("."))
    )
    return fits and (top == "test" or top in top_level_domains())


def find_spans(text: str) -> tuple[Span, ...]:
    """Links, mentions and tags in order, not overlapping."""
    found: list[Span] = []
    for token in _TOKEN_PATTERN.finditer(text):
        done = token.start()
        for place in _candidate_starts(token):
            if place < done:
                continue
            if span := _span_at(text, place, token.end(), at_start=place == token.start()):
                found.append(span)
                done = span.end
    return tuple(found)


def overlong_tags(text: str) -> Iterator[str]:
    """Words that look like tags and stay plain text, because the network takes no tag of that length."""
    for token in _TOKEN_PATTERN.finditer(text):
        body = _tag_body(token.group())
        if body and count_graphemes(body) > fact_number("max-tag-length"):
            yield token.group()


def _candidate_starts(token: re.Match[str]) -> Iterator[int]:
    """Where something may begin: a token's first character, and behind a bracket."""
    yield token.start()
    at = token.string.find("(", token.start(), token.end())
    while at >= 0:
        yield at + 1
        at = token.string.find("(", at + 1, token.end())


def _span_at(text: str, start: int, end: int, *, at_start: bool) -> Span | None:
    if start >= end:
        return None
    match text[start]:
        case "@":
            return _mention_span(text, start, end)
        case "#" | "＃":
            return _tag_span(text, start, end) if at_start else None
        case "$":
            return _cashtag_span(text, start)
        case "h" | "H" if _PROTOCOL_PATTERN.match(text, start, end):
            stop = _trim_punctuation(text, start, end)
            return Span(SpanKind.LINK, start, stop, text[start:stop], text[start:stop])
    return _bare_domain_span(text, start, end)


def _bare_domain_span(text: str, start: int, end: int) -> Span | None:
    """A domain without a protocol, below a known top."""
    name = _DOMAIN_PATTERN.match(text, start, end)
    if name is None or name.group().rsplit(".", 1)[-1].lower() not in top_level_domains():
        return None
    rest = _URL_REST_PATTERN.match(text, name.end(), end)
    stop = rest.end() if rest else name.end()
    if stop == name.end() < end and text[stop] in "@_-":
        return None  # an e-mail address, a file, half a name
    stop = _trim_punctuation(text, start, stop)
    return Span(SpanKind.LINK, start, stop, text[start:stop], f"https://{text[start:stop]}")


def _trim_punctuation(text: str, start: int, end: int) -> int:
    """Punctuation at the end belongs to the sentence, and a bracket that was not opened in the link closes one before."""
    opened, closed = text.count("(", start, end), text.count(")", start, end)
    while end > start + 1:
        if text[end - 1] in _CLOSING_PUNCTUATION:
            end -= 1
        elif text[end - 1] == ")" and closed > opened:
            end, closed = end - 1, closed - 1
        else:
            break
    return end


def _mention_span(text: str, start: int, end: int) -> Span | None:
    """A handle ends where a word of ASCII does: any other letter may follow, as in Japanese, Thai or Chinese."""
    part = _DOMAIN_CHARACTERS_PATTERN.match(text, start + 1, end)
    if part is None or text[part.end() : part.end() + 1] == "_":
        return None
    name = part[0].rstrip(".-")
    stop = start + 1 + len(name)
    if not is_handle(name) or text[stop : stop + 1] == "@":  # name@host is somebody on another network
        return None
    return Span(SpanKind.MENTION, start, stop, text[start:stop], name.lower())


def _cashtag_span(text: str, start: int) -> Span | None:
    """A share's sign is a tag with its $, in capitals."""
    found = _CASHTAG_PATTERN.match(text, start)
    return Span(SpanKind.TAG, start, found.end(), found[0], found[0].upper()) if found else None


def _tag_span(text: str, start: int, end: int) -> Span | None:
    body = _tag_body(text[start:end])
    if not body or count_graphemes(body) > fact_number("max-tag-length"):
        return None
    stop = start + 1 + len(body)
    return Span(SpanKind.TAG, start, stop, text[start:stop], body)


def _tag_body(token: str) -> str:
    """The tag that a token names, without its mark; "" where it is none: a number alone, or punctuation."""
    if token[0] not in "#＃" or token[1:2] == "\ufe0f":
        return ""
    end = next((n for n, char in enumerate(token) if char in _INVISIBLE_CHARACTERS), len(token))
    while end > 1 and _PUNCTUATION_PATTERN.match(token, end - 1):
        end -= 1
    body = token[1:end]
    return body if _TAG_LETTER_PATTERN.search(body) else ""
