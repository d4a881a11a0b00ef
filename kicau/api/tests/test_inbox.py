"""What came back of a post over REST, paged, and reading switched at its figure."""

from __future__ import annotations

from datetime import timedelta

from django.db import connection
from django.test.utils import CaptureQueriesContext

from kicau.api.tests.conftest import add_channel, write
from kicau.base import clock
from kicau.publishing.models import Delivery
from kicau.sync.models import Comment, PostMetrics


def test_numbers_and_answers_come_in_pages(api, actor):
    channel, draft, now = add_channel(actor, "x"), write(actor, "Kopi"), clock.now()
    row = Delivery.objects.create(
        workspace=actor.workspace,
        draft_id=draft.id,
        channel=channel,
        network="x",
        state="published",
        due_at=now,
        next_at=now,
        rendered={"parts": []},
        remote_ids=["1", "2"],
        published_at=now,
    )
    for n in (0, 1):
        PostMetrics.objects.create(
            channel=channel,
            delivery=row,
            remote_id=str(n + 1),
            position=n,
            published_at=now,
            values={"like_count": n},
            read_at=now,
        )
    PostMetrics.objects.create(channel=channel, delivery=row, remote_id="3", published_at=now)  # not read yet
    for n in range(3):
        Comment.objects.create(
            channel=channel, delivery=row, remote_id=str(n + 10), author="9", text=f"Enak {n}", at=now
        )
    told = api.get(f"/posts/{draft.id}/metrics").json()["items"]
    assert [(one["part"], one["remote_id"], one["values"]) for one in told] == [
        (1, "1", {"like_count": 0}),
        (2, "2", {"like_count": 1}),
    ]
    first = api.get(f"/posts/{draft.id}/comments?limit=2").json()
    second = api.get(f"/posts/{draft.id}/comments?limit=2&cursor={first['next']}").json()
    assert sorted(one["text"] for one in first["items"] + second["items"]) == ["Enak 0", "Enak 1", "Enak 2"]
    assert second["next"] is None


def test_reading_is_switched_on_where_its_figure_is_accepted(api, actor):
    add_channel(actor, "x")
    [state] = api.get("/sync").json()["items"]
    assert (state["network"], state["enabled"], state["costs"], state["micro_per_comment"]) == ("x", False, True, 5_000)
    refused = api.put("/sync", {"network": "x", "enabled": True})
    assert refused.status_code == 409
    assert "Each reply received costs another" in refused.json()["detail"]
    assert api.put("/sync", {"network": "x", "enabled": True, "accepted_micro": state["micro"]}).json()["enabled"]
    assert api.put("/sync", {"network": "nowhere", "enabled": True}).status_code == 404


def test_webhooks_are_switched_on_where_the_network_can_reach_this_kicau(api, actor, settings):
    add_channel(actor, "facebook")
    [state] = api.get("/sync/webhooks").json()["items"]
    assert (
        state["network"],
        state["on"],
        state["reads_a_day"],
        state["reads_a_day_with_webhooks"],
        state["channels"],
    ) == (
        "facebook",
        False,
        288,
        12,
        [],
    )
    settings.KICAU_PUBLIC_URL = "http://127.0.0.1:8000"
    refused = api.put("/sync/webhooks", {"network": "facebook", "on": True})
    assert refused.status_code == 409
    assert "https://" in refused.json()["detail"]
    settings.KICAU_PUBLIC_URL = "https://kicau.example.org"
    on = api.put("/sync/webhooks", {"network": "facebook", "on": True}).json()
    assert on["on"]
    assert [one["since"] for one in on["channels"]] == [None]
    assert not api.put("/sync/webhooks", {"network": "facebook", "on": False}).json()["on"]
    assert api.put("/sync/webhooks", {"network": "nowhere", "on": True}).status_code == 404


def test_answers_are_listed_newest_first_marked_and_replied_to(api, actor):
    channel, now = add_channel(actor, "x"), clock.now()
    rows = [
        Comment.objects.create(
            channel=channel,
            remote_id=str(n),
            author="9",
            handle="budi",
            text=f"Halo {n}",
            at=now - timedelta(minutes=n),
        )
        for n in range(3)
    ]
    first = api.get("/inbox?limit=2").json()
    second = api.get(f"/inbox?limit=2&cursor={first['next']}").json()
    assert [one["text"] for one in first["items"] + second["items"]] == ["Halo 0", "Halo 1", "Halo 2"]
    assert first["items"][0]["channel"] == channel.key
    assert api.put(f"/inbox/{rows[0].id}", {"done": True}).json()["done_at"]
    assert [one["text"] for one in api.get("/inbox?unanswered=true&network=x").json()["items"]] == ["Halo 1", "Halo 2"]
    begun = api.post(f"/inbox/{rows[1].id}/reply").json()["post"]
    assert api.get(f"/posts/{begun}").json()["options"] == {"x.reply_to": "1"}


def test_a_page_of_many_answers_reads_no_more_than_a_page(api, actor):
    channel, now = add_channel(actor, "x"), clock.now()
    Comment.objects.bulk_create(
        Comment(channel=channel, remote_id=str(n), author="9", text=f"Halo {n}", at=now - timedelta(seconds=n))
        for n in range(3000)
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE sync_comment")
    with CaptureQueriesContext(connection) as asked:
        first = api.get("/inbox?limit=20").json()
        second = api.get(f"/inbox?limit=20&cursor={first['next']}").json()
    assert [one["text"] for one in first["items"] + second["items"]] == [f"Halo {n}" for n in range(40)]
    for one in asked.captured_queries:
        if "sync_comment" in one["sql"]:
            with connection.cursor() as cursor:
                cursor.execute(f"EXPLAIN {one['sql']}")
                plan = "\n".join(row[0] for row in cursor.fetchall())
            assert "Seq Scan on sync_comment" not in plan, plan
