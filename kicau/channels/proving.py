"""Whether channels' permissions still stand, asked of the networks themselves; for whoever hosts the instance."""

from __future__ import annotations

from dataclasses import dataclass

import aiohttp
from asgiref.sync import sync_to_async

from kicau.channels import acts
from kicau.channels.live import Live, new_client
from kicau.channels.models import Channel, ChannelState
from kicau.connector.errors import AuthExpired, ConnectorError
from kicau.connector.protocol import prove
from kicau.plans.ledger import write_calls
from kicau.plans.models import Purpose


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    key: str  # of the channel
    state: str  # alive, dead, or unknown (the network could not be asked)
    says: str  # a sentence


async def prove_all() -> list[Proof]:
    """Ask for every active channel of every workspace, one after the other; each call is charged as any is.

    A token that is refused is renewed where it can be; else the channel expires, as it would at its next post.
    """
    active = Channel.objects.filter(state=ChannelState.ACTIVE).select_related("app", "workspace").order_by("key")
    async with new_client() as client:
        return [await _prove(channel, client) async for channel in active]


async def _prove(channel: Channel, client: aiohttp.ClientSession) -> Proof:
    live = Live(channel, client)
    label = live.connector.label
    try:
        await prove(live.connector, live)
    except AuthExpired as exc:
        return await _refused(channel, live, client, exc)
    except ConnectorError as exc:
        return Proof(key=channel.key, state="unknown", says=f"{label} could not be asked now: {str(exc)[:200]}")
    finally:
        await sync_to_async(write_calls)(channel.workspace_id, channel.network, live.http.calls, Purpose.REFRESH, channel_id=channel.id, app_id=channel.app_id, plan=channel.app.plan)  # fmt: skip
    if not live.http.calls:
        return Proof(key=channel.key, state="unknown", says=f"{label} has nothing to ask with")
    return Proof(key=channel.key, state="alive", says=f"{label} accepts its permission")


async def _refused(channel: Channel, live: Live, client: aiohttp.ClientSession, exc: AuthExpired) -> Proof:
    label, used = live.connector.label, live.credentials.access_token
    if live.credentials.refresh_token and not exc.missing and await acts.refresh_channel(channel.id, client, used=used):
        return Proof(key=channel.key, state="alive", says=f"{label} refused its token, and it was renewed")
    await sync_to_async(acts.expire_channel)(channel.id, str(exc), used)
    return Proof(key=channel.key, state="dead", says=f"{label} no longer accepts its permission: {exc.detail[:200]}")
