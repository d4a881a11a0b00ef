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
from kicau.archive.models import UNKNOWN_DATE, Import, Item
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
    """What goes with the file."""

    network: str = Field(
        "", max_length=40, description="Whose posts they are, where a table or lines of JSON do not say."
    )
    account: str = Field("", max_length=200, description="Whose archive it is, where the file does not say.")
    acquired: str = Field(
        "",
        max_length=12,
        pattern="^(imported|received|)$",
        description="imported: this workspace's own; received: someone else's. A table or lines of JSON need it, unless `account` is connected; left out, a network's download of another account than those connected asks, also where none is connected.",
    )


class ExportQuery(s.ArchiveItemQuery):
    """As for a search; `cursor` and `limit` do not matter."""


@routes.get("/archive/items", response=s.ArchiveItemPage, summary="Search the archive", openapi_extra=READ_SCOPE)
def search_items(request: HttpRequest, asked: Query[s.ArchiveItemQuery]) -> dict[str, Any]:
    """Newest first, at most 100 at once."""
    actor = authenticated_actor(request)
    found = search.find_items(actor, _query_from_request(actor, asked), after=asked.cursor, limit=asked.limit)
    return {"items": [s.ArchiveItem(**_item_schema(row)) for row in found.items], "next": found.following or None}


@routes.get(
    "/archive/near", response=list[s.SimilarItem], summary="Search the archive by meaning", openapi_extra=READ_SCOPE
)
def search_by_meaning(request: HttpRequest, asked: Query[s.SimilarItemQuery]) -> list[s.SimilarItem]:
    """What says nearly the same in other words, also in the other language, the nearest first; only what may be embedded
    is found. Answers 409 where the extra "meaning" is not installed."""
    actor = authenticated_actor(request)
    narrowed = search.ArchiveQuery(networks=_as_tuple(asked.network), authors=_as_tuple(asked.author))
    return [
        s.SimilarItem(**_item_schema(one.item), likeness=one.likeness)
        for one in semantic_search.find_similar(actor, asked.text, narrowed, limit=asked.limit)
    ]


@routes.get("/archive/facets", response=s.Facets, summary="Count what a search finds", openapi_extra=READ_SCOPE)
def count_items(request: HttpRequest, asked: Query[s.ArchiveItemQuery]) -> s.Facets:
    """By what it can be narrowed; `cursor` and `limit` do not matter."""
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


@routes.get("/archive/items/{item_id}", response=s.ArchiveItemDetail, summary="Read an item", openapi_extra=READ_SCOPE)
def get_item(request: HttpRequest, item_id: UuidPath) -> s.ArchiveItemDetail:
    """With its whole story: where it came from, what it may be used for and why, what was said of it."""
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
    summary="Say what an item may be used for",
    openapi_extra=WRITE_SCOPE,
)
def say_of_item(request: HttpRequest, item_id: UuidPath, given: s.ItemStatementInput) -> s.RightsStatement:
    """A withdrawal (layer withdrawal, deny) counts at once everywhere."""
    actor = authenticated_actor(request)
    actor.require(Permission.WRITE)
    item = item_queries.get_item(actor, item_id)
    (row,) = record_statements.add_statements(
        actor, [_statement_from_request(actor, given, subject="item", item=item.id)]
    )
    return _statement_schema(row)


@routes.get(
    "/archive/export",
    summary="Export items as lines of JSON",
    openapi_extra={**READ_SCOPE, "responses": {200: {"description": "One item a line.", **_JSON_LINES_RESPONSE}}},
)
def export_items(request: HttpRequest, asked: Query[ExportQuery]) -> StreamingHttpResponse:
    """Everything that a search finds, each item with what it may be used for."""
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
    """Items, statements, origins and files of everything that a search finds."""
    actor = authenticated_actor(request)
    return stream_response(
        request, exports.export_zip(actor, _query_from_request(actor, asked)), "application/zip", "archive.zip"
    )


@routes.get(
    "/archive/imports", response=s.ArchiveImportPage, summary="List imports of archives", openapi_extra=READ_SCOPE
)
def list_archive_imports(request: HttpRequest, asked: Query[PageQuery]) -> dict[str, Any]:
    return paginate(actions.list_imports(authenticated_actor(request)), ("-id",), asked, _import_schema)


@routes.post(
    "/archive/imports", response={201: s.ArchiveImport}, summary="Import an archive", openapi_extra=WRITE_SCOPE
)
def begin_archive_import(
    request: HttpRequest,
    fields: Form[ArchiveFields],
    file: Annotated[
        UploadedFile, File(description="A network's download of one's own data, a CSV table, or lines of JSON.")
    ],
) -> s.ArchiveImport:
    """Looks into it, and begins to read it by and by; what is in it twice, or here already, is here once."""
    actor = authenticated_actor(request)
    actor.require(Permission.WRITE)
    assert isinstance(file, TemporaryUploadedFile)  # settings.FILE_UPLOAD_HANDLERS
    return _import_schema(
        actions.begin_upload(actor, file, **fields.model_dump(), asks=(actions.OTHER_ACCOUNT_QUESTION,))
    )


@routes.get(
    "/archive/imports/{import_id}", response=s.ArchiveImport, summary="Read about an import", openapi_extra=READ_SCOPE
)
def get_archive_import(request: HttpRequest, import_id: UuidPath) -> s.ArchiveImport:
    """How far it is, and what was left out."""
    return _import_schema(actions.get_import(authenticated_actor(request), import_id))


@routes.post(
    "/archive/imports/{import_id}/answer",
    response=s.ArchiveImport,
    summary="Say whose an archive is",
    openapi_extra=WRITE_SCOPE,
)
def answer_archive_import(request: HttpRequest, import_id: UuidPath, given: s.ArchiveImportInput) -> s.ArchiveImport:
    """Where its state is asking: whose it is, or what unknown kinds and visibilities mean. Then it is read."""
    actor = authenticated_actor(request)
    if given.values is not None:
        return _import_schema(actions.answer_values(actor, import_id, given.values))
    return _import_schema(actions.answer_import(actor, import_id, given.acquired or ""))


@routes.post(
    "/archive/imports/{import_id}/stop", response=s.ArchiveImport, summary="Stop an import", openapi_extra=WRITE_SCOPE
)
def stop_archive_import(request: HttpRequest, import_id: UuidPath) -> s.ArchiveImport:
    """What was read stays."""
    return _import_schema(actions.stop_import(authenticated_actor(request), import_id))


@routes.post(
    "/archive/imports/{import_id}/resume",
    response=s.ArchiveImport,
    summary="Go on with an import",
    openapi_extra=WRITE_SCOPE,
)
def resume_archive_import(request: HttpRequest, import_id: UuidPath) -> s.ArchiveImport:
    """Where it was stopped or failed."""
    return _import_schema(actions.resume_import(authenticated_actor(request), import_id))


@routes.get("/rights/statements", response=s.RightsStatementPage, summary="List statements", openapi_extra=READ_SCOPE)
def list_statements(request: HttpRequest, asked: Query[PageQuery]) -> dict[str, Any]:
    """Those that reach further than one item."""
    return paginate(record_statements.list_statements(authenticated_actor(request)), ("-id",), asked, _statement_schema)


@routes.post(
    "/rights/statements",
    response={201: s.RightsStatement},
    summary="Say what more than one item may be used for",
    openapi_extra=SETTINGS_SCOPE,
)
def say_of_more(request: HttpRequest, given: s.StatementInput) -> s.RightsStatement:
    """Of all, of a network, a site, a licence, an author."""
    actor = authenticated_actor(request)
    (row,) = record_statements.add_statements(actor, [_statement_from_request(actor, given)])
    return _statement_schema(row)


@routes.get(
    "/rights/statements/{statement_id}",
    response=s.RightsStatement,
    summary="Read a statement",
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
    """From now on it says nothing any more; it stays in the story of what it was about."""
    return _statement_schema(record_statements.end_statement(authenticated_actor(request), statement_id))


@routes.get(
    "/rights/terms", response=list[s.NetworkTerms], summary="List the networks' terms", openapi_extra=READ_SCOPE
)
def list_terms(request: HttpRequest) -> list[s.NetworkTerms]:
    """A dated table that the operator of this Kicau reviews."""
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


@routes.post("/rights/simulate", response=list[s.UseEffect], summary="Try a change", openapi_extra=READ_SCOPE)
def simulate_policy(request: HttpRequest, given: s.PolicySimulation) -> list[s.UseEffect]:
    """What would enter, what would leave, and whom that would reach; nothing is changed."""
    actor = authenticated_actor(request)
    change = policy_preview.PolicyChange(
        policy=cast(dict[str, str] | None, given.ai_use),
        others=cast(dict[str, str] | None, given.others_ai_use),
        terms=cast(dict[int, dict[str, str]], given.terms),
        ended=given.ended,
        added=[_statement_from_request(actor, one) for one in given.said],
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
        "posted_to": row.posted_to,
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


def _import_schema(row: Import) -> s.ArchiveImport:
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
