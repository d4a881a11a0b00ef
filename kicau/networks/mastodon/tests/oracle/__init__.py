"""Mastodon's rules for texts against what its server counts with: Ruby itself."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from kicau.connector.content import SpanKind
from kicau.networks.mastodon import text as rules
from tests.oracles import Oracle
from tests.oracles.comparison import Comparison, have_newer_marks, utf16_offset

ORACLE = Oracle("mastodon")
CLASSES = {
    "newer-marks": "A combining mark of a newer Unicode than Ruby 3.4's belongs to the letter before it.",
    "conjuncts": "Ruby 3.4 breaks the conjuncts of Indic scripts where Unicode's present rules (GB9c) and Ruby 4.0 keep"
    " them together. Servers run on either, and none says on which: Kicau takes the larger number, that of Ruby 3.4.",
}
_TCO = re.compile(r"https?://t\.co/[a-z0-9]", re.IGNORECASE | re.ASCII)


def compare(texts: Sequence[str]) -> Comparison:
    """Grapheme clusters, and where links to X's shortener are.

    The server's expressions are built on X's library for Ruby. That for JavaScript finds the same addresses of t.co but
    also takes a query into them, which is no part of those that the server finds.
    """
    differences: list[str] = []
    classes: Counter[str] = Counter()
    miscounted: list[str] = []
    for text, official in zip(texts, ORACLE.answers(texts), strict=True):
        counted = rules.split_graphemes(text)
        if counted != official["ruby"]:
            miscounted.append(text)
        elif counted != official["unicode"]:
            classes["conjuncts"] += 1
        shortened = [
            [utf16_offset(text, one.start), utf16_offset(text, one.end)]
            for one in rules.find_entities(text)
            if one.kind is SpanKind.LINK and _TCO.match(one.target)
        ]
        wanted = _without_queries(text, official["tco"])
        if any(one not in wanted for one in shortened):
            differences.append(f"addresses of t.co in {text!r}: {shortened}, the library {wanted}")
    explained = have_newer_marks(miscounted, rules.split_graphemes, _official_lengths)
    for text, newer in zip(miscounted, explained, strict=True):
        if newer:
            classes["newer-marks"] += 1
        else:
            differences.append(f"graphemes of {text!r}: {rules.split_graphemes(text)} by our rules")
    return Comparison(texts=len(texts), differences=differences, classes=classes)


def _official_lengths(texts: Sequence[str]) -> list[int]:
    return [answer["ruby"] for answer in ORACLE.answers(texts)]


def _without_queries(text: str, found: list[list[int]]) -> list[list[int]]:
    units = text.encode("utf-16-le")
    wanted = []
    for start, end in found:
        address = units[2 * start : 2 * end].decode("utf-16-le")
        wanted.append([start, start + len(address.split("?")[0])])
    return wanted
