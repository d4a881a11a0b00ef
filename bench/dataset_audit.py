"""How fast the dataset audit finds a million posts in gigabytes of JSON lines, beside plain decoding of the same data.

    python -m bench.dataset_audit [--gigabytes 10] [--posts 1000000] [--gz] [--folder FOLDER] [--corpus-assay MEGABYTES]

Prints the seconds of an audit as a whole (sample, prints, search on all cores), its rate, its ratio to decoding the same
lines one after the other with the standard library, and the memory of its largest process. With --corpus-assay that program, from
PyPI, searches the beginning of the same data for the same posts in the same run (see bench/texts/corpus_assay.py). Bars: 10 GB in 45 s on 2 cores, calibrated by the processor, and 3 GB of memory; packed data at half of that rate. Ends with
1 where one is missed.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from bench.calibration import calibrated
from bench.texts.corpus_assay import beside
from kicau.dataset_audit.matching.pipeline import run_search

PLANTED = 997  # every so many-th document holds a post
TEN_GB_SECONDS, MEMORY_GB = 45, 3  # the bars
DECODED = 300_000_000  # bytes that are decoded for the ratio


class Texts:
    """Texts of words as rare as in a language."""

    def __init__(self, seed: int) -> None:
        self.dice = np.random.default_rng(seed)
        letters = np.array(list("aaabcdeeefghiijklmnnoprstuuvwy"))
        sizes = self.dice.integers(2, 10, 80_000)
        self.words = np.array(["".join(self.dice.choice(letters, n)) for n in sizes], dtype=object)
        share = 1 / (np.arange(len(self.words)) + 5.0)
        self.sums = np.cumsum(share / share.sum())

    def some(self, count: int, least: int, most: int) -> Iterator[str]:
        sizes = self.dice.integers(least, most, count)
        words = self.words[np.searchsorted(self.sums, self.dice.random(sizes.sum()))]
        at = 0
        for size in sizes:
            yield " ".join(words[at : at + size])
            at += size


def write(folder: Path, gigabytes: float, posts: list[str], packed: bool) -> int:
    """Shards of about 256 MB; how many posts were planted."""
    texts, number, planted = Texts(2), 0, 0
    folder.mkdir(parents=True, exist_ok=True)
    block = list(texts.some(200_000, 60, 300))  # the same texts again and again, with other posts in them
    for shard in range(max(1, round(gigabytes * 4))):
        name = folder / f"{shard:03}.jsonl{'.gz' if packed else ''}"
        with gzip.open(name, "wt", compresslevel=4) if packed else name.open("w") as lines:
            size = 0
            while size < 250_000_000:
                for text in block:
                    if number % PLANTED == 0:
                        half = len(text) // 2
                        text = f"{text[:half]} {posts[planted % len(posts)]} {text[half:]}"
                        planted += 1
                    line = json.dumps({"id": number, "text": text, "source": "web"}) + "\n"
                    lines.write(line)
                    size += len(line)
                    number += 1
                    if size >= 250_000_000:
                        break
    return planted


def decode(folder: Path) -> float:
    """Bytes a second of one process that only reads and decodes the lines."""
    began, read = time.perf_counter(), 0
    for path in sorted(folder.iterdir()):
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as lines:
            for line in lines:
                json.loads(line)
                read += len(line)
                if read > DECODED:
                    return read / (time.perf_counter() - began)
    return read / (time.perf_counter() - began)


def main() -> None:
    asked = argparse.ArgumentParser()
    asked.add_argument("--gigabytes", type=float, default=10)
    asked.add_argument("--posts", type=int, default=1_000_000)
    asked.add_argument("--gz", action="store_true")
    asked.add_argument("--folder", type=Path)
    asked.add_argument("--corpus-assay", type=int, default=0, metavar="MEGABYTES")
    wanted = asked.parse_args()
    home = wanted.folder or Path(tempfile.mkdtemp(prefix="kicau-bench-"))
    posts = list(Texts(1).some(wanted.posts, 6, 25))
    data = home / ("data-gz" if wanted.gz else "data")
    planted = write(data, wanted.gigabytes, posts, wanted.gz) if not data.exists() else 0
    out = Path(tempfile.mkdtemp(prefix="kicau-bench-out-"))
    with calibrated() as machine:
        began = time.perf_counter()
        outcome = run_search(((str(n), t) for n, t in enumerate(posts)), str(data), out)
        seconds = time.perf_counter() - began
    bar = TEN_GB_SECONDS * (2 if wanted.gz else 1)
    copies = sum(len(f.copies) for f in outcome.found)
    rate, plain = outcome.bytes / seconds, decode(data)
    memory = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)) / 1e6
    print(
        f"{len(posts):,} posts in {outcome.bytes / 1e9:.2f} GB, {outcome.documents:,} documents: {copies:,} copies"
        + (f" of {planted:,} planted" if planted else "")
    )
    print(
        f"{seconds:.1f} s in all, {rate / 1e6:.0f} MB/s on {os.cpu_count()} cores; 10 GB would take {10e9 / rate:.0f} s, calibrated {machine.time(10e9 / rate):.0f} s (bar {bar})"
    )
    print(machine.line())
    print(
        f"plain decoding of the same lines, one process: {plain / 1e6:.0f} MB/s; the audit is {rate / plain:.2f} times as fast"
    )
    print(f"largest process: {memory:.2f} GB (bar {MEMORY_GB})", flush=True)
    if wanted.corpus_assay:
        for line in beside(posts, data, home / "assay", wanted.corpus_assay):
            print(line, flush=True)
    sys.exit(machine.time(10e9 / rate) > bar or memory > MEMORY_GB)


if __name__ == "__main__":
    main()
