"""Whether an item may be used for something: yes, no or unknown, with the chain of statements that made it.
`sentences.reason` says why in one sentence.

Pure: no database, no clock. Statements go in the order of `Layer`; the first that speaks decides, with these rules:

- What was taken back stays so. An explicit refusal by whoever controls it comes next.
- A contract (the terms under which a copy was acquired) that denies is lifted by its own network's grant and by nobody
  else's: a grant lifts only what its grantor controls. One that nobody has reviewed yet leaves the answer open.
- A contract that allows is no author's permission: it gives way to the author's or the licence's no.
- On one layer the same party's narrower statement goes before its wider one, the later before the earlier; between
  parties the most restrictive counts.
- An item that came by several ways is judged for each copy; the freest copy may be used.
- Unknown is the answer where nobody speaks, and where a condition is not met by the purpose.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from kicau.rights.models import Layer, Party, Subject

OWN = "own"  # key of the author subject that means this workspace's own words
FEW = "few"  # key of an author's word on an item that was written for some alone
ORDER = {layer: place for place, layer in enumerate(Layer)}
WIDTH = {subject: place for place, subject in enumerate(Subject)}
STRICT = {"deny": 0, "conditional": 1, "allow": 2}


class Answer(StrEnum):
    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is known of an item that statements can speak of."""

    network: str = ""
    author: str = ""  # "network:account id"
    own: bool = False  # whether this workspace wrote it
    licence: str = ""
    url: str = ""
    acquired: tuple[str, ...] = ()  # each an Origin; sorted
    item: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A statement as decisions read it (see rights.models.Statement for each field)."""

    id: str
    layer: str
    party: str
    party_name: str = ""
    subject: str = Subject.EVERYTHING
    key: str = ""
    item: UUID | None = None
    network: str = ""
    acquired: str = ""
    says: Mapping[str, str] = field(default_factory=dict)
    conditions: Mapping[str, str] = field(default_factory=dict)
    source: str = ""
    raw_sha256: str = ""
    observed_at: datetime | None = None
    valid_from: datetime | None = None
    valid_until: datetime | None = None

    def is_valid(self, at: datetime) -> bool:
        return (self.valid_from is None or self.valid_from <= at) and (
            self.valid_until is None or at < self.valid_until
        )

    def speaks_of(self, facts: Facts) -> bool:
        """Whether it is about this item, however it was acquired."""
        if self.network and self.network != facts.network:
            return False
        match self.subject:
            case Subject.EVERYTHING:
                return True
            case Subject.NETWORK:
                return self.key == facts.network
            case Subject.SITE:
                return under(facts.url, self.key)
            case Subject.LICENCE:
                return bool(self.key) and self.key == facts.licence
            case Subject.AUTHOR:
                return facts.own if self.key == OWN else bool(self.key) and self.key == facts.author
            case Subject.FILE:
                return False  # of a picture that stands with it, not of the words
            case _:
                return self.item is not None and self.item == facts.item

    @property
    def weight(self) -> tuple[int, bool, bool, float, str]:
        """Of two by the same party on the same layer the heavier counts: narrower, then later."""
        since = self.valid_from or self.observed_at
        return (
            WIDTH[Subject(self.subject)],
            bool(self.network),
            bool(self.acquired),
            since.timestamp() if since else 0.0,
            self.id,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """One statement's place in a decision."""

    said: Said
    value: str  # what it says of this use
    decided: bool  # whether the answer rests on it


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """`chain` has all that speaks of the item and the use, in order of authority; `duties` are conditions to be kept."""

    use: str
    answer: Answer
    layer: str = ""  # on which it was decided; "" where nobody spoke
    acquired: str = ""  # for the copy that came this way
    chain: tuple[Link, ...] = ()
    duties: Mapping[str, str] = field(default_factory=dict)
    unmet: tuple[str, ...] = ()  # conditions that the purpose does not meet

    @property
    def digest(self) -> str:
        """SHA-256 of what was decided and by which statements: equal decisions have equal digests."""
        made = {
            "use": self.use,
            "answer": self.answer,
            "layer": self.layer,
            "acquired": self.acquired,
            "chain": [[link.said.id, link.value, link.decided] for link in self.chain],
            "duties": dict(sorted(self.duties.items())),
            "unmet": sorted(self.unmet),
        }
        return hashlib.sha256(json.dumps(made, separators=(",", ":"), ensure_ascii=False).encode()).hexdigest()


def decide(use: str, facts: Facts, statements: Iterable[Said], at: datetime, *, meets: Iterable[str] = ()) -> Decision:
    """May the item be put to `use` at `at`, by a purpose that keeps the conditions `meets`?

    `statements` may hold others too; only what is valid and speaks of the item counts.
    """
    mine = [s for s in statements if use in s.says and s.is_valid(at) and s.speaks_of(facts)]
    return judge(use, facts.acquired, mine, frozenset(meets))


def judge(use: str, acquired: tuple[str, ...], mine: Iterable[Said], meets: frozenset[str]) -> Decision:
    """As `decide`, of statements that are known to be valid and about the item and the use."""
    ordered = sorted(mine, key=lambda s: (ORDER[Layer(s.layer)], *(-w for w in s.weight[:3]), -s.weight[3], s.id))
    copies = [
        _of_copy(use, way, [s for s in ordered if not s.acquired or s.acquired == way], meets)
        for way in acquired or ("",)
    ]
    best = {Answer.YES: 0, Answer.UNKNOWN: 1, Answer.NO: 2}
    return min(copies, key=lambda d: best[d.answer])


def under(url: str, prefix: str) -> bool:
    """Whether an address lies under another: the same, or in a folder of it."""
    if not prefix or not url.startswith(prefix):
        return False
    return len(url) == len(prefix) or prefix.endswith("/") or url[len(prefix)] in "/?#"


def _of_copy(use: str, way: str, ordered: list[Said], meets: frozenset[str]) -> Decision:
    speaking = _heaviest(ordered)
    on: dict[str, list[Said]] = {}
    for said in speaking:
        on.setdefault(said.layer, []).append(said)

    def value(layer: str, *, of: Iterable[str] | None = None) -> tuple[str, list[Said]]:
        """The strictest that is said on a layer (by these parties), and by which statements."""
        found = [s for s in on.get(layer, ()) if (of is None or s.party in of) and s.says[use] in STRICT]
        if not found:
            return "", []
        strictest = min((s.says[use] for s in found), key=STRICT.__getitem__)
        return strictest, [s for s in found if s.says[use] == strictest]

    def done(answer: Answer, layer: str, by: list[Said], also: Iterable[Said] = ()) -> Decision:
        resting = {s.id for s in by}
        duties = {
            name: detail for s in (*by, *also) if s.says[use] == "conditional" for name, detail in s.conditions.items()
        }
        unmet: tuple[str, ...] = ()
        bare = any(s.says[use] == "conditional" and not s.conditions for s in (*by, *also))
        if answer == Answer.YES and (bare or not set(duties) <= meets):
            unmet = tuple(sorted(set(duties) - meets)) or ("consent",)
            answer = Answer.UNKNOWN
        links = tuple(Link(said=s, value=s.says[use], decided=s.id in resting) for s in ordered)
        return Decision(
            use=use,
            answer=answer,
            layer=layer,
            acquired=way,
            chain=links,
            duties=duties if answer != Answer.NO else {},
            unmet=unmet,
        )

    withdrawn = [s for s in ordered if s.layer == Layer.WITHDRAWAL and s.says[use] == "deny"]
    if withdrawn:  # each of them, also beside a narrower one: a withdrawal is undone by ending it
        return done(Answer.NO, Layer.WITHDRAWAL, withdrawn)
    for party in Party:
        refused, by = value(Layer.GRANT, of=[party])
        if refused == "deny":
            return done(Answer.NO, Layer.GRANT, by)
    granted, grant = value(Layer.GRANT, of=[Party.AUTHOR])
    lifted, lift = value(Layer.GRANT, of=[Party.NETWORK])
    contract, terms = (lifted, lift) if lifted else value(Layer.CONTRACT)
    if contract == "deny":
        return done(Answer.NO, Layer.CONTRACT, terms)
    open_terms = [] if lifted else [s for s in on.get(Layer.CONTRACT, ()) if s.says[use] not in STRICT]
    bound = terms if contract == "conditional" else []

    preference, by = granted, grant
    layer: str = Layer.GRANT
    for layer_below in (Layer.AUTHOR, Layer.LICENCE):
        if preference:
            break
        (preference, by), layer = value(layer_below), layer_below
    if preference == "deny":
        return done(Answer.NO, layer, by)
    if open_terms:
        return done(Answer.UNKNOWN, Layer.CONTRACT, open_terms)
    if preference:
        return done(Answer.YES, layer, by, bound)
    if contract:
        return done(Answer.YES, Layer.GRANT if lifted else Layer.CONTRACT, terms)
    for layer, party in ((Layer.SITE, Party.SITE), (Layer.DEFAULT, Party.WORKSPACE)):
        granted, grant = value(Layer.GRANT, of=[party])
        if granted:
            return done(Answer.YES, Layer.GRANT, grant)
        wish, by = value(layer)
        if wish:
            return done(Answer.NO if wish == "deny" else Answer.YES, layer, by)
    return done(Answer.UNKNOWN, "", [])


def _heaviest(ordered: Iterable[Said]) -> list[Said]:
    """Of each party on each layer the one that counts."""
    best: dict[tuple[str, str, str], Said] = {}
    for said in ordered:
        who = (said.layer, said.party, said.party_name)
        if who not in best or said.weight > best[who].weight:
            best[who] = said
    return list(best.values())
