"""Training sets: the list, defining one, its preview and its questions."""

from __future__ import annotations

import json
from typing import Any

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from kicau.base.errors import DomainError
from kicau.training_sets import actions, build_queue, recipients, review
from kicau.training_sets.models import TrainingSet, TrainingSetPreview
from kicau.web.core.views import MemberRequest, member_page, run_action
from kicau.web.training_sets import forms
from kicau.web.training_sets import labels as w
from kicau.workspaces.actors import Permission


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
            return redirect("training-set", set_id=of.id)
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
            return redirect("training-set", set_id=of.id)
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
    preview = TrainingSetPreview.objects.filter(set=of).first()
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
    return redirect("training-set", set_id=set_id)


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
    return redirect("training-set", set_id=set_id)
