"""Endpoints: the end of an account or of a workspace."""

from __future__ import annotations

import json

from django.http import HttpRequest
from ninja import Router

from kicau.api.core.authentication import acting
from kicau.api.core.routes import SETTINGS, TOKENS, Id
from kicau.api.schemas import accounts as s
from kicau.erasure import accounts, workspaces

routes = Router()


@routes.get(
    "/people/{person_id}/data",
    response=s.PersonData,
    tags=["Accounts"],
    summary="Export a person's data",
    openapi_extra=TOKENS,
)
def export_person(request: HttpRequest, person_id: Id) -> s.PersonData:
    """Everything that names the person, without secrets. Wants a personal token: your own account, or anybody's for an
    operator with the scope `members`. The activity log says who exported it."""
    by, person = accounts.by_token(acting(request), person_id)
    return s.PersonData(**json.loads(accounts.as_json(accounts.export(by, person, "api"))))


@routes.post(
    "/people/{person_id}/close",
    response={204: None},
    tags=["Accounts"],
    summary="Close an account",
    openapi_extra=TOKENS,
)
def close_person(request: HttpRequest, person_id: Id) -> None:
    """Ends the account's sessions, tokens, memberships, and the invitations and review links that it made. What the person
    wrote stays. Wants a token as for the export. 409 where a workspace or the instance would have no owner."""
    by, person = accounts.by_token(acting(request), person_id)
    accounts.close(by, person, "api")


@routes.post(
    "/people/{person_id}/erase",
    response={204: None},
    tags=["Accounts"],
    summary="Erase an account",
    openapi_extra=TOKENS,
)
def erase_person(request: HttpRequest, person_id: Id, given: s.Erasure) -> None:
    """Closes the account and erases name, address, sign-ins and tokens. Posts stay without an author. You cannot undo it.
    Wants a token as for the export. 409 where a workspace or the instance would have no owner."""
    by, person = accounts.by_token(acting(request), person_id)
    accounts.forget(by, person, "api", confirmation=given.confirmation)


@routes.post(
    "/workspace/delete",
    response=s.WorkspaceDeleted,
    tags=["Workspace"],
    summary="Delete the workspace",
    openapi_extra=SETTINGS,
)
def delete_workspace(request: HttpRequest, given: s.WorkspaceDeletion) -> s.WorkspaceDeleted:
    """For an owner, with a token that has every scope. Queued posts are canceled, channels disconnected, files removed;
    posts that are public stay public. You cannot undo it. 409 while a post is being sent."""
    return s.WorkspaceDeleted(removed=workspaces.delete(acting(request), confirmation=given.confirmation))
