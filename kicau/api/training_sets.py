"""Endpoints: training sets, their versions, who has them, and what was taken back."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Annotated, Any, cast

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from ninja import Path, Query, Router
from pydantic import Field

from kicau.api.core.authentication import authenticated_actor
from kicau.api.core.paging import paginate
from kicau.api.core.routes import READ_SCOPE, SETTINGS_SCOPE, UuidPath
from kicau.api.core.streams import file_response
from kicau.api.schemas import training_sets as s
from kicau.api.schemas.base import PageQuery
from kicau.training_sets import actions, recipients, review
from kicau.training_sets.models import Recipient, TrainingSet, TrainingSetPreview, TrainingSetVersion
from kicau.workspaces.actors import Permission

routes = Router(tags=["AI training sets"])
VersionNumberPath = Annotated[int, Path(description="Number of the version, starting at 1.", ge=1, le=2_000_000_000)]
FileName = Annotated[str, Field(max_length=80), Path(description="Name of the file.")]
_FILE_RESPONSE = {"content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}}
_JSON_RESPONSE = {"content": {"application/json": {"schema": {"type": "object"}}}}


@routes.get("/training-sets", response=s.TrainingSetPage, summary="List training sets", openapi_extra=READ_SCOPE)
def list_sets(request: HttpRequest, asked: Query[PageQuery]) -> dict[str, Any]:
    return paginate(actions.list_sets(authenticated_actor(request)), ("-id",), asked, _set_schema)


@routes.post(
    "/training-sets", response={201: s.TrainingSetRow}, summary="Create a training set", openapi_extra=SETTINGS_SCOPE
)
def create_set(request: HttpRequest, given: s.TrainingSetCreate) -> s.TrainingSetRow:
    """Nothing is built yet. Create a preview first, then a version."""
    return _set_schema(
        actions.create_set(
            authenticated_actor(request), name=given.name, use=given.use, **_definition_from_request(given)
        )
    )


@routes.get(
    "/training-sets/{set_id}", response=s.TrainingSetRow, summary="Retrieve a training set", openapi_extra=READ_SCOPE
)
def get_set(request: HttpRequest, set_id: UuidPath) -> s.TrainingSetRow:
    return _set_schema(actions.get_set(authenticated_actor(request), set_id))


@routes.put(
    "/training-sets/{set_id}", response=s.TrainingSetRow, summary="Update a training set", openapi_extra=SETTINGS_SCOPE
)
def change_set(request: HttpRequest, set_id: UuidPath, given: s.TrainingSetChange) -> s.TrainingSetRow:
    """Existing versions do not change. You cannot change the name and the use."""
    return _set_schema(actions.change_set(authenticated_actor(request), set_id, **_definition_from_request(given)))


@routes.post(
    "/training-sets/{set_id}/preview",
    response=s.TrainingSetPreview,
    summary="Create a preview",
    openapi_extra=SETTINGS_SCOPE,
)
def look_at_set(request: HttpRequest, set_id: UuidPath) -> s.TrainingSetPreview:
    """Created in the background. Poll it until its state is ready."""
    return _preview_schema(actions.request_preview(authenticated_actor(request), set_id))


@routes.get(
    "/training-sets/{set_id}/preview",
    response=s.TrainingSetPreview,
    summary="Retrieve a preview",
    openapi_extra=READ_SCOPE,
)
def get_preview(request: HttpRequest, set_id: UuidPath) -> s.TrainingSetPreview:
    return _preview_schema(actions.get_preview(authenticated_actor(request), set_id))


@routes.get(
    "/training-sets/{set_id}/personal-data",
    response=s.PersonalDataPage,
    summary="List personal data found",
    openapi_extra=SETTINGS_SCOPE,
)
def list_personal(request: HttpRequest, set_id: UuidPath, asked: Query[s.PersonalDataQuery]) -> dict[str, Any]:
    """From the newest preview, with the text around each piece."""
    actor = authenticated_actor(request)
    actor.require(Permission.SETTINGS)
    state = {"replace": "replaced", "keep": "kept"}.get(asked.verdict or "", asked.verdict or "")
    rows = review.list_matches(actor, actions.get_set(actor, set_id), kind=asked.kind or "", state=state)
    found = paginate(rows, ("id",), asked, lambda row: row)
    return found | {"items": [_piece_schema(one) for one in review.with_context(found["items"])]}


@routes.post(
    "/training-sets/{set_id}/personal-data",
    response=s.PersonalDataVerdictCount,
    summary="Decide about personal data",
    openapi_extra=SETTINGS_SCOPE,
)
def judge_personal(request: HttpRequest, set_id: UuidPath, given: s.PersonalDataVerdicts) -> s.PersonalDataVerdictCount:
    """All decisions are saved, or none."""
    actor = authenticated_actor(request)
    actor.require(Permission.SETTINGS)
    verdicts = {int(key): value == "keep" for key, value in given.verdicts.items()}
    return s.PersonalDataVerdictCount(decided=review.save_verdicts(actor, actions.get_set(actor, set_id), verdicts))


@routes.get(
    "/training-sets/{set_id}/questions",
    response=list[s.SetQuestion],
    summary="List posts that need a decision",
    openapi_extra=SETTINGS_SCOPE,
)
def list_questions(request: HttpRequest, set_id: UuidPath) -> list[s.SetQuestion]:
    """From the newest preview or version. To decide, record a statement about the item: layer grant, party author, allow or
    deny. It applies to the next version."""
    actor = authenticated_actor(request)
    actor.require(Permission.SETTINGS)
    return [
        s.SetQuestion(item=str(one.item.id), text=one.item.text, original=str(one.original.id))
        for one in actions.open_questions(actor, set_id)
    ]


@routes.get(
    "/training-sets/{set_id}/versions",
    response=s.SetVersionPage,
    summary="List a training set's versions",
    openapi_extra=READ_SCOPE,
)
def list_versions(request: HttpRequest, set_id: UuidPath, asked: Query[PageQuery]) -> dict[str, Any]:
    rows = actions.without_long_fields(actions.get_set(authenticated_actor(request), set_id).versions.all())
    return paginate(rows, ("-number",), asked, lambda row: s.TrainingSetVersion(**_version_schema(row)))


@routes.post(
    "/training-sets/{set_id}/versions",
    response={201: s.TrainingSetVersion},
    summary="Create a version",
    openapi_extra=SETTINGS_SCOPE,
)
def order_version(request: HttpRequest, set_id: UuidPath, given: s.SetVersionCreate) -> s.TrainingSetVersion:
    """Built in the background. Poll it until its state is ready. A training set builds only one version at a time."""
    return s.TrainingSetVersion(
        **_version_schema(actions.order_version(authenticated_actor(request), set_id, as_of=given.as_of))
    )


@routes.get(
    "/training-sets/{set_id}/versions/{number}",
    response=s.SetVersionDetail,
    summary="Retrieve a version",
    openapi_extra=READ_SCOPE,
)
def get_version(request: HttpRequest, set_id: UuidPath, number: VersionNumberPath) -> s.SetVersionDetail:
    """Includes its files and the reasons for exclusions."""
    row = actions.get_version(authenticated_actor(request), set_id, number)
    files = [s.SetVersionFile(name=name, size=told["bytes"], sha256=told["sha256"]) for name, told in row.files.items()]
    return s.SetVersionDetail(**_version_schema(row), excluded=_exclusion_reasons(row.excluded), files=files)


@routes.get(
    "/training-sets/{set_id}/versions/{number}/files/{name}",
    summary="Download a file of a version",
    openapi_extra={**SETTINGS_SCOPE, "responses": {200: {"description": "The file, byte for byte.", **_FILE_RESPONSE}}},
)
def download_version_file(
    request: HttpRequest, set_id: UuidPath, number: VersionNumberPath, name: FileName
) -> StreamingHttpResponse:
    """While the state is ready. A version with withdrawn content can no longer be downloaded."""
    actor = authenticated_actor(request)
    path = actions.file_of(actor, actions.get_version(actor, set_id, number), name)
    return file_response(request, path, "application/octet-stream", path.name)


@routes.get(
    "/training-sets/{set_id}/versions/{number}/delta",
    summary="List the records removed from a version",
    openapi_extra={
        **SETTINGS_SCOPE,
        "responses": {
            200: {
                "description": "The list of records with reasons, and the signature (Ed25519) over it.",
                **_JSON_RESPONSE,
            }
        },
    },
)
def get_delta(request: HttpRequest, set_id: UuidPath, number: VersionNumberPath) -> HttpResponse:
    actor = authenticated_actor(request)
    actor.require(Permission.SETTINGS)
    told = recipients.version_delta(actions.get_version(actor, set_id, number))
    return HttpResponse(json.dumps(told), content_type="application/json")


@routes.post(
    "/training-sets/{set_id}/versions/{number}/recipients",
    response={201: s.SetRecipient},
    summary="Record a recipient",
    openapi_extra=SETTINGS_SCOPE,
)
def add_recipient(
    request: HttpRequest, set_id: UuidPath, number: VersionNumberPath, given: s.SetRecipientCreate
) -> s.SetRecipient:
    """Kicau notifies the recipient when content of the version is withdrawn."""
    actor = authenticated_actor(request)
    actor.require(Permission.SETTINGS)
    row = recipients.add_recipient(
        actor, actions.get_version(actor, set_id, number), name=given.name, contact=given.contact
    )
    return s.SetRecipient(**_recipient_schema(row))


@routes.get("/recipients", response=s.SetRecipientPage, summary="List recipients", openapi_extra=READ_SCOPE)
def list_recipients(request: HttpRequest, asked: Query[s.SetRecipientQuery]) -> dict[str, Any]:
    actor = authenticated_actor(request)
    rows = recipients.unconfirmed_recipients(actor) if asked.unconfirmed else recipients.list_recipients(actor)
    return paginate(rows, ("id",), asked, lambda row: s.SetRecipient(**_recipient_schema(row)))


@routes.post(
    "/recipients/{recipient_id}/ask",
    response=s.SetRecipientWithLink,
    summary="Create a confirmation link",
    openapi_extra=SETTINGS_SCOPE,
)
def ask_recipient(request: HttpRequest, recipient_id: UuidPath) -> s.SetRecipientWithLink:
    """With the link, the recipient sees the withdrawn content and confirms that they no longer use it."""
    asked = recipients.create_confirmation_link(authenticated_actor(request), recipient_id)
    return s.SetRecipientWithLink(**_recipient_schema(asked.recipient), link=asked.link)


@routes.post(
    "/recipients/{recipient_id}/acknowledgement",
    response=s.SetRecipient,
    summary="Record a confirmation",
    openapi_extra=SETTINGS_SCOPE,
)
def acknowledge_recipient(request: HttpRequest, recipient_id: UuidPath) -> s.SetRecipient:
    """If the recipient confirmed in another way."""
    return s.SetRecipient(**_recipient_schema(recipients.acknowledge(authenticated_actor(request), recipient_id)))


@routes.get("/retractions", response=s.SetRetractionPage, summary="List retractions", openapi_extra=READ_SCOPE)
def list_retractions(request: HttpRequest, asked: Query[PageQuery]) -> dict[str, Any]:
    """Each version that removed records of the previous version, and how long the removal took."""
    return paginate(
        actions.retractions(authenticated_actor(request)),
        ("-id",),
        asked,
        lambda row: s.SetRetraction(**_version_schema(row), set_name=row.set.name),
    )


@routes.get(
    "/recipients/{recipient_id}", response=s.SetRecipient, summary="Retrieve a recipient", openapi_extra=READ_SCOPE
)
def get_recipient(request: HttpRequest, recipient_id: UuidPath) -> s.SetRecipient:
    return s.SetRecipient(**_recipient_schema(recipients.get_recipient(authenticated_actor(request), recipient_id)))


def _definition_from_request(given: s.TrainingSetChange) -> dict[str, Any]:
    query = {
        name: _plain_values(value) for name, value in given.query.model_dump().items() if value not in ("", [], None)
    }
    options = given.options.model_dump(exclude_none=True)
    return {"purpose": given.purpose, "format": given.format, "query": query, "meets": given.meets, "options": options}


def _plain_values(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value


def _set_schema(row: TrainingSet) -> s.TrainingSetRow:
    return s.TrainingSetRow(
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


def _exclusion_reasons(excluded: dict[str, int]) -> list[s.ExclusionCount]:
    return [
        s.ExclusionCount(sentence=why, count=n)
        for why, n in sorted(excluded.items(), key=lambda row: (-row[1], row[0]))
    ]


def _preview_schema(row: TrainingSetPreview) -> s.TrainingSetPreview:
    return s.TrainingSetPreview(
        state=cast(Any, row.state),
        as_of=row.as_of,
        expected=row.expected,
        done=row.done,
        records=row.records,
        items=row.items,
        splits=row.splits,
        excluded=_exclusion_reasons(row.excluded),
        personal=row.personal,
        sample=row.examples,
        problem=row.problem,
        ready_at=row.ready_at,
    )


def _version_schema(row: TrainingSetVersion) -> dict[str, Any]:
    taken = getattr(row, "taken", None) if hasattr(row, "taken") else len(row.delta.get("record_ids", ()))
    return {
        "set_id": str(row.set_id),
        "number": row.number,
        "state": row.state,
        "as_of": row.as_of,
        "expected": row.expected,
        "done": row.done,
        "records": row.records,
        "retracted": taken or 0,
        "effect_ms": row.effect_ms,
        "problem": row.problem,
        "created_at": row.created_at,
        "ready_at": row.ready_at,
    }


def _recipient_schema(row: Recipient) -> dict[str, Any]:
    return {
        "id": str(row.id),
        "set_id": str(row.version.set_id),
        "version": row.version.number,
        "name": row.name,
        "contact": row.contact,
        "received_at": row.given_at,
        "unconfirmed_version": row.owes,
        "requested_at": row.told_at,
        "acknowledged_at": row.acknowledged_at,
        "acknowledged_by": row.acknowledged_by,
    }


def _piece_schema(one: review.PieceInContext) -> s.PersonalDataPiece:
    row = one.found
    verdict = {None: "open", True: "keep", False: "replace"}[row.is_kept]
    return s.PersonalDataPiece(
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
