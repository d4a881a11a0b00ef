"""Recall of the dataset audit by how much was changed, and pairs by chance: 4,200 real short posts in other texts.

    python -m bench.recall FOLDER
    python -m bench.recall --posts FILE --others FILE [--join N] [--words N] [--count N]

FOLDER holds the four *_GroundTruth.txt of the ICWSM 2014 data (Hutto and Gilbert), which lie in the source package of
vaderSentiment. They are real people's words: they are read here and not kept. Bars: at least 0.96, 0.92, 0.86 and 0.78
with 0, 10, 20 and 30% of words edited; at most 1 pair by chance in 10,000 documents.

--posts and --others are files of a text a line, --join makes threads of so many posts each, --words cuts posts to so
many words, --count takes so many of them. Each recall is also told by length, with its 95% interval (Wilson). Where a
script has no spaces between words, a file may mark their ends by U+200B; unmarked, two characters with their vowels are
changed like a word. Other languages and lengths: bench/languages.py.
"""

from __future__ import annotations

import argparse
import random
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from bench.calibration import calibrated
from kicau.dataset_audit.matching.calibration import HitRate
from kicau.dataset_audit.matching.search import PrintSearch, prepare_prints
from kicau.dataset_audit.matching.tokenizer import WordReader

BARS = {0.0: 0.96, 0.1: 0.92, 0.2: 0.86, 0.3: 0.78}
CHANCE = 1e-4
OTHERS = ("movieReviewSnippets", "nytEditorialSnippets", "amazonReviewSnippets")
MARK = "\u200b"

type Words = Sequence[str]


def texts(folder: Path, name: str) -> list[str]:
    lines = (folder / f"{name}_GroundTruth.txt").read_text("utf-8", "replace").split("\n")
    return [line.split("\t")[-1] for line in lines if line]


UNSPACED = re.compile(
    r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff]{1,2}[\u0e31\u0e34-\u0e3a\u0e47-\u0e4e]*|[^\s\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff]+"
)


def pieces(text: str) -> tuple[list[str], str]:
    """What is changed at once, and what stands between these."""
    if MARK in text:
        return text.split(MARK), ""
    words = text.split()
    found = UNSPACED.findall(text)
    return (words, " ") if len(found) < 2 * len(words) else (found, "")


def edited(words: Words, share: float, kind: str, vocabulary: Words, dice: random.Random) -> list[str]:
    made: list[str] = []
    left = iter(words)
    for word in left:
        change = (
            dice.choices(("other", "without", "more", "swapped"), (0.5, 0.2, 0.2, 0.1))[0]
            if kind == "mixed"
            else "other"
        )
        if dice.random() >= share:
            made.append(word)
        elif change == "other":
            made.append(dice.choice(vocabulary))
        elif change == "more":
            made += [word, dice.choice(vocabulary)]
        elif change == "swapped":
            made += [next(left, dice.choice(vocabulary)), word]
    return made


def plain(text: str) -> str:
    return " ".join(text.split())


def search_in(search: PrintSearch, posts: Sequence[str], documents: Sequence[str]) -> list[set[int]]:
    """The posts found in each document; a short one only where its letters are there, as in a report."""
    blob = "\n".join(d.replace("\n", " ") for d in documents).encode()
    words, starts, _ = WordReader().read(blob)
    begins = np.concatenate([[0], np.flatnonzero(np.frombuffer(blob, np.uint8) == 10) + 1])
    firsts = np.searchsorted(starts, begins)
    found: list[set[int]] = [set() for _ in documents]
    for match, sure in search.matches(words, np.unique(firsts[firsts < len(starts)])):
        document = int(np.searchsorted(firsts, match.first, "right")) - 1
        if sure or any(plain(posts[int(i)]) in plain(documents[document]) for i in search.prints.ids[match.post]):
            found[document].add(match.post)
    return found


LENGTHS = ((1, 2), (3, 5), (6, 8), (9, 12), (13, 20), (21, 40), (41, 99), (100, 10_000))


def lines(path: Path) -> list[str]:
    return [line.strip() for line in path.read_text("utf-8").splitlines() if line.strip()]


def by_length(posts: Sequence[Words], hit: Sequence[bool]) -> str:
    told = []
    for least, most in LENGTHS:
        some = [h for post, h in zip(posts, hit, strict=True) if least <= len(post) <= most]
        if some:
            told.append(f"{least}-{most if most < 10_000 else '…'} words {sum(some) / len(some):.2f} of {len(some)}")
    return "; ".join(told)


def interval(rate: HitRate) -> str:
    low, high = rate.interval
    return f"{rate.share:.4f} ({low:.3f} to {high:.3f})"


def measure(
    posts: Sequence[Words], others: Sequence[Words], between: str, *, fair: bool = False, shown: int = 0
) -> bool:
    """Tells recall by share of words edited, and chance; whether the bars are met. `fair`: a bar that lies within the
    interval counts as met. `shown`: pairs by chance that are printed."""
    plain_posts, documents = [between.join(p) for p in posts], [between.join(o) for o in others]
    vocabulary = [word for text in others for word in text]
    sample = WordReader().read("\n".join(documents).encode())[0].copy()
    search = PrintSearch(prepare_prints(((str(n), t) for n, t in enumerate(plain_posts)), [sample]))
    number = {int(i): at for at, ids in enumerate(search.prints.ids) for i in ids}
    found = search_in(search, plain_posts, documents)
    chance = HitRate(sum(map(len, found)), len(documents))
    low, high = chance.interval
    met = (low if fair else chance.share) <= CHANCE
    print(
        f"by chance: {chance.hits} pairs in {chance.tries:,} documents ({chance.share * 1e4:.2f} in 10,000, {low * 1e4:.2f} to {high * 1e4:.2f}; bar 1) {'met' if met else 'MISSED'}",
        flush=True,
    )
    for document, post in [(d, p) for d, f in enumerate(found) for p in sorted(f)][:shown]:
        print(f"    {plain_posts[int(search.prints.ids[post][0])]!r} in {documents[document][:200]!r}")
    dice = random.Random(20261124)
    for kind in ("mixed", "other"):
        for share, bar in BARS.items():
            planted = [
                between.join([*dice.choice(others), *edited(p, share, kind, vocabulary, dice), *dice.choice(others)])
                for p in posts
            ]
            hit = [number[n] in f for n, f in enumerate(search_in(search, plain_posts, planted))]
            recall = HitRate(sum(hit), len(hit))
            enough = (recall.interval[1] if fair else recall.share) >= bar
            met &= enough
            print(
                f"{kind} edits, {share:.0%} of words: {interval(recall)} (bar {bar:.2f}) {'met' if enough else 'MISSED'}",
                flush=True,
            )
            print(f"    {by_length(posts, hit)}")
    return met


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("folder", type=Path, nargs="?")
    asked.add_argument("--posts", type=Path)
    asked.add_argument("--others", type=Path)
    asked.add_argument("--join", type=int, default=1)
    asked.add_argument("--words", type=int, default=0)
    asked.add_argument("--count", type=int, default=0)
    asked.add_argument("--shown", type=int, default=0, help="pairs by chance to print")
    wanted = asked.parse_args()
    if wanted.folder:
        posts = [t.split() for t in texts(wanted.folder, "tweets")]
        others = [t.split() for name in OTHERS for t in texts(wanted.folder, name)]
        between = " "
    else:
        posts, others = ([pieces(line)[0] for line in lines(p)] for p in (wanted.posts, wanted.others))
        between = pieces(" ".join(lines(wanted.others)[:100]))[1]
    if wanted.join > 1:
        posts = [[w for p in posts[at : at + wanted.join] for w in p] for at in range(0, len(posts), wanted.join)]
    if wanted.words:
        posts = [list(p) for p in dict.fromkeys(tuple(p[: wanted.words]) for p in posts)]
    if wanted.count:
        posts = random.Random(20261124).sample(posts, min(wanted.count, len(posts)))
    with calibrated() as machine:
        met = measure(posts, others, between, shown=wanted.shown)
    print(machine.line())
    raise SystemExit(0 if met else 1)


if __name__ == "__main__":
    main()
