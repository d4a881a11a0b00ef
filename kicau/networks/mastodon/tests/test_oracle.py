"""Mastodon's lengths against Ruby's own. `python -m tests.oracles mastodon --texts 100000 --seed 7` compares more."""

from __future__ import annotations

from kicau.networks.mastodon.tests import oracle
from tests.oracles.comparison import compared
from tests.oracles.texts import emoji_forms, texts

SAMPLES = {"newer-marks": "a\u1aed", "conjuncts": "क्षत्रिय"}


def test_5000_texts_have_the_graphemes_that_ruby_counts():
    found = compared(oracle.compare, texts())
    assert found.texts == 5_000
    assert found.differences == []
    assert set(found.classes) <= set(oracle.CLASSES)
    assert found.classes["conjuncts"] > 100


def test_every_emoji_in_every_form_has_the_graphemes_that_ruby_counts():
    every = list(emoji_forms())
    found = compared(oracle.compare, [" ".join(every[n : n + 20]) for n in range(0, len(every), 20)])
    assert found.texts > 900
    assert (found.differences, found.classes) == ([], {})


def test_each_documented_class_has_a_text():
    found = compared(oracle.compare, [SAMPLES[reason] for reason in oracle.CLASSES])
    assert (found.differences, dict(found.classes)) == ([], dict.fromkeys(oracle.CLASSES, 1))
