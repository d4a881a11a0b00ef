"""Switching between workspaces, and the page of somebody who has none."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from kicau.base.errors import DomainError
from kicau.web.core.labels import errors_by_field
from kicau.web.core.views import (
    WORKSPACE_SESSION_KEY,
    MemberRequest,
    person_of,
    personal_page,
    redirect_back,
)
from kicau.workspaces import actions


@personal_page
@require_POST
def switch_workspace(request: MemberRequest) -> HttpResponse:
    """Go on in another workspace of theirs, on the page that the form names or the calendar."""
    wanted = request.POST.get("workspace", "")
    actor = actions.actor_for(person_of(request), wanted, "page")
    request.session[WORKSPACE_SESSION_KEY] = str(actor.workspace.id)
    return redirect_back(request, "home")


@require_http_methods(["GET", "HEAD", "POST"])
def no_workspace(request: HttpRequest) -> HttpResponse:
    """For somebody who belongs to none: what to do; whoever hosts the instance may make one."""
    if not request.user.is_authenticated:
        return redirect("sign-in")
    person = person_of(request)
    if request.method != "POST" or not person.is_operator:
        return render(request, "settings/no_workspace.html", {"person": person})
    try:
        made = actions.create_workspace(
            person, request.POST.get("name", ""), timezone=person.timezone, language=person.language
        )
    except DomainError as exc:
        return render(
            request, "settings/no_workspace.html", {"person": person, "errors": errors_by_field(exc)}, status=422
        )
    request.session[WORKSPACE_SESSION_KEY] = str(made.id)
    return redirect("home")
