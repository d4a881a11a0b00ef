"""Endpoints: what pages and files declare about their use by machines, and this workspace's own rule in their forms."""

from __future__ import annotations

import hashlib
from typing import Annotated, Any, cast

from django.http import HttpRequest
from ninja import File, Router
from ninja.files import UploadedFile

from kicau.api.core.authentication import authenticated_actor
from kicau.api.core.routes import READ_SCOPE, waits_for_network
from kicau.api.schemas import declarations as s
from kicau.archive import declaration_scanner, published_policy
from kicau.base import outbound
from kicau.base.errors import validation_failed
from kicau.rights.models import Statement

routes = Router(tags=["Archive and rights"])


@routes.post(
    "/rights/declarations/read",
    response=s.DeclarationReport,
    summary="Read a URL's AI declarations",
    openapi_extra=READ_SCOPE,
)
@waits_for_network
def read_declarations(request: HttpRequest, given: s.DeclarationSource) -> s.DeclarationReport:
    """Reads nine vocabularies. If nothing is declared, the use is neither allowed nor denied. Saving the result requires the scope settings."""
    actor = authenticated_actor(request)
    found = outbound.run_request(actor.person_id, declaration_scanner.scan_address, actor, given.url)
    return _declarations_schema(found, declaration_scanner.record_declarations(actor, found) if given.keep else [])


@routes.post(
    "/rights/declarations/read-file",
    response=s.DeclarationReport,
    summary="Read a file's AI declarations",
    openapi_extra=READ_SCOPE,
)
def read_file(
    request: HttpRequest, file: Annotated[UploadedFile, File(description="The file.")]
) -> s.DeclarationReport:
    """An image, video, web page, robots.txt, licence, record or Croissant description. Nothing is stored."""
    if (file.size or 0) > declaration_scanner.MAX_FILE_BYTES:
        raise validation_failed(
            "file",
            "The file that you chose is too large. Choose a file of at most {limit} MB.",
            limit=declaration_scanner.MAX_FILE_BYTES // 1_000_000,
        )
    return _declarations_schema(
        declaration_scanner.scan_file(authenticated_actor(request), (file.name or "file")[:200], file.read()), []
    )


@routes.get(
    "/rights/declarations",
    response=list[s.RuleForm],
    summary="Retrieve the rule in all machine-readable forms",
    openapi_extra=READ_SCOPE,
)
def list_forms(request: HttpRequest) -> list[s.RuleForm]:
    """Returns this workspace's rule for its own content in the forms that crawlers and other machines read."""
    return [
        s.RuleForm(form=cast(Any, one.slug), text=one.text)
        for one in published_policy.rule_forms(authenticated_actor(request))
    ]


def _declarations_schema(found: declaration_scanner.DeclarationScan, kept: list[Statement]) -> s.DeclarationReport:
    return s.DeclarationReport(
        of=found.key,
        at=found.at,
        says=found.says,
        kept=[str(row.id) for row in kept],
        faults=[*(f for h in found.heard for f in h.faults), *found.faults],
        declared=[
            s.SourceDeclaration(
                vocabulary=one.vocabulary,
                where=h.where,
                source=h.uri,
                sha256=hashlib.sha256(h.raw).hexdigest(),
                about=one.scope,
                agent=one.agent,
                says=dict(one.says),
                conditions=dict(one.conditions),
                policy=one.policy,
                unknown=dict(one.kept),
            )
            for h in found.heard
            for one in h.declarations
        ],
    )
