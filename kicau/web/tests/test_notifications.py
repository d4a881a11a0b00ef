"""The bell, the list, and the choices."""

from kicau.notifications import actions, emails
from kicau.notifications.models import Notification
from kicau.workspaces.actions import create_workspace


def test_the_bell_counts_and_the_list_opens_what_it_is_about(page, owner, workspace):
    elsewhere = create_workspace(owner, "Elsewhere")
    actions.notify("channel.expired", elsewhere.id, page="/channels", channel="<Senja> (X)")
    actions.notify("draft.approved", workspace.id, to=[owner.id], page="/drafts", name="Bima", post="Kopi")
    shown = page.get("/").content.decode()
    assert "2 unread" in shown
    shown = page.get("/notifications").content.decode()
    assert "Kicau can no longer publish to &lt;Senja&gt; (X)" in shown
    assert "Elsewhere" in shown
    one = Notification.objects.get(workspace=elsewhere)
    answer = page.get(f"/notifications/{one.id}")
    assert answer["Location"] == "/channels"
    assert page.session["workspace"] == str(elsewhere.id)  # it is there that the channel is
    assert actions.count_unread(owner) == 1
    assert "1 unread" in page.get("/notifications/bell").content.decode()
    page.post("/notifications/read", {"notice": Notification.objects.get(workspace=workspace).id})
    assert "You have read all notifications" in page.get("/notifications?show=unread").content.decode()
    assert page.get(f"/notifications/{owner.id}").status_code == 404
    actions.notify("channel.expired", workspace.id, page="//evil.example/", channel="c")
    page.post("/notifications/read")
    assert actions.count_unread(owner) == 0
    assert page.get(f"/notifications/{actions.notifications(owner)[0].id}")["Location"] == "/notifications"


def test_people_choose_how_they_hear(page, owner):
    assert page.get("/settings/notifications").status_code == 200
    said = {f"mail:{name}": "never" for name in actions.preferences(owner)} | {
        "mail:delivery.failed": "daily",
        "page:delivery.failed": "on",
        "hour": "6",
    }
    assert page.post("/settings/notifications", said)["Location"] == "/settings/notifications"
    assert actions.preferences(owner)["delivery.failed"] == (True, "daily")
    assert actions.preferences(owner)["channel.expired"] == (False, "never")
    assert actions.digest_hour(owner) == 6
    assert page.post("/settings/notifications", said | {"mail:delivery.failed": "hourly"}).status_code == 422


def test_a_letters_link_stops_it_without_signing_in(guest, owner, workspace):
    ticket = emails.signing.dumps({"p": str(owner.id), "e": ["channel.expired"]}, salt=emails.UNSUBSCRIBE_SALT)
    shown = guest.get(f"/notifications/unsubscribe/{ticket}").content.decode()
    assert "A channel lost its connection and has to be reconnected" in shown
    assert actions.preferences(owner)["channel.expired"] == (True, "now")  # looking changes nothing
    assert guest.post(f"/notifications/unsubscribe/{ticket}", {"List-Unsubscribe": "One-Click"}).status_code == 200
    assert actions.preferences(owner)["channel.expired"] == (True, "never")
    assert guest.get("/notifications/unsubscribe/else").status_code == 404
