"""Endpoints: audits of others' data sets, and the log of evidence."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any, cast

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.utils.translation import get_language
from ninja import File, Form, Path, Query, Router
from ninja.files import UploadedFile
from pydantic import Field

from kicau.api.core.authentication import acting
from kicau.api.core.paging import page
from kicau.api.core.problems import field_error
from kicau.api.core.routes import READS, WRITES, Id
from kicau.api.core.streams import send_file
from kicau.api.schemas import dataset_audits as s
from kicau.api.schemas.base import PageQuery, Shape
from kicau.archive.item_queries import problem
from kicau.base.errors import NotFound, Unacceptable
from kicau.dataset_audit import actions, log_entries, passages, report_documents
from kicau.dataset_audit.models import Audit, AuditState
from kicau.evidence import log, verify
from kicau.evidence.models import Leaf
from kicau.workspaces.actors import Permission

routes = Router(tags=["Audits and evidence"])
LARGEST = 256 << 20  # bytes of a bundle that is checked here
Index = Annotated[int, Path(description="Its place in the log, from 0.", ge=0, le=2**62)]
Uploads = Annotated[
    list[UploadedFile],
    File(
        description="Files of the data set: JSON lines, Parquet, WARC or text, plain or packed; repeat the field for several."
    ),
]
Beside = Annotated[
    list[UploadedFile],
    File(description="Data that cannot hold the posts, such as older data: chance is counted in it."),
]
_FILE = {"content": {"application/json": {"schema": {"type": "object"}}}}
_REPORT = {
    "content": {
        "text/html": {"schema": {"type": "string"}},
        "application/pdf": {"schema": {"type": "string", "format": "binary"}},
    }
}


FIELDS = {"query.networks": "network", "query.authors": "author"}  # of an audit's query, as its form calls them


class AuditFields(Shape):
    """What goes with the files."""

    name: str = Field(
        "",
        max_length=200,
        description="What people call the data set; it stands in the report. Left out: the first file's name.",
    )
    where: str = Field(
        "",
        max_length=2000,
        description="Instead of files: a file, folder, bucket or list (@file) on the server, where its operator allows it. Needs the scope settings.",
    )
    words: str = Field("", max_length=500, description="Only posts that a search for these words finds.")
    network: str = Field("", max_length=40, description="Only posts on this network.")
    author: str = Field("", max_length=250, description="Only posts by this author: key or handle.")
    own: bool = Field(True, description="Only this workspace's own posts.")


class BundleFields(Shape):
    """What goes with the bundle."""

    key: str | None = Field(
        None,
        max_length=64,
        description="SHA-256 of the public key that must have signed it; left out, any, and the signer is not checked.",
    )


@routes.get("/audits", response=s.AuditList, summary="List audits", openapi_extra=READS)
def list_audits(request: HttpRequest, asked: Query[PageQuery]) -> dict[str, Any]:
    return page(actions.audits(acting(request)), ("-id",), asked, lambda row: s.AuditRow(**_row(row)))


@routes.post("/audits", response={201: s.AuditRow}, summary="Search a data set", openapi_extra=WRITES)
def begin_audit(
    request: HttpRequest,
    fields: Form[AuditFields],
    file: Uploads = [],  # noqa: B006
    control: Beside = [],  # noqa: B006
) -> s.AuditRow:
    """For the workspace's posts, beside other work; ask for it until its state is done."""
    actor = acting(request)
    actor.require(Permission.WRITE)
    asked: dict[str, Any] = {
        "words": fields.words,
        "networks": [fields.network] if fields.network else [],
        "authors": [fields.author] if fields.author else [],
        "own": fields.own or None,
    }
    query = {name: value for name, value in asked.items() if value not in ("", [], None)}
    try:
        made = actions.begin(
            actor, name=fields.name, query=query or {"words": ""}, files=file, where=fields.where, control_files=control
        )
    except Unacceptable as exc:
        raise Unacceptable(replace(p, field=FIELDS.get(p.field, p.field)) for p in exc.problems) from None
    return s.AuditRow(**_row(made))


@routes.get("/audits/{audit_id}", response=s.AuditResult, summary="Read an audit", openapi_extra=READS)
def get_audit(request: HttpRequest, audit_id: Id) -> s.AuditResult:
    """How far it is, and once it is done what was read, failed and skipped, and how sure the result is."""
    row = actions.one_audit(acting(request), audit_id)
    sentence = str(row.summary.get("says", ""))
    return s.AuditResult(**_row(row), sentence=sentence, summary=row.summary, not_stamped=row.not_stamped)


@routes.post("/audits/{audit_id}/stop", response=s.AuditRow, summary="Stop an audit", openapi_extra=WRITES)
def stop_audit(request: HttpRequest, audit_id: Id) -> s.AuditRow:
    """What was searched stays."""
    return s.AuditRow(**_row(actions.stop(acting(request), audit_id)))


@routes.post("/audits/{audit_id}/resume", response=s.AuditRow, summary="Go on with an audit", openapi_extra=WRITES)
def resume_audit(request: HttpRequest, audit_id: Id) -> s.AuditRow:
    """Where it was stopped or failed."""
    return s.AuditRow(**_row(actions.resume(acting(request), audit_id)))


@routes.get(
    "/audits/{audit_id}/copies", response=s.CopyPage, summary="List the copies that were found", openapi_extra=READS
)
def list_copies(request: HttpRequest, audit_id: Id, asked: Query[s.CopyQuery]) -> dict[str, Any]:
    """Each with its place, the posts that say it, and what stands around it."""
    actor = acting(request)
    audit = actions.one_audit(actor, audit_id)
    found = page(actions.hits(actor, audit, kind=asked.kind or ""), ("id",), asked, lambda row: row)
    return found | {"items": [_copy(place) for place in passages.places(audit, found["items"])]}


@routes.get(
    "/audits/{audit_id}/report",
    summary="Download an audit's report",
    openapi_extra={**READS, "responses": {200: {"description": "For people, as one file.", **_REPORT}}},
)
def get_report(request: HttpRequest, audit_id: Id, asked: Query[s.ReportQuery]) -> HttpResponse:
    """Once it is done."""
    row = actions.one_audit(acting(request), audit_id)
    if row.state != AuditState.DONE:
        raise NotFound("report", audit_id)
    made = report_documents.paper(row, asked.language)
    if asked.form == "pdf":
        return HttpResponse(report_documents.as_pdf(made), content_type="application/pdf")
    answer = HttpResponse(report_documents.as_html(made), content_type="text/html; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="audit-{asked.language}.html"'
    return answer


@routes.get(
    "/audits/{audit_id}/bundle",
    summary="Download an audit's evidence",
    openapi_extra={**READS, "responses": {200: {"description": "One JSON file, which verify.py checks.", **_FILE}}},
)
def get_bundle(request: HttpRequest, audit_id: Id) -> StreamingHttpResponse:
    """Where a copy was found."""
    actor = acting(request)
    return send_file(
        request, actions.bundle_of(actor, actions.one_audit(actor, audit_id)), "application/json", "evidence.json"
    )


@routes.get(
    "/evidence/checkpoint", response=s.Checkpoint, summary="Read the log's newest checkpoint", openapi_extra=READS
)
def get_checkpoint(request: HttpRequest) -> s.Checkpoint:
    """The whole log of this Kicau as it is now, signed if it grew since the last time; keep it, and later ones must
    continue it. Proofs of entries are under this one. Those that were signed before are in `/evidence/log`."""
    row = log_entries.checkpoint(acting(request))
    told = log.state(most=1)
    return s.Checkpoint(
        origin=told.origin,
        size=row.size,
        root=log_entries.b64(bytes(row.root)),
        note=row.note,
        key=told.verifier_key,
        key_sha256=told.key_sha256,
        anchors=row.anchors,
        at=row.at,
    )


@routes.get(
    "/evidence/entries", response=s.EntryPage, summary="List this workspace's entries in the log", openapi_extra=READS
)
def list_entries(request: HttpRequest, asked: Query[s.EntryQuery]) -> dict[str, Any]:
    rows = log_entries.entries(acting(request), kind=asked.kind.replace("\x00", ""), ref=asked.ref.replace("\x00", ""))
    return page(rows, ("-index",), asked, lambda row: s.Entry(**_entry(row)))


@routes.get(
    "/evidence/entries/{index}", response=s.Inclusion, summary="Prove that an entry is in the log", openapi_extra=READS
)
def prove_inclusion(request: HttpRequest, index: Index) -> s.Inclusion:
    """Under the newest checkpoint (RFC 6962, section 2.1.1)."""
    shown = log_entries.inclusion(acting(request), index)
    return s.Inclusion(
        **_entry(shown.leaf),
        salt=log_entries.b64(shown.proof.salt),
        leaf_hash=log_entries.b64(bytes(shown.leaf.hash)),
        path=[log_entries.b64(step) for step in shown.proof.path],
        checkpoint=shown.proof.checkpoint,
    )


@routes.get("/evidence/consistency", response=s.Growth, summary="Prove that the log only grew", openapi_extra=READS)
def prove_consistency(request: HttpRequest, asked: Query[s.GrowthQuery]) -> s.Growth:
    """Between two sizes, such as those of two checkpoints."""
    actor = acting(request)
    new = asked.new or log_entries.checkpoint(actor).size
    proof = log_entries.growth(actor, asked.old, new)
    return s.Growth(old=asked.old, new=new, proof=[log_entries.b64(step) for step in proof])


@routes.post("/evidence/verify", response=s.Verified, summary="Check a bundle of evidence", openapi_extra=READS)
def verify_bundle(
    request: HttpRequest,
    fields: Form[BundleFields],
    bundle: Annotated[UploadedFile, File(description="Anybody's bundle.")],
) -> s.Verified:
    """By the same verifier as verify.py, which needs no Kicau. Nothing of it is kept. Its sentences are in English, or in
    Indonesian where `Accept-Language` asks for it."""
    acting(request).require(Permission.READ)
    language = "id" if (get_language() or "").startswith("id") else "en"
    if bundle.size is None or bundle.size > LARGEST:
        raise field_error("bundle", "too-large", "A bundle of more than 256 MB is checked with verify.py.")
    try:
        said = verify.verify(bundle.read(), fields.key, language=language)
        return s.Verified(holds=True, signer_checked=fields.key is not None, said=said, reason="")
    except verify.Refused as wrong:
        return s.Verified(holds=False, signer_checked=False, said=[], reason=wrong.told(language))


def _row(row: Audit) -> dict[str, Any]:
    return {
        "id": str(row.id),
        "name": row.name,
        "query": row.query,
        "state": row.state,
        "problem": problem(row.problem).sentence if row.problem else "",
        "posts": row.posts,
        "expected": row.expected,
        "read": row.read,
        "copies": row.copies,
        "found": row.found,
        "bundle_sha256": row.bundle_sha256,
        "created_at": row.created_at,
        "finished_at": row.finished_at,
    }


def _copy(place: passages.Place) -> s.Copy:
    hit = place.hit
    return s.Copy(
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


def _entry(leaf: Leaf) -> dict[str, Any]:
    return {"index": leaf.index, "kind": leaf.kind, "ref": leaf.ref, "at": leaf.at}
