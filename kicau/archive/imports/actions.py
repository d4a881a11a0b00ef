"""Beginning an import, saying whose it is, stopping it, going on: what people do."""

from __future__ import annotations

import shutil
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.db.models import QuerySet

from kicau.archive.imports.column_values import ALLOWED_MEANINGS, Column, value_key
from kicau.archive.imports.generic_formats import PLAIN_FORMAT, UNKNOWN_VALUE_CODE
from kicau.archive.imports.readers import matching_reader
from kicau.archive.models import ArchiveImport, ImportState
from kicau.base.advisory_locks import is_unlocked
from kicau.base.errors import Conflict, NotFound, validation_failed
from kicau.base.ids import as_uuid, new_id
from kicau.channels.models import Channel
from kicau.connector import registry
from kicau.connector.archives.files import NotAnArchive, open_archive
from kicau.connector.content import Problem
from kicau.rights.models import Origin
from kicau.workspaces.actors import Actor, Permission

OTHER_ACCOUNT_QUESTION, OWNER_QUESTION = (
    "another-account",
    "whose",
)  # codes of questions: is this account's archive ours; nothing says whose it is
OWNER_QUESTIONS = (OTHER_ACCOUNT_QUESTION, OWNER_QUESTION)
VALUES_QUESTION = (
    "values"  # code of the question what unknown kinds and visibilities mean; it is asked when the rest is read
)
OWNER_ANSWERS = (Origin.IMPORTED, Origin.RECEIVED)


@dataclass(frozen=True, slots=True, kw_only=True)
class UnknownValue:
    """A kind or visibility of a table that Kicau does not know, with how many rows wait for its meaning."""

    column: Column
    value: str
    count: int

    @property
    def key(self) -> str:
        return value_key(self.column, self.value)

    @property
    def meanings(self) -> tuple[str, ...]:
        """What it can mean."""
        return ALLOWED_MEANINGS[self.column]


def unknown_values(row: ArchiveImport) -> list[UnknownValue]:
    """Of which nobody has said the meaning yet, the most frequent first."""
    found = [
        UnknownValue(column=Column(one["params"]["column"]), value=one["params"]["value"], count=one["count"])
        for one in row.skips
        if one["code"] == UNKNOWN_VALUE_CODE
    ]
    return sorted(found, key=lambda one: (-one.count, one.key))


def begin_import(
    actor: Actor,
    path: Path,
    name: str = "",
    *,
    network: str = "",
    acquired: str = "",
    account: str = "",
    take: bool = False,
    asks: Collection[str] = OWNER_QUESTIONS,
) -> ArchiveImport:
    """Look into an archive and queue it; nothing of it is read yet.

    `acquired`: "imported" says that it is this workspace's own, "received" that it is somebody else's; left out, an
    archive of another account than those that are connected asks, also where none is, and so does a table or lines of
    JSON, which say of no account that it is theirs (state "asking", see `answer_import`). `asks`: the codes of the questions that somebody is
    there to answer. `network` and `account` are for files that name none. `take`: the file is moved here, and deleted
    when it has been read. Raises ValidationFailed where it cannot be opened, is no archive of posts, or where `acquired` is
    left out and may not be asked for.
    """
    actor.require(Permission.WRITE)
    if acquired not in ("", *OWNER_ANSWERS):
        raise validation_failed(
            "acquired",
            "Choose whose archive you are importing: “imported” if it belongs to this workspace, “received” if it belongs to someone else.",
        )
    shown = (name or path.name)[:255]
    try:
        with open_archive(path, shown) as files:
            fit = matching_reader(files, network)
    except NotAnArchive as exc:
        raise validation_failed("file", exc.problem.message, exc.problem.code, **exc.problem.params) from None
    except FileNotFoundError:
        raise validation_failed(
            "file",
            "Kicau cannot find the archive file {name} on the server. Check the location of the file.",
            name=shown,
        ) from None
    id_ = new_id()
    row = ArchiveImport(
        id=id_,
        workspace=actor.workspace,
        by=actor.person,
        path=str(path.absolute()),
        name=shown,
        size=_total_bytes(path),
        format=fit.whose.format,
        network=fit.network[:40],
        account_id=(fit.whose.account_id or account)[:200],
        account_handle=(fit.whose.handle or account)[:200],
        account_name=fit.whose.name[:200],
        expected=fit.whose.expected,
        acquired=acquired or Origin.IMPORTED,
    )
    if not acquired and (problem := _owner_question(actor, row, fit.whose.host)):
        if problem.code not in asks:
            raise validation_failed("acquired", problem.message, problem.code, **problem.params)
        row.state = ImportState.ASKING
        row.problem = problem_json(problem)
    if take:
        row.path, row.is_ours = str(upload_folder() / id_.hex), True
        shutil.move(path, row.path)
    with transaction.atomic():
        row.save()
        actor.record("archive.import_begun", row.id, name=row.name, network=row.network)
    return row


def begin_upload(
    actor: Actor,
    upload: UploadedFile[Any],
    *,
    network: str = "",
    acquired: str = "",
    account: str = "",
    asks: Collection[str] = OWNER_QUESTIONS,
) -> ArchiveImport:
    """As `begin_import`, of a file that somebody sends; it is kept until it has been read."""
    actor.require(Permission.WRITE)
    copy = upload_folder() / f"{new_id().hex}.part"
    try:
        with copy.open("wb") as out:
            for piece in upload.chunks(1 << 20):
                out.write(piece)
        return begin_import(
            actor,
            copy,
            Path(upload.name or "archive").name,
            network=network,
            acquired=acquired,
            account=account,
            take=True,
            asks=asks,
        )
    finally:
        copy.unlink(missing_ok=True)


@transaction.atomic
def answer_import(actor: Actor, import_id: UUID | str, acquired: str) -> ArchiveImport:
    """Say whose an archive is that asks: "imported" (our own) or "received" (somebody else's); then it is read."""
    actor.require(Permission.WRITE)
    if acquired not in OWNER_ANSWERS:
        raise validation_failed(
            "acquired",
            "Choose whose archive you are importing: “imported” if it belongs to this workspace, “received” if it belongs to someone else.",
        )
    row = _get_import(actor, import_id)
    if row.state != ImportState.ASKING or row.problem.get("code") == VALUES_QUESTION:
        raise Conflict("You do not need to choose who owns the archive for this import.")
    row.acquired, row.state, row.problem = acquired, ImportState.WAITING, {}
    row.save(update_fields=["acquired", "state", "problem"])
    actor.record("archive.import_answered", row.id, name=row.name, acquired=acquired)
    return row


@transaction.atomic
def answer_values(actor: Actor, import_id: UUID | str, meanings: Mapping[str, str]) -> ArchiveImport:
    """Say what each unknown kind and visibility of a table means, by `UnknownValue.key`; then their rows are read."""
    actor.require(Permission.WRITE)
    row = _get_import(actor, import_id)
    waiting = unknown_values(row)
    if row.state != ImportState.ASKING or row.problem.get("code") != VALUES_QUESTION:
        raise Conflict(
            "This archive import has no open questions about post types or visibility. You do not need to do anything."
        )
    for one in waiting:
        if meanings.get(one.key) not in one.meanings:
            raise validation_failed(
                "values",
                "Kicau does not know the post type or visibility {key} in the archive. Choose one of these meanings: {meanings}.",
                key=one.key,
                meanings=", ".join(one.meanings),
            )
    asked = {one.key: meanings[one.key] for one in waiting}
    row.options = {"answers": {**row.options.get("answers", {}), **asked}, "only": sorted(asked), "before": row.read}
    row.skipped -= sum(one.count for one in waiting)
    row.skips = [one for one in row.skips if one["code"] != UNKNOWN_VALUE_CODE]
    row.cursor, row.state, row.problem, row.finished_at = {}, ImportState.WAITING, {}, None
    row.save(update_fields=["options", "skips", "skipped", "cursor", "state", "problem", "finished_at"])
    actor.record("archive.import_values_answered", row.id, name=row.name, values=len(asked))
    return row


@transaction.atomic
def stop_import(actor: Actor, import_id: UUID | str) -> ArchiveImport:
    """What was read stays; the rest can be read later with `resume_import`."""
    actor.require(Permission.WRITE)
    row = _get_import(actor, import_id)
    if row.state in (ImportState.DONE, ImportState.CANCELED):
        raise Conflict("This archive import has already ended. You do not need to do anything.")
    row.state = ImportState.CANCELED
    row.save(update_fields=["state"])
    actor.record("archive.import_stopped", row.id, name=row.name)
    return row


@transaction.atomic
def resume_import(actor: Actor, import_id: UUID | str) -> ArchiveImport:
    """Go on where it stopped, failed or was killed; one that asked whose it is asks again."""
    actor.require(Permission.WRITE)
    row = _get_import(actor, import_id)
    if row.state not in (ImportState.CANCELED, ImportState.FAILED):
        raise Conflict("You cannot resume this archive import, because it was not stopped and has not failed.")
    if not Path(row.path).exists():
        raise Conflict(
            "The archive file is no longer on the server, so upload it again. Kicau skips the posts that it has already imported."
        )
    if row.problem.get("code") in (
        *OWNER_QUESTIONS,
        VALUES_QUESTION,
    ):  # stopped before anybody said whose it is: that is still to be said
        row.state = ImportState.ASKING
    else:
        row.state, row.problem = ImportState.WAITING, {}
    row.finished_at = None
    row.save(update_fields=["state", "problem", "finished_at"])
    actor.record("archive.import_resumed", row.id, name=row.name)
    return row


def list_imports(actor: Actor) -> QuerySet[ArchiveImport]:
    """Newest first."""
    actor.require(Permission.READ)
    return ArchiveImport.objects.filter(workspace=actor.workspace).order_by("-id")


def get_import(actor: Actor, import_id: UUID | str) -> ArchiveImport:
    """Raises NotFound."""
    found = list_imports(actor).filter(id=as_uuid(import_id)).first()
    if found is None:
        raise NotFound("import", import_id)
    return found


def display_state(row: ArchiveImport) -> str:
    """As people are told it: one whose worker is gone waits for another."""
    return ImportState.WAITING if row.state == ImportState.RUNNING and is_unlocked(row.id) else row.state


def upload_folder() -> Path:
    """Where uploads lie until they are read."""
    folder = Path(settings.KICAU_DATA) / "archive" / "incoming"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def problem_json(problem: Problem) -> dict[str, object]:
    return {"code": problem.code, "message": problem.message, "params": dict(problem.params)}


def _get_import(actor: Actor, import_id: UUID | str) -> ArchiveImport:
    row = ArchiveImport.objects.select_for_update().filter(workspace=actor.workspace, id=as_uuid(import_id)).first()
    if row is None:
        raise NotFound("import", import_id)
    return row


def _owner_question(actor: Actor, row: ArchiveImport, host: str) -> Problem | None:
    """Where the archive is of another account than each that is connected here, of a network of which none is, or
    where nothing says whose it is."""
    known = Channel.objects.filter(workspace=actor.workspace, network=row.network)
    if row.format != PLAIN_FORMAT and row.network and not known:
        return Problem(
            code=OTHER_ACCOUNT_QUESTION,
            message="{name} is an archive from {network}, but this workspace has no {network} channel. Choose whether it is your own archive or someone else gave it to you.",
            params={"name": row.name, "network": registry.get_connector(row.network).label},
        )
    if not row.network or not (row.account_id or row.account_handle or row.account_name) or not known:
        return Problem(
            code=OWNER_QUESTION,
            message="Kicau cannot tell from the archive {name} who owns it. Choose whether it is your own archive or someone else gave it to you.",
            params={"name": row.name},
        )
    by_name = not (row.account_id or row.account_handle)  # some downloads tell nothing else
    for channel in known:
        if by_name and channel.name.casefold() == row.account_name.casefold():
            return None
        same_handle = channel.handle.split("@")[0].casefold() == row.account_handle.split("@")[0].casefold()
        if row.account_id and channel.account_id == row.account_id:
            return None
        if same_handle and row.account_handle and (not host or channel.host == host):
            return None
    return Problem(
        code=OTHER_ACCOUNT_QUESTION,
        message="{name} is the archive of {account}, but this workspace is connected to: {channels}. Choose whether it is your own archive or someone else gave it to you.",
        params={
            "name": row.name,
            "account": f"@{row.account_handle}" if row.account_handle else row.account_id or row.account_name,
            "channels": ", ".join(c.name if by_name else f"@{c.handle}" for c in known[:20]),
        },
    )


def _total_bytes(path: Path) -> int:
    if path.is_file():
        return path.stat().st_size
    return sum(p.stat().st_size for p in path.rglob("*") if p.is_file())
