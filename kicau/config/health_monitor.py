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
from kicau.engine.periodic_tasks import Chore, apart
from kicau.notifications import actions, emails, trouble_watch
from kicau.publishing.delivery import lateness

log = structlog.get_logger("kicau.notifications")

LITTLE_SPACE = 1_000_000_000  # bytes
EVERY = 10.0  # seconds between two looks


def disk() -> Iterator[trouble_watch.Seen]:
    free = shutil.disk_usage(settings.KICAU_DATA).free
    if free < LITTLE_SPACE:
        yield trouble_watch.Seen(key="disk", kind="disk", details={"megabytes": free // 1_000_000})


def clocks() -> Iterator[trouble_watch.Seen]:
    found = clock_drift.measure()
    if found.differs:
        yield trouble_watch.Seen(
            key="clock", kind="clock", details={"seconds": abs(round(found.difference.total_seconds(), 1))}
        )


def chores() -> list[Chore]:
    """For a worker."""
    trouble_watch.look_for(*LOOKERS)
    return [
        Chore(
            name="compare this machine's clock with the database's",
            every=clock_drift.MEASURE_EVERY_SECONDS,
            run=sync_to_async(clock_drift.keep_time),
        ),
        Chore(name="look for trouble", every=EVERY, run=sync_to_async(trouble_watch.look)),
        Chore(name="write letters", every=5.0, run=sync_to_async(emails.collect)),
        Chore(name="send letters", every=2.0, run=apart(emails.send_due, emails.are_due)),
        Chore(name="send alerts", every=2.0, run=trouble_watch.send_alerts),
        Chore(name="forget what was told long ago", every=3600.0, run=sync_to_async(forget)),
    ]


LOOKERS = (lateness.troubles, token_refresh.troubles, budget_alerts.troubles, disk, clocks, expiries.troubles)


def forget() -> int:
    actions.forget_old()
    emails.forget_old()
    trouble_watch.forget_old()
    return 0


def stand_in() -> None:
    """One round, where no worker lives: otherwise nobody would tell of that."""
    if engine.workers_alive():
        return
    trouble_watch.look()
    emails.collect()
    emails.send_due()
    asyncio.run(trouble_watch.send_alerts())


def keep_standing_in(over: threading.Event) -> None:
    """Until `over`; a failure (the database is away) is logged and the next round tries again."""
    trouble_watch.look_for(*LOOKERS)
    while not over.wait(EVERY):
        try:
            clock_drift.keep_time()
            stand_in()
        except (Error, OSError) as exc:
            log.warning("could not look for trouble", error=str(exc)[:200])
        finally:
            connections.close_all()
