"""Time stamps of outsiders for the signed log."""

from __future__ import annotations

from collections.abc import Iterable

import aiohttp

from kicau.engine.periodic_tasks import PeriodicTask
from kicau.evidence.anchors import anchor_due


def periodic_tasks(client: aiohttp.ClientSession) -> Iterable[PeriodicTask]:
    yield PeriodicTask(name="have outsiders stamp the log", every=600.0, run=anchor_due)
