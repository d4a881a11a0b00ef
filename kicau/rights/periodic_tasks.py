"""The digest of the trail of rights, signed into the log."""

from __future__ import annotations

from collections.abc import Iterable

import aiohttp
from asgiref.sync import sync_to_async

from kicau.engine.periodic_tasks import PeriodicTask
from kicau.rights import trail_digest


def periodic_tasks(client: aiohttp.ClientSession) -> Iterable[PeriodicTask]:
    yield PeriodicTask(
        name="sign the digest of the rights trail",
        every=3600.0,
        run=sync_to_async(trail_digest.append_due_digests),
        gives_way=True,
    )
