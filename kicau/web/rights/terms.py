"""Reviews of the networks' terms."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from kicau.archive import record_statements
from kicau.base.errors import DomainError, NotAllowed, NotFound
from kicau.web.core.labels import errors_by_field
from kicau.web.core.views import MemberRequest, member_page
from kicau.web.rights import forms, rights


@member_page
@require_POST
def review_terms(request: MemberRequest, terms_id: int) -> HttpResponse:
    form = forms.read_form(request.POST)
    try:
        forms.check_lengths(form)
        record_statements.review_terms(
            request.actor,
            terms_id,
            says=form["says"] or None,
            conditions=forms.stated_conditions(request.POST),
            note=form["note"],
        )
    except (NotAllowed, NotFound):
        raise
    except DomainError as exc:
        return rights.render_rights(request, errors_by_field(exc), reviewed=(terms_id, form))
    messages.success(
        request,
        _(
            "You marked the network's terms of use as reviewed. From now on, Kicau applies them to content from this network."
        ),
    )
    return redirect("rights")
