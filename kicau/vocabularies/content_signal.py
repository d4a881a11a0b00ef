"""Cloudflare's Content Signals: `Content-Signal: search=yes, ai-input=no, ai-train=no` in robots.txt.

https://contentsignals.org and draft-romm-aipref-contentsignals-00 (looked up 2026-11-26). What is left out is neither
granted nor refused. `use=immediate|reference|full` is in test since 2026-07-01: kept, not read.
"""

from __future__ import annotations

from collections.abc import Mapping

from kicau.base.sentences import Sentence
from kicau.vocabularies.terms import (
    Declaration,
    ParsedDeclarations,
    Term,
    quote_source,
    stricter_value,
    term_value,
    values_from_terms,
)

SLUG = "content-signal"
TERMS = (
    Term(token="search", grants=("search",)),  # noqa: S106
    Term(token="ai-input", grants=("ground",), refuses=("ground", "synthesise")),  # noqa: S106
    Term(token="ai-train", grants=("train_gen", "train_other")),  # noqa: S106 (training or fine-tuning, of any model)
)
VALUE_WORDS = {"yes": "allow", "no": "deny"}


def read_signal(value: str, *, scope: str = "", agent: str = "") -> ParsedDeclarations:
    """The pairs of one line; of a name that is there twice with both answers the no counts."""
    known = {term.token for term in TERMS}
    values: dict[str, str] = {}
    kept: list[tuple[str, str]] = []
    faults: list[str] = []
    for pair in filter(None, (part.strip() for part in value.split(","))):
        name, equals, said = (part.strip().lower() for part in pair.partition("="))
        if not equals or not name:
            faults.append(
                Sentence(
                    "The usage rules for AI and other programs (Content-Signal) contain the invalid entry {said}. Every entry must have the form name=yes or name=no.",
                    said=quote_source(pair),
                )
            )
        elif name not in known:
            kept.append((name, said))
        elif said in VALUE_WORDS:
            values[name] = stricter_value(values.get(name, VALUE_WORDS[said]), VALUE_WORDS[said])
        else:
            faults.append(
                Sentence(
                    "In the usage rules for AI and other programs (Content-Signal), {name} has the invalid value {said}. Valid values: yes and no.",
                    name=name,
                    said=quote_source(said),
                )
            )
    told = Declaration(
        vocabulary=SLUG, says=values_from_terms(TERMS, values), scope=scope, agent=agent, kept=tuple(kept)
    )
    return ParsedDeclarations(declarations=(told,) if told.says or told.kept else (), faults=tuple(faults))


def write_signal(says: Mapping[str, str]) -> str:
    """The line's value; "" where nothing is said. What is allowed under conditions only is a no."""
    words = {"allow": "yes", "deny": "no", "conditional": "no"}
    return ", ".join(f"{term.token}={words[value]}" for term in TERMS if (value := term_value(term, says)))
