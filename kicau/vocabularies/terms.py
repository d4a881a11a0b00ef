"""How a foreign vocabulary's words and our own uses go together.

One rule holds for all of them: a refusal is read of everything that it may cover, a permission only of what it surely
covers; and what is written never allows more than was said here. What is malformed is told and is no permission.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from kicau.rights.uses import USES

MACHINE_USES = ("train_gen", "train_other", "ground", "embed", "synthesise", "search")  # what programs do with works
FAULT_LENGTH = 200  # characters of a source that a fault quotes at most


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """One word of a vocabulary that can be said yes or no to."""

    token: str
    grants: tuple[str, ...]  # our uses that a yes surely permits
    refuses: tuple[str, ...] = ()  # those that a no covers; () where they are the same

    @property
    def covers(self) -> tuple[str, ...]:
        return self.refuses or self.grants


@dataclass(frozen=True, slots=True, kw_only=True)
class Declaration:
    """What one source says, in our own terms; not yet a statement, since nobody has recorded it."""

    vocabulary: str  # slug, see kicau.vocabularies.known
    says: Mapping[str, str] = field(default_factory=dict)  # {use: allow | deny | conditional}
    conditions: Mapping[str, str] = field(default_factory=dict)  # of what is conditional
    scope: str = ""  # path pattern or address that it is about; "" for what carried it
    agent: str = ""  # crawler that it speaks to; "" for all
    policy: str = ""  # address of the terms, or of whom to ask
    declared_by: str = ""  # as the source names them
    at: datetime | None = None  # when it was declared, as the source says
    kept: tuple[tuple[str, str], ...] = ()  # words that we do not know, with what was said of them


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedDeclarations:
    """Declarations found in one source; `faults` are sentences about what could not be read in it."""

    declarations: tuple[Declaration, ...] = ()
    faults: tuple[str, ...] = ()

    def __add__(self, other: ParsedDeclarations) -> ParsedDeclarations:
        return ParsedDeclarations(
            declarations=self.declarations + other.declarations, faults=self.faults + other.faults
        )


NO_DECLARATIONS = ParsedDeclarations()


def term_value(term: Term, says: Mapping[str, str]) -> str:
    """What to say of a word: allow, deny, conditional, or "" for nothing. Deny where any use under it is denied."""
    covered = {says.get(use, "") for use in term.covers}
    if "deny" in covered:
        return "deny"
    if "conditional" in covered:
        return "conditional"
    return "allow" if all(says.get(use) == "allow" for use in term.grants) else ""


def values_from_terms(terms: Iterable[Term], values: Mapping[str, str]) -> dict[str, str]:
    """Our uses from values (allow, deny or conditional) of words; the strictest counts where words overlap."""
    says: dict[str, str] = {}
    for term in terms:
        value = values.get(term.token, "")
        for use in term.grants if value == "allow" else term.covers:
            if value:
                says[use] = stricter_value(says.get(use, value), value)
    return {use: says[use] for use in USES if use in says}


def stricter_value(one: str, other: str) -> str:
    order = ("deny", "conditional", "allow")
    return min(one, other, key=order.index)


def combine_declarations(declarations: Iterable[Declaration]) -> dict[str, str]:
    """The strictest of what several say."""
    says: dict[str, str] = {}
    for one in declarations:
        for use, value in one.says.items():
            says[use] = stricter_value(says.get(use, value), value)
    return {use: says[use] for use in USES if use in says}


def quote_source(text: str) -> str:
    """A piece of a source, short and on one line, for a fault."""
    line = " ".join(text.split())
    return repr(line if len(line) <= FAULT_LENGTH else line[:FAULT_LENGTH] + "…")
