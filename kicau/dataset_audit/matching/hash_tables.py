"""Sorted tables of 64-bit hashes that answer in about one look at memory, and the filter before them."""

from __future__ import annotations

import numpy as np
from numba import njit, uint64
from numpy.typing import NDArray

from kicau.dataset_audit.matching.tokenizer import Hashes

ONE = np.uint64(1)
MAX_BUCKET_BITS, MAX_FILTER_BITS = 26, 22  # powers of two: entries of doors, and words of 64 bits in a filter (32 MiB)


def bucket_starts(keys: Hashes) -> NDArray[np.uint32]:
    """Of sorted keys, where those with each value of the top bits begin; one more entry than values."""
    top = _table_bits(len(keys), 10, MAX_BUCKET_BITS)
    made = np.empty((1 << top) + 1, np.uint32)
    _fill_buckets(keys, made, np.uint64(64 - top))
    return made


def bloom_filter(keys: Hashes) -> Hashes:
    """Two bits set in one word of 64 for each key: what has not both is no key; the reverse holds for about one in a hundred."""
    made = np.zeros(1 << _table_bits(len(keys) // 4, 10, MAX_FILTER_BITS), np.uint64)
    _fill_filter(keys, made, np.uint64(table_shift(made)))
    return made


def table_shift(table: NDArray[np.generic]) -> int:
    """How far a hash is shifted to be a place in a table whose size is a power of two."""
    return 65 - len(table).bit_length()


def look_up_counts(keys: Hashes, counts: NDArray[np.int64], asked: Hashes) -> NDArray[np.int64]:
    """The counts of the asked among sorted keys; 0 where one is not there."""
    found = np.zeros(len(asked), np.int64)
    if len(keys):
        doors = bucket_starts(keys)
        _look_up(keys, counts, doors, np.uint64(table_shift(doors[1:])), asked, found)
    return found


def _table_bits(size: int, least: int, most: int) -> int:
    return max(least, min(most, max(1, size).bit_length()))


@njit(cache=True, nogil=True)
def _fill_buckets(keys, made, shift):
    door = uint64(0)
    for at in range(len(keys)):
        own = keys[at] >> shift
        while door <= own:
            made[door] = at
            door += ONE
    while door < len(made):
        made[door] = len(keys)
        door += ONE


@njit(cache=True, nogil=True)
def _fill_filter(keys, made, shift):
    for k in keys:
        made[k >> shift] |= (ONE << ((k >> uint64(30)) & uint64(63))) | (ONE << ((k >> uint64(36)) & uint64(63)))


@njit(cache=True, nogil=True)
def _look_up(keys, counts, doors, shift, asked, found):
    for j in range(len(asked)):
        key = asked[j]
        door = key >> shift
        at, last = doors[door], doors[door + ONE]
        while at < last and keys[at] < key:
            at += 1
        if at < last and keys[at] == key:
            found[j] = counts[at]
