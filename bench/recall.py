"""Copies found by how much was changed, and pairs by chance: 4,200 real short posts in texts of other kinds.

    python -m bench.recall FOLDER
    python -m bench.recall --posts FILE --others FILE [--join N] [--words N] [--count N]

FOLDER holds the four *_GroundTruth.txt of the ICWSM 2014 data (Hutto and Gilbert), which lie in the source package of
vaderSentiment. They are real people's words: they are read here and not kept. Bars: at least 0.96, 0.92, 0.86 and 0.78
with 0, 10, 20 and 30% of words edited; at most 1 pair by chance in 10,000 documents.

Other languages and lengths: --posts and --others are files of a text a line, --join makes threads of so many posts each,
--words cuts posts to so many words, --count takes so many of them. Each recall is also told by length. Where a script
has no spaces between words, two characters with their vowels are changed like a word.
"""

from __future__ import annotations

import argparse
import random
import re
from pathlib import Path

import numpy as np

from kicau.audit.prints import make
from kicau.audit.search import Search
from kicau.audit.words import Reader

BARS = {0.0: 0.96, 0.1: 0.92, 0.2: 0.86, 0.3: 0.78}
OTHERS = ("movieReviewSnippets", "nytEditorialSnippets", "amazonReviewSnippets")


def texts(folder: Path, name: str) -> list[str]:
    lines = (folder / f"{name}_GroundTruth.txt").read_text("utf-8", "replace").split("\n")
    return [line.split("\t")[-1] for line in lines if line]


UNSPACED = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff]{1,2}[\u0e31\u0e34-\u0e3a\u0e47-\u0e4e]*|[^\s\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff]+")  # fmt: skip


def pieces(text: str) -> tuple[list[str], str]:
    """What is changed at once, and what stands between these."""
    words = text.split()
    found = UNSPACED.findall(text)
    return (words, " ") if len(found) < 2 * len(words) else (found, "")


def edited(text: str, share: float, kind: str, vocabulary: list[str], dice: random.Random) -> str:
    made: list[str] = []
    words, between = pieces(text)
    left = iter(words)
    for word in left:
        change = dice.choices(("other", "without", "more", "swapped"), (0.5, 0.2, 0.2, 0.1))[0] if kind == "mixed" else "other"  # fmt: skip
        if dice.random() >= share:
            made.append(word)
        elif change == "other":
            made.append(dice.choice(vocabulary))
        elif change == "more":
            made += [word, dice.choice(vocabulary)]
        elif change == "swapped":
            made += [next(left, dice.choice(vocabulary)), word]
    return between.join(made)


def plain(text: str) -> str:
    return " ".join(text.split())


def search_in(search: Search, posts: list[str], documents: list[str]) -> list[set[int]]:
    """The posts found in each document; a short one only where its letters are there, as in a report."""
    blob = "\n".join(d.replace("\n", " ") for d in documents).encode()
    words, starts, _ = Reader().read(blob)
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


def by_length(posts: list[str], hit: list[bool]) -> str:
    told = []
    sizes = [len(pieces(post)[0]) for post in posts]
    for least, most in LENGTHS:
        some = [h for size, h in zip(sizes, hit, strict=True) if least <= size <= most]
        if some:
            told.append(f"{least}-{most if most < 10_000 else '…'} words {sum(some) / len(some):.2f} of {len(some)}")
    return "; ".join(told)


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("folder", type=Path, nargs="?")
    asked.add_argument("--posts", type=Path)
    asked.add_argument("--others", type=Path)
    asked.add_argument("--join", type=int, default=1)
    asked.add_argument("--words", type=int, default=0)
    asked.add_argument("--count", type=int, default=0)
    wanted = asked.parse_args()
    if wanted.folder:
        posts = texts(wanted.folder, "tweets")
        others = [t for name in OTHERS for t in texts(wanted.folder, name)]
    else:
        posts, others = lines(wanted.posts), lines(wanted.others)
    if wanted.join > 1:
        posts = [" ".join(posts[at : at + wanted.join]) for at in range(0, len(posts), wanted.join)]
    if wanted.words:
        posts = list(dict.fromkeys(" ".join(post.split()[: wanted.words]) for post in posts))
    dice = random.Random(20261124)
    if wanted.count:
        posts = dice.sample(posts, min(wanted.count, len(posts)))
    vocabulary = [word for text in others for word in pieces(text)[0]]
    sample = Reader().read("\n".join(others).encode())[0].copy()
    search = Search(make(((str(n), t) for n, t in enumerate(posts)), [sample]))
    number = {int(i): at for at, ids in enumerate(search.prints.ids) for i in ids}
    pairs = sum(map(len, search_in(search, posts, others)))
    print(
        f"by chance: {pairs} pairs in {len(others):,} documents ({pairs / len(others) * 10_000:.2f} in 10,000; bar 1)"
    )
    met = pairs / len(others) * 10_000 <= 1
    for kind in ("mixed", "other"):
        for share, bar in BARS.items():
            planted = [
                f"{dice.choice(others)} {edited(t, share, kind, vocabulary, dice)} {dice.choice(others)}" for t in posts
            ]
            found = search_in(search, posts, planted)
            hit = [number[n] in f for n, f in enumerate(found)]
            recall = sum(hit) / len(posts)
            met &= recall >= bar
            print(
                f"{kind} edits, {share:.0%} of words: {recall:.4f} (bar {bar:.2f}) {'met' if recall >= bar else 'MISSED'}"
            )
            print(f"    {by_length(posts, hit)}")
    raise SystemExit(0 if met else 1)


if __name__ == "__main__":
    main()
