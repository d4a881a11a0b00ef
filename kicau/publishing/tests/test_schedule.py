"""Writing, previewing and scheduling: one rendered value, and nothing lost on the way."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, time, timedelta

import pytest
from django.db import OperationalError, connection, transaction
from PIL import Image

from kicau.base import clock
from kicau.base.errors import Conflict, NotAllowed, NotFound, ValidationFailed
from kicau.channels.actions import set_slots
from kicau.channels.models import Channel, Slot
from kicau.connector.content import Media, MediaKind, Poll, Rendered, RenderedMedia, RenderedPart
from kicau.connector.serialization import from_json
from kicau.costs import actions as plans
from kicau.media.actions import add_medium
from kicau.publishing.approval import reviews
from kicau.publishing.content import compositions
from kicau.publishing.content.channel_variants import channel_draft
from kicau.publishing.content.compositions import (
    Composition,
    LinkContent,
    MediumAttachment,
    PartContent,
    VariantContent,
)
from kicau.publishing.models import Delivery, Draft, text_hash
from kicau.publishing.scheduling import actions, schedule, scheduled_posts
from kicau.publishing.scheduling.scheduled_posts import ScheduledPostChange
from kicau.rights.models import ActivityEntry
from kicau.workspaces.actions import actor_for, add_person, create_workspace

SOON = timedelta(hours=1)


def write(actor, *texts, **more):
    made = compositions.create_draft(actor, Composition(parts=tuple(PartContent(text=t) for t in texts), **more))
    return compositions.one_draft(actor, made.id)


def at(**ahead):
    return clock.now() + timedelta(**ahead)


def test_the_preview_is_what_is_stored(actor, channel):
    ana, draft = channel("ana"), write(actor, "satu", "dua")
    shown = schedule.preview_posts(actor, draft, [ana])[0]
    row = schedule.schedule(actor, draft, ["ana"], at(hours=1)).deliveries[0]
    assert from_json(Rendered, Delivery.objects.get(id=row.id).rendered) == shown.rendered
    assert schedule.total_cost([shown]) == {"USD": 30_000}


def test_what_calendars_show_is_what_is_sent(actor, channel):
    channel("ana")
    draft = write(actor, "satu")
    row = schedule.schedule(actor, draft, ["ana"], at(hours=1)).deliveries[0]

    def shown():
        row.refresh_from_db()
        assert row.charges == row.rendered["charges"]
        assert row.text_hash == text_hash(from_json(Rendered, row.rendered))
        return row.head, row.picture

    assert shown() == ("satu", None)
    scheduled_posts.change_post(
        actor,
        draft.id,
        ScheduledPostChange(composition=Composition(parts=(PartContent(text="dua"), PartContent(text="tiga")))),
    )
    assert shown() == ("dua", None)
    actions.cancel(actor, row.id)
    compositions.replace_content(
        actor, compositions.one_draft(actor, draft.id), Composition(parts=(PartContent(text="empat"),))
    )
    actions.retry(actor, row.id)
    assert shown() == ("empat", None)
    kopi = RenderedMedia(media=Media(ref="kopi", kind=MediaKind.IMAGE, mime="image/png", size=9))
    row.show(Rendered(parts=(RenderedPart(text="k" * 200, media=(kopi,), used=200, limit=280),), charges=()))
    assert (row.head, row.picture, row.charges) == ("k" * 160, "kopi", None)


def test_a_problem_on_one_channel_schedules_nothing_and_loses_nothing(actor, channel):
    channel("ana"), channel("budi")
    draft = write(actor, "a" * 90, variants=(VariantContent(channel="budi", parts=(PartContent(text="b" * 101),)),))
    with pytest.raises(ValidationFailed) as told:
        schedule.schedule(actor, draft, ["ana", "budi"], at(hours=1))
    problem = told.value.problems[0]
    assert problem.field == "channels.budi.parts.0.text"
    assert (
        problem.sentence
        == "On Stranger, the text has 101 characters, but the limit is 100. Shorten the text, or split it into a thread (several connected posts)."
    )
    assert not Delivery.objects.exists()
    assert compositions.one_draft(actor, draft.id).variants.count() == 1


WITHOUT_LINKS = '[[list]]\nname = "small"\nsince = 2026-01-02\ncurrency = "USD"\nsource = "ours"\nrefuses = ["post"]\n[list.prices]\nread = 1\n'


def test_what_the_plan_does_not_have_is_said_before_it_is_planned_or_tried_again(actor, channel):
    channel("ana")
    draft = write(actor, "kopi")
    row = schedule.schedule(actor, draft, ["ana"], at(hours=1)).deliveries[0]
    actions.cancel(actor, row.id)
    listed = plans.add_price_list(actor, "stranger", WITHOUT_LINKS)
    said = "Your plan small for Stranger does not include the API usage “post”, which this post needs. Remove the part of the post that needs it, or change your plan with the network."
    for act in (
        lambda: schedule.schedule(actor, write(actor, "lagi"), ["ana"], at(hours=1)),
        lambda: actions.retry(actor, row.id),
    ):
        with pytest.raises(ValidationFailed) as told:
            act()
        assert [(p.code, p.sentence) for p in told.value.problems] == [("not-on-plan", said)]
    assert Delivery.objects.count() == 1
    plans.remove_price_list(actor, listed.id)
    actions.retry(actor, row.id)


def test_a_variant_is_for_its_channel_or_network_only(actor, channel):
    ana, budi = channel("ana"), channel("budi")
    draft = write(
        actor,
        "umum",
        variants=(
            VariantContent(network="stranger", parts=(PartContent(text="jaringan"),)),
            VariantContent(channel="budi", parts=(PartContent(text="budi"),), options={"tone": "quiet"}),
        ),
    )
    assert [p.rendered.parts[0].text for p in schedule.preview_posts(actor, draft, [ana, budi])] == ["jaringan", "budi"]
    assert schedule.render(draft, budi).options == {"tone": "quiet"}


def test_a_link_joins_the_text_where_there_are_no_cards(actor, channel):
    ana = channel("ana")
    draft = write(actor, "baca ini", link=LinkContent(url="https://example.org/a"))
    assert schedule.render(draft, ana).parts[0].text == "baca ini\n\nhttps://example.org/a"


def test_what_a_channel_cannot_do_is_told(actor, channel):
    channel("ana")
    draft = write(actor, "pilih", poll=Poll(options=("a", "b")), options={"stranger.tone": "shrill"})
    with pytest.raises(ValidationFailed) as told:
        schedule.schedule(actor, draft, ["ana"], at(hours=1))
    assert {p.code for p in told.value.problems} == {"no-polls", "bad-option"}


@pytest.mark.parametrize("ahead", [timedelta(minutes=-5), timedelta(days=800)])
def test_a_time_in_the_past_or_far_ahead_is_refused(actor, channel, ahead):
    channel("ana")
    with pytest.raises(ValidationFailed) as told:
        schedule.schedule(actor, write(actor, "a"), ["ana"], clock.now() + ahead)
    assert told.value.problems[0].field == "at"


def test_just_past_means_now(actor, channel):
    channel("ana")
    with clock.freeze_clock(clock.now()):
        row = schedule.schedule(actor, write(actor, "a"), ["ana"], at(seconds=-5)).deliveries[0]
        assert row.due_at == clock.now()


def test_an_unknown_channel_and_a_strangers_channel_are_not_found(actor, channel):
    other = add_person("x@else.example", "X")
    theirs = actor_for(other, create_workspace(other, "Else").id, "cli")
    far = channel("far", theirs)
    for key in ("nobody", "far", str(far.id)):
        with pytest.raises(NotFound):
            schedule.schedule(actor, write(actor, "a"), [key], at(hours=1))


def test_a_contributor_writes_and_submits_but_does_not_schedule(actor, channel, member):
    channel("ana")
    someone = member("contributor")
    draft = write(someone, "usul")
    with pytest.raises(NotAllowed):
        schedule.schedule(someone, draft, ["ana"], at(hours=1))
    assert reviews.submit(someone, draft.id).state == "submitted"


def test_the_same_text_is_warned_of_not_forbidden(actor, channel):
    channel("ana")
    schedule.schedule(actor, write(actor, "Sama  saja"), ["ana"], at(hours=1))
    again = schedule.schedule(actor, write(actor, "sama saja"), ["ana"], at(hours=2))
    assert [n.code for n in again.notices] == ["duplicate"]
    apart = schedule.schedule(actor, write(actor, "sama saja"), ["ana"], at(days=3))
    assert apart.notices == ()


def test_next_free_slot_keeps_the_wall_clock_over_a_change_of_clocks(actor, channel):
    ana = channel("ana")
    set_slots(actor, "ana", [(day, time(9, 0)) for day in range(7)], "Europe/London")
    before = datetime(2027, 3, 27, 12, tzinfo=UTC)  # the night after, clocks go forward
    found = schedule.next_free_slot(actor, ana, after=before)
    assert found == datetime(2027, 3, 28, 8, tzinfo=UTC)
    with clock.freeze_clock(before):
        schedule.schedule(actor, write(actor, "a"), ["ana"], found)
    assert schedule.next_free_slot(actor, ana, after=before) == datetime(2027, 3, 29, 8, tzinfo=UTC)


def test_a_slot_that_clocks_skip_is_passed_over(actor, channel):
    ana = channel("ana")
    set_slots(actor, "ana", [(6, time(1, 30))], "Europe/London")  # Sundays; 2027-03-28 01:30 does not exist
    found = schedule.next_free_slot(actor, ana, after=datetime(2027, 3, 27, 12, tzinfo=UTC))
    assert found == datetime(2027, 4, 4, 0, 30, tzinfo=UTC)


def test_a_channel_without_slots_says_so(actor, channel):
    with pytest.raises(ValidationFailed):
        schedule.next_free_slot(actor, channel("ana"))


def test_editing_renders_what_waits_anew_or_changes_nothing(actor, channel):
    channel("ana")
    draft = write(actor, "lama")
    row = schedule.schedule(actor, draft, ["ana"], at(hours=1)).deliveries[0]
    with pytest.raises(ValidationFailed):
        scheduled_posts.change_post(
            actor, draft.id, ScheduledPostChange(composition=Composition(parts=(PartContent(text="b" * 101),)))
        )
    assert Delivery.objects.get(id=row.id).rendered["parts"][0]["text"] == "lama"
    assert compositions.one_draft(actor, draft.id).parts.first().text == "lama"
    scheduled_posts.change_post(
        actor, draft.id, ScheduledPostChange(composition=Composition(parts=(PartContent(text="baru"),)))
    )
    assert Delivery.objects.get(id=row.id).rendered["parts"][0]["text"] == "baru"


def test_two_editors_are_told_of_each_other(actor, channel):
    draft = write(actor, "a")
    scheduled_posts.change_post(
        actor,
        draft.id,
        ScheduledPostChange(composition=Composition(parts=(PartContent(text="b"),))),
        version=draft.version,
    )
    with pytest.raises(Conflict):
        scheduled_posts.change_post(
            actor,
            draft.id,
            ScheduledPostChange(composition=Composition(parts=(PartContent(text="c"),))),
            version=draft.version,
        )


def test_media_keep_their_order_and_their_own_alt(actor, channel, tmp_path):
    pictures = []
    for n in range(3):
        path = tmp_path / f"{n}.png"
        Image.new("RGB", (10 + n, 10)).save(path)
        pictures.append(add_medium(actor, path, path.name, alt=f"library {n}"))
    draft = compositions.create_draft(
        actor,
        Composition(
            parts=(
                PartContent(
                    text="a",
                    media=(
                        MediumAttachment(medium=pictures[2].id),
                        MediumAttachment(medium=pictures[0].id, alt="here"),
                    ),
                ),
            )
        ),
    )
    given = channel_draft(compositions.one_draft(actor, draft.id), channel("ana")).parts[0].media
    assert [(m.width, m.alt) for m in given] == [(12, "library 2"), (10, "here")]


def test_the_same_file_is_kept_once(actor, tmp_path):
    path = tmp_path / "a.png"
    Image.new("RGB", (5, 5)).save(path)
    assert add_medium(actor, path, "a.png").id == add_medium(actor, path, "b.png").id


def test_parts_and_media_carry_origin_and_permission(actor, channel):
    draft = write(actor, "a", origin="imported", origin_detail="posts.csv row 3", ai_use={"train_gen": "deny"})
    part = draft.parts.first()
    assert (part.origin, part.origin_detail, part.ai_use) == ("imported", "posts.csv row 3", {"train_gen": "deny"})
    with pytest.raises(ValidationFailed):
        write(actor, "a", ai_use={"sell": "allow"})


def test_a_draft_is_copied_whole(actor, channel):
    channel("budi")
    draft = write(
        actor,
        "satu",
        "dua",
        poll=Poll(options=("a", "b")),
        tags=("x",),
        campaign="Senja",
        variants=(VariantContent(channel="budi", parts=(PartContent(text="b"),)),),
    )
    copy = compositions.one_draft(actor, actions.duplicate(actor, draft.id).id)
    assert copy.id != draft.id
    assert (compositions.composition_of(copy).parts, copy.tags, copy.campaign, copy.variants.count()) == (
        compositions.composition_of(draft).parts,
        ["x"],
        draft.campaign,
        1,
    )


def test_a_reference_is_taken_once(actor):
    write(actor, "a", ref="r1")
    with pytest.raises(Conflict):
        write(actor, "b", ref="r1")
    assert Draft.objects.count() == 1


def test_every_act_is_in_the_trail(actor, channel):
    channel("ana")
    row = schedule.schedule(actor, write(actor, "a"), ["ana"], at(hours=1)).deliveries[0]
    actions.cancel(actor, row.id)
    actions.retry(actor, row.id)
    trail = set(ActivityEntry.objects.filter(workspace_id=actor.workspace.id).values_list("act", flat=True))
    assert {"draft.created", "delivery.scheduled", "delivery.canceled", "delivery.retried"} <= trail


# Slots


@pytest.fixture
def slots(actor, channel):
    """A channel with two weekly slots."""
    ana = channel("ana")
    for weekday in (0, 3):
        Slot.objects.create(channel=ana, weekday=weekday, time=time(9), timezone="UTC")
    return ana


def test_a_slot_that_another_took_meanwhile_is_not_taken_twice(actor, slots, monkeypatch):
    def one(text: str) -> Delivery:
        draft = compositions.create_draft(actor, Composition(parts=(PartContent(text=text),)))
        wanted = schedule.ScheduleRequest(draft=compositions.one_draft(actor, draft.id), channels=[slots], due_at=None)
        return schedule.schedule_many(actor, [wanted]).deliveries[0]

    convert, others = schedule.convert_media, list[Delivery]()

    def slow(rows):
        if not others:  # while the first one's pictures are converted, somebody else schedules a post
            others.append(Delivery())
            others[:] = [one("kedua")]
        return convert(rows)

    monkeypatch.setattr(schedule, "convert_media", slow)
    first = one("pertama")
    assert first.due_at != others[0].due_at
    assert {first.due_at, others[0].due_at} == {d.due_at for d in Delivery.objects.all()}
    assert first.next_at == first.due_at


def test_posts_of_one_request_take_a_slot_each(actor, slots):
    drafts = [compositions.create_draft(actor, Composition(parts=(PartContent(text=text),))) for text in ("a", "b")]
    wanted = [
        schedule.ScheduleRequest(draft=compositions.one_draft(actor, draft.id), channels=[slots], due_at=None)
        for draft in drafts
    ]
    rows = schedule.schedule_many(actor, wanted).deliveries
    assert len({row.due_at for row in rows}) == 2
    moved = actions.reschedule(actor, rows[0].id, None)
    assert moved.due_at not in {rows[0].due_at, rows[1].due_at}


@pytest.mark.django_db(transaction=True)
def test_until_a_slot_is_used_nobody_else_takes_one_of_its_channel(actor, slots):
    def blocked() -> bool:
        try:
            with transaction.atomic():
                list(Channel.objects.select_for_update(nowait=True, no_key=True).filter(id=slots.id))
        except OperationalError:
            return True
        finally:
            connection.close()
        return False

    with ThreadPoolExecutor(1) as elsewhere:
        with transaction.atomic():
            schedule.take_next_slot(actor, slots)
            assert elsewhere.submit(blocked).result()
        assert not elsewhere.submit(blocked).result()
