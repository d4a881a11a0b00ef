"""Endpoints: the end of an account or of a workspace."""

from __future__ import annotations

import json

from django.http import HttpRequest
from ninja import Router

from kicau.api.core.authentication import authenticated_actor
from kicau.api.core.routes import SETTINGS_SCOPE, TOKENS_SCOPE, UuidPath
from kicau.api.schemas import accounts as s
from kicau.erasure import accounts, workspaces

routes = Router()


@routes.get(
    "/people/{person_id}/data",
    response=s.PersonData,
    tags=["Accounts"],
    summary="Export a person's data",
    openapi_extra=TOKENS_SCOPE,
)
def export_person(request: HttpRequest, person_id: UuidPath) -> s.PersonData:
    """Everything that names the person, without secrets. Wants a personal token: your own account, or anybody's for an
    operator with the scope `members`. The activity log says who exported it."""
    by, person = accounts.people_by_token(authenticated_actor(request), person_id)
    return s.PersonData(**json.loads(accounts.to_json(accounts.export_person_data(by, person, "api"))))


@routes.post(
    "/people/{person_id}/close",
    response={204: None},
    tags=["Accounts"],
    summary="Close an account",
    openapi_extra=TOKENS_SCOPE,
)
def close_person(request: HttpRequest, person_id: UuidPath) -> None:
    """Ends the account's sessions, tokens, memberships, and the invitations and review links that it made. What the person
    wrote stays. Wants a token as for the export. 409 where a workspace or the instance would have no owner."""
    by, person = accounts.people_by_token(authenticated_actor(request), person_id)
    accounts.close_account(by, person, "api")


@routes.post(
    "/people/{person_id}/erase",
    response={204: None},
    tags=["Accounts"],
    summary="Erase an account",
    openapi_extra=TOKENS_SCOPE,
)
def erase_person(request: HttpRequest, person_id: UuidPath, given: s.PersonErasure) -> None:
    """Closes the account and erases name, address, sign-ins and tokens. Posts stay without an author. You cannot undo it.
    Wants a token as for the export. 409 where a workspace or the instance would have no owner."""
    by, person = accounts.people_by_token(authenticated_actor(request), person_id)
    accounts.erase_account(by, person, "api", confirmation=given.confirmation)


@routes.post(
    "/workspace/delete",
    response=s.WorkspaceDeleted,
    tags=["Workspace"],
    summary="Delete the workspace",
    openapi_extra=SETTINGS_SCOPE,
)
def delete_workspace(request: HttpRequest, given: s.WorkspaceDeletion) -> s.WorkspaceDeleted:
    """For an owner, with a token that has every scope. Queued posts are canceled, channels disconnected, files removed;
    posts that are public stay public. You cannot undo it. 409 while a post is being sent."""
    return s.WorkspaceDeleted(
        removed=workspaces.delete_workspace(authenticated_actor(request), confirmation=given.confirmation)
    )
