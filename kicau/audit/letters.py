"""What each character means to the comparison: part of a word, a word of its own, nothing, or the end of one.

Case, width, accents, ligatures and decorated letters (mathematical bold and the like) do not count: a copy that lost
or gained them is a copy. Scripts without spaces between words are compared character by character.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

SEPARATOR, IGNORED = 0, 1
SINGLE = 0x8000_0000  # set beside a folded character that is a word of its own
SIZE = 0x2_0000  # characters beyond are ideographs (words of their own, up to LAST_IDEOGRAPH) or no letters at all
LAST_IDEOGRAPH = 0x323AF

UNSPACED = (
    (0x0E00, 0x0EFF),  # Thai, Lao
    (0x1000, 0x109F),  # Burmese
    (0x1780, 0x17FF),  # Khmer
    (0x3040, 0x30FF),  # kana
    (0x31F0, 0x31FF),
    (0x3400, 0x9FFF),  # ideographs
    (0xF900, 0xFAFF),
)
APOSTROPHES = frozenset("'\u2019\u02bc\u00ad")  # and the soft hyphen: "don't" and "dont" are one word


@lru_cache(maxsize=1)
def table() -> NDArray[np.uint32]:
    """One entry a code point below SIZE: SEPARATOR, IGNORED, or the folded character, with SINGLE where it stands alone."""
    return np.fromiter((_entry(chr(point)) for point in range(SIZE)), np.uint32, SIZE)


def _entry(char: str) -> int:
    category = unicodedata.category(char)
    if category in ("Mn", "Me", "Cf") or char in APOSTROPHES:
        return IGNORED
    if category == "Cs":
        return SEPARATOR
    folded = [
        c
        for part in unicodedata.normalize("NFKD", char).casefold()
        for c in unicodedata.normalize("NFKD", part)
        if _spelled(c)
    ]
    if not folded or not (_spelled(char) or (category == "So" and folded[0].isalnum())):
        return SEPARATOR
    point = ord(folded[0])
    return point | SINGLE if any(low <= point <= high for low, high in UNSPACED) else point


def _spelled(char: str) -> bool:
    category = unicodedata.category(char)
    return category[0] in "LN" or category == "Mc"
