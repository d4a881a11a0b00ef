"""Settings of a person: name, time zone, language."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from kicau.base.errors import DomainError
from kicau.web.core.labels import error_sentence, errors_by_field
from kicau.web.core.times import zone_choices
from kicau.web.core.views import (
    MemberRequest,
    member_page,
    person_of,
)
from kicau.workspaces import actions


@member_page
@require_http_methods(["GET", "HEAD", "POST"])
def personal_settings(request: MemberRequest) -> HttpResponse:
    person = person_of(request)
    shown = {"zones": zone_choices(person.timezone), "given": person}
    if request.method != "POST":
        return render(request, "settings/personal_settings.html", shown)
    try:
        actions.update_person(
            person,
            name=request.POST.get("name", ""),
            language=request.POST.get("language", ""),
            timezone=request.POST.get("timezone", ""),
        )
    except DomainError as exc:
        return render(
            request,
            "settings/personal_settings.html",
            shown | {"errors": errors_by_field(exc), "sentence": error_sentence(exc)},
            status=422,
        )
    messages.success(request, _("Your changes are saved."))
    return redirect("personal-settings")
