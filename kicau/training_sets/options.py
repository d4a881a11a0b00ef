"""What the maker of a set may choose."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

SPLIT_NAMES = ("train", "validation", "test")
#: Kinds of personal data, and what stands in their place.
REPLACEMENT_LABELS = {
    "email": "[email]",
    "phone": "[phone]",
    "nik": "[nik]",
    "npwp": "[npwp]",
    "card": "[card]",
    "account": "[account]",
    "address": "[address]",
    "bpjs": "[bpjs]",
    "passport": "[passport]",
    "plate": "[plate]",
    "handle": "@user",
    "name": "[name]",
}
DEFAULT_KINDS = tuple(
    kind for kind in REPLACEMENT_LABELS if kind != "name"
)  # names behind an honorific are replaced where they are asked for


@dataclass(frozen=True, slots=True)
class PersonalDataSpan:
    """Characters `start` to `end` of a text are personal data of this kind (a key of LABELS)."""

    kind: str
    start: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SetOptions:
    """What a set's maker may choose; `shares` are of conversations, for SPLITS."""

    languages: Sequence[str] = ()
    personal: Sequence[str] = DEFAULT_KINDS  # kinds that are replaced
    least_words: int = 1
    without_repeats: bool = True
    shares: Sequence[float] = (0.9, 0.05, 0.05)
    prompt: str = "Tulis satu unggahan untuk {network}."  # before a text that answers nothing

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> SetOptions:
        known = {name: told[name] for name in cls.__slots__ if name in told}
        return cls(**known)
