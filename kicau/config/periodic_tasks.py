"""Child processes, and the health of this server."""

from __future__ import annotations

from collections.abc import Iterable

import aiohttp

from kicau.config import health_monitor
from kicau.config.dataset_audit_process import run_due_audit
from kicau.config.import_process import embed_due_items, import_due
from kicau.config.training_set_process import make_due_version, review_all_sets
from kicau.engine.periodic_tasks import PeriodicTask, in_own_thread


def periodic_tasks(client: aiohttp.ClientSession) -> Iterable[PeriodicTask]:
    yield PeriodicTask(name="import archives", every=3.0, run=import_due, gives_way=True)
    yield PeriodicTask(name="compute search vectors", every=30.0, run=embed_due_items, gives_way=True)
    yield PeriodicTask(name="search data sets", every=3.0, run=run_due_audit, gives_way=True)
    yield PeriodicTask(name="make training sets", every=3.0, run=make_due_version, gives_way=True)
    yield PeriodicTask(name="review training sets", every=600.0, run=in_own_thread(review_all_sets), gives_way=True)
    yield from health_monitor.monitoring_tasks()
