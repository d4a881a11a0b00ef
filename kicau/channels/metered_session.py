"""The one way to use a channel outside a delivery's steps and the standing reading: paid for, call by call."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

import aiohttp
from asgiref.sync import sync_to_async

from kicau.base.ids import new_id
from kicau.channels.channel_session import ChannelSession
from kicau.channels.models import Channel
from kicau.connector import registry
from kicau.costs import call_budgets
from kicau.costs.ledger import ChargeContext


def charge_context(channel: Channel, purpose: str, person_id: UUID | None = None) -> ChargeContext:
    """A piece of work of the channel's own, with its app at hand; what it sets aside is its own, too."""
    return ChargeContext(
        workspace_id=channel.workspace_id,
        network=channel.network,
        purpose=purpose,
        app_id=channel.app_id,
        plan=channel.app.plan,
        channel_id=channel.id,
        person_id=person_id,
        holder=new_id(),
    )


@asynccontextmanager
async def metered_session(
    channel: Channel, client: aiohttp.ClientSession, work: ChargeContext
) -> AsyncIterator[ChannelSession]:
    """A session in which what each call uses up is set aside just before it is made; what was used is written down when
    it is over, whatever it came to. Its calls raise BudgetExceeded where a hard budget has no room."""
    purse = await sync_to_async(call_budgets.new_call_budget)(work)
    live = ChannelSession(
        channel, client, call_budgets.call_payer(work, purse, registry.get_connector(channel.network).label)
    )
    try:
        yield live
    finally:
        await sync_to_async(call_budgets.record_calls)(work, live.http.calls)
