"""Endpoints: the log of evidence, and canaries."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.utils import translation
from ninja import Query, Router

from kicau.api.core.authentication import authenticated_actor
from kicau.api.core.paging import paginate
from kicau.api.core.routes import READ_SCOPE, SETTINGS_SCOPE, WRITE_SCOPE, UuidPath
from kicau.api.schemas import evidence as s
from kicau.api.schemas.base import PageQuery
from kicau.dataset_audit import canaries
from kicau.evidence import log
from kicau.evidence.models import Canary, CanaryTest
from kicau.workspaces.actors import Permission

routes = Router(tags=["Evidence"])


@routes.get("/evidence/log", response=s.EvidenceLog, summary="Retrieve the evidence log", openapi_extra=READ_SCOPE)
def get_log(request: HttpRequest) -> s.EvidenceLog:
    """Returns its keys and its newest checkpoints with their external timestamps. Nothing is signed for this request. For a
    checkpoint of the current state, see `/evidence/checkpoint`."""
    authenticated_actor(request).require(Permission.READ)
    told = log.log_state()
    checkpoints = [
        s.LogCheckpoint(size=row.size, at=row.at, note=row.note, anchors=row.anchors) for row in told.checkpoints
    ]
    return s.EvidenceLog(
        origin=told.origin,
        size=told.size,
        key_sha256=told.key_sha256,
        verifier_key=told.verifier_key,
        witness_key=told.witness_key,
        checkpoints=checkpoints,
    )


@routes.get("/canaries", response=s.CanaryPage, summary="List canary texts", openapi_extra=READ_SCOPE)
def list_canaries(request: HttpRequest, asked: Query[PageQuery]) -> dict[str, Any]:
    return paginate(canaries.list_canaries(authenticated_actor(request)), ("-id",), asked, _canary_schema)


@routes.post(
    "/canaries",
    response={201: s.CanaryCreated},
    summary="Register a canary text (a unique sentence that reveals copying)",
    openapi_extra=SETTINGS_SCOPE,
)
def register_canary(request: HttpRequest, given: s.CanaryCreate) -> s.CanaryCreated:
    """Creates candidate sentences, commits to all of them and to the one to publish, and signs the log."""
    actor = authenticated_actor(request)
    made = canaries.register_canary(
        actor, given.name, candidates=given.candidates, language=given.language, sentence=given.sentence
    )
    return s.CanaryCreated(**_canary_schema(made).model_dump(), publish=made.candidates[made.chosen])


@routes.get(
    "/canaries/{canary_id}", response=s.CanaryCreated, summary="Retrieve a canary text", openapi_extra=WRITE_SCOPE
)
def get_canary(request: HttpRequest, canary_id: UuidPath) -> s.CanaryCreated:
    """Includes the sentence to publish."""
    actor = authenticated_actor(request)
    row = canaries.get_canary(actor, canary_id, Permission.WRITE)
    return s.CanaryCreated(**_canary_schema(row).model_dump(), publish=canaries.published_text(actor, row))


@routes.get(
    "/canaries/{canary_id}/candidates",
    response=s.CanaryCandidates,
    summary="Retrieve a canary text's candidates",
    openapi_extra=SETTINGS_SCOPE,
)
def get_candidates(request: HttpRequest, canary_id: UuidPath) -> s.CanaryCandidates:
    """For scoring by a model. Keep them secret until the test."""
    actor = authenticated_actor(request)
    return s.CanaryCandidates(
        candidates=canaries.list_candidates(actor, canaries.get_canary(actor, canary_id, Permission.SETTINGS))
    )


@routes.get(
    "/canaries/{canary_id}/tests",
    response=s.CanaryTestPage,
    summary="List a canary text's tests",
    openapi_extra=READ_SCOPE,
)
def list_tests(request: HttpRequest, canary_id: UuidPath, asked: Query[PageQuery]) -> dict[str, Any]:
    """All tests that were made. The number of tests is part of each result."""
    actor = authenticated_actor(request)
    return paginate(
        canaries.list_tests(actor, canaries.get_canary(actor, canary_id)), ("-number",), asked, _canary_test_schema
    )


@routes.post(
    "/canaries/{canary_id}/test", response=s.CanaryRank, summary="Test a canary text", openapi_extra=SETTINGS_SCOPE
)
def test_canary(request: HttpRequest, canary_id: UuidPath, given: s.CanaryScores) -> s.CanaryRank:
    """Returns the rank of the published sentence among all candidates, and the probability of this rank by chance."""
    actor = authenticated_actor(request)
    row = canaries.get_canary(actor, canary_id, Permission.SETTINGS)
    report = canaries.score_canary(
        actor, row, given.scores, model=given.model, lower_is_likelier=given.lower_is_likelier
    )
    bundle = canaries.canary_test_evidence(actor, row, report).decode() if given.evidence else ""
    told = report["canary"]
    return s.CanaryRank(
        conclusion=report["says"], rank=told["rank"], of=told["of"], p=told["p"], tests=told["tests"], bundle=bundle
    )


def _canary_test_schema(row: CanaryTest) -> s.CanaryTest:
    told = row.report["canary"]
    with translation.override("en"):
        said = canaries.describe_canary_test(row)
    return s.CanaryTest(
        number=row.number,
        at=row.made_at,
        model=told["model"],
        rank=told["rank"],
        of=told["of"],
        p=told["p"],
        lower_is_likelier=told["lower_is_likelier"],
        conclusion=said,
    )


def _canary_schema(row: Canary) -> s.Canary:
    return s.Canary(
        id=str(row.id), name=row.name, candidates=len(row.candidates), tests=row.tests, registered_at=row.registered_at
    )
