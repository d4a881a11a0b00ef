"""How Mastodon reads a text: its links, mentions and hashtags, and its length.

The rules are those of its server (app/lib/extractor.rb, app/validators/status_length_validator.rb,
config/initializers/twitter_regex.rb, app/models/{account,tag}.rb; 4.3 to 4.6, read 2026-11-24). `links` finds the links.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

import regex

from kicau.connector.content import Span, SpanKind
from kicau.connector.graphemes import GRAPHEME_PATTERN
from kicau.networks.mastodon.links import find_links

URL_LENGTH = 23  # StatusLengthValidator::URL_PLACEHOLDER_CHARS, unless a server says otherwise
MAX_MENTION_DOMAIN_LENGTH = 253

_WORD = r"\p{Alphabetic}\p{M}\p{Nd}\p{Pc}"  # what Ruby's [[:word:]] holds
_NAME = "a-zA-Z0-9_\u017f\u212a"  # the last two are s and k to an expression that ignores case
_SEPARATORS = "_\u00b7\u30fb\u200c"
_MENTION_PATTERN = regex.compile(
    rf"(?<![=/{_WORD}])@([{_NAME}]+(?:[.\-]+[{_NAME}]+)*)(?:@([{_WORD}]+(?:[.\-]+[{_WORD}]+)*))?"
)
# What must not follow a mention: another @, an accented Latin letter, or "://".
_NO_MENTION_PATTERN = regex.compile(
    r"[@＠]|[\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u024f\u0253\u0254\u0256\u0257\u0259\u025b\u0263\u0268\u026f\u0272"
    r"\u0289\u028b\u02bb\u0300-\u036f\u1e00-\u1eff]|://"
)
_TAG_PATTERN = regex.compile(
    rf"(?<!\S)[#＃]([{_WORD}][{_WORD}{_SEPARATORS}]*[\p{{Alphabetic}}{_SEPARATORS}][{_WORD}{_SEPARATORS}]*[{_WORD}]"
    rf"|[{_WORD}]*\p{{Alphabetic}}[{_WORD}]*)"
)
_PROTOCOL_PATTERN = regex.compile(r"(?<=.)https?\Z")
# Ruby 3.4 breaks an Indic conjunct before each consonant. Unicode 15.1, Python's regex and Ruby 4.0 keep it together
# (GB9c). Servers of both Rubies are in use and none names its own: the larger number counts.
# The vowel AM of Thai and Lao is a letter too, and belongs to what is before it in both.
_CONJUNCT_PATTERN = regex.compile(r"(?<=[\p{M}\u200c\u200d])[\p{Lo}--\p{GCB=SpacingMark}]", regex.VERSION1)
_EDGE_BLANKS = "\x00\t\n\v\f\r "  # what Ruby's String#strip takes away


@dataclass(frozen=True, slots=True)
class TextEntity:
    """Offsets in code points, end exclusive. `target`: the address, the name or name@host, or the tag."""

    kind: SpanKind
    start: int
    end: int
    target: str


def normalize_text(text: str) -> str:
    """A text as the server keeps it: line ends as one character, nothing blank around it."""
    return text.replace("\r\n", "\n").strip(_EDGE_BLANKS)


@lru_cache(maxsize=16)
def find_entities(text: str) -> tuple[TextEntity, ...]:
    """Everything that Mastodon links, in order; of two that overlap the earlier one counts."""
    return tuple(_without_overlaps([*_find_links(text), *_find_tags(text), *_find_mentions(text)]))


def find_spans(text: str) -> tuple[Span, ...]:
    return tuple(
        Span(one.kind, one.start, one.end, text[one.start : one.end], one.target) for one in find_entities(text)
    )


def count_characters(text: str, warning: str = "", *, per_url: int = URL_LENGTH) -> int:
    """Characters as the server counts them: grapheme clusters, `per_url` for a link whatever its length (0: as long as
    it is), and of a mention of another server only the name. The warning counts too."""
    if not text.strip():
        return split_graphemes(warning + text) if warning else 0
    short, done = [warning], 0
    for one in _without_overlaps([*_find_links(text), *_find_mentions(text)]):
        if one.kind is SpanKind.LINK and not per_url:
            continue
        stand_in = "x" * per_url if one.kind is SpanKind.LINK else "@" + one.target.split("@")[0]
        short += [text[done : one.start], stand_in]
        done = one.end
    return split_graphemes("".join([*short, text[done:]]))


def split_graphemes(text: str) -> int:
    """Grapheme clusters as Ruby counts them."""
    if text.isascii():
        return len(text) - text.count("\r\n")
    return sum(1 + len(_CONJUNCT_PATTERN.findall(one)) if len(one) > 1 else 1 for one in GRAPHEME_PATTERN.findall(text))


def _without_overlaps(found: Iterable[TextEntity]) -> Iterator[TextEntity]:
    end = 0
    for one in sorted(found, key=lambda entity: entity.start):
        if one.start >= end:
            end = one.end
            yield one


def _find_links(text: str) -> Iterator[TextEntity]:
    return (TextEntity(SpanKind.LINK, start, end, text[start:end]) for start, end in find_links(text))


def _find_mentions(text: str) -> Iterator[TextEntity]:
    for found in _MENTION_PATTERN.finditer(text):
        name, domain = found[1], found[2] or ""
        if len(domain) <= MAX_MENTION_DOMAIN_LENGTH and not _NO_MENTION_PATTERN.match(text, found.end()):
            yield TextEntity(SpanKind.MENTION, found.start(), found.end(), f"{name}@{domain}" if domain else name)


def _find_tags(text: str) -> Iterator[TextEntity]:
    for found in _TAG_PATTERN.finditer(text):
        name, end = found[1], found.end()
        if text.startswith("://", end) and (protocol := _PROTOCOL_PATTERN.search(name)):
            # "#taghttps://…": the tag ends where the address begins
            name, end = name[: protocol.start()], end - len(protocol[0])
        yield TextEntity(SpanKind.TAG, found.start(), end, name)
