"""What accounts say on their networks about machine use: read of anybody, changed of one's own channel."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from uuid import UUID

import aiohttp
from asgiref.sync import sync_to_async
from django.db import transaction

from kicau.base.errors import Conflict, ValidationFailed, validation_failed
from kicau.base.sentences import Sentence
from kicau.channels.actions import one_channel
from kicau.channels.channel_session import ChannelSession, new_client
from kicau.channels.metered_session import charge_context, metered_session
from kicau.channels.models import Channel, ChannelState
from kicau.connector import registry
from kicau.connector.errors import ConnectorError, Rejected
from kicau.connector.roles.preferences import PREFERENCE_USES, AccountPreferences, PreferencesRole
from kicau.costs.models import Purpose
from kicau.events.catalogue import AccountPreferencesRead
from kicau.events.dispatch import emit
from kicau.workspaces.actors import Actor, Permission


async def read_preferences(
    actor: Actor, key_or_id: UUID | str, account: str = "", *, client: aiohttp.ClientSession | None = None
) -> AccountPreferences:
    """Of an account on the channel's network, by id or handle; of the channel's own where "".

    Raises NotFound, ValidationFailed with the network's sentence, or Conflict where the network has no such thing or could
    not be asked.
    """
    actor.require(Permission.READ)
    channel = await sync_to_async(one_channel)(actor, key_or_id)
    found = await _call_network(channel, client, lambda live, role: role.preferences(live, account))
    await sync_to_async(_announce)(actor, channel, found)
    return found


async def set_preferences(
    actor: Actor, key_or_id: UUID | str, says: Mapping[str, bool | None], *, client: aiohttp.ClientSession | None = None
) -> AccountPreferences:
    """Change what the channel's account says; None takes a use back. Raises as `read_preferences` does, and ValidationFailed for a use
    that is none."""
    actor.require(Permission.CHANNELS)
    for use in says:
        if use not in PREFERENCE_USES:
            raise validation_failed(
                "use",
                "Kicau does not know the purpose {use!r}. Choose what the content may be used for: {uses}.",
                use=use,
                uses=", ".join(PREFERENCE_USES),
            )
    channel = await sync_to_async(one_channel)(actor, key_or_id)
    if channel.state != ChannelState.ACTIVE:
        raise Conflict(
            Sentence(
                "The channel {channel} is not connected to its social network. Reconnect the channel first.",
                channel=channel.name,
            )
        )
    told = await _call_network(channel, client, lambda live, role: role.declare(live, says))
    await sync_to_async(actor.record)("channel.preferences", channel.key, says=dict(says))
    await sync_to_async(_announce)(actor, channel, told)
    return told


@transaction.atomic
def _announce(actor: Actor, channel: Channel, told: AccountPreferences) -> None:
    emit(AccountPreferencesRead(actor=actor, channel=channel, preferences=told))


async def _call_network(
    channel: Channel,
    client: aiohttp.ClientSession | None,
    ask: Callable[[ChannelSession, PreferencesRole], Awaitable[AccountPreferences]],
) -> AccountPreferences:
    session, label = client or new_client(), registry.get_connector(channel.network).label
    try:
        async with metered_session(channel, session, charge_context(channel, Purpose.READ)) as live:
            if not isinstance(live.connector, PreferencesRole):
                raise Conflict(
                    Sentence(
                        "Accounts on {network} have no setting that tells AI and other software what they may do with posts.",
                        network=label,
                    )
                )
            return await ask(live, live.connector)
    except Rejected as exc:
        raise ValidationFailed(exc.problems) from exc
    except ConnectorError as exc:
        raise Conflict(
            Sentence(
                "Kicau could not read the settings of your account on {network}: {why}. Try again later.",
                network=label,
                why=str(exc),
            )
        ) from exc
    finally:
        if client is None:
            await session.close()
