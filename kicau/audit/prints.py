"""The fingerprints of one's own posts: a folder of arrays that every process maps, and that no other search needs.

A print is a row of 3 to 5 words that says enough to be looked for. How much a word says is counted in bits from how
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

from kicau.audit.tables import counts_of, doors_of, filter_of
from kicau.audit.words import K0, K1, K2, Hashes, Reader

K3, K4 = np.uint64(0xD6E8FEB86659FD93), np.uint64(0xA0761D6478BD642F)
GAPPED = ((0, 1, 3), (0, 2, 3))  # of four words, three: for posts so short that one changed word breaks every row
GAP_FACTORS = ((np.uint64(0x8CB92BA72F3D8DD7), K1, K2), (np.uint64(0xE7037ED1A0B428DB), K3, K4))

RARE = 18.0  # bits that a word says at most: what was never seen may only be a sample too small
GRAIN = 8  # parts of a bit in `said`
SPARE = 6.0  # bits that a print says beyond what tells the posts' own words apart: fewer looks in vain
SHORT_OF = 10.0  # bits that a post's only print may lack, where the search is thorough
THOROUGH = 2_000_000  # words of posts up to which all rows are looked up, those with a gap too; beyond, one a word
OWN = 2  # uses of a row that make no manner of speaking: the post's own, and a copy with other neighbours
COUNTED = 6_000_000  # words of posts, and of the sample, that are enough to count uses
COMMON = 64  # posts that share a print at most; a greeting or a slogan says nothing of any of them
BATCH = 20_000  # posts read at once
FORM = 1


@dataclass(frozen=True, slots=True, eq=False)
class Prints:
    """Words `begins[p]` to `begins[p + 1]` of `words` are post p's; `bits` is what each says and `after` what it says
    after those before it. Print k is of post `posts[k]` from its word `offsets[k]` on; `keys` are sorted, with `doors`
    and `filter` of tables.py. `said` is what the scan knows of any word, by the top 16 bits of its hash, in 1/GRAIN
    bits. `ids[p]`: posts of the same words are one, whose ids stand together; empty where it was opened without."""

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
    thorough: bool
    needed: float  # bits that a print says at least

    ARRAYS = ("words", "bits", "after", "begins", "keys", "posts", "offsets", "doors", "filter", "said")

    def save(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        for name in self.ARRAYS:
            np.save(folder / f"{name}.npy", getattr(self, name))
        (folder / "ids.json").write_text(json.dumps(self.ids), "utf-8")
        about = {"form": FORM, "needed": self.needed, "thorough": self.thorough}
        (folder / "prints.json").write_text(json.dumps(about), "utf-8")

    @classmethod
    def open(cls, folder: Path, *, with_ids: bool = False) -> Prints:
        """Mapped, not read: processes share it. Raises ValueError for a folder of another form."""
        about = json.loads((folder / "prints.json").read_text("utf-8"))
        if about["form"] != FORM:
            raise ValueError(f"These prints are of form {about['form']}, this version reads {FORM}: make them anew.")
        arrays = {name: np.load(folder / f"{name}.npy", mmap_mode="r") for name in cls.ARRAYS}
        ids = json.loads((folder / "ids.json").read_text("utf-8")) if with_ids else ()
        return cls(ids=ids, needed=about["needed"], thorough=about["thorough"], **arrays)

    @property
    def told(self) -> float:
        """The bits that tell one word among all the posts' from the others."""
        return float(np.log2(max(2, len(self.words))))


def make(posts: Iterable[tuple[str, str]], sample: Sequence[Hashes] = ()) -> Prints:
    """The prints of (id, text) pairs; `sample` are words of the data to be audited, to tell the common from the rare."""
    ids, words, begins = _words_of(posts)
    thorough = len(words) <= THOROUGH
    bits, after, said = _bits(words, sample)
    needed = float(np.log2(max(2, len(words)))) + SPARE
    keys, at = _all_rows(words, begins, said, needed) if thorough else _one_row_a_word(words, begins, said, needed)
    order = np.argsort(keys)
    keys, at = keys[order], at[order]
    kept = _not_common(keys)
    keys, at = keys[kept], at[kept]
    owner = np.repeat(np.arange(len(begins) - 1), np.diff(begins))[at]
    return Prints(
        ids=ids, words=words, bits=bits, after=after, begins=begins, keys=keys, posts=owner.astype(np.uint32),
        offsets=np.minimum(at - begins[owner], 65535).astype(np.uint16), doors=doors_of(keys), filter=filter_of(keys),
        said=said, thorough=thorough, needed=needed,
    )  # fmt: skip


def _words_of(posts: Iterable[tuple[str, str]]) -> tuple[list[list[str]], Hashes, NDArray[np.int64]]:
    """Posts of the same words become one."""
    names: list[str] = []
    runs: list[Hashes] = []
    counts: list[NDArray[np.int64]] = []
    reader = Reader()
    for batch in batched(posts, BATCH):
        texts = [text.encode("utf-8", "surrogatepass") for _, text in batch]
        names += [post for post, _ in batch]
        words, starts, _ = reader.read(b"\n".join(texts))
        ends = np.cumsum([len(text) + 1 for text in texts])
        runs.append(words.copy())
        counts.append(np.diff(np.searchsorted(starts, ends), prepend=0))
    if not names:
        return [], np.zeros(0, np.uint64), np.zeros(1, np.int64)
    return _without_twins(names, np.concatenate(runs), np.concatenate(counts))


def _without_twins(names: Sequence[str], words: Hashes, counts: NDArray[np.int64]) -> tuple[list[list[str]], Hashes, NDArray[np.int64]]:  # fmt: skip
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


def _bits(words: Hashes, sample: Sequence[Hashes]) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.uint8]]:  # fmt: skip
    """What each word of the posts says by itself, and after the one or two before it: minus the logarithms of its
    shares; and the table of what words say.

    Uses are counted by the different words around them, so that a text which was copied a thousand times counts once,
    and is not taken for a manner of speaking.
    """
    counted = np.concatenate([words[:COUNTED], *sample])[: 2 * COUNTED]
    known, counts = _uses(counted, 1)
    total = counts.sum() + 0.5 * len(known) + 1
    share = (counts_of(known, counts, _row(words, 1)) + 0.5) / total
    said = np.full(1 << 16, int(RARE * GRAIN), np.uint8)
    slots = (known >> np.uint64(48)).astype(np.int64)
    np.minimum.at(said, slots, (GRAIN * np.minimum(RARE, -np.log2((counts + 0.5) / total))).astype(np.uint8))
    after = share.copy()
    shorter = (known, counts)
    for length in (2, 3):
        longer = _uses(counted, length)
        if len(words) >= length:
            whole = counts_of(*longer, _row(words, length))
            before = counts_of(*shorter, _row(words, length - 1)[: len(whole)])
            tail = after[length - 1 :]
            np.maximum(tail, np.maximum(whole - OWN, 0) / np.maximum(before, OWN), out=tail)
        shorter = longer
    bits, bits_after = (np.minimum(RARE, -np.log2(s)).astype(np.float32) for s in (share, after))
    return bits, bits_after, said


LOW = np.uint64(0xFFFFFF)


def _row(words: Hashes, length: int) -> Hashes:
    """Each row of words as one hash, its lower bits left to `_uses`."""
    made: Hashes = words[: len(words) - length + 1].copy()
    for at in range(1, length):
        made = made * K3 + words[at : at + len(made)] * K4
    return made & ~LOW


def _uses(words: Hashes, length: int) -> tuple[Hashes, NDArray[np.int64]]:
    """Each row of `length` words with the number of different surroundings (a word on each side) in which it stands."""
    rows = _row(words, length)
    padded: Hashes = np.concatenate([np.zeros(1, np.uint64), words, np.zeros(1, np.uint64)])
    around = padded[: len(rows)] * K0 + padded[length + 1 :][: len(rows)] * K1
    different = np.sort(rows | (around >> np.uint64(40)))
    rows = different[np.concatenate([[True], different[1:] != different[:-1]])] & ~LOW
    first = np.flatnonzero(np.concatenate([[True], rows[1:] != rows[:-1]]))
    return rows[first], np.diff(np.append(first, len(rows)))


def rows_of(words: Hashes, length: int) -> Hashes:
    """The hash of each row of `length` words, by its first word; the scan makes the same."""
    count = max(0, len(words) - length + 1)
    found = np.zeros(count, np.uint64)
    for at, factor in enumerate((K0, K1, K2, K3, K4)[:length]):
        found += words[at : at + count] * factor
    return found


def gapped_of(words: Hashes, kind: int) -> Hashes:
    count = max(0, len(words) - 3)
    found = np.zeros(count, np.uint64)
    for at, factor in zip(GAPPED[kind], GAP_FACTORS[kind], strict=True):
        found += words[at : at + count] * factor
    return found


def _one_row_a_word(words: Hashes, begins: NDArray[np.int64], said: NDArray[np.uint8], needed: float) -> tuple[Hashes, NDArray[np.int64]]:  # fmt: skip
    """From each word on, the shortest row that says enough, or else the one of five. The scan chooses likewise."""
    room = _room(begins, len(words))
    sums = np.concatenate([[0], np.cumsum(said[words >> np.uint64(48)], dtype=np.int64)])
    least = int(needed * GRAIN)
    taken = np.zeros(len(words), bool)
    picked: list[tuple[Hashes, NDArray[np.int64]]] = []
    for length in (3, 4, 5):
        rows = rows_of(words, length)
        enough = ~taken[: len(rows)]
        if length < 5:
            enough &= sums[length:] - sums[: len(rows)] >= least
        taken[: len(rows)] |= enough
        at = np.flatnonzero(enough & (room[: len(rows)] >= length))
        picked.append((rows[at], at))
    return np.concatenate([p[0] for p in picked]), np.concatenate([p[1] for p in picked])


def _all_rows(words: Hashes, begins: NDArray[np.int64], said: NDArray[np.uint8], needed: float) -> tuple[Hashes, NDArray[np.int64]]:  # fmt: skip
    """From each word on, the shortest row that says enough, and those with a gap; where a post has none, its fullest."""
    room = _room(begins, len(words))
    bits = said[words >> np.uint64(48)] / GRAIN
    sums = np.concatenate([[0.0], np.cumsum(bits)])
    taken = np.zeros(len(words), bool)
    picked: list[tuple[Hashes, NDArray[np.int64]]] = []
    for length in (3, 4, 5):
        rows = rows_of(words, length)
        enough = (room[: len(rows)] >= length) & ~taken[: len(rows)] & (sums[length:] - sums[: len(rows)] >= needed)
        at = np.flatnonzero(enough)
        taken[at] = True
        picked.append((rows[at], at))
    for kind, places in enumerate(GAPPED):
        rows = gapped_of(words, kind)
        says = sum(bits[at : at + len(rows)] for at in places)
        at = np.flatnonzero((room[: len(rows)] >= 4) & (says >= needed))
        picked.append((rows[at], at))
    lacking = np.flatnonzero(np.add.reduceat(np.append(taken, False), begins[:-1]) == 0) if len(begins) > 1 else np.zeros(0, np.int64)  # fmt: skip
    for length in (3, 4, 5):
        rows = rows_of(words, length)
        sizes = np.diff(begins)[lacking]
        at = begins[:-1][lacking[(sizes == length) | ((length == 5) & (sizes > 5))]]
        at = at[sums[at + length] - sums[at] >= needed - SHORT_OF]
        picked.append((rows[at], at))
    return np.concatenate([p[0] for p in picked]), np.concatenate([p[1] for p in picked])


def _room(begins: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """Words from each to its post's end."""
    return np.repeat(begins[1:], np.diff(begins)) - np.arange(count)


def _not_common(keys: Hashes) -> NDArray[np.bool_]:
    if not len(keys):
        return np.zeros(0, bool)
    first = np.flatnonzero(np.concatenate([[True], keys[1:] != keys[:-1]]))
    counts = np.diff(np.append(first, len(keys)))
    return np.repeat(counts <= COMMON, counts)
