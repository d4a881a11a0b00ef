"""One process's part of an audit: a unit of a data set in, the copies found in it out, each with its bytes."""

from __future__ import annotations

import base64
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kicau.dataset_audit.matching.fingerprints import (
    CHARACTER_BITS_FACTOR,
    Fingerprints,
    make_prints,
    remake_prints,
)
from kicau.dataset_audit.matching.scan import WordMatch, WordScanner
from kicau.dataset_audit.matching.shards import BrokenShard, ShardUnit, TextBlock, read_blocks
from kicau.dataset_audit.matching.tokenizer import UNSPACED_FLAG, Hashes, WordReader

CONTEXT_BYTES = 160  # bytes kept on each side of a copy
MAX_COPIES_PER_POST = 50  # copies of one post that a unit tells; the others are counted

# What a match must say, in bits beyond what tells the posts' words apart: less where more of the post is there. Fitted
# on 4,200 short posts against 19,503 texts of other kinds, for one pair by chance in ten thousand texts.
BASE_REQUIRED_BITS, WORDS_BITS_DISCOUNT, SPAN_BITS_DISCOUNT, MIN_POST_SHARE = 47.0, 14.0, 22.0, 0.35
MIN_WORDS, MIN_WORDS_UNSPACED = (
    3,
    5,
)  # words that are evidence; of characters more, else an idiom of four would be a copy
MIN_WORDS_WHOLE_POST = 3
#: A short post that stands in the sample in more different surroundings is a turn of speech, unless it says so much.
MAX_PHRASE_SURROUNDINGS, MIN_PHRASE_BITS = 6, 20.0
VERBATIM_REQUIRED_BITS = -2.0  # where every word is there in a row: the letters decide (see `Copy.whole`)


@dataclass(frozen=True, slots=True)
class CopyMatch:
    """A place in a data set that agrees with a post. `first` and `last` are unpacked bytes of the shard (of the row or
    record that `place` names); `raw` is base64 of these with up to CONTEXT bytes on each side, from byte `raw_first`."""

    post: int  # of the prints
    first: int
    last: int
    raw: str
    raw_first: int
    place: dict[str, Any]
    words: int  # that agree
    of: int  # words of the post
    begin: int  # the first and last (excluded) word of the post that agree
    end: int
    run: int  # most words in a row
    score: float  # bits, after what differs was paid
    whole: bool  # every word, in a row, none between
    sure: bool  # enough by itself; else only where the letters agree too


@dataclass(slots=True)
class UnitResult:
    """What a unit held. `fault` says where its reading ended early."""

    unit: str
    bytes: int = 0
    documents: int = 0
    seconds: float = 0.0
    fault: str = ""
    copies: list[CopyMatch] = field(default_factory=list)
    more: dict[int, int] = field(default_factory=dict)  # copies not told, by post

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "copies": [asdict(c) for c in self.copies]}

    @classmethod
    def from_json(cls, told: dict[str, Any]) -> UnitResult:
        return cls(
            **{
                **told,
                "copies": [CopyMatch(**c) for c in told["copies"]],
                "more": {int(k): v for k, v in told["more"].items()},
            }
        )


class PrintSearch:
    """Reads units against one set of prints; one to a process."""

    def __init__(self, prints: Fingerprints) -> None:
        self.prints = prints
        self._scan = WordScanner(prints, prints.told + VERBATIM_REQUIRED_BITS)
        self._readers = {"json": WordReader(json=True), "text": WordReader(), "html": WordReader(html=True)}
        self._sums = np.concatenate([[0.0], np.cumsum(prints.after, dtype=np.float64)])

    def unit(self, unit: ShardUnit) -> UnitResult:
        """All copies in the unit, however far it can be read."""
        began = time.monotonic()
        found = UnitResult(unit.key)
        told: Counter[int] = Counter()
        try:
            for block in read_blocks(unit):
                self._block(block, unit.shard.format, found, told)
        except BrokenShard as lost:
            found.fault = str(lost)
        found.seconds = time.monotonic() - began
        return found

    def matches(self, words: Hashes, lines: NDArray[np.int64]) -> list[tuple[WordMatch, bool]]:
        """Those that say enough, and (False) those of whole posts for which the letters must speak."""
        kept = []
        for match in self._scan.matches(words, lines):
            if (
                self.prints.often[match.post] > MAX_PHRASE_SURROUNDINGS
                and match.score < self.prints.told + MIN_PHRASE_BITS
            ):
                continue
            sure = self._is_enough(match)
            if sure or (self._is_whole(match) and self._is_telling(match)):
                kept.append((match, sure))
        return kept

    def without_copies(self, words: Hashes) -> Hashes:
        """The words, but nothing where a copy of a post stands."""
        left: Hashes = words.copy()
        for match, _ in self.matches(words, np.zeros(1, np.int64)):
            left[match.first : match.last] = 0
        return left

    def _is_whole(self, match: WordMatch) -> bool:
        size = self._size(match.post)
        return bool(match.words == size == match.end - match.begin == match.last - match.first)

    def _is_telling(self, match: WordMatch) -> bool:
        """Whether a whole post says enough for its letters to speak."""
        unspaced = self._unspaced(match)
        return (
            match.score * (1 - (1 - CHARACTER_BITS_FACTOR) * unspaced) >= self.prints.told + VERBATIM_REQUIRED_BITS
            and match.words >= MIN_WORDS_WHOLE_POST
        )

    def _size(self, post: int) -> int:
        return int(self.prints.begins[post + 1] - self.prints.begins[post])

    def _is_enough(self, match: WordMatch) -> bool:
        size = self._size(match.post)
        begin, end = self.prints.begins[match.post], self.prints.begins[match.post + 1]
        if match.words < MIN_WORDS + self._unspaced(match) * (MIN_WORDS_UNSPACED - MIN_WORDS):
            return False
        says = float(self._sums[end] - self._sums[begin])
        share = match.bits / max(says, 1.0)
        if share < MIN_POST_SHARE and match.run < 12:
            return False
        part = max(min(1.0, share), match.words / size)
        return (
            match.score
            >= self.prints.told
            + BASE_REQUIRED_BITS
            - WORDS_BITS_DISCOUNT * part
            - SPAN_BITS_DISCOUNT * (match.end - match.begin) / size
        )

    def _unspaced(self, match: WordMatch) -> float:
        """The share of the words that are characters."""
        begin = self.prints.begins[match.post]
        words = self.prints.words[begin + match.begin : begin + match.end]
        return float(np.count_nonzero(words & UNSPACED_FLAG) / len(words))

    def reader(self, format: str) -> WordReader:
        return self._readers[{"parquet": "text", "warc": "html"}.get(format, format)]

    def _block(self, block: TextBlock, format: str, found: UnitResult, told: Counter[int]) -> None:
        words, starts, ends = self.reader(format).read(block.data)
        first = np.searchsorted(starts, block.breaks)
        lines = np.unique(np.concatenate([np.zeros(1, np.int64), first[first < len(starts)]]))
        found.bytes += len(block.data)
        found.documents += block.documents
        for match, sure in self.matches(words, lines):
            told[match.post] += 1
            if told[match.post] > MAX_COPIES_PER_POST:
                found.more[match.post] = found.more.get(match.post, 0) + 1
                continue
            found.copies.append(self._copy(match, sure, block, int(starts[match.first]), int(ends[match.last - 1])))

    def _copy(self, match: WordMatch, sure: bool, block: TextBlock, first: int, last: int) -> CopyMatch:
        low, high = max(0, first - CONTEXT_BYTES), min(len(block.data), last + CONTEXT_BYTES)
        return CopyMatch(
            post=match.post,
            first=block.base + first,
            last=block.base + last,
            raw_first=block.base + low,
            raw=base64.b64encode(block.data[low:high].tobytes()).decode(),
            place=block.place,
            words=match.words,
            of=self._size(match.post),
            begin=match.begin,
            end=match.end,
            run=match.run,
            score=round(match.score, 1),
            whole=self._is_whole(match),
            sure=sure,
        )


def prepare_prints(posts: Iterable[tuple[str, str]], sample: Sequence[Hashes]) -> Fingerprints:
    """The prints of (id, text) pairs. Where there are not many, copies of them in the sample are not counted among what
    is common: else a post that was copied often would be taken for a manner of speaking."""
    prints = make_prints(posts, sample)
    if not prints.kinds:
        return prints
    search = PrintSearch(prints)
    return remake_prints(prints, [search.without_copies(words) for words in sample])


_process_search: PrintSearch | None = None


def begin_process(folder: str) -> None:
    """Called once in each process: maps the prints, and compiles or loads what is compiled."""
    global _process_search
    _process_search = PrintSearch(Fingerprints.open(Path(folder)))


def search_unit(unit: ShardUnit) -> UnitResult:
    assert _process_search is not None, "begin_process comes first"
    return _process_search.unit(unit)
