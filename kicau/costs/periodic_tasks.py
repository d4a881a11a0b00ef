"""What was billed once and need not be known any more."""

from __future__ import annotations

from collections.abc import Iterable

import aiohttp
from asgiref.sync import sync_to_async

from kicau.costs import actions
from kicau.engine.periodic_tasks import PeriodicTask


def periodic_tasks(client: aiohttp.ClientSession) -> Iterable[PeriodicTask]:
    yield PeriodicTask(
        name="delete old billed resources",
        every=3600.0,
        run=sync_to_async(actions.delete_old_billed_resources),
        gives_way=True,
    )
