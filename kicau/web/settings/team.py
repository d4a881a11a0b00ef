"""Who works here: members and their roles."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from kicau.base.errors import DomainError, NotFound
from kicau.base.ids import as_uuid
from kicau.web.core.labels import ROLE_LABELS, errors_by_field
from kicau.web.core.views import MemberRequest, member_page, run_action
from kicau.workspaces import actions, invitations
from kicau.workspaces.actors import Permission
from kicau.workspaces.models import Membership, Person, Role


@member_page
@require_safe
def team(request: MemberRequest) -> HttpResponse:
    return render(request, "settings/team.html", _team_context(request))


def _team_context(request: MemberRequest) -> dict[str, object]:
    actor = request.actor
    waiting = list(invitations.open_invitations(actor)[:50]) if actor.may(Permission.MEMBERS) else []
    return {
        "members": actions.members(actor),
        "roles": ROLE_LABELS,
        "given": {},
        "sends_mail": settings.KICAU_SENDS_MAIL,
        "waiting": waiting,
        "owns": actor.role == Role.OWNER,
        "offered": {key: words for key, words in ROLE_LABELS.items() if key != Role.OWNER or actor.role == Role.OWNER},
    }


@never_cache
@member_page
@require_POST
def invite(request: MemberRequest) -> HttpResponse:
    """A link that is not mailed is on this answer and never again."""
    given = {key: request.POST.get(key, "").strip() for key in ("email", "role")}
    try:
        show = request.POST.get("show") == "1"
        made = invitations.invite(request.actor, given["email"], given["role"], show=show)
    except DomainError as exc:
        return render(
            request,
            "settings/team.html",
            _team_context(request) | {"given": given, "errors": errors_by_field(exc)},
            status=422,
        )
    return render(request, "settings/team.html", _team_context(request) | {"made": made})


@member_page
@require_POST
def revoke_invitation(request: MemberRequest, invitation_id: str) -> HttpResponse:
    run_action(
        request,
        lambda: invitations.revoke_invitation(request.actor, invitation_id),
        _("You revoked the invitation. Nobody can accept it anymore."),
    )
    return redirect("team")


@member_page
@require_POST
def hand_over(request: MemberRequest, person_id: str) -> HttpResponse:
    person = _member(request, person_id)
    run_action(
        request,
        lambda: actions.transfer_ownership(request.actor, person),
        _("You transferred this workspace to a new owner. You are now an admin of this workspace."),
    )
    return redirect("team")


@member_page
@require_POST
def change_role(request: MemberRequest, person_id: str) -> HttpResponse:
    person = _member(request, person_id)
    if request.POST.get("role") == "remove":
        run_action(
            request,
            lambda: actions.remove_member(request.actor, person),
            _("The member was removed from this workspace."),
        )
    else:
        run_action(
            request,
            lambda: actions.set_member_role(request.actor, person, request.POST.get("role", "")),
            _("The member's role in this workspace was changed."),
        )
    return redirect("team")


def _member(request: MemberRequest, person_id: str) -> Person:
    found = (
        Membership.objects.select_related("person")
        .filter(workspace=request.actor.workspace, person_id=as_uuid(person_id))
        .first()
    )
    if found is None:
        raise NotFound("member", person_id)
    return found.person
