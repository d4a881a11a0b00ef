"""IETF AI preferences: the Content-Usage header and the robots.txt rule of the same name.

Vocabulary: draft-ietf-aipref-vocab-08 (2026-09-14), with the category "AI Use" that was added to it on 2026-08-27;
carriers: draft-ietf-aipref-attach-05 (2026-08-18); both looked up 2026-11-26. Not a standard yet.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

import http_sf

from kicau.base.sentences import Sentence
from kicau.vocabularies.terms import (
    Declaration,
    ParsedDeclarations,
    Term,
    quote_source,
    term_value,
    values_from_terms,
)

SLUG = "aipref"
#: "AI Training" is of models that generate; classifiers are left out of it in words, so a no is no ban on them. "Search"
#: leaves summaries out. "AI Use" is input to a model that generates.
TERMS = (
    Term(token="train-ai", grants=("train_gen",)),  # noqa: S106
    Term(token="ai-use", grants=("ground",), refuses=("ground", "synthesise")),  # noqa: S106
    Term(token="search", grants=("search",)),  # noqa: S106
)
VALUE_WORDS = {"y": "allow", "n": "deny"}


def read_preference(value: bytes, *, scope: str = "", agent: str = "") -> ParsedDeclarations:
    """A usage preference. Where the dictionary cannot be parsed nothing is said, as the draft has it (section 6.4)."""
    try:
        found = http_sf.parse(value, tltype="dictionary")
    except (http_sf.StructuredFieldError, ValueError) as exc:
        return ParsedDeclarations(
            faults=(
                Sentence(
                    "Kicau cannot read these usage rules for AI and other programs (Content-Usage): {said}. Reason: {why}.",
                    said=quote_source(value.decode("latin-1")),
                    why=str(exc),
                ),
            )
        )
    assert isinstance(found, dict)
    known = {term.token for term in TERMS}
    values: dict[str, str] = {}
    kept: list[tuple[str, str]] = []
    faults: list[str] = []
    for key, (item, _parameters) in cast(dict[str, tuple[object, object]], found).items():
        said = str(item) if isinstance(item, http_sf.Token) else ""
        if key not in known:
            kept.append((key, said or repr(item)))
        elif said in VALUE_WORDS:
            values[key] = VALUE_WORDS[said]
        else:
            faults.append(
                Sentence(
                    "In the usage rules for AI and other programs (Content-Usage), {key} has a value other than y or n. Kicau ignores this entry.",
                    key=key,
                )
            )
    told = Declaration(
        vocabulary=SLUG, says=values_from_terms(TERMS, values), scope=scope, agent=agent, kept=tuple(kept)
    )
    return ParsedDeclarations(declarations=(told,) if told.says or told.kept else (), faults=tuple(faults))


def write_preference(says: Mapping[str, str]) -> str:
    """The header's value; "" where nothing is said. What is allowed under conditions only is a no."""
    words = {"allow": "y", "deny": "n", "conditional": "n"}
    told: http_sf.DictionaryType = {t.token: (http_sf.Token(words[v]), {}) for t in TERMS if (v := term_value(t, says))}
    return http_sf.ser(told) if told else ""
