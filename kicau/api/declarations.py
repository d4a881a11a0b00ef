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
    "/rights/read", response=s.DeclarationReport, summary="Read what an address declares", openapi_extra=READ_SCOPE
)
@waits_for_network
def read_declarations(request: HttpRequest, given: s.DeclarationSource) -> s.DeclarationReport:
    """In nine vocabularies. Nothing declared is neither a yes nor a no. To keep it asks for the scope settings."""
    actor = authenticated_actor(request)
    found = outbound.run_request(actor.person_id, declaration_scanner.scan_address, actor, given.url)
    return _declarations_schema(found, declaration_scanner.record_declarations(actor, found) if given.keep else [])


@routes.post(
    "/rights/read/file", response=s.DeclarationReport, summary="Read what a file declares", openapi_extra=READ_SCOPE
)
def read_file(
    request: HttpRequest, file: Annotated[UploadedFile, File(description="The file itself.")]
) -> s.DeclarationReport:
    """A picture, a film, a page, a robots.txt, a licence, a record or a Croissant description. Nothing is kept."""
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
    "/rights/forms", response=list[s.RuleForm], summary="Write the rule in every form", openapi_extra=READ_SCOPE
)
def list_forms(request: HttpRequest) -> list[s.RuleForm]:
    """This workspace's rule for its own words, as crawlers and other machines read it."""
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
