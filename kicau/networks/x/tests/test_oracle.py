"""X's rules for texts against X's own library. `python -m tests.oracles x --texts 100000 --seed 7` compares more."""

from __future__ import annotations

import pytest

from kicau.networks.x.tests import oracle
from tests.oracles.comparison import compared
from tests.oracles.texts import emoji_forms, texts


def test_5000_texts_weigh_what_the_official_library_says_and_have_its_spans():
    found = compared(oracle.compare, texts())
    assert found.texts == 5_000
    assert found.differences == []
    assert set(found.classes) <= set(oracle.CLASSES)
    assert found.classes["newer-emoji"] > 100


def test_every_emoji_in_every_form_weighs_what_the_official_library_says():
    every = list(emoji_forms())
    found = compared(oracle.compare, [" ".join(every[n : n + 20]) for n in range(0, len(every), 20)])
    assert found.texts > 900
    assert found.differences == []


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("selamat natal 🧑‍🎄 ❤️‍🔥 👩🏽‍🤝‍👨🏿", "newer-emoji"),
        ("#kopi\U00030000", "newer-letters"),
        ("#\u1c8a", "newer-letters"),
    ],
)
def test_each_documented_class_has_a_text(text, reason):
    found = compared(oracle.compare, [text])
    assert (found.differences, dict(found.classes)) == ([], {reason: 1})
