"""What accounts say on their networks about machine use: read of anybody, changed of one's own channel."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from uuid import UUID

import aiohttp
from asgiref.sync import sync_to_async

from kicau.base.errors import Conflict, Unacceptable, unacceptable
from kicau.base.sentences import Sentence
from kicau.channels.actions import one_channel
from kicau.channels.channel_session import Live, new_client
from kicau.channels.metered_session import paid, work_for
from kicau.channels.models import Channel, ChannelState
from kicau.connector import registry
from kicau.connector.errors import ConnectorError, Rejected
from kicau.connector.roles.preferences import USES, Preferences, Prefers
from kicau.costs.models import Purpose
from kicau.workspaces.actors import Actor, Permission

#: Told of everything that was read or written: (actor, channel, what the account says). Whoever keeps it registers here.
HEARD: list[Callable[[Actor, Channel, Preferences], object]] = []


async def read(
    actor: Actor, key_or_id: UUID | str, account: str = "", *, client: aiohttp.ClientSession | None = None
) -> Preferences:
    """Of an account on the channel's network, by id or handle; of the channel's own where "".

    Raises NotFound, Unacceptable with the network's sentence, or Conflict where the network has no such thing or could
    not be asked.
    """
    actor.require(Permission.READ)
    channel = await sync_to_async(one_channel)(actor, key_or_id)
    found = await _ask(channel, client, lambda live, role: role.preferences(live, account))
    await sync_to_async(_heard)(actor, channel, found)
    return found


async def declare(
    actor: Actor, key_or_id: UUID | str, says: Mapping[str, bool | None], *, client: aiohttp.ClientSession | None = None
) -> Preferences:
    """Change what the channel's account says; None takes a use back. Raises as `read` does, and Unacceptable for a use
    that is none."""
    actor.require(Permission.CHANNELS)
    for use in says:
        if use not in USES:
            raise unacceptable("use", "There is no use {use!r}; the uses are: {uses}.", use=use, uses=", ".join(USES))
    channel = await sync_to_async(one_channel)(actor, key_or_id)
    if channel.state != ChannelState.ACTIVE:
        raise Conflict(Sentence("{channel} is not connected now; connect it again first.", channel=channel.name))
    told = await _ask(channel, client, lambda live, role: role.declare(live, says))
    await sync_to_async(actor.record)("channel.preferences", channel.key, says=dict(says))
    await sync_to_async(_heard)(actor, channel, told)
    return told


def _heard(actor: Actor, channel: Channel, told: Preferences) -> None:
    for tell in HEARD:
        tell(actor, channel, told)


async def _ask(
    channel: Channel, client: aiohttp.ClientSession | None, ask: Callable[[Live, Prefers], Awaitable[Preferences]]
) -> Preferences:
    session, label = client or new_client(), registry.get(channel.network).label
    try:
        async with paid(channel, session, work_for(channel, Purpose.READ)) as live:
            if not isinstance(live.connector, Prefers):
                raise Conflict(
                    Sentence(
                        "Accounts of {network} cannot say there what machines may do with their posts.", network=label
                    )
                )
            return await ask(live, live.connector)
    except Rejected as exc:
        raise Unacceptable(exc.problems) from exc
    except ConnectorError as exc:
        raise Conflict(
            Sentence("{network} could not be asked: {why}. Try again later.", network=label, why=str(exc))
        ) from exc
    finally:
        if client is None:
            await session.close()
