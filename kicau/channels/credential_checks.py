"""Whether channels' permissions still stand, asked of the networks themselves; for whoever hosts the instance."""

from __future__ import annotations

from dataclasses import dataclass

import aiohttp
from asgiref.sync import sync_to_async

from kicau.channels import token_refresh
from kicau.channels.channel_session import credentials_of, new_client
from kicau.channels.metered_session import charge_context, metered_session
from kicau.channels.models import Channel, ChannelState
from kicau.connector import registry
from kicau.connector.errors import AuthExpired, ConnectorError
from kicau.connector.protocol import check_credentials
from kicau.costs.call_budgets import BudgetExceeded
from kicau.costs.models import Purpose


@dataclass(frozen=True, slots=True, kw_only=True)
class CredentialCheck:
    key: str  # of the channel
    state: str  # alive, dead, held (a hard budget has no room for asking) or unknown (the network could not be asked)
    says: str  # a sentence


async def check_all_credentials() -> list[CredentialCheck]:
    """Ask for every active channel of every workspace, one after the other; each call is set aside and charged as any is.

    A token that is refused is renewed where it can be; else the channel expires, as it would at its next post.
    """
    active = Channel.objects.filter(state=ChannelState.ACTIVE).select_related("app", "workspace").order_by("key")
    async with new_client() as client:
        return [await _check_credentials(channel, client) async for channel in active]


async def _check_credentials(channel: Channel, client: aiohttp.ClientSession) -> CredentialCheck:
    label = registry.get_connector(channel.network).label
    try:
        async with metered_session(channel, client, charge_context(channel, Purpose.REFRESH)) as live:
            await check_credentials(live.connector, live)
    except BudgetExceeded as exc:
        return CredentialCheck(key=channel.key, state="held", says=str(exc.sentence))
    except AuthExpired as exc:
        return await _rejected_check(channel, client, exc)
    except ConnectorError as exc:
        return CredentialCheck(
            key=channel.key, state="unknown", says=f"{label} could not be asked now: {str(exc)[:200]}"
        )
    if not live.http.calls:
        return CredentialCheck(key=channel.key, state="unknown", says=f"{label} has nothing to ask with")
    return CredentialCheck(key=channel.key, state="alive", says=f"{label} accepts its permission")


async def _rejected_check(channel: Channel, client: aiohttp.ClientSession, exc: AuthExpired) -> CredentialCheck:
    label, held = registry.get_connector(channel.network).label, credentials_of(channel)
    used = held.access_token
    try:
        if (
            held.refresh_token
            and not exc.missing
            and await token_refresh.refresh_channel(channel.id, client, used=used)
        ):
            return CredentialCheck(
                key=channel.key, state="alive", says=f"{label} refused its token, and it was renewed"
            )
    except BudgetExceeded:  # which the channel tells by itself
        now = await Channel.objects.aget(id=channel.id)
        return CredentialCheck(key=channel.key, state="held", says=now.renewal_problem)
    await sync_to_async(token_refresh.expire_channel)(channel.id, str(exc), used)
    return CredentialCheck(
        key=channel.key, state="dead", says=f"{label} no longer accepts its permission: {exc.detail[:200]}"
    )
