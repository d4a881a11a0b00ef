"""Statements on the use of content: adding and ending them."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from kicau.archive import record_statements
from kicau.base.errors import DomainError, NotAllowed
from kicau.web.core.labels import errors_by_field
from kicau.web.core.views import MemberRequest, member_page, run_action
from kicau.web.rights import forms, rights


@member_page
@require_POST
def add_statement(request: MemberRequest) -> HttpResponse:
    try:
        record_statements.add_statements(
            request.actor, [forms.statement_from_form(request.POST, request.actor.workspace.timezone)]
        )
    except NotAllowed:
        raise
    except DomainError as exc:
        return rights.render_rights(request, errors_by_field(exc), saying_form=forms.read_form(request.POST))
    messages.success(request, _("The rights statement was saved."))
    return redirect("rights")


@member_page
@require_POST
def end_statement(request: MemberRequest, statement_id: str) -> HttpResponse:
    run_action(
        request,
        lambda: record_statements.end_statement(request.actor, statement_id),
        _("The rights statement has ended. What it says about using the content no longer applies."),
    )
    return redirect("rights")
