"""Who works here: members and their roles."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from kicau.base.errors import NotFound, Refusal
from kicau.base.ids import as_uuid
from kicau.web.core.labels import ROLES, by_field
from kicau.web.core.views import Asked, attempt, page
from kicau.workspaces import actions, invitations
from kicau.workspaces.actors import Permission
from kicau.workspaces.models import Membership, Person, Role


@page
@require_safe
def index(request: Asked) -> HttpResponse:
    return render(request, "web/team.html", _shown(request))


def _shown(request: Asked) -> dict[str, object]:
    actor = request.actor
    waiting = list(invitations.waiting(actor)[:50]) if actor.may(Permission.MEMBERS) else []
    return {
        "members": actions.members(actor),
        "roles": ROLES,
        "given": {},
        "sends_mail": settings.KICAU_SENDS_MAIL,
        "waiting": waiting,
        "owns": actor.role == Role.OWNER,
        "offered": {key: words for key, words in ROLES.items() if key != Role.OWNER or actor.role == Role.OWNER},
    }


@never_cache
@page
@require_POST
def invite(request: Asked) -> HttpResponse:
    """A link that is not mailed is on this answer and never again."""
    given = {key: request.POST.get(key, "").strip() for key in ("email", "role")}
    try:
        show = request.POST.get("show") == "1"
        made = invitations.invite(request.actor, given["email"], given["role"], show=show)
    except Refusal as exc:
        return render(request, "web/team.html", _shown(request) | {"given": given, "errors": by_field(exc)}, status=422)
    return render(request, "web/team.html", _shown(request) | {"made": made})


@page
@require_POST
def uninvite(request: Asked, invitation_id: str) -> HttpResponse:
    attempt(request, lambda: invitations.revoke(request.actor, invitation_id), _("The invitation is taken back."))
    return redirect("team")


@page
@require_POST
def hand_over(request: Asked, person_id: str) -> HttpResponse:
    person = _member(request, person_id)
    attempt(
        request,
        lambda: actions.hand_over(request.actor, person),
        _("The ownership is handed over; you are an admin now."),
    )
    return redirect("team")


@page
@require_POST
def change(request: Asked, person_id: str) -> HttpResponse:
    person = _member(request, person_id)
    if request.POST.get("role") == "remove":
        attempt(request, lambda: actions.remove_member(request.actor, person), _("Removed from this workspace."))
    else:
        attempt(
            request,
            lambda: actions.set_member(request.actor, person, request.POST.get("role", "")),
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
