"""Endpoints: the log of evidence, and canaries."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.utils import translation
from ninja import Query, Router

from kicau.api.core.authentication import acting
from kicau.api.core.paging import page
from kicau.api.core.routes import READS, SETTINGS, WRITES, Id
from kicau.api.schemas import evidence as s
from kicau.api.schemas.base import PageQuery
from kicau.dataset_audit import canaries
from kicau.evidence import log
from kicau.evidence.models import Canary, CanaryTest
from kicau.workspaces.actors import Permission

routes = Router(tags=["Evidence"])


@routes.get("/evidence/log", response=s.Log, summary="Read the log of evidence", openapi_extra=READS)
def get_log(request: HttpRequest) -> s.Log:
    """Its keys, and its newest checkpoints with what outsiders said of them, as they were made; nothing is signed for
    this. For a checkpoint of all that was logged until now, see `/evidence/checkpoint`."""
    acting(request).require(Permission.READ)
    told = log.state()
    checkpoints = [
        s.LogCheckpoint(size=row.size, at=row.at, note=row.note, anchors=row.anchors) for row in told.checkpoints
    ]
    return s.Log(
        origin=told.origin,
        size=told.size,
        key_sha256=told.key_sha256,
        verifier_key=told.verifier_key,
        witness_key=told.witness_key,
        checkpoints=checkpoints,
    )


@routes.get("/canaries", response=s.CanaryPage, summary="List canaries", openapi_extra=READS)
def list_canaries(request: HttpRequest, asked: Query[PageQuery]) -> dict[str, Any]:
    return page(canaries.all_canaries(acting(request)), ("-id",), asked, _canary)


@routes.post("/canaries", response={201: s.CanaryMade}, summary="Register a canary", openapi_extra=SETTINGS)
def register_canary(request: HttpRequest, given: s.CanaryRegister) -> s.CanaryMade:
    """Draws candidates, commits to all of them and to the one to publish, and signs the log."""
    actor = acting(request)
    made = canaries.register(
        actor, given.name, candidates=given.candidates, language=given.language, sentence=given.sentence
    )
    return s.CanaryMade(**_canary(made).model_dump(), publish=made.candidates[made.chosen])


@routes.get("/canaries/{canary_id}", response=s.CanaryMade, summary="Read a canary", openapi_extra=WRITES)
def get_canary(request: HttpRequest, canary_id: Id) -> s.CanaryMade:
    """With the one text to publish."""
    actor = acting(request)
    row = canaries.one_canary(actor, canary_id, Permission.WRITE)
    return s.CanaryMade(**_canary(row).model_dump(), publish=canaries.published(actor, row))


@routes.get(
    "/canaries/{canary_id}/candidates",
    response=s.Candidates,
    summary="Read a canary's candidates",
    openapi_extra=SETTINGS,
)
def get_candidates(request: HttpRequest, canary_id: Id) -> s.Candidates:
    """For whoever scores them; they stay secret until the test."""
    actor = acting(request)
    return s.Candidates(
        candidates=canaries.candidates_of(actor, canaries.one_canary(actor, canary_id, Permission.SETTINGS))
    )


@routes.get(
    "/canaries/{canary_id}/tests", response=s.CanaryTestPage, summary="List a canary's tests", openapi_extra=READS
)
def list_tests(request: HttpRequest, canary_id: Id, asked: Query[PageQuery]) -> dict[str, Any]:
    """Every one that was made: how often it was tried is part of what each says."""
    actor = acting(request)
    return page(canaries.all_tests(actor, canaries.one_canary(actor, canary_id)), ("-number",), asked, _test)


@routes.post("/canaries/{canary_id}/test", response=s.CanaryRank, summary="Rank a canary", openapi_extra=SETTINGS)
def test_canary(request: HttpRequest, canary_id: Id, given: s.CanaryScores) -> s.CanaryRank:
    """Where the published text stands among all candidates, and how likely that is by chance alone."""
    actor = acting(request)
    row = canaries.one_canary(actor, canary_id, Permission.SETTINGS)
    report = canaries.examine(actor, row, given.scores, model=given.model, lower_is_likelier=given.lower_is_likelier)
    bundle = canaries.evidence(actor, row, report).decode() if given.evidence else ""
    told = report["canary"]
    return s.CanaryRank(
        says=report["says"], rank=told["rank"], of=told["of"], p=told["p"], tests=told["tests"], bundle=bundle
    )


def _test(row: CanaryTest) -> s.CanaryTest:
    told = row.report["canary"]
    with translation.override("en"):
        said = canaries.says(row)
    return s.CanaryTest(
        number=row.number,
        at=row.made_at,
        model=told["model"],
        rank=told["rank"],
        of=told["of"],
        p=told["p"],
        lower_is_likelier=told["lower_is_likelier"],
        says=said,
    )


def _canary(row: Canary) -> s.Canary:
    return s.Canary(
        id=str(row.id), name=row.name, candidates=len(row.candidates), tests=row.tests, registered_at=row.registered_at
    )
