"""Making a version, in a process of its own (see kicau.config.maker): the files, and the list of what is in them."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any
from uuid import UUID

import structlog
from django.db import connection, transaction

from kicau.archive import search
from kicau.base import clock
from kicau.datasets import files
from kicau.datasets.acts import query_of
from kicau.datasets.models import Member, TrainingSet, Version, VersionState
from kicau.datasets.records import Gathered, gather, items_of
from kicau.datasets.versions import MANIFEST, folder_of
from kicau.evidence import log
from kicau.workspaces.actors import system

story = structlog.get_logger("kicau.datasets")


def make(version: Version, progress: Callable[[int], None] | None = None) -> Version:
    """Makes a waiting version's files; the same moment and the same statements give the same bytes. A failure is kept
    with the version, and its half-made files are not."""
    folder = folder_of(version)
    of = version.set
    try:
        gathered = gather(of, items_of(of.workspace, _ids(of)), version.as_of, progress or (lambda _: None))
        shutil.rmtree(folder, ignore_errors=True)
        _, key = log.signing_key()
        told = files.write(of, version.number, version.as_of, gathered, folder, key)
        with transaction.atomic():
            _finish(version, gathered, told)
    except Exception as wrong:
        shutil.rmtree(folder, ignore_errors=True)
        story.exception("a training set could not be made", version=str(version.id))
        version.state, version.problem = VersionState.FAILED, f"It could not be made: {wrong}"
        version.save(update_fields=["state", "problem"])
        raise
    return version


def _ids(of: TrainingSet) -> list[UUID] | None:
    if not of.query:
        return None
    return list(search.ids(system(of.workspace), replace(query_of(of.query), use="", answers=())))


def _finish(version: Version, gathered: Gathered, told: Mapping[str, Any]) -> None:
    reasons: dict[str, int] = {}
    for _, why in gathered.excluded:
        reasons[why] = reasons.get(why, 0) + 1
    Member.objects.filter(version=version).delete()
    with connection.cursor() as cursor, cursor.copy("COPY datasets_member (version_id, item_id, record, decision) FROM STDIN") as rows:  # fmt: skip
        for record in gathered.records:
            for item, decision in record.items:
                rows.write_row((version.id, item, record.id, decision))
    version.state, version.records, version.excluded = VersionState.READY, len(gathered.records), reasons
    version.files, version.ready_at, version.done = dict(told), clock.now(), len(gathered.records) + len(gathered.excluded)  # fmt: skip
    version.save()
    log.append("set", [(str(version.id), str(told[MANIFEST]["sha256"]).encode())], version.set.workspace_id)


def make_waiting() -> int:
    """The chore: makes one version that waits. How many were made."""
    with transaction.atomic():
        version = Version.objects.select_for_update(skip_locked=True).filter(state=VersionState.WAITING).order_by("id").first()  # fmt: skip
        if version is None:
            return 0
        version.state = VersionState.MAKING
        version.save(update_fields=["state"])
    try:
        make(version, lambda done: _note(version, done))
    except Exception:  # kept with the version, and logged
        return 1
    return 1


def _note(version: Version, done: int) -> None:
    Version.objects.filter(id=version.id).update(done=done)
