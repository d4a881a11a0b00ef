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

from kicau.base import timekeeping
from kicau.channels import expiries, upkeep
from kicau.engine import health as engine
from kicau.engine.chores import Chore, apart
from kicau.notices import acts, letters, watch
from kicau.plans import nearing
from kicau.publishing import health

log = structlog.get_logger("kicau.notices")

LITTLE_SPACE = 1_000_000_000  # bytes
EVERY = 10.0  # seconds between two looks


def disk() -> Iterator[watch.Seen]:
    free = shutil.disk_usage(settings.KICAU_DATA).free
    if free < LITTLE_SPACE:
        yield watch.Seen(key="disk", kind="disk", details={"megabytes": free // 1_000_000})


def clocks() -> Iterator[watch.Seen]:
    found = timekeeping.measure()
    if found.differs:
        yield watch.Seen(
            key="clock", kind="clock", details={"seconds": abs(round(found.difference.total_seconds(), 1))}
        )


def chores() -> list[Chore]:
    """For a worker."""
    watch.look_for(*LOOKERS)
    return [
        Chore(
            name="compare this machine's clock with the database's",
            every=timekeeping.MEASURE_EVERY_SECONDS,
            run=sync_to_async(timekeeping.keep_time),
        ),
        Chore(name="look for trouble", every=EVERY, run=sync_to_async(watch.look)),
        Chore(name="write letters", every=5.0, run=sync_to_async(letters.collect)),
        Chore(name="send letters", every=2.0, run=apart(letters.send_due, letters.are_due)),
        Chore(name="send alerts", every=2.0, run=watch.send_alerts),
        Chore(name="forget what was told long ago", every=3600.0, run=sync_to_async(forget)),
    ]


LOOKERS = (health.troubles, upkeep.troubles, nearing.troubles, disk, clocks, expiries.troubles)


def forget() -> int:
    acts.forget_old()
    letters.forget_old()
    watch.forget_old()
    return 0


def stand_in() -> None:
    """One round, where no worker lives: otherwise nobody would tell of that."""
    if engine.workers_alive():
        return
    watch.look()
    letters.collect()
    letters.send_due()
    asyncio.run(watch.send_alerts())


def keep_standing_in(over: threading.Event) -> None:
    """Until `over`; a failure (the database is away) is logged and the next round tries again."""
    watch.look_for(*LOOKERS)
    while not over.wait(EVERY):
        try:
            timekeeping.keep_time()
            stand_in()
        except (Error, OSError) as exc:
            log.warning("could not look for trouble", error=str(exc)[:200])
        finally:
            connections.close_all()
