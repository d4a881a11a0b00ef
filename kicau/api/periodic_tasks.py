"""Stored responses of the REST API that have expired."""

from __future__ import annotations

from collections.abc import Iterable

import aiohttp
from asgiref.sync import sync_to_async

from kicau.api.models import delete_expired_responses
from kicau.engine.periodic_tasks import PeriodicTask


def periodic_tasks(client: aiohttp.ClientSession) -> Iterable[PeriodicTask]:
    yield PeriodicTask(
        name="delete expired stored responses",
        every=3600.0,
        run=sync_to_async(delete_expired_responses),
        gives_way=True,
    )
