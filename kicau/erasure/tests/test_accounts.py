"""The end of an account."""

from datetime import timedelta

import pytest
from django.apps import apps
from django.db import connection

from kicau.base import clock
from kicau.base.errors import Conflict, NotAllowed, ValidationFailed
from kicau.channels import actions as channels
from kicau.erasure import accounts, model_ownership
from kicau.publishing.approval import reviews
from kicau.publishing.models import Delivery, Draft
from kicau.publishing.scheduling import actions as publishing
from kicau.rights.models import ActivityEntry
from kicau.workspaces import actions, api_tokens, invitations
from kicau.workspaces.models import BrowserSession, Invitation, Membership, Person, Role
from kicau.workspaces.names import DELETED_PERSON
from kicau.workspaces.session_store import SessionStore


@pytest.fixture
def admin(member):
    return member(Role.ADMIN)


def signed_in(person):
    session = SessionStore()
    session["_auth_user_id"] = str(person.id)
    session.save()
    return session.session_key


def test_closing_ends_sessions_tokens_and_invitations(admin, owner):
    ours, theirs = signed_in(admin.person), signed_in(owner)
    token = api_tokens.create_token(admin, "script", ["read"]).secret
    invitations.invite(admin, "sleeper@kopisenja.example", Role.ADMIN)
    accounts.close_account(owner, admin.person, "cli")
    person = Person.objects.get(id=admin.person.id)
    assert not person.is_active
    assert set(BrowserSession.objects.values_list("session_key", flat=True)) == {theirs}
    assert ours != theirs
    assert api_tokens.actor_by_token(token, None) is None
    assert Invitation.objects.get().revoked_at is not None
    assert not Membership.objects.filter(person=person).exists()


def test_what_was_written_stays_when_its_author_is_erased(admin, owner):
    draft = Draft.objects.create(workspace=admin.workspace, author=admin.person)
    person, name = admin.person, "Rahmat Hidayat"
    actions.update_person(person, name=name)
    who, address = person.id, person.email
    actions.set_member_role(actions.actor_for(owner, admin.workspace.id, "page"), person, Role.EDITOR)
    admin.record("draft.made", draft.id)
    accounts.erase_account(person, person, "page", confirmation=address)
    draft.refresh_from_db()
    assert draft.author is None
    assert not Person.objects.filter(id=who).exists()
    said = {
        actions.names.display_name(row)
        for row in actions.activity_log(actions.actor_for(owner, admin.workspace.id, "page"))
    }
    assert DELETED_PERSON in said
    assert name not in said
    kept = [f"{row.actor} {row.detail}" for row in ActivityEntry.objects.all()]
    assert ActivityEntry.objects.filter(actor_id=who, act="person.erased").exists()
    assert not [text for text in kept if name in text or address in text]


def test_the_last_owner_cannot_go(owner, member, actor):
    heir = member(Role.ADMIN).person
    with pytest.raises(Conflict, match="Kopi Senja"):
        accounts.close_account(owner, owner, "page")
    actions.transfer_ownership(actor, heir)
    with pytest.raises(Conflict, match="the only server administrator"):
        accounts.close_account(owner, owner, "page")
    Person.objects.filter(id=heir.id).update(is_operator=True)
    accounts.close_account(owner, owner, "page")
    assert not Person.objects.get(id=owner.id).is_active


def test_a_closed_owner_is_no_owner_who_could_stay(owner, member, actor):
    other = member(Role.ADMIN).person
    actions.set_member_role(actor, other, Role.OWNER)
    Person.objects.filter(id=other.id).update(is_active=False)
    with pytest.raises(Conflict):
        accounts.close_account(owner, owner, "page")


def test_only_operators_end_others_accounts(admin, owner):
    for act in (
        lambda: accounts.close_account(admin.person, owner, "page"),
        lambda: accounts.export_person_data(admin.person, owner, "page"),
        lambda: accounts.erase_account(admin.person, owner, "page", confirmation=owner.email),
    ):
        with pytest.raises(NotAllowed):
            act()


def test_erasing_needs_the_typed_address(admin, owner):
    with pytest.raises(ValidationFailed):
        accounts.erase_account(owner, admin.person, "cli", confirmation="yes")
    assert Person.objects.filter(id=admin.person.id).exists()


def test_an_export_has_all_that_names_a_person_and_no_secret(admin):
    Draft.objects.create(workspace=admin.workspace, author=admin.person)
    token = api_tokens.create_token(admin, "script", ["read"])
    admin.person.refresh_from_db()
    text = accounts.to_json(accounts.export_person_data(admin.person, admin.person, "page"))
    for wanted in (admin.person.email, "publishing.Draft", "workspaces.Membership", "script", "token.created"):
        assert wanted in text
    for secret in (token.secret, token.token.digest, admin.person.password):
        assert secret not in text


def test_every_model_with_a_plain_id_of_a_workspace_is_decided():
    plain = {
        model._meta.label
        for model in apps.get_models()
        for field in model._meta.fields
        if field.name == "workspace_id" and not field.is_relation
    }
    assert plain <= set(model_ownership.PLAIN_IDS) | model_ownership.KEPT_PLAIN_IDS


def test_no_text_keeps_a_name_that_was_erased(admin, owner, channel, deliveries_of):
    """Whatever a person did before: their name of now and the one of then are in no column of any table."""
    actor = admin
    names = ("Rahmat Hidayat", "Rahmat H. Santoso")
    actions.update_person(actor.person, name=names[0])
    ana, first, second = deliveries_of(actor)
    publishing.cancel(actor, first.id)
    reviews.comment(actor, second.draft_id, "Looks good.")
    actions.update_person(actor.person, name=names[1])
    publishing.cancel(actor, second.id)
    channels.disconnect(actor, ana.id)
    written = [text for text in all_texts() if any(name in text for name in names)]
    assert len(written) > 5
    accounts.erase_account(actor.person, actor.person, "page", confirmation=actor.person.email)
    left = [text for text in all_texts() if any(name in text for name in names)]
    assert not left
    first.refresh_from_db()
    ana.refresh_from_db()
    assert first.reason == f"{DELETED_PERSON} canceled the post."
    assert ana.reason.startswith(f"{DELETED_PERSON} disconnected it on ")


def all_texts() -> list[str]:
    """Every row of every table that belongs to a model, as text."""
    found = []
    with connection.cursor() as cursor:
        for model in apps.get_models():
            cursor.execute(f'SELECT row_to_json(t)::text FROM "{model._meta.db_table}" t')
            found += [f"{model._meta.label} {row[0]}" for row in cursor.fetchall()]
    return found


@pytest.fixture
def deliveries_of(channel):
    def make(actor):
        ana, now = channel("ana"), clock.now()
        rows = [
            Delivery.objects.create(
                workspace=actor.workspace,
                draft=Draft.objects.create(workspace=actor.workspace, author=actor.person),
                channel=ana,
                network="stranger",
                due_at=now + timedelta(days=1),
                next_at=now,
                rendered={},
            )
            for _n in range(2)
        ]
        return ana, *rows

    return make
