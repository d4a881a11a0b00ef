"""People, roles and tokens."""

from __future__ import annotations

from datetime import timedelta

import pytest

from kicau.base import clock
from kicau.base.errors import Conflict, NotAllowed, NotFound, ValidationFailed
from kicau.rights.models import ActivityEntry
from kicau.workspaces import actions, api_tokens
from kicau.workspaces.actors import ROLE_PERMISSIONS, Permission
from kicau.workspaces.models import Role, Workspace


def test_a_person_needs_a_real_address_and_a_strong_password(db):
    with pytest.raises(ValidationFailed) as told:
        actions.add_person("nobody", "Nobody")
    assert told.value.problems[0].field == "email"
    with pytest.raises(ValidationFailed) as told:
        actions.add_person("a@b.example", "A", "password")
    assert told.value.problems[0].field == "password"


def test_an_address_is_taken_whatever_its_case(owner):
    with pytest.raises(Conflict):
        actions.add_person("SARI@kopisenja.example", "Other")


def test_a_workspace_needs_a_known_zone(owner):
    with pytest.raises(ValidationFailed) as told:
        actions.create_workspace(owner, "W", timezone="Mars/Olympus")
    assert "Mars/Olympus" in str(told.value)
    assert not Workspace.objects.exists()


@pytest.mark.parametrize("role", list(Role))
def test_roles_allow_what_they_say(member, role):
    someone = member(role)
    for permission in Permission:
        if permission in ROLE_PERMISSIONS[role]:
            someone.require(permission)
        else:
            with pytest.raises(NotAllowed):
                someone.require(permission)


def test_a_contributor_may_write_but_not_publish(member):
    someone = member(Role.CONTRIBUTOR)
    assert someone.may(Permission.WRITE)
    assert not someone.may(Permission.PUBLISH)


def test_an_admin_makes_no_owner_and_removes_none(member, actor, owner):
    admin = member(Role.ADMIN)
    with pytest.raises(NotAllowed):
        actions.set_member_role(admin, admin.person, Role.OWNER)
    with pytest.raises(NotAllowed):
        actions.remove_member(admin, owner)


def test_the_last_owner_stays(actor, owner):
    with pytest.raises(Conflict):
        actions.set_member_role(actor, owner, Role.EDITOR)
    with pytest.raises(Conflict):
        actions.remove_member(actor, owner)


def test_a_token_acts_within_its_scopes_and_is_kept_as_a_digest_only(actor):
    made = api_tokens.create_token(actor, "script", ["read"])
    acting = api_tokens.actor_by_token(made.secret, None)
    assert acting is not None
    assert acting.may(Permission.READ)
    assert not acting.may(Permission.WRITE)
    assert made.secret not in str(made.token.__dict__)


def test_a_token_never_exceeds_its_maker(member):
    with pytest.raises(NotAllowed):
        api_tokens.create_token(member(Role.VIEWER), "t", ["write"])


def test_a_token_loses_what_its_person_loses(member, actor):
    editor = member(Role.EDITOR)
    made = api_tokens.create_token(editor, "t", ["read", "publish"])
    actions.set_member_role(actor, editor.person, Role.VIEWER)
    acting = api_tokens.actor_by_token(made.secret, None)
    assert acting is not None
    assert not acting.may(Permission.PUBLISH)
    actions.remove_member(actor, editor.person)
    assert api_tokens.actor_by_token(made.secret, None) is None


def test_expired_and_revoked_tokens_are_nobody(actor):
    made = api_tokens.create_token(actor, "t", ["read"], days=1)
    with clock.freeze_clock(clock.now() + timedelta(days=2)):
        assert api_tokens.actor_by_token(made.secret, None) is None
    api_tokens.revoke_token(actor, made.token.id)
    assert api_tokens.actor_by_token(made.secret, None) is None


def test_a_workspace_token_reaches_no_other_workspace(actor, owner):
    other = actions.create_workspace(owner, "Other")
    made = api_tokens.create_token(actor, "t", ["read"])
    assert api_tokens.actor_by_token(made.secret, other.id) is None
    personal = api_tokens.create_token(actor, "p", ["read"], personal=True)
    reached = api_tokens.actor_by_token(personal.secret, other.id)
    assert reached is not None
    assert reached.workspace == other


def test_another_workspace_is_not_found(actor, db):
    stranger = actions.add_person("s@else.example", "Stranger")
    with pytest.raises(NotFound):
        actions.actor_for(stranger, actor.workspace.id, "page")


def test_every_act_leaves_a_trace(actor, member):
    before = ActivityEntry.objects.count()
    member(Role.EDITOR)
    assert ActivityEntry.objects.count() > before
