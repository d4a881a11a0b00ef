"""The approval part of a post's page, and what a client's link shows and takes."""

from __future__ import annotations

import re

import pytest
from django.urls import reverse

from kicau.costs import pricing
from kicau.media import library
from kicau.media.actions import add_medium
from kicau.media.tests.samples import video
from kicau.publishing.approval import review_links, reviews
from kicau.publishing.content import autosave, compositions
from kicau.publishing.models import Delivery

pytestmark = pytest.mark.usefixtures("december_2026")


def test_an_editor_comments_approves_and_schedules_on_the_page(page, actor, member, channels):
    writer = member("contributor")
    text = "Fresh beans <b>from Gayo</b>"
    given = compositions.Composition(parts=(compositions.PartContent(text=text),))
    draft = autosave.autosave(
        writer,
        compositions.create_draft(writer, given).id,
        given,
        desk={"channels": ["linkedin-kopisenja", "x-kopisenja"]},
    )
    reviews.submit(writer, draft.id)
    here = reverse("post", args=[draft.id])
    page.post(reverse("comment", args=[draft.id]), {"text": "Which ones?", "quote": "from Gayo"})
    html = page.get(here).content.decode()
    assert re.search(r"&lt;b&gt;<mark><a [^>]+>from Gayo</a></mark>&lt;/b&gt;", html)
    assert "1 unresolved review comment" in html
    assert "take responsibility for publishing it on LinkedIn" in html
    assert html.count('<div class="shown') == 2, "as both channels would show it"
    comment = draft.reviews.get(kind="comment")
    page.post(reverse("comment-resolve", args=[draft.id, comment.id]))
    assert "Comment resolved by Sari Wulandari" in page.get(here).content.decode()
    decide = {
        "verdict": "schedule",
        "version": draft.version,
        "when": "at",
        "timezone": "Asia/Jakarta",
        "date": "2027-03-01",
        "time": "09:00",
    }
    assert (
        "Read the changed post, then make your decision"
        in page.post(reverse("review-verdict", args=[draft.id]), {**decide, "version": 1}, follow=True).content.decode()
    )
    page.post(reverse("review-verdict", args=[draft.id]), {**decide, "confirm": "on"})
    rows = {d.network: d for d in Delivery.objects.filter(draft=draft)}
    assert {d.state for d in rows.values()} == {"scheduled"}
    assert rows["linkedin"].confirmed_by == actor.person
    assert rows["x"].due_at.isoformat() == "2027-03-01T02:00:00+00:00"


def test_a_clients_link_shows_the_post_its_pictures_and_nothing_else(page, guest, actor, channels, picture):
    other = compositions.create_draft(
        actor, compositions.Composition(parts=(compositions.PartContent(text="Secret plans"),))
    )
    given = compositions.Composition(
        parts=(
            compositions.PartContent(
                text="Halo <i>dunia</i>", media=(compositions.MediumAttachment(medium=picture.id, alt="A cup"),)
            ),
        )
    )
    draft = autosave.autosave(
        actor, compositions.create_draft(actor, given).id, given, desk={"channels": ["x-kopisenja"]}
    )
    reviews.comment(actor, draft.id, "Between us")
    answer = page.post(
        reverse("review-link-create", args=[draft.id]), {"name": "Ratna", "days": "7", "comment": "on", "approve": "on"}
    )
    link = re.search(r'id="review-link">([^<]+)<', answer.content.decode())[1]
    assert "no-store" in answer["Cache-Control"]
    assert page.post(reverse("review-link-create", args=[draft.id]), {"name": "", "days": "900"}).status_code == 422
    way = link[link.index("/review/") :]
    answer = guest.get(way)
    html = answer.content.decode()
    assert (answer["Referrer-Policy"], answer["X-Robots-Tag"]) == ("same-origin", "noindex")
    assert "Halo &lt;i&gt;dunia&lt;/i&gt;" in html
    assert "Between us" not in html
    assert "Waiting for your decision" in html
    assert reverse("network-styles") in html, "each network dresses its post"
    assert 'href="/library' not in html
    small = re.search(r'src="(/review/[^"]+\.jpg)"', html)[1]
    shown = guest.get(small)
    assert (shown.status_code, shown["Content-Type"]) == (200, "image/jpeg")
    assert b"".join(shown.streaming_content)[:2] == b"\xff\xd8"
    assert guest.get(small.replace(picture.sha256, "0" * 64)).status_code == 404
    assert guest.get(reverse("post", args=[other.id])).status_code == 302
    say = f"{way}/submit"
    assert "Your comment is empty. Write a comment first" in guest.post(say, {"text": ""}, follow=True).content.decode()
    assert (
        "Your comment was sent to the team"
        in guest.post(say, {"text": "Warmer", "quote": "Halo"}, follow=True).content.decode()
    )
    told = guest.post(say, {"verdict": "approve", "version": draft.version}, follow=True).content.decode()
    assert "Thank you. Your approval of the post is recorded" in told
    assert "You approved this post" in told
    html = page.get(reverse("post", args=[draft.id])).content.decode()
    assert "Warmer" in html
    assert "Approved" in html
    page.post(reverse("review-link-revoke", args=[draft.id, review_links.active_links(actor, draft.id).get().id]))
    assert guest.get(way).status_code == 410
    assert guest.get(small).status_code == 410


def test_a_contributor_says_when_and_an_editor_finds_it_filled_in(page, guest, member, channels):
    writer = member("contributor")
    guest.force_login(writer.person)
    html = guest.get(reverse("compose"), follow=True).content.decode()
    assert 'name="date"' in html
    assert 'value="slot"' in html
    assert 'name="when" value="now"' not in html, "that is for those who may publish"
    form = {
        "draft": "01a218d8-1d20-71ce-8541-302992b303e3",
        "version": "0",
        "hand": "h",
        "parts:": ["p1"],
        "text:p1": "Fresh beans",
        "channel": ["x-kopisenja"],
    }
    form |= {"when": "at", "date": "2027-03-01", "time": "09:00", "timezone": "Asia/Jakarta", "how": "submit"}
    html = guest.post(reverse("compose-submit"), form, follow=True).content.decode()
    assert re.search("Requested publishing time: <time[^>]+>Mon 1 Mar 2027, 02:00<", html), (
        "in the zone of this writer, who has chosen none"
    )
    html = page.get(reverse("post", args=[form["draft"]])).content.decode()
    assert 'name="date" value="2027-03-01"' in html
    assert 'name="time" value="09:00"' in html


def test_a_contributor_decides_nothing_and_makes_no_link(guest, member, actor, channels):
    writer = member("contributor")
    draft = compositions.create_draft(writer, compositions.Composition(parts=(compositions.PartContent(text="x"),)))
    guest.force_login(writer.person)
    guest.post(reverse("submit", args=[draft.id]))
    guest.post(reverse("review-verdict", args=[draft.id]), {"verdict": "approve"})
    draft.refresh_from_db()
    assert draft.state == "submitted"
    assert guest.post(reverse("review-link-create", args=[draft.id]), {"name": "x", "days": "3"}).status_code == 422
    assert not draft.review_links.exists()
    html = guest.get(reverse("post", args=[draft.id])).content.decode()
    assert "Your decision" not in html


def test_what_is_to_mend_stands_above_the_text_while_its_author_mends_it(
    page, guest, actor, member, channels, django_assert_max_num_queries
):
    writer = member("contributor")
    draft = compositions.create_draft(
        writer, compositions.Composition(parts=(compositions.PartContent(text="Only 40 cups"),))
    )
    reviews.submit(writer, draft.id)
    settled = reviews.comment(actor, draft.id, "A typo")
    reviews.resolve_comment(actor, settled.id)
    reviews.comment(actor, draft.id, "40 or 60?", quote="40 cups")
    reviews.send_back(actor, draft.id, "Ask the shop")
    guest.force_login(writer.person)
    pricing.network_price_lists("x")  # which a process reads every five seconds, whatever page comes first
    with django_assert_max_num_queries(12):
        html = guest.get(reverse("compose-draft", args=[draft.id])).content.decode()
    assert "2 review comments on your post" in html
    assert html.index("40 or 60?") < html.index("Ask the shop") < html.index('<form id="composer"')
    assert "A typo" not in html
    reviews.submit(writer, draft.id)
    assert "1 review comment on your post" in guest.get(reverse("compose-draft", args=[draft.id])).content.decode()


def test_a_link_makes_no_frames_of_a_film_but_the_chosen_covers(page, guest, actor, channels, tmp_path):
    (tmp_path / "film.mp4").write_bytes(video())
    film = add_medium(actor, tmp_path / "film.mp4", "film.mp4")
    use = compositions.MediumAttachment(medium=film.id, alt="Steam", cover_ms=200)
    draft = compositions.create_draft(
        actor, compositions.Composition(parts=(compositions.PartContent(text="Pagi", media=(use,)),))
    )
    link = review_links.create_link(actor, draft.id, "Ratna")
    secret = link.link.rpartition("/")[2]
    address = reverse("client-review-thumbnail", args=[secret, film.sha256])
    for at in ("200", *(str(n * 100) for n in range(40)), "99999999", "x"):
        assert guest.get(address, {"at": at}).status_code == 200
    for at in range(0, 10_000_000, 500_000):  # and for those who are signed in, none beyond the film's end
        assert page.get(reverse("medium-thumbnail", args=[film.sha256]), {"at": at}).status_code == 200
    kept = {
        one.name.removeprefix(film.sha256) for one in library.original_path(film.ref).parent.glob(f"{film.sha256}.*")
    }
    assert kept == {".small.jpg", ".at-2.small.jpg", ".at-0.small.jpg", f".at-{film.duration_ms // 100}.small.jpg"}
