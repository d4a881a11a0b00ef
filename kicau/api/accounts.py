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
    """Returns all data about the person, without secrets. Requires a personal token: for your own account, or as an
    operator with the scope `members` for anyone's. The activity log records the export."""
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
    """Ends the account's sessions, tokens and memberships, and the invitations and review links that it created. Content
    that the person wrote stays. Requires the same token as the export. Returns 409 if a workspace or the server would
    have no owner."""
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
    """Closes the account and erases the name, e-mail address, sign-in methods and tokens. Posts stay without an author. You
    cannot undo this. Requires the same token as the export. Returns 409 if a workspace or the server would have no
    owner."""
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
    """Requires the token of an owner with every scope. Cancels queued posts, disconnects channels and deletes files. Public
    posts stay public on their networks. You cannot undo this. Returns 409 while a post is being published."""
    return s.WorkspaceDeleted(
        removed=workspaces.delete_workspace(authenticated_actor(request), confirmation=given.confirmation)
    )
