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

from kicau.base.errors import Refusal, Unacceptable
from kicau.training_sets import actions, build_queue, recipients, review
from kicau.training_sets.models import Preview, TrainingSet, Version, VersionState
from kicau.training_sets.options import LABELS
from kicau.web.core import files
from kicau.web.core.labels import by_field, said
from kicau.web.core.views import Asked, attempt, page
from kicau.web.training_sets import forms
from kicau.web.training_sets import labels as w
from kicau.workspaces.actors import Permission

SHOWN = 30  # pieces of personal data on a page
MIMES = {
    "jsonl": "application/x-ndjson",
    "parquet": "application/vnd.apache.parquet",
    "csv": "text/csv; charset=utf-8",
    "md": "text/markdown; charset=utf-8",
    "json": "application/json",
    "sig": "text/plain",
}


@page
@require_safe
def index(request: Asked) -> HttpResponse:
    rows = list(actions.with_newest(request.actor)[:200])
    owing: dict[Any, int] = {}
    for one in recipients.owing(request.actor):
        owing[one.version.set_id] = owing.get(one.version.set_id, 0) + 1
    shown = [(of, next(iter(of.newest), None), owing.get(of.id, 0)) for of in rows]  # type: ignore[attr-defined]
    return render(request, "web/sets/index.html", {"rows": shown})


@page
@require_http_methods(["GET", "HEAD", "POST"])
def new(request: Asked) -> HttpResponse:
    """The form, and with it the set; what it would hold is found out at once."""
    request.actor.require(Permission.SETTINGS)
    form = forms.read(request.POST) if request.method == "POST" else forms.begun(request.GET)
    if request.method == "POST":
        try:
            of = actions.define(request.actor, name=form["name"], use=form["use"], **forms.definition(form))
            actions.preview(request.actor, of.id)
            return redirect("set", set_id=of.id)
        except Refusal as exc:
            return render(
                request,
                "web/sets/form.html",
                forms.shown(form) | {"errors": forms.errors(exc)},
                status=422,
            )
    return render(request, "web/sets/form.html", forms.shown(form))


@page
@require_http_methods(["GET", "HEAD", "POST"])
def change(request: Asked, set_id: str) -> HttpResponse:
    request.actor.require(Permission.SETTINGS)
    of = actions.one_set(request.actor, set_id)
    form = forms.read(request.POST) if request.method == "POST" else forms.of_set(of)
    if request.method == "POST":
        try:
            actions.change(request.actor, of.id, **forms.definition(form))
            actions.preview(request.actor, of.id)
            return redirect("set", set_id=of.id)
        except Refusal as exc:
            shown = forms.shown(form) | {"of": of, "errors": forms.errors(exc)}
            return render(request, "web/sets/form.html", shown, status=422)
    return render(request, "web/sets/form.html", forms.shown(form) | {"of": of})


@page
@require_safe
def one(request: Asked, set_id: str) -> HttpResponse:
    """With the preview, the versions, and who has which."""
    of = actions.one_set(request.actor, set_id)
    who = list(recipients.recipients(request.actor).filter(version__set=of).order_by("-version__number", "id")[:200])
    return render(request, "web/sets/one.html", {**_state(request, of), "people": who, "facts": w.facts(of)})


@page
@require_safe
def state(request: Asked, set_id: str) -> HttpResponse:
    """How far the preview and the versions are; fetched while they are made."""
    return render(request, "web/sets/state.html", _state(request, actions.one_set(request.actor, set_id)))


def _state(request: Asked, of: TrainingSet) -> dict[str, Any]:
    preview = Preview.objects.filter(set=of).first()
    versions = list(actions.short_versions(of.versions.all())[:50])
    working = any(row.state in build_queue.UNDONE for row in ([preview] if preview else []) + versions)
    judged = review.counts(request.actor, of) if preview and preview.personal else {}
    taken_since = bool(preview and versions and versions[0].taken and versions[0].as_of > preview.as_of)  # type: ignore[attr-defined]
    return {
        "of": of,
        "preview": preview,
        "versions": versions,
        "working": working,
        "taken_since": taken_since,
        "reasons": w.reasons(preview.excluded, preview.reasons, of) if preview else [],
        "left_out": sum(preview.excluded.values()) if preview else 0,
        "questions": actions.questions(request.actor, of.id) if preview else [],
        "kinds": [(w.PERSONAL[kind], n) for kind, n in sorted(preview.personal.items(), key=lambda k: -k[1])]
        if preview
        else [],
        "found": sum(preview.personal.values()) if preview else 0,
        "open": sum(row["open"] for row in judged.values()),
        "kept": sum(row["kept"] for row in judged.values()),
        "examples": [json.dumps(body, ensure_ascii=False, indent=2) for body in preview.examples] if preview else [],
        "following": (versions[0].number if versions else 0) + 1,
    }


@page
@require_POST
def look(request: Asked, set_id: str) -> HttpResponse:
    attempt(request, lambda: actions.preview(request.actor, set_id), "")
    return redirect("set", set_id=set_id)


@page
@require_POST
def make(request: Asked, set_id: str) -> HttpResponse:
    attempt(request, lambda: actions.order(request.actor, set_id), _("It is being made. You can leave this page."))
    return redirect("set", set_id=set_id)


@page
@require_POST
def decide(request: Asked, set_id: str, item_id: str) -> HttpResponse:
    """Over a post of ours that holds a text that may not be used."""
    may = request.POST.get("verdict") == "use"
    attempt(
        request,
        lambda: actions.answer_question(request.actor, set_id, item_id, may_be_used=may),
        _("Kept. The next version goes by it."),
    )
    return redirect("set", set_id=set_id)


@page
@require_http_methods(["GET", "HEAD", "POST"])
def personal(request: Asked, set_id: str) -> HttpResponse:
    """Each piece that rules take for personal data, in its surroundings: a person says whether it is."""
    of = actions.one_set(request.actor, set_id)
    kind, state = request.GET.get("kind", ""), request.GET.get("state", "open")
    kind, state = kind if kind in LABELS else "", state if state in ("open", "replaced", "kept", "all") else "open"
    if request.method == "POST":
        _judge(request, of, kind)
        return redirect(request.get_full_path())
    rows = review.listed(request.actor, of, kind=kind, state="" if state == "all" else state)
    after = int(request.GET["after"]) if request.GET.get("after", "").isdecimal() else 0
    listed = list(rows.filter(id__gt=after)[: SHOWN + 1])
    counts = review.counts(request.actor, of)
    shown = {
        "of": of,
        "pieces": [(w.PERSONAL[p.found.kind], p) for p in review.shown(listed[:SHOWN])],
        "kind": kind,
        "state": state,
        "kinds": [(key, w.PERSONAL[key], row) for key, row in counts.items()],
        "open": sum(row["open"] for row in counts.values()),
        "following": listed[SHOWN - 1].id if len(listed) > SHOWN else None,
        "word": w.PERSONAL.get(kind),
    }
    return render(request, "web/sets/personal.html", shown)


def _judge(request: Asked, of: TrainingSet, kind: str) -> None:
    rest = request.POST.get("rest", "")
    if rest in ("replace", "keep"):
        attempt(
            request,
            lambda: review.judge_rest(request.actor, of, kind, rest == "keep"),
            _("Kept. The next version goes by it."),
        )
        return
    verdicts = {
        int(name[1:]): value == "keep"
        for name, value in request.POST.items()
        if name[:1] == "p" and name[1:].isdecimal() and value in ("keep", "replace")
    }
    if verdicts:
        done = ngettext(
            "%(n)s place judged. The next version goes by it.",
            "%(n)s places judged. The next version goes by it.",
            len(verdicts),
        )
        attempt(request, lambda: review.judge(request.actor, of, verdicts), done % {"n": len(verdicts)})


@page
@require_safe
def version(request: Asked, set_id: str, number: int) -> HttpResponse:
    return _version(request, actions.one_version(request.actor, set_id, number))


def _version(request: Asked, row: Version, wrong: dict[str, list[str]] | None = None) -> HttpResponse:
    """With `wrong`, the form that notes a recipient as it was filled in."""
    who = list(recipients.recipients(request.actor).filter(version=row))
    taken = list(row.delta.get("reasons", {}).values())
    shown = {
        "of": row.set,
        "version": row,
        "people": who,
        "reasons": w.reasons(row.excluded, row.reasons, row.set),
        "left_out": sum(row.excluded.values()),
        "files": [
            (name, told, w.FILES.get(name) or w.SPLIT_FILES.get(name.partition(".")[0]))
            for name, told in sorted(row.files.items(), key=lambda f: w.place(f[0]))
        ],
        "taken": len(row.delta.get("record_ids", ())),
        "taken_reasons": w.counted(taken, row.reasons),
        "may_give": row.state == VersionState.READY,
        "seconds": (row.ready_at - row.created_at).total_seconds() if row.ready_at and row.delta else None,
    }
    shown |= {"form": request.POST, "errors": wrong or {}}
    return render(request, "web/sets/version.html", shown, status=422 if wrong else 200)


@page
@require_safe
def file(request: Asked, set_id: str, number: int, name: str) -> HttpResponseBase:
    path = actions.file_of(request.actor, actions.one_version(request.actor, set_id, number), name)
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return files.send(request, path, MIMES[name.rpartition(".")[2]], headers)


@page
@require_safe
def delta(request: Asked, set_id: str, number: int) -> HttpResponse:
    """The signed list of what a version is without."""
    request.actor.require(Permission.SETTINGS)
    return signed_list(actions.one_version(request.actor, set_id, number))


def signed_list(row: Version) -> HttpResponse:
    answer = HttpResponse(
        json.dumps(recipients.delta_of(row), ensure_ascii=False, indent=1), content_type="application/json"
    )
    answer["Content-Disposition"] = f'attachment; filename="delta-{row.number}.json"'
    return answer


@page
@require_POST
def give(request: Asked, set_id: str, number: int) -> HttpResponse:
    row = actions.one_version(request.actor, set_id, number)
    name, contact = request.POST.get("name", ""), request.POST.get("contact", "")
    try:
        recipients.give(request.actor, row, name=name, contact=contact)
    except Unacceptable as exc:
        return _version(request, row, by_field(exc))
    messages.success(request, _("Noted. They are told when something in it is taken back."))
    return redirect("set-version", set_id=row.set_id, number=row.number)


@page
@require_POST
def ask(request: Asked, recipient_id: str) -> HttpResponse:
    """The link is on this answer and never again."""
    found = recipients.one_recipient(request.actor, recipient_id)
    try:
        asked = recipients.ask(request.actor, recipient_id)
    except Refusal as exc:
        messages.error(request, said(exc))
        return redirect("set", set_id=found.version.set_id)
    return render(
        request,
        "web/sets/asked.html",
        {"asked": asked, "who": asked.recipient, "of": asked.recipient.version.set, "mail": w.mail(asked)},
    )


@page
@require_POST
def acknowledge(request: Asked, recipient_id: str) -> HttpResponse:
    found = recipients.one_recipient(request.actor, recipient_id)
    attempt(request, lambda: recipients.acknowledge(request.actor, recipient_id), _("Noted that they use it no more."))
    return redirect("set", set_id=found.version.set_id)
