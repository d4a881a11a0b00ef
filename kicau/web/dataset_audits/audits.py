"""Dataset audits: the list, starting one, its progress, findings, report and evidence."""

from __future__ import annotations

import hashlib
from typing import Any

from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from kicau.archive.item_queries import problem_from_json
from kicau.base.errors import DomainError, NotFound
from kicau.connector import registry
from kicau.dataset_audit import actions, passages, report_documents
from kicau.dataset_audit.models import AuditState, DatasetAudit
from kicau.evidence import checkpoints, log
from kicau.web.core.views import MemberRequest, member_page, run_action
from kicau.web.dataset_audits import labels as w
from kicau.web.training_sets import forms
from kicau.workspaces.actors import Permission

PLACES_PER_PAGE = 20  # places on a page

QUERY_FIELDS = ("words", "own", "author", "since", "until")


@member_page
@require_safe
def audit_list(request: MemberRequest) -> HttpResponse:
    return render(request, "dataset_audits/audit_list.html", {"rows": list(actions.list_audits(request.actor)[:200])})


@member_page
@require_http_methods(["GET", "HEAD", "POST"])
def new_audit(request: MemberRequest) -> HttpResponse:
    request.actor.require(Permission.WRITE)
    post = request.POST if request.method == "POST" else request.GET
    form: dict[str, Any] = {name: post.get(name, "").strip() for name in (*QUERY_FIELDS, "name", "where")} | {
        "networks": post.getlist("networks")
    }
    form["own"] = form["own"] or ("yes" if request.method != "POST" else "")
    shown = {
        "form": form,
        "errors": {},
        "slugs": registry.installed_slugs(),
        "folders": settings.KICAU_AUDIT_FOLDERS,
        "narrowed": any(form[name] for name in ("words", "author", "since", "until", "networks"))
        or form["own"] != "yes",
    }
    if request.method == "POST":
        try:
            made = actions.begin_audit(
                request.actor,
                name=form["name"],
                query=forms.query_from_form(form),
                files=request.FILES.getlist("file"),
                where=form["where"],
                control_files=request.FILES.getlist("control"),
            )
            return redirect("dataset-audit", audit_id=made.id)
        except DomainError as exc:
            return render(
                request, "dataset_audits/new_audit.html", shown | {"errors": forms.form_errors(exc)}, status=422
            )
    return render(request, "dataset_audits/new_audit.html", shown)


@member_page
@require_safe
def audit_detail(request: MemberRequest, audit_id: str) -> HttpResponse:
    """How far it is, or what was found, a page of places at a time."""
    row = actions.get_audit(request.actor, audit_id)
    shown = _progress_context(row)
    if row.state == AuditState.DONE:
        kind, after = request.GET.get("kind", ""), request.GET.get("after", "")
        rows = actions.list_hits(request.actor, row, kind=kind if kind in w.COPY_KIND_BADGES else "")
        found = list(
            rows.filter(id__gt=int(after))[: PLACES_PER_PAGE + 1] if after.isdecimal() else rows[: PLACES_PER_PAGE + 1]
        )
        _name, key = log.signing_key()
        shown |= {
            "places": [
                (place, w.COPY_KIND_BADGES[place.hit.kind])
                for place in passages.copies_in_context(row, found[:PLACES_PER_PAGE])
            ],
            "kind": kind,
            "lead": report_documents.lead_sentence(row),
            "following": found[PLACES_PER_PAGE - 1].id if len(found) > PLACES_PER_PAGE else None,
            "sensitivity": report_documents.sensitivity_rows(row),
            "chance": report_documents.chance_sentence(row),
            "not_read": report_documents.unread_sentences(row),
            "kinds": [
                (key, badge, row.summary["kinds"][key])
                for key, badge in w.COPY_KIND_BADGES.items()
                if row.summary["kinds"].get(key)
            ],
            "data": row.summary["data"],
            "posts": row.summary["posts"],
            "key": hashlib.sha256(checkpoints.public_bytes(key.public_key())).hexdigest(),
            "reports": [(code, name) for code, name in settings.LANGUAGES if code in report_documents.REPORT_LANGUAGES],
        }
    return render(request, "dataset_audits/audit_detail.html", shown)


@member_page
@require_safe
def audit_progress(request: MemberRequest, audit_id: str) -> HttpResponse:
    """How far it is; fetched while it runs. Once it has ended, the whole page is asked for again."""
    row = actions.get_audit(request.actor, audit_id)
    answer = render(request, "dataset_audits/audit_progress.html", _progress_context(row))
    if row.state not in (AuditState.WAITING, AuditState.RUNNING):
        answer["HX-Refresh"] = "true"
    return answer


def _progress_context(row: DatasetAudit) -> dict[str, Any]:
    share = min(100, round(100 * row.read / row.expected)) if row.expected else 0
    why = problem_from_json(row.problem) if row.problem else None
    return {"audit": row, "share": share, "working": row.state in (AuditState.WAITING, AuditState.RUNNING), "why": why}


@member_page
@require_POST
def act_on_audit(request: MemberRequest, audit_id: str, action: str) -> HttpResponse:
    what = {"stop": actions.stop_audit, "resume": actions.resume_audit}.get(action)
    if what is not None:
        done = (
            _("The search for your posts in the dataset was stopped. The results found so far are saved.")
            if action == "stop"
            else _("The search for your posts in the dataset continues where it stopped.")
        )
        run_action(request, lambda: what(request.actor, audit_id), done)
    return redirect("dataset-audit", audit_id=audit_id)


@member_page
@require_safe
def report(request: MemberRequest, audit_id: str, language: str, form: str) -> HttpResponse:
    """The report as one file, in the language that is asked for."""
    row = actions.get_audit(request.actor, audit_id)
    if row.state != AuditState.DONE or language not in report_documents.REPORT_LANGUAGES or form not in ("html", "pdf"):
        raise NotFound("report", audit_id)
    made = report_documents.build_report(row, language)
    content, mime = (
        (report_documents.report_pdf(made), "application/pdf")
        if form == "pdf"
        else (report_documents.report_html(made), "text/html; charset=utf-8")
    )
    answer = HttpResponse(content, content_type=mime)
    answer["Content-Disposition"] = f'attachment; filename="audit-{language}.{form}"'
    return answer
