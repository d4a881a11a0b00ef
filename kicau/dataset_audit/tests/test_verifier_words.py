"""The verifier counts words by itself; it must read them as the search does."""

from __future__ import annotations

import json
import random

from kicau.dataset_audit.matching.tokenizer import WordReader
from kicau.evidence import verify


def test_the_verifiers_words_are_those_of_the_search():
    """Of texts in many scripts, escaped in all ways: as many words, and the same ones equal."""
    dice = random.Random(5)
    pieces = [
        "Kopi", "kopi", "é", "e\u0301", "don't", "dont", " ", ", ", "@budi_1", " http://a.example/x?y=1 ", "&amp;", "&eacute;", "&#233;",
        "ﬁn", "ß", "東京", "カフェ", "ไทยน้ำ", "ກາ", "မြန်မာ", "ខ្មែរ", "한국어", "🌇", "🅰", "ℌ", "ŁÓDŹ", "کتاب", "١٢٣", "\u00ad", "a-b", "x_y", "1,000", "\u200d", "&lt;b&gt;", "&unknown;", "Ｗｉｄｅ", "½", "𠀀",
    ]  # fmt: skip
    for form, reader in (("text", WordReader()), ("json", WordReader(json=True)), ("html", WordReader(html=True))):
        for _ in range(600):
            text = "".join(dice.choice(pieces) for _ in range(dice.randrange(1, 12)))
            written = json.dumps(text, ensure_ascii=dice.random() < 0.5) if form == "json" else text
            hashes, starts, ends = (list(map(int, part)) for part in reader.read(written.encode()))
            words = verify.words_of(written, form)
            assert len(words) == len(hashes), (form, written, words)
            pairs = set(zip(words, hashes, strict=True))
            assert len(pairs) == len({w for w, _ in pairs}) == len({h for _, h in pairs}), (form, written, words)
            if starts:
                cut = verify.decoded(written.encode()[starts[0] : ends[-1]])
                assert verify.words_of(cut, form) == words, (form, written)
