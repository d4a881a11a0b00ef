"""What follows from events here: word to people about a lost connection."""

from __future__ import annotations

from collections.abc import Sequence

from kicau.channels.channel_fields import present_channels
from kicau.channels.models import Channel
from kicau.connector import registry
from kicau.events.catalogue import ChannelExpired, ObjectType
from kicau.events.dispatch import listens, presents
from kicau.notifications import actions as notifications

presents(ObjectType.CHANNEL)(present_channels)


@listens(ChannelExpired)
def notify_of_lost_connection(events: Sequence[ChannelExpired]) -> None:
    channels = Channel.objects.in_bulk([event.object_id for event in events])
    for event in events:
        channel = channels[event.object_id]
        notifications.notify(
            "channel.expired",
            event.workspace_id,
            gather=channel.id,
            page=f"/channels/{channel.key}",
            channel=f"{channel.name} ({registry.get_connector(channel.network).label})",
        )
