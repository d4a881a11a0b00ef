"""Endpoints: invitations, and handing the workspace over."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from ninja import Query, Router

from kicau.api.core.authentication import acting
from kicau.api.core.paging import page
from kicau.api.core.routes import MEMBERS, Id
from kicau.api.people import invitation_made, invitation_shape, member_shape, person_here
from kicau.api.schemas import people as s
from kicau.api.schemas.base import PageQuery
from kicau.workspaces import actions, invitations

routes = Router(tags=["Members"])


@routes.get("/invitations", response=s.InvitationPage, summary="List invitations", openapi_extra=MEMBERS)
def list_invitations(request: HttpRequest, asked: Query[PageQuery]) -> dict[str, Any]:
    """Those that can still be used, newest first."""
    return page(
        invitations.waiting(acting(request)), ("-id",), asked, lambda row: s.Invitation(**invitation_shape(row))
    )


@routes.post("/invitations", response={201: s.InvitationMade}, summary="Invite somebody", openapi_extra=MEMBERS)
def create_invitation(request: HttpRequest, given: s.InvitationCreate) -> s.InvitationMade:
    """The link works once, for a week, for that address. It is mailed where a mail server is set, and shown to nobody
    then; else it is in the answer, this once. An earlier invitation of the same address stops counting."""
    return invitation_made(invitations.invite(acting(request), given.email, given.role, show=given.show_link))


@routes.delete(
    "/invitations/{invitation_id}", response={204: None}, summary="Take an invitation back", openapi_extra=MEMBERS
)
def revoke_invitation(request: HttpRequest, invitation_id: Id) -> None:
    """Its link stops working at once."""
    invitations.revoke(acting(request), invitation_id)


@routes.post("/members/{person_id}/owner", response=s.Member, summary="Hand the ownership over", openapi_extra=MEMBERS)
def hand_over(request: HttpRequest, person_id: Id) -> s.Member:
    """The member becomes owner and the token's person admin, both or neither. Owners only."""
    actor = acting(request)
    return member_shape(actions.hand_over(actor, person_here(actor, person_id)))
