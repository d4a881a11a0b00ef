"""The work of an import: read in one thread, written in another, each batch one transaction with its cursor.

Killed at any moment, it goes on after the last batch that was written; nothing is there half, nothing twice.
"""

from __future__ import annotations

import os
import queue
import socket
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import structlog
from django.db import InterfaceError, OperationalError, connection, transaction
from django.db.models import F

from kicau.archive.imports.actions import VALUES_QUESTION, problem_json, unknown_values
from kicau.archive.imports.copy_rows import RowBatch, RowEncoder
from kicau.archive.imports.generic_formats import PLAIN_FORMAT, PlainReader
from kicau.archive.imports.item_writer import ArchiveWriter, author_key_by_handle, stem_words
from kicau.archive.imports.media import import_media
from kicau.archive.imports.own_posts import archive_published
from kicau.archive.imports.readers import ReaderMatch, matching_reader
from kicau.archive.models import ArchiveImport, ImportState, ItemOrigin
from kicau.base import clock
from kicau.base.advisory_locks import is_unlocked, shared_lock
from kicau.channels.models import Channel
from kicau.connector.archives.files import ArchiveFiles, NotAnArchive, open_archive
from kicau.connector.archives.records import SkippedEntry, skip_entry
from kicau.connector.content import Problem
from kicau.workspaces.actors import system_actor

LEASE_DURATION = timedelta(
    seconds=60
)  # after which one is taken up again whose worker's machine is cut off from the database
MAX_BATCHES_AHEAD = 2  # batches that are read before they are written
MAX_EXAMPLES_PER_SKIP = 5  # places that are named for each kind of skip
MAX_SKIP_KINDS = 200  # kinds of skipped entries that are listed separately
log = structlog.get_logger("kicau.archive")


class ImportStopped(Exception):
    """Somebody stopped the import, or another worker has it."""


def next_due_import() -> UUID | None:
    """The import that waits longest, or whose worker is gone; one that brings its worker down stands behind the others."""
    rows = ArchiveImport.objects.filter(state__in=(ImportState.WAITING, ImportState.RUNNING))
    rows = rows.order_by(F("started_at").asc(nulls_first=True), "id")[:50]
    return next((row.id for row in rows if _is_due(row)), None)


def _is_due(row: ArchiveImport) -> bool:
    """A worker that dies is seen at once by its lock; one that is cut off from the database keeps that, but no lease."""
    if row.state == ImportState.WAITING:
        return True
    late = row.lease_until is None or row.lease_until < clock.now()
    return row.state == ImportState.RUNNING and (late or is_unlocked(row.id))


def run_import(import_id: UUID, told: Callable[[ArchiveImport], None] | None = None) -> ArchiveImport:
    """Read an archive to its end. `told` is called after each batch. Returns the import as it is then."""
    worker = f"{socket.gethostname()}:{os.getpid()}:{threading.get_ident()}"
    row = ArchiveImport.objects.select_related("workspace").get(id=import_id)
    if not _is_due(row):
        return row
    with shared_lock(import_id):
        if _claim_import(row, worker):
            _run_claimed(row, told)
    return row


def _run_claimed(row: ArchiveImport, told: Callable[[ArchiveImport], None] | None) -> None:
    try:
        archive_published(row.workspace)  # so that what we published is known before its archive comes
        with open_archive(Path(row.path), row.name) as files:
            _read_archive(row, files, matching_reader(files, row.network), told)
        _finish_import(row, *_final_state(row))
    except ImportStopped:
        row.refresh_from_db()
    except NotAnArchive as exc:
        _finish_import(row, ImportState.FAILED, exc.problem)
    except OSError as exc:
        _finish_import(
            row,
            ImportState.FAILED,
            Problem(
                code="disk",
                message="Kicau cannot read the file {name}: {why}. Check the file, then try again.",
                params={"name": row.name, "why": exc.strerror or str(exc)},
            ),
        )
    except (OperationalError, InterfaceError):
        raise  # the database is away: it is taken up again
    except Exception:
        log.exception("an import stopped by a fault", name=row.name)
        _finish_import(
            row,
            ImportState.FAILED,
            Problem(
                code="fault",
                message="Kicau stopped importing {name} because of an error in Kicau. The posts imported before the error are saved, and you can resume the import.",
                params={"name": row.name},
            ),
        )
    if told:
        told(row)


def _final_state(row: ArchiveImport) -> tuple[str, Problem | None]:
    """Read to its end: done, or with a question about values that nobody has said the meaning of."""
    waiting = unknown_values(row)
    if not waiting:
        return ImportState.DONE, None
    return ImportState.ASKING, Problem(
        code=VALUES_QUESTION,
        message="Kicau imported {name}, but skipped {count} posts with a post type or visibility that Kicau does not know: {values}. Choose the meaning of each of these values.",
        params={
            "name": row.name,
            "count": sum(one.count for one in waiting),
            "values": ", ".join(f"“{one.value}”" for one in waiting[:20]),
        },
    )


def _claim_import(row: ArchiveImport, worker: str) -> bool:
    """Whether it is ours now: nobody else has claimed it since it was looked at."""
    now = clock.now()
    same = ArchiveImport.objects.filter(id=row.id, state=row.state, worker=row.worker)
    taken = same.update(
        state=ImportState.RUNNING, worker=worker, lease_until=now + LEASE_DURATION, started_at=now, problem={}
    )
    row.refresh_from_db()
    return bool(taken)


def _read_archive(
    row: ArchiveImport, files: ArchiveFiles, fit: ReaderMatch, told: Callable[[ArchiveImport], None] | None
) -> None:
    source, _ = ItemOrigin.objects.get_or_create(
        of_import=row,
        defaults={"workspace": row.workspace, "acquired": row.acquired, "network": row.network, "label": row.name},
    )
    if row.expected == 0 and fit.whose.expected:
        row.expected = fit.whose.expected
    begin = int(row.cursor.get("read", 0))
    only = row.options.get("only")  # the rows that were left out until somebody said what their values mean
    if begin == 0 and only is None:
        _add_skips(
            row,
            [
                skip_entry(
                    "outside",
                    "For safety, Kicau skipped one file in the archive, because its name points to a folder outside the archive.",
                    name,
                )
                for name in files.refused
            ],
        )
    reader = PlainReader(row.options.get("answers"), only) if row.format == PLAIN_FORMAT else fit.reader
    encoder = RowEncoder(row.network, row.account_id, row.account_handle, row.account_name)
    writer = ArchiveWriter(source, _own_author_keys(row))
    try:
        for batch in _read_ahead(encoder.batches(reader.read(files), begin)):
            with transaction.atomic():
                _renew_lease(row)
                done = writer.write(batch)
                _add_counts(row, batch, done.new, done.known, done.doubles)
            if told:
                told(row)
        if only is None and (cut := getattr(files, "cut", None)) is not None:
            _add_skips(row, [SkippedEntry(code=cut.code, message=cut.message, params=dict(cut.params))])
    finally:
        if connection.connection is not None and not connection.connection.closed and not connection.needs_rollback:
            writer.close()

    def go_on(left: list[SkippedEntry]) -> None:
        with transaction.atomic():
            _renew_lease(row)
            _add_skips(row, left)

    import_media(system_actor(row.workspace), source, files, go_on)


def _own_author_keys(row: ArchiveImport) -> set[str]:
    """The keys of authors that are this workspace, whoever's archive it is; a table names them by their handles."""
    own: set[str] = set()
    for network, account, handle, host in Channel.objects.filter(workspace=row.workspace).values_list(
        "network", "account_id", "handle", "host"
    ):
        own.add(f"{network}:{account}")
        if handle:
            own.add(author_key_by_handle(network, f"{handle.split('@')[0]}@{host}" if host else handle))
    return own


def _read_ahead(batches: Iterator[RowBatch]) -> Iterator[RowBatch]:
    """Read and stemmed in a thread (and on a connection) of its own, a little ahead of who writes."""
    made: queue.Queue[RowBatch | BaseException | None] = queue.Queue(maxsize=MAX_BATCHES_AHEAD)
    over = threading.Event()

    def give(one: RowBatch | BaseException | None) -> None:
        while not over.is_set():
            try:
                made.put(one, timeout=0.2)
                return
            except queue.Full:
                continue

    def read() -> None:
        try:
            for batch in batches:
                if over.is_set():
                    return
                stem_words(batch)
                give(batch)
            give(None)
        except BaseException as exc:
            give(exc)
        finally:
            connection.close()  # this thread's own

    thread = threading.Thread(target=read, name="archive reader", daemon=True)
    thread.start()
    try:
        while (one := made.get()) is not None:
            if isinstance(one, BaseException):
                raise one
            yield one
    finally:
        over.set()
        thread.join()


def _renew_lease(row: ArchiveImport) -> None:
    """Keep the lease, in the transaction of the batch; raises ImportStopped where it is not ours any more."""
    held = ArchiveImport.objects.filter(id=row.id, worker=row.worker, state=ImportState.RUNNING).update(
        lease_until=clock.now() + LEASE_DURATION
    )
    if not held:
        raise ImportStopped


def _add_counts(row: ArchiveImport, batch: RowBatch, new: int, known: int, doubles: list[SkippedEntry]) -> None:
    row.read = int(row.options.get("before", 0)) + batch.read
    row.new, row.known = row.new + new, row.known + known
    row.cursor = {"read": batch.read}
    skips = [*batch.skips, *doubles]
    _add_skips(row, skips)
    ArchiveImport.objects.filter(id=row.id).update(
        read=row.read, new=F("new") + new, known=F("known") + known, cursor=row.cursor, expected=row.expected
    )


def _add_skips(row: ArchiveImport, skips: list[SkippedEntry]) -> None:
    if not skips:
        return
    kinds: dict[tuple[Any, ...], dict[str, Any]] = {_skip_key(one): one for one in row.skips}
    for one in skips:
        told: dict[str, Any] = {
            "code": one.code,
            "message": one.message,
            "params": one.params,
            "count": 0,
            "examples": [],
        }
        kind = (
            kinds.setdefault(_skip_key(told), told)
            if len(kinds) < MAX_SKIP_KINDS
            else kinds.get(_skip_key(told), next(iter(kinds.values())))
        )
        kind["count"] += 1
        if one.is_taken:
            kind["taken"] = True
        if one.where and len(kind["examples"]) < MAX_EXAMPLES_PER_SKIP:
            kind["examples"].append(one.where[:300])
    row.skips = list(kinds.values())
    row.skipped += sum(not one.is_taken for one in skips)
    ArchiveImport.objects.filter(id=row.id).update(skips=row.skips, skipped=row.skipped)


def _skip_key(told: dict[str, Any]) -> tuple[Any, ...]:
    return told["code"], told["message"], *sorted(told["params"].items())


def _finish_import(row: ArchiveImport, state: str, problem: Problem | None = None) -> None:
    row.state, row.finished_at, row.lease_until = state, clock.now(), None
    row.problem = problem_json(problem) if problem else {}
    with transaction.atomic():
        row.save(update_fields=["state", "finished_at", "lease_until", "problem"])
        system_actor(row.workspace).record(f"archive.import_{state}", row.id, name=row.name, count=row.new)
    if row.is_ours and state == ImportState.DONE:
        Path(row.path).unlink(missing_ok=True)
    log.info("an archive was read", name=row.name, state=state, new=row.new, known=row.known, skipped=row.skipped)
