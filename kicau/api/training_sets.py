"""Endpoints: training sets, their versions, who has them, and what was taken back."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Annotated, Any, cast

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from ninja import Path, Query, Router
from pydantic import Field

from kicau.api.core.authentication import acting
from kicau.api.core.paging import page
from kicau.api.core.routes import READS, SETTINGS, Id
from kicau.api.core.streams import send_file
from kicau.api.schemas import training_sets as s
from kicau.api.schemas.base import PageQuery
from kicau.training_sets import actions, recipients, review
from kicau.training_sets.models import Preview, Recipient, TrainingSet, Version
from kicau.workspaces.actors import Permission

routes = Router(tags=["Training sets"])
Number = Annotated[int, Path(description="Number of the version, from 1.", ge=1, le=2_000_000_000)]
FileName = Annotated[str, Field(max_length=80), Path(description="Name of the file.")]
_FILE = {"content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}}
_JSON = {"content": {"application/json": {"schema": {"type": "object"}}}}


@routes.get("/sets", response=s.SetPage, summary="List training sets", openapi_extra=READS)
def list_sets(request: HttpRequest, asked: Query[PageQuery]) -> dict[str, Any]:
    return page(actions.all_sets(acting(request)), ("-id",), asked, _set)


@routes.post("/sets", response={201: s.SetRow}, summary="Describe a training set", openapi_extra=SETTINGS)
def create_set(request: HttpRequest, given: s.SetCreate) -> s.SetRow:
    """Nothing is made yet: look at its preview, then order a version."""
    return _set(actions.define(acting(request), name=given.name, use=given.use, **_definition(given)))


@routes.get("/sets/{set_id}", response=s.SetRow, summary="Read a training set", openapi_extra=READS)
def get_set(request: HttpRequest, set_id: Id) -> s.SetRow:
    return _set(actions.one_set(acting(request), set_id))


@routes.put("/sets/{set_id}", response=s.SetRow, summary="Change what a set is made of", openapi_extra=SETTINGS)
def change_set(request: HttpRequest, set_id: Id, given: s.SetChange) -> s.SetRow:
    """Versions that are made stay as they are. Name and use stay: who was given a version was told them."""
    return _set(actions.change(acting(request), set_id, **_definition(given)))


@routes.post(
    "/sets/{set_id}/preview", response=s.SetPreview, summary="Look at what a set would hold", openapi_extra=SETTINGS
)
def look_at_set(request: HttpRequest, set_id: Id) -> s.SetPreview:
    """Found beside other work; ask again until its state is ready."""
    return _preview(actions.preview(acting(request), set_id))


@routes.get("/sets/{set_id}/preview", response=s.SetPreview, summary="Read a preview", openapi_extra=READS)
def get_preview(request: HttpRequest, set_id: Id) -> s.SetPreview:
    return _preview(actions.one_preview(acting(request), set_id))


@routes.get(
    "/sets/{set_id}/personal", response=s.PiecePage, summary="List personal data that was found", openapi_extra=SETTINGS
)
def list_personal(request: HttpRequest, set_id: Id, asked: Query[s.PieceQuery]) -> dict[str, Any]:
    """By the newest preview, with what stands around each piece."""
    actor = acting(request)
    actor.require(Permission.SETTINGS)
    state = {"replace": "replaced", "keep": "kept"}.get(asked.verdict or "", asked.verdict or "")
    rows = review.listed(actor, actions.one_set(actor, set_id), kind=asked.kind or "", state=state)
    found = page(rows, ("id",), asked, lambda row: row)
    return found | {"items": [_piece(one) for one in review.shown(found["items"])]}


@routes.post("/sets/{set_id}/personal", response=s.Judged, summary="Judge personal data", openapi_extra=SETTINGS)
def judge_personal(request: HttpRequest, set_id: Id, given: s.Verdicts) -> s.Judged:
    """All of the verdicts are kept, or none."""
    actor = acting(request)
    actor.require(Permission.SETTINGS)
    verdicts = {int(key): value == "keep" for key, value in given.verdicts.items()}
    return s.Judged(judged=review.judge(actor, actions.one_set(actor, set_id), verdicts))


@routes.get(
    "/sets/{set_id}/questions",
    response=list[s.Question],
    summary="List posts that somebody must decide over",
    openapi_extra=SETTINGS,
)
def list_questions(request: HttpRequest, set_id: Id) -> list[s.Question]:
    """As the newest preview or version found them. Answer by a statement about the item: layer grant, party author, allow
    or deny; the next version goes by it."""
    actor = acting(request)
    actor.require(Permission.SETTINGS)
    return [
        s.Question(item=str(one.item.id), text=one.item.text, original=str(one.original.id))
        for one in actions.questions(actor, set_id)
    ]


@routes.get("/sets/{set_id}/versions", response=s.VersionPage, summary="List a set's versions", openapi_extra=READS)
def list_versions(request: HttpRequest, set_id: Id, asked: Query[PageQuery]) -> dict[str, Any]:
    rows = actions.short_versions(actions.one_set(acting(request), set_id).versions.all())
    return page(rows, ("-number",), asked, lambda row: s.VersionRow(**_row(row)))


@routes.post("/sets/{set_id}/versions", response={201: s.VersionRow}, summary="Make a version", openapi_extra=SETTINGS)
def order_version(request: HttpRequest, set_id: Id, given: s.VersionOrder) -> s.VersionRow:
    """Made beside other work; ask for it until its state is ready. One at a time of each set."""
    return s.VersionRow(**_row(actions.order(acting(request), set_id, as_of=given.as_of)))


@routes.get("/sets/{set_id}/versions/{number}", response=s.VersionDetail, summary="Read a version", openapi_extra=READS)
def get_version(request: HttpRequest, set_id: Id, number: Number) -> s.VersionDetail:
    """With its files, and why items stayed out."""
    row = actions.one_version(acting(request), set_id, number)
    files = [s.VersionFile(name=name, size=told["bytes"], sha256=told["sha256"]) for name, told in row.files.items()]
    return s.VersionDetail(**_row(row), excluded=_reasons(row.excluded), files=files)


@routes.get(
    "/sets/{set_id}/versions/{number}/files/{name}",
    summary="Download a file of a version",
    openapi_extra={**SETTINGS, "responses": {200: {"description": "The file, byte for byte.", **_FILE}}},
)
def download_version_file(request: HttpRequest, set_id: Id, number: Number, name: FileName) -> StreamingHttpResponse:
    """While its state is ready; one in which something was taken back is handed out no more."""
    actor = acting(request)
    path = actions.file_of(actor, actions.one_version(actor, set_id, number), name)
    return send_file(request, path, "application/octet-stream", path.name)


@routes.get(
    "/sets/{set_id}/versions/{number}/delta",
    summary="Read what a version is without",
    openapi_extra={
        **SETTINGS,
        "responses": {
            200: {"description": "The list of records with reasons, and the signature (Ed25519) over it.", **_JSON}
        },
    },
)
def get_delta(request: HttpRequest, set_id: Id, number: Number) -> HttpResponse:
    actor = acting(request)
    actor.require(Permission.SETTINGS)
    told = recipients.delta_of(actions.one_version(actor, set_id, number))
    return HttpResponse(json.dumps(told), content_type="application/json")


@routes.post(
    "/sets/{set_id}/versions/{number}/recipients",
    response={201: s.RecipientRow},
    summary="Note who is given a version",
    openapi_extra=SETTINGS,
)
def add_recipient(request: HttpRequest, set_id: Id, number: Number, given: s.RecipientCreate) -> s.RecipientRow:
    """They are told when something in it is taken back."""
    actor = acting(request)
    actor.require(Permission.SETTINGS)
    row = recipients.give(actor, actions.one_version(actor, set_id, number), name=given.name, contact=given.contact)
    return s.RecipientRow(**_recipient(row))


@routes.get("/recipients", response=s.RecipientPage, summary="List who has what", openapi_extra=READS)
def list_recipients(request: HttpRequest, asked: Query[s.RecipientQuery]) -> dict[str, Any]:
    actor = acting(request)
    rows = recipients.owing(actor) if asked.owing else recipients.recipients(actor)
    return page(rows, ("id",), asked, lambda row: s.RecipientRow(**_recipient(row)))


@routes.post(
    "/recipients/{recipient_id}/ask",
    response=s.AskedRecipient,
    summary="Ask a recipient to confirm a retraction",
    openapi_extra=SETTINGS,
)
def ask_recipient(request: HttpRequest, recipient_id: Id) -> s.AskedRecipient:
    """Gives the link by which they read what was taken back and confirm that they use it no more."""
    asked = recipients.ask(acting(request), recipient_id)
    return s.AskedRecipient(**_recipient(asked.recipient), link=asked.link)


@routes.post(
    "/recipients/{recipient_id}/acknowledgement",
    response=s.RecipientRow,
    summary="Note that a recipient confirmed",
    openapi_extra=SETTINGS,
)
def acknowledge_recipient(request: HttpRequest, recipient_id: Id) -> s.RecipientRow:
    """Where they said so elsewhere."""
    return s.RecipientRow(**_recipient(recipients.acknowledge(acting(request), recipient_id)))


@routes.get("/retractions", response=s.RetractionPage, summary="List what was taken back", openapi_extra=READS)
def list_retractions(request: HttpRequest, asked: Query[PageQuery]) -> dict[str, Any]:
    """Each version that took records back from the one before, with how long that took."""
    return page(
        actions.retractions(acting(request)),
        ("-id",),
        asked,
        lambda row: s.Retraction(**_row(row), set_name=row.set.name),
    )


@routes.get(
    "/recipients/{recipient_id}", response=s.RecipientRow, summary="Read about a recipient", openapi_extra=READS
)
def get_recipient(request: HttpRequest, recipient_id: Id) -> s.RecipientRow:
    return s.RecipientRow(**_recipient(recipients.one_recipient(acting(request), recipient_id)))


def _definition(given: s.SetChange) -> dict[str, Any]:
    query = {name: _plain(value) for name, value in given.query.model_dump().items() if value not in ("", [], None)}
    options = given.options.model_dump(exclude_none=True)
    return {"purpose": given.purpose, "format": given.format, "query": query, "meets": given.meets, "options": options}


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value


def _set(row: TrainingSet) -> s.SetRow:
    return s.SetRow(
        id=str(row.id),
        name=row.name,
        purpose=row.purpose,
        use=cast(Any, row.use),
        format=cast(Any, row.format),
        query=row.query,
        meets=row.meets,
        options=row.options,
        created_at=row.created_at,
    )


def _reasons(excluded: dict[str, int]) -> list[s.Reason]:
    return [s.Reason(sentence=why, count=n) for why, n in sorted(excluded.items(), key=lambda row: (-row[1], row[0]))]


def _preview(row: Preview) -> s.SetPreview:
    return s.SetPreview(
        state=cast(Any, row.state),
        as_of=row.as_of,
        expected=row.expected,
        done=row.done,
        records=row.records,
        items=row.items,
        splits=row.splits,
        excluded=_reasons(row.excluded),
        personal=row.personal,
        sample=row.examples,
        problem=row.problem,
        ready_at=row.ready_at,
    )


def _row(row: Version) -> dict[str, Any]:
    taken = getattr(row, "taken", None) if hasattr(row, "taken") else len(row.delta.get("record_ids", ()))
    return {
        "set_id": str(row.set_id),
        "number": row.number,
        "state": row.state,
        "as_of": row.as_of,
        "expected": row.expected,
        "done": row.done,
        "records": row.records,
        "taken_back": taken or 0,
        "effect_ms": row.effect_ms,
        "problem": row.problem,
        "created_at": row.created_at,
        "ready_at": row.ready_at,
    }


def _recipient(row: Recipient) -> dict[str, Any]:
    return {
        "id": str(row.id),
        "set_id": str(row.version.set_id),
        "version": row.version.number,
        "name": row.name,
        "contact": row.contact,
        "given_at": row.given_at,
        "owes": row.owes,
        "asked_at": row.told_at,
        "acknowledged_at": row.acknowledged_at,
        "acknowledged_by": row.acknowledged_by,
    }


def _piece(one: review.Shown) -> s.Piece:
    row = one.found
    verdict = {None: "open", True: "keep", False: "replace"}[row.is_kept]
    return s.Piece(
        id=row.id,
        item=str(row.item),
        kind=cast(Any, row.kind),
        start=row.start,
        end=row.end,
        before=one.before,
        piece=one.piece,
        after=one.after,
        verdict=cast(Any, verdict),
    )
