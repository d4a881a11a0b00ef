"""What only one network has: asked for in the composer, kept with the post, and shown in the preview."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.urls import reverse

from kicau.base import clock
from kicau.publishing.content import compositions
from kicau.publishing.models import Delivery, Draft
from kicau.publishing.scheduling import schedule
from kicau.web.tests.test_composer import form

__all__ = ["form"]

CAPTIONS = "WEBVTT\n\n00:00.000 --> 00:02.000\nAir dituang"
NOUNS = [
    ("bluesky", "replies", "mentioned", "Who can reply to this post", "People you mention"),
    ("bluesky", "quotes", "nobody", "Who can quote this post", "Nobody"),
    ("bluesky", "label", "nudity", "Content warning", "Nudity"),
    (
        "bluesky",
        "quote",
        "https://bsky.app/profile/a.test/post/3k",
        "Quote a post",
        "at://a.test/app.bsky.feed.post/3k",
    ),
    ("bluesky", "captions", CAPTIONS, "Video subtitles", "4 lines"),
    (
        "bluesky",
        "reply_to",
        "https://bsky.app/profile/a.test/post/3k",
        "Reply to a post",
        "at://a.test/app.bsky.feed.post/3k",
    ),
    ("mastodon", "visibility", "unlisted", "Who can see this post", "Everyone, but not in public timelines"),
    ("mastodon", "warning", "Kafein", "Content warning", "Kafein"),
    ("mastodon", "sensitive", "yes", "Mark images and videos as sensitive", "Yes"),
    ("mastodon", "focus", "0.2,-0.5", "Focal point of each image (the area that stays visible)", "0.2,-0.5"),
    ("mastodon", "quote", "109", "Quote a post", "109"),
    ("mastodon", "quotes", "followers", "Who can quote this post", "Followers only"),
    ("mastodon", "reply_to", "110", "Reply to a post", "110"),
    ("threads", "reply_control", "followers_only", "Who can reply to this post", "Your followers"),
    ("threads", "topic", "Kopi susu", "Topic of the post", "Kopi susu"),
    ("threads", "quote", "1234567", "Quote a post", "1234567"),
    ("threads", "spoiler", "true", "Hide images and videos until readers tap them", "Yes"),
    ("threads", "reply_to", "1234567", "Reply to a post", "1234567"),
    ("x", "replies", "mentionedUsers", "Who can reply to this post", "Only accounts you mention"),
    ("x", "made_with_ai", "yes", "Made with AI", "Yes"),
    ("x", "paid_partnership", "yes", "Paid partnership", "Yes"),
    ("x", "reply_to", "https://x.com/a/status/99", "Reply to a post", "99"),
    ("facebook", "format", "reel", "Publish video as", "Reel"),
    ("instagram", "format", "story", "Publish as", "Story"),
    ("instagram", "share_to_feed", "false", "Show the reel in the feed too, not only in the Reels tab", "No"),
    ("linkedin", "visibility", "CONNECTIONS", "Who can see this post", "Connections only"),
]


@pytest.mark.parametrize(("network", "name", "value", "label", "word"), NOUNS, ids=[f"{n}.{o}" for n, o, *_ in NOUNS])
def test_it_is_asked_for_kept_and_shown(page, form, network, name, value, label, word):
    sent = {**form("Halo", channel=[f"{network}-kopisenja"]), f"option:{network}.{name}": value}
    looked = page.post(reverse("compose-preview"), sent).content.decode()
    assert f'<span class="soft">{label}</span> {word}</li>' in looked
    page.post(reverse("compose-autosave"), sent)
    draft = Draft.objects.get()
    assert draft.extras["options"] == {f"{network}.{name}": value}
    written = page.get(reverse("compose-draft", args=[draft.id])).content.decode()
    assert f'name="option:{network}.{name}"' in written
    assert label in written


def test_nothing_chosen_nothing_shown(page, form):
    assert "settings" not in page.post(reverse("compose-preview"), form("Halo")).content.decode()


def test_captions_keep_their_lines_as_a_browser_sends_them(page, form):
    sent = {**form("Halo", channel=["bluesky-kopisenja"]), "option:bluesky.captions": CAPTIONS.replace("\n", "\r\n")}
    page.post(reverse("compose-autosave"), sent)
    draft = Draft.objects.get()
    assert draft.extras["options"]["bluesky.captions"] == CAPTIONS
    html = page.get(reverse("compose-draft", args=[draft.id])).content.decode()
    assert '<textarea name="option:bluesky.captions"' in html
    assert "--&gt; 00:02.000\nAir dituang" in html


def test_each_picture_has_a_place_for_its_focal_point(page, form, picture):
    sent = {**form("Halo", channel=["mastodon-kopisenja"]), "media:p1": [str(picture.id)]}
    page.post(reverse("compose-autosave"), sent)
    html = page.get(reverse("compose-draft", args=[Draft.objects.get().id])).content.decode()
    assert 'data-points="o-mastodon-focus"' in html
    assert html.count('<button type="button" data-point ') == 1


def test_an_answer_goes_where_it_is_meant_and_nowhere_else(actor, channels):
    given = compositions.Composition(
        parts=(compositions.PartContent(text="Setuju"),), options={"mastodon.reply_to": " 110 "}
    )
    draft = compositions.one_draft(actor, compositions.create_draft(actor, given).id)
    schedule.schedule(actor, draft, ["mastodon-kopisenja", "threads-kopisenja"], clock.now() + timedelta(hours=1))
    sent = {row.channel.network: row.rendered.get("reply_to") for row in Delivery.objects.select_related("channel")}
    assert sent == {"mastodon": "110", "threads": None}


def test_the_language_is_kept_and_given_to_the_networks(page, form, actor, channels):
    page.post(reverse("compose-autosave"), {**form("Halo", channel=["bluesky-kopisenja"]), "language": " id,en "})
    draft = Draft.objects.get()
    assert draft.language == "id,en"
    assert (
        'name="language" id="language" value="id,en"'
        in page.get(reverse("compose-draft", args=[draft.id])).content.decode()
    )
    shown = schedule.preview_posts(actor, compositions.one_draft(actor, draft.id), [channels["bluesky"]])
    assert shown[0].rendered.language == "id,en"
    html = page.post(
        reverse("compose-preview"), {**form("Halo", channel=["bluesky-kopisenja"]), "language": "id,en"}
    ).content.decode()
    assert re.search("Language of the post</span> id, en<", html)
    html = page.post(
        reverse("compose-preview"), {**form("Halo", channel=["x-kopisenja"]), "language": "id"}
    ).content.decode()
    assert "Language of the post" not in html, "it is not told there"
