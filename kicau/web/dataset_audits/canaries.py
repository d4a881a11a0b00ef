"""Canaries: many sentences registered beforehand, one of them published, and where a model ranks it."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from kicau.base.errors import DomainError, validation_failed
from kicau.dataset_audit import canaries
from kicau.evidence.models import Canary
from kicau.web.core.labels import errors_by_field
from kicau.web.core.views import MemberRequest, member_page
from kicau.workspaces.actors import Permission

MAX_SCORE_TABLE_BYTES = 4 << 20  # bytes of a table of scores: 10,000 rows with their texts are about 1 MB


@member_page
@require_http_methods(["GET", "HEAD", "POST"])
def canary_list(request: MemberRequest) -> HttpResponse:
    """All of them; by POST another one is registered."""
    given = request.POST
    form = {
        "name": given.get("name", ""),
        "candidates": given.get("candidates", "1000"),
        "language": given.get("language", request.LANGUAGE_CODE[:2]),
        "sentence": given.get("sentence", ""),
    }
    wrong: dict[str, list[str]] = {}
    if request.method == "POST":
        try:
            many = int(form["candidates"]) if form["candidates"].isdecimal() else 0
            made = canaries.register_canary(
                request.actor,
                form["name"],
                candidates=many,
                language=form["language"],
                sentence=form["sentence"].strip(),
            )
            return redirect("canary", canary_id=made.id)
        except DomainError as exc:
            request.actor.require(Permission.SETTINGS)
            wrong = errors_by_field(exc)
    rows = list(canaries.list_canaries(request.actor).defer("candidates")[:200])
    shown = {
        "rows": rows,
        "form": form,
        "errors": wrong,
        "forms": canaries.SENTENCE_TEMPLATES,
        "least": canaries.MIN_CANDIDATES,
        "most": canaries.MAX_CANDIDATES,
    }
    return render(request, "dataset_audits/canary_list.html", shown, status=422 if wrong else 200)


@member_page
@require_safe
def canary_detail(request: MemberRequest, canary_id: str) -> HttpResponse:
    return _render_canary(request, canaries.get_canary(request.actor, canary_id))


def _render_canary(
    request: MemberRequest, row: Canary, form: dict[str, Any] | None = None, errors: dict[str, list[str]] | None = None
) -> HttpResponse:
    actor = request.actor
    shown = {
        "canary": row,
        "count": len(row.candidates),
        "tests": canaries.tests_with_sentences(actor, row),
        "form": form or {},
        "errors": errors or {},
        "text": canaries.published_text(actor, row) if actor.may(Permission.WRITE) else "",
    }
    return render(request, "dataset_audits/canary_detail.html", shown, status=422 if errors else 200)


@member_page
@require_safe
def candidates(request: MemberRequest, canary_id: str) -> HttpResponse:
    """All texts as a table, for whoever scores them."""
    table = canaries.candidates_csv(request.actor, canaries.get_canary(request.actor, canary_id))
    return _file_response(table.encode(), "text/csv; charset=utf-8", "scores.csv")


@member_page
@require_POST
def run_test(request: MemberRequest, canary_id: str) -> HttpResponse:
    """The table that came back, ranked; one with a gap is no test and counts as none."""
    row = canaries.get_canary(request.actor, canary_id)
    request.actor.require(Permission.SETTINGS)
    form: dict[str, Any] = {
        "model": request.POST.get("model", "").strip(),
        "higher": request.POST.get("direction") == "higher",
    }
    try:
        file = request.FILES.get("scores")
        if file is None or not file.size:
            raise validation_failed(
                "scores",
                "Choose the file with the AI model's scores for all sentences that Kicau generated for this canary text (copy test).",
            )
        if file.size > MAX_SCORE_TABLE_BYTES:
            raise validation_failed(
                "scores",
                "The file with the AI model's scores for the generated sentences can be at most {limit} MB. Choose a smaller file.",
                limit=MAX_SCORE_TABLE_BYTES >> 20,
            )
        scores = canaries.parse_scores(file.read().decode("utf-8", "replace"), len(row.candidates))
        canaries.score_canary(request.actor, row, scores, model=form["model"], lower_is_likelier=not form["higher"])
    except DomainError as exc:
        return _render_canary(request, row, form, errors_by_field(exc))
    return redirect("canary", canary_id=row.id)


@member_page
@require_POST
def canary_test_evidence(request: MemberRequest, canary_id: str, number: int) -> HttpResponse:
    """One test as a signed bundle, which verify.py checks and whose rank it counts again."""
    row = canaries.get_canary(request.actor, canary_id)
    made = canaries.canary_test_evidence(request.actor, row, canaries.get_test(request.actor, row, number).report)
    return _file_response(made, "application/json", "canary.json")


def _file_response(content: bytes, mime: str, name: str) -> HttpResponse:
    return HttpResponse(content, content_type=mime, headers={"Content-Disposition": f'attachment; filename="{name}"'})
