"""SPDX licence expressions, and what the licences that people put on texts and pictures say of our uses.

https://spdx.github.io/spdx-spec/v3.0.1/annexes/spdx-license-expressions/ (looked up 2026-11-26). What a licence says here is a
reading of it and no legal advice: of training it says yes only where all rights are given up, else "under conditions",
which a person decides; a licence that is not known says nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from kicau.base.sentences import Sentence
from kicau.vocabularies.terms import MACHINE, Declaration, Reading, strictest

SLUG = "spdx"
_WORD = re.compile(r"\s*(\(|\)|[A-Za-z0-9][A-Za-z0-9.\-:]*\+?)")
LONGEST = 400  # characters
DEEPEST = 20
_ALL = (*MACHINE, "redistribute", "archive")
_FREE = dict.fromkeys(_ALL, "allow")
_SHARED = {
    **dict.fromkeys(MACHINE, "conditional"),
    "search": "allow",
    "redistribute": "conditional",
    "archive": "allow",
}
KNOWN: dict[str, tuple[dict[str, str], dict[str, str]]] = {
    "CC0-1.0": (_FREE, {}),
    "PDDL-1.0": (_FREE, {}),
    "Unlicense": (_FREE, {}),
    "0BSD": (_FREE, {}),
}
for _version in ("1.0", "2.0", "2.5", "3.0", "4.0"):
    KNOWN |= {
        f"CC-BY-{_version}": (_SHARED, {"attribution": ""}),
        f"CC-BY-SA-{_version}": (_SHARED, {"attribution": "", "share-alike": ""}),
        f"CC-BY-NC-{_version}": (_SHARED, {"attribution": "", "non-commercial": ""}),
        f"CC-BY-NC-SA-{_version}": (_SHARED, {"attribution": "", "non-commercial": "", "share-alike": ""}),
        # No derivatives: whether a model is one is open, so a person says it.
        f"CC-BY-ND-{_version}": (_SHARED, {"attribution": "", "consent": "no derivatives"}),
        f"CC-BY-NC-ND-{_version}": (_SHARED, {"attribution": "", "non-commercial": "", "consent": "no derivatives"}),
    }
for _name in ("MIT", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "ISC", "ODC-By-1.0"):
    KNOWN[_name] = (_SHARED, {"attribution": ""})
del _version, _name
_BY_LOWER = {name.lower(): name for name in KNOWN}


class NoExpression(ValueError):
    """It is no SPDX licence expression. The message says where it breaks."""


@dataclass(frozen=True, slots=True)
class Node:
    """A licence (`exception` where one is named WITH it), or AND / OR of two."""

    word: str
    left: Node | None = None
    right: Node | None = None
    exception: str = ""

    @property
    def licences(self) -> tuple[str, ...]:
        if self.left is None or self.right is None:
            return (self.word,)
        return tuple(dict.fromkeys((*self.left.licences, *self.right.licences)))

    def __str__(self) -> str:
        if self.left is None or self.right is None:
            return self.word + (f" WITH {self.exception}" if self.exception else "")
        sides = [
            f"({side})" if self.word == "AND" and side.word == "OR" else str(side) for side in (self.left, self.right)
        ]
        return f" {self.word} ".join(sides)


def parsed(expression: str) -> Node:
    """AND binds closer than OR, WITH closer than both. Raises NoExpression."""
    if len(expression) > LONGEST:
        raise NoExpression(f"it is longer than {LONGEST} characters")
    words, at = [], 0
    while at < len(expression.rstrip()):
        found = _WORD.match(expression, at)
        if found is None:
            raise NoExpression(f"it breaks at {expression[at : at + 20]!r}")
        words.append(found[1])
        at = found.end()
    node, rest = _either(words, 0)
    if rest:
        raise NoExpression(f"{rest[0]!r} is one too many")
    return node


def read(expression: str) -> Reading:
    """Of licences joined by AND every one is kept; of those joined by OR the reader may choose: the freest value counts,
    and where both bind, both bind."""
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
    says, conditions = _meaning(node)
    unknown = tuple((name, "") for name in node.licences if name.lower() not in _BY_LOWER)
    return Reading(declarations=(Declaration(vocabulary=SLUG, says=says, conditions=conditions, kept=unknown),))


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


def _meaning(node: Node) -> tuple[dict[str, str], dict[str, str]]:
    if node.left is None or node.right is None:
        known = _BY_LOWER.get(node.word.lower())
        return KNOWN[known] if known and not node.exception else ({}, {})
    (left, bound_left), (right, bound_right) = _meaning(node.left), _meaning(node.right)
    if node.word == "AND":
        both = {
            use: strictest(left.get(use, right.get(use, "")), right.get(use, left.get(use, "")))
            for use in left.keys() | right.keys()
        }
        if not left or not right:  # one of them is not known: only refusals are sure
            both = {use: value for use, value in both.items() if value == "deny"}
        return both, {**bound_left, **bound_right}
    freedom = ("deny", "conditional", "allow")
    says = {use: max(left[use], right[use], key=freedom.index) for use in left.keys() & right.keys()}
    says |= {
        use: value for side in (left, right) for use, value in side.items() if use not in says and value == "allow"
    }
    return says, ({**bound_left, **bound_right} if "conditional" in says.values() else {})


def _either(words: list[str], depth: int) -> tuple[Node, list[str]]:
    node, rest = _both(words, depth)
    while rest and rest[0].upper() == "OR":
        right, rest = _both(rest[1:], depth)
        node = Node("OR", node, right)
    return node, rest


def _both(words: list[str], depth: int) -> tuple[Node, list[str]]:
    node, rest = _one(words, depth)
    while rest and rest[0].upper() == "AND":
        right, rest = _one(rest[1:], depth)
        node = Node("AND", node, right)
    return node, rest


def _one(words: list[str], depth: int) -> tuple[Node, list[str]]:
    if not words:
        raise NoExpression("it ends where a licence should stand")
    word, rest = words[0], words[1:]
    if word == "(":
        if depth >= DEEPEST:
            raise NoExpression("its brackets are nested too deeply")
        node, rest = _either(rest, depth + 1)
        if not rest or rest[0] != ")":
            raise NoExpression("a bracket is not closed")
        return node, rest[1:]
    if word == ")" or word.upper() in ("AND", "OR", "WITH"):
        raise NoExpression(f"{word!r} stands where a licence should")
    if rest and rest[0].upper() == "WITH":
        if len(rest) < 2 or rest[1] in ("(", ")"):
            raise NoExpression("WITH names no exception")
        return Node(_BY_LOWER.get(word.lower(), word), exception=rest[1]), rest[2:]
    return Node(_BY_LOWER.get(word.lower(), word)), rest
