"""Approval among the team, and by a client's link."""

from __future__ import annotations

from datetime import timedelta

import pytest

from kicau.base import clock
from kicau.base.errors import Conflict, NotAllowed, NotFound, ValidationFailed
from kicau.notifications.models import Notification
from kicau.publishing.approval import review_links, reviews
from kicau.publishing.content import autosave, compositions
from kicau.publishing.models import Delivery, Review, ReviewLink
from kicau.publishing.scheduling import actions
from kicau.rights.models import ActivityEntry


def written(text: str = "Beans from Gayo\nare here today") -> compositions.Composition:
    return compositions.Composition(
        parts=(compositions.PartContent(text=text), compositions.PartContent(text="More tomorrow"))
    )


@pytest.fixture
def team(member, channel):
    channel("ana")
    return member("contributor"), member("editor")


@pytest.fixture
def draft(team):
    made = compositions.create_draft(team[0], written())
    desk = {"channels": ["ana"], "when": "at", "date": f"{clock.now() + timedelta(days=1):%Y-%m-%d}", "time": "09:00"}
    return autosave.autosave(team[0], made.id, written(), desk=desk)


def test_submitted_commented_sent_back_mended_approved_and_scheduled(team, draft):
    writer, editor = team
    for act in (lambda: reviews.approve(writer, draft.id), lambda: reviews.send_back(writer, draft.id, "x")):
        with pytest.raises(NotAllowed):
            act()
    with pytest.raises(Conflict):
        reviews.send_back(editor, draft.id, "nobody asked")
    reviews.submit(writer, draft.id)
    with pytest.raises(Conflict, match="You can submit only a draft for approval, but this post is already submitted"):
        reviews.submit(writer, draft.id)
    with pytest.raises(ValidationFailed, match="To return this post, write what its author has"):
        reviews.send_back(editor, draft.id, " ")
    said = reviews.comment(editor, draft.id, "Which beans?", quote="Gayo are  here")
    assert (said.part, said.quote) == (0, "Gayo are here")
    assert reviews.comment(editor, draft.id, "Say when", part=1).part == 1
    for wrong in ({"quote": "Toraja"}, {"part": 2}, {"part": 1, "quote": "Gayo"}):
        with pytest.raises(ValidationFailed):
            reviews.comment(editor, draft.id, "?", **wrong)
    assert reviews.send_back(editor, draft.id, "").state == "draft"
    reviews.resolve_comment(writer, said.id)
    assert ActivityEntry.objects.filter(act="comment.resolved").exists()

    autosave.autosave(writer, draft.id, written("Gayo beans are here"), desk=draft.extras["desk"])
    reviews.submit(writer, draft.id)
    with pytest.raises(Conflict, match="Someone changed this post after you opened it"):
        reviews.approve(editor, draft.id, version=1)
    assert reviews.approve(editor, draft.id, "Lovely").state == "approved"
    assert [r.kind for r in reviews.reviews(editor, draft)] == [
        "submitted",
        "comment",
        "comment",
        "returned",
        "submitted",
        "approved",
    ]
    told = set(Notification.objects.filter(person=writer.person).values_list("event", flat=True))
    assert told == {"draft.commented", "draft.returned", "draft.approved"}
    assert Notification.objects.filter(person=editor.person, event="draft.submitted").exists()

    changed = autosave.autosave(writer, draft.id, written("Once more"), desk=draft.extras["desk"])
    assert changed.state == "draft", "an approval does not outlive a change"
    plan = reviews.plan_of(editor, compositions.one_draft(editor, draft.id))
    assert ([c.key for c in plan.channels], f"{plan.due_at:%H:%M}") == (["ana"], "02:00")
    reviews.approve_and_schedule(editor, draft.id, plan.due_at)
    row = Delivery.objects.get()
    assert (row.due_at, row.draft.state) == (plan.due_at, "scheduled")
    with pytest.raises(Conflict):
        reviews.approve(editor, draft.id)


def test_a_problem_leaves_it_as_it_was(team, channel):
    writer, editor = team
    made = autosave.autosave(
        writer, compositions.create_draft(writer, written()).id, written("x" * 100_000), desk={"channels": ["ana"]}
    )
    reviews.submit(writer, made.id)
    with pytest.raises(ValidationFailed):
        reviews.approve_and_schedule(editor, made.id, clock.now() + timedelta(hours=1))
    made.refresh_from_db()
    assert made.state == "submitted"


def test_a_client_reads_comments_and_approves_by_a_link_that_ends(team, draft):
    writer, editor = team
    reviews.submit(writer, draft.id)
    with pytest.raises(NotAllowed):
        review_links.create_link(writer, draft.id, "Ratna")
    made = review_links.create_link(editor, draft.id, "Ratna, PT Maju", days=3)
    secret = made.link.rsplit("/", 1)[1]
    assert secret not in repr(made)
    assert not ReviewLink.objects.filter(digest=secret).exists()
    reviews.comment(editor, draft.id, "Between us: she wants Toraja")
    link = review_links.open_link(secret)
    [seen] = reviews.channel_renderings(review_links.draft_of(link))
    assert (seen.channel.key, seen.rendered.parts[0].text, seen.delivery) == (
        "ana",
        "Beans from Gayo\nare here today",
        None,
    )
    review_links.comment(link, "Toraja, please", quote="Gayo")
    with pytest.raises(ValidationFailed):
        review_links.submit_verdict(link, False, "")
    assert review_links.submit_verdict(link, False, "Other beans").state == "draft"
    reviews.submit(writer, draft.id)
    assert review_links.submit_verdict(link, True, version=draft.version).state == "approved"
    assert [r.kind for r in review_links.reviews_by_link(link)] == ["comment", "returned", "approved"], (
        "not what the team said"
    )
    entry = ActivityEntry.objects.get(act="review.approved")
    assert (entry.actor, entry.via, entry.detail["version"]) == ("Ratna, PT Maju", "link", draft.version)
    assert Notification.objects.filter(person=editor.person, event="draft.approved").exists()

    only = review_links.open_link(
        review_links.create_link(editor, draft.id, "Reader", may_comment=False, may_approve=False).link.rsplit("/", 1)[
            1
        ]
    )
    for act in (lambda: review_links.comment(only, "x"), lambda: review_links.submit_verdict(only, True)):
        with pytest.raises(NotAllowed):
            act()
    with clock.freeze_clock(clock.now() + timedelta(days=3, seconds=1)), pytest.raises(Conflict):
        review_links.open_link(secret)
    with pytest.raises(NotAllowed):
        review_links.revoke_link(writer, link.id)
    review_links.revoke_link(editor, link.id)
    with pytest.raises(Conflict):
        review_links.open_link(secret)
    with pytest.raises(NotFound):
        review_links.revoke_link(editor, link.id)
    assert Review.objects.filter(link=link).count() == 3, "what was said stays"


def test_a_client_who_asks_for_changes_of_what_is_scheduled_moves_nothing(team, draft):
    _, editor = team
    reviews.approve_and_schedule(editor, draft.id, clock.now() + timedelta(hours=2))
    link = review_links.open_link(review_links.create_link(editor, draft.id, "Ratna").link.rsplit("/", 1)[1])
    assert reviews.channel_renderings(review_links.draft_of(link))[0].delivery is not None
    assert review_links.submit_verdict(link, False, "Not this one").state == "scheduled"
    assert actions.deliveries(editor).get().state == "scheduled"
