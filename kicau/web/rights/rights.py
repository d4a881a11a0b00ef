"""The page *Rights*: the workspace's own rule, what was said, and the networks' terms, with a form for each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from kicau.archive import published_policy, record_statements
from kicau.archive.models import RightsContext
from kicau.base import clock
from kicau.rights.models import IN_HOUSE_USES, USES
from kicau.web.core.views import MemberRequest, member_page
from kicau.web.rights import forms
from kicau.web.rights import labels as w
from kicau.workspaces.actors import Permission


def render_rights(
    request: MemberRequest,
    wrong: Mapping[str, list[str]] | None = None,
    *,
    saying_form: dict[str, Any] | None = None,
    reviewed: tuple[int, dict[str, Any]] | None = None,
    **more: Any,
) -> HttpResponse:
    """The page; with `wrong`, one of its forms as it was filled in, and what is wrong beside its fields."""
    actor = request.actor
    actor.require(Permission.READ)
    now = clock.now()
    rule = actor.workspace.ai_use
    authors = (
        RightsContext.objects.filter(workspace=actor.workspace, own=False)
        .exclude(author_handle="")
        .order_by("author_handle")
    )
    form: dict[str, Any] = saying_form or {"layer": "grant", "says": {}, "conditions": {}}
    which, kept = reviewed or (0, {})
    terms = record_statements.list_network_terms(actor)
    of = {
        row.id: kept if row.id == which else {"says": row.says, "conditions": row.conditions, "note": row.note}
        for row in terms
    }
    told: dict[str, Any] = {
        "uses": [(use, *w.USE_LABELS[use], rule.get(use, "")) for use in USES],
        "others": [
            (use, *w.USE_LABELS[use], actor.workspace.others_ai_use.get(use, ""), use in IN_HOUSE_USES) for use in USES
        ],
        "statements": [
            (row, row.valid_until is None or row.valid_until > now)
            for row in record_statements.list_statements(actor)[:200]
        ],
        "authors": list(dict.fromkeys(authors.values_list("author", "author_handle")[:300])),
        "ways": w.ACQUISITION_LABELS.items(),
        "layers": [(k, v) for k, v in w.LAYER_LABELS.items() if k not in ("contract", "default")],
        "rule": rule,
        "forms": [(one, *w.RULE_FORM_LABELS[one.slug]) for one in published_policy.rule_forms(actor)],
        "workspace": actor.workspace,
        "terms_url": actor.workspace.terms_url,
        "marks_media": actor.workspace.marks_media,
        "form": form,
        "conditions": forms.condition_rows(form["conditions"]),
        "saying": saying_form is not None,
        "values": w.VALUE_LABELS,
        "terms": [(row, of[row.id], forms.condition_rows(of[row.id]["conditions"])) for row in terms],
        "reviewed": which,
        "is_operator": actor.person is not None and actor.person.is_operator,
        "errors": wrong or {},
    }
    return render(request, "rights/rights_overview.html", told | more, status=422 if wrong else 200)


@member_page
@require_safe
def rights_overview(request: MemberRequest) -> HttpResponse:
    return render_rights(request)
