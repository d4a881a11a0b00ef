"""Bluesky's rules for texts against its own library. `python -m tests.oracles bluesky --texts 100000 --seed 7` compares more."""

from __future__ import annotations

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


def test_each_documented_class_has_a_text():
    found = compared(oracle.compare, [SAMPLES[reason] for reason in oracle.CLASSES])
    assert (found.differences, dict(found.classes)) == ([], dict.fromkeys(oracle.CLASSES, 1))


def test_a_difference_of_no_class_is_one(monkeypatch):
    """The classes explain their own differences alone: rules without a part of theirs fail."""
    text = "@kabarpagi.bsky.socialさん $AAPL #١٢٣ kopi.id https://kopi.id/x #kopi"
    whole = oracle.ours(text)
    assert len(whole) == 6
    asked = iter([whole, *([one for one in whole if one != missing] for missing in whole)])
    monkeypatch.setattr(oracle, "ours", lambda _: next(asked))
    assert len(compared(oracle.compare, [text] * 7).differences) == 6
