"""The work of an audit that somebody began: posts out of the archive, the search, the report, the bundle of evidence.

Killed or stopped at any moment, it goes on after the last piece of the data that was searched to its end.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from uuid import UUID

import structlog
from django.db import DatabaseError, transaction

from kicau.archive import search
from kicau.archive.models import Item
from kicau.archive.queries import parse_query
from kicau.base import clock
from kicau.base.advisory_locks import exclusive_lock
from kicau.base.ids import as_uuid, id_among
from kicau.connector.content import Problem
from kicau.dataset_audit import retraction
from kicau.dataset_audit.actions import BUNDLE_FILE_NAME, audit_folder
from kicau.dataset_audit.matching.pipeline import AuditOutcome, run_search
from kicau.dataset_audit.matching.shards import NoSuchShards
from kicau.dataset_audit.models import AuditState, DatasetAudit, FoundCopy, FoundPost
from kicau.dataset_audit.post_files import UnreadablePosts, read_posts
from kicau.dataset_audit.report import build_report
from kicau.dataset_audit.sealed_evidence import build_evidence
from kicau.workspaces.actors import system_actor

BATCH_SIZE = 5000  # items written or read together
PROGRESS_INTERVAL_SECONDS = 1.0  # seconds between two notes of how far it is
DATA_PARTS = ("shards", "control")  # folders of an audit that hold uploads
story = structlog.get_logger("kicau.dataset_audit")


class NoMatchingPosts(Exception):
    """Ask for other posts: the archive has none with a text that the query finds."""


def run_audit(audit_id: UUID, processes: int | None = None) -> DatasetAudit:
    """Searches to the end; the audit as it is then. One that another process works on, or that has ended, is left."""
    with exclusive_lock(audit_id):
        taken = DatasetAudit.objects.filter(id=audit_id, state__in=(AuditState.WAITING, AuditState.RUNNING))
        if not taken.update(state=AuditState.RUNNING, started_at=clock.now(), problem={}):
            return DatasetAudit.objects.get(id=audit_id)
        row = DatasetAudit.objects.select_related("workspace").get(id=audit_id)
        try:
            _run_search(row, processes)
        except NoMatchingPosts:
            _mark_failed(
                row,
                Problem(
                    code="no-posts",
                    message="Your archive has no posts with text that match your selection for this search. Import more posts into the archive, or select other posts.",
                ),
            )
        except UnreadablePosts as exc:
            _mark_failed(row, Problem(code="no-posts", message="{why}", params={"why": str(exc)}))
        except NoSuchShards as exc:
            _mark_failed(
                row,
                Problem(
                    code="no-shards",
                    message="Kicau found nothing that it can read in the dataset: {why}",
                    params={"why": _without_own_folder(str(exc), row)},
                ),
            )
        except OSError as exc:
            _mark_failed(
                row,
                Problem(
                    code="disk",
                    message="Kicau could not search the dataset: {why}.",
                    params={"why": exc.strerror or str(exc)},
                ),
            )
        except DatabaseError:
            raise  # it is taken up again
        except Exception:
            story.exception("an audit stopped by a fault", audit=str(audit_id))
            _mark_failed(
                row,
                Problem(
                    code="fault",
                    message="The search in the dataset stopped because of an error in Kicau. The results so far are saved, and you can resume the search.",
                ),
            )
    return row


def _run_search(row: DatasetAudit, processes: int | None) -> None:
    folder = audit_folder(row.id)
    source = _write_posts(row, folder)
    outcome = run_search(read_posts(source), row.where, folder, processes=processes, progress=_ProgressRecorder(row))
    wanted = {i for f in outcome.found for c in f.copies for i in outcome.ids[c.post]}
    texts = {post: text for post, text in read_posts(source) if post in wanted}
    told = build_report(outcome, texts, folder, clock.now(), control=row.control)
    told["data"] |= {"name": row.name}
    told = _with_upload_names(told, row)
    _save_report(row, told, texts, outcome)


def _write_posts(row: DatasetAudit, folder: Path) -> Path:
    """The posts to look for as JSON lines; the same ones when it is taken up again."""
    path = folder / "posts.jsonl"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        half = folder / "posts.part"
        with half.open("w", encoding="utf-8") as lines:
            for id_, text in _archive_items(row):
                lines.write(json.dumps({"id": str(id_), "text": text}) + "\n")
        half.rename(path)
    with path.open("rb") as lines:
        row.posts = sum(block.count(b"\n") for block in iter(lambda: lines.read(1 << 20), b""))
    if not row.posts:
        path.unlink()
        raise NoMatchingPosts
    return path


def _archive_items(row: DatasetAudit) -> Iterator[tuple[UUID, str]]:
    found = list(search.matching_ids(system_actor(row.workspace), parse_query(row.query)))
    for at in range(0, len(found), BATCH_SIZE):
        rows = Item.objects.filter(workspace=row.workspace, id__in=id_among(found[at : at + BATCH_SIZE])).exclude(
            text=""
        )
        some = list(rows.order_by("id").values_list("id", "text"))
        gone = retraction.withdrawn_posts(row.workspace, [str(id_) for id_, _ in some])
        yield from ((id_, text) for id_, text in some if str(id_) not in gone)


class _ProgressRecorder:
    """Keeps how far it is, at most once a second."""

    def __init__(self, row: DatasetAudit) -> None:
        self._row, self._at = row, 0.0

    def __call__(self, read: int, expected: int, copies: int) -> None:
        if time.monotonic() - self._at >= PROGRESS_INTERVAL_SECONDS:
            self._at = time.monotonic()
            DatasetAudit.objects.filter(id=self._row.id).update(
                read=read, expected=expected, copies=copies, posts=self._row.posts
            )


def _with_upload_names(told: dict[str, Any], row: DatasetAudit) -> dict[str, Any]:
    """Uploads by the names that people know, without the folders in which they lie here."""
    if not row.is_uploaded:
        return told
    prefix = str(audit_folder(row.id)) + "/"

    def plain(value: Any) -> Any:
        if isinstance(value, str):
            return _without_prefix(value, prefix)
        if isinstance(value, list):
            return [plain(one) for one in value]
        return {plain(k): plain(v) for k, v in value.items()} if isinstance(value, dict) else value

    findings = [{**f, "shard": plain(f["shard"])} for f in told["findings"]]
    return {**told, "data": plain(told["data"]), "chance": plain(told["chance"]), "findings": findings}


def _without_prefix(text: str, prefix: str) -> str:
    for part in DATA_PARTS:
        text = text.replace(f"{prefix}{part}/", "").replace(f"{prefix}{part}", "the upload")
    return text


def _without_own_folder(text: str, row: DatasetAudit) -> str:
    return _without_prefix(text, f"{audit_folder(row.id)}/") if row.is_uploaded else text


def _save_report(row: DatasetAudit, told: dict[str, Any], texts: Mapping[str, str], outcome: AuditOutcome) -> None:
    """The report in rows, and the bundle beside it; all in one transaction."""
    shards = {_without_own_folder(s.name, row): s for s in outcome.shards}
    findings = told["findings"]
    named = {post for finding in findings for post in finding["posts"]}
    made, row.not_stamped = b"", []
    if findings:
        made, row.not_stamped = build_evidence(
            told, texts, row.workspace_id, str(row.id), {name: s.name for name, s in shards.items()}
        )
        (audit_folder(row.id) / BUNDLE_FILE_NAME).write_bytes(made)
    row.bundle_sha256 = hashlib.sha256(made).hexdigest() if made else ""
    with transaction.atomic():
        retraction.lock_workspace(row.workspace)
        row.hits.all().delete()
        row.sought.all().delete()
        FoundPost.objects.bulk_create(
            (FoundPost(audit=row, item=i, text=texts[i]) for i in sorted(named)), batch_size=BATCH_SIZE
        )
        FoundCopy.objects.bulk_create(
            (FoundCopy(audit=row, format=shards[f["shard"]].format, **f) for f in findings), batch_size=BATCH_SIZE
        )
        row.summary = {k: v for k, v in told.items() if k != "findings"} | {"places": len(findings)}
        row.found, row.copies = len(named), len(findings)
        row.expected = row.read = sum(s.size for s in outcome.shards)
        row.state, row.finished_at = AuditState.DONE, clock.now()
        row.save()
        transaction.on_commit(lambda: retraction.delete_work_files(audit_folder(row.id)))
        retraction.retract_items(row.workspace, [as_uuid(post) for post in named])  # what was taken back meanwhile
    row.refresh_from_db(fields=["bundle_sha256"])


def _mark_failed(row: DatasetAudit, problem: Problem) -> None:
    row.state, row.finished_at = AuditState.FAILED, clock.now()
    row.problem = {"code": problem.code, "message": problem.message, "params": dict(problem.params)}
    row.save(update_fields=["state", "finished_at", "problem", "posts"])
