"""Grapheme clusters: what a person takes for one character (Unicode UAX #29)."""

from __future__ import annotations

import regex

#: One cluster. Flags, which are two regional indicators each, are paired from the left: by itself `\X` looks back over the
#: whole run of them from each one, which takes half a minute for 100,000.
GRAPHEME_PATTERN = regex.compile(
    r"(?:\p{Regional_Indicator}{2}|\p{Regional_Indicator})[\p{GCB=Extend}\p{GCB=ZWJ}\p{GCB=SpacingMark}]*|\X"
)

__all__ = ["GRAPHEME_PATTERN"]
