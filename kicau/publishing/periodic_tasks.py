"""Plan quotas, held deliveries, and old attempt logs."""

from __future__ import annotations

from collections.abc import Iterable

import aiohttp
from asgiref.sync import sync_to_async

from kicau.engine.periodic_tasks import PeriodicTask
from kicau.publishing.budget import held_deliveries, plan_quotas
from kicau.publishing.delivery import attempt_retention


def periodic_tasks(client: aiohttp.ClientSession) -> Iterable[PeriodicTask]:
    yield PeriodicTask(
        name="update budgets from plan quotas", every=5.0, run=sync_to_async(plan_quotas.update_quota_budgets)
    )
    yield PeriodicTask(
        name="release deliveries that a budget held", every=3.0, run=sync_to_async(held_deliveries.release_held)
    )
    yield PeriodicTask(
        name="delete old attempt logs",
        every=600.0,
        run=sync_to_async(attempt_retention.delete_old_attempts),
        gives_way=True,
    )
