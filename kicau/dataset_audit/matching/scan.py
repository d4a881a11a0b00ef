"""Finding: which of a block's words belong to a copy of a post. Compiled, since every word of the audited data is asked.

Three steps, each leaving a small share to the next: a filter that holds all prints' marks; the table of prints; and an
alignment of the post's words with those around the hit, that allows for words changed, left out and put in.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit, uint64
from numpy.typing import NDArray

from kicau.dataset_audit.matching.fingerprints import (
    CHARACTER_WORD_WEIGHT,
    K3,
    K4,
    K5,
    K6,
    K7,
    LONGER_ROW_LENGTHS,
    PRINT_KIND_COUNT,
    STEPS_PER_BIT,
    TRIPLE_GAPS,
    Fingerprints,
)
from kicau.dataset_audit.matching.hash_tables import table_shift
from kicau.dataset_audit.matching.tokenizer import K0, K1, K2, UNSPACED_FLAG, Hashes, Places

CHUNK_WORDS = 4096
ONE = np.uint64(1)
TRIPLE_FIRST_GAPS, TRIPLE_LAST_GAPS = (
    tuple(a for a, _ in TRIPLE_GAPS[1:]),
    tuple(b for _, b in TRIPLE_GAPS[1:]),
)  # of rows with gaps
FIRST_GAPPED, FIRST_TWO, FIRST_LONGER = 3, 2 + len(TRIPLE_GAPS), PRINT_KIND_COUNT
RECENT_POSTS_TABLE_SIZE = 4096  # posts looked at lately, so that one copy is aligned once
INSERTED_WORD_PENALTY_BITS, MISSING_WORD_PENALTY_BITS, MISMATCH_PENALTY_BITS = (
    2.5,
    2.0,
    3.0,
)  # bits that a word put in, left out or changed costs; a PIECE of one accordingly
REPEATED_CHARACTER_LOSS_BITS = (
    1.5  # bits that the first of a row after such says less where its script has no spaces: one character often agrees
)
MAX_ALIGNED_WORDS = 400  # words of a post that are aligned around a hit
#: A commentary between two phrases of a post: bits that it costs, however long, and bits for each of its words. A word
#: or two put in cost less by INSERTED_WORD_PENALTY_BITS.
COMMENT_OPEN_BITS, COMMENT_WORD_BITS = 10.0, 0.1
#: Bits beyond what tells the posts' words apart, from which a match is aligned again with commentaries: of pairs by
#: chance most say less. Then so many words there for each word of the post that is missing, and so many more, are searched.
PHRASE_BITS, WORDS_AROUND_EACH, WORDS_AROUND = 6.0, 3, 40

# A match: post, first and last word there (last excluded), first and last of the post, words and bits that agree,
# the longest run of words in a row.
MATCH_FIELDS = 8


@njit(cache=True, nogil=True)
def _count_rows(words, begin, total, kind, runs):
    """How many rows of a kind begin in this chunk. Kinds 0 to 2 are rows of 3, 4 and 5 words, each built on the one
    before; then come three of five words, pairs, and rows of more words (see prints.py)."""
    if kind < FIRST_GAPPED:
        count = min(CHUNK_WORDS, total - begin - kind - 2)
        for j in range(count):
            i = begin + j
            if kind == 0:
                runs[j] = words[i] * K0 + words[i + 1] * K1 + words[i + 2] * K2
            elif kind == 1:
                runs[j] += words[i + 3] * K3
            else:
                runs[j] += words[i + 4] * K4
        return count
    if kind < FIRST_TWO:
        first, last = TRIPLE_FIRST_GAPS[kind - FIRST_GAPPED], TRIPLE_LAST_GAPS[kind - FIRST_GAPPED]
        count = min(CHUNK_WORDS, total - begin - last)
        for j in range(count):
            i = begin + j
            runs[j] = words[i] * K0 + words[i + first] * K1 + words[i + last] * K2
        return count
    if kind >= FIRST_LONGER:
        more = kind - FIRST_LONGER
        count = min(CHUNK_WORDS, total - begin - 5 - more)
        for j in range(count):
            i = begin + j
            row = (
                words[i] * K0
                + words[i + 1] * K1
                + words[i + 2] * K2
                + words[i + 3] * K3
                + words[i + 4] * K4
                + words[i + 5] * K5
            )
            if more > 0:
                row += words[i + 6] * K6
            if more > 1:
                row += words[i + 7] * K7
            runs[j] = row
        return count
    gap = kind - FIRST_TWO + 1
    count = min(CHUNK_WORDS, total - begin - gap)
    for j in range(count):
        runs[j] = words[begin + j] * K5 + words[begin + j + gap] * K6
    return count


@njit(cache=True, nogil=True)
def _filter_rows(rows, count, begin, marks, shift, looked, places, found, kept):
    """Those that the filter knows: in two steps, so that the processor waits for many memories at once."""
    for j in range(count):
        looked[j] = marks[rows[j] >> shift]
    for j in range(count):
        x = rows[j]
        looked[j] = (
            (looked[j] >> ((x >> uint64(30)) & uint64(63))) & (looked[j] >> ((x >> uint64(36)) & uint64(63))) & ONE
        )
    for j in range(count):
        places[kept] = begin + j
        found[kept] = rows[j]
        kept += looked[j]
    return kept


@njit(cache=True, nogil=True)
def _sift_all_rows(words, total, marks, shift, kinds, longer, places, found):
    """Rows of so many kinds, and of so many longer ones, that may be prints."""
    kept = 0
    rows = np.empty(CHUNK_WORDS, np.uint64)
    looked = np.empty(CHUNK_WORDS, np.uint64)
    begin = 0
    while begin < total:
        for at in range(kinds + longer):
            kind = at if at < kinds else FIRST_LONGER + at - kinds
            count = _count_rows(words, begin, total, kind, rows)
            if count > 0:
                kept = _filter_rows(rows, count, begin, marks, shift, looked, places, found, kept)
        begin += CHUNK_WORDS
    return kept


@njit(cache=True, nogil=True)
def _sift_single_rows(words, total, marks, shift, said, least, places, found):
    """From each word on, the one row that prints.py would have chosen. The last four words of a block have none."""
    kept = 0
    rows = np.empty(CHUNK_WORDS, np.uint64)
    looked = np.empty(CHUNK_WORDS, np.uint64)
    says = np.empty(CHUNK_WORDS + 4, np.int32)
    begin = 0
    while begin < total - 4:
        count = min(CHUNK_WORDS, total - begin - 4)
        for j in range(count + 4):
            says[j] = said[words[begin + j] >> uint64(48)]
        for j in range(count):
            i = begin + j
            three = says[j] + says[j + 1] + says[j + 2]
            row = words[i] * K0 + words[i + 1] * K1 + words[i + 2] * K2
            four = row + words[i + 3] * K3
            five = four + words[i + 4] * K4
            rows[j] = row if three >= least else (four if three + says[j + 3] >= least else five)
        kept = _filter_rows(rows, count, begin, marks, shift, looked, places, found, kept)
        begin += CHUNK_WORDS
    return kept


@njit(cache=True, nogil=True)
def _align(words, low, high, post, bits, after, n, best, rows, origins, has_comments):
    """Local alignment of a post's `n` words with words[low:high]; writes a match into `best`, gives its bits.

    rows: three rows of (score, agreeing bits); origins: three rows of (word there, word here, words, run, longest run).
    Two take turns; the third holds, where `has_comments`, the best match up to each word that a commentary follows."""
    top = 0.0
    if has_comments:
        for j in range(n + 1):
            rows[2, j, 0] = 0.0
    for j in range(n + 1):
        rows[0, j, 0] = 0.0
        rows[1, j, 0] = 0.0
    for i in range(low, high):
        old, new = (i - low) & 1, (i - low + 1) & 1
        w = words[i]
        there = CHARACTER_WORD_WEIGHT if w & UNSPACED_FLAG else 1.0
        rows[new, 0, 0] = 0.0
        for j in range(n):
            score, kind = 0.0, 0
            said = bits[j]
            if has_comments:
                commented = rows[2, j + 1, 0] - COMMENT_WORD_BITS * there
                begun = rows[old, j + 1, 0] - COMMENT_OPEN_BITS
                if begun > commented:
                    commented = begun
                    rows[2, j + 1, 1] = rows[old, j + 1, 1]
                    for k in range(5):
                        origins[2, j + 1, k] = origins[old, j + 1, k]
                rows[2, j + 1, 0] = commented
            if w == post[j]:
                if rows[old, j, 0] > 0.0:
                    if origins[old, j, 3] > 0:
                        said = after[j]
                    elif w & UNSPACED_FLAG:
                        said = max(0.0, said - REPEATED_CHARACTER_LOSS_BITS)
                score, kind = rows[old, j, 0] + said, 1
            else:
                here = CHARACTER_WORD_WEIGHT if post[j] & UNSPACED_FLAG else 1.0
                score = rows[old, j, 0] - MISMATCH_PENALTY_BITS * here
                if score > 0.0:
                    kind = 2
                up, left = (
                    rows[old, j + 1, 0] - INSERTED_WORD_PENALTY_BITS * there,
                    rows[new, j, 0] - MISSING_WORD_PENALTY_BITS * here,
                )
                if up > score:
                    score, kind = up, 3
                if left > score:
                    score, kind = left, 4
                if score <= 0.0:
                    score, kind = 0.0, 0
            if has_comments and rows[2, j + 1, 0] > score:
                score, kind = rows[2, j + 1, 0], 5
            rows[new, j + 1, 0] = score
            if kind == 1:
                if rows[old, j, 0] <= 0.0:
                    rows[new, j + 1, 1] = min(said, after[j])
                    origins[new, j + 1, 0], origins[new, j + 1, 1] = i, j
                    origins[new, j + 1, 2], origins[new, j + 1, 3], origins[new, j + 1, 4] = 1, 1, 1
                else:
                    rows[new, j + 1, 1] = rows[old, j, 1] + min(said, after[j])
                    for k in range(5):
                        origins[new, j + 1, k] = origins[old, j, k]
                    origins[new, j + 1, 2] += 1
                    origins[new, j + 1, 3] += 1
                    if origins[new, j + 1, 3] > origins[new, j + 1, 4]:
                        origins[new, j + 1, 4] = origins[new, j + 1, 3]
                if score > top:
                    top = score
                    best[1], best[2] = origins[new, j + 1, 0], i + 1
                    best[3], best[4] = origins[new, j + 1, 1], j + 1
                    best[5], best[6] = origins[new, j + 1, 2], rows[new, j + 1, 1]
                    best[7] = origins[new, j + 1, 4]
            elif kind:
                r, c = (old, j) if kind == 2 else ((old, j + 1) if kind == 3 else (new, j))
                if kind == 5:
                    r, c = 2, j + 1
                rows[new, j + 1, 1] = rows[r, c, 1]
                for k in range(5):
                    origins[new, j + 1, k] = origins[r, c, k]
                origins[new, j + 1, 3] = 0
    return top


@njit(cache=True, nogil=True)
def _join_hits(
    words,
    total,
    lines,
    places,
    found,
    hits,
    keys,
    posts,
    offsets,
    doors,
    shift,
    all_words,
    all_bits,
    all_after,
    begins,
    least,
    phrase,
    rows,
    origins,
    matches,
    scores,
):
    """Hits (sorted by place) against the table, each new (post, place) aligned; lines[k] is the first word of line k."""
    made = 0
    looked_post = np.full(RECENT_POSTS_TABLE_SIZE, -1, np.int64)
    looked_to = np.zeros(RECENT_POSTS_TABLE_SIZE, np.int64)
    best, other = np.zeros(MATCH_FIELDS, np.float64), np.zeros(MATCH_FIELDS, np.float64)
    line = 0
    for at in range(hits):
        key = found[at]
        place = places[at]
        door = key >> shift
        entry, last = doors[door], doors[door + ONE]
        while entry < last and keys[entry] < key:
            entry += 1
        if entry >= last or keys[entry] != key:
            continue
        while line + 1 < len(lines) and lines[line + 1] <= place:
            line += 1
        line_low = lines[line]
        line_high = lines[line + 1] if line + 1 < len(lines) else total
        while entry < last and keys[entry] == key:
            p = np.int64(posts[entry])
            off = np.int64(offsets[entry])
            entry += 1
            slot = p % RECENT_POSTS_TABLE_SIZE
            if looked_post[slot] == p and place < looked_to[slot]:
                continue
            first, n = begins[p], begins[p + 1] - begins[p]
            cut = 0
            if n > MAX_ALIGNED_WORDS:
                cut = min(max(0, off - MAX_ALIGNED_WORDS // 2), n - MAX_ALIGNED_WORDS)
                n = MAX_ALIGNED_WORDS
            low = max(line_low, place - (off - cut) - (off - cut) // 2 - 8)
            high = min(line_high, place + (n - (off - cut)) + (n - (off - cut)) // 2 + 8)
            own = all_words[first + cut : first + cut + n]
            bits = all_bits[first + cut : first + cut + n]
            after = all_after[first + cut : first + cut + n]
            score = _align(words, low, high, own, bits, after, n, best, rows, origins, False)
            if score >= phrase and best[4] - best[3] < n:
                low = max(line_low, np.int64(best[1] - WORDS_AROUND_EACH * best[3] - WORDS_AROUND))
                high = min(line_high, np.int64(best[2] + WORDS_AROUND_EACH * (n - best[4]) + WORDS_AROUND))
                commented = _align(words, low, high, own, bits, after, n, other, rows, origins, True)
                if commented > score:
                    score = commented
                    best[:] = other
            looked_post[slot] = p
            if score < least:
                looked_to[slot] = place + 1
                continue
            looked_to[slot] = max(place + 1, np.int64(best[2]))
            if made >= len(matches):
                return -1
            for k in range(MATCH_FIELDS):
                matches[made, k] = np.int64(best[k])
            matches[made, 0] = p
            matches[made, 3] += cut
            matches[made, 4] += cut
            scores[made, 0], scores[made, 1] = score, best[6]
            made += 1
    return made


@dataclass(frozen=True, slots=True)
class WordMatch:
    """Words of a block that agree with a post's: `first` to `last` (excluded) there, `begin` to `end` of the post."""

    post: int
    first: int
    last: int
    begin: int
    end: int
    words: int  # that agree
    bits: float  # that these say
    run: int  # the longest row of them
    score: float


class WordScanner:
    """Looks through words for copies; one to a process, its buffers are reused."""

    def __init__(self, prints: Fingerprints, least: float) -> None:
        """`least`: bits that a match must say at least, after what its gaps cost."""
        self.prints, self.least = prints, least
        self._room = 0
        self._rows = np.zeros((3, MAX_ALIGNED_WORDS + 1, 2), np.float64)
        self._origins = np.zeros((3, MAX_ALIGNED_WORDS + 1, 5), np.int64)
        self._matches, self._scores = np.zeros((4096, MATCH_FIELDS), np.int64), np.zeros((4096, 2), np.float64)
        self._shift = np.uint64(table_shift(prints.filter))
        self._doors_shift = np.uint64(table_shift(prints.doors[1:]))

    def matches(self, words: Hashes, lines: Places) -> list[WordMatch]:
        """In the order of the block. `lines`: the first word of each line, rising, beginning with 0; no match spans two."""
        total = len(words)
        if total < 2 or not len(self.prints.keys):
            return []
        longer = len(LONGER_ROW_LENGTHS) if self.prints.longer else 0
        most = max(1, self.prints.kinds + longer) * total
        if most > self._room:
            self._room = most + CHUNK_WORDS
            self._places, self._found = np.empty(self._room, np.int64), np.empty(self._room, np.uint64)
        p = self.prints
        if p.kinds:
            hits = _sift_all_rows(words, total, p.filter, self._shift, p.kinds, longer, self._places, self._found)
        else:
            hits = _sift_single_rows(
                words, total, p.filter, self._shift, p.said, int(p.needed * STEPS_PER_BIT), self._places, self._found
            )
        order = np.argsort(self._places[:hits], kind="stable")
        places, found = self._places[:hits][order], self._found[:hits][order]
        while True:
            made = _join_hits(
                words,
                total,
                lines,
                places,
                found,
                hits,
                p.keys,
                p.posts,
                p.offsets,
                p.doors,
                self._doors_shift,
                p.words,
                p.bits,
                p.after,
                p.begins,
                self.least,
                p.told + PHRASE_BITS,
                self._rows,
                self._origins,
                self._matches,
                self._scores,
            )
            if made >= 0:
                break
            self._matches = np.zeros((2 * len(self._matches), MATCH_FIELDS), np.int64)
            self._scores = np.zeros((2 * len(self._scores), 2), np.float64)
        return [
            WordMatch(
                int(m[0]), int(m[1]), int(m[2]), int(m[3]), int(m[4]), int(m[5]), float(s[1]), int(m[7]), float(s[0])
            )
            for m, s in zip(self._matches[:made], self._scores[:made], strict=True)
        ]


def line_starts(ends_of_lines: NDArray[np.int64], starts: Places) -> Places:
    """The first word of each line that has any, from the bytes where lines end and where words begin."""
    first = np.searchsorted(starts, ends_of_lines)
    found: Places = np.unique(np.concatenate([np.zeros(1, np.int64), first[first < len(starts)]]))
    return found
