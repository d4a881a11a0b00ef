"""Taking back: a post that may not be looked for any more (a withdrawal speaks of the use `search`) leaves the audits
that found it.

In the transaction of whatever took it back: its text and the passages that hold it leave the rows, the bundle of evidence
is made again without it, and its entries in the log can be tied to it no more. What stays says nothing of its words: that
something was found, where, and how much of it.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import shutil
from bisect import bisect_left
from collections import Counter
from collections.abc import Collection, Iterable
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from kicau.archive.models import Item
from kicau.archive.policy_decisions import RightsEvaluator
from kicau.base import clock
from kicau.base.ids import as_uuid, id_among
from kicau.dataset_audit.actions import BUNDLE_FILE_NAME, audit_folder
from kicau.dataset_audit.evidence_wording import finding_sentence
from kicau.dataset_audit.models import AuditState, DatasetAudit, FoundCopy, FoundPost
from kicau.evidence import bundle, log
from kicau.evidence.verify import Refused, check_passage, unpacked
from kicau.rights.models import Layer, Statement
from kicau.workspaces.models import Workspace

SEARCH_USE = "search"
BATCH_SIZE = 5000
#: Files of an audit's own work that hold posts' texts or passages; what it searched is not among them.
WORK_FILE_NAMES = ("posts.jsonl", "posts.part", "held.json", "report.json", "journal.jsonl")


def lock_workspace(workspace: Workspace) -> None:
    """Till the transaction ends, nothing is taken back from this workspace's audits, and no audit writes what it found:
    one of the two comes later, and sees what the other did."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 7))", [str(workspace.id)])


def withdrawn_posts(workspace: Workspace, posts: Iterable[str]) -> set[str]:
    """Those of these items (by id) that were taken back from being looked for."""
    if not Statement.objects.filter(workspace_id=workspace.id, layer=Layer.WITHDRAWAL).exists():
        return set()
    rows = Item.objects.filter(workspace=workspace, id__in=id_among(as_uuid(post) for post in posts))
    return {
        str(id_)
        for id_, decision in RightsEvaluator(workspace).decide_items(SEARCH_USE, rows)
        if decision.layer == Layer.WITHDRAWAL
    }


def retract_items(workspace: Workspace, items: Collection[UUID] | None = None) -> int:
    """Takes back from each audit what was withdrawn: of these items, or (None) of all. Gives how many posts that were.
    Call it in the transaction that took them back."""
    if not DatasetAudit.objects.filter(workspace=workspace).exists():
        return 0
    with transaction.atomic():
        lock_workspace(workspace)
        if items:
            _clear_stopped(workspace, items)
        gone = withdrawn_posts(workspace, _items_in_audits(workspace, items))
        audits = DatasetAudit.objects.filter(
            workspace=workspace, id__in=FoundPost.objects.filter(item__in=gone, taken_back_at=None).values("audit")
        )
        for audit in audits if gone else ():
            _retract_from_audit(audit, gone)
        log.forget_entries("post", gone, workspace.id)
    return len(gone)


def _items_in_audits(workspace: Workspace, items: Collection[UUID] | None) -> set[str]:
    """Items whose text some audit holds."""
    held = FoundPost.objects.filter(audit__workspace=workspace, taken_back_at=None).values_list("item", flat=True)
    if items is None:
        return set(held)
    ids = [str(item) for item in items]
    return {one for at in range(0, len(ids), BATCH_SIZE) for one in held.filter(item__in=ids[at : at + BATCH_SIZE])}


def _retract_from_audit(audit: DatasetAudit, gone: Collection[str]) -> None:
    sought = FoundPost.objects.filter(audit=audit)
    sought.filter(item__in=gone, taken_back_at=None).update(text="", taken_back_at=clock.now())
    empty = set(sought.exclude(taken_back_at=None).values_list("item", flat=True))
    hits = [
        hit for hit in audit.hits.exclude(raw="").filter(posts__has_any_keys=list(gone)) if empty.issuperset(hit.posts)
    ]
    for hit in hits:
        hit.raw = ""
    FoundCopy.objects.bulk_update(hits, ["raw"], batch_size=BATCH_SIZE)
    _blank_surroundings(audit, hits)
    folder = audit_folder(audit.id)
    if audit.bundle_sha256:
        made = _bundle_without(audit, folder / BUNDLE_FILE_NAME, empty)
        audit.bundle_sha256 = hashlib.sha256(made).hexdigest() if made else ""
        audit.save(update_fields=["bundle_sha256"])
        transaction.on_commit(lambda: _replace_file(folder / BUNDLE_FILE_NAME, made))
    if audit.state == AuditState.DONE:
        transaction.on_commit(lambda: delete_work_files(folder))


def _blank_surroundings(audit: DatasetAudit, gone: Collection[FoundCopy]) -> None:
    """What was kept around other copies, or between their phrases, may hold words of these: there, they become spaces.
    Words that the other copy needs stay: the evidence of a post that stays says no less than before."""
    formats = {shard["name"]: shard["format"] for shard in audit.summary.get("data", {}).get("shards", [])}
    texts = dict(FoundPost.objects.filter(audit=audit, taken_back_at=None).values_list("item", "text"))
    spans: dict[str, list[tuple[int, int]]] = {}
    for hit in gone:
        spans.setdefault(hit.shard, []).append((hit.first_byte, hit.last_byte))
    changed = []
    for shard, places in spans.items():
        places.sort()
        longest = max(last - first for first, last in places)
        for hit in audit.hits.filter(shard=shard).exclude(raw="").iterator(chunk_size=BATCH_SIZE):
            raw = bytearray(base64.b64decode(hit.raw))
            begin, end = hit.raw_first_byte, hit.raw_first_byte + len(raw)
            at = bisect_left(places, (begin - longest, 0))
            kept = bytes(raw)
            while at < len(places) and places[at][0] < end:
                first, last = max(places[at][0], begin), min(places[at][1], end)
                for byte in (*range(first, min(last, hit.first_byte)), *range(max(first, hit.last_byte), last)):
                    raw[byte - begin] = 0x20
                within = max(first, hit.first_byte), min(last, hit.last_byte)
                if within[0] < within[1]:
                    tried = bytearray(raw)
                    tried[within[0] - begin : within[1] - begin] = b" " * (within[1] - within[0])
                    if _holds(hit, bytes(tried), [texts[p] for p in hit.posts if p in texts], formats.get(shard, "")):
                        raw = tried
                at += 1
            if raw != kept:
                hit.raw = base64.b64encode(raw).decode()
                changed.append(hit)
    FoundCopy.objects.bulk_update(changed, ["raw"], batch_size=BATCH_SIZE)


def _holds(hit: FoundCopy, raw: bytes, texts: list[str], form: str) -> bool:
    """Whether the verifier accepts these bytes as the hit's passage."""
    names = ("kind", "first_byte", "last_byte", "words", "of_words", "longest_run", "raw_first_byte")
    try:
        check_passage(0, {name: getattr(hit, name) for name in names}, raw, texts, form, is_blanked=True)
    except (Refused, IndexError):
        return False
    return True


def _bundle_without(audit: DatasetAudit, path: Path, empty: Collection[str]) -> bytes:
    """The bundle of what stays, signed again, with its proofs and stamps as they were; b"" where nothing does."""
    try:
        old = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return b""
    names = (
        "posts",
        "kind",
        "shard",
        "first_byte",
        "last_byte",
        "place",
        "words",
        "of_words",
        "longest_run",
        "bits",
        "raw_first_byte",
        "raw",
    )
    findings: list[dict[str, Any]] = list(audit.hits.exclude(raw="").order_by("id").values(*names))
    for finding in findings:
        finding["posts"] = [post for post in finding["posts"] if post not in empty]
    if not findings:
        return b""
    named = {post for finding in findings for post in finding["posts"]}
    told = {name: value for name, value in audit.summary.items() if name != "places"} | {
        "says": finding_sentence(len(named), len(findings)),
        "kinds": dict(Counter(f["kind"] for f in findings)),
        "taken_back": len(empty),
        "findings": findings,
    }
    subject = json.loads(unpacked(old["statement"]["payload"], "The statement"))["subject"]
    shards = {finding["shard"] for finding in findings}
    digests = {one["name"]: one["digest"]["sha256"] for one in subject if one["name"] in shards}
    proofs = {
        post: log.LogProof(
            p["index"],
            base64.b64decode(p["salt"]),
            [base64.b64decode(step) for step in p["path"]],
            old["log"]["checkpoint"],
        )
        for post, p in old["log"]["proofs"].items()
        if post in named
    }
    posts = [post for post in old["material"]["posts"] if post["id"] in named]
    _, key = log.signing_key()
    made = bundle.make_bundle(told, posts, digests, proofs, old["log"]["checkpoint"], key, old["anchors"])
    log.append_entries("report", [(str(audit.id), made)], audit.workspace_id)
    return made


def _replace_file(path: Path, made: bytes) -> None:
    if not made:
        path.unlink(missing_ok=True)
        return
    half = path.with_suffix(".part")
    half.write_bytes(made)
    os.replace(half, path)


def _clear_stopped(workspace: Workspace, items: Collection[UUID]) -> None:
    """What audits that were stopped or failed keep to go on with may hold these posts' words: they start again."""
    stopped = DatasetAudit.objects.filter(workspace=workspace, state__in=(AuditState.CANCELED, AuditState.FAILED))
    kept = [
        folder
        for id_ in stopped.values_list("id", flat=True)
        if any((folder := audit_folder(id_)).joinpath(name).exists() for name in WORK_FILE_NAMES)
    ]
    if kept and withdrawn_posts(workspace, map(str, items)):
        for folder in kept:
            transaction.on_commit(partial(delete_work_files, folder))


def delete_work_files(folder: Path) -> None:
    """An audit's own work, which nothing needs once it is done."""
    for name in WORK_FILE_NAMES:
        (folder / name).unlink(missing_ok=True)
    shutil.rmtree(folder / "prints", ignore_errors=True)
