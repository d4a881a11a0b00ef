"""Rights: the workspace's own rule, what others said, the networks' terms, and what a change would do."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from kicau.archive import saying, simulating
from kicau.archive.models import Standing
from kicau.base import clock
from kicau.base.errors import Refusal
from kicau.rights.models import USES, VALUES
from kicau.rights.statements import ANY, NewStatement
from kicau.web import archive_words as w
from kicau.web import crawlers
from kicau.web.frame import Asked, attempt, page
from kicau.web.words import said
from kicau.workspaces import acts as workspaces
from kicau.workspaces.actors import Permission


@page
@require_safe
def index(request: Asked) -> HttpResponse:
    actor = request.actor
    actor.require(Permission.READ)
    now = clock.now()
    rule = actor.workspace.ai_use
    authors = Standing.objects.filter(workspace=actor.workspace, own=False).exclude(author_handle="").order_by("author_handle")  # fmt: skip
    shown: dict[str, Any] = {
        "uses": [(use, *w.USES[use], rule.get(use, "")) for use in USES],
        "statements": [(row, row.valid_until is None or row.valid_until > now) for row in saying.all_statements(actor)[:200]],
        "authors": list(dict.fromkeys(authors.values_list("author", "author_handle")[:300])),
        "layers": [(k, v) for k, v in w.LAYERS.items() if k not in ("contract", "default")],
        "rule": rule, "forms": crawlers.forms(request), "workspace": actor.workspace,
        "values": w.VALUES, "terms": saying.network_terms(actor), "is_operator": actor.person is not None and actor.person.is_operator,
    }  # fmt: skip
    return render(request, "web/rights/index.html", shown)


@page
@require_POST
def effects(request: Asked) -> HttpResponse:
    """What the form in hand would change: another rule, something said, its end, or terms reviewed. Fetched while it is
    filled in, and nothing is changed."""
    change, trouble = _tried(request), ""
    try:
        found = simulating.simulate(request.actor, change) if change else []
    except Refusal as exc:
        found, trouble = [], said(exc)
    shown = [(w.USES[e.use][0], e) for e in found if e.entering or e.leaving]
    return render(
        request, "web/rights/effects.html", {"effects": shown, "trouble": trouble, "asked": change is not None}
    )


@page
@require_POST
def change(request: Asked) -> HttpResponse:
    attempt(request, lambda: workspaces.change_workspace(request.actor, ai_use=_rule(request)), _("The rule holds from now on."))  # fmt: skip
    return redirect("rights")


@page
@require_POST
def say(request: Asked) -> HttpResponse:
    attempt(request, lambda: saying.say(request.actor, [_given(request)]), _("Kept."))
    return redirect("rights")


@page
@require_POST
def end(request: Asked, statement_id: str) -> HttpResponse:
    attempt(request, lambda: saying.end_statement(request.actor, statement_id), _("Ended."))
    return redirect("rights")


@page
@require_POST
def review(request: Asked, terms_id: int) -> HttpResponse:
    says = _said(request)
    attempt(request, lambda: saying.review_terms(request.actor, terms_id, says=says or None, note=request.POST.get("note", "")[:2000]), _("Reviewed: these terms count from now on."))  # fmt: skip
    return redirect("rights")


def _tried(request: Asked) -> simulating.Change | None:
    """None where the form says nothing yet."""
    if ends := request.POST.get("ends"):
        return simulating.Change(ended=[ends])
    if (terms := request.POST.get("terms", "")).isdigit():
        return simulating.Change(terms={int(terms): _said(request)})
    if "about" in request.POST:
        given = _given(request)
        return simulating.Change(added=[given]) if given.says else None
    return simulating.Change(policy=_rule(request))


def _given(request: Asked) -> NewStatement:
    subject, _sep, key = request.POST.get("about", "everything").partition("|")
    if subject in ("site", "licence"):
        key = request.POST.get("key", "").strip()
    layer = request.POST.get("layer", "author")
    return NewStatement(
        layer=layer, party={"site": "site", "default": "workspace"}.get(layer, "author"), party_name=request.POST.get("name", "")[:300], subject=subject,
        key=key, says=_said(request), source=request.POST.get("source", "")[:2000], note=request.POST.get("note", "")[:2000],
    )  # fmt: skip


def _said(request: Asked) -> dict[str, str]:
    return {use: request.POST[use] for use in USES if request.POST.get(use) in ANY}


def _rule(request: Asked) -> dict[str, str]:
    return {use: request.POST[use] for use in USES if request.POST.get(use) in VALUES}
