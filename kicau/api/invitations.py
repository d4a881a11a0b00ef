"""Endpoints: invitations, and handing the workspace over."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from ninja import Query, Router

from kicau.api.core.authentication import authenticated_actor
from kicau.api.core.paging import paginate
from kicau.api.core.routes import MEMBERS_SCOPE, UuidPath
from kicau.api.people import invitation_schema, member_schema, new_invitation_schema, workspace_member
from kicau.api.schemas import people as s
from kicau.api.schemas.base import PageQuery
from kicau.workspaces import actions, invitations

routes = Router(tags=["Members"])


@routes.get("/invitations", response=s.InvitationPage, summary="List invitations", openapi_extra=MEMBERS_SCOPE)
def list_invitations(request: HttpRequest, asked: Query[PageQuery]) -> dict[str, Any]:
    """Those that can still be used, newest first."""
    return paginate(
        invitations.open_invitations(authenticated_actor(request)),
        ("-id",),
        asked,
        lambda row: s.Invitation(**invitation_schema(row)),
    )


@routes.post(
    "/invitations", response={201: s.InvitationCreated}, summary="Invite a member", openapi_extra=MEMBERS_SCOPE
)
def create_invitation(request: HttpRequest, given: s.InvitationCreate) -> s.InvitationCreated:
    """The link works once, for a week, for that address. It is mailed where a mail server is set, and shown to nobody
    then; else it is in the answer, this once. An earlier invitation of the same address stops counting."""
    return new_invitation_schema(
        invitations.invite(authenticated_actor(request), given.email, given.role, show=given.show_link)
    )


@routes.delete(
    "/invitations/{invitation_id}", response={204: None}, summary="Take an invitation back", openapi_extra=MEMBERS_SCOPE
)
def revoke_invitation(request: HttpRequest, invitation_id: UuidPath) -> None:
    """Its link stops working at once."""
    invitations.revoke_invitation(authenticated_actor(request), invitation_id)


@routes.post(
    "/members/{person_id}/owner",
    response=s.WorkspaceMember,
    summary="Transfer ownership",
    openapi_extra=MEMBERS_SCOPE,
)
def hand_over(request: HttpRequest, person_id: UuidPath) -> s.WorkspaceMember:
    """The member becomes owner and the token's person admin, both or neither. Owners only."""
    actor = authenticated_actor(request)
    return member_schema(actions.transfer_ownership(actor, workspace_member(actor, person_id)))
