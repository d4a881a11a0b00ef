"""Texts that say the same: equal in their words, or nearly so. The first of each stays.

Words are those of the audit (case, accents, links and signs do not count); nearness is the share of rows of three words
that two texts have in common (Jaccard), found by MinHash (Broder, 1997) in bands and then counted exactly.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from kicau.dataset_audit.matching.fingerprints import row_hashes
from kicau.dataset_audit.matching.tokenizer import Hashes, WordReader

SIMILARITY_THRESHOLD = 0.8  # of their rows in common
LSH_BANDS, LSH_ROWS_PER_BAND = 8, 3  # finds 99.8% of the pairs at 0.8, 92% at 0.65
MAX_COMPARISONS = 4  # texts of one bucket that each other is held against


def find_repeats(texts: Sequence[str]) -> NDArray[np.int64]:
    """For each text the place of the earlier one that it repeats, or -1."""
    words, begins = word_hashes(texts)
    kept = _exact_repeats(words, begins)
    rows, row_begins = _shingles(words, begins)
    marks = _minhashes(rows, row_begins)
    for band in range(LSH_BANDS):
        keys = marks[:, band * LSH_ROWS_PER_BAND : (band + 1) * LSH_ROWS_PER_BAND]
        key = (keys * np.array([3, 5, 7], np.uint64) + np.uint64(band)).sum(axis=1, dtype=np.uint64)
        _near_repeats_of_band(key, np.diff(row_begins) > 0, kept, rows, row_begins)
    return kept


def word_hashes(texts: Sequence[str]) -> tuple[Hashes, NDArray[np.int64]]:
    """The words of all texts in a row, and where each begins (one more at the end)."""
    reader = WordReader()
    raw = [text.encode("utf-8", "surrogatepass") for text in texts]
    words, starts, _ = reader.read(b"\n".join(raw))
    ends = np.cumsum([len(r) + 1 for r in raw])
    begins = np.concatenate([[0], np.searchsorted(starts, ends)]).astype(np.int64)
    return words.copy(), begins


def _exact_repeats(words: Hashes, begins: NDArray[np.int64]) -> NDArray[np.int64]:
    kept = np.full(len(begins) - 1, -1, np.int64)
    seen: dict[bytes, int] = {}
    for at in range(len(kept)):
        key = words[begins[at] : begins[at + 1]].tobytes()
        first = seen.setdefault(key, at)
        if first != at and key:
            kept[at] = first
    return kept


def _shingles(words: Hashes, begins: NDArray[np.int64]) -> tuple[Hashes, NDArray[np.int64]]:
    """The rows of three words within each text."""
    rows = row_hashes(words, 3)
    room = np.repeat(begins[1:], np.diff(begins))[: len(rows)] - np.arange(len(rows))
    inside = room >= 3
    counts = np.maximum(np.diff(begins) - 2, 0)
    return rows[inside], np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)


def _minhashes(rows: Hashes, begins: NDArray[np.int64]) -> NDArray[np.uint64]:
    dice = np.random.default_rng(20261124)  # fixed: the same texts give the same set
    made = np.zeros((len(begins) - 1, LSH_BANDS * LSH_ROWS_PER_BAND), np.uint64)
    full = np.flatnonzero(np.diff(begins) > 0)
    if not len(full):
        return made
    for at in range(LSH_BANDS * LSH_ROWS_PER_BAND):
        factor, add = dice.integers(1, 2**63, 2, dtype=np.uint64)
        mixed = (rows ^ (rows >> np.uint64(29))) * (factor | np.uint64(1)) + add
        made[full, at] = np.minimum.reduceat(mixed ^ (mixed >> np.uint64(32)), begins[full])
    return made


def _near_repeats_of_band(
    key: Hashes, has: NDArray[np.bool_], kept: NDArray[np.int64], rows: Hashes, begins: NDArray[np.int64]
) -> None:
    order = np.flatnonzero(has)[np.argsort(key[has], kind="stable")]
    same = key[order[1:]] == key[order[:-1]]
    at = 0
    edges = [*np.flatnonzero(~same).tolist(), len(order) - 1]
    for end in edges:
        bucket = order[at : end + 1]
        at = end + 1
        if len(bucket) > 1:
            _compare_bucket(bucket.tolist(), kept, rows, begins)


def _compare_bucket(bucket: list[int], kept: NDArray[np.int64], rows: Hashes, begins: NDArray[np.int64]) -> None:
    firsts: list[tuple[int, set[int]]] = []
    for text in bucket:
        if kept[text] >= 0:
            continue
        mine = set(rows[begins[text] : begins[text + 1]].tolist())
        for first, held in firsts[:MAX_COMPARISONS]:
            if len(mine & held) >= SIMILARITY_THRESHOLD * len(mine | held):
                kept[text] = first
                break
        else:
            firsts.append((text, mine))
