"""Rights: the workspace's own rule, what others said, the networks' terms, and what a change would do."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from kicau.archive import policy_preview, record_statements
from kicau.base.errors import NotAllowed, NotFound, Refusal
from kicau.web.core.labels import by_field, said
from kicau.web.core.views import Asked, attempt, page
from kicau.web.rights import forms, rights
from kicau.web.rights import labels as w
from kicau.workspaces import actions as workspaces


@page
@require_safe
def index(request: Asked) -> HttpResponse:
    return rights.shown(request)


@page
@require_POST
def effects(request: Asked) -> HttpResponse:
    """What the form in hand would change: another rule, something said, its end, or terms reviewed. Fetched while it is
    filled in, and nothing is changed."""
    found, trouble, asked = [], "", True
    try:
        change = _tried(request)
        asked = change is not None
        found = policy_preview.simulate(request.actor, change) if change else []
    except Refusal as exc:
        trouble = said(exc)
    effects = [(w.USES[e.use][0], e) for e in found if e.entering or e.leaving]
    return render(request, "web/rights/effects.html", {"effects": effects, "trouble": trouble, "asked": asked})


@page
@require_POST
def change(request: Asked) -> HttpResponse:
    attempt(
        request,
        lambda: workspaces.change_workspace(
            request.actor, ai_use=forms.rule(request.POST), others_ai_use=forms.others_rule(request.POST)
        ),
        _("The rule holds from now on."),
    )
    return redirect("rights")


@page
@require_POST
def say(request: Asked) -> HttpResponse:
    try:
        record_statements.say(request.actor, [forms.statement(request.POST, request.actor.workspace.timezone)])
    except NotAllowed:
        raise
    except Refusal as exc:
        return rights.shown(request, by_field(exc), saying_form=forms.read(request.POST))
    messages.success(request, _("Kept."))
    return redirect("rights")


@page
@require_POST
def end(request: Asked, statement_id: str) -> HttpResponse:
    attempt(request, lambda: record_statements.end_statement(request.actor, statement_id), _("Ended."))
    return redirect("rights")


@page
@require_POST
def review(request: Asked, terms_id: int) -> HttpResponse:
    form = forms.read(request.POST)
    try:
        forms.checked(form)
        record_statements.review_terms(
            request.actor,
            terms_id,
            says=form["says"] or None,
            conditions=forms.conditions(request.POST),
            note=form["note"],
        )
    except (NotAllowed, NotFound):
        raise
    except Refusal as exc:
        return rights.shown(request, by_field(exc), reviewed=(terms_id, form))
    messages.success(request, _("Reviewed: these terms count from now on."))
    return redirect("rights")


def _tried(request: Asked) -> policy_preview.Change | None:
    """None where the form says nothing yet."""
    if ends := request.POST.get("ends"):
        return policy_preview.Change(ended=[ends])
    if (terms := request.POST.get("terms", "")).isdecimal():
        return policy_preview.Change(terms={int(terms): forms.said(request.POST)})
    if "about" in request.POST:
        given = forms.statement(request.POST, request.actor.workspace.timezone)
        return policy_preview.Change(added=[given]) if given.says else None
    return policy_preview.Change(policy=forms.rule(request.POST), others=forms.others_rule(request.POST))
