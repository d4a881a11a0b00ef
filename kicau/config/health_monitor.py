"""What the instance's troubles are, and the standing work of telling people: in every worker, and in the web server for as
long as no worker lives to do it."""

from __future__ import annotations

import asyncio
import shutil
import threading
from collections.abc import Iterator

import structlog
from asgiref.sync import sync_to_async
from django.conf import settings
from django.db import Error, connections

from kicau.base import clock_drift
from kicau.channels import expiries, token_refresh
from kicau.costs import budget_alerts
from kicau.engine import health as engine
from kicau.engine.periodic_tasks import PeriodicTask, in_own_thread
from kicau.notifications import actions, emails, trouble_watch
from kicau.publishing.delivery import lateness

log = structlog.get_logger("kicau.notifications")

MIN_FREE_DISK_BYTES = 1_000_000_000  # bytes
CHECK_INTERVAL_SECONDS = 10.0  # seconds between two looks


def detect_full_disk() -> Iterator[trouble_watch.DetectedIncident]:
    free = shutil.disk_usage(settings.KICAU_DATA).free
    if free < MIN_FREE_DISK_BYTES:
        yield trouble_watch.DetectedIncident(key="disk", kind="disk", details={"megabytes": free // 1_000_000})


def detect_clock_difference() -> Iterator[trouble_watch.DetectedIncident]:
    found = clock_drift.measure_clock()
    if found.differs:
        yield trouble_watch.DetectedIncident(
            key="clock", kind="clock", details={"seconds": abs(round(found.difference.total_seconds(), 1))}
        )


def monitoring_tasks() -> list[PeriodicTask]:
    """For a worker."""
    trouble_watch.register_detectors(*INCIDENT_DETECTORS)
    return [
        PeriodicTask(
            name="compare this machine's clock with the database's",
            every=clock_drift.MEASURE_EVERY_SECONDS,
            run=sync_to_async(clock_drift.synchronize_clock),
        ),
        PeriodicTask(
            name="check for incidents", every=CHECK_INTERVAL_SECONDS, run=sync_to_async(trouble_watch.check_incidents)
        ),
        PeriodicTask(name="queue notification emails", every=5.0, run=sync_to_async(emails.queue_notification_emails)),
        PeriodicTask(name="send emails", every=2.0, run=in_own_thread(emails.send_due_emails, emails.has_due_emails)),
        PeriodicTask(name="send alerts", every=2.0, run=trouble_watch.send_due_alerts),
        PeriodicTask(
            name="delete old notifications and incidents", every=3600.0, run=sync_to_async(delete_old_records)
        ),
    ]


INCIDENT_DETECTORS = (
    lateness.detect_incidents,
    token_refresh.detect_incidents,
    budget_alerts.detect_incidents,
    detect_full_disk,
    detect_clock_difference,
    expiries.detect_incidents,
)


def delete_old_records() -> int:
    actions.delete_old_notifications()
    emails.delete_old_emails()
    trouble_watch.delete_old_incidents()
    return 0


def run_round_without_worker() -> None:
    """One round, where no worker lives: otherwise nobody would tell of that."""
    if engine.workers_alive():
        return
    trouble_watch.check_incidents()
    emails.queue_notification_emails()
    emails.send_due_emails()
    asyncio.run(trouble_watch.send_due_alerts())


def run_rounds_without_worker(over: threading.Event) -> None:
    """Until `over`; a failure (the database is away) is logged and the next round tries again."""
    trouble_watch.register_detectors(*INCIDENT_DETECTORS)
    while not over.wait(CHECK_INTERVAL_SECONDS):
        try:
            clock_drift.synchronize_clock()
            run_round_without_worker()
        except (Error, OSError) as exc:
            log.warning("could not look for trouble", error=str(exc)[:200])
        finally:
            connections.close_all()
