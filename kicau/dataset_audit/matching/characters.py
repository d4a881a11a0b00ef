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
SINGLE = 0x8000_0000  # set beside a folded character that is a word of its own
CLUSTER = 0x4000_0000  # beside a letter of a script that is read in clusters, each of which is a word
JOINS = 0x2000_0000  # beside one that belongs to the cluster before it
LEADS = 0x1000_0000  # beside one to whose cluster the next letter belongs too
SYLLABLE = 0x0800_0000  # and the number of a Korean syllable, which is the letters that it is made of
PAIR = 0x0400_0000  # and two letters that a character stands for: ß, ﬁ
SIZE = 0x2_0000  # characters beyond are ideographs (words of their own, up to LAST_IDEOGRAPH) or no letters at all
LAST_IDEOGRAPH = 0x323AF

CLUSTERED = (
    (0x0E00, 0x0EFF),  # Thai, Lao
    (0x1000, 0x109F),  # Burmese
    (0x1780, 0x17FF),  # Khmer
)
LEADING = frozenset(
    "เแโใไເແໂໃໄ\u1039\u17d2"
)  # vowels written before their consonant; what puts a consonant below another
FOLLOWING = frozenset("ะาำๅະາຳ")  # vowels that are letters, written after it
UNSPACED = (
    (0x3040, 0x30FF),  # kana
    (0x31F0, 0x31FF),
    (0x3400, 0x9FFF),  # ideographs
    (0xF900, 0xFAFF),
)
APOSTROPHES = frozenset("'\u2019\u02bc\u00ad")  # and the soft hyphen: "don't" and "dont" are one word
STROKES = frozenset("\u0640\u0e4d\u0ecd")  # Arabic's, which makes a word longer; what Unicode parts from ำ and ຳ
#: Letters that Unicode does not part into a letter and its accent, or that two keyboards write differently.
ALIKE = str.maketrans("ıđłøħŧکیى", "idlohtكيي")
HANGUL = (0xAC00, 0xD7A3)


@lru_cache(maxsize=1)
def table() -> NDArray[np.uint32]:
    """One entry a code point below SIZE: SEPARATOR, IGNORED, or the folded character, with what
    it does to the word."""
    return np.fromiter((_entry(chr(point)) for point in range(SIZE)), np.uint32, SIZE)


def _entry(char: str) -> int:
    category = unicodedata.category(char)
    if char in STROKES:
        return IGNORED
    if HANGUL[0] <= ord(char) <= HANGUL[1]:
        return SYLLABLE + ord(char) - HANGUL[0]
    if any(low <= ord(char) <= high for low, high in CLUSTERED):
        return _in_cluster(char, category)
    if category in ("Mn", "Me", "Cf") or char in APOSTROPHES:
        return IGNORED
    if category == "Cs":
        return SEPARATOR
    folded = [
        c
        for part in unicodedata.normalize("NFKD", char).casefold().translate(ALIKE)
        for c in unicodedata.normalize("NFKD", part)
        if _spelled(c)
    ]
    if not folded or not (_spelled(char) or (category == "So" and folded[0].isalnum() and len(folded) == 1)):
        return SEPARATOR
    point = ord(folded[0])
    if len(folded) == 2 and all(c.isascii() and c.isalpha() for c in folded):
        return PAIR | point << 8 | ord(folded[1])
    return point | SINGLE if any(low <= point <= high for low, high in UNSPACED) else point


def _in_cluster(char: str, category: str) -> int:
    """Vowels above and below are letters here, no accents."""
    if category[0] not in "LMN":
        return SEPARATOR
    point = ord(unicodedata.normalize("NFKD", char)[-1])
    if category == "Nd":
        point = ord("0") + unicodedata.digit(char)
    joins = category[0] in "MN" or char in FOLLOWING or "VOWEL SIGN" in unicodedata.name(char, "")
    return CLUSTER | point | (JOINS if joins else 0) | (LEADS if char in LEADING else 0)


def _spelled(char: str) -> bool:
    category = unicodedata.category(char)
    return category[0] in "LN" or category == "Mc"
