"""The workspace's own policy on uses of its content, and what a change of it would do."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from kicau.archive import policy_preview
from kicau.base.errors import DomainError
from kicau.web.core.labels import error_sentence
from kicau.web.core.views import MemberRequest, member_page, run_action
from kicau.web.rights import forms
from kicau.web.rights import labels as w
from kicau.workspaces import actions as workspaces


@member_page
@require_POST
def policy_effects(request: MemberRequest) -> HttpResponse:
    """What the form in hand would change: another rule, something said, its end, or terms reviewed. Fetched while it is
    filled in, and nothing is changed."""
    found, trouble, asked = [], "", True
    try:
        change = _proposed_change(request)
        asked = change is not None
        found = policy_preview.simulate_change(request.actor, change) if change else []
    except DomainError as exc:
        trouble = error_sentence(exc)
    effects = [(w.USE_LABELS[e.use][0], e) for e in found if e.entering or e.leaving]
    return render(request, "rights/policy_effects.html", {"effects": effects, "trouble": trouble, "asked": asked})


@member_page
@require_POST
def change_policy(request: MemberRequest) -> HttpResponse:
    run_action(
        request,
        lambda: workspaces.update_workspace(
            request.actor, ai_use=forms.own_rule(request.POST), others_ai_use=forms.others_rule(request.POST)
        ),
        _("The content rights rules were saved. They apply from now on."),
    )
    return redirect("rights")


def _proposed_change(request: MemberRequest) -> policy_preview.PolicyChange | None:
    """None where the form says nothing yet."""
    if ends := request.POST.get("ends"):
        return policy_preview.PolicyChange(ended=[ends])
    if (terms := request.POST.get("terms", "")).isdecimal():
        return policy_preview.PolicyChange(terms={int(terms): forms.stated_values(request.POST)})
    if "about" in request.POST:
        given = forms.statement_from_form(request.POST, request.actor.workspace.timezone)
        return policy_preview.PolicyChange(added=[given]) if given.says else None
    return policy_preview.PolicyChange(policy=forms.own_rule(request.POST), others=forms.others_rule(request.POST))
