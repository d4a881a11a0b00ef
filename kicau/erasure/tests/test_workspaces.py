"""The end of a workspace."""

from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection

from kicau.base import clock
from kicau.base.errors import Conflict, NotAllowed, ValidationFailed
from kicau.channels.models import Channel, Revocation
from kicau.erasure import model_ownership, workspaces
from kicau.publishing.models import Delivery, DeliveryState, Draft
from kicau.rights.models import ActivityEntry
from kicau.workspaces import actions
from kicau.workspaces.models import Person, Role, Workspace


@pytest.fixture
def queued(actor, channel):
    """A scheduled delivery to ana."""
    now = clock.now()
    return Delivery.objects.create(
        workspace=actor.workspace,
        draft=Draft.objects.create(workspace=actor.workspace, author=actor.person),
        channel=channel("ana"),
        network="stranger",
        due_at=now + timedelta(days=1),
        next_at=now,
        rendered={},
    )


def test_all_of_a_workspace_goes_and_nothing_of_another(
    actor, owner, channel, queued, django_capture_on_commit_callbacks
):
    other = actions.actor_for(owner, actions.create_workspace(owner, "Teh Pagi").id, "cli")
    kept = channel("budi", acting=other)
    file = Path(settings.KICAU_DATA) / "media" / actor.workspace.id.hex / "ab" / "abcd"
    file.parent.mkdir(parents=True)
    file.write_bytes(b"picture")
    with django_capture_on_commit_callbacks(execute=True):
        workspaces.delete_workspace(actor, confirmation="Kopi Senja")
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # no row refers to one that is gone
    assert list(Workspace.objects.values_list("name", flat=True)) == ["Teh Pagi"]
    assert list(Channel.objects.values_list("id", flat=True)) == [kept.id]
    assert [label for label, rows in model_ownership.rows_of_workspace(actor.workspace.id) if rows.exists()] == []
    assert not file.exists()
    assert not file.parent.parent.exists()
    said = ActivityEntry.objects.get(act="workspace.deleted")
    assert said.detail["name"] == "Kopi Senja"
    assert (said.detail["canceled"], said.detail["disconnected"]) == (1, 1)
    assert said.detail["removed"]["publishing.Delivery"] == 1
    assert ActivityEntry.objects.filter(act="delivery.canceled").exists()
    assert Person.objects.filter(id=owner.id).exists()
    assert Revocation.objects.get().workspace_id == actor.workspace.id, (
        "its channel's credentials end at the network, too"
    )


def test_nothing_is_deleted_while_a_post_is_being_sent(actor, queued):
    Delivery.objects.filter(id=queued.id).update(begun_at=clock.now(), state=DeliveryState.SCHEDULED)
    with pytest.raises(Conflict):
        workspaces.delete_workspace(actor, confirmation="Kopi Senja")
    assert Workspace.objects.exists()


@pytest.mark.parametrize("typed", ["", "kopi", "yes"])
def test_a_workspace_is_deleted_by_its_typed_name_alone(actor, typed):
    with pytest.raises(ValidationFailed):
        workspaces.delete_workspace(actor, confirmation=typed)
    assert Workspace.objects.exists()


def test_only_owners_delete_a_workspace(member):
    with pytest.raises(NotAllowed):
        workspaces.delete_workspace(member(Role.ADMIN), confirmation="Kopi Senja")
