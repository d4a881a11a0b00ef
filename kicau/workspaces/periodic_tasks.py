"""Webhook messages, and what expires: messages, request counts, sessions."""

from __future__ import annotations

from collections.abc import Iterable

import aiohttp
from asgiref.sync import sync_to_async

from kicau.engine.periodic_tasks import PeriodicTask
from kicau.workspaces import sessions, throttle, webhooks


def periodic_tasks(client: aiohttp.ClientSession) -> Iterable[PeriodicTask]:
    yield PeriodicTask(name="send webhooks", every=1.0, run=webhooks.send_due_messages)
    yield PeriodicTask(
        name="delete old webhook messages",
        every=3600.0,
        run=sync_to_async(webhooks.delete_old_messages),
        gives_way=True,
    )
    yield PeriodicTask(
        name="delete expired request counts", every=3600.0, run=sync_to_async(throttle.delete_expired), gives_way=True
    )
    yield PeriodicTask(
        name="delete expired sessions", every=3600.0, run=sync_to_async(sessions.delete_expired), gives_way=True
    )
