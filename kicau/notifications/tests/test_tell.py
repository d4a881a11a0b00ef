"""Who is told what, how, and how often."""

from datetime import UTC, datetime, timedelta

import pytest

from kicau.base import clock
from kicau.base.errors import NotFound
from kicau.notifications import actions
from kicau.notifications.events import EVENTS, UnknownNotificationEvent
from kicau.notifications.models import Notification
from kicau.workspaces.actions import add_person, create_workspace, remove_member

MONDAY = datetime(2027, 3, 1, 2, 0, tzinfo=UTC)  # nine in the morning in Jakarta


def heard(person):
    return [(n.event, n.count, n.page) for n in actions.notifications(person)]


def test_who_is_told(actor, owner, member, workspace):
    editor, writer, viewer = (member(r).person for r in ("editor", "contributor", "viewer"))
    stranger = add_person("x@elsewhere.example", "X")

    actions.notify("delivery.failed", workspace.id, to=[writer.id], page="/posts/1", post="a", channel="c", reason="r")
    assert (heard(writer), heard(editor)) == ([("delivery.failed", 1, "/posts/1")], [])

    # nobody who is concerned is here (any more): those who may do something about it hear of it
    actions.notify("delivery.failed", workspace.id, to=[stranger.id, None], post="b", channel="c", reason="r")
    assert len(heard(owner)) == len(heard(editor)) == 1
    assert heard(stranger) == heard(viewer) == []

    # who did it need not be told, also where nobody is left then
    assert actions.notify("draft.submitted", workspace.id, besides=editor.id, post="b", name="Editor") == 1
    assert (
        actions.notify("draft.returned", workspace.id, to=[writer.id], besides=writer.id, post="b", name="N", reason="")
        == 0
    )
    with pytest.raises(UnknownNotificationEvent, match=r"draft\.submitted"):
        actions.notify("draft.misspelt", workspace.id)

    # who leaves a workspace no longer reads of it
    remove_member(actor, editor)
    assert heard(editor) == []


def test_much_of_the_same_is_one_notice_and_few_letters(owner, workspace):
    def fail(times, channel="c1"):
        news = [
            actions.NotificationRequest(
                workspace_id=workspace.id,
                gather=channel,
                page=f"/posts/{n}",
                many="/?state=failed",
                details={"post": "p" * 999, "channel": channel, "reason": "r"},
            )
            for n in range(times)
        ]
        actions.notify_all("delivery.failed", news)
        return actions.notifications(owner).get(gather=channel, read_at=None)

    with clock.freeze_clock(MONDAY):
        one = fail(1)
        assert (one.count, one.page, len(one.details["post"])) == (1, "/posts/0", 300)
        assert one.mail_at == MONDAY + actions.EMAIL_BATCH_DELAY
    with clock.freeze_clock(MONDAY + timedelta(seconds=9)):
        many = fail(500)
        assert (many.id, many.count, many.page, many.mail_at) == (one.id, 501, "/?state=failed", one.mail_at)
        assert actions.count_unread(owner) == 1
    Notification.objects.update(mail_at=None, mailed_at=MONDAY + actions.EMAIL_BATCH_DELAY)
    with clock.freeze_clock(MONDAY + timedelta(minutes=5)):
        assert fail(1).mail_at == MONDAY + actions.EMAIL_BATCH_DELAY + actions.MIN_EMAIL_INTERVAL
        actions.mark_read(owner, many.id)
        assert actions.count_unread(owner) == 0
        assert fail(2).count == 2  # what was read is not raised again


def test_once(owner, workspace):
    for _ in range(3):
        actions.notify(
            "budget.near",
            workspace.id,
            gather="budget-1:2027-03:80",
            once=True,
            budget="X",
            percent=80,
            until="1 April",
        )
        actions.mark_all_read(owner)
    assert heard(owner) == [("budget.near", 1, "")]


def test_each_hears_as_they_chose(owner, workspace):
    with clock.freeze_clock(MONDAY):
        actions.set_preferences(
            owner,
            {
                "draft.submitted": (False, "never"),
                "draft.approved": (False, "daily"),
                "delivery.failed": (True, "never"),
            },
            hour=7,
        )
        assert actions.notify("draft.submitted", workspace.id, name="N", post="p") == 0
        actions.notify("draft.approved", workspace.id, to=[owner.id], name="N", post="p")
        actions.notify("delivery.failed", workspace.id, post="p", channel="c", reason="r")
    approved, failed = Notification.objects.order_by("event").reverse()
    assert not approved.in_page
    assert approved.mail_at == datetime(2027, 3, 2, 0, 0, tzinfo=UTC)  # tomorrow at seven in Jakarta
    assert failed.mail_at is None
    assert heard(owner) == [("delivery.failed", 1, "")]
    assert set(actions.preferences(owner)) == set(EVENTS)


def test_a_notice_is_its_readers_only(actor, owner, member, workspace):
    other = member("admin").person
    actions.notify("channel.expired", workspace.id, to=[owner.id], channel="c")
    with pytest.raises(NotFound):
        actions.mark_read(other, actions.notifications(owner).get().id)
    elsewhere = create_workspace(other, "Elsewhere")
    actions.notify("channel.expired", elsewhere.id, channel="c")
    assert actions.count_unread(owner) == actions.count_unread(other) == 1


@pytest.mark.parametrize("event", EVENTS.values(), ids=lambda e: e.name)
def test_sentences_read_well_in_both_languages(event):
    from django.utils import translation

    details = {
        "post": "Kopi",
        "channel": "Senja (X)",
        "reason": "Too long.",
        "name": "Sari",
        "workspace": "W",
        "network": "X",
        "budget": "B",
        "percent": 80,
        "until": "1 April",
        "count": 7,
        "what": "X",
        "when": "1 April",
        "after": 3,
        "late": 2,
        "expected": "$12",
        "amount": "$10",
        "limit": "$10",
        "left": "$0",
        "wanted": "$1",
    }
    for language in ("en", "id"):
        with translation.override(language):
            assert "{" not in str(event.one).format(**details) + str(event.many).format(**details)
