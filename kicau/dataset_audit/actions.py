"""Beginning an audit, stopping it, going on, reading what was found: what people do.

What is uploaded lies in the audit's own folder. What lies on the server is searched only in the folders and buckets that
the operator named (KICAU_AUDIT_FOLDERS).
"""

from __future__ import annotations

import hashlib
import re
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.db.models import QuerySet

from kicau.archive.queries import check_query
from kicau.base.errors import Conflict, NotFound, validation_failed
from kicau.base.ids import as_uuid, new_id
from kicau.dataset_audit import search_places
from kicau.dataset_audit.file_formats import format_of
from kicau.dataset_audit.models import AuditState, DatasetAudit, FoundCopy
from kicau.workspaces.actors import Actor, Permission

BUNDLE_FILE_NAME = "evidence.json"
MAX_FILES = 2000  # of one upload, or of one list


def begin_audit(
    actor: Actor,
    *,
    name: str = "",
    query: Mapping[str, Any] | None = None,
    files: Sequence[UploadedFile[Any]] = (),
    where: str = "",
    control_files: Sequence[UploadedFile[Any]] = (),
    control: str = "",
) -> DatasetAudit:
    """Queue a search for the workspace's posts (those of `query`; all of its own where none is given) in uploaded files,
    or in what lies at `where` on the server. `control`: data that cannot hold them, on which chance is counted. Raises
    ValidationFailed where there is nothing to search or it may not be searched; then nothing is kept."""
    actor.require(Permission.WRITE)
    asked = dict(query or {}) or {"own": True}
    check_query(actor, asked)
    if bool(files) == bool(where):
        raise validation_failed(
            "file",
            "Either upload the files of the dataset or enter where the dataset is on the server. You cannot do both.",
        )
    id_ = new_id()
    folder = audit_folder(id_)
    try:
        lies = (
            _save_uploads(files, folder / "shards", "file") if files else _check_location(actor, where, folder, "where")
        )
        beside = (
            _save_uploads(control_files, folder / "control", "control")
            if control_files
            else _check_location(actor, control, folder, "control")
            if control
            else ""
        )
        shown = name.strip() or (Path(files[0].name or "data").name if files else where)
        with transaction.atomic():
            made = DatasetAudit.objects.create(
                id=id_,
                workspace=actor.workspace,
                by=actor.person,
                name=shown[:200],
                query=asked,
                where=lies,
                control=beside,
                is_uploaded=bool(files),
            )
            actor.record("audit.begun", made.id, name=made.name)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return made


def audit_folder(audit_id: UUID) -> Path:
    return Path(settings.KICAU_DATA) / "audits" / str(audit_id)


def _save_uploads(files: Sequence[UploadedFile[Any]], folder: Path, field: str) -> str:
    """Streams uploads into the folder, which is where they are searched."""
    if len(files) > MAX_FILES:
        raise validation_failed(
            field,
            "You can upload at most {limit} dataset files at once. To search more, save a list of their locations on the server and enter @ followed by the list's location.",
            limit=MAX_FILES,
        )
    folder.mkdir(parents=True, exist_ok=True)
    for number, file in enumerate(files):
        name = re.sub(r"[^\w.,+@=()-]+", "_", Path(file.name or "data").name)[-150:].lstrip(".") or "data"
        if not format_of(name)[0]:
            raise validation_failed(
                field,
                "Kicau cannot search {name}. Use JSON Lines, Parquet, WARC or text files (also compressed as .gz, .zst, .bz2 or .xz), and unpack ZIP files first.",
                name=name,
            )
        target = folder / name if not (folder / name).exists() else folder / f"{number}-{name}"
        with target.open("wb") as out:
            for piece in file.chunks(1 << 20):
                out.write(piece)
        if not target.stat().st_size:
            raise validation_failed(field, "The file {name} is empty. Choose another file.", name=name)
    return str(folder)


def _check_location(actor: Actor, where: str, folder: Path, field: str) -> str:
    """What lies on the server, where the operator allows it. A list is read now, and searched as it is now."""
    actor.require(Permission.SETTINGS)
    if not where.startswith("@"):
        return _resolve_location(where, field)
    try:
        names = [
            line.strip()
            for line in Path(_resolve_location(where[1:], field)).read_text("utf-8").splitlines()
            if line.strip()
        ]
    except (OSError, UnicodeDecodeError):
        raise validation_failed(
            field,
            "Kicau cannot read {name}, the list of the dataset files. Check that it is a text file with one file location on each line.",
            name=where[1:],
        ) from None
    if not 0 < len(names) <= MAX_FILES * 50:
        raise validation_failed(
            field,
            "A list of dataset files must contain 1 to {limit} file locations, one on each line.",
            limit=MAX_FILES * 50,
        )
    folder.mkdir(parents=True, exist_ok=True)
    kept = folder / f"{field}.txt"
    kept.write_text("\n".join(_resolve_location(name, field) for name in names), "utf-8")
    return f"@{kept}"


def _resolve_location(where: str, field: str) -> str:
    """The path, all links followed, or address. Raises ValidationFailed where the operator does not allow it."""
    if "://" in where:
        if not search_places.is_plain_address(where):
            raise validation_failed(
                field,
                "The address {where} contains a space, “..”, or one of ? # @ % \\. Enter the address of a file or folder without these characters.",
                where=where,
            )
        if search_places.entry_of_address(where, settings.KICAU_AUDIT_FOLDERS):
            return where
    else:
        place = Path(where).resolve()
        folders = [Path(one).resolve() for one in settings.KICAU_AUDIT_FOLDERS if "://" not in one]
        if any(place.is_relative_to(folder) for folder in folders):
            return str(place)
    allowed = ", ".join(map(search_places.public_entry, settings.KICAU_AUDIT_FOLDERS))
    if not allowed:
        raise validation_failed(
            field,
            "The server administrator has not yet allowed Kicau to search any folder on this server. Upload the dataset files, or ask the administrator to add a folder to KICAU_AUDIT_FOLDERS.",
        )
    raise validation_failed(
        field,
        "Kicau is not allowed to search the location {where}. The server administrator allows only these locations: {allowed}.",
        where=where,
        allowed=allowed,
    )


def list_audits(actor: Actor) -> QuerySet[DatasetAudit]:
    """Newest first, without their long parts."""
    actor.require(Permission.READ)
    return DatasetAudit.objects.filter(workspace=actor.workspace).defer("summary").order_by("-id")


def get_audit(actor: Actor, audit_id: UUID | str) -> DatasetAudit:
    """Raises NotFound."""
    actor.require(Permission.READ)
    found = DatasetAudit.objects.filter(workspace=actor.workspace, id=as_uuid(audit_id)).first()
    if found is None:
        raise NotFound("audit", audit_id)
    return found


def list_hits(actor: Actor, audit: DatasetAudit, *, kind: str = "") -> QuerySet[FoundCopy]:
    """The places where copies stand, in the order of the data."""
    actor.require(Permission.READ)
    rows = FoundCopy.objects.filter(audit=audit, audit__workspace=actor.workspace).order_by("id")
    return rows.filter(kind=kind) if kind else rows


@transaction.atomic
def stop_audit(actor: Actor, audit_id: UUID | str) -> DatasetAudit:
    """What was searched stays, and need not be searched again. Raises NotFound, Conflict."""
    actor.require(Permission.WRITE)
    row = _lock_audit(actor, audit_id)
    if row.state not in (AuditState.WAITING, AuditState.RUNNING):
        raise Conflict("This dataset search has already ended. You do not need to do anything.")
    row.state = AuditState.CANCELED
    row.save(update_fields=["state"])
    actor.record("audit.stopped", row.id, name=row.name)
    return row


@transaction.atomic
def resume_audit(actor: Actor, audit_id: UUID | str) -> DatasetAudit:
    """Go on where it was stopped or failed. Raises NotFound, Conflict."""
    actor.require(Permission.WRITE)
    row = _lock_audit(actor, audit_id)
    if row.state not in (AuditState.CANCELED, AuditState.FAILED):
        raise Conflict("You cannot resume this dataset search, because it was not stopped and has not failed.")
    row.state, row.problem, row.finished_at = AuditState.WAITING, {}, None
    row.save(update_fields=["state", "problem", "finished_at"])
    actor.record("audit.resumed", row.id, name=row.name)
    return row


def audit_bundle(actor: Actor, audit: DatasetAudit) -> Path:
    """The bundle of evidence. Raises NotFound where there is none (nothing was found, or it is not done)."""
    actor.require(Permission.READ)
    path = audit_folder(audit.id) / BUNDLE_FILE_NAME
    if audit.workspace_id != actor.workspace.id or not audit.bundle_sha256 or not path.exists():
        raise NotFound("bundle of evidence", audit.id)
    with path.open("rb") as made:
        if hashlib.file_digest(made, "sha256").hexdigest() != audit.bundle_sha256:
            raise NotFound("bundle of evidence", audit.id)  # one from before something was taken back
    return path


def _lock_audit(actor: Actor, audit_id: UUID | str) -> DatasetAudit:
    row = DatasetAudit.objects.select_for_update().filter(workspace=actor.workspace, id=as_uuid(audit_id)).first()
    if row is None:
        raise NotFound("audit", audit_id)
    return row
