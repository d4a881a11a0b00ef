"""The bell, the list, and the choices."""

from kicau.notices import acts, letters
from kicau.notices.models import Notice
from kicau.workspaces.acts import create_workspace


def test_the_bell_counts_and_the_list_opens_what_it_is_about(page, owner, workspace):
    elsewhere = create_workspace(owner, "Elsewhere")
    acts.tell("channel.expired", elsewhere.id, page="/channels", channel="<Senja> (X)")
    acts.tell("draft.approved", workspace.id, to=[owner.id], page="/drafts", name="Bima", post="Kopi")
    shown = page.get("/").content.decode()
    assert "2 unread" in shown
    shown = page.get("/notices").content.decode()
    assert "&lt;Senja&gt; (X) has to be connected again" in shown
    assert "Elsewhere" in shown
    one = Notice.objects.get(workspace=elsewhere)
    answer = page.get(f"/notices/{one.id}")
    assert answer["Location"] == "/channels"
    assert page.session["workspace"] == str(elsewhere.id)  # it is there that the channel is
    assert acts.unread(owner) == 1
    assert "1 unread" in page.get("/notices/bell").content.decode()
    page.post("/notices/read", {"notice": Notice.objects.get(workspace=workspace).id})
    assert "You have read everything" in page.get("/notices?show=unread").content.decode()
    assert page.get(f"/notices/{owner.id}").status_code == 404
    acts.tell("channel.expired", workspace.id, page="//evil.example/", channel="c")
    page.post("/notices/read")
    assert acts.unread(owner) == 0
    assert page.get(f"/notices/{acts.notices(owner)[0].id}")["Location"] == "/notices"


def test_people_choose_how_they_hear(page, owner):
    assert page.get("/you/notices").status_code == 200
    said = {f"mail:{name}": "never" for name in acts.choices(owner)} | {
        "mail:delivery.failed": "daily",
        "page:delivery.failed": "on",
        "hour": "6",
    }
    assert page.post("/you/notices", said)["Location"] == "/you/notices"
    assert acts.choices(owner)["delivery.failed"] == (True, "daily")
    assert acts.choices(owner)["channel.expired"] == (False, "never")
    assert acts.digest_hour(owner) == 6
    assert page.post("/you/notices", said | {"mail:delivery.failed": "hourly"}).status_code == 422


def test_a_letters_link_stops_it_without_signing_in(guest, owner, workspace):
    ticket = letters.signing.dumps({"p": str(owner.id), "e": ["channel.expired"]}, salt=letters.SALT)
    shown = guest.get(f"/notices/stop/{ticket}").content.decode()
    assert "A channel wants a reconnect" in shown
    assert acts.choices(owner)["channel.expired"] == (True, "now")  # looking changes nothing
    assert guest.post(f"/notices/stop/{ticket}", {"List-Unsubscribe": "One-Click"}).status_code == 200
    assert acts.choices(owner)["channel.expired"] == (True, "never")
    assert guest.get("/notices/stop/else").status_code == 404
