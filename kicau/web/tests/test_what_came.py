"""What came back of a post stands beside it, and reading is switched where its cost stands."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.urls import reverse

from kicau.base import clock
from kicau.channels.models import Channel, NetworkApp
from kicau.publishing.models import Delivery
from kicau.sync.models import Comment, PostMetrics, SyncChoice, SyncProgress
from kicau.web.templatetags.kicau import number_word
from kicau.web.tests.test_pages import QUERIES


@pytest.fixture
def came_back(post):
    row = post("Kopi Gayo", to=["x-kopisenja"]).deliveries[0]
    now = clock.now()
    Delivery.objects.filter(id=row.id).update(
        state="published", remote_ids=["77"], published_at=now - timedelta(hours=1)
    )
    PostMetrics.objects.create(
        channel=row.channel,
        delivery=row,
        remote_id="77",
        published_at=now,
        values={"like_count": 4711, "odd_count": 3},
        read_at=now - timedelta(minutes=12),
    )
    Comment.objects.create(
        channel=row.channel, delivery=row, remote_id="78", author="9", text="Enak <b>sekali</b>", at=now
    )
    return row


def test_numbers_with_their_time_and_answers_as_they_were_written(
    page, owner, came_back, django_assert_max_num_queries
):
    with django_assert_max_num_queries(QUERIES):
        shown = page.get(reverse("post", args=[came_back.draft_id])).content.decode()
    assert "4,711" in shown
    assert "likes" in shown
    assert "odd" in shown
    assert "metrics updated 12\xa0minutes ago" in shown
    assert "Enak &lt;b&gt;sekali&lt;/b&gt;" in shown
    page.post(reverse("choose-language"), {"language": "id", "next": "/drafts"})
    shown = page.get(reverse("post", args=[came_back.draft_id])).content.decode()
    assert "metrik diperbarui 12\xa0menit yang lalu" in shown
    assert "suka" in shown


def test_reading_is_switched_on_at_the_figure_that_stands_there(page, came_back, workspace):
    shown = page.get(reverse("costs")).content.decode()
    assert "Turn on reply monitoring at this cost" in shown
    assert "for 1 posts" in shown
    page.post(reverse("switch-polling"), {"network": "x", "reads": "on", "accepts": "1"})
    assert not SyncChoice.objects.exists()  # less than it will cost
    page.post(reverse("switch-polling"), {"network": "x", "reads": "on", "accepts": str((7 + 1) * 5_000)})
    assert SyncChoice.objects.get(workspace=workspace).reads
    SyncProgress.objects.create(channel=came_back.channel, next_at=clock.now(), reason="It asked to wait.")
    shown = page.get(reverse("costs")).content.decode()
    assert 'name="reads" value="off">Turn off' in shown
    assert "It asked to wait." in shown
    page.post(reverse("switch-polling"), {"network": "x", "reads": "off"})
    assert not SyncChoice.objects.get(workspace=workspace).reads


def test_numbers_are_named_as_people_name_them():
    assert [number_word(one) for one in ("reply_count", "replies_count", "replyCount", "likes")] == [
        "replies",
        "replies",
        "replies",
        "likes",
    ]
    assert [number_word(one) for one in ("stories_count", "odd_count")] == ["stories", "odd"]


def test_without_a_price_list_the_page_does_not_speak_of_a_plan(page, came_back, workspace):
    NetworkApp.objects.update(plan="nowhere")
    Channel.objects.filter(workspace=workspace).update(sync_paused_until=clock.now() + timedelta(hours=1))
    page.post(reverse("switch-polling"), {"network": "x", "reads": "on", "accepts": "0"})
    shown = page.get(reverse("costs")).content.decode()
    assert "No current price list includes the cost of reply" in shown
    assert "Your plan with this network limits how many replies" not in shown
    assert "to keep API calls for publishing" in shown
