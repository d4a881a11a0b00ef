"""Endpoints: who I am, the workspace, its members, tokens and audit trail."""

from __future__ import annotations

from typing import Any, cast
from uuid import UUID

from django.http import HttpRequest
from ninja import Query, Router, Status

from kicau.api.core import serializers
from kicau.api.core.authentication import acting
from kicau.api.core.paging import page
from kicau.api.core.routes import MEMBERS, READS, SETTINGS, TOKENS, Id
from kicau.api.schemas import people as s
from kicau.api.schemas.base import PageQuery, PersonRef
from kicau.base.errors import NotFound
from kicau.base.ids import as_uuid
from kicau.costs.display_currency import unrated
from kicau.rights.models import AuditEntry
from kicau.workspaces import actions, addresses, invitations, names
from kicau.workspaces.actors import Actor, Permission
from kicau.workspaces.models import Invitation, Membership, Person, Token, Workspace

routes = Router()


@routes.get("/me", response=s.Me, tags=["Me"], summary="Who this token acts as", openapi_extra=READS)
def me(request: HttpRequest) -> s.Me:
    """The person, the workspace of this request, what the token may do there, and the other workspaces it opens."""
    actor = acting(request)
    actor.require(Permission.READ)
    assert actor.person is not None
    return s.Me(
        person=_ref(actor.person),
        email=actor.person.email,
        timezone=actor.person.timezone,
        token=str(actor.token_id),
        workspace=_workspace(actor.workspace),
        role=cast(s.RoleName, actor.role),
        scopes=[p.value for p in Permission if actor.may(p)],
        workspaces=[
            s.OpenWorkspace(id=str(m.workspace_id), name=m.workspace.name, role=cast(s.RoleName, m.role))
            for m in actions.open_to(actor)
        ],
    )


@routes.get("/workspace", response=s.Workspace, tags=["Workspace"], summary="Read the workspace", openapi_extra=READS)
def get_workspace(request: HttpRequest) -> s.Workspace:
    actor = acting(request)
    actor.require(Permission.READ)
    return _workspace(actor.workspace)


@routes.patch(
    "/workspace", response=s.Workspace, tags=["Workspace"], summary="Change the workspace", openapi_extra=SETTINGS
)
def change_workspace(request: HttpRequest, change: s.WorkspaceChange) -> s.Workspace:
    return _workspace(actions.change_workspace(acting(request), **change.model_dump()))


@routes.get("/members", response=s.MemberPage, tags=["Members"], summary="List members", openapi_extra=READS)
def list_members(request: HttpRequest, asked: Query[PageQuery]) -> dict[str, Any]:
    actor = acting(request)
    actor.require(Permission.READ)
    rows = Membership.objects.filter(workspace=actor.workspace).select_related("person")
    return page(rows, ("created_at", "id"), asked, member_shape)


@routes.post(
    "/members",
    response={201: s.Member, 202: s.InvitationMade},
    tags=["Members"],
    summary="Add a member",
    openapi_extra=MEMBERS,
)
def add_member(request: HttpRequest, given: s.MemberAdd) -> Status[s.Member | s.InvitationMade]:
    """Who is a member already gets the role (201). Anybody else gets an invitation that they accept (202), whether or not
    they have an account here: nobody is added unasked, and the answer does not say who is known."""
    actor = acting(request)
    actor.require(Permission.MEMBERS)
    found = addresses.person_with(given.email)
    if found is not None and Membership.objects.filter(workspace=actor.workspace, person=found).exists():
        return Status(201, member_shape(actions.set_member(actor, found, given.role)))
    return Status(202, invitation_made(invitations.invite(actor, given.email, given.role)))


@routes.patch(
    "/members/{person_id}", response=s.Member, tags=["Members"], summary="Change a member's role", openapi_extra=MEMBERS
)
def change_member(request: HttpRequest, person_id: Id, change: s.MemberChange) -> s.Member:
    """Only an owner makes or changes owners, and one owner always stays."""
    actor = acting(request)
    return member_shape(actions.set_member(actor, person_here(actor, person_id), change.role))


@routes.delete(
    "/members/{person_id}", response={204: None}, tags=["Members"], summary="Remove a member", openapi_extra=MEMBERS
)
def remove_member(request: HttpRequest, person_id: Id) -> None:
    """Their tokens for this workspace stop counting. What they wrote stays."""
    actor = acting(request)
    actions.remove_member(actor, person_here(actor, person_id))


@routes.get("/tokens", response=s.TokenPage, tags=["Tokens"], summary="List tokens", openapi_extra=READS)
def list_tokens(request: HttpRequest, asked: Query[PageQuery]) -> dict[str, Any]:
    """Your own for this workspace; all of them for those who manage its members."""
    return page(actions.tokens(acting(request)), ("-created_at", "-id"), asked, lambda row: s.Token(**_token(row)))


@routes.post("/tokens", response={201: s.TokenMade}, tags=["Tokens"], summary="Make a token", openapi_extra=TOKENS)
def create_token(request: HttpRequest, given: s.TokenCreate) -> s.TokenMade:
    """A token can do no more than the one that makes it. The secret is shown once."""
    made = actions.create_token(acting(request), given.name, given.scopes, days=given.days, role=given.role or "")
    return s.TokenMade(**_token(made.token), secret=made.secret)


@routes.delete(
    "/tokens/{token_id}", response={204: None}, tags=["Tokens"], summary="Revoke a token", openapi_extra=TOKENS
)
def revoke_token(request: HttpRequest, token_id: Id) -> None:
    """It stops counting at once, also where it is the one that asks."""
    actions.revoke_token(acting(request), token_id)


@routes.get("/audit", response=s.AuditPage, tags=["Audit"], summary="Read the audit trail", openapi_extra=MEMBERS)
def list_audit(request: HttpRequest, asked: Query[PageQuery]) -> dict[str, Any]:
    """Every act in this workspace, newest first."""
    return page(actions.trail(acting(request)), ("-id",), asked, _entry)


def person_here(actor: Actor, person_id: str) -> Person:
    """A member of this workspace, never somebody else's."""
    actor.require(Permission.MEMBERS)
    found = (
        Membership.objects.select_related("person")
        .filter(workspace=actor.workspace, person_id=as_uuid(person_id))
        .first()
    )
    if found is None:
        raise NotFound("member", person_id)
    return found.person


def _ref(row: Person) -> PersonRef:
    return PersonRef(id=str(row.id), name=str(row))


def _workspace(row: Workspace) -> s.Workspace:
    return s.Workspace(
        id=str(row.id),
        name=row.name,
        timezone=row.timezone,
        language=row.language,
        duplicate_hours=row.duplicate_hours,
        currency=row.currency,
        unrated=unrated(row),
        ai_use=row.ai_use,
        others_ai_use=row.others_ai_use,
        terms_url=row.terms_url,
        marks_media=row.marks_media,
        requires_second_factor=row.requires_second_factor,
        created_at=row.created_at,
    )


def member_shape(row: Membership) -> s.Member:
    return s.Member(
        id=str(row.person_id),
        name=str(row.person),
        email=row.person.email,
        role=cast(s.RoleName, row.role),
        since=row.created_at,
    )


def invitation_shape(row: Invitation) -> dict[str, Any]:
    return {
        "id": str(row.id),
        "email": row.email,
        "role": cast(s.RoleName, row.role),
        "invited_by": serializers.person(row.invited_by) if row.invited_by else None,
        "created_at": row.created_at,
        "expires_at": row.expires_at,
    }


def invitation_made(made: invitations.Invited) -> s.InvitationMade:
    return s.InvitationMade(**invitation_shape(made.invitation), link=made.link or None, mailed=made.mailed)


def _token(row: Token) -> dict[str, Any]:
    return {
        "id": str(row.id),
        "name": row.name,
        "prefix": row.prefix,
        "person": serializers.person(row.person),
        "role": row.role,
        "scopes": row.scopes,
        "created_at": row.created_at,
        "expires_at": row.expires_at,
        "revoked_at": row.revoked_at,
        "last_used_at": row.last_used_at,
    }


def _entry(row: AuditEntry) -> s.AuditEntry:
    who: UUID | None = row.actor_id
    return s.AuditEntry(
        id=row.id,
        at=row.at,
        actor=names.of(row),
        actor_id=str(who) if who else None,
        via=row.via,
        act=row.act,
        subject=row.subject,
        detail=row.detail,
    )
