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
    """Unused invitations, newest first."""
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
    """The link works once, for a week, and only for this e-mail address. If a mail server is set, Kicau mails the link and
    does not return it. Otherwise the response contains it once. An earlier invitation of the same address becomes
    invalid."""
    return new_invitation_schema(
        invitations.invite(authenticated_actor(request), given.email, given.role, show=given.show_link)
    )


@routes.delete(
    "/invitations/{invitation_id}", response={204: None}, summary="Revoke an invitation", openapi_extra=MEMBERS_SCOPE
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
    """The member becomes owner and the token's person becomes admin. Requires the token of an owner."""
    actor = authenticated_actor(request)
    return member_schema(actions.transfer_ownership(actor, workspace_member(actor, person_id)))
