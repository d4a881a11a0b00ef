"""Words as numbers: bytes of a shard in, one 64-bit hash a word out, with the bytes where it stands.

Compiled to machine code, since every byte of the audited data passes through here. JSON's escapes are read in place,
so that a line needs no parsing before it is known to hold anything.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numba import njit, uint32, uint64
from numpy.typing import NDArray

from kicau.dataset_audit.matching.characters import (
    CLUSTER_FLAG,
    JOINS_FLAG,
    LAST_IDEOGRAPH,
    LEADS_FLAG,
    PAIR_FLAG,
    SINGLE_FLAG,
    SYLLABLE_FLAG,
    TABLE_SIZE,
    letter_table,
)

K0, K1, K2 = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
ALONE_FLAG, END_MARK, BEYOND_MARK = np.uint32(SINGLE_FLAG), np.uint32(LAST_IDEOGRAPH), np.uint32(TABLE_SIZE)
IN_CLUSTER_FLAG, JOINS_LAST_FLAG, JOINS_NEXT_FLAG = (
    np.uint32(CLUSTER_FLAG),
    np.uint32(JOINS_FLAG),
    np.uint32(LEADS_FLAG),
)
SEVERAL_LETTERS_FLAG, SYLLABLES_FLAG = np.uint32(PAIR_FLAG), np.uint32(SYLLABLE_FLAG)
#: Names of HTML's entities from the second letter on; those of accents come after any letter.
POS, SQUO, HY, ZLIG = (np.uint64(int.from_bytes(name)) for name in (b"pos", b"squo", b"hy", b"zlig"))
MARK_ENTITIES = tuple(
    np.uint64(int.from_bytes(name))
    for name in (b"acute", b"grave", b"circ", b"uml", b"tilde", b"cedil", b"ring", b"caron", b"slash", b"strok")
)
UNSPACED_FLAG = np.uint64(1 << 32)  # the bit of a word's hash that is set where its script has no spaces between words

type Hashes = NDArray[np.uint64]
type Places = NDArray[np.int64]


@njit(inline="always")
def mix_hash(h):
    h ^= h >> uint64(30)
    h *= K1
    h ^= h >> uint64(27)
    h *= K2
    return h ^ (h >> uint64(31))


@njit(inline="always")
def _read_hex4(d, i):
    value = 0
    for k in range(4):
        c = d[i + k]
        if 48 <= c <= 57:
            value = value * 16 + c - 48
        elif 97 <= c <= 102:
            value = value * 16 + c - 87
        elif 65 <= c <= 70:
            value = value * 16 + c - 55
        else:
            return -1
    return value


@njit(inline="always")
def _meaning_of(point, letters):
    if point < BEYOND_MARK:
        return letters[point]
    return ALONE_FLAG | uint32(point) if point <= END_MARK else uint32(0)


@njit(inline="always")
def _read_number_entity(d, i, end):
    """The code point that `123;` or `x7b;` at `i` writes, and where it ends; -1 where it is no number."""
    base = 10
    if i < end and d[i] | 32 == 120:
        base = 16
        i += 1
    point, begun = 0, i
    while i < end and d[i] != 59:
        c = d[i]
        if 48 <= c <= 57:
            point = point * base + c - 48
        elif base == 16 and 97 <= c | 32 <= 102:
            point = point * base + (c | 32) - 87
        else:
            return -1, i
        i += 1
    if i in (end, begun):
        return -1, i
    return 0x2019 if point == 146 else point, i  # 146 is Windows' apostrophe


@njit(cache=True, nogil=True)
def _read_entity(d, i, n, letters):
    """What an HTML entity that begins at `i` with `&` means, and its length: a number is its character, an accented
    letter its letter. All others, and the sign alone, end a word. `&amp;` before more of one was escaped twice."""
    begun = i
    while True:
        end = min(n, i + 10)
        if i + 1 < end and d[i + 1] == 35:
            point, j = _read_number_entity(d, i + 2, end)
            if point < 0:
                return uint32(0), i + 1 - begun
            return _meaning_of(point, letters), j + 1 - begun
        j = i + 1
        while j < end and ((48 <= d[j] <= 57) or (97 <= d[j] | 32 <= 122)):
            j += 1
        if j == end or d[j] != 59 or j < i + 3:
            return uint32(0), i + 1 - begun
        if j == i + 4 and d[i + 1] == 97 and d[i + 2] == 109 and d[i + 3] == 112:
            i = j
            continue
        name = uint64(0)
        for k in range(i + 2, j):
            name = (name << uint64(8)) | uint64(d[k])
        letter = d[i + 1]
        if (letter == 97 and name == POS) or (letter == 114 and name == SQUO) or (letter == 115 and name == HY):
            return uint32(1), j + 1 - begun
        for mark in MARK_ENTITIES:
            if name == mark:
                return letters[letter], j + 1 - begun
        if letter == 115 and name == ZLIG:
            return letters[0xDF], j + 1 - begun
        return uint32(0), j + 1 - begun


@njit(inline="always")
def _read_escape(d, i, n, letters):
    """What a backslash at `i` begins: its meaning and its length in bytes."""
    if i + 5 < n and d[i + 1] == 117:  # \uXXXX
        point = _read_hex4(d, i + 2)
        if 0xD800 <= point < 0xDC00 and i + 11 < n and d[i + 6] == 92 and d[i + 7] == 117:
            low = _read_hex4(d, i + 8)
            if 0xDC00 <= low < 0xE000:
                return _meaning_of(0x10000 + ((point - 0xD800) << 10) + (low - 0xDC00), letters), 12
        if point == 38:
            meaning, length = _read_entity(d, i + 5, n, letters)
            return meaning, length + 5
        if point >= 0:
            return letters[point], 6
    return uint32(0), 2


@njit(inline="always")
def _read_utf8(d, i, n, letters):
    """The meaning and length of a UTF-8 sequence at `i`; of a broken one its first byte is read as Latin-1 has it."""
    c = d[i]
    if c >= 0xC0 and (i + 1 >= n or d[i + 1] & 0xC0 != 0x80):
        return letters[c], 1
    if c >= 0xF0 and i + 3 < n:
        point = ((c & 7) << 18) | ((d[i + 1] & 63) << 12) | ((d[i + 2] & 63) << 6) | (d[i + 3] & 63)
        return _meaning_of(point, letters), 4
    if c >= 0xE0 and i + 2 < n:
        return letters[((c & 15) << 12) | ((d[i + 1] & 63) << 6) | (d[i + 2] & 63)], 3
    if c >= 0xC0 and i + 1 < n:
        return letters[((c & 31) << 6) | (d[i + 1] & 63)], 2
    return uint32(0), 1


@njit(inline="always")
def _add_letters(h, meaning):
    """The word so far, with a character that is two or three letters."""
    if meaning < SYLLABLES_FLAG:
        h = (h ^ uint64((meaning >> uint32(8)) & uint32(0xFF))) * K1
        return (h ^ uint64(meaning & uint32(0xFF))) * K1
    at = meaning - SYLLABLES_FLAG
    h = (h ^ uint64(0x1100 + at // uint32(588))) * K1
    h = (h ^ uint64(0x1161 + at % uint32(588) // uint32(28))) * K1
    tail = at % uint32(28)
    return (h ^ uint64(0x11A7 + tail)) * K1 if tail else h


@njit(inline="always")
def _skip_address(d, i, n):
    """Past a web address: as far as the next space, quote or bracket. `\\/` in it is JSON's way to write a slash."""
    while i < n:
        c = d[i]
        if c <= 32 or c == 34 or c == 39 or c == 60 or c == 62:
            return i
        if c == 92:
            if i + 1 < n and d[i + 1] != 47:
                return i
            i += 1
        i += 1
    return n


@njit(inline="always")
def _skip_handle(d, i, n):
    while i < n:
        c = d[i]
        if not ((48 <= c <= 57) or (65 <= c <= 90) or (97 <= c <= 122) or c == 95):
            return i
        i += 1
    return n


@njit(inline="always")
def _skip_tag(d, i, n):
    """Past a tag of HTML that begins at `i`, or past the sign alone where none ends within 2,000 bytes."""
    if i + 1 >= n or not (d[i + 1] == 47 or d[i + 1] == 33 or (97 <= (d[i + 1] | 32) <= 122)):
        return i + 1
    j = i + 1
    while j < n and j < i + 2000:
        if d[j] == 62:
            return j + 1
        if d[j] == 60:
            return i + 1
        j += 1
    return i + 1


@njit(inline="always")
def _read_cluster(d, i, n, meaning, length, json, letters):
    """The hash of the cluster that begins at `i`, and the byte after it."""
    h = K0
    leads = uint32(0)
    past = i
    while True:
        i += length
        if meaning != 1:
            h = (h ^ uint64(meaning)) * K1
            leads = meaning & JOINS_NEXT_FLAG
            past = i
        if i >= n:
            return h, past
        c = d[i]
        if c >= 128:
            meaning, length = _read_utf8(d, i, n, letters)
        elif c == 92 and json:
            meaning, length = _read_escape(d, i, n, letters)
        elif c == 38:
            meaning, length = _read_entity(d, i, n, letters)
        else:
            return h, past
        if meaning != 1 and not (IN_CLUSTER_FLAG <= meaning < ALONE_FLAG and (leads or meaning & JOINS_LAST_FLAG)):
            return h, past


@njit(cache=True, nogil=True)
def _read_words(d, n, letters, json, html, schemes, hashes, starts, ends):
    count = 0
    i = 0
    h = K0
    begun = -1
    while i < n:
        c = d[i]
        if c < 128:
            meaning = letters[c]
            if meaning > 1:  # the way of nearly all bytes
                if begun < 0:
                    begun = i
                    h = K0
                h = (h ^ uint64(meaning)) * K1
                i += 1
                continue
            length = 1
            if c == 92 and json:
                meaning, length = _read_escape(d, i, n, letters)
            elif c == 38:
                meaning, length = _read_entity(d, i, n, letters)
        else:
            meaning, length = _read_utf8(d, i, n, letters)
        if 1 < meaning < IN_CLUSTER_FLAG:
            if begun < 0:
                begun = i
                h = K0
            h = _add_letters(h, meaning) if meaning >= SEVERAL_LETTERS_FLAG else (h ^ uint64(meaning)) * K1
            i += length
            continue
        if meaning == 1:
            i += length
            continue
        if begun >= 0:
            word = mix_hash(h) & ~UNSPACED_FLAG
            if c == 58 and (word == schemes[0] or word == schemes[1]):
                i = _skip_address(d, i, n)
                begun = -1
                continue
            hashes[count], starts[count], ends[count] = word, begun, i
            count += 1
            begun = -1
        if meaning >= ALONE_FLAG:
            hashes[count], starts[count], ends[count] = (
                mix_hash((K0 ^ uint64(meaning)) * K1) | UNSPACED_FLAG,
                i,
                i + length,
            )
            count += 1
            i += length
        elif meaning >= IN_CLUSTER_FLAG:
            h, past = _read_cluster(d, i, n, meaning, length, json, letters)
            hashes[count], starts[count], ends[count] = mix_hash(h) | UNSPACED_FLAG, i, past
            count += 1
            i = past
        elif c == 64:
            i = _skip_handle(d, i + 1, n)
        elif c == 60 and html:
            i = _skip_tag(d, i, n)
        else:
            i += length
    if begun >= 0:
        hashes[count], starts[count], ends[count] = mix_hash(h) & ~UNSPACED_FLAG, begun, n
        count += 1
    return count


class WordReader:
    """Reads blocks of bytes into words; its buffers are reused, so that what `read` returns holds until the next call."""

    def __init__(self, *, json: bool = False, html: bool = False) -> None:
        self.json, self.html = json, html
        self._room = 0
        self._grow(1 << 16)

    def _grow(self, size: int) -> None:
        self._room = size
        self._hashes = np.empty(size, np.uint64)
        self._starts, self._ends = np.empty(size, np.int64), np.empty(size, np.int64)

    def read(self, data: bytes | bytearray | memoryview | NDArray[np.uint8]) -> tuple[Hashes, Places, Places]:
        """Hash, first byte and the byte after the last, of each word in `data`. Addresses, handles, entities and
        (with `html`) tags are no words."""
        given = data if isinstance(data, np.ndarray) else np.frombuffer(data, np.uint8)
        if len(given) + 1 > self._room:
            self._grow(len(given) + 1)
        count = _read_words(
            given,
            len(given),
            letter_table(),
            self.json,
            self.html,
            _scheme_hashes(),
            self._hashes,
            self._starts,
            self._ends,
        )
        return self._hashes[:count], self._starts[:count], self._ends[:count]


@lru_cache(maxsize=1)
def _scheme_hashes() -> Hashes:
    found = np.zeros(2, np.uint64)
    h, s, e = np.zeros(4, np.uint64), np.zeros(4, np.int64), np.zeros(4, np.int64)
    nothing = np.zeros(2, np.uint64)
    for at, scheme in enumerate((b"http", b"https")):
        _read_words(np.frombuffer(scheme, np.uint8), len(scheme), letter_table(), False, False, nothing, h, s, e)
        found[at] = h[0]
    return found
