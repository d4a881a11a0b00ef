"""Making a version, in a process of its own (see kicau.config.training_set_process): the files, and the list of what is in them."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any
from uuid import UUID

import structlog
from django.db import connection, transaction
from django.db.models import Count, Max

from kicau.archive import search
from kicau.archive.models import Item
from kicau.archive.queries import query_of
from kicau.base import clock, sentences
from kicau.base.advisory_locks import alone
from kicau.base.ids import among
from kicau.evidence import log
from kicau.rights.models import Statement, Terms
from kicau.training_sets import build_queue, files, retraction, review
from kicau.training_sets.models import Member, Preview, TrainingSet, Version, VersionState
from kicau.training_sets.records import Gathered, gather, items_of
from kicau.training_sets.versions import MANIFEST, folder_of
from kicau.workspaces.actors import system
from kicau.workspaces.models import Workspace

MAX_QUESTIONS = 500  # that a preview or version keeps
EXAMPLES = 3  # records that a preview shows
story = structlog.get_logger("kicau.training_sets")


def make(version: Version, progress: Callable[[int], None] | None = None) -> Version:
    """Makes a waiting version's files; the same moment and the same statements give the same bytes. A failure is kept
    with the version, and its half-made files are not. One that another process makes is waited for."""
    with alone(version.id):
        was = version.state
        version.refresh_from_db()
        if version.state == VersionState.SUPERSEDED or (
            version.state != was and version.state not in build_queue.UNDONE
        ):
            return version  # another process was first
        return _make(version, progress or (lambda _: None))


def _make(version: Version, progress: Callable[[int], None]) -> Version:
    folder = folder_of(version)
    of = version.set
    try:
        items = items_of(of.workspace, _ids(of))
        version.expected = items.count()
        Version.objects.filter(id=version.id).update(expected=version.expected)
        before = _said(of)
        gathered = gather(of, items, version.as_of, progress)
        shutil.rmtree(folder, ignore_errors=True)
        _, key = log.signing_key()
        told = files.write(of, version.number, version.as_of, gathered, folder, key)
        with transaction.atomic():
            _finish(version, gathered, told)
            if _said(of) != before:
                retraction.review_set(of)  # what was taken back in the meantime
    except Exception as wrong:
        shutil.rmtree(folder, ignore_errors=True)
        story.exception("a training set could not be made", version=str(version.id))
        version.state, version.problem = VersionState.FAILED, f"It could not be made: {wrong}"
        version.save(update_fields=["state", "problem"])
        raise
    return version


def look(preview: Preview) -> Preview:
    """Finds what the set would hold, as `make` would, and keeps what a person should know of it."""
    of = preview.set
    try:
        items = items_of(of.workspace, _ids(of))
        Preview.objects.filter(set=of).update(expected=items.count(), state=VersionState.MAKING)
        gathered = gather(of, items, preview.as_of, lambda done: _note_preview(of, done))
        with transaction.atomic():
            _keep(preview, gathered)
    except Exception as wrong:
        story.exception("a training set could not be looked at", set=str(of.id))
        preview.state, preview.problem = VersionState.FAILED, f"It could not be looked at: {wrong}"
        preview.save(update_fields=["state", "problem"])
        raise
    return preview


def _keep(preview: Preview, gathered: Gathered) -> None:
    rows = [row for record in gathered.records for row in record.rows]
    places = {(row.id, span): row for row in rows for span in row.spans}
    texts = dict(Item.objects.filter(id__in=among({item for item, _ in places})).values_list("id", "text"))
    review.note(
        preview.set, [(item, span, texts[item][span.start : span.end]) for item, span in places if item in texts]
    )
    preview.excluded, preview.reasons = _reasons(gathered)
    preview.state, preview.records, preview.items = (
        VersionState.READY,
        len(gathered.records),
        len({row.id for row in rows}),
    )
    preview.splits = dict(Counter(record.split for record in gathered.records))
    preview.personal = dict(Counter(span.kind for _, span in places))
    preview.questions = _questions(gathered)
    preview.examples = [dict(record.body) for record in gathered.records[:EXAMPLES]]
    preview.ready_at, preview.done = clock.now(), preview.expected
    preview.save()


def _ids(of: TrainingSet) -> list[UUID] | None:
    if not of.query:
        return None
    return list(search.ids(system(of.workspace), replace(query_of(of.query), use="", answers=())))


def _reasons(gathered: Gathered) -> tuple[dict[str, int], dict[str, list[Any]]]:
    """How many for each sentence, and how each sentence was made."""
    counts = Counter(why for _, why in gathered.excluded)
    return {str(why): n for why, n in counts.items()}, {str(why): sentences.stored(why) for why in counts}


def _questions(gathered: Gathered) -> list[list[str]]:
    return [[str(item), str(original)] for item, original in gathered.questions[:MAX_QUESTIONS]]


def _finish(version: Version, gathered: Gathered, told: Mapping[str, Any]) -> None:
    Member.objects.filter(version=version).delete()
    with (
        connection.cursor() as cursor,
        cursor.copy("COPY training_sets_member (version_id, item_id, record, decision) FROM STDIN") as rows,
    ):
        for record in gathered.records:
            for item, decision in record.items:
                rows.write_row((version.id, item, record.id, decision))
    version.questions = _questions(gathered)
    version.excluded, reasons = _reasons(gathered)
    version.reasons |= reasons  # those of what it is without are there already
    version.state, version.records = VersionState.READY, len(gathered.records)
    version.files, version.ready_at, version.done = (
        dict(told),
        clock.now(),
        len(gathered.records) + len(gathered.excluded),
    )
    version.save()
    log.append("set", [(str(version.id), str(told[MANIFEST]["sha256"]).encode())], version.set.workspace_id)


def make_waiting() -> int:
    """The chore: looks at one set that waits for it, or makes one version. How many."""
    preview = build_queue.preview()
    if preview is not None:
        with suppress(Exception), alone(preview.set_id):  # kept with the preview, and logged
            look(preview)
        return 1
    version = build_queue.version()
    if version is None:
        return 0
    Version.objects.filter(id=version.id, state=VersionState.WAITING).update(state=VersionState.MAKING)
    with suppress(Exception):  # kept with the version, and logged
        make(version, lambda done: _note(version, done))
    return 1


def _said(of: TrainingSet) -> tuple[object, ...]:
    """Changes whenever somebody says, ends or deletes anything that decides over items."""
    said = Statement.objects.filter(workspace_id=of.workspace_id).aggregate(
        Count("id"), Max("observed_at"), Count("valid_until")
    )
    terms = Terms.objects.aggregate(Count("id"), Max("reviewed_at"))
    gone = Item.objects.filter(workspace=of.workspace_id, deleted_at__isnull=False).count()
    rule = Workspace.objects.values_list("ai_use", "others_ai_use").get(id=of.workspace_id)
    return (*said.values(), *terms.values(), gone, json.dumps(rule, sort_keys=True))


def _note(version: Version, done: int) -> None:
    Version.objects.filter(id=version.id).update(done=done)


def _note_preview(of: TrainingSet, done: int) -> None:
    Preview.objects.filter(set=of).update(done=done)
