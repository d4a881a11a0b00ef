"""What comes by e-mail, to a real mail server."""

from datetime import UTC, datetime, timedelta

import pytest
from django.core import signing

from kicau.base import clock
from kicau.notifications import actions, emails
from kicau.notifications.models import Email, Notification

MONDAY = datetime(2027, 3, 1, 2, 0, tzinfo=UTC)


def parts(letter):
    return letter.get_body(("plain",)).get_content(), letter.get_body(("html",)).get_content()


def test_each_gets_one_letter_in_their_language_with_a_way_out(sink, owner, member, workspace, settings):
    settings.KICAU_PUBLIC_URL = "https://kicau.example"
    owner.language = "id"
    owner.save()
    editor = member("editor").person
    with clock.freeze_clock(MONDAY):
        actions.notify(
            "delivery.failed",
            workspace.id,
            to=[owner.id],
            page="/posts/1",
            post="Kopi & <Senja>",
            channel="Senja (X)",
            reason="Too long.",
        )
        actions.notify(
            "channel.expired", workspace.id, to=[owner.id, editor.id], page="/channels/x", channel="Senja (X)"
        )
        assert emails.queue_notification_emails() == 0  # what happens in the same half minute goes into one letter
    with clock.freeze_clock(MONDAY + actions.EMAIL_BATCH_DELAY):
        assert (
            emails.queue_notification_emails(),
            emails.queue_notification_emails(),
            emails.send_due_emails(),
            emails.send_due_emails(),
        ) == (2, 0, 2, 0)
    hers, theirs = sorted(sink.letters, key=lambda one: one["To"] != owner.email)
    assert (hers["To"], hers["Subject"]) == (owner.email, "2 notifikasi dari Kicau")
    assert theirs["Subject"].startswith("Kicau can no longer publish to Senja (X)")
    text, html = parts(hers)
    assert "“Kopi & <Senja>” gagal terbit di Senja (X)." in text
    assert "Kopi Senja, 1 Mar 2027" in text
    assert "Kopi &amp; &lt;Senja&gt;" in html
    assert f"https://kicau.example/notifications/{Notification.objects.get(event='delivery.failed').id}" in text
    assert "https://kicau.example/settings/notifications" in text
    ticket = hers["List-Unsubscribe"].strip("<>").rsplit("/", 1)[1]
    assert emails.read_unsubscribe_link(ticket) == (owner.id, ["channel.expired", "delivery.failed"])
    assert hers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    with pytest.raises(signing.BadSignature):
        emails.read_unsubscribe_link(ticket[:-3] + "abc")


def test_a_digest_comes_once_a_day_at_their_hour(sink, owner, workspace):
    with clock.freeze_clock(MONDAY):
        actions.set_preferences(owner, {"draft.approved": (False, "daily")}, hour=7)
        for post in ("a", "b"):
            actions.notify("draft.approved", workspace.id, to=[owner.id], name="Bima", post=post)
    seven = datetime(2027, 3, 2, 0, 0, tzinfo=UTC)
    with clock.freeze_clock(seven - timedelta(seconds=1)):
        assert emails.queue_notification_emails() == 0
    with clock.freeze_clock(seven):
        assert (emails.queue_notification_emails(), emails.send_due_emails()) == (1, 1)
    assert sink.letters[0]["Subject"] == "2 notifications from Kicau"
    assert actions.count_unread(owner) == 0  # what was wanted by e-mail only is nowhere else


def test_what_was_read_meanwhile_is_not_mailed(sink, owner, workspace):
    with clock.freeze_clock(MONDAY):
        actions.notify("channel.expired", workspace.id, channel="c")
        actions.mark_all_read(owner)
    with clock.freeze_clock(MONDAY + timedelta(hours=1)):
        assert emails.queue_notification_emails() == 0


def test_a_letter_waits_for_a_mail_server_that_is_busy_or_away_and_is_not_lost(sink, db, settings):
    emails.queue_email(
        "guest@elsewhere.example",
        "member.invited",
        language="id",
        page="/accept-invitation/abc",
        name="Sari",
        workspace="Kopi Senja",
    )
    sink.refuses = True
    assert emails.send_due_emails() == 0
    there = Email.objects.get()
    assert (there.attempts, "come back later" in there.last_error) == (1, True)
    assert emails.send_due_emails() == 0  # not yet again
    good, settings.MAILERS = (
        settings.MAILERS,
        {
            "default": {
                "BACKEND": "django.core.mail.backends.smtp.EmailBackend",
                "OPTIONS": {"host": "127.0.0.1", "port": 9},
            }
        },
    )
    with clock.freeze_clock(clock.now() + timedelta(minutes=1)):
        assert emails.send_due_emails() == 0
    sink.refuses, settings.MAILERS = False, good
    with clock.freeze_clock(clock.now() + timedelta(hours=1)):
        assert emails.send_due_emails() == 1
    assert sink.letters[0]["Subject"] == "Sari mengundang Anda ke ruang kerja Kopi Senja."
    assert f"{settings.KICAU_PUBLIC_URL}/accept-invitation/abc" in parts(sink.letters[0])[0]
    assert "List-Unsubscribe" not in sink.letters[0]
