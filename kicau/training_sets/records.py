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

from kicau.archive.models import Item, RightsContext
from kicau.archive.policy_decisions import RightsEvaluator
from kicau.base.ids import id_among
from kicau.rights import licences
from kicau.rights.decisions import Decision, RightsVerdict
from kicau.training_sets import near_duplicates, personal_data, prohibited_texts, review
from kicau.training_sets.models import RecordFormat, TrainingSet
from kicau.training_sets.options import SPLIT_NAMES, PersonalDataSpan, SetOptions
from kicau.training_sets.reasons import (
    ANSWERS_PROHIBITED,
    DELETED,
    NO_TEXT,
    NOT_PUBLIC,
    OTHER_LANGUAGE,
    OTHERS_WORDS,
    REPEATS_ANOTHER,
    TOO_SHORT,
    decision_sentence,
)
from kicau.workspaces.models import Workspace

ITEM_KINDS = ("post", "reply", "quote", "comment", "article")  # reposts are others' words, messages are private
MAX_TURNS = 8  # of a conversation at most


class MustNotBeUsed(Exception):
    """Stop and report a fault: something would have been written that is not permitted."""


@dataclass(slots=True)
class CandidateItem:
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
    spans: list[PersonalDataSpan] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class SetRecord:
    """What is written: `body` in the set's format; `items` are all that it holds, with the digests of their decisions."""

    id: str
    split: str
    body: Mapping[str, Any]
    items: Sequence[tuple[UUID, str]]
    rows: Sequence[CandidateItem]


@dataclass(slots=True)
class GatherResult:
    """Records in the order of their time, and each item left out with its sentence."""

    records: list[SetRecord] = field(default_factory=list)
    excluded: list[tuple[UUID, str]] = field(default_factory=list)
    questions: list[tuple[UUID, UUID]] = field(default_factory=list)  # our post, and the forbidden text that it holds


def gather_records(
    of: TrainingSet, items: QuerySet[Item], as_of: datetime, progress: Callable[[int], None] = lambda _: None
) -> GatherResult:
    """Decides over all `items` (of the set's workspace) and makes the records of what is permitted."""
    options, gathered = SetOptions.of(of.options), GatherResult()
    rows = _without_copies(of, list(_permitted_items(of, items, as_of, options, gathered, progress)), as_of, gathered)
    if options.without_repeats:
        rows = _without_repeats(rows, gathered)
    standings = {s.id: s for s in RightsContext.objects.filter(workspace=of.workspace)}
    told = _DecisionCache()
    made = (
        _build_conversations(rows, standings, options, gathered)
        if of.format != RecordFormat.TEXT
        else ([row] for row in rows)
    )
    for turns in made:
        gathered.records.append(_build_record(of, turns, standings, options, told))
    gathered.excluded.sort(key=lambda e: e[0])
    return gathered


def _permitted_items(
    of: TrainingSet,
    items: QuerySet[Item],
    as_of: datetime,
    options: SetOptions,
    gathered: GatherResult,
    progress: Callable[[int], None],
) -> Iterator[CandidateItem]:
    ordered = items.filter(workspace=of.workspace).order_by("posted_at", "id")
    decisions = dict(RightsEvaluator(of.workspace, at=as_of).decide_items(of.use, ordered, of.meets))
    kinds, kept = frozenset(options.personal), review.kept_places(of)
    own = dict(RightsContext.objects.filter(workspace=of.workspace).values_list("id", "own"))
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
        row = CandidateItem(*told[:-1], decision, told[5])  # type: ignore[call-arg]
        why = _exclusion_reason(row, told[-1], options, whys)
        if why:
            gathered.excluded.append((row.id, why))
            continue
        if row.decision.is_of_workspace_alone and not own[row.standing]:
            gathered.excluded.append((row.id, OTHERS_WORDS))
            continue
        if kept:
            row.text, row.spans = personal_data.redact(
                row.text, kinds, review.unchanged_places(kept.get(row.id, ()), row.text)
            )
        else:
            row.text, row.spans = personal_data.redact(row.text, kinds)
        yield row


def _exclusion_reason(row: CandidateItem, deleted: datetime | None, options: SetOptions, whys: dict[int, str]) -> str:
    if row.decision.answer != RightsVerdict.YES:
        known = id(row.decision)
        return whys[known] if known in whys else whys.setdefault(known, decision_sentence(row.decision))
    if deleted is not None:
        return DELETED
    if row.kind not in ITEM_KINDS:
        return NOT_PUBLIC
    if not row.text.strip():
        return NO_TEXT
    if options.languages and row.language not in options.languages:
        return OTHER_LANGUAGE
    return TOO_SHORT if options.least_words > 1 and len(row.text.split()) < options.least_words else ""


def _without_copies(
    of: TrainingSet, rows: list[CandidateItem], as_of: datetime, gathered: GatherResult
) -> list[CandidateItem]:
    """Without posts that repeat or quote in full a text that may not be used."""
    forbidden = prohibited_texts.prohibited_originals(of, RightsEvaluator(of.workspace, at=as_of))
    if not rows or not forbidden:
        return rows
    standings = {s.id: s for s in RightsContext.objects.filter(workspace=of.workspace)}
    texts = [
        prohibited_texts.ArchiveText(
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
    found = prohibited_texts.find_prohibited(texts, forbidden)
    gathered.excluded += [(one.item, one.why) for one in found.values()]
    gathered.questions += [(one.item, one.original) for one in found.values() if one.is_question]
    return [row for row in rows if row.id not in found]


def _without_repeats(rows: list[CandidateItem], gathered: GatherResult) -> list[CandidateItem]:
    kept = []
    for row, first in zip(rows, near_duplicates.find_repeats([r.text for r in rows]).tolist(), strict=True):
        if first < 0:
            kept.append(row)
        else:
            gathered.excluded.append((row.id, REPEATS_ANOTHER))
    return kept


def _build_conversations(
    rows: Sequence[CandidateItem], standings: Mapping[int, RightsContext], options: SetOptions, gathered: GatherResult
) -> Iterator[list[CandidateItem]]:
    """What this workspace wrote, with what it answers before it. Where a turn is missing the whole branch is."""
    here = {(row.network, row.remote_id): row for row in rows}
    for row in rows:
        if not standings[row.standing].own:
            continue  # another's words stand only before our answer
        turns = [row]
        while turns[0].reply_to and len(turns) < MAX_TURNS:
            before = here.get((row.network, turns[0].reply_to))
            if before is None or before in turns:
                break
            turns.insert(0, before)
        if turns[0].reply_to and len(turns) < MAX_TURNS:
            gathered.excluded.append((row.id, ANSWERS_PROHIBITED))
            continue
        yield turns


class _DecisionCache:
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
            self._sentences[id(decision)] = decision, str(decision_sentence(decision))
        return self._sentences[id(decision)][1]


def _build_record(
    of: TrainingSet,
    turns: list[CandidateItem],
    standings: Mapping[int, RightsContext],
    options: SetOptions,
    told: _DecisionCache,
) -> SetRecord:
    for turn in turns:
        if turn.decision.answer != RightsVerdict.YES:
            raise MustNotBeUsed(f"item {turn.id}: {turn.decision.answer}")
    last = turns[-1]
    shared = standings[last.standing]
    split = _choose_split(_thread_key(turns), options.shares)
    name = str(last.id)
    body = {
        "id": name,
        **_record_body(of, turns, standings, options),
        "source": last.network,
        "url": last.url,
        "author_ref": told.author(of.workspace_id, shared.author),
        "acquired_via": last.decision.acquired or ",".join(shared.acquired),
        "created": last.posted_at.astimezone(UTC).isoformat().replace("+00:00", "Z"),
        "language": last.language,
        "licence": _record_licence(turns, standings),
        "use": of.use,
        "decision": told.digest(last.decision),
        "reason": told.sentence(last.decision),
        "duties": ",".join(sorted({name for turn in turns for name in turn.decision.duties})),
        "attribution": _credit_line(turns, standings),
        "text_sha256": hashlib.sha256(last.text.encode("utf-8", "surrogatepass")).hexdigest(),
    }
    return SetRecord(
        id=name, split=split, body=body, items=[(t.id, told.digest(t.decision)) for t in turns], rows=turns
    )


def _record_licence(turns: Sequence[CandidateItem], standings: Mapping[int, RightsContext]) -> str:
    """Of all that the record holds, as SPDX spells it."""
    each = list(dict.fromkeys(filter(None, (licences.canonical_spdx(standings[t.standing].licence) for t in turns))))
    return each[0] if len(each) == 1 else " AND ".join(f"({one})" if " OR " in one else one for one in each)


def _credit_line(turns: Sequence[CandidateItem], standings: Mapping[int, RightsContext]) -> str:
    """The credit line if attribution is required: the text that was requested, otherwise the author's name or handle."""
    names = []
    for turn in turns:
        if "attribution" in turn.decision.duties:
            author = standings[turn.standing]
            handle = f"@{author.author_handle}" if author.author_handle else author.author
            names.append(turn.decision.duties["attribution"] or author.author_name or handle)
    return "; ".join(dict.fromkeys(names))


def _record_body(
    of: TrainingSet, turns: Sequence[CandidateItem], standings: Mapping[int, RightsContext], options: SetOptions
) -> dict[str, Any]:
    last = turns[-1]
    if of.format == RecordFormat.TEXT:
        return {"text": last.text}
    prompt = options.prompt.format(network=last.network, language=last.language)
    if of.format == RecordFormat.PROMPT:
        return {"prompt": "\n\n".join(t.text for t in turns[:-1]) or prompt, "completion": last.text}
    said = [{"role": "assistant" if standings[t.standing].own else "user", "content": t.text} for t in turns]
    return {"messages": said if said[0]["role"] == "user" else [{"role": "user", "content": prompt}, *said]}


def _thread_key(turns: Sequence[CandidateItem]) -> str:
    """All of one conversation fall into one split, whichever of them are records."""
    first = turns[0]
    return f"{first.network}:{first.reply_to or first.remote_id}"


def _choose_split(thread: str, shares: Sequence[float]) -> str:
    place = int.from_bytes(hashlib.sha256(thread.encode()).digest()[:8], "big") / 2**64
    for name, share in zip(SPLIT_NAMES, shares, strict=False):
        if place < share:
            return name
        place -= share
    return SPLIT_NAMES[0]


def workspace_items(workspace: Workspace, ids: Iterable[UUID] | None) -> QuerySet[Item]:
    """All of a workspace's items, or those that a query found."""
    items = Item.objects.filter(workspace=workspace)
    return items if ids is None else items.filter(id__in=id_among(ids))
