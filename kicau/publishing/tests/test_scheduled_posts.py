"""Changing a scheduled post: content, time, channels and confirmation, all of it or nothing."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection

from kicau.base import clock
from kicau.base.errors import Conflict, NotAllowed, ValidationFailed
from kicau.channels.actions import register_app, set_slots
from kicau.channels.channel_session import to_stored
from kicau.channels.models import Channel
from kicau.connector import registry
from kicau.connector.session import Credentials
from kicau.notifications.models import Notification
from kicau.publishing.content import compositions
from kicau.publishing.content.compositions import Composition, PartContent, VariantContent
from kicau.publishing.models import Delivery, DeliveryState, HoldReason
from kicau.publishing.scheduling import actions, schedule, scheduled_posts
from kicau.publishing.scheduling.scheduled_posts import ScheduledPostChange, change_post


def content(text: str, **more: Any) -> Composition:
    return Composition(parts=(PartContent(text=text),), **more)


def later(**ahead: float):
    return clock.now() + timedelta(**ahead)


@pytest.fixture
def scheduled(actor, channel):
    """A post that is scheduled on channels of the stranger's network, in one hour: scheduled("ana", "budi")."""

    def make(*keys: str, text: str = "Kopi", **more: Any) -> list[Delivery]:
        for key in keys:
            if not Channel.objects.filter(key=key).exists():
                channel(key)
        draft = compositions.one_draft(actor, compositions.create_draft(actor, content(text, **more)).id)
        return list(schedule.schedule(actor, draft, keys, later(hours=1), timezone="Asia/Jakarta").deliveries)

    return make


@pytest.fixture
def confirming(workspace) -> Channel:
    """A channel whose network wants each post confirmed by a person."""
    slug = next(s for s in registry.installed_slugs() if registry.get_connector(s).baseline.needs_confirmation)
    return Channel.objects.create(
        workspace=workspace,
        network=slug,
        app=register_app(slug, "id", "secret"),
        key="asks",
        account_id="1",
        handle="kopi",
        name="Kopi",
        credentials=to_stored(Credentials(access_token="none")),
    )


def confirmed_post(actor, *keys: str, confirm: bool = True) -> list[Delivery]:
    draft = compositions.one_draft(actor, compositions.create_draft(actor, content("Kopi")).id)
    return list(schedule.schedule(actor, draft, keys, later(hours=1), confirm=confirm).deliveries)


def text_of(row: Delivery) -> str:
    row.refresh_from_db()
    return row.rendered["parts"][0]["text"]


def test_content_and_time_change_together_on_every_channel_that_waits(actor, scheduled):
    ana, budi = scheduled("ana", "budi")
    due = later(days=3)
    done = change_post(actor, ana.draft_id, ScheduledPostChange(composition=content("Teh"), due_at=due, timezone="UTC"))
    assert {row.id for row in done.moved} == {ana.id, budi.id}
    assert [text_of(row) for row in (ana, budi)] == ["Teh", "Teh"]
    assert {(row.due_at, row.timezone) for row in (ana, budi)} == {(due, "UTC")}
    assert Delivery.objects.count() == 2, "saving makes no second set"
    assert actions.attempt_log(actor, ana)[-1].outcome == "moved"


def test_what_is_left_out_stays(actor, scheduled):
    (row,) = scheduled("ana")
    due = row.due_at
    change_post(actor, row.draft_id, ScheduledPostChange(composition=content("Teh")))
    assert (text_of(row), row.due_at, row.timezone) == ("Teh", due, "Asia/Jakarta")
    change_post(actor, row.draft_id, ScheduledPostChange(due_at=later(days=1)))
    assert text_of(row) == "Teh"


@pytest.mark.parametrize(
    ("wanted", "field"),
    [
        (ScheduledPostChange(composition=content("b" * 101), due_at=later(days=400)), "channels.ana.parts.0.text"),
        (ScheduledPostChange(composition=content("Teh"), due_at=later(days=-1)), "at"),
        (ScheduledPostChange(composition=content("Teh"), due_at=later(days=900)), "at"),
    ],
)
def test_a_problem_changes_nothing(actor, scheduled, wanted, field):
    ana, _ = scheduled("ana", "budi")
    before = Delivery.objects.values_list("id", "due_at", "rendered", "changed_at")
    kept = list(before)
    with pytest.raises(ValidationFailed) as refused:
        change_post(actor, ana.draft_id, wanted)
    assert refused.value.problems[0].field == field
    assert list(before.all()) == kept
    assert compositions.one_draft(actor, ana.draft_id).parts.get().text == "Kopi"


@pytest.mark.parametrize(
    "begun",
    [
        {"state": DeliveryState.PUBLISHED},
        {"begun_at": clock.now()},
        {"state": DeliveryState.UNKNOWN, "broken_at": clock.now()},
        {"state": DeliveryState.PUBLISHING, "steps": 1, "due_at": later(hours=-1)},
    ],
)
def test_what_has_begun_stays_and_is_named(actor, scheduled, begun):
    ana, budi = scheduled("ana", "budi")
    Delivery.objects.filter(id=ana.id).update(**begun)
    ana.refresh_from_db()
    before = ana.due_at
    done = change_post(actor, ana.draft_id, ScheduledPostChange(composition=content("Teh"), due_at=later(days=3)))
    assert [row.channel.key for row in done.begun] == ["ana"]
    assert [row.channel.key for row in done.changed] == ["budi"]
    assert (text_of(ana), ana.due_at, text_of(budi)) == ("Kopi", before, "Teh")


def test_where_all_has_begun_a_new_time_is_refused_and_new_content_is_kept(actor, scheduled):
    (row,) = scheduled("ana")
    Delivery.objects.update(state=DeliveryState.PUBLISHED)
    with pytest.raises(Conflict, match="publish the post again"):
        change_post(actor, row.draft_id, ScheduledPostChange(due_at=later(days=3)))
    assert [r.id for r in change_post(actor, row.draft_id, ScheduledPostChange(composition=content("Teh"))).begun] == [
        row.id
    ]
    assert text_of(row) == "Kopi"


def test_a_failed_delivery_goes_out_at_its_new_time(actor, scheduled):
    (row,) = scheduled("ana")
    Delivery.objects.update(state=DeliveryState.FAILED, reason="Refused.", tries=3)
    change_post(actor, row.draft_id, ScheduledPostChange(composition=content("Teh")))
    row.refresh_from_db()
    assert row.state == DeliveryState.FAILED, "without a new time it waits for a person"
    due = later(days=3)
    change_post(actor, row.draft_id, ScheduledPostChange(due_at=due))
    row.refresh_from_db()
    assert (row.state, row.due_at, row.reason, row.tries) == (DeliveryState.SCHEDULED, due, "", 0)


def test_channels_are_added_and_removed(actor, scheduled, channel):
    ana, budi = scheduled("ana", "budi")
    channel("citra")
    done = change_post(actor, ana.draft_id, ScheduledPostChange(add=("citra",), remove=("budi",)))
    assert [row.channel.key for row in done.added] == ["citra"]
    assert done.added[0].due_at == ana.due_at
    budi.refresh_from_db()
    assert budi.state == DeliveryState.CANCELED
    for wrong in (ScheduledPostChange(add=("ana",)), ScheduledPostChange(remove=("budi",))):
        with pytest.raises(ValidationFailed):
            change_post(actor, ana.draft_id, wrong)
    change_post(actor, ana.draft_id, ScheduledPostChange(add=("budi",)))
    assert Delivery.objects.filter(channel__key="budi", state=DeliveryState.SCHEDULED).count() == 1


def test_each_channel_takes_its_own_next_slot(actor, scheduled):
    ana, budi = scheduled("ana", "budi")
    local = later(days=2)
    for n, row in enumerate((ana, budi)):
        at = (local + timedelta(days=n)).replace(minute=0, second=0, microsecond=0)
        set_slots(actor, row.channel.key, [(at.weekday(), at.time())], timezone="UTC")
    change_post(actor, ana.draft_id, ScheduledPostChange(next_slot=True))
    for row in (ana, budi):
        row.refresh_from_db()
    assert budi.due_at - ana.due_at == timedelta(days=1)


def test_somebody_elses_change_is_not_overwritten_and_a_contributor_changes_nothing_that_waits(
    actor, member, scheduled
):
    (row,) = scheduled("ana")
    version = compositions.one_draft(actor, row.draft_id).version
    change_post(actor, row.draft_id, ScheduledPostChange(composition=content("Teh")), version=version)
    with pytest.raises(Conflict):
        change_post(actor, row.draft_id, ScheduledPostChange(composition=content("Susu")), version=version)
    with pytest.raises(NotAllowed):
        change_post(member("contributor"), row.draft_id, ScheduledPostChange(composition=content("Susu")))
    assert text_of(row) == "Teh"


def test_an_unscheduled_post_has_no_time_to_change(actor):
    draft = compositions.create_draft(actor, content("Kopi"))
    with pytest.raises(Conflict, match="not scheduled"):
        change_post(actor, draft.id, ScheduledPostChange(due_at=later(days=1)))


# Confirmations


def test_a_confirmation_is_kept_where_the_confirmed_content_stays(actor, member, confirming, channel):
    channel("ana")
    own = (VariantContent(network="stranger", parts=(PartContent(text="Only here"),)),)
    asks, ana = confirmed_post(actor, "asks", "ana")
    given = (asks.confirmed_by_id, asks.confirmed_at)
    change_post(
        member("editor"),
        asks.draft_id,
        ScheduledPostChange(composition=content("Kopi", variants=own), due_at=later(days=3)),
    )
    assert text_of(ana) == "Only here"
    asks.refresh_from_db()
    assert (asks.state, asks.confirmed_by_id, asks.confirmed_at) == (DeliveryState.SCHEDULED, *given)


def test_changed_content_asks_for_a_new_confirmation_and_never_drops_it_silently(actor, confirming):
    (row,) = confirmed_post(actor, "asks")
    with pytest.raises(ValidationFailed) as asked:
        change_post(actor, row.draft_id, ScheduledPostChange(composition=content("Teh")))
    (problem,) = asked.value.problems
    assert (problem.code, problem.field) == (scheduled_posts.CONFIRM_AGAIN_CODE, "confirm")
    assert problem.params["who"] == str(actor.person)
    assert text_of(row) == "Kopi"
    assert row.confirmed_at

    before = row.confirmed_at
    change_post(actor, row.draft_id, ScheduledPostChange(composition=content("Teh"), confirm=True))
    assert (text_of(row), row.state) == ("Teh", DeliveryState.SCHEDULED)
    assert row.confirmed_at > before

    done = change_post(actor, row.draft_id, ScheduledPostChange(composition=content("Susu"), confirm=False))
    assert [r.id for r in done.unconfirmed] == [row.id]
    assert text_of(row) == "Susu"
    assert (row.state, row.hold, row.confirmed_at) == (DeliveryState.HELD, HoldReason.CONFIRMATION, None)
    assert Notification.objects.filter(event="delivery.confirm").exists(), "the bell says it, too"

    change_post(actor, row.draft_id, ScheduledPostChange(due_at=later(days=2), confirm=True))
    row.refresh_from_db()
    assert (row.state, row.hold, row.confirmed_by) == (DeliveryState.SCHEDULED, "", actor.person)


def test_a_post_that_nobody_confirmed_yet_asks_nothing_more(actor, confirming):
    (row,) = confirmed_post(actor, "asks", confirm=False)
    change_post(actor, row.draft_id, ScheduledPostChange(composition=content("Teh")))
    assert text_of(row) == "Teh"
    assert row.hold == HoldReason.CONFIRMATION


# Publishing again


def test_a_second_set_is_made_only_on_purpose(actor, scheduled):
    (row,) = scheduled("ana")
    draft = compositions.one_draft(actor, row.draft_id)
    with pytest.raises(Conflict, match="already scheduled on ana"):
        schedule.schedule(actor, draft, ["ana"], later(days=1))
    assert Delivery.objects.count() == 1
    schedule.schedule(actor, draft, ["ana"], later(days=1), again=True)
    assert Delivery.objects.count() == 2


def test_what_was_canceled_may_be_scheduled_once_more(actor, scheduled):
    (row,) = scheduled("ana")
    actions.cancel(actor, row.id)
    schedule.schedule(actor, compositions.one_draft(actor, row.draft_id), ["ana"], later(days=1))


@pytest.mark.django_db(transaction=True)
def test_of_two_presses_at_once_one_schedules(actor, channel):
    channel("ana")
    draft = compositions.one_draft(actor, compositions.create_draft(actor, content("Kopi")).id)
    due, together, refused = later(hours=1), threading.Barrier(2), []

    def press() -> None:
        try:
            together.wait(10)
            schedule.schedule(actor, draft, ["ana"], due)
        except Conflict as exc:
            refused.append(exc)
        finally:
            connection.close()

    hands = [threading.Thread(target=press) for _ in range(2)]
    for hand in hands:
        hand.start()
    for hand in hands:
        hand.join(30)
    assert (Delivery.objects.count(), len(refused)) == (1, 1)
