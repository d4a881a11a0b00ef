"""A queue is frozen, and goes on as it was: nothing is lost, nothing goes out late without a person's word."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import transaction

from kicau.base import clock
from kicau.base.errors import Conflict, NotAllowed, ValidationFailed
from kicau.channels import actions as channel_acts
from kicau.channels.models import Channel
from kicau.engine.dispatcher import Capacity
from kicau.offboarding import actions, due_work, impact_preview, restore_network, single_channel
from kicau.offboarding.models import Offboarding
from kicau.offboarding.restore_network import OverdueAction
from kicau.offboarding.tests.conftest import everything, states
from kicau.publishing.calendar import calendar_queries
from kicau.publishing.delivery.delivery_worker import DeliverySource
from kicau.publishing.models import Attempt, Delivery
from kicau.publishing.scheduling import actions as publishing
from kicau.workspaces.models import WebhookEvent
from kicau.workspaces.webhooks import add_webhook

pytestmark = pytest.mark.django_db
FROZEN = ("held", "offboarded")


def test_leaving_at_once_and_going_back_changes_nothing_at_all(actor, channel, posts, member):
    ana, budi = channel("ana"), channel("budi")
    Channel.objects.filter(id=budi.id).update(state="expired", reason="Connect it again.")
    rows = posts("ana", 3) + posts("budi", 2)
    Delivery.objects.filter(id=rows[1].id).update(state="held", hold="confirmation", reason="Read it.")
    Delivery.objects.filter(id=rows[2].id).update(state="failed", reason="Refused.")
    add_webhook(actor, "https://93.184.215.14/hook", ["offboarding.*"])
    first = everything(actor.workspace.id)

    left = actions.announce_offboarding(actor, network="stranger", reason="Too dear")
    assert states(rows) == [FROZEN, FROZEN, ("failed", ""), FROZEN, FROZEN]
    assert {c.state for c in Channel.objects.all()} == {"offboarded"}
    assert "Kicau stopped publishing to" in Delivery.objects.get(id=rows[0].id).reason
    assert actions.announce_offboarding(actor, network="stranger").id == left.id  # a second time changes nothing
    work = DeliverySource(None)
    work.look()
    assert work.claim("w", Capacity({"stranger": 9})) == []
    with pytest.raises(Conflict):
        publishing.retry(actor, rows[0].id)
    with pytest.raises(ValidationFailed, match="not connected"), transaction.atomic():
        posts("ana")
    Offboarding.objects.filter(id=left.id).update(by_operator=True)
    with pytest.raises(Conflict):  # the operator's, and she is none
        restore_network.resume(member("admin"), left.id)
    with pytest.raises(NotAllowed):
        restore_network.resume(member("editor"), left.id)

    told = restore_network.preview_resumption(actor, left.id)
    assert (told.restored, told.overdue, len(told.channels)) == (4, 0, 2)
    restore_network.resume(actor, left.id)
    assert everything(actor.workspace.id) == first
    assert restore_network.resume(actor, left.id).offboarding.state == "resumed"
    assert list(WebhookEvent.objects.order_by("id").values_list("event", flat=True)) == [
        "offboarding.stopped",
        "offboarding.resumed",
    ]
    assert ana.key == "ana"


def test_what_all_that_is_announced_will_stop_is_counted_in_one_statement(
    actor, channel, posts, django_assert_num_queries
):
    channel("ana"), channel("budi")
    posts("ana", 4, hours=1)
    posts("budi", 2, hours=1)
    soon = clock.now() + timedelta(hours=1, minutes=30)
    rows = [
        actions.announce_offboarding(actor, network="stranger", effective_at=soon),
        actions.announce_offboarding(actor, channel="ana", effective_at=soon + timedelta(hours=2)),
        actions.announce_offboarding(actor, channel="budi", effective_at=soon + timedelta(hours=9)),
    ]
    with django_assert_num_queries(1):
        found = impact_preview.affected_counts(actor, rows)
    assert [found.get(row.id, 0) for row in rows] == [4, 1, 0]
    assert [impact_preview.affected_deliveries(actor, row).count() for row in rows] == [4, 1, 0]


def test_by_date_everything_goes_on_until_then_and_nothing_is_accepted_for_later(actor, channel, posts):
    channel("ana")
    rows = posts("ana", 3, hours=1)
    at = clock.now() + timedelta(hours=2, minutes=30)
    left = actions.announce_offboarding(actor, network="stranger", effective_at=at, cause="network")
    assert Channel.objects.get().leaves_at == at
    assert states(rows) == [("scheduled", "")] * 3
    with pytest.raises(ValidationFailed, match="Kicau stops publishing to"):
        publishing.reschedule(actor, rows[0].id, at + timedelta(minutes=1))
    with pytest.raises(ValidationFailed, match="this post is scheduled for a later time"):
        posts("ana", hours=5)
    sooner = actions.announce_offboarding(actor, network="stranger", effective_at=at - timedelta(hours=1))
    assert (sooner.id, Channel.objects.get().leaves_at) == (left.id, at - timedelta(hours=1))
    actions.cancel_offboarding(actor, left.id)
    assert (Channel.objects.get().leaves_at, actions.cancel_offboarding(actor, left.id).state) == (None, "canceled")

    again = actions.announce_offboarding(actor, network="stranger", effective_at=at)
    assert due_work.run_due_work() == 0
    with clock.freeze_clock(at):
        assert (due_work.run_due_work(), due_work.run_due_work()) == (1, 0)
        assert states(rows) == [FROZEN] * 3
    # The claim itself keeps to the moment, to the second, whether or not anybody came round.
    Channel.objects.update(state="active", leaves_at=clock.now() - timedelta(seconds=1))
    Delivery.objects.filter(id=rows[0].id).update(
        state="scheduled", hold="", next_at=clock.now() - timedelta(seconds=9)
    )
    work = DeliverySource(None)
    work.look()
    assert work.claim("w", Capacity({"stranger": 9})) == []
    assert again.network == "stranger"


def test_what_is_past_its_time_waits_for_a_persons_word(actor, channel, posts):
    channel("ana")
    rows = posts("ana", 4, hours=1)
    left = actions.announce_offboarding(actor, network="stranger")
    with clock.freeze_clock(clock.now() + timedelta(hours=3, minutes=30)):
        told = restore_network.preview_resumption(actor, left.id)
        assert (told.restored, told.overdue, told.overdue_first) == (1, 3, rows[0].due_at)
        restore_network.resume(actor, left.id)
        assert states(rows) == [FROZEN] * 3 + [("scheduled", "")]
        late = restore_network.overdue_deliveries(actor, left.id)
        assert {d.reason for d in late} == {restore_network.overdue_reason(left)}
        publishing.cancel(actor, rows[0].id)
        with pytest.raises(ValidationFailed, match="first overdue post"):
            restore_network.decide_overdue(actor, left.id, OverdueAction.SHIFT)
        at = clock.now() + timedelta(days=1)
        assert restore_network.decide_overdue(actor, left.id, OverdueAction.SHIFT, at) == 2
        moved = Delivery.objects.filter(id__in=[rows[1].id, rows[2].id]).order_by("due_at")
        gap = rows[2].due_at - rows[1].due_at
        assert [(d.due_at, d.next_at, d.state) for d in moved] == [(t, t, "scheduled") for t in (at, at + gap)]
        assert restore_network.decide_overdue(actor, left.id, OverdueAction.NOW) == 0
    assert Attempt.objects.filter(outcome="overdue-shift").count() == 2
    for how, state in ((OverdueAction.NOW, "scheduled"), (OverdueAction.CANCEL, "canceled")):
        row = posts("ana", hours=1, text=how)
        left = actions.announce_offboarding(actor, network="stranger")
        with clock.freeze_clock(clock.now() + timedelta(hours=2)):
            restore_network.resume(actor, left.id, overdue=how)
        assert states(row) == [(state, "")]


def test_what_is_being_sent_as_the_door_closes_is_settled_then_frozen(actor, channel, posts):
    channel("ana")
    rows = posts("ana", 3, hours=1)
    now = clock.now()
    begun = {"state": "publishing", "begun_at": now, "worker": "w", "steps": 1, "progress": {"ids": ["1"]}}
    Delivery.objects.filter(id=rows[0].id).update(**begun, lease_until=now + timedelta(seconds=30))
    Delivery.objects.filter(id=rows[1].id).update(**begun, lease_until=now - timedelta(seconds=1))  # its worker died
    left = actions.announce_offboarding(actor, network="stranger")
    assert states(rows) == [("publishing", ""), FROZEN, FROZEN]
    assert Delivery.objects.get(id=rows[1].id).broken_at == now  # looked up before anything else
    assert due_work.run_due_work() == 0
    Delivery.objects.filter(id=rows[0].id).update(begun_at=None, lease_until=None, steps=2)  # one part of two is out
    assert (due_work.run_due_work(), due_work.run_due_work()) == (1, 0)
    assert states(rows) == [FROZEN] * 3
    restore_network.resume(actor, left.id)
    assert states(rows) == [("publishing", ""), ("publishing", ""), ("scheduled", "")]
    fresh = Delivery.objects.get(id=rows[0].id)
    assert (fresh.steps, fresh.progress) == (2, {"ids": ["1"]})


def test_one_channel_takes_the_same_road(actor, channel, posts):
    ana, budi = channel("ana"), channel("budi")
    rows, others = posts("ana", 2), posts("budi", 2)
    channel_acts.disconnect(actor, "ana")
    left = actions.offboardings(actor).get()
    assert (left.cause, left.channel_id, states(rows), states(others)) == (
        "disconnected",
        ana.id,
        [FROZEN] * 2,
        [("scheduled", "")] * 2,
    )
    assert calendar_queries.count_needing_attention(actor) == 0  # what is frozen asks nobody
    with pytest.raises(Conflict, match=r"is not connected. Reconnect this channel to continue publishing"):
        restore_network.resume(actor, left.id)
    whole = actions.announce_offboarding(actor, network="stranger")  # then the whole network is left
    assert states(others) == [FROZEN] * 2

    def reconnect():
        row = Channel.objects.get(id=ana.id)
        before, row.state = row.state, "active"
        row.save()
        single_channel.channel_reconnected(actor, row, before)
        return Channel.objects.get(id=ana.id).state

    assert reconnect() == "offboarded"  # with its network
    with clock.freeze_clock(clock.now() + timedelta(hours=1, minutes=30)):
        restore_network.resume(actor, whole.id)
        assert states(rows + others) == [FROZEN, ("scheduled", "")] * 2
        assert calendar_queries.count_needing_attention(actor) == 2  # past their time: now somebody is asked
    channel_acts.disconnect(actor, "ana")
    assert reconnect() == "active"
    assert states(rows)[1] == ("scheduled", "")

    Channel.objects.filter(id=budi.id).update(state="expired")
    row = Channel.objects.get(id=budi.id)
    Delivery.objects.filter(id=others[1].id).update(due_at=clock.now() - timedelta(hours=2))
    row.state = "active"
    row.save()
    single_channel.channel_reconnected(actor, row, "expired")
    assert states(others)[1] == FROZEN  # two hours late: not by itself
    assert actions.offboardings(actor).first().cause == "lost"
