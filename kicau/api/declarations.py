"""Endpoints: what pages and files declare about their use by machines, and this workspace's own rule in their forms."""

from __future__ import annotations

import hashlib
from typing import Annotated, Any, cast

from django.http import HttpRequest
from ninja import File, Router
from ninja.files import UploadedFile

from kicau.api.core.authentication import acting
from kicau.api.core.routes import READS, asks_outside
from kicau.api.schemas import declarations as s
from kicau.archive import declaration_scanner, published_policy
from kicau.base import outbound
from kicau.base.errors import unacceptable
from kicau.rights.models import Statement

routes = Router(tags=["Archive and rights"])


@routes.post("/rights/read", response=s.Heard, summary="Read what an address declares", openapi_extra=READS)
@asks_outside
def read_declarations(request: HttpRequest, given: s.Listen) -> s.Heard:
    """In nine vocabularies. Nothing declared is neither a yes nor a no. To keep it asks for the scope settings."""
    actor = acting(request)
    found = outbound.run(actor.person_id, declaration_scanner.hear, actor, given.url)
    return _heard(found, declaration_scanner.keep(actor, found) if given.keep else [])


@routes.post("/rights/read/file", response=s.Heard, summary="Read what a file declares", openapi_extra=READS)
def read_file(request: HttpRequest, file: Annotated[UploadedFile, File(description="The file itself.")]) -> s.Heard:
    """A picture, a film, a page, a robots.txt, a licence, a record or a Croissant description. Nothing is kept."""
    if (file.size or 0) > declaration_scanner.LARGEST:
        raise unacceptable(
            "file", "Files of at most {limit} MB are read.", limit=declaration_scanner.LARGEST // 1_000_000
        )
    return _heard(declaration_scanner.hear_file(acting(request), (file.name or "file")[:200], file.read()), [])


@routes.get("/rights/forms", response=list[s.Form], summary="Write the rule in every form", openapi_extra=READS)
def list_forms(request: HttpRequest) -> list[s.Form]:
    """This workspace's rule for its own words, as crawlers and other machines read it."""
    return [s.Form(form=cast(Any, one.slug), text=one.text) for one in published_policy.forms(acting(request))]


def _heard(found: declaration_scanner.Hearing, kept: list[Statement]) -> s.Heard:
    return s.Heard(
        of=found.key,
        at=found.at,
        says=found.says,
        kept=[str(row.id) for row in kept],
        faults=[*(f for h in found.heard for f in h.faults), *found.faults],
        declared=[
            s.Declared(
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
