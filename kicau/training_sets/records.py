"""From a query and a purpose to records: what may be used, once, without personal data, in the form that trainers read.

Every item that stays out has a reason. Nothing is written that was not decided upon as of the version's moment.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.db.models import QuerySet

from kicau.archive.models import Item, Standing
from kicau.archive.policy_decisions import Judge
from kicau.base.ids import among
from kicau.rights import licences
from kicau.rights.decisions import Answer, Decision
from kicau.training_sets import near_duplicates, personal_data, prohibited_texts, review
from kicau.training_sets.models import Format, TrainingSet
from kicau.training_sets.options import SPLITS, Options, Span
from kicau.training_sets.reasons import (
    BRANCH,
    DELETED,
    LANGUAGE,
    NO_TEXT,
    NOT_PUBLIC,
    OTHERS_WORDS,
    REPEATED,
    SHORT,
    sentence,
)
from kicau.workspaces.models import Workspace

KINDS = ("post", "reply", "quote", "comment", "article")  # reposts are others' words, messages are private
TURNS = 8  # of a conversation at most


class MustNotBeUsed(Exception):
    """Stop and report a fault: something would have been written that is not permitted."""


@dataclass(slots=True)
class Row:
    """An item on its way into the set."""

    id: UUID
    network: str
    remote_id: str
    standing: int
    kind: str
    text: str
    language: str
    posted_at: datetime
    reply_to: str
    url: str
    decision: Decision
    original: str  # its text before personal data was replaced
    spans: list[Span] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """What is written: `body` in the set's format; `items` are all that it holds, with the digests of their decisions."""

    id: str
    split: str
    body: Mapping[str, Any]
    items: Sequence[tuple[UUID, str]]
    rows: Sequence[Row]


@dataclass(slots=True)
class Gathered:
    """Records in the order of their time, and each item left out with its sentence."""

    records: list[Record] = field(default_factory=list)
    excluded: list[tuple[UUID, str]] = field(default_factory=list)
    questions: list[tuple[UUID, UUID]] = field(default_factory=list)  # our post, and the forbidden text that it holds


def gather(
    of: TrainingSet, items: QuerySet[Item], as_of: datetime, progress: Callable[[int], None] = lambda _: None
) -> Gathered:
    """Decides over all `items` (of the set's workspace) and makes the records of what is permitted."""
    options, gathered = Options.of(of.options), Gathered()
    rows = _without_copies(of, list(_permitted(of, items, as_of, options, gathered, progress)), as_of, gathered)
    if options.without_repeats:
        rows = _once(rows, gathered)
    standings = {s.id: s for s in Standing.objects.filter(workspace=of.workspace)}
    told = _Told()
    made = _conversations(rows, standings, options, gathered) if of.format != Format.TEXT else ([row] for row in rows)
    for turns in made:
        gathered.records.append(_record(of, turns, standings, options, told))
    gathered.excluded.sort(key=lambda e: e[0])
    return gathered


def _permitted(
    of: TrainingSet,
    items: QuerySet[Item],
    as_of: datetime,
    options: Options,
    gathered: Gathered,
    progress: Callable[[int], None],
) -> Iterator[Row]:
    ordered = items.filter(workspace=of.workspace).order_by("posted_at", "id")
    decisions = dict(Judge(of.workspace, at=as_of).decide_items(of.use, ordered, of.meets))
    kinds, kept = frozenset(options.personal), review.kept(of)
    own = dict(Standing.objects.filter(workspace=of.workspace).values_list("id", "own"))
    whys: dict[int, str] = {}  # by decision: many items share one
    fields = (
        "id",
        "network",
        "remote_id",
        "standing_id",
        "kind",
        "text",
        "language",
        "posted_at",
        "reply_to",
        "url",
        "deleted_at",
    )
    told: tuple[Any, ...]
    for number, told in enumerate(ordered.values_list(*fields).iterator(chunk_size=5000), 1):
        if number % 10_000 == 0:
            progress(number)
        decision = decisions.get(told[0])
        if decision is None:  # came in while this was made
            continue
        row = Row(*told[:-1], decision, told[5])  # type: ignore[call-arg]
        why = _why_not(row, told[-1], options, whys)
        if why:
            gathered.excluded.append((row.id, why))
            continue
        if row.decision.is_of_workspace_alone and not own[row.standing]:
            gathered.excluded.append((row.id, OTHERS_WORDS))
            continue
        if kept:
            row.text, row.spans = personal_data.without(row.text, kinds, review.still(kept.get(row.id, ()), row.text))
        else:
            row.text, row.spans = personal_data.without(row.text, kinds)
        yield row


def _why_not(row: Row, deleted: datetime | None, options: Options, whys: dict[int, str]) -> str:
    if row.decision.answer != Answer.YES:
        known = id(row.decision)
        return whys[known] if known in whys else whys.setdefault(known, sentence(row.decision))
    if deleted is not None:
        return DELETED
    if row.kind not in KINDS:
        return NOT_PUBLIC
    if not row.text.strip():
        return NO_TEXT
    if options.languages and row.language not in options.languages:
        return LANGUAGE
    return SHORT if options.least_words > 1 and len(row.text.split()) < options.least_words else ""


def _without_copies(of: TrainingSet, rows: list[Row], as_of: datetime, gathered: Gathered) -> list[Row]:
    """Without posts that repeat or quote in full a text that may not be used."""
    forbidden = prohibited_texts.originals(of, Judge(of.workspace, at=as_of))
    if not rows or not forbidden:
        return rows
    standings = {s.id: s for s in Standing.objects.filter(workspace=of.workspace)}
    texts = [
        prohibited_texts.Text(
            id=row.id,
            text=row.original,
            author=standings[row.standing].author,
            is_own=standings[row.standing].own,
            posted_at=row.posted_at,
            kind=row.kind,
            decision=row.decision,
        )
        for row in rows
    ]
    found = prohibited_texts.among(texts, forbidden)
    gathered.excluded += [(one.item, one.why) for one in found.values()]
    gathered.questions += [(one.item, one.original) for one in found.values() if one.is_question]
    return [row for row in rows if row.id not in found]


def _once(rows: list[Row], gathered: Gathered) -> list[Row]:
    kept = []
    for row, first in zip(rows, near_duplicates.repeated([r.text for r in rows]).tolist(), strict=True):
        if first < 0:
            kept.append(row)
        else:
            gathered.excluded.append((row.id, REPEATED))
    return kept


def _conversations(
    rows: Sequence[Row], standings: Mapping[int, Standing], options: Options, gathered: Gathered
) -> Iterator[list[Row]]:
    """What this workspace wrote, with what it answers before it. Where a turn is missing the whole branch is."""
    here = {(row.network, row.remote_id): row for row in rows}
    for row in rows:
        if not standings[row.standing].own:
            continue  # another's words stand only before our answer
        turns = [row]
        while turns[0].reply_to and len(turns) < TURNS:
            before = here.get((row.network, turns[0].reply_to))
            if before is None or before in turns:
                break
            turns.insert(0, before)
        if turns[0].reply_to and len(turns) < TURNS:
            gathered.excluded.append((row.id, BRANCH))
            continue
        yield turns


class _Told:
    """Digests and sentences of decisions, each made once: many items share one."""

    def __init__(self) -> None:
        # By identity; the decision is kept, so that it stays its own.
        self._digests: dict[int, tuple[Decision, str]] = {}
        self._sentences: dict[int, tuple[Decision, str]] = {}

        self._authors: dict[str, str] = {}

    def author(self, workspace: UUID, author: str) -> str:
        """What stands for somebody in one workspace's sets."""
        if author not in self._authors:
            self._authors[author] = hashlib.sha256(f"{workspace}:{author}".encode()).hexdigest()[:16]
        return self._authors[author]

    def digest(self, decision: Decision) -> str:
        if id(decision) not in self._digests:
            self._digests[id(decision)] = decision, decision.digest
        return self._digests[id(decision)][1]

    def sentence(self, decision: Decision) -> str:
        if id(decision) not in self._sentences:
            self._sentences[id(decision)] = decision, str(sentence(decision))
        return self._sentences[id(decision)][1]


def _record(
    of: TrainingSet, turns: list[Row], standings: Mapping[int, Standing], options: Options, told: _Told
) -> Record:
    for turn in turns:
        if turn.decision.answer != Answer.YES:
            raise MustNotBeUsed(f"item {turn.id}: {turn.decision.answer}")
    last = turns[-1]
    shared = standings[last.standing]
    split = _split(_thread(turns), options.shares)
    name = str(last.id)
    body = {
        "id": name,
        **_body(of, turns, standings, options),
        "source": last.network,
        "url": last.url,
        "author_ref": told.author(of.workspace_id, shared.author),
        "acquired_via": last.decision.acquired or ",".join(shared.acquired),
        "created": last.posted_at.astimezone(UTC).isoformat().replace("+00:00", "Z"),
        "language": last.language,
        "licence": _licence(turns, standings),
        "use": of.use,
        "decision": told.digest(last.decision),
        "reason": told.sentence(last.decision),
        "duties": ",".join(sorted({name for turn in turns for name in turn.decision.duties})),
        "attribution": _attribution(turns, standings),
        "text_sha256": hashlib.sha256(last.text.encode("utf-8", "surrogatepass")).hexdigest(),
    }
    return Record(id=name, split=split, body=body, items=[(t.id, told.digest(t.decision)) for t in turns], rows=turns)


def _licence(turns: Sequence[Row], standings: Mapping[int, Standing]) -> str:
    """Of all that the record holds, as SPDX spells it."""
    each = list(dict.fromkeys(filter(None, (licences.canonical(standings[t.standing].licence) for t in turns))))
    return each[0] if len(each) == 1 else " AND ".join(f"({one})" if " OR " in one else one for one in each)


def _attribution(turns: Sequence[Row], standings: Mapping[int, Standing]) -> str:
    """The credit line if attribution is required: the text that was requested, otherwise the author's name or handle."""
    names = []
    for turn in turns:
        if "attribution" in turn.decision.duties:
            author = standings[turn.standing]
            handle = f"@{author.author_handle}" if author.author_handle else author.author
            names.append(turn.decision.duties["attribution"] or author.author_name or handle)
    return "; ".join(dict.fromkeys(names))


def _body(of: TrainingSet, turns: Sequence[Row], standings: Mapping[int, Standing], options: Options) -> dict[str, Any]:
    last = turns[-1]
    if of.format == Format.TEXT:
        return {"text": last.text}
    prompt = options.prompt.format(network=last.network, language=last.language)
    if of.format == Format.PROMPT:
        return {"prompt": "\n\n".join(t.text for t in turns[:-1]) or prompt, "completion": last.text}
    said = [{"role": "assistant" if standings[t.standing].own else "user", "content": t.text} for t in turns]
    return {"messages": said if said[0]["role"] == "user" else [{"role": "user", "content": prompt}, *said]}


def _thread(turns: Sequence[Row]) -> str:
    """All of one conversation fall into one split, whichever of them are records."""
    first = turns[0]
    return f"{first.network}:{first.reply_to or first.remote_id}"


def _split(thread: str, shares: Sequence[float]) -> str:
    place = int.from_bytes(hashlib.sha256(thread.encode()).digest()[:8], "big") / 2**64
    for name, share in zip(SPLITS, shares, strict=False):
        if place < share:
            return name
        place -= share
    return SPLITS[0]


def items_of(workspace: Workspace, ids: Iterable[UUID] | None) -> QuerySet[Item]:
    """All of a workspace's items, or those that a query found."""
    items = Item.objects.filter(workspace=workspace)
    return items if ids is None else items.filter(id__in=among(ids))
