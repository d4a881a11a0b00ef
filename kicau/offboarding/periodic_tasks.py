"""Leaving networks at the chosen time, exports, and signs that a network blocked the app."""

from __future__ import annotations

from collections.abc import Iterable

import aiohttp
from asgiref.sync import sync_to_async

from kicau.engine.periodic_tasks import PeriodicTask, in_own_thread
from kicau.offboarding import blocked_app_detection, jobs
from kicau.offboarding import due_work as periodic_work


def periodic_tasks(client: aiohttp.ClientSession) -> Iterable[PeriodicTask]:
    async def probe() -> int:
        await blocked_app_detection.probe_suspected_blocks(client)
        return 0  # so that networks are not asked again at once

    yield PeriodicTask(name="leave networks and channels", every=1.0, run=sync_to_async(periodic_work.run_due_work))
    yield PeriodicTask(name="check whether a network blocked the app", every=60.0, run=probe)
    yield PeriodicTask(
        name="delete old evidence of blocked apps",
        every=3600.0,
        run=sync_to_async(blocked_app_detection.delete_old_evidence),
        gives_way=True,
    )
    yield PeriodicTask(
        name="export and choose other channels", every=1.0, run=in_own_thread(jobs.run_job, jobs.has_waiting_jobs)
    )
    yield PeriodicTask(
        name="delete old exports", every=3600.0, run=sync_to_async(jobs.delete_old_archives), gives_way=True
    )
