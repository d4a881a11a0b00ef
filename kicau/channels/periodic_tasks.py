"""Credentials of each network, renewed, revoked and asked about in a queue of its own."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

import aiohttp

from kicau.channels import revocations, token_refresh
from kicau.connector import registry
from kicau.connector.protocol import RevokesCredentials
from kicau.engine.periodic_tasks import PeriodicTask


def periodic_tasks(client: aiohttp.ClientSession) -> Iterable[PeriodicTask]:
    for slug in registry.installed_slugs():
        yield PeriodicTask(
            name=f"renew credentials of {slug}", every=10.0, run=partial(token_refresh.refresh_due, client, slug)
        )
        yield PeriodicTask(
            name=f"update capabilities on {slug}",
            every=300.0,
            run=partial(token_refresh.update_due_capabilities, client, slug),
        )
        if isinstance(registry.get_connector(slug).auth, RevokesCredentials):
            yield PeriodicTask(
                name=f"revoke credentials on {slug}", every=10.0, run=partial(revocations.revoke_due, client, slug)
            )
