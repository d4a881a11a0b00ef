"""SPDX licence expressions as a vocabulary: what a licence says of our uses stands in `kicau.rights.licences`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from kicau.base.sentences import Sentence
from kicau.rights.licences import KNOWN as KNOWN
from kicau.rights.licences import NoExpression as NoExpression
from kicau.rights.licences import canonical, is_known, parsed, summary
from kicau.vocabularies.terms import Declaration, Reading

SLUG = "spdx"


def read(expression: str) -> Reading:
    """Of licences joined by AND every one is kept; of those joined by OR the reader may choose: the freest value counts,
    and where both bind, the one with fewer conditions. A licence that is not known leaves everything open."""
    try:
        node = parsed(expression)
    except NoExpression as exc:
        return Reading(
            faults=(
                Sentence(
                    "{expression} is no SPDX licence expression: {why}.", expression=repr(expression[:80]), why=str(exc)
                ),
            )
        )
    says, conditions = summary(node)
    unknown = tuple((name, "") for name in node.licences if not is_known(name))
    return Reading(declarations=(Declaration(vocabulary=SLUG, says=says, conditions=conditions, kept=unknown),))


def of_names(names: Iterable[str]) -> Reading:
    """What licences say that a file or page names in a field of its own; each binds. A text that is no licence's name,
    such as a copyright notice with a name and year only, says nothing."""
    known = [name for name in names if is_known(name)]
    return read(" AND ".join(f"({canonical(name)})" for name in known)) if known else Reading()


def write(says: Mapping[str, str], conditions: Mapping[str, str] | None = None) -> str:
    """The known licence that says exactly this, the newest; "" where none does."""
    return next(
        (
            name
            for name in reversed(KNOWN)
            if KNOWN[name][0] == dict(says) and set(KNOWN[name][1]) == set(conditions or {})
        ),
        "",
    )
