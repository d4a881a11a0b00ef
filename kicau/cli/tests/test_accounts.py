"""The end of accounts and workspaces, from the shell."""

import json

import pytest

from kicau.workspaces.actions import add_person, set_member_role
from kicau.workspaces.models import Person, Role, Workspace

pytestmark = pytest.mark.usefixtures("actor")


@pytest.fixture
def budi(actor):
    person = add_person("budi@kopisenja.example", "Budi", "hujan-di-bandung-41", proved=True)
    set_member_role(actor, person, Role.EDITOR)
    return person


def test_an_account_is_exported_closed_and_deleted(kicau, budi):
    said = kicau("users", "export", budi.email)
    assert said.code == 0
    assert json.loads(said.out)["person"]["email"] == budi.email
    assert kicau("users", "close", budi.email).code == 0
    assert not Person.objects.get(id=budi.id).is_active
    assert kicau("users", "erase", budi.email, stdin="no\n").code != 0
    assert Person.objects.filter(id=budi.id).exists()
    assert kicau("users", "erase", budi.email, stdin=f"{budi.email}\n").code == 0
    assert not Person.objects.filter(id=budi.id).exists()


def test_the_only_owner_stays(kicau, owner):
    said = kicau("users", "erase", owner.email, "--confirm", owner.email)
    assert said.code != 0
    assert "Kopi Senja" in said.err
    assert Person.objects.filter(id=owner.id).exists()


def test_others_accounts_are_for_operators(kicau, owner, budi):
    assert kicau("--as", budi.email, "users", "export", owner.email).code == 3
    assert kicau("--as", budi.email, "users", "export", budi.email).code == 0


def test_a_workspace_is_deleted(kicau):
    assert "Kopi Senja" in kicau("workspaces", "list").out
    assert kicau("workspaces", "delete", "Kopi Senja", "--confirm", "Kopi").code != 0
    assert Workspace.objects.exists()
    assert kicau("workspaces", "delete", "Kopi Senja", "--confirm", "Kopi Senja", "--json").code == 0
    assert not Workspace.objects.exists()
