"""Training sets: defined, looked at before they are made, made, handed out, and what was taken back from whom."""

from __future__ import annotations

import json
from typing import Any

from django.contrib import messages
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from kicau.base.errors import DomainError, ValidationFailed
from kicau.training_sets import actions, build_queue, recipients, review
from kicau.training_sets.models import Preview, TrainingSet, Version, VersionState
from kicau.training_sets.options import REPLACEMENT_LABELS
from kicau.web.core import files
from kicau.web.core.labels import error_sentence, errors_by_field
from kicau.web.core.views import MemberRequest, member_page, run_action
from kicau.web.training_sets import forms
from kicau.web.training_sets import labels as w
from kicau.workspaces.actors import Permission

PIECES_PER_PAGE = 30  # pieces of personal data on a page
FILE_MIME_TYPES = {
    "jsonl": "application/x-ndjson",
    "parquet": "application/vnd.apache.parquet",
    "csv": "text/csv; charset=utf-8",
    "md": "text/markdown; charset=utf-8",
    "json": "application/json",
    "sig": "text/plain",
}


@member_page
@require_safe
def set_list(request: MemberRequest) -> HttpResponse:
    rows = list(actions.sets_with_newest_version(request.actor)[:200])
    owing: dict[Any, int] = {}
    for one in recipients.unconfirmed_recipients(request.actor):
        owing[one.version.set_id] = owing.get(one.version.set_id, 0) + 1
    shown = [(of, next(iter(of.newest), None), owing.get(of.id, 0)) for of in rows]  # type: ignore[attr-defined]
    return render(request, "training_sets/set_list.html", {"rows": shown})


@member_page
@require_http_methods(["GET", "HEAD", "POST"])
def new_set(request: MemberRequest) -> HttpResponse:
    """The form, and with it the set; what it would hold is found out at once."""
    request.actor.require(Permission.SETTINGS)
    form = forms.read_form(request.POST) if request.method == "POST" else forms.initial_form(request.GET)
    if request.method == "POST":
        try:
            of = actions.create_set(request.actor, name=form["name"], use=form["use"], **forms.definition(form))
            actions.request_preview(request.actor, of.id)
            return redirect("set", set_id=of.id)
        except DomainError as exc:
            return render(
                request,
                "training_sets/set_form.html",
                forms.form_context(form) | {"errors": forms.form_errors(exc)},
                status=422,
            )
    return render(request, "training_sets/set_form.html", forms.form_context(form))


@member_page
@require_http_methods(["GET", "HEAD", "POST"])
def change_set(request: MemberRequest, set_id: str) -> HttpResponse:
    request.actor.require(Permission.SETTINGS)
    of = actions.get_set(request.actor, set_id)
    form = forms.read_form(request.POST) if request.method == "POST" else forms.form_of_set(of)
    if request.method == "POST":
        try:
            actions.change_set(request.actor, of.id, **forms.definition(form))
            actions.request_preview(request.actor, of.id)
            return redirect("set", set_id=of.id)
        except DomainError as exc:
            shown = forms.form_context(form) | {"of": of, "errors": forms.form_errors(exc)}
            return render(request, "training_sets/set_form.html", shown, status=422)
    return render(request, "training_sets/set_form.html", forms.form_context(form) | {"of": of})


@member_page
@require_safe
def set_detail(request: MemberRequest, set_id: str) -> HttpResponse:
    """With the preview, the versions, and who has which."""
    of = actions.get_set(request.actor, set_id)
    who = list(
        recipients.list_recipients(request.actor).filter(version__set=of).order_by("-version__number", "id")[:200]
    )
    return render(
        request,
        "training_sets/set_detail.html",
        {**_progress_context(request, of), "people": who, "facts": w.set_facts(of)},
    )


@member_page
@require_safe
def set_progress(request: MemberRequest, set_id: str) -> HttpResponse:
    """How far the preview and the versions are; fetched while they are made."""
    return render(
        request, "training_sets/set_progress.html", _progress_context(request, actions.get_set(request.actor, set_id))
    )


def _progress_context(request: MemberRequest, of: TrainingSet) -> dict[str, Any]:
    preview = Preview.objects.filter(set=of).first()
    versions = list(actions.without_long_fields(of.versions.all())[:50])
    working = any(row.state in build_queue.UNFINISHED_STATES for row in ([preview] if preview else []) + versions)
    judged = review.count_by_kind(request.actor, of) if preview and preview.personal else {}
    taken_since = bool(preview and versions and versions[0].taken and versions[0].as_of > preview.as_of)  # type: ignore[attr-defined]
    return {
        "of": of,
        "preview": preview,
        "versions": versions,
        "working": working,
        "taken_since": taken_since,
        "reasons": w.exclusion_reasons(preview.excluded, preview.reasons, of) if preview else [],
        "left_out": sum(preview.excluded.values()) if preview else 0,
        "questions": actions.open_questions(request.actor, of.id) if preview else [],
        "kinds": [
            (w.PERSONAL_DATA_LABELS[kind], n) for kind, n in sorted(preview.personal.items(), key=lambda k: -k[1])
        ]
        if preview
        else [],
        "found": sum(preview.personal.values()) if preview else 0,
        "open": sum(row["open"] for row in judged.values()),
        "kept": sum(row["kept"] for row in judged.values()),
        "examples": [json.dumps(body, ensure_ascii=False, indent=2) for body in preview.examples] if preview else [],
        "following": (versions[0].number if versions else 0) + 1,
    }


@member_page
@require_POST
def request_preview(request: MemberRequest, set_id: str) -> HttpResponse:
    run_action(request, lambda: actions.request_preview(request.actor, set_id), "")
    return redirect("set", set_id=set_id)


@member_page
@require_POST
def order_version(request: MemberRequest, set_id: str) -> HttpResponse:
    run_action(
        request,
        lambda: actions.order_version(request.actor, set_id),
        _("Kicau is creating the training set. You can leave this page, and Kicau continues."),
    )
    return redirect("set", set_id=set_id)


@member_page
@require_POST
def answer_question(request: MemberRequest, set_id: str, item_id: str) -> HttpResponse:
    """Over a post of ours that holds a text that may not be used."""
    may = request.POST.get("verdict") == "use"
    run_action(
        request,
        lambda: actions.answer_question(request.actor, set_id, item_id, may_be_used=may),
        _("Your changes to the training set were saved. They apply to the next version of this training set."),
    )
    return redirect("set", set_id=set_id)


@member_page
@require_http_methods(["GET", "HEAD", "POST"])
def personal_data(request: MemberRequest, set_id: str) -> HttpResponse:
    """Each piece that rules take for personal data, in its surroundings: a person says whether it is."""
    of = actions.get_set(request.actor, set_id)
    kind, state = request.GET.get("kind", ""), request.GET.get("state", "open")
    kind, state = (
        kind if kind in REPLACEMENT_LABELS else "",
        state if state in ("open", "replaced", "kept", "all") else "open",
    )
    if request.method == "POST":
        _save_verdicts(request, of, kind)
        return redirect(request.get_full_path())
    rows = review.list_matches(request.actor, of, kind=kind, state="" if state == "all" else state)
    after = int(request.GET["after"]) if request.GET.get("after", "").isdecimal() else 0
    listed = list(rows.filter(id__gt=after)[: PIECES_PER_PAGE + 1])
    counts = review.count_by_kind(request.actor, of)
    shown = {
        "of": of,
        "pieces": [(w.PERSONAL_DATA_LABELS[p.found.kind], p) for p in review.with_context(listed[:PIECES_PER_PAGE])],
        "kind": kind,
        "state": state,
        "kinds": [(key, w.PERSONAL_DATA_LABELS[key], row) for key, row in counts.items()],
        "open": sum(row["open"] for row in counts.values()),
        "following": listed[PIECES_PER_PAGE - 1].id if len(listed) > PIECES_PER_PAGE else None,
        "word": w.PERSONAL_DATA_LABELS.get(kind),
    }
    return render(request, "training_sets/personal_data.html", shown)


def _save_verdicts(request: MemberRequest, of: TrainingSet, kind: str) -> None:
    rest = request.POST.get("rest", "")
    if rest in ("replace", "keep"):
        run_action(
            request,
            lambda: review.save_verdict_for_rest(request.actor, of, kind, rest == "keep"),
            _("Your changes to the training set were saved. They apply to the next version of this training set."),
        )
        return
    verdicts = {
        int(name[1:]): value == "keep"
        for name, value in request.POST.items()
        if name[:1] == "p" and name[1:].isdecimal() and value in ("keep", "replace")
    }
    if verdicts:
        done = ngettext(
            "You reviewed %(n)s text passage with possible personal data. Your decision applies to the next version of this training set.",
            "You reviewed %(n)s text passages with possible personal data. Your decisions apply to the next version of this training set.",
            len(verdicts),
        )
        run_action(request, lambda: review.save_verdicts(request.actor, of, verdicts), done % {"n": len(verdicts)})


@member_page
@require_safe
def version_detail(request: MemberRequest, set_id: str, number: int) -> HttpResponse:
    return _render_version(request, actions.get_version(request.actor, set_id, number))


def _render_version(request: MemberRequest, row: Version, wrong: dict[str, list[str]] | None = None) -> HttpResponse:
    """With `wrong`, the form that notes a recipient as it was filled in."""
    who = list(recipients.list_recipients(request.actor).filter(version=row))
    taken = list(row.delta.get("reasons", {}).values())
    shown = {
        "of": row.set,
        "version": row,
        "people": who,
        "reasons": w.exclusion_reasons(row.excluded, row.reasons, row.set),
        "left_out": sum(row.excluded.values()),
        "files": [
            (name, told, w.FILE_LABELS.get(name) or w.SPLIT_FILE_LABELS.get(name.partition(".")[0]))
            for name, told in sorted(row.files.items(), key=lambda f: w.file_order(f[0]))
        ],
        "taken": len(row.delta.get("record_ids", ())),
        "taken_reasons": w.count_sentences(taken, row.reasons),
        "may_give": row.state == VersionState.READY,
        "seconds": (row.ready_at - row.created_at).total_seconds() if row.ready_at and row.delta else None,
    }
    shown |= {"form": request.POST, "errors": wrong or {}}
    return render(request, "training_sets/version_detail.html", shown, status=422 if wrong else 200)


@member_page
@require_safe
def version_file(request: MemberRequest, set_id: str, number: int, name: str) -> HttpResponseBase:
    path = actions.file_of(request.actor, actions.get_version(request.actor, set_id, number), name)
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return files.send_file(request, path, FILE_MIME_TYPES[name.rpartition(".")[2]], headers)


@member_page
@require_safe
def version_delta(request: MemberRequest, set_id: str, number: int) -> HttpResponse:
    """The signed list of what a version is without."""
    request.actor.require(Permission.SETTINGS)
    return signed_list(actions.get_version(request.actor, set_id, number))


def signed_list(row: Version) -> HttpResponse:
    answer = HttpResponse(
        json.dumps(recipients.version_delta(row), ensure_ascii=False, indent=1), content_type="application/json"
    )
    answer["Content-Disposition"] = f'attachment; filename="delta-{row.number}.json"'
    return answer


@member_page
@require_POST
def add_recipient(request: MemberRequest, set_id: str, number: int) -> HttpResponse:
    row = actions.get_version(request.actor, set_id, number)
    name, contact = request.POST.get("name", ""), request.POST.get("contact", "")
    try:
        recipients.add_recipient(request.actor, row, name=name, contact=contact)
    except ValidationFailed as exc:
        return _render_version(request, row, errors_by_field(exc))
    messages.success(
        request,
        _(
            "Kicau saved the recipient of this training set version. If content is removed from this version later, Kicau lists the recipient so that you can inform them."
        ),
    )
    return redirect("set-version", set_id=row.set_id, number=row.number)


@member_page
@require_POST
def ask_recipient(request: MemberRequest, recipient_id: str) -> HttpResponse:
    """The link is on this answer and never again."""
    found = recipients.get_recipient(request.actor, recipient_id)
    try:
        asked = recipients.create_confirmation_link(request.actor, recipient_id)
    except DomainError as exc:
        messages.error(request, error_sentence(exc))
        return redirect("set", set_id=found.version.set_id)
    return render(
        request,
        "training_sets/ask_recipient.html",
        {"asked": asked, "who": asked.recipient, "of": asked.recipient.version.set, "mail": w.mailto_link(asked)},
    )


@member_page
@require_POST
def acknowledge_recipient(request: MemberRequest, recipient_id: str) -> HttpResponse:
    found = recipients.get_recipient(request.actor, recipient_id)
    run_action(
        request,
        lambda: recipients.acknowledge(request.actor, recipient_id),
        _("Kicau recorded that the recipient no longer uses the records that were removed from the training set."),
    )
    return redirect("set", set_id=found.version.set_id)
