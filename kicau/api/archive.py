"""Endpoints: the archive, its imports, and what may be done with its items."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from typing import Annotated, Any, cast
from uuid import UUID

from django.core.files.uploadedfile import TemporaryUploadedFile
from django.http import HttpRequest, StreamingHttpResponse
from ninja import File, Form, Query, Router
from ninja.files import UploadedFile
from pydantic import Field

from kicau.api.core.authentication import authenticated_actor
from kicau.api.core.paging import paginate
from kicau.api.core.routes import READ_SCOPE, SETTINGS_SCOPE, WRITE_SCOPE, UuidPath
from kicau.api.core.streams import stream_response
from kicau.api.schemas import archive as s
from kicau.api.schemas.base import PageQuery, Schema
from kicau.archive import exports, item_queries, policy_preview, record_statements, search, semantic_search
from kicau.archive.imports import actions
from kicau.archive.models import UNKNOWN_DATE, ArchiveImport, Item
from kicau.base.errors import validation_failed
from kicau.publishing.models import Campaign
from kicau.rights import sentences
from kicau.rights.decisions import Decision
from kicau.rights.models import Statement
from kicau.rights.statements import NewStatement, end_of_day
from kicau.workspaces.actors import Actor, Permission

routes = Router(tags=["Archive and rights"])
_JSON_LINES_RESPONSE = {"content": {"application/x-ndjson": {"schema": {"type": "string"}}}}
_ZIP_RESPONSE = {"content": {"application/zip": {"schema": {"type": "string", "format": "binary"}}}}


class ArchiveFields(Schema):
    """Form fields that accompany the file."""

    network: str = Field(
        "", max_length=40, description="The network of the posts, if a CSV or JSON Lines file does not name it."
    )
    account: str = Field(
        "", max_length=200, description="The account that the archive belongs to, if the file does not name it."
    )
    acquired: str = Field(
        "",
        max_length=12,
        pattern="^(imported|received|)$",
        description="imported: the archive belongs to this workspace. received: it belongs to someone else. Required for a CSV or JSON Lines file, unless `account` is a connected channel. Without it, Kicau asks if a network's download belongs to an account that is not connected.",
    )


class ExportQuery(s.ArchiveItemQuery):
    """The same filters as a search. `cursor` and `limit` have no effect."""


@routes.get("/archive/items", response=s.ArchiveItemPage, summary="Search the archive", openapi_extra=READ_SCOPE)
def search_items(request: HttpRequest, asked: Query[s.ArchiveItemQuery]) -> dict[str, Any]:
    """Newest first, at most 100 per page."""
    actor = authenticated_actor(request)
    found = search.find_items(actor, _query_from_request(actor, asked), after=asked.cursor, limit=asked.limit)
    return {"items": [s.ArchiveItem(**_item_schema(row)) for row in found.items], "next": found.following or None}


@routes.get(
    "/archive/similar", response=list[s.SimilarItem], summary="Search the archive by meaning", openapi_extra=READ_SCOPE
)
def search_by_meaning(request: HttpRequest, asked: Query[s.SimilarItemQuery]) -> list[s.SimilarItem]:
    """Finds texts with a similar meaning, in any language, most similar first. Only items that may be embedded are
    searched. Returns 409 if the extra "meaning" is not installed."""
    actor = authenticated_actor(request)
    narrowed = search.ArchiveQuery(networks=_as_tuple(asked.network), authors=_as_tuple(asked.author))
    return [
        s.SimilarItem(**_item_schema(one.item), similarity=one.likeness)
        for one in semantic_search.find_similar(actor, asked.text, narrowed, limit=asked.limit)
    ]


@routes.get(
    "/archive/facets", response=s.Facets, summary="Count search results by filter value", openapi_extra=READ_SCOPE
)
def count_items(request: HttpRequest, asked: Query[s.ArchiveItemQuery]) -> s.Facets:
    """Returns the number of results for each value that can narrow the search. `cursor` and `limit` have no effect."""
    actor = authenticated_actor(request)
    found = search.count_facets(actor, _query_from_request(actor, asked))
    return s.Facets(
        count=found.count,
        more=found.more,
        networks=dict(found.networks),
        authors={key: n for key, _, n in found.authors},
        kinds=dict(found.kinds),
        acquired=dict(found.acquired),
        years={str(year): n for year, n in found.years.items()},
        use=found.use,
        answers=dict(found.answers),
    )


@routes.get(
    "/archive/items/{item_id}", response=s.ArchiveItemDetail, summary="Retrieve an item", openapi_extra=READ_SCOPE
)
def get_item(request: HttpRequest, item_id: UuidPath) -> s.ArchiveItemDetail:
    """Includes the origins of the item, its permissions with reasons, and the statements about it."""
    story = item_queries.item_history(authenticated_actor(request), item_id)
    return s.ArchiveItemDetail(
        **_item_schema(story.item),
        statements=[_statement_schema(row) for row in story.statements],
        decisions=[_decision_schema(d) for d in story.decisions.values()],
        origins=[
            s.ItemOrigin(
                acquired=cast(s.AcquisitionWay, o.acquired),
                name=o.label,
                import_id=str(o.of_import_id) if o.of_import_id else None,
                since=o.created_at,
            )
            for o in story.origins
        ],
    )


@routes.post(
    "/archive/items/{item_id}/statements",
    response={201: s.RightsStatement},
    summary="Record a statement about an item",
    openapi_extra=WRITE_SCOPE,
)
def add_item_statement(request: HttpRequest, item_id: UuidPath, given: s.ItemStatementInput) -> s.RightsStatement:
    """A withdrawal (layer withdrawal, deny) takes effect everywhere at once."""
    actor = authenticated_actor(request)
    actor.require(Permission.WRITE)
    item = item_queries.get_item(actor, item_id)
    (row,) = record_statements.add_statements(
        actor, [_statement_from_request(actor, given, subject="item", item=item.id)]
    )
    return _statement_schema(row)


@routes.get(
    "/archive/export",
    summary="Export items as JSON Lines",
    openapi_extra={**READ_SCOPE, "responses": {200: {"description": "One item a line.", **_JSON_LINES_RESPONSE}}},
)
def export_items(request: HttpRequest, asked: Query[ExportQuery]) -> StreamingHttpResponse:
    """Exports all search results, each with its permissions."""
    actor = authenticated_actor(request)
    return stream_response(
        request,
        exports.export_json_lines(actor, _query_from_request(actor, asked)),
        "application/x-ndjson",
        "items.jsonl",
    )


@routes.get(
    "/archive/export/zip",
    summary="Export items with media",
    openapi_extra={**READ_SCOPE, "responses": {200: {"description": "A zip.", **_ZIP_RESPONSE}}},
)
def export_zip(request: HttpRequest, asked: Query[ExportQuery]) -> StreamingHttpResponse:
    """Exports items, statements, origins and files of all search results."""
    actor = authenticated_actor(request)
    return stream_response(
        request, exports.export_zip(actor, _query_from_request(actor, asked)), "application/zip", "archive.zip"
    )


@routes.get("/archive/imports", response=s.ArchiveImportPage, summary="List archive imports", openapi_extra=READ_SCOPE)
def list_archive_imports(request: HttpRequest, asked: Query[PageQuery]) -> dict[str, Any]:
    return paginate(actions.list_imports(authenticated_actor(request)), ("-id",), asked, _import_schema)


@routes.post(
    "/archive/imports", response={201: s.ArchiveImport}, summary="Import an archive", openapi_extra=WRITE_SCOPE
)
def start_archive_import(
    request: HttpRequest,
    fields: Form[ArchiveFields],
    file: Annotated[UploadedFile, File(description="A network's data download, a CSV table or a JSON Lines file.")],
) -> s.ArchiveImport:
    """Checks the file, then imports it in the background. Entries that are already in the archive are not added twice."""
    actor = authenticated_actor(request)
    actor.require(Permission.WRITE)
    assert isinstance(file, TemporaryUploadedFile)  # settings.FILE_UPLOAD_HANDLERS
    return _import_schema(
        actions.begin_upload(actor, file, **fields.model_dump(), asks=(actions.OTHER_ACCOUNT_QUESTION,))
    )


@routes.get(
    "/archive/imports/{import_id}", response=s.ArchiveImport, summary="Retrieve an import", openapi_extra=READ_SCOPE
)
def get_archive_import(request: HttpRequest, import_id: UuidPath) -> s.ArchiveImport:
    """Includes its progress and what was skipped."""
    return _import_schema(actions.get_import(authenticated_actor(request), import_id))


@routes.post(
    "/archive/imports/{import_id}/answer",
    response=s.ArchiveImport,
    summary="Answer the questions of an import",
    openapi_extra=WRITE_SCOPE,
)
def answer_archive_import(request: HttpRequest, import_id: UuidPath, given: s.ArchiveImportInput) -> s.ArchiveImport:
    """For an import in the state asking: say whose archive it is, or what unknown kinds and visibilities mean. The import then continues."""
    actor = authenticated_actor(request)
    if given.values is not None:
        return _import_schema(actions.answer_values(actor, import_id, given.values))
    return _import_schema(actions.answer_import(actor, import_id, given.acquired or ""))


@routes.post(
    "/archive/imports/{import_id}/stop", response=s.ArchiveImport, summary="Stop an import", openapi_extra=WRITE_SCOPE
)
def stop_archive_import(request: HttpRequest, import_id: UuidPath) -> s.ArchiveImport:
    """Imported entries stay in the archive."""
    return _import_schema(actions.stop_import(authenticated_actor(request), import_id))


@routes.post(
    "/archive/imports/{import_id}/resume",
    response=s.ArchiveImport,
    summary="Resume an import",
    openapi_extra=WRITE_SCOPE,
)
def resume_archive_import(request: HttpRequest, import_id: UuidPath) -> s.ArchiveImport:
    """Continues an import that was stopped or failed."""
    return _import_schema(actions.resume_import(authenticated_actor(request), import_id))


@routes.get("/rights/statements", response=s.RightsStatementPage, summary="List statements", openapi_extra=READ_SCOPE)
def list_statements(request: HttpRequest, asked: Query[PageQuery]) -> dict[str, Any]:
    """Lists statements that are about more than one item."""
    return paginate(record_statements.list_statements(authenticated_actor(request)), ("-id",), asked, _statement_schema)


@routes.post(
    "/rights/statements",
    response={201: s.RightsStatement},
    summary="Record a statement about more than one item",
    openapi_extra=SETTINGS_SCOPE,
)
def add_statement(request: HttpRequest, given: s.StatementInput) -> s.RightsStatement:
    """About everything, or everything of one network, site, licence or author."""
    actor = authenticated_actor(request)
    (row,) = record_statements.add_statements(actor, [_statement_from_request(actor, given)])
    return _statement_schema(row)


@routes.get(
    "/rights/statements/{statement_id}",
    response=s.RightsStatement,
    summary="Retrieve a statement",
    openapi_extra=READ_SCOPE,
)
def get_statement(request: HttpRequest, statement_id: UuidPath) -> s.RightsStatement:
    return _statement_schema(record_statements.get_statement(authenticated_actor(request), statement_id))


@routes.post(
    "/rights/statements/{statement_id}/end",
    response=s.RightsStatement,
    summary="End a statement",
    openapi_extra=SETTINGS_SCOPE,
)
def end_statement(request: HttpRequest, statement_id: UuidPath) -> s.RightsStatement:
    """The statement has no effect any more. It stays in the history of the items."""
    return _statement_schema(record_statements.end_statement(authenticated_actor(request), statement_id))


@routes.get(
    "/rights/terms", response=list[s.NetworkTerms], summary="List the networks' terms", openapi_extra=READ_SCOPE
)
def list_terms(request: HttpRequest) -> list[s.NetworkTerms]:
    """The operator of this server reviews these dated terms."""
    return [
        s.NetworkTerms(
            id=t.id,
            network=t.network,
            acquired=t.acquired,
            since=t.since,
            until=t.until,
            says=t.says,
            conditions=t.conditions,
            summary=t.summary,
            source=t.source,
            seen_on=t.seen_on,
            reviewed=t.reviewed_at is not None,
            reviewed_by=t.reviewed_by,
        )
        for t in record_statements.list_network_terms(authenticated_actor(request))
    ]


@routes.post("/rights/simulate", response=list[s.UseEffect], summary="Simulate a change", openapi_extra=READ_SCOPE)
def simulate_policy(request: HttpRequest, given: s.PolicySimulation) -> list[s.UseEffect]:
    """Returns which items would become permitted or denied, and which recipients that would affect. Nothing is changed."""
    actor = authenticated_actor(request)
    change = policy_preview.PolicyChange(
        policy=cast(dict[str, str] | None, given.ai_use),
        others=cast(dict[str, str] | None, given.others_ai_use),
        terms=cast(dict[int, dict[str, str]], given.terms),
        ended=given.ended,
        added=[_statement_from_request(actor, one) for one in given.added],
    )
    return [
        s.UseEffect(
            use=cast(s.UseName, e.use),
            before=e.before,
            after=e.after,
            entering=e.entering,
            leaving=e.leaving,
            enter=[str(i.id) for i in e.enter],
            leave=[str(i.id) for i in e.leave],
            why_enter=[s.ItemsByReason(sentence=w.reason.sentence, items=w.items) for w in e.why_enter],
            why_leave=[s.ItemsByReason(sentence=w.reason.sentence, items=w.items) for w in e.why_leave],
            recipients=[
                s.AffectedRecipient(name=r.name, of=r.of, version=r.version, on=r.on, items=r.items)
                for r in e.recipients
            ],
        )
        for e in policy_preview.simulate_change(actor, change)
    ]


def _statement_from_request(actor: Actor, given: s.ItemStatementInput, **more: Any) -> NewStatement:
    values = given.model_dump(exclude={"until"}) | {"acquired": given.acquired or ""} | more
    if given.until is not None:
        if given.valid_until is not None:
            raise validation_failed("until", "Give either valid_until or until, not both.")
        values["valid_until"] = end_of_day(given.until, actor.workspace.timezone)
    return NewStatement(**values)


def _query_from_request(actor: Actor, asked: s.ArchiveItemQuery) -> search.ArchiveQuery:
    actor.require(Permission.READ)
    campaign: UUID | None = None
    if asked.campaign:
        found = Campaign.objects.filter(workspace=actor.workspace, name=asked.campaign).first()
        campaign = found.id if found else UUID(int=0)
    return search.ArchiveQuery(
        words=asked.words,
        networks=_as_tuple(asked.network),
        authors=_as_tuple(asked.author),
        kinds=_as_tuple(asked.kind),
        acquired=_as_tuple(asked.acquired),
        own=asked.own,
        since=_start_of_day(asked.since),
        until=_start_of_day(asked.until),
        campaign=campaign,
        use=asked.use or "",
        answers=(asked.answer,),
        oldest_first=asked.oldest_first,
    )


def _as_tuple(value: str | None) -> tuple[str, ...]:
    return (value,) if value else ()


def _start_of_day(day: date | None) -> datetime | None:
    return datetime.combine(day, time(), UTC) if day else None


def _item_schema(row: Item) -> dict[str, Any]:
    shared = row.standing
    return {
        "id": str(row.id),
        "network": row.network,
        "remote_id": row.remote_id,
        "url": row.url,
        "kind": row.kind,
        "text": row.text,
        "language": row.language,
        "posted_at": None if row.posted_at == UNKNOWN_DATE else row.posted_at,
        "posted_precision": row.posted_to,
        "reply_to": row.reply_to,
        "licence": shared.licence,
        "acquired": shared.acquired,
        "media": row.media,
        "extra": row.extra,
        "author": {"key": shared.author, "handle": shared.author_handle, "name": shared.author_name, "own": shared.own},
        "campaign": row.campaign.name if row.campaign else "",
        "delivery": str(row.delivery_id) if row.delivery_id else None,
        "deleted_at": row.deleted_at,
        "added_at": row.added_at,
    }


def _decision_schema(made: Decision) -> s.RightsDecision:
    why = sentences.decision_reason(made)
    return s.RightsDecision(
        use=cast(s.UseName, made.use),
        answer=cast(s.VerdictName, str(made.answer)),
        code=why.code,
        sentence=why.sentence,
        layer=made.layer,
        acquired=made.acquired,
        duties=dict(made.duties),
        unmet=list(made.unmet),
        digest=made.digest,
        chain=[
            s.DecisionChainLink(
                statement=link.said.id,
                layer=cast(s.LayerName, link.said.layer),
                party=cast(s.PartyName, link.said.party),
                party_name=link.said.party_name,
                value=cast(s.StatementValue, link.value),
                decided=link.decided,
                source=link.said.source,
            )
            for link in made.chain
        ],
    )


def _statement_schema(row: Statement) -> s.RightsStatement:
    return s.RightsStatement(
        id=str(row.id),
        layer=cast(s.LayerName, row.layer),
        party=cast(s.PartyName, row.party),
        party_name=row.party_name,
        subject=row.subject,
        key=row.key,
        item=str(row.item) if row.item else None,
        network=row.network,
        acquired=row.acquired,
        says=row.says,
        conditions=row.conditions,
        source=row.source,
        raw_sha256=row.raw_sha256,
        parser=row.parser,
        observed_at=row.observed_at,
        valid_from=row.valid_from,
        valid_until=row.valid_until,
        note=row.note,
    )


def _import_schema(row: ArchiveImport) -> s.ArchiveImport:
    return s.ArchiveImport(
        id=str(row.id),
        name=row.name,
        network=row.network,
        account=row.account_handle or row.account_id,
        acquired=cast(s.AcquisitionWay, row.acquired),
        state=cast(Any, actions.display_state(row)),
        sentence=item_queries.problem_from_json(row.problem).sentence if row.problem else "",
        expected=row.expected,
        read=row.read,
        new=row.new,
        known=row.known,
        skipped=row.skipped,
        questions=[
            s.ArchiveImportQuestion(
                key=one.key,
                column=cast(Any, str(one.column)),
                value=one.value,
                count=one.count,
                meanings=list(one.meanings),
            )
            for one in (actions.unknown_values(row) if row.state == "asking" else ())
        ],
        created_at=row.created_at,
        finished_at=row.finished_at,
        skips=[
            s.SkippedEntries(
                code=one["code"],
                sentence=item_queries.problem_from_json(one).sentence,
                count=one["count"],
                examples=one["examples"],
            )
            for one in row.skips
        ],
    )
