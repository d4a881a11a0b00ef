"""The fingerprints of one's own posts: a folder of arrays that every process maps, and that no other search needs.

A print is a row of 3 to 5 words, or two or three of five where there are few posts, that says enough to be looked for. How much a word says is counted in bits from how
often it is used, in the posts and in a sample of the audited data: of common words five are needed, with a rare name
three do. So the search fits itself to any language, any number of posts, and to texts of very few words.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import batched
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kicau.dataset_audit.matching.hash_tables import bloom_filter, bucket_starts, look_up_counts
from kicau.dataset_audit.matching.tokenizer import K0, K1, K2, UNSPACED_FLAG, Hashes, WordReader

K3, K4 = np.uint64(0xD6E8FEB86659FD93), np.uint64(0xA0761D6478BD642F)
K5, K6 = np.uint64(0x8CB92BA72F3D8DD7), np.uint64(0xE7037ED1A0B428DB)
K7 = np.uint64(0xC2B2AE3D27D4EB4F)
#: Of five words, three: what was left out or put in between does not count, so that one copy's gap is another's row.
TRIPLE_GAPS = ((1, 2), (1, 3), (2, 3), (1, 4), (2, 4), (3, 4))
PAIR_GAPS = (1, 2, 3)  # and of four words two, where these are rare

MAX_WORD_BITS = 18.0  # bits that a word says at most: what was never seen may only be a sample too small
MIN_WORD_BITS = (
    0.05  # bits that a word says that was foretold for certain: it belongs to the match, as the last of a post may
)
STEPS_PER_BIT = 8  # parts of a bit in `said`
CHARACTER_WORD_WEIGHT = 0.45  # of a word, that a character or cluster is where its script has no spaces
CHARACTER_BITS_FACTOR = 0.65  # of the bits of a character, where one is a word: those before it foretell it
LONE_CHARACTER_LOSS_BITS = 1.5  # bits that such a one says less where the one before it does not agree
WORDS_BEFORE, WORDS_BEFORE_UNSPACED = 2, 3  # words before one that may foretell it; more where many are characters
#: Words from a row to what stands around it: of characters so many that it is not the rest of the same name or term,
#: whose uses would else count once.
WORDS_AROUND, WORDS_AROUND_UNSPACED = 1, 4
MANY_UNSPACED_SHARE = 0.2  # of the posts' words: many
SPARE_BITS = 6.0  # bits that a print says beyond what tells the posts' own words apart: fewer looks in vain
MAX_MISSING_BITS = 10.0  # bits that a post's only print may lack, where the search is thorough
FULL_SEARCH_WORDS, THOROUGH_SEARCH_WORDS = (
    1_000_000,
    2_000_000,
)  # words of posts up to which KINDS are looked up, and the first five; beyond, one a word
PRINT_KIND_COUNT = (
    3 + len(TRIPLE_GAPS) - 1 + len(PAIR_GAPS)
)  # rows of 3, 4 and 5 words, threes of four words, of five, twos
LONGER_ROW_LENGTHS = (
    6,
    7,
    8,
)  # words of the rows that are looked up too where many words are characters, which say little
SHORT_POST_WORDS = 24  # words of a post up to which it has prints of all these; a longer one has rows enough
MAX_PHRASE_WORDS = (
    6.0  # words of a post up to which it may be a turn of speech, so that its uses are counted in the sample
)
OWN_USES = 2  # uses of a row that make no manner of speaking: the post's own, and a copy with other neighbours
MAX_COUNTED_WORDS = 6_000_000  # words of posts, and of the sample, that are enough to count uses
MAX_POSTS_PER_PRINT = 64  # posts that share a print at most; a greeting or a slogan says nothing of any of them
BATCH_SIZE = 20_000  # posts read at once
FORMAT_VERSION = 5


@dataclass(frozen=True, slots=True, eq=False)
class Fingerprints:
    """Words `begins[p]` to `begins[p + 1]` of `words` are post p's; `bits` is what each says and `after` what it says
    after those before it. Print k is of post `posts[k]` from its word `offsets[k]` on; `keys` are sorted, with `doors`
    and `filter` of tables.py. `said` is what the scan knows of any word, by the top 16 bits of its hash, in 1/GRAIN
    bits. `often[p]`: in how many different surroundings the sample holds a short post as it is. `ids[p]`: posts of the same words are one, whose ids stand together; empty where it was opened without."""

    ids: Sequence[Sequence[str]]
    words: Hashes
    bits: NDArray[np.float32]
    after: NDArray[np.float32]
    begins: NDArray[np.int64]
    keys: Hashes
    posts: NDArray[np.uint32]
    offsets: NDArray[np.uint16]
    doors: NDArray[np.uint32]
    filter: Hashes
    said: NDArray[np.uint8]
    often: NDArray[np.uint8]
    kinds: int  # of rows that are looked up from each word on; 0: the one that says enough
    longer: bool  # whether rows of LONGER words are looked up too
    needed: float  # bits that a print says at least

    ARRAYS = ("words", "bits", "after", "begins", "keys", "posts", "offsets", "doors", "filter", "said", "often")

    def save(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        for name in self.ARRAYS:
            np.save(folder / f"{name}.npy", getattr(self, name))
        (folder / "ids.json").write_text(json.dumps(self.ids), "utf-8")
        about = {"form": FORMAT_VERSION, "needed": self.needed, "kinds": self.kinds, "longer": self.longer}
        (folder / "prints.json").write_text(json.dumps(about), "utf-8")

    @classmethod
    def open(cls, folder: Path, *, with_ids: bool = False) -> Fingerprints:
        """Mapped, not read: processes share it. Raises ValueError for a folder of another form."""
        about = json.loads((folder / "prints.json").read_text("utf-8"))
        if about["form"] != FORMAT_VERSION:
            raise ValueError(
                f"These prints are of form {about['form']}, this version reads {FORMAT_VERSION}: make them anew."
            )
        arrays = {name: np.load(folder / f"{name}.npy", mmap_mode="r") for name in cls.ARRAYS}
        ids = json.loads((folder / "ids.json").read_text("utf-8")) if with_ids else ()
        return cls(ids=ids, needed=about["needed"], kinds=about["kinds"], longer=about["longer"], **arrays)

    @staticmethod
    def are_in(folder: Path) -> bool:
        """Whether there are prints that `open` takes: none from an earlier version, none half written."""
        try:
            return bool(json.loads((folder / "prints.json").read_text("utf-8"))["form"] == FORMAT_VERSION)
        except (OSError, ValueError, KeyError):
            return False

    @property
    def told(self) -> float:
        """The bits that tell one word among all the posts' from the others."""
        return float(np.log2(max(2, len(self.words))))


def make_prints(posts: Iterable[tuple[str, str]], sample: Sequence[Hashes] = ()) -> Fingerprints:
    """The prints of (id, text) pairs; `sample` are words of the data to be audited, to tell the common from the rare."""
    return _build_prints(*_words_of_posts(posts), sample)


def remake_prints(prints: Fingerprints, sample: Sequence[Hashes]) -> Fingerprints:
    """The prints of the same posts by another sample."""
    return _build_prints(prints.ids, prints.words, prints.begins, sample)


def _build_prints(
    ids: Sequence[Sequence[str]], words: Hashes, begins: NDArray[np.int64], sample: Sequence[Hashes]
) -> Fingerprints:
    kinds = PRINT_KIND_COUNT if len(words) <= FULL_SEARCH_WORDS else 5 if len(words) <= THOROUGH_SEARCH_WORDS else 0
    longer = bool(kinds) and _mostly_unspaced(words)
    bits, lone, after, said = _word_bits(words, sample)
    needed = float(np.log2(max(2, len(words)))) + SPARE_BITS
    keys, at = (
        _all_rows(words, begins, bits, after, needed, kinds, longer)
        if kinds
        else _single_rows(words, begins, said, needed)
    )
    order = np.argsort(keys)
    keys, at = keys[order], at[order]
    kept = _is_uncommon(keys)
    keys, at = keys[kept], at[kept]
    owner = np.repeat(np.arange(len(begins) - 1), np.diff(begins))[at]
    return Fingerprints(
        ids=ids,
        words=words,
        bits=lone,
        after=after,
        begins=begins,
        keys=keys,
        posts=owner.astype(np.uint32),
        offsets=np.minimum(at - begins[owner], 65535).astype(np.uint16),
        doors=bucket_starts(keys),
        filter=bloom_filter(keys),
        said=said,
        often=_surroundings_of_short_posts(words, begins, sample) if kinds else np.zeros(len(begins) - 1, np.uint8),
        kinds=kinds,
        longer=longer,
        needed=needed,
    )


def _words_of_posts(posts: Iterable[tuple[str, str]]) -> tuple[list[list[str]], Hashes, NDArray[np.int64]]:
    """Posts of the same words become one."""
    names: list[str] = []
    runs: list[Hashes] = []
    counts: list[NDArray[np.int64]] = []
    reader = WordReader()
    for batch in batched(posts, BATCH_SIZE):
        texts = [text.encode("utf-8", "surrogatepass") for _, text in batch]
        names += [post for post, _ in batch]
        words, starts, _ = reader.read(b"\n".join(texts))
        ends = np.cumsum([len(text) + 1 for text in texts])
        runs.append(words.copy())
        counts.append(np.diff(np.searchsorted(starts, ends), prepend=0))
    if not names:
        return [], np.zeros(0, np.uint64), np.zeros(1, np.int64)
    return _merge_equal_posts(names, np.concatenate(runs), np.concatenate(counts))


def _merge_equal_posts(
    names: Sequence[str], words: Hashes, counts: NDArray[np.int64]
) -> tuple[list[list[str]], Hashes, NDArray[np.int64]]:
    begins = np.concatenate([[0], np.cumsum(counts)])
    place = (np.arange(len(words)) - np.repeat(begins[:-1], counts)).astype(np.uint64)
    sums = np.concatenate([np.zeros(1, np.uint64), np.cumsum((words ^ (place * K3)) * K1, dtype=np.uint64)])
    keys = sums[begins[1:]] - sums[begins[:-1]]
    _, first, twin = np.unique(keys, return_index=True, return_inverse=True)
    order = np.argsort(first)  # as they came
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order))
    ids: list[list[str]] = [[] for _ in order]
    for name, at in zip(names, rank[twin].tolist(), strict=True):
        ids[at].append(name)
    kept = np.zeros(len(names), bool)
    kept[first] = True
    return ids, words[np.repeat(kept, counts)], np.concatenate([[0], np.cumsum(counts[kept])])


def _word_bits(
    words: Hashes, sample: Sequence[Hashes]
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32], NDArray[np.uint8]]:
    """What each word of the posts says by itself, where none agrees before it, and after those before it: minus the
    logarithms of its shares; and the table of what words say.

    Uses are counted by the different words around them, so that a text which was copied a thousand times counts once,
    and is not taken for a manner of speaking.
    """
    counted = np.concatenate([words[:MAX_COUNTED_WORDS], *sample])[: 2 * MAX_COUNTED_WORDS]
    mostly = _mostly_unspaced(words)
    around, before_one = (WORDS_AROUND_UNSPACED, WORDS_BEFORE_UNSPACED) if mostly else (WORDS_AROUND, WORDS_BEFORE)
    known, counts = _count_surroundings(counted, 1, around)
    total = counts.sum() + 0.5 * len(known) + 1
    share = (look_up_counts(known, counts, _row_hashes(words, 1)) + 0.5) / total
    said = np.full(1 << 16, int(MAX_WORD_BITS * STEPS_PER_BIT), np.uint8)
    slots = (known >> np.uint64(48)).astype(np.int64)
    told = np.minimum(MAX_WORD_BITS, -np.log2((counts + 0.5) / total)) * np.where(
        known & UNSPACED_FLAG, CHARACTER_BITS_FACTOR, 1.0
    )
    np.minimum.at(said, slots, (STEPS_PER_BIT * told).astype(np.uint8))
    after = share.copy()
    shorter = (known, counts)
    unspaced = (words & UNSPACED_FLAG).astype(bool)
    for length in range(2, before_one + 2):
        longer = _count_surroundings(counted, length, around)
        if len(words) >= length:
            whole = look_up_counts(*longer, _row_hashes(words, length))
            before = look_up_counts(*shorter, _row_hashes(words, length - 1)[: len(whole)])
            tail = after[length - 1 :]
            np.maximum(tail, np.maximum(whole - OWN_USES, 0) / np.maximum(before, OWN_USES), out=tail)
        shorter = longer
    bits, bits_after = (np.clip(-np.log2(s), MIN_WORD_BITS, MAX_WORD_BITS).astype(np.float32) for s in (share, after))
    return (
        bits,
        np.maximum(bits - LONE_CHARACTER_LOSS_BITS * unspaced, MIN_WORD_BITS).astype(np.float32),
        bits_after,
        said,
    )


def _surroundings_of_short_posts(
    words: Hashes, begins: NDArray[np.int64], sample: Sequence[Hashes]
) -> NDArray[np.uint8]:
    """In how many different surroundings each short post stands in the sample, word by word; 255 is that or more."""
    sizes, weight = np.diff(begins), _post_weights(words, begins)
    found = np.zeros(len(sizes), np.uint8)
    counted: Hashes = np.concatenate([np.zeros(1, np.uint64), *sample, np.zeros(1, np.uint64)])
    for length in range(3, int(MAX_PHRASE_WORDS / CHARACTER_WORD_WEIGHT) + 1):
        posts = np.flatnonzero((sizes == length) & (weight <= MAX_PHRASE_WORDS))
        if len(posts) and len(counted) > length + 2:
            asked = _row_hashes(words, length)[begins[posts]]
            marks = np.zeros(1 << 20, bool)
            marks[asked >> np.uint64(44)] = True
            rows = _row_hashes(counted[1:-1], length)
            at = np.flatnonzero(marks[rows >> np.uint64(44)])
            around: Hashes = counted[at] * K0 + counted[at + length + 1] * K1
            uses = rows[at] | (around >> np.uint64(40))
            rows, counts = np.unique(np.unique(uses) & ~LOW_BITS_MASK, return_counts=True)
            found[posts] = np.minimum(look_up_counts(rows, counts, asked), 255)
    return found


def _post_weights(words: Hashes, begins: NDArray[np.int64]) -> NDArray[np.float64]:
    """The words of each post, of which a PIECE is a part."""
    return np.diff(
        np.concatenate([[0.0], np.cumsum(np.where(words & UNSPACED_FLAG, CHARACTER_WORD_WEIGHT, 1.0))])[begins]
    )


def _mostly_unspaced(words: Hashes) -> bool:
    return bool(np.count_nonzero(words & UNSPACED_FLAG) > MANY_UNSPACED_SHARE * len(words))


LOW_BITS_MASK = np.uint64(0xFFFFFF)


def _row_hashes(words: Hashes, length: int) -> Hashes:
    """Each row of words as one hash, its lower bits left to `_count_surroundings`."""
    made: Hashes = words[: max(0, len(words) - length + 1)].copy()
    for at in range(1, length):
        made = made * K3 + words[at : at + len(made)] * K4
    return made & ~LOW_BITS_MASK


def _count_surroundings(words: Hashes, length: int, around: int) -> tuple[Hashes, NDArray[np.int64]]:
    """Each row of `length` words with the number of different surroundings (the word so far `around` it on each side)
    in which it stands."""
    rows = _row_hashes(words, length)
    beyond = np.zeros(around, np.uint64)
    padded: Hashes = np.concatenate([beyond, words, beyond])
    sides = padded[: len(rows)] * K0 + padded[length + 2 * around - 1 :][: len(rows)] * K1
    different = np.sort(rows | (sides >> np.uint64(40)))
    rows = different[_change_places(different)] & ~LOW_BITS_MASK
    first = np.flatnonzero(_change_places(rows))
    return rows[first], np.diff(np.append(first, len(rows)))


def _change_places(rising: Hashes) -> NDArray[np.bool_]:
    """Where another value than the one before stands."""
    found = np.ones(len(rising), bool)
    found[1:] = rising[1:] != rising[:-1]
    return found


def row_hashes(words: Hashes, length: int) -> Hashes:
    """The hash of each row of `length` words, by its first word; the scan makes the same."""
    count = max(0, len(words) - length + 1)
    found = np.zeros(count, np.uint64)
    for at, factor in enumerate((K0, K1, K2, K3, K4, K5, K6, K7)[:length]):
        found += words[at : at + count] * factor
    return found


def pair_hashes(words: Hashes, gap: int) -> Hashes:
    """The hash of each word with the one `gap` words on."""
    found: Hashes = words[: max(0, len(words) - gap)] * K5 + words[gap:] * K6
    return found


def triple_hashes(words: Hashes, gaps: tuple[int, int]) -> Hashes:
    """The hash of each word with those so many words on; that of words 0, 1 and 2 is the row of three."""
    count = max(0, len(words) - gaps[1])
    found: Hashes = words[:count] * K0 + words[gaps[0] : gaps[0] + count] * K1 + words[gaps[1] : gaps[1] + count] * K2
    return found


def _single_rows(
    words: Hashes, begins: NDArray[np.int64], said: NDArray[np.uint8], needed: float
) -> tuple[Hashes, NDArray[np.int64]]:
    """From each word on, the shortest row that says enough, or else the one of five. The scan chooses likewise."""
    room = _words_to_post_end(begins, len(words))
    sums = np.concatenate([[0], np.cumsum(said[words >> np.uint64(48)], dtype=np.int64)])
    least = int(needed * STEPS_PER_BIT)
    taken = np.zeros(len(words), bool)
    picked: list[tuple[Hashes, NDArray[np.int64]]] = []
    for length in (3, 4, 5):
        rows = row_hashes(words, length)
        enough = ~taken[: len(rows)]
        if length < 5:
            enough &= sums[length:] - sums[: len(rows)] >= least
        taken[: len(rows)] |= enough
        at = np.flatnonzero(enough & (room[: len(rows)] >= length))
        picked.append((rows[at], at))
    return np.concatenate([p[0] for p in picked]), np.concatenate([p[1] for p in picked])


def _all_rows(
    words: Hashes,
    begins: NDArray[np.int64],
    bits: NDArray[np.float32],
    after: NDArray[np.float32],
    needed: float,
    kinds: int,
    longer: bool,
) -> tuple[Hashes, NDArray[np.int64]]:
    """From each word on, the shortest row that says enough, and those with gaps; where a post has none, its fullest."""
    room = _words_to_post_end(begins, len(words))
    sums = np.concatenate([[0.0], np.cumsum(after, dtype=np.float64)])
    sizes = np.diff(begins)
    short = np.repeat(
        (sizes > 2) & (_post_weights(words, begins) <= SHORT_POST_WORDS) & (kinds == PRINT_KIND_COUNT), sizes
    )  # two words are no evidence
    taken = np.zeros(len(words), bool)
    picked: list[tuple[Hashes, NDArray[np.int64]]] = []
    for length in (3, 4, 5, *(LONGER_ROW_LENGTHS if longer else ())):
        rows = row_hashes(words, length)
        says = bits[: len(rows)] + sums[length:] - sums[1 : len(rows) + 1]
        at = np.flatnonzero((room[: len(rows)] >= length) & ~taken[: len(rows)] & (says >= needed))
        taken[at] = True
        picked.append((rows[at], at))
    for first, last in TRIPLE_GAPS[1:]:
        rows = triple_hashes(words, (first, last))
        second = (after if first == 1 else bits)[first : first + len(rows)]
        third = (after if last == first + 1 else bits)[last:]
        says = bits[: len(rows)] + second + third
        fits = (room[: len(rows)] > last) & (short[: len(rows)] | (last == 3))
        at = np.flatnonzero(fits & (says >= needed))
        picked.append((rows[at], at))
    for gap in PAIR_GAPS:
        rows = pair_hashes(words, gap)
        says = bits[: len(rows)] + (after if gap == 1 else bits)[gap:]
        at = np.flatnonzero((room[: len(rows)] > gap) & short[: len(rows)] & (says >= needed))
        picked.append((rows[at], at))
    lacking = (
        np.flatnonzero(np.add.reduceat(np.append(taken, False), begins[:-1]) == 0)
        if len(begins) > 1
        else np.zeros(0, np.int64)
    )
    for length in (3, 4, 5):
        rows = row_hashes(words, length)
        at = begins[:-1][lacking[np.minimum(sizes[lacking], 5) == length]]
        at = at[bits[at] + sums[at + length] - sums[at + 1] >= needed - MAX_MISSING_BITS]
        picked.append((rows[at], at))
    return np.concatenate([p[0] for p in picked]), np.concatenate([p[1] for p in picked])


def _words_to_post_end(begins: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """Words from each to its post's end."""
    return np.repeat(begins[1:], np.diff(begins)) - np.arange(count)


def _is_uncommon(keys: Hashes) -> NDArray[np.bool_]:
    if not len(keys):
        return np.zeros(0, bool)
    first = np.flatnonzero(np.concatenate([[True], keys[1:] != keys[:-1]]))
    counts = np.diff(np.append(first, len(keys)))
    return np.repeat(counts <= MAX_POSTS_PER_PRINT, counts)
