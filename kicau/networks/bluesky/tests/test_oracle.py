"""Bluesky's rules for texts against its own library. `python -m tests.oracles bluesky --texts 100000 --seed 7` compares more."""

from __future__ import annotations

import pytest

from kicau.networks.bluesky.tests import oracle
from tests.oracles.comparison import compared
from tests.oracles.texts import texts

SAMPLES = {
    "trailing-punctuation": "“Lihat https://kopi.id/menu?!” dan (kopi.id/menu).",
    "ends-with-domain": "kopi.idさん kopi.id,dan kopi.id:80、lalu",
    "joined-domain": "kopi.id@x.test kopi.id_x",
    "no-host": "https:// http://? https:///x",
    "capitals": "HTTPS://kopi.id KOPI.ID @sari.BSKY.SOCIAL",
    "domain-name": "kopi-senja.co.id 4sq.com",
    "httpish-domain": "httpbin.org/x",
    "other-network": "@sari.bsky.social@x.test",
    "no-handle": "@-sari.com @a..com @.com @a-.id @" + "a" * 64 + ".com",
    "newer-marks": "a\u1aed",
    "in-brackets": "kopi.nosuchtop(kopi.id)",
}


def test_5000_texts_have_the_graphemes_and_facets_of_the_official_library():
    found = compared(oracle.compare, texts())
    assert found.texts == 5_000
    assert found.differences == []
    assert set(found.classes) <= set(oracle.CLASSES)


@pytest.mark.parametrize("reason", oracle.CLASSES)
def test_each_documented_class_has_a_text(reason):
    found = compared(oracle.compare, [SAMPLES[reason]])
    assert (found.differences, dict(found.classes)) == ([], {reason: 1})


def test_a_difference_of_no_class_is_one(monkeypatch):
    """The classes explain their own differences alone: rules without a part of theirs fail."""
    text = "@kabarpagi.bsky.socialさん $AAPL #١٢٣ kopi.id https://kopi.id/x #kopi"
    assert compared(oracle.compare, [text]).differences == []
    whole = oracle.ours(text)
    assert len(whole) == 6
    for missing in whole:
        monkeypatch.setattr(oracle, "ours", lambda _, missing=missing: [one for one in whole if one != missing])
        assert len(compared(oracle.compare, [text]).differences) == 1
