"""One's own account, with and without a workspace, and the end of a workspace."""

import pytest
from django.test import Client

from kicau.workspaces import actions
from kicau.workspaces.models import Person, Role, Workspace

PASSWORD = "hujan-di-bandung-41"


@pytest.fixture
def outsider(member, actor):
    """A browser of somebody who was removed from their only workspace."""
    person = member(Role.EDITOR).person
    actions.remove_member(actor, person)
    client = Client()
    assert client.post("/sign-in", {"email": person.email, "password": PASSWORD}).status_code == 302
    return client, person


def test_who_has_no_workspace_can_download_change_their_password_and_delete(outsider):
    client, person = outsider
    assert b"/settings/account" in client.get("/workspace/none").content
    said = client.post("/settings/account", {"do": "download"})
    assert said.json()["person"]["email"] == person.email
    assert "no-store" in said["Cache-Control"]
    new = "angin-di-padang-52"
    assert client.post("/settings/account", {"do": "password", "present": "wrong", "password": new}).status_code == 422
    assert client.post("/settings/account", {"do": "password", "present": PASSWORD, "password": new}).status_code == 302
    wrong = {"do": "delete", "present": new, "confirmation": "yes"}
    assert client.post("/settings/account", wrong).status_code == 422
    gone = client.post("/settings/account", wrong | {"confirmation": person.email})
    assert gone.status_code == 302
    assert "storage" in gone["Clear-Site-Data"]
    assert not Person.objects.filter(id=person.id).exists()
    assert client.get("/settings/account")["Location"].startswith("/sign-in")


def test_the_only_owner_is_told_what_to_do_first(owner, actor):
    client = Client()
    client.force_login(owner)
    said = client.post("/settings/account", {"do": "delete", "present": PASSWORD, "confirmation": owner.email})
    assert said.status_code == 422
    assert b"Kopi Senja" in said.content
    assert Person.objects.filter(id=owner.id).exists()


def test_an_owner_deletes_the_workspace_by_its_typed_name(owner, actor):
    client = Client()
    client.force_login(owner)
    assert b"/settings/workspace/delete" in client.get("/settings").content
    client.post("/settings/workspace/delete", {"confirmation": "kopi"})
    assert Workspace.objects.exists()
    assert client.post("/settings/workspace/delete", {"confirmation": "Kopi Senja"}).status_code == 302
    assert not Workspace.objects.exists()


def test_signing_out_clears_what_the_browser_kept(owner, actor):
    client = Client()
    client.force_login(owner)
    assert client.post("/sign-out")["Clear-Site-Data"] == '"cache", "storage"'


@pytest.mark.parametrize("role", [Role.ADMIN, Role.EDITOR, Role.VIEWER])
def test_others_are_not_offered_to_delete_the_workspace(member, role):
    client = Client()
    client.force_login(member(role).person)
    assert b"/settings/workspace/delete" not in client.get("/settings").content
    client.post("/settings/workspace/delete", {"confirmation": "Kopi Senja"})
    assert Workspace.objects.exists()
