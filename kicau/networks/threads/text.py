"""How Threads reads a text: its own count, where an emoji weighs its UTF-8 bytes, and what it links.

Source: https://developers.facebook.com/docs/threads/overview and .../posts, as quoted, looked up 2026-11-26.
"""

from __future__ import annotations

import regex

from kicau.connector.content import Span, SpanKind
from kicau.connector.graphemes import GRAPHEME_PATTERN

# What is or can be shown as an emoji (© and ® aside), with the marks that make one of a digit or of two letters.
EMOJI_PATTERN = regex.compile(r"(?![\x00-\xff])\p{Extended_Pictographic}|\ufe0f|\p{Regional_Indicator}|\u20e3")
LINK_PATTERN = regex.compile(r"https?://[^\s<>\"]+", regex.IGNORECASE)
TRAILING_PUNCTUATION = ".,;:!?'\")]}…"  # what ends a sentence, not an address
MENTION_PATTERN = regex.compile(r"(?<![\w.@/])@([A-Za-z0-9_](?:[A-Za-z0-9_.]{0,28}[A-Za-z0-9_])?)(?![\w@])")
TAG_PATTERN = regex.compile(r"(?<![\w&#/])#([\p{L}\p{M}\p{N}_]{1,50})(?![\p{L}\p{M}\p{N}_])")


def count_characters(text: str) -> int:
    """Characters as Threads counts them."""
    if text.isascii():
        return len(text)
    return sum(
        len(one.encode("utf-8", "replace")) if EMOJI_PATTERN.search(one) else len(one)
        for one in GRAPHEME_PATTERN.findall(text)
    )


def find_urls(text: str) -> tuple[str, ...]:
    """The addresses in the text, in order, each once."""
    return tuple(dict.fromkeys(span.target for span in _find_link_spans(text)))


def find_spans(text: str, *, tags: bool = True) -> tuple[Span, ...]:
    """Links, mentions and, where it becomes the post's topic, the first tag; in order, not overlapping."""
    found = _find_link_spans(text)
    taken = [(one.start, one.end) for one in found]
    others = [Span(SpanKind.MENTION, m.start(), m.end(), m[0], m[1]) for m in MENTION_PATTERN.finditer(text)]
    if tags:
        others += [Span(SpanKind.TAG, m.start(), m.end(), m[0], m[1]) for m in TAG_PATTERN.finditer(text)]
    free = [one for one in others if not any(start <= one.start < end for start, end in taken)]
    first = next((one for one in sorted(free, key=_span_start) if one.kind is SpanKind.TAG), None)
    kept = [one for one in free if one.kind is not SpanKind.TAG or one is first]
    return tuple(sorted([*found, *kept], key=_span_start))


def _span_start(span: Span) -> int:
    return span.start


def _find_link_spans(text: str) -> list[Span]:
    found = []
    for match in LINK_PATTERN.finditer(text):
        address = match[0].rstrip(TRAILING_PUNCTUATION)
        if address.count("(") > address.count(")") and match[0][len(address) :].startswith(")"):
            address += ")"
        found.append(Span(SpanKind.LINK, match.start(), match.start() + len(address), address, address))
    return found
