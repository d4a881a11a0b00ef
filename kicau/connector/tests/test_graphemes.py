"""Clusters are those of `\\X`, and flags are counted in one pass."""

from __future__ import annotations

import random

import regex

from kicau.connector.graphemes import GRAPHEME_PATTERN

# Not among them: a virama after a flag, where `\X` joins a consonant that UAX #29 (GB9c) does not.
LETTERS = "🇦🇮🇩a\u200de\u0301👨\u200d👩\ufe0f🏽\u0e33\u0903\u0600\r\n ก์\u1100\u1161"


def test_clusters_are_those_of_the_standard():
    chance = random.Random(20261202)
    for _ in range(5_000):
        text = "".join(chance.choices(LETTERS, k=chance.randint(1, 14)))
        assert GRAPHEME_PATTERN.findall(text) == regex.findall(r"\X", text), ascii(text)


def test_flags_are_paired_from_the_left():
    assert GRAPHEME_PATTERN.findall("🇮🇩🇮🇩🇮") == ["🇮🇩", "🇮🇩", "🇮"]
    assert (
        sum(1 for _ in GRAPHEME_PATTERN.finditer("🇦" * 100_001)) == 50_001
    )  # bench/hostile_texts.py measures how long it takes
