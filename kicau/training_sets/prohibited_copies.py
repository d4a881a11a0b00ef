"""Texts that may not be used, found inside others: word for word, whole posts that repeat one or quote it in full.

Words and alignment are those of the audit (case, accents, links, handles and signs do not count), so that what an audit
would find in somebody's data set is found in ours before it is made.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kicau.dataset_audit.matching.fingerprints import row_hashes
from kicau.dataset_audit.matching.scan import WordMatch
from kicau.dataset_audit.matching.search import PrintSearch, prepare_prints
from kicau.dataset_audit.matching.tokenizer import UNSPACED_FLAG, Hashes
from kicau.training_sets.near_duplicates import word_hashes

MIN_QUOTED_WORDS = 4.0  # of a text within another one: fewer are anybody's words
UNSPACED_SHARE = 0.45  # of a word, that a character is where a script has no spaces
NGRAM_LENGTHS = (1, 2, 3, 4)  # words by which a text is looked up, at its beginning
MIN_ALIGNED_WORDS, MIN_ALIGNED_SHARE = 10, 0.95  # one word in twenty changed or left out, any put in between


@dataclass(frozen=True, slots=True)
class TextCopy:
    """Text `text` holds all of `original`. `is_whole`: it holds nothing else."""

    text: int
    original: int
    is_whole: bool


def find_copies(texts: Sequence[str], originals: Sequence[str]) -> list[TextCopy]:
    """Each text with the originals that it repeats or quotes in full, in order."""
    if not texts or not originals:
        return []
    words, begins = word_hashes(texts)
    wanted, wanted_begins = word_hashes(originals)
    found = {
        (copy.text, copy.original): copy for copy in _find_aligned(words, begins, originals, wanted, wanted_begins)
    }
    found |= {(copy.text, copy.original): copy for copy in _find_exact(words, begins, wanted, wanted_begins)}
    return [found[key] for key in sorted(found)]


def _find_exact(
    words: Hashes, begins: NDArray[np.int64], wanted: Hashes, wanted_begins: NDArray[np.int64]
) -> Iterator[TextCopy]:
    """By the first words of each original, then word by word."""
    sizes = np.diff(wanted_begins)
    for length in NGRAM_LENGTHS:
        at_least = length == NGRAM_LENGTHS[-1]
        mine = np.flatnonzero(sizes >= length if at_least else sizes == length)
        if not len(mine) or len(words) < length:
            continue
        heads: dict[int, list[int]] = {}
        keys = row_hashes(wanted, length)[wanted_begins[mine]]
        for original, key in zip(mine.tolist(), keys.tolist(), strict=True):
            heads.setdefault(key, []).append(original)
        rows = row_hashes(words, length)
        for place in np.flatnonzero(np.isin(rows, keys)).tolist():
            text = int(np.searchsorted(begins, place, side="right")) - 1
            for original in heads[int(rows[place])]:
                size = int(sizes[original])
                whole = wanted[wanted_begins[original] : wanted_begins[original + 1]]
                if place + size > begins[text + 1] or not np.array_equal(words[place : place + size], whole):
                    continue
                is_whole = size == begins[text + 1] - begins[text]
                if is_whole or _effective_words(whole) >= MIN_QUOTED_WORDS:
                    yield TextCopy(text, original, is_whole)


def is_distinctive(text: str) -> bool:
    """Whether these words are somebody's, and no mere greeting."""
    return _effective_words(word_hashes([text])[0]) >= MIN_QUOTED_WORDS


def _effective_words(words: Hashes) -> float:
    """How many words they are worth."""
    unspaced = int(np.count_nonzero(words & UNSPACED_FLAG))
    return len(words) - unspaced + UNSPACED_SHARE * unspaced


def _find_aligned(
    words: Hashes,
    begins: NDArray[np.int64],
    originals: Sequence[str],
    wanted: Hashes,
    wanted_begins: NDArray[np.int64],
) -> Iterator[TextCopy]:
    """What the audit's search finds, where nearly every word of the original is there."""
    named = [(str(at), text) for at, text in enumerate(originals)]
    long = [one for one in named if wanted_begins[int(one[0]) + 1] - wanted_begins[int(one[0])] >= MIN_ALIGNED_WORDS]
    if not long:
        return
    search = PrintSearch(prepare_prints(long, [words]))
    lines = begins[:-1][np.diff(begins) > 0]
    for match, _ in search.matches(words, lines):
        size = int(search.prints.begins[match.post + 1] - search.prints.begins[match.post])
        if match.words < MIN_ALIGNED_SHARE * size:
            continue
        text = int(np.searchsorted(begins, match.first, side="right")) - 1
        is_whole = _covers_original(match, int(begins[text + 1] - begins[text]))
        for name in search.prints.ids[match.post]:
            yield TextCopy(text, int(name), is_whole)


def _covers_original(match: WordMatch, size: int) -> bool:
    return match.words >= MIN_ALIGNED_SHARE * size
