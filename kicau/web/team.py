"""Who works here: members and their roles."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST, require_safe

from kicau.base.errors import NotFound, Refusal, unacceptable
from kicau.base.ids import as_uuid
from kicau.web.frame import Asked, attempt, page
from kicau.web.words import ROLES, by_field
from kicau.workspaces import acts
from kicau.workspaces.actors import Permission
from kicau.workspaces.models import Membership, Person


@page
@require_safe
def index(request: Asked) -> HttpResponse:
    return render(request, "web/team.html", _shown(request))


def _shown(request: Asked) -> dict[str, object]:
    return {"members": acts.members(request.actor), "roles": ROLES, "given": {}}


@sensitive_post_parameters("password")
@page
@require_POST
def add(request: Asked) -> HttpResponse:
    """Somebody new with a first password, or somebody who is here already."""
    given = {key: request.POST.get(key, "").strip() for key in ("email", "name", "role")}
    try:
        request.actor.require(Permission.MEMBERS)
        if given["role"] not in ROLES:
            raise unacceptable("role", "Choose a role.")
        known = Person.objects.filter(email__iexact=given["email"]).first()
        if known is None:
            known = acts.add_person(
                given["email"], given["name"], request.POST.get("password", ""), language=request.actor.workspace.language, timezone=request.actor.workspace.timezone,
            )  # fmt: skip
        acts.set_member(request.actor, known, given["role"])
    except Refusal as exc:
        return render(request, "web/team.html", _shown(request) | {"given": given, "errors": by_field(exc)}, status=422)
    return redirect("team")


@page
@require_POST
def change(request: Asked, person_id: str) -> HttpResponse:
    person = _member(request, person_id)
    if request.POST.get("role") == "remove":
        attempt(request, lambda: acts.remove_member(request.actor, person), _("Removed from this workspace."))
    else:
        attempt(
            request,
            lambda: acts.set_member(request.actor, person, request.POST.get("role", "")),
            _("The role is changed."),
        )
    return redirect("team")


def _member(request: Asked, person_id: str) -> Person:
    found = (
        Membership.objects.select_related("person")
        .filter(workspace=request.actor.workspace, person_id=as_uuid(person_id))
        .first()
    )
    if found is None:
        raise NotFound("member", person_id)
    return found.person
