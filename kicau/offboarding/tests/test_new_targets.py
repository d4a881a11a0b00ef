"""New targets: each post anew for them, problems told, one decision for many; and back as if it had never been."""

from __future__ import annotations

from datetime import timedelta

import pytest

from kicau.base import clock
from kicau.base.errors import Conflict, ValidationFailed
from kicau.connector import registry
from kicau.offboarding import actions, jobs, new_targets, restore_network
from kicau.offboarding.models import OffboardingJob
from kicau.offboarding.new_targets import OverdueRetargetAction, RetargetDecision
from kicau.offboarding.tests.conftest import everything, states
from kicau.publishing.content import compositions
from kicau.publishing.models import Delivery
from kicau.publishing.scheduling import schedule
from kicau.workspaces.models import WebhookEvent
from kicau.workspaces.webhooks import add_webhook

pytestmark = pytest.mark.django_db


@pytest.fixture
def narrow(channel, monkeypatch):
    """A second network, which takes 20 characters and wants each post confirmed."""
    from dataclasses import replace
    from importlib.metadata import EntryPoint

    from kicau.channels.actions import register_app
    from tests.stranger.connector import Stranger

    connector = Stranger()
    connector.slug, connector.label = "narrow", "Narrow"
    connector.baseline = replace(Stranger.baseline, max_length=20, needs_confirmation=True)
    points = dict(registry._entry_points()) | {"narrow": EntryPoint("narrow", "x:y", registry.ENTRY_POINT_GROUP)}
    monkeypatch.setattr(registry, "_entry_points", lambda: points)
    original = registry.get_connector
    monkeypatch.setattr(registry, "get_connector", lambda slug: connector if slug == "narrow" else original(slug))

    def make(key: str):
        made = channel(key)
        made.app = register_app("narrow", "app", "secret", endpoints={}, is_sandbox=True)
        made.network = "narrow"
        made.save()
        return made

    return make


def test_one_decision_for_many_and_back(actor, channel, posts, narrow, monkeypatch):
    monkeypatch.setattr(new_targets, "RETARGET_BATCH_SIZE", 2)
    channel("ana")
    new, other = narrow("new"), narrow("other")
    rows = posts("ana", 4, text="Kopi") + posts("ana", 1, text="A text that is too long for the new one", hours=9)
    half, lost = posts("ana", 2, text="Separuh", hours=20)
    Delivery.objects.filter(id=half.id).update(progress={"ids": ["1"]}, steps=1)
    Delivery.objects.filter(id=lost.id).update(broken_at=clock.now())
    schedule.schedule(actor, compositions.one_draft(actor, rows[3].draft_id), ["new"], rows[3].due_at)
    add_webhook(actor, "https://93.184.215.14/hook", ["offboarding.retargeted", "delivery.canceled"])
    first = everything(actor.workspace.id)
    left = actions.announce_offboarding(actor, network="stranger")

    assert [s.channel.key for s in new_targets.target_suggestions(actor, left)] == ["other", "new"]
    assert new_targets.target_suggestions(actor, left)[1].already == 1
    for bad in (
        RetargetDecision(channels=()),
        RetargetDecision(channels=("ana",)),
        RetargetDecision(channels=("new",), overdue=OverdueRetargetAction.SHIFT),
    ):
        with pytest.raises(ValidationFailed):
            jobs.request_retarget(actor, left.id, bad)
    decision = RetargetDecision(channels=("new",))
    told = new_targets.preview_retarget(actor, left.id, decision, most=1)
    assert (told.posts, told.fits, told.already, told.unconfirmed, len(told.obstacles)) == (7, 3, 1, 3, 1)
    assert dict(told.codes) == {("new", "too-long"): 1, ("new", "partly-out"): 1, ("new", "outcome-unknown"): 1}
    assert told.obstacles[0].problems[0].code == "too-long"

    job = jobs.request_retarget(actor, left.id, decision)
    assert jobs.request_retarget(actor, left.id, decision).id == job.id
    with pytest.raises(Conflict):
        jobs.request_retarget(actor, left.id, RetargetDecision(channels=("other",)))
    broke_off = []
    original = schedule.schedule_many

    def breaks(*args, **how):
        broke_off.append(1)
        if len(broke_off) == 2:
            raise KeyboardInterrupt  # the machine stops in the middle
        return original(*args, **how)

    monkeypatch.setattr(schedule, "schedule_many", breaks)
    with pytest.raises(KeyboardInterrupt):
        jobs.run_job()
    assert Delivery.objects.filter(channel=new).count() == 3
    OffboardingJob.objects.filter(id=job.id).update(lease_until=clock.now() - timedelta(seconds=1))
    assert jobs.run_job() == 1
    job = jobs.one_job(actor, job.id)
    assert (job.state, job.result["made"], job.result["already"], job.done) == ("done", 1, 3, 7)
    made = Delivery.objects.filter(channel=new)
    assert sorted(d.due_at for d in made) == [r.due_at for r in rows[:4]]
    assert new_targets.retarget_progress(left) == {"waiting": 7, "replaced": 3}
    assert states(rows)[0] == ("held", "offboarded")  # and where it was, it still waits

    Delivery.objects.filter(channel=new, draft=rows[0].draft_id).update(state="published", steps=1)
    told = restore_network.preview_resumption(actor, left.id)
    assert (told.replaced, told.replaced_published, told.restored) == (2, 1, 7)
    restore_network.resume(actor, left.id)
    after = everything(actor.workspace.id)
    out = Delivery.objects.get(channel=new, draft=rows[0].draft_id)  # what is out stays told; all else is as it was
    assert after.pop(("publishing.Delivery", out.id))["state"] == "published"
    assert after == first
    assert (
        list(WebhookEvent.objects.order_by("id").values_list("event", flat=True))
        == ["offboarding.retargeted"] + ["delivery.canceled"] * 2
    )
    with pytest.raises(Conflict):
        new_targets.retarget(actor, left.id, decision)
    assert other.key == "other"


def test_posts_whose_time_has_passed_go_elsewhere_only_as_it_is_said(actor, channel, posts, narrow):
    channel("ana")
    new = narrow("new")
    rows = posts("ana", 3)
    left = actions.announce_offboarding(actor, network="stranger")
    with clock.freeze_clock(clock.now() + timedelta(hours=2, minutes=30)):
        told = new_targets.preview_retarget(actor, left.id, RetargetDecision(channels=("new",)))
        assert (told.fits, told.overdue) == (1, 2)
        at = clock.now() + timedelta(days=1)
        told = new_targets.retarget(
            actor, left.id, RetargetDecision(channels=("new",), overdue=OverdueRetargetAction.SHIFT, first_at=at)
        )
        assert (told.fits, told.overdue) == (3, 0)
        assert sorted(d.due_at for d in Delivery.objects.filter(channel=new)) == [
            rows[2].due_at,
            at,
            at + (rows[1].due_at - rows[0].due_at),
        ]
        restore_network.resume(actor, left.id, keep_replaced=True)
        assert Delivery.objects.filter(channel=new).count() == 3
