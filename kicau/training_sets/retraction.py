"""Taking back: what may not be used any more leaves every set, and everybody who has it is to be told.

At once, in the transaction of whatever ended the permission: the version is superseded, so that nobody is handed it any
more; a signed delta names the records; who was given it owes an acknowledgement. The next version's files follow.

Copies of what is forbidden are looked for in the process that makes sets, since the search compiles itself at first and
may read the whole archive: no transaction waits for it. Until it is done, nobody is handed the set.
"""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Collection, Mapping
from uuid import UUID

from django.db import models, transaction
from django.db.models import QuerySet

from kicau.archive import policy_preview
from kicau.archive.models import Item
from kicau.archive.policy_decisions import RightsEvaluator
from kicau.base import clock, sentences
from kicau.base.ids import id_among
from kicau.base.sentences import Sentence
from kicau.evidence import log
from kicau.evidence.verify import canonical
from kicau.rights.decisions import RightsVerdict
from kicau.rights.statements import has_validity_change
from kicau.training_sets import prohibited_texts
from kicau.training_sets.models import CopyReview, Recipient, TrainingSet, TrainingSetVersion, VersionItem, VersionState
from kicau.training_sets.reasons import DELETED, OTHERS_WORDS, decision_sentence
from kicau.training_sets.versions import build_next_version, sign_line
from kicau.workspaces.models import Workspace

GONE_REASON = Sentence("This content is no longer in your Kicau archive.")


def retract_items(workspace: Workspace, items: Collection[UUID] | None = None) -> list[TrainingSetVersion]:
    """Takes back from each set's newest version what may not be in it any more: of these items, or (None) of all.
    Gives the versions that are to be made instead. Call it in the transaction that ended the permission."""
    if items is not None and not items:
        return []
    with transaction.atomic():
        made = [retract_from_set(of, items) for of in lock_sets(workspace)]
    return [version for version in made if version]


def lock_sets(workspace: Workspace) -> list[TrainingSet]:
    """A workspace's sets. Till the transaction ends, no version of them becomes ready and nothing is taken back from
    them elsewhere: one of the two comes later, and sees what the other did."""
    return list(TrainingSet.objects.select_for_update(no_key=True).filter(workspace=workspace).order_by("id"))


def retract_from_set(of: TrainingSet, items: Collection[UUID] | None = None) -> TrainingSetVersion | None:
    """As `retract_items`, of one set whose row is locked."""
    following = _retract_members(of, items)
    if _base_version(of) and (
        items is None or prohibited_texts.prohibited_originals(of, RightsEvaluator(of.workspace), items)
    ):
        CopyReview.objects.create(set=of, items=None if items is None else list(items))
    return following


def retract_expired(workspace: Workspace) -> list[TrainingSetVersion]:
    """Takes back what nobody took back just now: a statement or terms began or ended by themselves, or a post was
    deleted. Gives the versions that are to be made instead."""
    made = []
    with transaction.atomic():
        for of in lock_sets(workspace):
            base = _base_version(of)
            checked = base.copies_checked_at if base else None
            made.append(_retract_members(of))
            if checked and has_validity_change(workspace.id, checked, clock.now()) and not of.copy_reviews.exists():
                CopyReview.objects.create(set=of)
    return [version for version in made if version]


def review_copies(of: TrainingSet) -> TrainingSetVersion | None:
    """Looks for copies of what is forbidden now, as the set's `copy_reviews` ask, and takes them back. Gives the version
    that is to be made instead. For the process that makes sets."""
    began, now = time.monotonic(), clock.now()
    reviews = list(of.copy_reviews.all())
    items = None if any(one.items is None for one in reviews) else {i for one in reviews for i in one.items or ()}
    base = _base_version(of)
    gone = _copies_of(of, base, items) if base else {}
    with transaction.atomic():
        lock_sets(of.workspace)
        if base != _base_version(of):
            return None  # another version has to be looked at; the reviews stay
        of.copy_reviews.filter(id__in=[one.id for one in reviews]).delete()
        if base and items is None:
            TrainingSetVersion.objects.filter(id=base.id).update(copies_checked_at=now)
        return _supersede(of, base, gone, began) if base and gone else None


def _retract_members(of: TrainingSet, items: Collection[UUID] | None = None) -> TrainingSetVersion | None:
    began = time.monotonic()
    newest = of.versions.filter(state=VersionState.READY).first()
    gone = _retracted_items(of, newest, items) if newest else {}
    return _supersede(of, newest, gone, began) if newest and gone else None


def _base_version(of: TrainingSet) -> TrainingSetVersion | None:
    """The newest version that people may have: one that is ready, or the one that an unfinished version replaces."""
    if ready := of.versions.filter(state=VersionState.READY).first():
        return ready
    following = _unfinished_retraction(of)
    return of.versions.filter(number=following.delta["from_version"]).first() if following else None


def _unfinished_retraction(of: TrainingSet) -> TrainingSetVersion | None:
    rows = of.versions.filter(
        state__in=(VersionState.WAITING, VersionState.MAKING, VersionState.FAILED), delta__has_key="from_version"
    )
    return rows.first()


def _retracted_items(of: TrainingSet, version: TrainingSetVersion, items: Collection[UUID] | None) -> dict[UUID, str]:
    """Items of the version that may not be used any more, each with the sentence why."""
    members = VersionItem.objects.filter(version=version)
    if items is not None:
        members = members.filter(item_id__in=id_among(items))
    ids = set(members.values_list("item_id", flat=True))
    if not ids:
        return {}
    rows = Item.objects.filter(workspace=of.workspace, id__in=id_among(ids))
    gone: dict[UUID, str] = dict.fromkeys(ids, GONE_REASON)
    own = set(rows.filter(standing__own=True).values_list("id", flat=True))
    for item, decision in RightsEvaluator(of.workspace).decide_items(of.use, rows, of.meets):
        if decision.answer == RightsVerdict.YES and decision.is_of_workspace_alone and item not in own:
            gone[item] = OTHERS_WORDS
        elif decision.answer == RightsVerdict.YES:
            del gone[item]
        else:
            gone[item] = decision_sentence(decision)
    gone.update(dict.fromkeys(rows.filter(deleted_at__isnull=False).values_list("id", flat=True), DELETED))
    return gone


def _copies_of(of: TrainingSet, version: TrainingSetVersion, items: Collection[UUID] | None) -> dict[UUID, str]:
    """Members that hold the words of these items, where those may not be used any more."""
    judge = RightsEvaluator(of.workspace)
    forbidden = prohibited_texts.prohibited_originals(of, judge, items)
    if not forbidden:
        return {}
    rows = Item.objects.filter(workspace=of.workspace, id__in=version.members.values("item_id"))
    decisions = dict(judge.decide_items(of.use, rows.order_by("id"), of.meets))
    texts = [
        prohibited_texts.ArchiveText(
            id=row.id,
            text=row.text,
            author=row.standing.author,
            is_own=row.standing.own,
            posted_at=row.posted_at,
            kind=row.kind,
            decision=decisions[row.id],
        )
        for row in rows.select_related("standing").defer("search").order_by("id")
        if row.id in decisions
    ]
    return {one.item: one.why for one in prohibited_texts.find_prohibited(texts, forbidden).values()}


def _supersede(
    of: TrainingSet, version: TrainingSetVersion, gone: Mapping[UUID, str], began: float
) -> TrainingSetVersion:
    """The version that is to be made without these items: a new one, or the one that takes back others already."""
    now = clock.now()
    following = None if version.state == VersionState.READY else _unfinished_retraction(of)
    before = following.delta if following else {"record_ids": [], "reasons": {}}
    records = VersionItem.objects.filter(version=version, item_id__in=id_among(gone)).values_list("record", flat=True)
    delta = {
        "set": str(of.id),
        "from_version": version.number,
        "record_ids": sorted({*before["record_ids"], *records}),
        "reasons": {**before["reasons"], **{str(item): why for item, why in sorted(gone.items())}},
        "at": now.isoformat(),
    }
    signed = canonical(delta)
    _, key = log.signing_key()
    told = {**delta, **json.loads(sign_line(signed, key)), "signed": base64.b64encode(signed).decode()}
    if following is None:
        version.state = VersionState.SUPERSEDED
        version.save(update_fields=["state"])
        following = build_next_version(of, now, told)
        following.effect_ms = round((time.monotonic() - began) * 1000)
    following.delta = told
    following.reasons |= {str(why): sentences.to_stored_pieces(why) for why in set(gone.values())}
    following.save(update_fields=["delta", "reasons", "effect_ms"])
    Recipient.objects.filter(version__set=of).update(
        owes=following.number, acknowledged_at=None, acknowledged_by="", told_at=None
    )
    log.append_entries("retraction", [(str(following.id), signed)], of.workspace_id)
    return following


def affected_recipients(
    workspace: Workspace, use: str, leaving: QuerySet[Item]
) -> list[policy_preview.RecipientEffect]:
    """Who was given versions that hold any of these items: for looking before something is changed."""
    held = VersionItem.objects.filter(
        item_id__in=leaving.values("id"), version__set__use=use, version__set__workspace=workspace
    )
    counts = dict(held.values_list("version").annotate(models.Count("item", distinct=True)))
    rows = Recipient.objects.filter(version__in=counts).select_related("version__set")
    return [
        policy_preview.RecipientEffect(
            name=r.name,
            of=r.version.set.name,
            version=r.version.number,
            on=r.given_at.date(),
            items=counts[r.version_id],
        )
        for r in rows
    ]
