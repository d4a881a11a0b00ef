"""Texts that may not be used, found inside others: word for word, whole posts that repeat one or quote it in full.

Words and alignment are those of the audit (case, accents, links, handles and signs do not count), so that what an audit
would find in somebody's data set is found in ours before it is made.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kicau.dataset_audit.matching.fingerprints import rows_of
from kicau.dataset_audit.matching.scan import Match
from kicau.dataset_audit.matching.search import Search, prepared
from kicau.dataset_audit.matching.tokenizer import UNSPACED, Hashes
from kicau.training_sets.near_duplicates import words_of

MIN_QUOTED_WORDS = 4.0  # of a text within another one: fewer are anybody's words
UNSPACED_SHARE = 0.45  # of a word, that a character is where a script has no spaces
ROW_LENGTHS = (1, 2, 3, 4)  # words by which a text is looked up, at its beginning
MIN_ALIGNED_WORDS, MIN_ALIGNED_SHARE = 10, 0.95  # one word in twenty changed or left out, any put in between


@dataclass(frozen=True, slots=True)
class Copy:
    """Text `text` holds all of `original`. `is_whole`: it holds nothing else."""

    text: int
    original: int
    is_whole: bool


def find(texts: Sequence[str], originals: Sequence[str]) -> list[Copy]:
    """Each text with the originals that it repeats or quotes in full, in order."""
    if not texts or not originals:
        return []
    words, begins = words_of(texts)
    wanted, wanted_begins = words_of(originals)
    found = {(copy.text, copy.original): copy for copy in _aligned(words, begins, originals, wanted, wanted_begins)}
    found |= {(copy.text, copy.original): copy for copy in _exact(words, begins, wanted, wanted_begins)}
    return [found[key] for key in sorted(found)]


def _exact(
    words: Hashes, begins: NDArray[np.int64], wanted: Hashes, wanted_begins: NDArray[np.int64]
) -> Iterator[Copy]:
    """By the first words of each original, then word by word."""
    sizes = np.diff(wanted_begins)
    for length in ROW_LENGTHS:
        at_least = length == ROW_LENGTHS[-1]
        mine = np.flatnonzero(sizes >= length if at_least else sizes == length)
        if not len(mine) or len(words) < length:
            continue
        heads: dict[int, list[int]] = {}
        keys = rows_of(wanted, length)[wanted_begins[mine]]
        for original, key in zip(mine.tolist(), keys.tolist(), strict=True):
            heads.setdefault(key, []).append(original)
        rows = rows_of(words, length)
        for place in np.flatnonzero(np.isin(rows, keys)).tolist():
            text = int(np.searchsorted(begins, place, side="right")) - 1
            for original in heads[int(rows[place])]:
                size = int(sizes[original])
                whole = wanted[wanted_begins[original] : wanted_begins[original + 1]]
                if place + size > begins[text + 1] or not np.array_equal(words[place : place + size], whole):
                    continue
                is_whole = size == begins[text + 1] - begins[text]
                if is_whole or _counts(whole) >= MIN_QUOTED_WORDS:
                    yield Copy(text, original, is_whole)


def is_telling(text: str) -> bool:
    """Whether these words are somebody's, and no mere greeting."""
    return _counts(words_of([text])[0]) >= MIN_QUOTED_WORDS


def _counts(words: Hashes) -> float:
    """How many words they are worth."""
    unspaced = int(np.count_nonzero(words & UNSPACED))
    return len(words) - unspaced + UNSPACED_SHARE * unspaced


def _aligned(
    words: Hashes,
    begins: NDArray[np.int64],
    originals: Sequence[str],
    wanted: Hashes,
    wanted_begins: NDArray[np.int64],
) -> Iterator[Copy]:
    """What the audit's search finds, where nearly every word of the original is there."""
    named = [(str(at), text) for at, text in enumerate(originals)]
    long = [one for one in named if wanted_begins[int(one[0]) + 1] - wanted_begins[int(one[0])] >= MIN_ALIGNED_WORDS]
    if not long:
        return
    search = Search(prepared(long, [words]))
    lines = begins[:-1][np.diff(begins) > 0]
    for match, _ in search.matches(words, lines):
        size = int(search.prints.begins[match.post + 1] - search.prints.begins[match.post])
        if match.words < MIN_ALIGNED_SHARE * size:
            continue
        text = int(np.searchsorted(begins, match.first, side="right")) - 1
        is_whole = _is_all(match, int(begins[text + 1] - begins[text]))
        for name in search.prints.ids[match.post]:
            yield Copy(text, int(name), is_whole)


def _is_all(match: Match, size: int) -> bool:
    return match.words >= MIN_ALIGNED_SHARE * size
