"""Writing: looked at, kept, shaped and sent; whatever goes wrong, what was typed comes back."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from kicau.base import clock
from kicau.base.ids import new_id
from kicau.media.actions import add_medium
from kicau.media.models import Medium
from kicau.media.tests.samples import video
from kicau.publishing.content import compositions
from kicau.publishing.models import ChannelGroup, Delivery, Draft, SavedText
from kicau.publishing.scheduling import actions, schedule
from kicau.web.composer.form_actions import split_text


@pytest.fixture
def form(channels):
    """What the browser sends for a new post; more by name."""
    key = str(new_id())
    later = clock.now() + timedelta(days=2)

    def make(text="Halo", **more):
        base = {
            "draft": key,
            "version": "0",
            "hand": "h1",
            "parts:": ["p1"],
            "text:p1": text,
            "channel": ["x-kopisenja"],
            "when": "at",
            "date": f"{later:%Y-%m-%d}",
            "time": "09:00",
            "timezone": "Asia/Jakarta",
            "how": "schedule",
        }
        return {**base, **{name.replace("__", ":").replace("_", "-"): value for name, value in more.items()}}

    return make


def test_a_new_post_gets_an_id_at_once_and_nothing_is_saved_before_something_is_typed(page, form):
    address = page.get(reverse("compose"))["Location"]
    assert page.get(address).status_code == 200
    page.post(reverse("compose-autosave"), form(""))
    assert not Draft.objects.exists()


def test_keeping_twice_makes_one_draft_with_the_last_words(page, form):
    page.post(reverse("compose-autosave"), form("First"))
    page.post(reverse("compose-autosave"), form("First and second"))
    draft = Draft.objects.get()
    assert [p.text for p in draft.parts.all()] == ["First and second"]
    html = page.get(reverse("compose-draft", args=[draft.id])).content.decode()
    assert "First and second" in html
    assert 'value="x-kopisenja" id="c-x-kopisenja" checked' in html


def test_two_people_in_one_draft_are_told_of_each_other(page, form):
    page.post(reverse("compose-autosave"), form("Mine"))
    answer = page.post(reverse("compose-autosave"), form("Theirs", hand="h2", version="0"))
    assert answer.status_code == 409
    assert "Someone else changed this post after you opened it" in answer.content.decode()
    assert Draft.objects.get().parts.get().text == "Mine"


def test_the_preview_counts_as_the_network_does_and_names_what_to_mend(page, form):
    html = page.post(reverse("compose-preview"), form("a" * 300)).content.decode()
    assert "300<span" in html
    assert "the limit is 280" in html
    assert 'data-act="split:p1"' in html
    assert not Draft.objects.exists()


def test_the_preview_escapes_what_was_typed(page, form):
    html = page.post(
        reverse("compose-preview"), form("<script>alert(1)</script> & https://kopisenja.id")
    ).content.decode()
    assert "&lt;script&gt;" in html
    assert "<script>alert" not in html
    assert 'href="https://kopisenja.id"' in html


def test_scheduling_makes_deliveries_at_that_time_in_that_zone(page, form):
    answer = page.post(reverse("compose-submit"), form("Selamat pagi", channel=["x-kopisenja", "facebook-kopisenja"]))
    draft = Draft.objects.get()
    assert answer["Location"] == reverse("post", args=[draft.id])
    rows = list(Delivery.objects.all())
    assert {row.network for row in rows} == {"x", "facebook"}
    assert {row.due_at.hour for row in rows} == {2}  # 09:00 in Jakarta
    assert page.get(answer["Location"]).status_code == 200


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"channel": []}, "Choose at least one channel."),
        ({"date": "2020-01-01"}, "is in the past"),
        ({"time": ""}, "Enter a date and a time. For example: 2027-01-31"),
        (
            {"date": "2027-03-14", "time": "02:30", "timezone": "America/New_York"},
            "does not exist in the time zone America/New_York",
        ),
        ({"timezone": "Mars/Olympus"}, "There is no time zone"),
        ({"when": "slot"}, "has no regular posting times. Add posting times in"),
        ({"text__p1": "a" * 300}, "the limit is 280"),
        ({"channel": ["instagram-kopisenja"]}, "needs an image or a video. Add one of"),
    ],
)
def test_what_cannot_be_scheduled_comes_back_with_its_sentence_and_every_word(page, form, change, says):
    answer = page.post(reverse("compose-submit"), form("Every word is kept", **change))
    html = answer.content.decode()
    assert answer.status_code == 422
    assert says in html.replace("&#x27;", "'")
    assert change.get("text__p1", "Every word is kept") in html
    assert not Delivery.objects.exists()


def test_a_network_that_wants_confirmation_gets_it_only_by_the_tick(page, form):
    page.post(reverse("compose-submit"), form("Unconfirmed", channel=["linkedin-kopisenja"]))
    assert Delivery.objects.get().state == "held"
    page.post(
        reverse("compose-submit"), form("Confirmed", channel=["linkedin-kopisenja"], draft=str(new_id()), confirm="on")
    )
    assert Delivery.objects.order_by("-id").first().confirmed_by.name == "Sari Wulandari"


def test_a_network_can_have_its_own_words(page, form):
    more = {
        "own": ["facebook"],
        "parts:facebook": ["p2"],
        "text:p2": "Only for the page",
        "channel": ["x-kopisenja", "facebook-kopisenja"],
    }
    page.post(reverse("compose-submit"), {**form("For all"), **more})
    said = {row.network: row.rendered["parts"][0]["text"] for row in Delivery.objects.all()}
    assert said == {"x": "For all", "facebook": "Only for the page"}


def test_poll_link_options_and_first_comment_reach_the_draft_and_come_back(page, form):
    more = {
        "poll-option": ["Gayo", "Toraja"],
        "poll-minutes": "1440",
        "link-url": "https://kopisenja.example",
        "link-title": "Kopi",
        "first-comment": "More here",
        "option:x.reply_settings": "following",
        "campaign": "Lembang",
        "tags": "kopi, pagi",
    }
    page.post(reverse("compose-autosave"), {**form("Which?"), **more})
    made = compositions.composition_of(compositions.with_content(Draft.objects.all()).get())
    assert made.poll.options == ("Gayo", "Toraja")
    assert (made.link.title, made.first_comment, made.campaign, made.tags) == (
        "Kopi",
        "More here",
        "Lembang",
        ("kopi", "pagi"),
    )
    html = page.get(reverse("compose-draft", args=[Draft.objects.get().id])).content.decode()
    for word in ("Gayo", "Toraja", "More here", "Lembang", "kopi, pagi", "https://kopisenja.example"):
        assert word in html


def test_an_uploaded_picture_joins_the_part_and_what_is_no_picture_is_told(page, form, tmp_path, picture):
    from kicau.media import library

    data = library.original_path(picture.ref).read_bytes()
    files = [SimpleUploadedFile("cup.jpg", data), SimpleUploadedFile("evil.jpg", b"MZ this is no picture")]
    html = page.post(
        reverse("compose-form"), {**form("With a cup"), "act": "upload:p1", "file": files}
    ).content.decode()
    assert f'name="media:p1" value="{picture.id}"' in html
    assert "The content of evil.jpg does not match its file name" in html
    assert "With a cup" in html


def test_the_buttons_shape_the_sheet(page, form):
    shape = reverse("compose-form")
    two = page.post(shape, {**form("One"), "act": "add-part:"}).content.decode()
    assert "Part 2 of 2 of the thread" in two
    parts = {"parts:": ["p1", "p2"], "text:p2": "Two"}
    assert "One\n\nTwo" in page.post(shape, {**form("One"), **parts, "act": "merge:p2"}).content.decode()
    moved = page.post(shape, {**form("One"), **parts, "act": "up:p2"}).content.decode()
    assert moved.index("Two") < moved.index("One")
    assert "Two" not in page.post(shape, {**form("One"), **parts, "act": "drop-part:p2"}).content.decode()
    assert "One" in page.post(shape, {**form("One"), "act": "nonsense:p9"}).content.decode()


def test_editing_what_is_scheduled_changes_its_deliveries_only_by_the_button(page, post):
    row = post("Before").deliveries[0]
    form = {
        "draft": str(row.draft_id),
        "version": str(Draft.objects.get().version),
        "hand": "h",
        "parts:": ["p1"],
        "text:p1": "After",
        "timezone": "Asia/Jakarta",
    }
    page.post(reverse("compose-autosave"), form)
    row.refresh_from_db()
    assert row.rendered["parts"][0]["text"] == "Before"
    assert page.post(reverse("compose-submit"), {**form, "how": "save"}).status_code == 302
    row.refresh_from_db()
    assert row.rendered["parts"][0]["text"] == "After"


def test_a_variant_that_the_form_does_not_show_survives_an_edit(page, actor, channels):
    given = compositions.Composition(
        parts=(compositions.PartContent(text="All"),),
        variants=(compositions.VariantContent(channel="x-kopisenja", parts=(compositions.PartContent(text="Mine"),)),),
        language="id",
    )
    draft = compositions.create_draft(actor, given)
    page.post(
        reverse("compose-autosave"),
        {
            "draft": str(draft.id),
            "version": "1",
            "hand": "h",
            "parts:": ["p1"],
            "text:p1": "All, changed",
            "timezone": "UTC",
        },
    )
    made = compositions.composition_of(compositions.with_content(Draft.objects.all()).get())
    assert made.parts[0].text == "All, changed"
    assert made.variants[0].parts[0].text == "Mine"
    assert made.language == "id"


def test_a_contributor_submits_and_cannot_schedule(member, form):
    from django.test import Client

    client = Client()
    client.force_login(member("contributor").person)
    assert client.post(reverse("compose-submit"), form("Please")).status_code == 422
    assert not Delivery.objects.exists()
    assert client.post(reverse("compose-submit"), {**form("Please"), "how": "submit"}).status_code == 302
    assert Draft.objects.get().state == "submitted"


@pytest.mark.parametrize(
    ("text", "limit", "pieces"),
    [
        ("One. Two. Three.", 9, ["One. Two.", "Three."]),
        ("abcdefghij", 4, ["abcd", "efgh", "ij"]),
        ("short", 100, ["short"]),
        ("First line\nsecond line here", 20, ["First line", "second line here"]),
        ("", 5, [""]),
    ],
)
def test_a_text_is_cut_where_a_reader_would_pause(text, limit, pieces):
    assert split_text(text, lambda t: len(t) <= limit) == pieces


def test_a_mend_is_one_press_and_touches_only_the_network_that_asked(page, form):
    both = {"channel": ["x-kopisenja", "facebook-kopisenja", "instagram-kopisenja"]}
    long = "A sentence of the day. " * 20
    html = page.post(reverse("compose-preview"), {**form(long), **both}).content.decode()
    for verb in ("split:p1", "shorten:p1:x-kopisenja", "leave:x-kopisenja", "leave:instagram-kopisenja"):
        assert f'data-act="{verb}"' in html
    short = page.post(reverse("compose-form"), {**form(long), **both, "act": "shorten:p1:x-kopisenja"}).content.decode()
    assert 'aria-label="X"' in short
    assert "too long" not in short
    assert long.strip() in short
    left = page.post(reverse("compose-form"), {**form("Hi"), **both, "act": "leave:x-kopisenja"}).content.decode()
    assert 'value="x-kopisenja" id="c-x-kopisenja"  data-act' in left
    thread = {"parts:": ["p1", "p2"], "text:p2": "Two", **both}
    html = page.post(reverse("compose-preview"), {**form("One"), **thread}).content.decode()
    assert 'data-act="join:facebook"' in html
    joined = page.post(reverse("compose-form"), {**form("One"), **thread, "act": "join:facebook"}).content.decode()
    assert "One\n\nTwo</textarea>" in joined


def test_a_part_is_split_at_the_cursor_and_a_picture_moves_and_is_cropped(page, form, picture, actor):
    shape = reverse("compose-form")
    html = page.post(shape, {**form("☕☕ first second"), "act": "split-here:p1:8"}).content.decode()
    assert "☕☕ first</textarea>" in html
    assert ">second</textarea>" in html
    two = {"parts:": ["p1", "p2"], "text:p2": "Two", "media:p1": [str(picture.id)]}
    moved = page.post(shape, {**form("One"), **two, "act": f"put:p1:{picture.id}:p2:0"}).content.decode()
    assert f'name="media:p2" value="{picture.id}"' in moved
    frame = page.get(reverse("compose-crop"), {"medium": picture.id, "key": "p1", "channel": "instagram-kopisenja"})
    assert "Instagram" in frame.content.decode()
    part = {"left": "0.25", "top": "0", "width": "0.5", "height": "1"}
    html = page.post(shape, {**form("One"), **two, **part, "act": f"crop:p1:{picture.id}"}).content.decode()
    made = Medium.objects.exclude(id=picture.id).get()
    assert (made.width, made.height, made.alt) == (400, 600, "A cup of coffee")
    assert f'name="media:p1" value="{made.id}"' in html
    wrong = page.post(shape, {**form("One"), **two, "act": f"crop:p1:{picture.id}", **part, "left": "x"})
    assert (
        "The crop area must be inside the image and at least one pixel wide and high. Move the area or change its size."
        in wrong.content.decode()
    )


def test_a_video_shows_the_frame_or_the_picture_that_was_chosen(page, form, picture, actor, tmp_path):
    film = tmp_path / "pour.mp4"
    film.write_bytes(video())
    film = add_medium(actor, film, "pour.mp4")
    to, shape = ["mastodon-kopisenja", "bluesky-kopisenja"], reverse("compose-form")
    typed = form("Pour", channel=to, media__p1=[str(film.id)])
    asked = page.get(reverse("compose-cover"), {"medium": film.id, "key": "p1", "channel": to}).content.decode()
    assert "Mastodon" in asked.partition("These networks do not use the cover that you")[0]
    assert "Bluesky" in asked.partition("These networks do not use the cover that you")[2]
    html = page.post(shape, {**typed, "act": f"cover:p1:{film.id}", "at": "200"}).content.decode()
    assert f'name="cover-at:p1:{film.id}" value="200"' in html
    assert page.get(f"{reverse('medium-thumbnail', args=[film.sha256])}?at=200")["Content-Type"] == "image/jpeg"
    looked = page.post(reverse("compose-preview"), {**typed, f"cover-at:p1:{film.id}": "200"}).content.decode()
    assert f"{film.sha256}.jpg?at=200" in looked
    assert "Bluesky does not let you choose a cover for pour.mp4" in looked
    late = page.post(reverse("compose-preview"), {**typed, f"cover-at:p1:{film.id}": "90000"}).content.decode()
    assert "is the frame at 90 s. Choose an earlier frame" in late
    wrong = page.post(shape, {**typed, "act": f"cover:p1:{film.id}", "picture": str(film.id)}).content.decode()
    assert "The video can have only one cover. Choose either" in wrong
    html = page.post(shape, {**typed, "act": f"cover:p1:{film.id}", "picture": str(picture.id)}).content.decode()
    assert f'name="cover:p1:{film.id}" value="{picture.id}"' in html
    page.post(reverse("compose-submit"), {**typed, f"cover:p1:{film.id}": str(picture.id)})
    covers = {d.network: d.rendered["parts"][0]["media"][0].get("cover") for d in Delivery.objects.all()}
    assert covers["bluesky"] is None
    assert covers["mastodon"]["media"]["name"] == "cup.jpg"
    again = page.get(reverse("compose-draft", args=[Draft.objects.get().id])).content.decode()
    assert f'name="cover:p1:{film.id}" value="{picture.id}"' in again


def test_what_lies_at_hand_is_kept_used_and_removed(page, form):
    html = page.post(
        reverse("compose-save-text"), {"saved-kind": "hashtags", "saved-name": "Usual", "saved-text": "#kopi"}
    )
    assert 'data-insert="#kopi"' in html.content.decode()
    wrong = page.post(
        reverse("compose-save-text"), {"saved-kind": "hashtags", "saved-name": "", "saved-text": "#lost?"}
    )
    assert "#lost?" in wrong.content.decode()
    groups = page.post(
        reverse("compose-save-group"), {"group-name": "Main", "channel": ["x-kopisenja", "facebook-kopisenja"]}
    )
    assert 'data-choose="x-kopisenja facebook-kopisenja"' in groups.content.decode()
    html = page.get(reverse("compose-draft", args=[new_id()])).content.decode()
    assert "Main" in html
    page.post(reverse("compose-delete-group", args=[ChannelGroup.objects.get().id]))
    page.post(reverse("compose-delete-text", args=[SavedText.objects.get().id]))
    assert not ChannelGroup.objects.exists()


@pytest.mark.parametrize(("how", "here"), [("mine", "Mine"), ("theirs", "Theirs")])
def test_of_two_versions_one_stays_and_the_other_is_a_draft_of_its_own(page, form, how, here):
    page.post(reverse("compose-autosave"), form("Theirs"))
    assert page.post(reverse("compose-autosave"), form("Mine", hand="h2", version="0")).status_code == 409
    answer = page.post(reverse("compose-submit"), form("Mine", hand="h2", version="0", how=how))
    original = Draft.objects.order_by("id").first()
    assert answer["Location"] == reverse("compose-draft", args=[original.id])
    said = {draft.id == original.id: draft.parts.get().text for draft in Draft.objects.all()}
    assert said == {True: here, False: {"Mine": "Theirs", "Theirs": "Mine"}[here]}


def test_what_is_typed_into_a_scheduled_post_waits_beside_it(page, post):
    row = post("Before").deliveries[0]
    address = reverse("compose-draft", args=[row.draft_id])
    form = {
        "draft": str(row.draft_id),
        "version": str(Draft.objects.get().version),
        "hand": "h",
        "parts:": ["p1"],
        "text:p1": "Typed",
        "timezone": "UTC",
    }
    page.post(reverse("compose-autosave"), form)
    assert ">Typed</textarea>" in page.get(address).content.decode()
    row.refresh_from_db()
    assert row.rendered["parts"][0]["text"] == "Before"
    page.post(reverse("compose-discard", args=[row.draft_id]))
    assert ">Before</textarea>" in page.get(address).content.decode()
    page.post(reverse("compose-autosave"), form)
    page.post(reverse("compose-submit"), {**form, "how": "save"})
    assert "pending" not in Draft.objects.get().extras


def test_somebody_else_at_the_same_post_is_named(page, form, member):
    from django.test import Client

    other = Client(headers={"accept-language": "en"})
    other.force_login(member("editor").person)
    here = form("Mine")
    page.post(reverse("compose-presence"), here)
    assert "Sari Wulandari" in other.post(reverse("compose-presence"), {**here, "hand": "h2"}).content.decode()
    page.post(reverse("compose-presence-end"), here)
    assert "Sari" not in other.post(reverse("compose-presence"), {**here, "hand": "h2"}).content.decode()


def test_the_next_free_slot_is_told_before_it_is_taken(page, form, actor, channels):
    from datetime import time

    from kicau.channels.actions import set_slots

    html = page.post(reverse("compose-preview"), form("Hi", when="slot")).content.decode()
    assert "has no regular posting times. Add posting times in" in html
    set_slots(actor, "x-kopisenja", [(day, time(9)) for day in range(7)], "Asia/Jakarta")
    html = page.post(reverse("compose-preview"), form("Hi", when="slot")).content.decode()
    assert ", 09:00</time>" in html


def test_a_link_card_begins_with_the_texts_address_and_a_page_that_cannot_be_read_is_no_obstacle(page, form):
    asked = form("Baca http://127.0.0.1:9/gayo.", act="link:on")
    html = page.post(reverse("compose-form"), asked).content.decode()
    assert 'value="http://127.0.0.1:9/gayo"' in html
    assert "Check that the address is correct and open to" in html
    html = page.post(
        reverse("compose-form"),
        asked | {"link-url": "http://127.0.0.1:9/gayo", "link-title": "Gayo", "act": "link:read"},
    ).content.decode()
    assert 'value="Gayo"' in html


# A post that is scheduled already


def opened(page, draft_id) -> dict[str, list[str]]:
    """The fields of the editor as it opens, as a browser would send them."""
    found: dict[str, list[str]] = {}
    html = page.get(reverse("compose-draft", args=[draft_id])).content.decode()
    for tag in re.findall(r"<input[^>]*>", html[html.index('id="composer"') :]):
        given = dict(re.findall(r'([\w:-]+)="([^"]*)"', tag))
        ticks = given.get("type") in ("checkbox", "radio")
        if "name" in given and (not ticks or re.search(r"\schecked", tag)):
            found.setdefault(given["name"], []).append(given.get("value", "on"))
    found["text:p1"] = [re.search(r'name="text:p1"[^>]*>([^<]*)<', html)[1]]
    return found


def save(page, form, **more):
    return page.post(reverse("compose-submit"), {**form, "how": "save", **more}, follow=True)


def test_the_editor_opens_with_the_real_time_and_saving_another_moves_all(page, actor, post):
    rows = post(to=["x-kopisenja", "mastodon-kopisenja"]).deliveries
    due = (clock.now() + timedelta(days=2)).replace(second=0, microsecond=0)
    for row in rows:
        actions.reschedule(actor, row.id, due, "Asia/Jakarta")
    form = opened(page, rows[0].draft_id)
    local = due.astimezone(clock.find_zone("Asia/Jakarta"))
    assert (form["when"], form["date"], form["time"]) == (["at"], [f"{local:%Y-%m-%d}"], [f"{local:%H:%M}"])
    another = local + timedelta(days=3)
    html = save(page, form, date=f"{another:%Y-%m-%d}", **{"text:p1": "After"}).content.decode()
    assert "New publishing time of the post:" in html
    assert {row.due_at for row in Delivery.objects.all()} == {another}
    assert {row.rendered["parts"][0]["text"] for row in Delivery.objects.all()} == {"After"}
    assert Delivery.objects.count() == 2


def test_a_post_that_was_moved_while_the_editor_was_open_keeps_its_new_time(page, actor, post):
    row = post().deliveries[0]
    form = opened(page, row.draft_id)
    due = clock.now() + timedelta(days=5)
    actions.reschedule(actor, row.id, due)
    page.post(reverse("compose-autosave"), {**form, "text:p1": "Typed"})
    save(page, form, **{"text:p1": "After"})
    row.refresh_from_db()
    assert (row.due_at, row.rendered["parts"][0]["text"]) == (due, "After")


def test_what_was_typed_and_not_saved_opens_with_the_real_time_too(page, actor, post):
    row = post().deliveries[0]
    form = opened(page, row.draft_id)
    page.post(reverse("compose-autosave"), {**form, "text:p1": "Typed"})
    due = (clock.now() + timedelta(days=5)).replace(second=0, microsecond=0)
    actions.reschedule(actor, row.id, due, "UTC")
    again = opened(page, row.draft_id)
    assert (again["date"], again["time"], again["text:p1"]) == ([f"{due:%Y-%m-%d}"], [f"{due:%H:%M}"], ["Typed"])


def test_different_times_are_said_and_kept_unless_one_is_chosen(page, actor, post):
    first, second = post(to=["x-kopisenja", "mastodon-kopisenja"]).deliveries
    due = clock.now() + timedelta(days=4)
    actions.reschedule(actor, second.id, due)
    form = opened(page, first.draft_id)
    assert form["when"] == ["keep"]
    html = page.get(reverse("compose-draft", args=[first.draft_id])).content.decode()
    assert html.count('<li class="row">', html.index('class="plain small soft times"')) >= 2
    save(page, form, **{"text:p1": "After"})
    assert set(Delivery.objects.values_list("due_at", flat=True)) == {first.due_at, due}
    day = clock.now() + timedelta(days=6)
    save(page, opened(page, first.draft_id), when="at", at=f"{day:%Y-%m-%d} 09:00", timezone="UTC")
    assert [f"{at:%d %H:%M}" for at in set(Delivery.objects.values_list("due_at", flat=True))] == [f"{day:%d} 09:00"]


def test_what_has_begun_is_named_and_channels_are_added_and_taken_out(page, post):
    first = post(to=["x-kopisenja", "mastodon-kopisenja"]).deliveries[0]
    Delivery.objects.filter(id=first.id).update(state="published")
    form = opened(page, first.draft_id)
    form["channel"] = ["x-kopisenja", "bluesky-kopisenja"]
    html = save(page, form, **{"text:p1": "After"}).content.decode()
    for words in (
        "already published or being published: Kopi Senja (X)",
        "The post is scheduled on Kopi Senja (Bluesky)",
        "The post was canceled on Kopi Senja (Mastodon)",
    ):
        assert words in html
    states = dict(Delivery.objects.values_list("channel__key", "state"))
    assert states == {"x-kopisenja": "published", "mastodon-kopisenja": "canceled", "bluesky-kopisenja": "scheduled"}


def test_a_confirmation_is_asked_in_the_same_place_and_never_lost_silently(page, actor, channels):
    draft = compositions.create_draft(actor, compositions.Composition(parts=(compositions.PartContent(text="Kopi"),)))
    due = clock.now() + timedelta(days=1)
    row = schedule.schedule(
        actor, compositions.one_draft(actor, draft.id), ["linkedin-kopisenja"], due, confirm=True
    ).deliveries[0]
    given = row.confirmed_at
    form = opened(page, draft.id)
    day = clock.now() + timedelta(days=6)
    save(page, form, date=f"{day:%Y-%m-%d}")
    row.refresh_from_db()
    assert (row.state, row.confirmed_at) == ("scheduled", given)
    form = {**opened(page, draft.id), "text:p1": "Teh"}
    assert (
        "You changed the post after Sari Wulandari confirmed it for LinkedIn"
        in page.post(reverse("compose-preview"), form).content.decode()
    )
    asked = page.post(reverse("compose-submit"), {**form, "how": "save"})
    assert asked.status_code == 422
    assert 'id="confirm-again"' in asked.content.decode()
    assert ">Teh</textarea>" in asked.content.decode()
    row.refresh_from_db()
    assert (row.rendered["parts"][0]["text"], row.confirmed_at) == ("Kopi", given)
    save(page, form, how="save-confirmed")
    row.refresh_from_db()
    assert (row.rendered["parts"][0]["text"], row.state) == ("Teh", "scheduled")
    form = {**opened(page, draft.id), "text:p1": "Susu"}
    html = save(page, form, how="save-unconfirmed").content.decode()
    row.refresh_from_db()
    assert (row.state, row.hold) == ("held", "confirmation")
    assert "on hold on these channels until someone confirms it: Kopi Senja (LinkedIn)" in html


def test_a_second_press_and_an_old_tab_make_no_second_set(page, form):
    page.post(reverse("compose-submit"), form("Kopi"))
    assert page.post(reverse("compose-submit"), form("Kopi")).status_code == 302
    other = page.post(reverse("compose-submit"), form("Other words"))
    assert other.status_code == 422
    assert ">Other words</textarea>" in other.content.decode()
    assert Delivery.objects.count() == 1


def test_publishing_again_asks_first_where_and_when(page, post):
    row = post().deliveries[0]
    address = reverse("publish-again", args=[row.draft_id])
    assert page.get(address).status_code == 200
    day = clock.now() + timedelta(days=2)
    wanted = {
        "channel": ["x-kopisenja"],
        "when": "at",
        "date": f"{day:%Y-%m-%d}",
        "time": "09:00",
        "timezone": "UTC",
        "ask": "1",
    }
    html = page.get(address, wanted).content.decode()
    assert "Create 1 more post with the same content?" in html
    assert f'datetime="{day:%Y-%m-%d}T09:00:00+00:00"' in html
    assert Delivery.objects.count() == 1
    for wrong in ({**wanted, "channel": []}, {**wanted, "date": "2020-01-01"}, {**wanted, "time": "x"}):
        assert page.post(address, wrong).status_code == 422
    assert page.post(address, wanted).status_code == 302
    assert sorted(Delivery.objects.values_list("due_at", flat=True))[1] == day.replace(
        hour=9, minute=0, second=0, microsecond=0
    )
