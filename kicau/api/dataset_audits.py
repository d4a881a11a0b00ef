"""Endpoints: audits of others' data sets, and the log of evidence."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any, cast

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.utils.translation import get_language
from ninja import File, Form, Path, Query, Router
from ninja.files import UploadedFile
from pydantic import Field

from kicau.api.core.authentication import authenticated_actor
from kicau.api.core.paging import paginate
from kicau.api.core.problems import field_error
from kicau.api.core.routes import READ_SCOPE, WRITE_SCOPE, UuidPath
from kicau.api.core.streams import file_response
from kicau.api.schemas import dataset_audits as s
from kicau.api.schemas.base import PageQuery, Schema
from kicau.archive.item_queries import problem_from_json
from kicau.base.errors import NotFound, ValidationFailed
from kicau.dataset_audit import actions, log_entries, passages, report_documents
from kicau.dataset_audit.models import AuditState, DatasetAudit
from kicau.evidence import log, verify
from kicau.evidence.models import Leaf
from kicau.workspaces.actors import Permission

routes = Router(tags=["Audits and evidence"])
MAX_BUNDLE_BYTES = 256 << 20  # bytes of a bundle that is checked here
LogIndex = Annotated[int, Path(description="Index in the log, starting at 0.", ge=0, le=2**62)]
DataUploads = Annotated[
    list[UploadedFile],
    File(
        description="Files of the data set: JSON Lines, Parquet, WARC or text, optionally compressed. Repeat the field for several."
    ),
]
ControlUploads = Annotated[
    list[UploadedFile],
    File(
        description="Data that cannot contain the posts, for example older data. Kicau measures chance matches in it."
    ),
]
_JSON_FILE_RESPONSE = {"content": {"application/json": {"schema": {"type": "object"}}}}
_REPORT_RESPONSE = {
    "content": {
        "text/html": {"schema": {"type": "string"}},
        "application/pdf": {"schema": {"type": "string", "format": "binary"}},
    }
}


REQUEST_FIELD_NAMES = {
    "query.networks": "network",
    "query.authors": "author",
}  # of an audit's query, as its form calls them


class AuditFields(Schema):
    """Form fields that accompany the files."""

    name: str = Field(
        "",
        max_length=200,
        description="Name of the data set in the report. Default: the name of the first file.",
    )
    where: str = Field(
        "",
        max_length=2000,
        description="Instead of files: a file, folder, bucket or list (@file) on the server, if its operator allows this. Requires the scope settings.",
    )
    words: str = Field("", max_length=500, description="Only posts that a search for these words finds.")
    network: str = Field("", max_length=40, description="Only posts on this network.")
    author: str = Field("", max_length=250, description="Only posts by this author (key or handle).")
    own: bool = Field(True, description="Only this workspace's own posts.")


class BundleFields(Schema):
    """Form fields that accompany the bundle."""

    key: str | None = Field(
        None,
        max_length=64,
        description="SHA-256 of the public key that must have signed the bundle. Without it, any key is accepted and the signer is not checked.",
    )


@routes.get("/dataset-audits", response=s.DatasetAuditPage, summary="List audits", openapi_extra=READ_SCOPE)
def list_audits(request: HttpRequest, asked: Query[PageQuery]) -> dict[str, Any]:
    return paginate(
        actions.list_audits(authenticated_actor(request)),
        ("-id",),
        asked,
        lambda row: s.DatasetAudit(**_audit_schema(row)),
    )


@routes.post(
    "/dataset-audits", response={201: s.DatasetAudit}, summary="Start an audit of a data set", openapi_extra=WRITE_SCOPE
)
def begin_audit(
    request: HttpRequest,
    fields: Form[AuditFields],
    file: DataUploads = [],  # noqa: B006
    control: ControlUploads = [],  # noqa: B006
) -> s.DatasetAudit:
    """Searches for the workspace's posts in the background. Poll the audit until its state is done."""
    actor = authenticated_actor(request)
    actor.require(Permission.WRITE)
    asked: dict[str, Any] = {
        "words": fields.words,
        "networks": [fields.network] if fields.network else [],
        "authors": [fields.author] if fields.author else [],
        "own": fields.own or None,
    }
    query = {name: value for name, value in asked.items() if value not in ("", [], None)}
    try:
        made = actions.begin_audit(
            actor, name=fields.name, query=query or {"words": ""}, files=file, where=fields.where, control_files=control
        )
    except ValidationFailed as exc:
        raise ValidationFailed(
            replace(p, field=REQUEST_FIELD_NAMES.get(p.field, p.field)) for p in exc.problems
        ) from None
    return s.DatasetAudit(**_audit_schema(made))


@routes.get(
    "/dataset-audits/{audit_id}", response=s.DatasetAuditResult, summary="Retrieve an audit", openapi_extra=READ_SCOPE
)
def get_audit(request: HttpRequest, audit_id: UuidPath) -> s.DatasetAuditResult:
    """Includes its progress. After it is done, also what was read, failed or skipped, and how reliable the result is."""
    row = actions.get_audit(authenticated_actor(request), audit_id)
    sentence = str(row.summary.get("says", ""))
    return s.DatasetAuditResult(
        **_audit_schema(row), sentence=sentence, summary=row.summary, not_stamped=row.not_stamped
    )


@routes.post(
    "/dataset-audits/{audit_id}/stop", response=s.DatasetAudit, summary="Stop an audit", openapi_extra=WRITE_SCOPE
)
def stop_audit(request: HttpRequest, audit_id: UuidPath) -> s.DatasetAudit:
    """Results found so far stay."""
    return s.DatasetAudit(**_audit_schema(actions.stop_audit(authenticated_actor(request), audit_id)))


@routes.post(
    "/dataset-audits/{audit_id}/resume", response=s.DatasetAudit, summary="Resume an audit", openapi_extra=WRITE_SCOPE
)
def resume_audit(request: HttpRequest, audit_id: UuidPath) -> s.DatasetAudit:
    """Continues an import that was stopped or failed."""
    return s.DatasetAudit(**_audit_schema(actions.resume_audit(authenticated_actor(request), audit_id)))


@routes.get(
    "/dataset-audits/{audit_id}/copies",
    response=s.FoundCopyPage,
    summary="List the copies found",
    openapi_extra=READ_SCOPE,
)
def list_copies(request: HttpRequest, audit_id: UuidPath, asked: Query[s.FoundCopyQuery]) -> dict[str, Any]:
    """Each with its location, the matching posts and the surrounding text."""
    actor = authenticated_actor(request)
    audit = actions.get_audit(actor, audit_id)
    found = paginate(actions.list_hits(actor, audit, kind=asked.kind or ""), ("id",), asked, lambda row: row)
    return found | {"items": [_copy_schema(place) for place in passages.copies_in_context(audit, found["items"])]}


@routes.get(
    "/dataset-audits/{audit_id}/report",
    summary="Download an audit's report",
    openapi_extra={**READ_SCOPE, "responses": {200: {"description": "For people, as one file.", **_REPORT_RESPONSE}}},
)
def get_report(request: HttpRequest, audit_id: UuidPath, asked: Query[s.AuditReportQuery]) -> HttpResponse:
    """Available when the audit is done."""
    row = actions.get_audit(authenticated_actor(request), audit_id)
    if row.state != AuditState.DONE:
        raise NotFound("report", audit_id)
    made = report_documents.build_report(row, asked.language)
    if asked.form == "pdf":
        return HttpResponse(report_documents.report_pdf(made), content_type="application/pdf")
    answer = HttpResponse(report_documents.report_html(made), content_type="text/html; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="audit-{asked.language}.html"'
    return answer


@routes.get(
    "/dataset-audits/{audit_id}/bundle",
    summary="Download an audit's evidence",
    openapi_extra={
        **READ_SCOPE,
        "responses": {200: {"description": "One JSON file, which verify.py checks.", **_JSON_FILE_RESPONSE}},
    },
)
def get_bundle(request: HttpRequest, audit_id: UuidPath) -> StreamingHttpResponse:
    """Available if a copy was found."""
    actor = authenticated_actor(request)
    return file_response(
        request, actions.audit_bundle(actor, actions.get_audit(actor, audit_id)), "application/json", "evidence.json"
    )


@routes.get(
    "/evidence/checkpoint",
    response=s.CurrentCheckpoint,
    summary="Retrieve the log's newest checkpoint",
    openapi_extra=READ_SCOPE,
)
def get_checkpoint(request: HttpRequest) -> s.CurrentCheckpoint:
    """The evidence log of this server in its current state, signed if it grew since the last checkpoint. Keep the
    checkpoint: later ones must extend it. Proofs of entries refer to this checkpoint. Earlier ones are in
    `/evidence/log`."""
    row = log_entries.current_checkpoint(authenticated_actor(request))
    told = log.log_state(most=1)
    return s.CurrentCheckpoint(
        origin=told.origin,
        size=row.size,
        root=log_entries.encode_base64(bytes(row.root)),
        note=row.note,
        key=told.verifier_key,
        key_sha256=told.key_sha256,
        anchors=row.anchors,
        at=row.at,
    )


@routes.get(
    "/evidence/entries",
    response=s.LogEntryPage,
    summary="List this workspace's log entries",
    openapi_extra=READ_SCOPE,
)
def list_entries(request: HttpRequest, asked: Query[s.LogEntryQuery]) -> dict[str, Any]:
    rows = log_entries.list_entries(
        authenticated_actor(request), kind=asked.kind.replace("\x00", ""), ref=asked.ref.replace("\x00", "")
    )
    return paginate(rows, ("-index",), asked, lambda row: s.LogEntry(**_log_entry_schema(row)))


@routes.get(
    "/evidence/entries/{index}",
    response=s.InclusionProof,
    summary="Retrieve an inclusion proof",
    openapi_extra=READ_SCOPE,
)
def get_inclusion_proof(request: HttpRequest, index: LogIndex) -> s.InclusionProof:
    """Proves that an entry is in the log, under the newest checkpoint (RFC 6962, section 2.1.1)."""
    shown = log_entries.prove_entry(authenticated_actor(request), index)
    return s.InclusionProof(
        **_log_entry_schema(shown.leaf),
        salt=log_entries.encode_base64(shown.proof.salt),
        leaf_hash=log_entries.encode_base64(bytes(shown.leaf.hash)),
        path=[log_entries.encode_base64(step) for step in shown.proof.path],
        checkpoint=shown.proof.checkpoint,
    )


@routes.get(
    "/evidence/consistency",
    response=s.ConsistencyProof,
    summary="Retrieve a consistency proof",
    openapi_extra=READ_SCOPE,
)
def get_consistency_proof(request: HttpRequest, asked: Query[s.ConsistencyQuery]) -> s.ConsistencyProof:
    """Proves that the log only grew between two sizes, such as those of two checkpoints."""
    actor = authenticated_actor(request)
    new = asked.new or log_entries.current_checkpoint(actor).size
    proof = log_entries.prove_consistency(actor, asked.old, new)
    return s.ConsistencyProof(old=asked.old, new=new, proof=[log_entries.encode_base64(step) for step in proof])


@routes.post(
    "/evidence/verify", response=s.BundleVerdict, summary="Verify an evidence bundle", openapi_extra=READ_SCOPE
)
def verify_bundle(
    request: HttpRequest,
    fields: Form[BundleFields],
    bundle: Annotated[UploadedFile, File(description="A bundle, from any server.")],
) -> s.BundleVerdict:
    """Uses the same verifier as verify.py, which works without Kicau. Nothing is stored. Messages are in English, or in
    Indonesian if `Accept-Language` requests it."""
    authenticated_actor(request).require(Permission.READ)
    language = "id" if (get_language() or "").startswith("id") else "en"
    if bundle.size is None or bundle.size > MAX_BUNDLE_BYTES:
        raise field_error("bundle", "too-large", "The bundle is larger than 256 MB. Check it with verify.py instead.")
    try:
        said = verify.verify(bundle.read(), fields.key, language=language)
        return s.BundleVerdict(valid=True, signer_checked=fields.key is not None, passed=said, reason="")
    except verify.Refused as wrong:
        return s.BundleVerdict(valid=False, signer_checked=False, passed=[], reason=wrong.told(language))


def _audit_schema(row: DatasetAudit) -> dict[str, Any]:
    return {
        "id": str(row.id),
        "name": row.name,
        "query": row.query,
        "state": row.state,
        "problem": problem_from_json(row.problem).sentence if row.problem else "",
        "posts": row.posts,
        "expected": row.expected,
        "read": row.read,
        "copies": row.copies,
        "found": row.found,
        "bundle_sha256": row.bundle_sha256,
        "created_at": row.created_at,
        "finished_at": row.finished_at,
    }


def _copy_schema(place: passages.CopyInContext) -> s.FoundCopy:
    hit = place.hit
    return s.FoundCopy(
        id=hit.id,
        posts=hit.posts,
        texts=[text for _, text in place.posts],
        kind=cast(Any, hit.kind),
        shard=hit.shard,
        first_byte=hit.first_byte,
        last_byte=hit.last_byte,
        place=hit.place,
        words=hit.words,
        of_words=hit.of_words,
        longest_run=hit.longest_run,
        bits=hit.bits,
        before=place.before,
        match=place.match,
        after=place.after,
    )


def _log_entry_schema(leaf: Leaf) -> dict[str, Any]:
    return {"index": leaf.index, "kind": leaf.kind, "ref": leaf.ref, "at": leaf.at}
