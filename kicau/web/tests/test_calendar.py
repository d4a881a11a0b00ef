"""Many posts at once: moved together and back, retried, cancelled; from a table; and found by every filter."""

from __future__ import annotations

from datetime import time, timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from kicau.base import clock
from kicau.channels.actions import set_slots
from kicau.publishing.models import Delivery, Draft
from kicau.workspaces.actions import update_person

pytestmark = pytest.mark.usefixtures("december_2026")

CHANGE = reverse("calendar-bulk-change")


def test_what_is_chosen_moves_together_and_comes_back(page, post):
    rows = [post(f"Post {n}", hours=2 + n).deliveries[0] for n in range(2)]
    before = [row.due_at for row in rows]
    page.post(CHANGE, {"verb": "reschedule", "delivery": f"{rows[0].id} {rows[1].id}", "days": "3"})
    assert [row.due_at for row in Delivery.objects.order_by("due_at")] == [at + timedelta(days=3) for at in before]
    html = page.get(reverse("calendar")).content.decode()
    ticket = html.split("{&quot;ticket&quot;: &quot;")[1].split("&quot;")[0]
    assert page.post(reverse("calendar-undo"), {"ticket": ticket}).headers["HX-Refresh"] == "true"
    assert [row.due_at for row in Delivery.objects.order_by("due_at")] == before
    page.post(reverse("calendar-undo"), {"ticket": ticket + "x"})
    assert "It is too late to undo moving the posts." in page.get(reverse("calendar")).content.decode()


def test_a_move_is_for_all_or_for_none_and_only_within_the_workspace(page, post, member):
    from django.test import Client

    rows = [post(f"Post {n}", hours=30).deliveries[0] for n in range(2)]
    before = [row.due_at for row in rows]
    Delivery.objects.filter(id=rows[1].id).update(state="published")
    page.post(CHANGE, {"verb": "reschedule", "delivery": [rows[0].id, rows[1].id], "days": "1"})
    assert [row.due_at for row in Delivery.objects.order_by("id")] == before
    page.post(CHANGE, {"verb": "reschedule", "delivery": rows[0].id, "days": "-9"})
    page.post(CHANGE, {"verb": "reschedule", "delivery": rows[0].id, "days": "many"})
    assert "is not a valid number here" in page.get(reverse("calendar")).content.decode()
    other = Client()
    other.force_login(member("contributor").person)
    other.post(CHANGE, {"verb": "reschedule", "delivery": rows[0].id, "days": "1"})
    assert [row.due_at for row in Delivery.objects.order_by("id")] == before


def test_many_are_retried_and_cancelled_each_for_itself(page, post):
    rows = [post(f"Post {n}", hours=2).deliveries[0] for n in range(3)]
    Delivery.objects.filter(id=rows[0].id).update(state="failed")
    page.post(CHANGE, {"verb": "retry", "delivery": [rows[0].id, rows[1].id]})
    html = page.get(reverse("calendar")).content.decode()
    assert "Kicau is trying to publish 1 post again." in html
    assert "This post is scheduled, so you cannot retry it." in html
    page.post(CHANGE, {"verb": "cancel", "delivery": " ".join(str(row.id) for row in rows)})
    assert {row.state for row in Delivery.objects.all()} == {"canceled"}
    html = page.get(f"{reverse('calendar')}?state=canceled").content.decode()
    assert "3 posts were canceled and will not be published." in html
    assert html.count("data-choose-all") == 1


@pytest.mark.parametrize("view", ["coming", "day", "week", "month"])
def test_every_filter_finds_its_own_in_every_view(page, post, owner, actor, view):
    tomorrow = (clock.now() + timedelta(days=1)).astimezone(clock.find_zone("Asia/Jakarta"))
    hours = (tomorrow.replace(hour=12, minute=0) - clock.now().astimezone(tomorrow.tzinfo)).total_seconds() / 3600
    post("Wanted", hours=hours, campaign="Lembang", tags=("menu",))
    post("Other", to=["facebook-kopisenja"], hours=hours + 0.1)
    Draft.objects.filter(tags=[]).update(author=None)
    day = f"{tomorrow:%Y-%m-%d}"
    for wanted in ({"channel": "x-kopisenja"}, {"campaign": "Lembang"}, {"tag": "menu"}, {"author": str(owner.id)}):
        html = page.get(reverse("calendar"), {"view": view, "day": day, **wanted}).content.decode()
        assert ("Wanted" in html, "Other" in html) == (True, False), wanted
    nothing = page.get(reverse("calendar"), {"view": view, "day": day, "tag": "none such"}).content.decode()
    assert (
        "No posts match your filters" in nothing
        or "No posts are scheduled on this day" in nothing
        or "Nothing matches your filters" in nothing
    )


def test_a_day_of_fifty_posts_stays_whole_and_free_slots_lead_to_the_composer(page, post, actor):
    at = (
        (clock.now() + timedelta(days=2))
        .astimezone(clock.find_zone("Asia/Jakarta"))
        .replace(hour=6, minute=0, second=0)
    )
    start = (at - clock.now().astimezone(at.tzinfo)).total_seconds() / 3600
    for n in range(12):
        post(f"Number {n} of the day", hours=start + n / 10)
    set_slots(actor, "x-kopisenja", [(at.weekday(), time(21))], "Asia/Jakarta")
    day = page.get(reverse("calendar"), {"view": "day", "day": f"{at:%Y-%m-%d}"}).content.decode()
    assert all(f"Number {n} of the day" in day for n in range(12))
    assert f"?day={at:%Y-%m-%d}&amp;time=21:00&amp;channel=x-kopisenja" in day
    assert " dense" in page.get(reverse("calendar"), {"view": "week", "day": f"{at:%Y-%m-%d}"}).content.decode()


def table(text: str, *files: SimpleUploadedFile) -> dict[str, object]:
    return {"table": SimpleUploadedFile("posts.csv", text.encode()), "file": list(files)}


def test_a_table_shows_every_problem_before_anything_is_made(page, owner, channels):
    bad = "text,channels,at\nGood,x-kopisenja,2027-01-31 09:00\n,nobody,yesterday-ish\n"
    html = page.post(reverse("import"), table(bad)).content.decode()
    assert "CSV row 3" in html
    assert not Draft.objects.exists()
    update_person(owner, language="id")
    assert (
        "Baris ini tidak berisi teks ataupun media. Tambahkan setidaknya salah satunya."
        in page.post(reverse("import"), table(bad)).content.decode()
    )
    update_person(owner, language="en")
    name = html.split('action="/import/')[1].split('"')[0]
    assert page.post(reverse("import-run", args=[name]), {"skip": "1"}).status_code == 302
    assert Delivery.objects.get().rendered["parts"][0]["text"] == "Good"
    assert page.post(reverse("import-run", args=[name])).status_code == 404
    assert "Choose the CSV file that you want to import." in page.post(reverse("import")).content.decode()
    assert page.post(reverse("import"), table("nonsense\n1")).status_code == 422
