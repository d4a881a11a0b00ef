"""/metrics: the instance in numbers, in Prometheus' text format. Nothing in it names a person, a post or a workspace."""

from __future__ import annotations

import hmac
import shutil
from collections.abc import Iterator
from ipaddress import ip_address
from urllib.parse import urlsplit

from django.conf import settings
from django.db import DatabaseError, connection
from django.db.models import Count, Min
from django.http import HttpRequest, HttpResponse
from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest

import kicau
from kicau.base import clock
from kicau.channels.models import Channel
from kicau.costs import budget_alerts
from kicau.engine.models import Heartbeat
from kicau.notifications import trouble_watch
from kicau.notifications.models import Alert, Email
from kicau.publishing.delivery import delivery_metrics
from kicau.publishing.delivery.lateness import delivery_health
from kicau.workspaces.models import WebhookEvent

LOCAL_HOSTS = ("localhost", "127.0.0.1", "::1")
_outcome_counter = delivery_metrics.OutcomeCounter()


def metrics(request: HttpRequest) -> HttpResponse:
    """The numbers, for who has KICAU_METRICS_TOKEN or, without one, for this machine alone."""
    if refusal := _access_problem(request):
        return HttpResponse(
            refusal + "\n", status=401 if settings.KICAU_METRICS_TOKEN else 403, content_type="text/plain"
        )
    registry = CollectorRegistry()
    registry.register(_MetricsCollector())
    try:
        return HttpResponse(generate_latest(registry), content_type=CONTENT_TYPE_PLAIN_0_0_4)
    except DatabaseError:
        return HttpResponse("# The database does not answer.\nkicau_up 0\n", content_type=CONTENT_TYPE_PLAIN_0_0_4)


def _access_problem(request: HttpRequest) -> str:
    if token := settings.KICAU_METRICS_TOKEN:
        given = request.headers.get("Authorization", "").removeprefix("Bearer ")
        return (
            ""
            if hmac.compare_digest(given.encode(), token.encode())
            else "The bearer token of KICAU_METRICS_TOKEN is needed."
        )
    # A proxy on this machine makes everybody look local, so a public instance asks for a token.
    if urlsplit(settings.KICAU_PUBLIC_URL).hostname not in LOCAL_HOSTS:
        return "Set KICAU_METRICS_TOKEN to read the metrics of a public instance."
    try:
        return (
            ""
            if ip_address(request.META.get("REMOTE_ADDR", "")).is_loopback
            else "The metrics are for this machine; set KICAU_METRICS_TOKEN to read them from elsewhere."
        )
    except ValueError:
        return "The metrics are for this machine."


class _MetricsCollector:
    def collect(self) -> Iterator[Metric]:
        yield _gauge("kicau_up", "1 while the database answers", 1)
        info = GaugeMetricFamily("kicau_info", "The version that runs", labels=["version"])
        info.add_metric([kicau.__version__], 1)
        yield info
        yield from _delivery_metrics()
        yield from _step_metrics()
        yield from _worker_metrics()
        yield from _channel_and_budget_metrics()
        yield from _outbox_and_disk_metrics()


def _gauge(name: str, about: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, about, value=value)


def _delivery_metrics() -> Iterator[Metric]:
    health = delivery_health()
    yield _gauge("kicau_deliveries_late", "Deliveries that are more than a minute late and could be sent", health.late)
    yield _gauge(
        "kicau_deliveries_latest_seconds", "How late the longest waiting one of these is", health.latest.total_seconds()
    )
    due = GaugeMetricFamily(
        "kicau_queue_due",
        "Deliveries whose time has come and that nobody has taken, waiting channels included",
        labels=["network"],
    )
    oldest = GaugeMetricFamily("kicau_queue_oldest_seconds", "Age of the oldest of these", labels=["network"])
    flying = GaugeMetricFamily("kicau_queue_in_flight", "Deliveries that a worker is sending", labels=["network"])
    for row in delivery_metrics.delivery_queues():
        due.add_metric([row.network], row.due)
        oldest.add_metric([row.network], row.oldest_seconds)
        flying.add_metric([row.network], row.in_flight)
    waiting = GaugeMetricFamily(
        "kicau_deliveries_waiting", "Deliveries that wait for a person", labels=["network", "state"]
    )
    for network, state, count in delivery_metrics.attention_counts():
        waiting.add_metric([network, state], count)
    yield from (due, oldest, flying, waiting)


def _step_metrics() -> Iterator[Metric]:
    _outcome_counter.catch_up()
    steps = CounterMetricFamily(
        "kicau_steps", "Steps by what they came to, since the web server started", labels=["network", "did", "outcome"]
    )
    for (network, did, outcome), count in sorted(_outcome_counter.counted.items()):
        steps.add_metric([network, did, outcome], count)
    yield steps
    late = HistogramMetricFamily(
        "kicau_published_late_seconds",
        "Seconds between the wanted and the real moment of what was published",
        labels=["network"],
    )
    for network, row in sorted(_outcome_counter.late.items()):
        sums = [sum(row[: n + 1]) for n in range(len(row))]
        tops = [*map(str, delivery_metrics.LATENCY_BUCKETS_SECONDS), "+Inf"]
        late.add_metric([network], list(zip(tops, sums, strict=True)), _outcome_counter.late_sum[network])
    yield late


def _worker_metrics() -> Iterator[Metric]:
    alive = GaugeMetricFamily(
        "kicau_worker_last_sign_seconds", "Seconds since each worker was heard of", labels=["worker"]
    )
    flying = GaugeMetricFamily("kicau_worker_in_flight", "Deliveries that each worker is sending", labels=["worker"])
    now, rows = clock.now(), list(Heartbeat.objects.order_by("worker"))
    for row in rows:
        alive.add_metric([row.worker], (now - row.at).total_seconds())
        flying.add_metric([row.worker], row.in_flight)
    yield _gauge("kicau_workers", "Workers that live", delivery_health().workers)
    yield from (alive, flying)


def _channel_and_budget_metrics() -> Iterator[Metric]:
    channels = GaugeMetricFamily("kicau_channels", "Channels by their state", labels=["network", "state"])
    expires = GaugeMetricFamily(
        "kicau_channel_token_expires_timestamp_seconds",
        "When the first token of a network's active channels ends",
        labels=["network"],
    )
    for row in (
        Channel.objects.order_by().values("network", "state").annotate(n=Count("id"), first=Min("token_expires_at"))
    ):
        channels.add_metric([row["network"], row["state"]], row["n"])
        if row["state"] == "active" and row["first"]:
            expires.add_metric([row["network"]], row["first"].timestamp())
    budgets = GaugeMetricFamily(
        "kicau_budget_used_ratio", "Used part of each budget in its present period", labels=["budget"]
    )
    for one in budget_alerts.budget_usages():
        budgets.add_metric([str(one.budget.id)], one.used / one.budget.amount if one.budget.amount else 1)
    troubles = GaugeMetricFamily("kicau_troubles", "Troubles of this moment", labels=["kind"])
    kinds = [row.kind for row in trouble_watch.open_incidents()]
    for kind in sorted(set(kinds)):
        troubles.add_metric([kind], kinds.count(kind))
    yield from (channels, expires, budgets, troubles)


def _outbox_and_disk_metrics() -> Iterator[Metric]:
    outboxes = GaugeMetricFamily("kicau_outbox", "Messages that were not taken yet", labels=["outbox"])
    for name, model in (("webhooks", WebhookEvent), ("letters", Email), ("alerts", Alert)):
        outboxes.add_metric([name], model._default_manager.filter(sent_at=None, given_up_at=None).count())
    yield outboxes
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_database_size(current_database())")
        yield _gauge("kicau_database_bytes", "Size of the database", cursor.fetchone()[0])
    yield _gauge(
        "kicau_disk_free_bytes", "What is left on the data folder's disk", shutil.disk_usage(settings.KICAU_DATA).free
    )
