"""The end of an account or a workspace, by a program."""

from __future__ import annotations

import pytest

from kicau.api.tests.conftest import Caller
from kicau.rights.models import ActivityEntry
from kicau.workspaces.actions import actor_for, create_workspace
from kicau.workspaces.actors import Permission
from kicau.workspaces.api_tokens import create_token
from kicau.workspaces.models import Person, Role, Workspace


def personal(actor, *scopes: str) -> Caller:
    return Caller(create_token(actor, "own", scopes or list(Permission), personal=True).secret)


def test_somebody_exports_and_erases_their_own_account(actor, member):
    editor = member(Role.EDITOR)
    me = personal(editor, "read", "tokens")
    data = me.get(f"/people/{editor.person.id}/data").json()
    assert data["person"]["email"] == editor.person.email
    assert data["data"]["workspaces.Membership"][0]["role"] == "editor"
    wrong = me.post(f"/people/{editor.person.id}/erase", {"confirmation": "yes"})
    assert (wrong.status_code, wrong.json()["errors"][0]["field"]) == (422, "confirmation")
    done = me.post(f"/people/{editor.person.id}/erase", {"confirmation": editor.person.email})
    assert done.status_code == 204, done.content
    assert not Person.objects.filter(id=editor.person.id).exists()
    assert ActivityEntry.objects.get(act="person.erased").via == "api"
    assert me.get("/me").status_code == 401


def test_an_operator_closes_somebody_elses_account_and_nobody_else_does(owner, actor, member):
    editor, admin = member(Role.EDITOR).person, member(Role.ADMIN)
    address = f"/people/{editor.id}/close"
    assert personal(admin).post(address).status_code == 404  # who is no operator does not learn who is here
    assert personal(actor, "read", "tokens").post(address).status_code == 403
    Person.objects.filter(id=owner.id).update(is_operator=True)
    assert (
        personal(actor_for(Person.objects.get(id=owner.id), actor.workspace.id, "page")).post(address).status_code
        == 204
    )
    assert not Person.objects.get(id=editor.id).is_active


def test_the_only_owner_cannot_close_their_account(actor):
    answer = personal(actor).post(f"/people/{actor.person.id}/close")
    assert answer.status_code == 409
    assert "owner" in answer.json()["detail"]


@pytest.mark.parametrize("path", ["data", "close", "erase"])
def test_a_token_of_one_workspace_reaches_no_account(actor, path):
    one = Caller(create_token(actor, "one", list(Permission)).secret)
    body = {"confirmation": actor.person.email}
    answer = (
        one.get(f"/people/{actor.person.id}/data")
        if path == "data"
        else one.post(f"/people/{actor.person.id}/{path}", body if path == "erase" else None)
    )
    assert answer.status_code == 403
    assert "personal API token" in answer.json()["detail"]


def test_an_owner_deletes_a_workspace_once(owner, actor):
    made = actor_for(owner, create_workspace(owner, "Warung Lama").id, "page")
    few = Caller(create_token(made, "few", ["read", "settings"]).secret)
    assert few.post("/workspace/delete", {"confirmation": "Warung Lama"}).status_code == 403
    every = Caller(create_token(made, "every", list(Permission)).secret)
    assert every.post("/workspace/delete", {"confirmation": "Warung"}).status_code == 422
    answer = every.ask("POST", "/workspace/delete", {"confirmation": "Warung Lama"}, **{"Idempotency-Key": "end-1"})
    assert answer.status_code == 200, answer.content
    assert answer.json()["removed"]["workspaces.Membership"] == 1
    assert list(Workspace.objects.all()) == [actor.workspace]
    assert ActivityEntry.objects.get(act="workspace.deleted").via == "api"
