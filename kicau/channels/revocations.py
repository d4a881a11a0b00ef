"""End a channel's credentials at its network once they are no longer used here.

A disconnected channel's credentials wait in a queue of their own, so that a network that is away delays nobody. What
fails in passing is tried again, later and later, for at most GIVE_UP_AFTER. Then the copy is deleted, whatever came of
it, and the activity log says so.
"""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

import aiohttp
from asgiref.sync import sync_to_async
from django.db import transaction

from kicau.base import clock
from kicau.channels.channel_session import credentials_of
from kicau.channels.metered_session import charge_context, metered_session
from kicau.channels.models import Channel, ChannelState, Revocation
from kicau.connector import registry
from kicau.connector.errors import AuthExpired, ConnectorError, RateLimited, Rejected
from kicau.connector.protocol import RevokesCredentials
from kicau.connector.roles.webhooks import WebhookRole
from kicau.costs import call_budgets
from kicau.costs.models import Purpose
from kicau.workspaces.actors import system_actor
from kicau.workspaces.models import Workspace

GIVE_UP_AFTER = timedelta(days=7)
FIRST_RETRY_DELAY = timedelta(minutes=1)  # doubled with each attempt
MAX_RETRY_DELAY = timedelta(hours=12)
ATTEMPT_LASTS = timedelta(minutes=5)  # then another worker may try
WEBHOOKS_END_WITHIN = timedelta(hours=1)  # they are turned off with the same credentials, before these end
REVOCATIONS_AT_ONCE = 4


def queue(channel: Channel) -> None:
    """In the transaction that forgets a channel's credentials, before it does. Nothing happens where the network has no
    endpoint for it."""
    if channel.network not in registry.installed_slugs():
        return
    connector, now = registry.get_connector(channel.network), clock.now()
    if not isinstance(connector.auth, RevokesCredentials) or not credentials_of(channel).access_token:
        return
    Revocation.objects.create(
        workspace_id=channel.workspace_id,
        channel_id=channel.id,
        network=channel.network,
        app=channel.app,
        account_id=channel.account_id,
        handle=channel.handle,
        kind=channel.kind,
        host=channel.host,
        credentials=channel.credentials,
        next_at=now + WEBHOOKS_END_WITHIN if isinstance(connector, WebhookRole) else now,
    )


async def revoke_due(client: aiohttp.ClientSession, network: str) -> int:
    """Revoke what is due on a network; how many were tried."""
    room = asyncio.Semaphore(REVOCATIONS_AT_ONCE)

    async def revoke(row: Revocation) -> None:
        async with room:
            await _revoke(row, client)

    due = await sync_to_async(_claim)(network)
    for fault in await asyncio.gather(*map(revoke, due), return_exceptions=True):
        if fault:
            raise fault
    return len(due)


@transaction.atomic
def _claim(network: str, limit: int = 20) -> list[Revocation]:
    now = clock.now()
    due = Revocation.objects.select_for_update(skip_locked=True, of=("self",)).select_related("app")
    rows = list(due.filter(network=network, next_at__lte=now).order_by("next_at")[:limit])
    Revocation.objects.filter(id__in=[row.id for row in rows]).update(next_at=now + ATTEMPT_LASTS)
    return rows


async def _revoke(row: Revocation, client: aiohttp.ClientSession) -> None:
    if await sync_to_async(_is_in_use)(row):
        await row.adelete()
        return
    channel = _channel_of(row)
    auth, later = registry.get_connector(row.network).auth, clock.now()
    if not isinstance(auth, RevokesCredentials):
        return
    try:
        async with metered_session(channel, client, charge_context(channel, Purpose.CONNECT)) as live:
            await auth.revoke(live)
    except AuthExpired:
        pass  # they have ended already
    except Rejected as exc:
        await sync_to_async(_close)(row, exc.detail or "refused")
        return
    except call_budgets.BudgetExceeded as exc:
        await sync_to_async(_put_off)(row, str(exc), exc.again_at)
        return
    except ConnectorError as exc:
        await sync_to_async(_put_off)(row, exc.detail, exc.until if isinstance(exc, RateLimited) else later)
        return
    await sync_to_async(_close)(row, "")


def _channel_of(row: Revocation) -> Channel:
    """The channel as it was, which is never saved: its workspace may be gone."""
    return Channel(
        id=row.channel_id,
        workspace_id=row.workspace_id,
        network=row.network,
        app=row.app,
        account_id=row.account_id,
        handle=row.handle,
        name=row.handle,
        kind=row.kind,
        host=row.host,
        credentials=row.credentials,
    )


def _is_in_use(row: Revocation) -> bool:
    """Whether a channel uses the same credentials: one that was connected again, or another one of the same sign-in."""
    ended = _tokens_of(_channel_of(row))
    used = Channel.objects.filter(network=row.network, app=row.app_id, host=row.host).exclude(
        state=ChannelState.REMOVED
    )
    return any(ended & _tokens_of(channel) for channel in used)


def _tokens_of(channel: Channel) -> set[str]:
    held = credentials_of(channel)
    return {held.access_token, held.refresh_token} - {""}


def _put_off(row: Revocation, why: str, earliest: datetime) -> None:
    now = clock.now()
    delay = min(FIRST_RETRY_DELAY * 2 ** min(row.attempts, 20), MAX_RETRY_DELAY)
    at = max(now + delay, min(earliest, row.created_at + GIVE_UP_AFTER))
    if at > row.created_at + GIVE_UP_AFTER:
        _close(row, why or "no answer")
        return
    Revocation.objects.filter(id=row.id).update(next_at=at, attempts=row.attempts + 1)


@transaction.atomic
def _close(row: Revocation, why: str) -> None:
    """Delete the copy of the credentials. `why`: the network's reason not to end them; "" where they have ended."""
    if not Revocation.objects.filter(id=row.id).delete()[0]:
        return
    workspace = Workspace.objects.filter(id=row.workspace_id).first() or Workspace(id=row.workspace_id)
    detail = {"network": row.network, "handle": row.handle, **({"why": why[:300]} if why else {})}
    system_actor(workspace).record("channel.not_revoked" if why else "channel.revoked", row.channel_id, **detail)
