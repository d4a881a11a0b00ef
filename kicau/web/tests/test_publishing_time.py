"""The composer's field for date, time and zone, and the channels that a new post begins with."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse

from kicau.base import clock
from kicau.base.ids import new_id
from kicau.publishing.content import snippets
from kicau.publishing.models import Delivery, Draft
from kicau.web.tests.test_composer import form  # noqa: F401 (a fixture)
from kicau.workspaces.actions import update_person


def hidden(html, name):
    return html.partition(f'type="hidden" name="{name}" value="')[2].partition('"')[0]


def jakarta(at):
    return f"{at.astimezone(clock.find_zone('Asia/Jakarta')):%Y-%m-%d %H:%M}"


@pytest.mark.parametrize("text", ["tomorrow 9", "besok jam 9", "besok 09.00 WIB"])
def test_a_time_is_written_as_people_say_it_and_shown_before_it_counts(page, form, text):  # noqa: F811
    tomorrow = (clock.now() + timedelta(days=1)).astimezone(clock.find_zone("Asia/Jakarta"))
    html = page.post(reverse("compose-preview"), form(at=text)).content.decode()
    assert f"{tomorrow:%A} {tomorrow.day} {tomorrow:%B %Y}, 09:00" in html
    assert "(Asia/Jakarta)" in html
    page.post(reverse("compose-submit"), form(at=text))
    assert jakarta(Delivery.objects.get().due_at) == f"{tomorrow:%Y-%m-%d} 09:00"


def test_what_was_shown_counts_though_midnight_passed(page, form):  # noqa: F811
    zone = clock.find_zone("Asia/Jakarta")
    today = clock.now().astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
    midnight = today + timedelta(days=1)
    with clock.freeze_clock(midnight - timedelta(minutes=1)):
        html = page.post(reverse("compose-preview"), form(at="tomorrow 9")).content.decode()
    shown = {name: hidden(html, name) for name in ("date", "time", "zone", "at-read", "zone-read")}
    assert (shown["date"], shown["time"]) == (f"{midnight:%Y-%m-%d}", "09:00")
    with clock.freeze_clock(midnight + timedelta(minutes=1)):
        page.post(reverse("compose-submit"), {**form(at="tomorrow 9"), **shown})
        assert jakarta(Delivery.objects.get().due_at) == f"{midnight:%Y-%m-%d} 09:00"


def test_a_zone_in_the_text_is_the_posts_and_named(page, form):  # noqa: F811
    html = page.post(reverse("compose-preview"), form(at="tomorrow 9 Europe/London")).content.decode()
    assert "(Europe/London)" in html
    assert "In your time zone:" in html
    page.post(reverse("compose-submit"), form(at="tomorrow 9 Europe/London"))
    assert Delivery.objects.get().timezone == "Europe/London"


def test_of_an_hour_that_comes_twice_the_second_is_the_second(page, form):  # noqa: F811
    html = page.post(reverse("compose-preview"), form(at="2027-10-31T01:30+00:00", timezone="Europe/London")).content
    shown = {n: hidden(html.decode(), n) for n in ("date", "time", "zone", "at-read", "zone-read")}
    page.post(reverse("compose-submit"), {**form(at="2027-10-31T01:30+00:00"), **shown, "timezone": "Europe/London"})
    assert Delivery.objects.get().due_at.isoformat() == "2027-10-31T01:30:00+00:00"


@pytest.mark.parametrize(
    ("text", "says"),
    [("", "Enter when to publish the post"), ("soon", "does not understand the time"), ("monday", "no time of day")],
)
def test_what_is_no_time_is_said_beside_the_field_and_kept_as_it_was_typed(page, form, text, says):  # noqa: F811
    assert says in page.post(reverse("compose-preview"), form(at=text)).content.decode()
    answer = page.post(reverse("compose-submit"), form(at=text))
    assert answer.status_code == 422
    assert f'name="at" id="at" value="{text}"' in answer.content.decode()
    page.post(reverse("compose-autosave"), form(at=text or "soon"))
    html = page.get(reverse("compose-draft", args=[Draft.objects.get().id])).content.decode()
    assert f'name="at" id="at" value="{text or "soon"}"' in html
    assert hidden(html, "date") == ""


def test_the_field_reads_what_it_shows_in_both_languages(page, form, owner):  # noqa: F811
    for language in ("en", "id"):
        update_person(owner, language=language)
        address = reverse("compose-draft", args=[new_id()])
        html = page.get(f"{address}?day=2027-08-05&time=14:30").content.decode()
        text = html.partition('name="at" id="at" value="')[2].partition('"')[0]
        assert text == {"en": "5 Aug 2027, 14:30", "id": "5 Agu 2027, 14.30"}[language]
        looked = page.post(reverse("compose-preview"), form(at=text)).content.decode()
        assert (hidden(looked, "date"), hidden(looked, "time")) == ("2027-08-05", "14:30")


def chosen(html):
    return {piece.partition('"')[0] for piece in html.split('name="channel" value="')[1:] if "checked" in piece[:90]}


def test_a_first_post_begins_with_one_brand_and_later_ones_with_the_last_choice(page, form, channels, actor, member):  # noqa: F811
    other = channels["mastodon"]
    other.name = "Roti Pagi"
    other.save()
    bakery = channels["bluesky"]
    bakery.name = "roti  pagi"
    bakery.save()
    html = page.get(reverse("compose-draft", args=[new_id()])).content.decode()
    assert other.key not in chosen(html)
    assert "x-kopisenja" in chosen(html)
    assert html.count('class="brandrow" role="group"') == 2
    page.post(reverse("compose-submit"), form("One", channel=[other.key]))
    assert chosen(page.get(reverse("compose-draft", args=[new_id()])).content.decode()) == {other.key}
    editor = Client()
    editor.force_login(member("editor").person)
    assert other.key not in chosen(editor.get(reverse("compose-draft", args=[new_id()])).content.decode())


def test_a_saved_group_is_a_brand_and_handles_tell_channels_apart(page, channels, actor):
    keys = [channels["x"].key, channels["linkedin"].key]
    snippets.save_group(actor, "Senja Group", keys)
    html = page.get(reverse("compose-draft", args=[new_id()])).content.decode()
    assert 'role="group" aria-label="Senja Group"' in html
    assert chosen(html) == {c.key for c in channels.values()} - set(keys), "the larger brand comes first"
    assert f"@{channels['x'].handle}" in html
