"""SPDX licence expressions as a vocabulary: what a licence says of our uses stands in `kicau.rights.licences`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from kicau.base.sentences import Sentence
from kicau.rights.licences import KNOWN_LICENCES as KNOWN_LICENCES
from kicau.rights.licences import InvalidExpression as InvalidExpression
from kicau.rights.licences import canonical_spdx, is_known, licences_in_notice, parse_expression, summarize_licence
from kicau.vocabularies.terms import Declaration, ParsedDeclarations

SLUG = "spdx"


def read_expression(expression: str) -> ParsedDeclarations:
    """Of licences joined by AND every one is kept; of those joined by OR the reader may choose: the freest value counts,
    and where both bind, the one with fewer conditions. A licence that is not known leaves everything open."""
    try:
        node = parse_expression(expression)
    except InvalidExpression as exc:
        return ParsedDeclarations(
            faults=(
                Sentence(
                    "{expression} is not a valid licence code (SPDX, for example CC-BY-4.0): {why}.",
                    expression=repr(expression[:80]),
                    why=str(exc),
                ),
            )
        )
    says, conditions = summarize_licence(node)
    unknown = tuple((name, "") for name in node.licences if not is_known(name))
    return ParsedDeclarations(
        declarations=(Declaration(vocabulary=SLUG, says=says, conditions=conditions, kept=unknown),)
    )


def read_names(names: Iterable[str]) -> ParsedDeclarations:
    """What licences say that a file or page names in a field of its own; each binds. A text that is no licence's name,
    such as a copyright notice with a name and year only, says nothing."""
    known = [name for name in names if is_known(name)]
    return (
        read_expression(" AND ".join(f"({canonical_spdx(name)})" for name in known)) if known else ParsedDeclarations()
    )


def read_notices(texts: Iterable[str]) -> ParsedDeclarations:
    """What a file's own notices say, whole sentences among them: each licence that one names binds. A notice with an
    owner and a year says nothing, unless it reserves all rights in words."""
    return read_names(dict.fromkeys(name for text in texts for name in licences_in_notice(text)))


def write_licence(says: Mapping[str, str], conditions: Mapping[str, str] | None = None) -> str:
    """The known licence that says exactly this, the newest; "" where none does."""
    return next(
        (
            name
            for name in reversed(KNOWN_LICENCES)
            if KNOWN_LICENCES[name][0] == dict(says) and set(KNOWN_LICENCES[name][1]) == set(conditions or {})
        ),
        "",
    )
