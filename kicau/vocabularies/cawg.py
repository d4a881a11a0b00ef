"""The Training and Data Mining assertion of CAWG (and of C2PA 1.x, whose names begin with c2pa).

https://cawg.io/training-and-data-mining/1.1/ (2025-05-16, looked up 2026-11-26). The assertion is read as it stands in the
file; that its signature is true is not checked here, as it is not for any other vocabulary.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kicau.base.sentences import Sentence
from kicau.vocabularies.terms import (
    Declaration,
    ParsedDeclarations,
    Term,
    quote_source,
    term_value,
    values_from_terms,
)

SLUG = "cawg"
ASSERTION_LABELS = ("cawg.training-mining", "c2pa.training-mining")
TERMS = (
    Term(token="data_mining", grants=("embed",)),  # noqa: S106
    Term(token="ai_inference", grants=("ground",), refuses=("ground", "synthesise")),  # noqa: S106
    Term(token="ai_training", grants=("train_other",)),  # noqa: S106 (of models that do not generate)
    Term(token="ai_generative_training", grants=("train_gen",)),  # noqa: S106
)
VALUE_WORDS = {"allowed": "allow", "notAllowed": "deny", "constrained": "conditional"}


def read_assertion(assertion: Any) -> ParsedDeclarations:
    """Constrained without a word about how is not allowed (section 3.2)."""
    entries = assertion.get("entries") if isinstance(assertion, Mapping) else None
    if not isinstance(entries, Mapping):
        return ParsedDeclarations(
            faults=(
                Sentence(
                    "The file contains usage rules for AI training and data mining, but the list of rules is empty."
                ),
            )
        )
    known = {term.token for term in TERMS}
    values: dict[str, str] = {}
    conditions: dict[str, str] = {}
    kept: list[tuple[str, str]] = []
    faults: list[str] = []
    for name, entry in entries.items():
        token = str(name).partition(".")[2]
        use = entry.get("use") if isinstance(entry, Mapping) else None
        if token not in known or not str(name).startswith(("cawg.", "c2pa.")):
            kept.append((str(name), str(use)))
        elif use not in VALUE_WORDS:
            faults.append(
                Sentence(
                    "In the file's usage rules for AI training and data mining, {name} has the invalid value {said}. Valid values: allowed, notAllowed and constrained.",
                    name=name,
                    said=quote_source(str(use)),
                )
            )
        elif use == "constrained" and (info := entry.get("constraint_info")):
            values[token] = "conditional"
            conditions["consent"] = str(info)
        else:
            values[token] = "deny" if use == "constrained" else VALUE_WORDS[use]
    told = Declaration(vocabulary=SLUG, says=values_from_terms(TERMS, values), conditions=conditions, kept=tuple(kept))
    return ParsedDeclarations(declarations=(told,) if told.says or told.kept else (), faults=tuple(faults))


def write_assertion(says: Mapping[str, str], constraint: str = "") -> dict[str, Any]:
    """The assertion's data, for whoever signs a manifest; {} where nothing is said. `constraint`: whom to ask."""
    words = {value: word for word, value in VALUE_WORDS.items()}
    entries: dict[str, Any] = {}
    for term in TERMS:
        if value := term_value(term, says):
            info = {"constraint_info": constraint} if value == "conditional" and constraint else {}
            entries[f"cawg.{term.token}"] = {"use": words[value], **info}
    return {"entries": entries} if entries else {}
