"""X's rules for texts against X's own library, twitter-text for JavaScript."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from kicau.networks.x.sandbox import counting
from kicau.networks.x.text import find_entities, heavy_emoji, weighted_length
from tests.oracles import Oracle
from tests.oracles.comparison import Comparison, utf16_offset

ORACLE = Oracle("x")
CLASSES = {
    "newer-letters": "A hashtag with a letter that Unicode has added since 2014: the library's table for JavaScript ends"
    " there, its Ruby and Java versions take what their Unicode calls a letter, and so does Kicau.",
    "newer-emoji": "An emoji that the library as released counts by its parts and the last emoji list that X published"
    " (twemoji-parser 14) counts as one: Kicau takes the larger weight, which is the library's, and tells the author.",
}


def compare(texts: Sequence[str]) -> Comparison:
    """Weights (the connector's and the sandbox's), and the places of links, mentions, tags and cashtags."""
    differences: list[str] = []
    classes: Counter[str] = Counter()
    for text, official in zip(texts, ORACLE.answers(texts), strict=True):
        larger = max(official["released"], official["newest"])
        counted, sandbox = weighted_length(text), counting.text_weight(text)
        if not counted == sandbox == larger:
            differences.append(f"weight of {text!r}: {counted}, in the sandbox {sandbox}, twitter-text {larger}")
        if official["released"] != official["newest"]:
            classes["newer-emoji"] += 1
            if not heavy_emoji(text):
                differences.append(f"no notice for {text!r}: {official}")
        spans = [[e.kind, utf16_offset(text, e.start), utf16_offset(text, e.end)] for e in find_entities(text)]
        if spans == official["entities"]:
            continue
        if spans == official["modern"]:
            classes["newer-letters"] += 1
        else:
            differences.append(f"spans of {text!r}: {spans}, twitter-text {official['entities']}")
    return Comparison(texts=len(texts), differences=differences, classes=classes)
