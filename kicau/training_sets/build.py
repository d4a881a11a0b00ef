"""Making a version, in a process of its own (see kicau.config.training_set_process): the files, and the list of what is in them."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import structlog
from django.db import connection, transaction
from django.db.models import Count, Max

from kicau.archive import search
from kicau.archive.models import Item
from kicau.archive.queries import parse_query
from kicau.base import clock, sentences
from kicau.base.advisory_locks import exclusive_lock
from kicau.base.ids import id_among
from kicau.evidence import log
from kicau.rights.models import Statement, Terms
from kicau.rights.statements import has_validity_change
from kicau.training_sets import build_queue, files, retraction, review
from kicau.training_sets.models import TrainingSet, TrainingSetPreview, TrainingSetVersion, VersionItem, VersionState
from kicau.training_sets.records import GatherResult, gather_records, workspace_items
from kicau.training_sets.versions import MANIFEST_FILE_NAME, version_folder
from kicau.workspaces.actors import system_actor
from kicau.workspaces.models import Workspace

MAX_QUESTIONS = 500  # that a preview or version keeps
MAX_EXAMPLES = 3  # records that a preview shows
REVIEW_RETRY_DELAY = timedelta(minutes=1)
story = structlog.get_logger("kicau.training_sets")


def make_version(version: TrainingSetVersion, progress: Callable[[int], None] | None = None) -> TrainingSetVersion:
    """Makes a waiting version's files; the same moment and the same statements give the same bytes. A failure is kept
    with the version, and its half-made files are not. One that another process makes is waited for."""
    with exclusive_lock(version.id):
        was = version.state
        version.refresh_from_db()
        if version.state == VersionState.SUPERSEDED or (
            version.state != was and version.state not in build_queue.UNFINISHED_STATES
        ):
            return version  # another process was first
        return _write_version(version, progress or (lambda _: None))


def _write_version(version: TrainingSetVersion, progress: Callable[[int], None]) -> TrainingSetVersion:
    folder = version_folder(version)
    of = version.set
    try:
        items = workspace_items(of.workspace, _matching_ids(of))
        version.expected = items.count()
        TrainingSetVersion.objects.filter(id=version.id).update(expected=version.expected)
        before, began = _permissions_stamp(of), clock.now()
        gathered = gather_records(of, items, version.as_of, progress)
        shutil.rmtree(folder, ignore_errors=True)
        _, key = log.signing_key()
        told = files.write_files(of, version.number, version.as_of, gathered, folder, key)
        with transaction.atomic():
            retraction.lock_sets(of.workspace)
            version.copies_checked_at = min(began, version.as_of)
            _finish_version(version, gathered, told)
            is_past = has_validity_change(of.workspace_id, version.copies_checked_at, clock.now())
            if is_past or _permissions_stamp(of) != before:
                retraction.retract_from_set(of)  # what was taken back since the moment of which it is
    except Exception as wrong:
        shutil.rmtree(folder, ignore_errors=True)
        story.exception("a training set could not be made", version=str(version.id))
        version.state, version.problem = VersionState.FAILED, f"It could not be made: {wrong}"
        version.save(update_fields=["state", "problem"])
        raise
    return version


def make_preview(preview: TrainingSetPreview) -> TrainingSetPreview:
    """Finds what the set would hold, as `make_version` would, and keeps what a person should know of it."""
    of = preview.set
    try:
        items = workspace_items(of.workspace, _matching_ids(of))
        TrainingSetPreview.objects.filter(set=of).update(expected=items.count(), state=VersionState.MAKING)
        gathered = gather_records(of, items, preview.as_of, lambda done: _save_preview_progress(of, done))
        with transaction.atomic():
            _save_preview(preview, gathered)
    except Exception as wrong:
        story.exception("a training set could not be looked at", set=str(of.id))
        preview.state, preview.problem = VersionState.FAILED, f"It could not be looked at: {wrong}"
        preview.save(update_fields=["state", "problem"])
        raise
    return preview


def _save_preview(preview: TrainingSetPreview, gathered: GatherResult) -> None:
    rows = [row for record in gathered.records for row in record.rows]
    places = {(row.id, span): row for row in rows for span in row.spans}
    texts = dict(Item.objects.filter(id__in=id_among({item for item, _ in places})).values_list("id", "text"))
    review.record_matches(
        preview.set, [(item, span, texts[item][span.start : span.end]) for item, span in places if item in texts]
    )
    preview.excluded, preview.reasons = _reason_counts(gathered)
    preview.state, preview.records, preview.items = (
        VersionState.READY,
        len(gathered.records),
        len({row.id for row in rows}),
    )
    preview.splits = dict(Counter(record.split for record in gathered.records))
    preview.personal = dict(Counter(span.kind for _, span in places))
    preview.questions = _question_ids(gathered)
    preview.examples = [dict(record.body) for record in gathered.records[:MAX_EXAMPLES]]
    preview.ready_at, preview.done = clock.now(), preview.expected
    preview.save()


def _matching_ids(of: TrainingSet) -> list[UUID] | None:
    if not of.query:
        return None
    return list(search.matching_ids(system_actor(of.workspace), replace(parse_query(of.query), use="", answers=())))


def _reason_counts(gathered: GatherResult) -> tuple[dict[str, int], dict[str, list[Any]]]:
    """How many for each sentence, and how each sentence was made."""
    counts = Counter(why for _, why in gathered.excluded)
    return {str(why): n for why, n in counts.items()}, {str(why): sentences.to_stored_pieces(why) for why in counts}


def _question_ids(gathered: GatherResult) -> list[list[str]]:
    return [[str(item), str(original)] for item, original in gathered.questions[:MAX_QUESTIONS]]


def _finish_version(version: TrainingSetVersion, gathered: GatherResult, told: Mapping[str, Any]) -> None:
    VersionItem.objects.filter(version=version).delete()
    with (
        connection.cursor() as cursor,
        cursor.copy("COPY training_sets_versionitem (version_id, item_id, record, decision) FROM STDIN") as rows,
    ):
        for record in gathered.records:
            for item, decision in record.items:
                rows.write_row((version.id, item, record.id, decision))
    version.refresh_from_db(fields=["delta", "reasons"])  # a review of copies may have added to them
    version.questions = _question_ids(gathered)
    version.excluded, reasons = _reason_counts(gathered)
    version.reasons |= reasons  # those of what it is without are there already
    version.state, version.records = VersionState.READY, len(gathered.records)
    version.files, version.ready_at, version.done = (
        dict(told),
        clock.now(),
        len(gathered.records) + len(gathered.excluded),
    )
    version.save()
    log.append_entries(
        "set", [(str(version.id), str(told[MANIFEST_FILE_NAME]["sha256"]).encode())], version.set.workspace_id
    )


def make_next() -> int:
    """The chore: looks for copies where permissions changed, and at one set that waits for it, or makes one version.
    1 where anything was done."""
    reviewed = sum(_review_copies(of) for of in build_queue.sets_to_review())
    preview = build_queue.next_waiting_preview()
    if preview is not None:
        with suppress(Exception), exclusive_lock(preview.set_id):  # kept with the preview, and logged
            make_preview(preview)
        return 1
    version = build_queue.next_waiting_version()
    if version is None:
        return min(reviewed, 1)
    TrainingSetVersion.objects.filter(id=version.id, state=VersionState.WAITING).update(state=VersionState.MAKING)
    with suppress(Exception):  # kept with the version, and logged
        make_version(version, lambda done: _save_progress(version, done))
    return 1


def _review_copies(of: TrainingSet) -> int:
    try:
        retraction.review_copies(of)
    except Exception:
        story.exception("copies in a training set could not be looked for", set=str(of.id))
        of.copy_reviews.update(not_before=clock.now() + REVIEW_RETRY_DELAY)
    return 1


def _permissions_stamp(of: TrainingSet) -> tuple[object, ...]:
    """Changes whenever somebody says, ends or deletes anything that decides over items."""
    said = Statement.objects.filter(workspace_id=of.workspace_id).aggregate(
        Count("id"), Max("observed_at"), Count("valid_until")
    )
    terms = Terms.objects.aggregate(Count("id"), Max("reviewed_at"))
    gone = Item.objects.filter(workspace=of.workspace_id, deleted_at__isnull=False).count()
    rule = Workspace.objects.values_list("ai_use", "others_ai_use").get(id=of.workspace_id)
    return (*said.values(), *terms.values(), gone, json.dumps(rule, sort_keys=True))


def _save_progress(version: TrainingSetVersion, done: int) -> None:
    TrainingSetVersion.objects.filter(id=version.id).update(done=done)


def _save_preview_progress(of: TrainingSet, done: int) -> None:
    TrainingSetPreview.objects.filter(set=of).update(done=done)
