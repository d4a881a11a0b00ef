"""The numbers for those who host: true, whole, and not for everybody."""

from datetime import timedelta

from prometheus_client.parser import text_string_to_metric_families

from kicau.base import clock
from kicau.costs.models import Budget, BudgetUse
from kicau.engine.models import Heartbeat
from kicau.publishing.models import Attempt, Delivery
from kicau.web.core import metrics


def read(client, **how):
    answer = client.get("/metrics", **how)
    assert answer.status_code == 200, answer.content
    return {
        (s.name, *s.labels.values()): s.value
        for f in text_string_to_metric_families(answer.content.decode())
        for s in f.samples
    }


def test_the_numbers_tell_how_it_stands(guest, post, channels, workspace, monkeypatch):
    monkeypatch.setattr(metrics, "_outcome_counter", metrics.delivery_metrics.OutcomeCounter())
    rows = post(to=["x-kopisenja", "mastodon-kopisenja"]).deliveries
    now = clock.now()
    x, other = sorted(rows, key=lambda row: row.network != "x")
    Delivery.objects.filter(id=x.id).update(due_at=now - timedelta(seconds=90), next_at=now - timedelta(seconds=90))
    Delivery.objects.filter(id=other.id).update(state="failed")
    Heartbeat.objects.create(worker="host-1", in_flight=3)
    budget = Budget.objects.create(name="B", workspace=workspace, amount=1000, currency="USD", period="total")
    BudgetUse.objects.create(budget=budget, begins_at=budget.created_at, amount=250)
    with clock.freeze_clock(now):
        told = read(guest)
    assert told["kicau_deliveries_late",] == 1
    assert told["kicau_deliveries_latest_seconds",] == 90
    assert (told["kicau_queue_due", "x"], told["kicau_workers",]) == (1, 1)
    assert told["kicau_queue_oldest_seconds", "x"] == 90
    assert told["kicau_deliveries_waiting", "mastodon", "failed"] == 1
    assert told["kicau_worker_in_flight", "host-1"] == 3
    assert told["kicau_channels", "x", "active"] == 1
    assert told["kicau_budget_used_ratio", str(budget.id)] == 0.25
    assert told["kicau_database_bytes",] > 1_000_000
    assert told["kicau_outbox", "letters"] == 0

    # steps are counted from here on, ten seconds behind
    Delivery.objects.filter(id=x.id).update(state="published", published_at=now - timedelta(seconds=89.7))
    for at, outcome in (
        (now - timedelta(seconds=20), "uncertain"),
        (now - timedelta(seconds=20), "published"),
        (now, "published"),
    ):
        Attempt.objects.create(delivery=x, did="publish", outcome=outcome, sentence="", at=at)
    with clock.freeze_clock(now):
        told = read(guest)
    assert told["kicau_steps_total", "publish", "x", "published"] == 1
    assert told["kicau_steps_total", "publish", "x", "uncertain"] == 1
    assert (
        told["kicau_published_late_seconds_bucket", "0.5", "x"] == told["kicau_published_late_seconds_count", "x"] == 1
    )
    assert told["kicau_published_late_seconds_bucket", "0.25", "x"] == 0
    with clock.freeze_clock(now + timedelta(seconds=9)):
        assert read(guest)["kicau_steps_total", "publish", "x", "published"] == 1
    with clock.freeze_clock(now + timedelta(seconds=11)):
        assert read(guest)["kicau_steps_total", "publish", "x", "published"] == 2


def test_they_are_for_who_may_read_them(guest, settings):
    assert guest.get("/metrics", REMOTE_ADDR="203.0.113.9").status_code == 403
    settings.KICAU_PUBLIC_URL = "https://kicau.example"
    assert guest.get("/metrics").status_code == 403  # a proxy makes everybody look local
    settings.KICAU_METRICS_TOKEN = "ours"
    assert guest.get("/metrics", headers={"authorization": "Bearer theirs"}).status_code == 401
    read(guest, headers={"authorization": "Bearer ours"}, REMOTE_ADDR="203.0.113.9")


def test_steps_count_from_when_the_server_started_though_nobody_asked_yet(guest, post, monkeypatch):
    now = clock.now()
    row = post(to=["x-kopisenja"]).deliveries[0]
    for at in (now - timedelta(minutes=9), now - timedelta(minutes=3)):
        Attempt.objects.create(delivery=row, did="publish", outcome="published", sentence="", at=at)
    with clock.freeze_clock(now - timedelta(minutes=5)):
        monkeypatch.setattr(metrics, "_outcome_counter", metrics.delivery_metrics.OutcomeCounter())
    assert read(guest)["kicau_steps_total", "publish", "x", "published"] == 1, "the one before it is not ours to count"
