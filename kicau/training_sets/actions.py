"""What people do with training sets: define, make, hand out, and learn who still has what was taken back."""

from __future__ import annotations

import string
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import F, Func, IntegerField, OuterRef, Prefetch, QuerySet, Subquery

from kicau.archive.models import Item
from kicau.archive.policy_decisions import check_use
from kicau.archive.queries import check_languages, check_query
from kicau.archive.record_statements import add_statements
from kicau.base import clock
from kicau.base.errors import Conflict, NotFound, validation_failed
from kicau.base.ids import as_uuid
from kicau.base.sentences import Sentence
from kicau.rights.models import CONDITIONS, Layer, Party, Statement, Subject
from kicau.rights.statements import NewStatement
from kicau.training_sets.models import RecordFormat, TrainingSet, TrainingSetPreview, TrainingSetVersion, VersionState
from kicau.training_sets.options import REPLACEMENT_LABELS, SPLIT_NAMES, SetOptions
from kicau.training_sets.versions import build_next_version, version_folder
from kicau.workspaces.actors import Actor, Permission

COPIES_UNREVIEWED = Sentence(
    "Content rights changed. Kicau is checking whether this training set contains copies of texts that may no longer be used. You can download the files after this check."
)


@transaction.atomic
def create_set(
    actor: Actor,
    *,
    name: str,
    purpose: str = "",
    use: str = "train_gen",
    format: str = RecordFormat.TEXT,
    query: Mapping[str, Any] | None = None,
    meets: Sequence[str] = (),
    options: Mapping[str, Any] | None = None,
) -> TrainingSet:
    """A new set; nothing is made yet. Raises ValidationFailed, Conflict."""
    actor.require(Permission.SETTINGS)
    check_use(use)
    if not name.strip():
        raise validation_failed("name", "Enter a name for the training set (texts for training an AI model).")
    _check_definition(actor, format, meets, query or {})
    if TrainingSet.objects.filter(workspace=actor.workspace, name=name.strip()[:120]).exists():
        raise Conflict(
            Sentence("A training set named {name!r} already exists. Choose another name.", name=name.strip())
        )
    made = TrainingSet.objects.create(
        workspace=actor.workspace,
        name=name.strip()[:120],
        purpose=purpose.strip(),
        use=use,
        format=format,
        query=dict(query or {}),
        meets=sorted(set(meets)),
        options=_check_options(options or {}),
        made_by=actor.person,
    )
    actor.record("dataset.defined", made.id, name=made.name, use=use)
    return made


@transaction.atomic
def change_set(
    actor: Actor,
    set_id: UUID | str,
    *,
    purpose: str,
    format: str,
    query: Mapping[str, Any],
    meets: Sequence[str],
    options: Mapping[str, Any],
) -> TrainingSet:
    """What the next version is made of; versions that are made stay as they are. Name and use stay: who was given a
    version was told them. Raises NotFound, ValidationFailed."""
    actor.require(Permission.SETTINGS)
    of = get_set(actor, set_id)
    _check_definition(actor, format, meets, query)
    of.purpose, of.format, of.query, of.meets = purpose.strip(), format, dict(query), sorted(set(meets))
    of.options = _check_options(options)
    of.save(update_fields=["purpose", "format", "query", "meets", "options"])
    TrainingSetPreview.objects.filter(set=of).delete()  # it told of something else
    actor.record("dataset.changed", of.id, name=of.name)
    return of


def _check_definition(actor: Actor, format: str, meets: Sequence[str], query: Mapping[str, Any]) -> None:
    if format not in RecordFormat.values:
        raise validation_failed(
            "format",
            "{format!r} is not an available file format. Choose one of: {formats}.",
            formats=", ".join(RecordFormat.values),
            format=format,
        )
    for condition in meets:
        if condition not in CONDITIONS:
            raise validation_failed(
                "meets",
                "{condition!r} is not a condition that you can set for the use of content. Choose one of these conditions: {conditions}.",
                condition=condition,
                conditions=", ".join(CONDITIONS),
            )
    check_query(actor, query)


def _check_options(told: Mapping[str, Any]) -> dict[str, Any]:
    known = asdict(SetOptions())
    if unknown := set(told) - set(known):
        raise validation_failed(
            "options",
            "Training sets have no option named {name}. Choose one of these options: {known}.",
            known=", ".join(known),
            name=", ".join(sorted(unknown)),
        )
    if bad := set(told.get("personal", ())) - set(REPLACEMENT_LABELS):
        raise validation_failed(
            "options.personal",
            "{name} is not a kind of personal data that Kicau can recognize. Choose one of these kinds: {known}.",
            known=", ".join(REPLACEMENT_LABELS),
            name=", ".join(sorted(bad)),
        )
    check_languages("options.languages", told.get("languages", ()))
    shares = told.get("shares", SetOptions().shares)
    if len(shares) != len(SPLIT_NAMES) or any(s < 0 for s in shares) or abs(sum(shares) - 1) > 1e-6:
        raise validation_failed(
            "options.shares",
            "Enter how the training set is divided into {splits}: three numbers that add up to 1. For example: 0.8, 0.1 and 0.1.",
            splits=", ".join(SPLIT_NAMES),
        )
    fields = {name for _, name, _, _ in string.Formatter().parse(str(told.get("prompt", ""))) if name is not None}
    if fields - {"network", "language"}:
        raise validation_failed(
            "options.prompt",
            "In the instruction to the AI (prompt), use only the placeholders {{network}} and {{language}}.",
        )
    return dict(told)


def list_sets(actor: Actor) -> QuerySet[TrainingSet]:
    """Newest first."""
    actor.require(Permission.READ)
    return TrainingSet.objects.filter(workspace=actor.workspace)


def get_set(actor: Actor, set_id: UUID | str) -> TrainingSet:
    """By id or name. Raises NotFound."""
    found = list_sets(actor).filter(id=as_uuid(set_id)).first() or list_sets(actor).filter(name=str(set_id)).first()
    if found is None:
        raise NotFound("training set", set_id)
    return found


def sets_with_newest_version(actor: Actor) -> QuerySet[TrainingSet]:
    """Newest first, each with `newest`: its newest version without what is long, in a list of none or one."""
    newest = TrainingSetVersion.objects.filter(set=OuterRef("set")).order_by("-number").values("id")[:1]
    slim = without_long_fields(TrainingSetVersion.objects.filter(id=Subquery(newest)))
    return list_sets(actor).prefetch_related(Prefetch("versions", slim, to_attr="newest"))


def without_long_fields(rows: QuerySet[TrainingSetVersion]) -> QuerySet[TrainingSetVersion]:
    """Without what may hold a hundred thousand ids; `taken` counts the records that each is without."""
    taken = Func(F("delta__record_ids"), function="jsonb_array_length", output_field=IntegerField())
    return rows.defer("delta", "excluded", "reasons", "files", "questions").annotate(taken=taken)


def retractions(actor: Actor) -> QuerySet[TrainingSetVersion]:
    """The versions that took something back, newest first, short, with their sets."""
    actor.require(Permission.READ)
    rows = TrainingSetVersion.objects.filter(set__workspace=actor.workspace, delta__has_key="record_ids")
    return without_long_fields(rows).select_related("set").order_by("-id")


def get_version(actor: Actor, set_id: UUID | str, number: int | None = None) -> TrainingSetVersion:
    """The newest where no number is given. Raises NotFound."""
    versions = get_set(actor, set_id).versions.all()
    found = versions.filter(number=number).first() if number else versions.first()
    if found is None:
        raise NotFound("version", number or "newest")
    return found


@transaction.atomic
def order_version(actor: Actor, set_id: UUID | str, *, as_of: datetime | None = None) -> TrainingSetVersion:
    """A new version, to be made by the next worker that has time (`make_next`). Raises Conflict while one is made."""
    actor.require(Permission.SETTINGS)
    of = get_set(actor, set_id)
    if of.versions.filter(state__in=(VersionState.WAITING, VersionState.MAKING)).exists():
        raise Conflict(
            "Kicau is still creating another version of this training set. Wait until that version is ready, then try again."
        )
    version = build_next_version(of, as_of or clock.now())
    actor.record("dataset.ordered", version.id, name=of.name, number=version.number)
    return version


@transaction.atomic
def request_preview(actor: Actor, set_id: UUID | str) -> TrainingSetPreview:
    """Find out what the set would hold now: by the next worker that has time. Raises NotFound."""
    actor.require(Permission.SETTINGS)
    of = get_set(actor, set_id)
    fresh = {
        "state": VersionState.WAITING,
        "as_of": clock.now(),
        "done": 0,
        "expected": 0,
        "problem": "",
        "ready_at": None,
    }
    made, _ = TrainingSetPreview.objects.update_or_create(set=of, defaults=fresh)
    return made


def get_preview(actor: Actor, set_id: UUID | str) -> TrainingSetPreview:
    """Raises NotFound where none was asked for."""
    found = TrainingSetPreview.objects.filter(set=get_set(actor, set_id)).first()
    if found is None:
        raise NotFound("preview", set_id)
    return found


@dataclass(frozen=True, slots=True)
class CopyQuestion:
    """A post of ours that holds a text that may not be used: may it be used all the same?"""

    item: Item
    original: Item


def open_questions(actor: Actor, set_id: UUID | str) -> list[CopyQuestion]:
    """Those that the newest preview or version found and nobody has answered. Raises NotFound."""
    newest = _newest_result(get_set(actor, set_id))
    pairs = newest.questions if newest else []
    items = Item.objects.select_related("standing").in_bulk([as_uuid(one) for pair in pairs for one in pair])
    found = [(items.get(as_uuid(ours)), items.get(as_uuid(original))) for ours, original in pairs]
    return [CopyQuestion(ours, original) for ours, original in found if ours and original]


def _newest_result(of: TrainingSet) -> TrainingSetPreview | TrainingSetVersion | None:
    ready = [
        TrainingSetPreview.objects.filter(set=of, state=VersionState.READY).first(),
        of.versions.filter(state=VersionState.READY).first(),
    ]
    return max((one for one in ready if one and one.ready_at), key=lambda one: one.ready_at or one.as_of, default=None)


@transaction.atomic
def answer_question(actor: Actor, set_id: UUID | str, item_id: UUID | str, *, may_be_used: bool) -> Statement:
    """A person decides over a post of ours that holds a forbidden text: it is granted or refused for the set's use, as a
    statement about this post. Raises NotFound where nothing is asked about it."""
    of = get_set(actor, set_id)
    question = next((one for one in open_questions(actor, set_id) if one.item.id == as_uuid(item_id)), None)
    if question is None:
        raise NotFound("question", item_id)
    given = NewStatement(
        layer=Layer.GRANT,
        party=Party.AUTHOR,
        subject=Subject.ITEM,
        item=question.item.id,
        says={of.use: "allow" if may_be_used else "deny"},
        note=f"Asked by the training set “{of.name}”: it holds the text of the item {question.original.id}.",
    )
    (statement,) = add_statements(actor, [given])
    asked: list[TrainingSetPreview | TrainingSetVersion] = [
        *TrainingSetPreview.objects.filter(set=of),
        *of.versions.exclude(questions=[]),
    ]
    for row in asked:
        row.questions = [pair for pair in row.questions if pair[0] != str(question.item.id)]
        row.save(update_fields=["questions"])
    return statement


def check_copies_reviewed(of: TrainingSet) -> None:
    """Raises Conflict while copies of what is forbidden since a change of permissions are still looked for."""
    if of.copy_reviews.exists():
        raise Conflict(COPIES_UNREVIEWED)


def file_of(actor: Actor, version: TrainingSetVersion, name: str) -> Path:
    """A file of a version that may be handed out. Raises Conflict where something in it was taken back, NotFound."""
    actor.require(Permission.SETTINGS)
    if version.state == VersionState.SUPERSEDED:
        raise Conflict(
            Sentence(
                "Some content in version {version} was later removed from the training set. Use version {newer}, which does not contain the removed content.",
                version=version.number,
                newer=version.number + 1,
            )
        )
    if version.state != VersionState.READY or name not in version.files:
        raise NotFound("file", name)
    check_copies_reviewed(version.set)
    return version_folder(version) / name
