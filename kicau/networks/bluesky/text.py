"""How Bluesky counts a text, and what its apps make links, mentions and tags of.

The network itself marks nothing: whoever writes a post says where its links are. These are the rules of Bluesky's own
apps (https://docs.bsky.app/docs/advanced-guides/post-richtext, 2026-11-24), read token by token, so that the time
grows with the text alone.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import cache
from importlib.resources import files

import regex

from kicau.connector.content import Span, SpanKind
from kicau.networks.bluesky.limits import number

_CLUSTER = regex.compile(r"\X")
_TOKEN = re.compile(r"\S+")
_PROTOCOL = re.compile(r"https?://[^\s/?#]", re.IGNORECASE)
_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]*+(?<!-))(?:\.[a-z0-9](?:[a-z0-9-]*+(?<!-)))+", re.IGNORECASE)
_AFTER_NAME = re.compile(r"(?::\d+)?(?:[/?#]\S*)?")
_CLOSING = ".,;:!?'\"’”»…"
_INVISIBLE = frozenset("\u00ad\u2060\u200a\u200b\u200c\u200d\u20e2")  # end a tag
_UNSENDABLE = re.compile("[\x00\ud800-\udfff]")


def graphemes(text: str) -> int:
    """What a person takes for characters: 300 of them make a post."""
    return len(text) if text.isascii() and "\r" not in text else sum(1 for _ in _CLUSTER.finditer(text))


def size(text: str) -> int:
    """Bytes in UTF-8; never raises."""
    return len(text.encode("utf-8", "surrogatepass"))


def unsendable(text: str) -> bool:
    """Half an emoji, or U+0000: neither travels."""
    return _UNSENDABLE.search(text) is not None


def byte_offsets(text: str, places: list[int]) -> list[int]:
    """Offsets in UTF-8 bytes for offsets in code points, which come in ascending order."""
    found, done, at = [], 0, 0
    for place in places:
        at += size(text[done:place])
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
    fits = _NAME.fullmatch(name) is not None and len(name) <= 253 and all(len(part) <= 63 for part in name.split("."))
    return fits and (top == "test" or top in top_level_domains())


def spans_of(text: str) -> tuple[Span, ...]:
    """Links, mentions and tags in order, not overlapping."""
    found: list[Span] = []
    for token in _TOKEN.finditer(text):
        done = token.start()
        for place in _places(token):
            if place < done:
                continue
            if span := _span_at(text, place, token.end(), at_start=place == token.start()):
                found.append(span)
                done = span.end
    return tuple(found)


def tags_too_long(text: str) -> Iterator[str]:
    """Words that look like tags and stay plain text, because the network takes no tag of that length."""
    for token in _TOKEN.finditer(text):
        body = _tag_body(token.group())
        if body and graphemes(body) > number("max-tag-length"):
            yield token.group()


def _places(token: re.Match[str]) -> Iterator[int]:
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
            return _mention(text, start, end)
        case "#" | "＃":
            return _tag(text, start, end) if at_start else None
        case "h" | "H" if _PROTOCOL.match(text, start, end):
            stop = _trimmed(text, start, end)
            return Span(SpanKind.LINK, start, stop, text[start:stop], text[start:stop])
    return _bare(text, start, end)


def _bare(text: str, start: int, end: int) -> Span | None:
    """A domain without a protocol, below a known top."""
    name = _NAME.match(text, start, end)
    if name is None or name.group().rsplit(".", 1)[-1].lower() not in top_level_domains():
        return None
    rest = _AFTER_NAME.match(text, name.end(), end)
    stop = rest.end() if rest else name.end()
    if stop < end and (text[stop].isalnum() or text[stop] in "@_-"):
        return None
    stop = _trimmed(text, start, stop)
    return Span(SpanKind.LINK, start, stop, text[start:stop], f"https://{text[start:stop]}")


def _trimmed(text: str, start: int, end: int) -> int:
    """Punctuation at the end belongs to the sentence, and a bracket that was not opened in the link closes one before."""
    opened, closed = text.count("(", start, end), text.count(")", start, end)
    while end > start + 1:
        if text[end - 1] in _CLOSING:
            end -= 1
        elif text[end - 1] == ")" and closed > opened:
            end, closed = end - 1, closed - 1
        else:
            break
    return end


def _mention(text: str, start: int, end: int) -> Span | None:
    name = _NAME.match(text, start + 1, end)
    if name is None or not is_handle(name.group()):
        return None
    stop = name.end()
    if stop < end and (text[stop].isalnum() or text[stop] in "@_"):
        return None
    return Span(SpanKind.MENTION, start, stop, text[start:stop], name.group().lower())


def _tag(text: str, start: int, end: int) -> Span | None:
    body = _tag_body(text[start:end])
    if not body or graphemes(body) > number("max-tag-length"):
        return None
    stop = start + 1 + len(body)
    return Span(SpanKind.TAG, start, stop, text[start:stop], body)


def _tag_body(token: str) -> str:
    """The tag that a token names, without its mark; "" where it is none: a number alone, or punctuation."""
    if token[0] not in "#＃" or token[1:2] == "\ufe0f":
        return ""
    end = next((n for n, char in enumerate(token) if char in _INVISIBLE), len(token))
    while end > 1 and unicodedata.category(token[end - 1]).startswith("P"):
        end -= 1
    body = token[1:end]
    named = any(not char.isdecimal() and not unicodedata.category(char).startswith("P") for char in body)
    return body if named else ""
