"""Whether an item may be used for something: yes, no or unknown, with the chain of statements that made it.
`sentences.reason` says why in one sentence.

Pure: no database, no clock. docs/reference/rights.md states the whole rule ("How an answer is made"); a second function,
written from that page alone, checks this one (tests/test_independent.py).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit, urlunsplit
from uuid import UUID

from kicau.rights import licences
from kicau.rights.models import IN_HOUSE_USES, Layer, Party, Subject

OWN_POSTS_KEY = "own"  # key of the author subject that means this workspace's own words
OTHERS_POSTS_KEY = "others"  # key of the author subject that means everybody else's
LIMITED_AUDIENCE_KEY = "few"  # key of an author's word on an item that was written for some alone
LAYER_ORDER = {layer: place for place, layer in enumerate(Layer)}
SUBJECT_ORDER = {subject: place for place, subject in enumerate(Subject)}
DEFAULT_PORTS = {"https": 443, "http": 80}
VALUE_STRICTNESS = {"deny": 0, "conditional": 1, "allow": 2}
UNKNOWN_VALUE = "unknown"


class RightsVerdict(StrEnum):
    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemFacts:
    """What is known of an item that statements can speak of."""

    network: str = ""
    author: str = ""  # "network:account id"
    own: bool = False  # whether this workspace wrote it
    licence: str = ""
    url: str = ""
    acquired: tuple[str, ...] = ()  # each an Origin; sorted
    item: UUID | None = None
    files: tuple[str, ...] = ()  # SHA-256 of each picture, video or document that stands with the words; sorted


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementFacts:
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
    is_unreviewed: bool = False  # terms of a network that nobody has reviewed

    def is_valid(self, at: datetime) -> bool:
        return (self.valid_from is None or self.valid_from <= at) and (
            self.valid_until is None or at < self.valid_until
        )

    def speaks_of(self, facts: ItemFacts) -> bool:
        """Whether it is about this item, however it was acquired."""
        if self.network and self.network != facts.network:
            return False
        match self.subject:
            case Subject.EVERYTHING:
                return True
            case Subject.NETWORK:
                return self.key == facts.network
            case Subject.SITE:
                return is_under_prefix(facts.url, self.key)
            case Subject.LICENCE:
                return licences.is_under(facts.licence, self.key)
            case Subject.AUTHOR:
                if self.key in (OWN_POSTS_KEY, OTHERS_POSTS_KEY):
                    return facts.own is (self.key == OWN_POSTS_KEY)
                return bool(self.key) and self.key == facts.author
            case Subject.FILE:
                return bool(self.key) and self.key in facts.files
            case _:
                return self.item is not None and self.item == facts.item

    def concerns(self, use: str, facts: ItemFacts) -> bool:
        """Whether it says anything of this use of this item."""
        if use not in self.says or not self.speaks_of(facts):
            return False
        if self.subject == Subject.LICENCE and self.says[use] == "allow":  # else the others that AND joins bind as well
            return licences.is_alternative(facts.licence, self.key)
        return True

    @property
    def weight(self) -> tuple[int, bool, bool, float, str]:
        """Of two by the same party on the same layer the heavier counts: narrower, then later."""
        since = self.valid_from or self.observed_at
        return (
            SUBJECT_ORDER[Subject(self.subject)],
            bool(self.network),
            bool(self.acquired),
            since.timestamp() if since else 0.0,
            self.id,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainLink:
    """One statement's place in a decision."""

    said: StatementFacts
    value: str  # what it says of this use
    decided: bool  # whether the answer rests on it


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """`chain` has all that speaks of the item and the use, in order of authority; `duties` are conditions to be kept."""

    use: str
    answer: RightsVerdict
    layer: str = ""  # on which it was decided; "" where nobody spoke
    acquired: str = ""  # for the copy that came this way
    chain: tuple[ChainLink, ...] = ()
    duties: Mapping[str, str] = field(default_factory=dict)
    unmet: tuple[str, ...] = ()  # conditions that the purpose does not meet
    of_words: RightsVerdict | None = None  # for the words alone, where a file decided

    @property
    def words_answer(self) -> RightsVerdict:
        """The answer for the words alone, whatever stands with them."""
        return self.answer if self.of_words is None else self.of_words

    @property
    def is_of_workspace_alone(self) -> bool:
        """Whether it rests on the workspace's default or grant, so on nothing that anybody else said."""
        resting = [link.said.party for link in self.chain if link.decided]
        return self.layer in (Layer.DEFAULT, Layer.GRANT) and bool(resting) and set(resting) == {Party.WORKSPACE}

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


def decide(
    use: str, facts: ItemFacts, statements: Iterable[StatementFacts], at: datetime, *, meets: Iterable[str] = ()
) -> Decision:
    """May the item be put to `use` at `at`, by a purpose that keeps the conditions `meets`?

    `statements` may hold others too; only what is valid and speaks of the item counts.
    """
    mine = [s for s in statements if s.is_valid(at) and s.concerns(use, facts)]
    return judge_statements(use, facts, mine, frozenset(meets))


def judge_statements(use: str, facts: ItemFacts, mine: Iterable[StatementFacts], meets: frozenset[str]) -> Decision:
    """As `decide`, of statements that are known to be valid and about the item and the use."""
    words = [s for s in mine if s.subject != Subject.FILE]
    by_file: dict[str, list[StatementFacts]] = {}
    for said in mine:
        if said.subject == Subject.FILE:
            by_file.setdefault(said.key, []).append(said)
    copies = []
    for way in facts.acquired or ("",):
        heard = [s for s in words if not s.acquired or s.acquired == way]
        if facts.licence and not any(s.layer == Layer.LICENCE for s in heard):
            heard.append(licence_values(use, facts.licence, meets))
        may_speak = facts.own or use in IN_HOUSE_USES
        decision = _decide_copy(use, way, sorted(heard, key=_authority_order), meets, may_speak)
        for key in sorted(by_file):
            of_file = [s for s in by_file[key] if not s.acquired or s.acquired == way]
            decision = _bind_file(
                decision, _decide_copy(use, way, sorted(of_file, key=_authority_order), meets, may_speak)
            )
        copies.append(decision)
    best = {RightsVerdict.YES: 0, RightsVerdict.UNKNOWN: 1, RightsVerdict.NO: 2}
    return min(copies, key=lambda d: best[d.answer])


def _bind_file(decision: Decision, of_file: Decision) -> Decision:
    """A post with one of its files: what is said of a file can only take a yes away or bind it to conditions."""
    chain = (*decision.chain, *(replace(link, decided=False) for link in of_file.chain))
    strictness = (RightsVerdict.NO, RightsVerdict.UNKNOWN, RightsVerdict.YES)
    if not of_file.layer or strictness.index(of_file.answer) >= strictness.index(decision.answer):
        duties = (
            {**of_file.duties, **decision.duties} if decision.answer == RightsVerdict.YES == of_file.answer else None
        )
        return replace(decision, chain=chain, duties=decision.duties if duties is None else duties)
    return replace(
        of_file,
        chain=(*(replace(link, decided=False) for link in decision.chain), *of_file.chain),
        of_words=decision.words_answer,
    )


def _authority_order(said: StatementFacts) -> tuple[Any, ...]:
    """In the order of authority; on one level the weightier first."""
    weight = said.weight
    return (LAYER_ORDER[Layer(said.layer)], *(-w for w in weight[:3]), -weight[3], said.id)


def licence_values(use: str, expression: str, meets: frozenset[str]) -> StatementFacts:
    """Kicau's reading of an item's licence. It counts where nobody says on the level of licences what one says."""
    found = licences.licence_meaning(expression, use, meets)
    name = " AND ".join(found.licences)
    return StatementFacts(
        id=f"licence:{name}",
        layer=Layer.LICENCE,
        party=Party.AUTHOR,
        subject=Subject.LICENCE,
        key=name,
        says={use: found.value},
        conditions=found.conditions,
    )


def normalize_site(address: str) -> str:
    """An address as it is compared: scheme and host in small letters, without the scheme's own port. "" for none."""
    text = address.strip()
    try:
        parts = urlsplit(text if "://" in text else f"https://{text}")
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return ""
    scheme = parts.scheme.lower()
    if scheme not in DEFAULT_PORTS or not host or " " in host:
        return ""
    try:
        host = host if host.isascii() else host.encode("idna").decode()
    except UnicodeError:
        return ""
    where = f"[{host}]" if ":" in host else host
    tail = urlunsplit(("", "", parts.path, parts.query, parts.fragment))
    return f"{scheme}://{where}{'' if port in (None, DEFAULT_PORTS[scheme]) else f':{port}'}{tail}"


@lru_cache(maxsize=4096)
def _normalize_prefix(key: str) -> str:
    return normalize_site(key)


def is_under_prefix(url: str, prefix: str) -> bool:
    """Whether an address lies under another: the same, or in a folder of it."""
    url, prefix = normalize_site(url) if url else "", _normalize_prefix(prefix)
    if not prefix or not url.startswith(prefix):
        return False
    return len(url) == len(prefix) or prefix.endswith("/") or url[len(prefix)] in "/?#"


def _decide_copy(
    use: str, way: str, ordered: list[StatementFacts], meets: frozenset[str], workspace_may: bool
) -> Decision:
    """`workspace_may`: whether the workspace's own default and grants can say yes."""
    on: dict[str, list[StatementFacts]] = {}
    for said in _strongest_statements(ordered):
        on.setdefault(said.layer, []).append(said)
    withdrawals = [s for s in ordered if s.layer == Layer.WITHDRAWAL]  # each: a withdrawal is undone by ending it

    def value(layer: str, *, of: Iterable[str] | None = None) -> tuple[str, list[StatementFacts]]:
        """The strictest value on a layer (by these parties), and the statements that have it. Unknown is no value."""
        found = [s for s in on.get(layer, ()) if (of is None or s.party in of) and s.says[use] in VALUE_STRICTNESS]
        if not found:
            return "", []
        strictest = min((s.says[use] for s in found), key=VALUE_STRICTNESS.__getitem__)
        return strictest, [s for s in found if s.says[use] == strictest]

    def made(
        answer: RightsVerdict, layer: str, by: list[StatementFacts], also: Iterable[StatementFacts] = ()
    ) -> Decision:
        resting = {s.id for s in by}
        duties = {
            name: detail for s in (*by, *also) if s.says[use] == "conditional" for name, detail in s.conditions.items()
        }
        unmet: tuple[str, ...] = ()
        bare = any(s.says[use] == "conditional" and not s.conditions for s in (*by, *also))
        if answer == RightsVerdict.YES and (bare or not set(duties) <= meets):
            unmet = tuple(sorted(set(duties) - meets)) or ("consent",)
            answer = RightsVerdict.UNKNOWN
        links = tuple(ChainLink(said=s, value=s.says[use], decided=s.id in resting) for s in ordered)
        return Decision(
            use=use,
            answer=answer,
            layer=layer,
            acquired=way,
            chain=links,
            duties=duties if answer != RightsVerdict.NO else {},
            unmet=unmet,
        )

    def yes(layer: str, by: list[StatementFacts], *heard: str, also: Iterable[StatementFacts] = ()) -> Decision:
        """Yes, unless somebody on one of the layers `heard` left it open."""
        for above in heard:
            found = withdrawals if above == Layer.WITHDRAWAL else on.get(above, ())
            if left_open := [s for s in found if s.says[use] == UNKNOWN_VALUE]:
                return made(RightsVerdict.UNKNOWN, above, left_open)
        return made(RightsVerdict.YES, layer, by, also) if by else made(RightsVerdict.UNKNOWN, "", [])

    if withdrawn := [s for s in withdrawals if s.says[use] == "deny"]:
        return made(RightsVerdict.NO, Layer.WITHDRAWAL, withdrawn)
    for party in Party:
        refused, by = value(Layer.GRANT, of=[party])
        if refused == "deny":
            return made(RightsVerdict.NO, Layer.GRANT, by)
    heard = [Layer.WITHDRAWAL, Layer.GRANT]
    lifted, lift = value(Layer.GRANT, of=[Party.NETWORK])
    contract, terms = (lifted, lift) if lifted else value(Layer.CONTRACT)
    if contract == "deny":
        return made(RightsVerdict.NO, Layer.CONTRACT, terms)
    if not lifted:
        heard.append(Layer.CONTRACT)
    bound = terms if contract == "conditional" else []

    granted, grant = value(Layer.GRANT, of=[Party.AUTHOR])
    if granted:
        return yes(Layer.GRANT, grant, *heard, also=bound)
    for layer in (Layer.AUTHOR, Layer.LICENCE):
        heard.append(layer)
        wish, by = value(layer)
        if wish == "deny":
            return made(RightsVerdict.NO, layer, by)
        if wish:
            return yes(layer, by, *heard, also=bound)
    if contract:
        return yes(Layer.GRANT if lifted else Layer.CONTRACT, terms, *heard)
    for layer, party in ((Layer.SITE, Party.SITE), (Layer.DEFAULT, Party.WORKSPACE)):
        may_say_yes = workspace_may or party != Party.WORKSPACE
        granted, grant = value(Layer.GRANT, of=[party])
        if granted and may_say_yes:
            return yes(Layer.GRANT, grant, *heard)
        heard.append(layer)
        wish, by = value(layer)
        if wish == "deny":
            return made(RightsVerdict.NO, layer, by)
        if wish and may_say_yes:
            return yes(layer, by, *heard)
    return yes("", [], *heard)


def _strongest_statements(ordered: Iterable[StatementFacts]) -> list[StatementFacts]:
    """Of each party on each layer the one that counts."""
    best: dict[tuple[str, str, str], StatementFacts] = {}
    for said in ordered:
        who = (said.layer, said.party, said.party_name)
        if who not in best or said.weight > best[who].weight:
            best[who] = said
    return list(best.values())
