"""Endpoints: who I am, the workspace, its members, tokens and audit trail."""

from __future__ import annotations

from typing import Any, cast
from uuid import UUID

from django.http import HttpRequest
from ninja import Query, Router, Status

from kicau.api.core import serializers
from kicau.api.core.authentication import authenticated_actor
from kicau.api.core.paging import paginate
from kicau.api.core.routes import MEMBERS_SCOPE, READ_SCOPE, SETTINGS_SCOPE, TOKENS_SCOPE, UuidPath
from kicau.api.schemas import people as s
from kicau.api.schemas.base import PageQuery, PersonRef
from kicau.base.errors import NotFound
from kicau.base.ids import as_uuid
from kicau.costs.display_currency import currencies_without_rate
from kicau.rights.models import ActivityEntry
from kicau.workspaces import actions, addresses, api_tokens, invitations, names
from kicau.workspaces.actors import Actor, Permission
from kicau.workspaces.models import ApiToken, Invitation, Membership, Person, Workspace

routes = Router()


@routes.get("/me", response=s.CurrentUser, tags=["Me"], summary="Retrieve the current token", openapi_extra=READ_SCOPE)
def me(request: HttpRequest) -> s.CurrentUser:
    """The person, the workspace of this request, the permissions of the token there, and the other workspaces of the token."""
    actor = authenticated_actor(request)
    actor.require(Permission.READ)
    assert actor.person is not None
    return s.CurrentUser(
        person=_person_ref(actor.person),
        email=actor.person.email,
        timezone=actor.person.timezone,
        token=str(actor.token_id),
        workspace=_workspace_schema(actor.workspace),
        role=cast(s.RoleName, actor.role),
        scopes=[p.value for p in Permission if actor.may(p)],
        workspaces=[
            s.AccessibleWorkspace(id=str(m.workspace_id), name=m.workspace.name, role=cast(s.RoleName, m.role))
            for m in api_tokens.usable_memberships(actor)
        ],
    )


@routes.get(
    "/workspace", response=s.Workspace, tags=["Workspace"], summary="Retrieve the workspace", openapi_extra=READ_SCOPE
)
def get_workspace(request: HttpRequest) -> s.Workspace:
    actor = authenticated_actor(request)
    actor.require(Permission.READ)
    return _workspace_schema(actor.workspace)


@routes.patch(
    "/workspace", response=s.Workspace, tags=["Workspace"], summary="Update the workspace", openapi_extra=SETTINGS_SCOPE
)
def change_workspace(request: HttpRequest, change: s.WorkspaceChange) -> s.Workspace:
    return _workspace_schema(actions.update_workspace(authenticated_actor(request), **change.model_dump()))


@routes.get(
    "/members", response=s.WorkspaceMemberPage, tags=["Members"], summary="List members", openapi_extra=READ_SCOPE
)
def list_members(request: HttpRequest, asked: Query[PageQuery]) -> dict[str, Any]:
    actor = authenticated_actor(request)
    actor.require(Permission.READ)
    rows = Membership.objects.filter(workspace=actor.workspace).select_related("person")
    return paginate(rows, ("created_at", "id"), asked, member_schema)


@routes.post(
    "/members",
    response={201: s.WorkspaceMember, 202: s.InvitationCreated},
    tags=["Members"],
    summary="Add a member",
    openapi_extra=MEMBERS_SCOPE,
)
def add_member(request: HttpRequest, given: s.MemberAdd) -> Status[s.WorkspaceMember | s.InvitationCreated]:
    """A person who is already a member gets the role (201). Anyone else gets an invitation to accept (202), whether or not
    they have an account. The response does not reveal whether an account exists."""
    actor = authenticated_actor(request)
    actor.require(Permission.MEMBERS)
    found = addresses.find_person_by_email(given.email)
    if found is not None and Membership.objects.filter(workspace=actor.workspace, person=found).exists():
        return Status(201, member_schema(actions.set_member_role(actor, found, given.role)))
    return Status(202, new_invitation_schema(invitations.invite(actor, given.email, given.role)))


@routes.patch(
    "/members/{person_id}",
    response=s.WorkspaceMember,
    tags=["Members"],
    summary="Change a member's role",
    openapi_extra=MEMBERS_SCOPE,
)
def change_member(request: HttpRequest, person_id: UuidPath, change: s.MemberChange) -> s.WorkspaceMember:
    """Only an owner can add or change owners. A workspace always has at least one owner."""
    actor = authenticated_actor(request)
    return member_schema(actions.set_member_role(actor, workspace_member(actor, person_id), change.role))


@routes.delete(
    "/members/{person_id}",
    response={204: None},
    tags=["Members"],
    summary="Remove a member",
    openapi_extra=MEMBERS_SCOPE,
)
def remove_member(request: HttpRequest, person_id: UuidPath) -> None:
    """Their tokens for this workspace become invalid. Content that they wrote stays."""
    actor = authenticated_actor(request)
    actions.remove_member(actor, workspace_member(actor, person_id))


@routes.get("/tokens", response=s.ApiTokenPage, tags=["Tokens"], summary="List tokens", openapi_extra=READ_SCOPE)
def list_tokens(request: HttpRequest, asked: Query[PageQuery]) -> dict[str, Any]:
    """Your own tokens for this workspace. People who manage members get all tokens."""
    return paginate(
        api_tokens.tokens(authenticated_actor(request)),
        ("-created_at", "-id"),
        asked,
        lambda row: s.ApiToken(**_token_schema(row)),
    )


@routes.post(
    "/tokens",
    response={201: s.ApiTokenCreated},
    tags=["Tokens"],
    summary="Create a token",
    openapi_extra=TOKENS_SCOPE,
)
def create_token(request: HttpRequest, given: s.ApiTokenCreate) -> s.ApiTokenCreated:
    """A token cannot have more permissions than the token that creates it. The secret is returned only once."""
    made = api_tokens.create_token(
        authenticated_actor(request), given.name, given.scopes, days=given.days, role=given.role or ""
    )
    return s.ApiTokenCreated(**_token_schema(made.token), secret=made.secret)


@routes.delete(
    "/tokens/{token_id}", response={204: None}, tags=["Tokens"], summary="Revoke a token", openapi_extra=TOKENS_SCOPE
)
def revoke_token(request: HttpRequest, token_id: UuidPath) -> None:
    """The token becomes invalid at once, even if it is the token of this request."""
    api_tokens.revoke_token(authenticated_actor(request), token_id)


@routes.get(
    "/activity",
    response=s.ActivityPage,
    tags=["Activity log"],
    summary="List the activity log",
    openapi_extra=MEMBERS_SCOPE,
)
def list_activity(request: HttpRequest, asked: Query[PageQuery]) -> dict[str, Any]:
    """All actions in this workspace, newest first."""
    return paginate(actions.activity_log(authenticated_actor(request)), ("-id",), asked, _activity_entry_schema)


def workspace_member(actor: Actor, person_id: str) -> Person:
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


def _person_ref(row: Person) -> PersonRef:
    return PersonRef(id=str(row.id), name=str(row))


def _workspace_schema(row: Workspace) -> s.Workspace:
    return s.Workspace(
        id=str(row.id),
        name=row.name,
        timezone=row.timezone,
        language=row.language,
        duplicate_hours=row.duplicate_hours,
        currency=row.currency,
        unrated=currencies_without_rate(row),
        ai_use=row.ai_use,
        others_ai_use=row.others_ai_use,
        terms_url=row.terms_url,
        marks_media=row.marks_media,
        requires_second_factor=row.requires_second_factor,
        created_at=row.created_at,
    )


def member_schema(row: Membership) -> s.WorkspaceMember:
    return s.WorkspaceMember(
        id=str(row.person_id),
        name=str(row.person),
        email=row.person.email,
        role=cast(s.RoleName, row.role),
        since=row.created_at,
    )


def invitation_schema(row: Invitation) -> dict[str, Any]:
    return {
        "id": str(row.id),
        "email": row.email,
        "role": cast(s.RoleName, row.role),
        "invited_by": serializers.person_fields(row.invited_by) if row.invited_by else None,
        "created_at": row.created_at,
        "expires_at": row.expires_at,
    }


def new_invitation_schema(made: invitations.NewInvitation) -> s.InvitationCreated:
    return s.InvitationCreated(**invitation_schema(made.invitation), link=made.link or None, mailed=made.mailed)


def _token_schema(row: ApiToken) -> dict[str, Any]:
    return {
        "id": str(row.id),
        "name": row.name,
        "prefix": row.prefix,
        "person": serializers.person_fields(row.person),
        "role": row.role,
        "scopes": row.scopes,
        "created_at": row.created_at,
        "expires_at": row.expires_at,
        "revoked_at": row.revoked_at,
        "last_used_at": row.last_used_at,
    }


def _activity_entry_schema(row: ActivityEntry) -> s.ActivityEntry:
    who: UUID | None = row.actor_id
    return s.ActivityEntry(
        id=row.id,
        at=row.at,
        actor=names.display_name(row),
        actor_id=str(who) if who else None,
        via=row.via,
        act=row.act,
        subject=row.subject,
        detail=row.detail,
    )
