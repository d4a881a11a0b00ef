"""What a comparison of our rules for texts with a network's own library found."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pytest

from tests.servers import NotHere


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """`differences` must be empty. `classes` counts the texts in which ours is another for a documented reason."""

    texts: int
    differences: list[str]
    classes: Counter[str]


def utf16_offset(text: str, at: int) -> int:
    """The offset in UTF-16 units, as JavaScript counts, of an offset in code points."""
    return at if text.isascii() else len(text[:at].encode("utf-16-le", "surrogatepass")) // 2


def have_newer_marks(
    texts: Sequence[str], count: Callable[[str], int], official: Callable[[Sequence[str]], list[int]]
) -> list[bool]:
    """Of texts whose lengths differ: whether they agree when marks that the library doesn't know yet are old ones.

    Unicode gets combining marks with each version; a library knows those of its own. `count` is our length of a text,
    `official` the library's of each of several.
    """
    marks = sorted({char for text in texts for char in text if count(f"a{char}") == 1})
    lengths = official([f"a{mark}" for mark in marks])
    older = {ord(mark): "\u0301" for mark, length in zip(marks, lengths, strict=True) if length == 2}
    return [
        count(text) == length for text, length in zip(texts, official([t.translate(older) for t in texts]), strict=True)
    ]


def compared(compare: Callable[[Sequence[str]], Comparison], texts: Sequence[str]) -> Comparison:
    """The comparison; where the library cannot be installed, the test is skipped with the reason."""
    try:
        return compare(texts)
    except NotHere as exc:
        pytest.skip(f"NOT TRIED: {exc}")
