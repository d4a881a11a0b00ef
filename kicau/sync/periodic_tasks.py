"""Polling, incoming webhooks and their subscriptions, and what expires."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

import aiohttp
from asgiref.sync import sync_to_async

from kicau.engine.periodic_tasks import PeriodicTask
from kicau.sync import due_reads, fetch_by_id, poller, retention, webhook_inbox, webhook_subscriptions


def periodic_tasks(client: aiohttp.ClientSession) -> Iterable[PeriodicTask]:
    yield PeriodicTask(
        name="schedule polling of published posts",
        every=60.0,
        run=sync_to_async(due_reads.register_published_posts),
        gives_way=True,
    )
    yield PeriodicTask(
        name="poll comments and metrics", every=10.0, run=partial(poller.fetch_due, client), gives_way=True
    )
    yield PeriodicTask(
        name="process incoming webhooks", every=1.0, run=sync_to_async(webhook_inbox.process_stored), gives_way=True
    )
    yield PeriodicTask(
        name="fetch what webhooks only named", every=5.0, run=partial(fetch_by_id.fetch_due, client), gives_way=True
    )
    yield PeriodicTask(
        name="update webhook subscriptions",
        every=5.0,
        run=partial(webhook_subscriptions.update_subscriptions, client),
        gives_way=True,
    )
    yield PeriodicTask(
        name="delete old incoming webhooks",
        every=3600.0,
        run=sync_to_async(webhook_inbox.delete_old_webhooks),
        gives_way=True,
    )
    yield PeriodicTask(
        name="delete old comments and mentions",
        every=600.0,
        run=sync_to_async(retention.delete_old_items),
        gives_way=True,
    )
