"""What each character means to the comparison: part of a word, a word of its own, nothing, or the end of one.

Case, width, accents, ligatures and decorated letters (mathematical bold and the like) do not count: a copy that lost
or gained them is a copy. Scripts without spaces between words are compared character by character; where a character
is a letter of some seventy (Thai, Lao, Burmese, Khmer), by what is written around one consonant.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

SEPARATOR, IGNORED = 0, 1
SINGLE_FLAG = 0x8000_0000  # set beside a folded character that is a word of its own
CLUSTER_FLAG = 0x4000_0000  # beside a letter of a script that is read in clusters, each of which is a word
JOINS_FLAG = 0x2000_0000  # beside one that belongs to the cluster before it
LEADS_FLAG = 0x1000_0000  # beside one to whose cluster the next letter belongs too
SYLLABLE_FLAG = 0x0800_0000  # and the number of a Korean syllable, which is the letters that it is made of
PAIR_FLAG = 0x0400_0000  # and two letters that a character stands for: ß, ﬁ
TABLE_SIZE = (
    0x2_0000  # characters beyond are ideographs (words of their own, up to LAST_IDEOGRAPH) or no letters at all
)
LAST_IDEOGRAPH = 0x323AF

CLUSTERED_RANGES = (
    (0x0E00, 0x0EFF),  # Thai, Lao
    (0x1000, 0x109F),  # Burmese
    (0x1780, 0x17FF),  # Khmer
)
LEADING_VOWELS = frozenset(
    "เแโใไເແໂໃໄ\u1039\u17d2"
)  # vowels written before their consonant; what puts a consonant below another
FOLLOWING_VOWELS = frozenset("ะาำๅະາຳ")  # vowels that are letters, written after it
UNSPACED_RANGES = (
    (0x3040, 0x30FF),  # kana
    (0x31F0, 0x31FF),
    (0x3400, 0x9FFF),  # ideographs
    (0xF900, 0xFAFF),
)
APOSTROPHES = frozenset("'\u2019\u02bc\u00ad")  # and the soft hyphen: "don't" and "dont" are one word
IGNORED_STROKES = frozenset(
    "\u0640\u0e4d\u0ecd"
)  # Arabic's, which makes a word longer; what Unicode parts from ำ and ຳ
#: Letters that Unicode does not part into a letter and its accent, or that two keyboards write differently.
EQUIVALENT_LETTERS = str.maketrans("ıđłøħŧکیى", "idlohtكيي")
HANGUL_RANGE = (0xAC00, 0xD7A3)


@lru_cache(maxsize=1)
def letter_table() -> NDArray[np.uint32]:
    """One entry a code point below SIZE: SEPARATOR, IGNORED, or the folded character, with what
    it does to the word."""
    return np.fromiter((_table_entry(chr(point)) for point in range(TABLE_SIZE)), np.uint32, TABLE_SIZE)


def _table_entry(char: str) -> int:
    category = unicodedata.category(char)
    if char in IGNORED_STROKES:
        return IGNORED
    if HANGUL_RANGE[0] <= ord(char) <= HANGUL_RANGE[1]:
        return SYLLABLE_FLAG + ord(char) - HANGUL_RANGE[0]
    if any(low <= ord(char) <= high for low, high in CLUSTERED_RANGES):
        return _in_cluster(char, category)
    if category in ("Mn", "Me", "Cf") or char in APOSTROPHES:
        return IGNORED
    if category == "Cs":
        return SEPARATOR
    folded = [
        c
        for part in unicodedata.normalize("NFKD", char).casefold().translate(EQUIVALENT_LETTERS)
        for c in unicodedata.normalize("NFKD", part)
        if _is_word_character(c)
    ]
    if not folded or not (_is_word_character(char) or (category == "So" and folded[0].isalnum() and len(folded) == 1)):
        return SEPARATOR
    point = ord(folded[0])
    if len(folded) == 2 and all(c.isascii() and c.isalpha() for c in folded):
        return PAIR_FLAG | point << 8 | ord(folded[1])
    return point | SINGLE_FLAG if any(low <= point <= high for low, high in UNSPACED_RANGES) else point


def _in_cluster(char: str, category: str) -> int:
    """Vowels above and below are letters here, no accents."""
    if category[0] not in "LMN":
        return SEPARATOR
    point = ord(unicodedata.normalize("NFKD", char)[-1])
    if category == "Nd":
        point = ord("0") + unicodedata.digit(char)
    joins = category[0] in "MN" or char in FOLLOWING_VOWELS or "VOWEL SIGN" in unicodedata.name(char, "")
    return CLUSTER_FLAG | point | (JOINS_FLAG if joins else 0) | (LEADS_FLAG if char in LEADING_VOWELS else 0)


def _is_word_character(char: str) -> bool:
    category = unicodedata.category(char)
    return category[0] in "LN" or category == "Mc"
