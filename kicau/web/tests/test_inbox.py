"""The page of answers: newest first, narrowed, answered and marked as done; with nothing, it says what to switch on."""

from __future__ import annotations

from datetime import timedelta

from django.urls import reverse

from kicau.base import clock
from kicau.channels.models import Channel
from kicau.sync.models import Comment
from kicau.web.tests.test_pages import QUERIES


def test_what_was_said_stands_there_and_is_answered_or_done(
    page, owner, post, workspace, django_assert_max_num_queries
):
    row = post("Kopi Gayo", to=["x-kopisenja"]).deliveries[0]
    now = clock.now()
    mention = Comment.objects.create(
        channel=row.channel,
        remote_id="77",
        author="9",
        handle="budi",
        name="Budi <b>",
        text="Buka <b>kapan</b>?",
        url="https://x.example/77",
        at=now,
    )
    Comment.objects.create(
        channel=row.channel, delivery=row, remote_id="78", author="9", text="Enak", at=now - timedelta(hours=1)
    )
    with django_assert_max_num_queries(QUERIES):
        shown = page.get(reverse("inbox")).content.decode()
    assert "@budi" in shown
    assert "Budi &lt;b&gt;" in shown
    assert "Buka &lt;b&gt;kapan&lt;/b&gt;?" in shown
    assert shown.index("kapan") < shown.index("Enak")
    assert f"/posts/{row.draft_id}#d-{row.id}" in shown
    assert 'href="https://x.example/77"' in shown
    answer = page.post(reverse("inbox-done", args=[mention.id]), {"done": "yes", "next": "/inbox?unanswered=yes"})
    assert answer["Location"] == "/inbox?unanswered=yes"
    shown = page.get("/inbox?unanswered=yes").content.decode()
    assert "kapan" not in shown
    assert "Enak" in shown
    assert "Marked as done by" in page.get("/inbox").content.decode()
    begun = page.post(reverse("inbox-reply", args=[mention.id]))
    assert begun["Location"].startswith("/compose/")
    composer = page.get(begun["Location"]).content.decode()
    assert 'value="77"' in composer
    mention.refresh_from_db()
    assert str(mention.reply_id) in begun["Location"]
    assert "Continue your reply" in page.get("/inbox").content.decode()


def test_a_long_list_comes_in_pages_and_odd_addresses_are_harmless(page, post):
    row = post("Kopi Gayo", to=["x-kopisenja"]).deliveries[0]
    now = clock.now()
    Comment.objects.bulk_create(
        Comment(channel=row.channel, remote_id=str(n), text=f"kata-{n}.", at=now - timedelta(minutes=n))
        for n in range(60)
    )
    first = page.get("/inbox").content.decode()
    assert "kata-29." in first
    assert "kata-30." not in first
    after = first.split("after=", 1)[1].split('"', 1)[0].replace("&amp;", "&")
    second = page.get(f"/inbox?after={after}").content.decode()
    assert "kata-29." not in second
    assert "kata-30." in second
    assert "kata-59." in second
    for odd in ("after=x", "after=2026-01-01T00:00:00~y", "channel=nobody", "network=%00", "unanswered=1"):
        assert page.get(f"/inbox?{odd}").status_code == 200


def test_with_nothing_it_says_what_to_switch_on_and_what_that_costs(page, post, workspace):
    post("Kopi Gayo", to=["x-kopisenja"])
    shown = page.get("/inbox").content.decode()
    assert "Kicau does not collect comments and mentions from X." in shown
    assert "each post or comment that Kicau reads costs $0.005." in shown
    Channel.objects.filter(workspace=workspace).update(state="removed")
    assert "First connect a channel on a network that supports this." in page.get("/inbox").content.decode()
