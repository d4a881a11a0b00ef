"""Who received a version: adding them, asking them to remove records, their confirmation."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from kicau.base.errors import DomainError, ValidationFailed
from kicau.training_sets import actions, recipients
from kicau.web.core.labels import error_sentence, errors_by_field
from kicau.web.core.views import MemberRequest, member_page, run_action
from kicau.web.training_sets import labels as w
from kicau.web.training_sets.versions import render_version


@member_page
@require_POST
def add_recipient(request: MemberRequest, set_id: str, number: int) -> HttpResponse:
    row = actions.get_version(request.actor, set_id, number)
    name, contact = request.POST.get("name", ""), request.POST.get("contact", "")
    try:
        recipients.add_recipient(request.actor, row, name=name, contact=contact)
    except ValidationFailed as exc:
        return render_version(request, row, errors_by_field(exc))
    messages.success(
        request,
        _(
            "Kicau saved the recipient of this training set version. If content is removed from this version later, Kicau lists the recipient so that you can inform them."
        ),
    )
    return redirect("training-set-version", set_id=row.set_id, number=row.number)


@member_page
@require_POST
def ask_recipient(request: MemberRequest, recipient_id: str) -> HttpResponse:
    """The link is on this answer and never again."""
    found = recipients.get_recipient(request.actor, recipient_id)
    try:
        asked = recipients.create_confirmation_link(request.actor, recipient_id)
    except DomainError as exc:
        messages.error(request, error_sentence(exc))
        return redirect("training-set", set_id=found.version.set_id)
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
    return redirect("training-set", set_id=found.version.set_id)
