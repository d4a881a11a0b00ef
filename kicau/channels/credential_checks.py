"""Whether channels' permissions still stand, asked of the networks themselves; for whoever hosts the instance."""

from __future__ import annotations

from dataclasses import dataclass

import aiohttp
from asgiref.sync import sync_to_async

from kicau.channels import token_refresh
from kicau.channels.channel_session import credentials_of, new_client
from kicau.channels.metered_session import paid, work_for
from kicau.channels.models import Channel, ChannelState
from kicau.connector import registry
from kicau.connector.errors import AuthExpired, ConnectorError
from kicau.connector.protocol import prove
from kicau.costs.call_budgets import NoRoom
from kicau.costs.models import Purpose


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    key: str  # of the channel
    state: str  # alive, dead, held (a hard budget has no room for asking) or unknown (the network could not be asked)
    says: str  # a sentence


async def prove_all() -> list[Proof]:
    """Ask for every active channel of every workspace, one after the other; each call is set aside and charged as any is.

    A token that is refused is renewed where it can be; else the channel expires, as it would at its next post.
    """
    active = Channel.objects.filter(state=ChannelState.ACTIVE).select_related("app", "workspace").order_by("key")
    async with new_client() as client:
        return [await _prove(channel, client) async for channel in active]


async def _prove(channel: Channel, client: aiohttp.ClientSession) -> Proof:
    label = registry.get(channel.network).label
    try:
        async with paid(channel, client, work_for(channel, Purpose.REFRESH)) as live:
            await prove(live.connector, live)
    except NoRoom as exc:
        return Proof(key=channel.key, state="held", says=str(exc.sentence))
    except AuthExpired as exc:
        return await _refused(channel, client, exc)
    except ConnectorError as exc:
        return Proof(key=channel.key, state="unknown", says=f"{label} could not be asked now: {str(exc)[:200]}")
    if not live.http.calls:
        return Proof(key=channel.key, state="unknown", says=f"{label} has nothing to ask with")
    return Proof(key=channel.key, state="alive", says=f"{label} accepts its permission")


async def _refused(channel: Channel, client: aiohttp.ClientSession, exc: AuthExpired) -> Proof:
    label, held = registry.get(channel.network).label, credentials_of(channel)
    used = held.access_token
    try:
        if (
            held.refresh_token
            and not exc.missing
            and await token_refresh.refresh_channel(channel.id, client, used=used)
        ):
            return Proof(key=channel.key, state="alive", says=f"{label} refused its token, and it was renewed")
    except NoRoom:  # which the channel tells by itself
        now = await Channel.objects.aget(id=channel.id)
        return Proof(key=channel.key, state="held", says=now.renewal_why)
    await sync_to_async(token_refresh.expire_channel)(channel.id, str(exc), used)
    return Proof(key=channel.key, state="dead", says=f"{label} no longer accepts its permission: {exc.detail[:200]}")
