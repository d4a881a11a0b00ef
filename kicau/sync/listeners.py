"""What follows from events here: webhooks end with their channel."""

from __future__ import annotations

from collections.abc import Sequence

from kicau.events.catalogue import ChannelDisconnecting
from kicau.events.dispatch import listens
from kicau.sync import webhook_subscriptions


@listens(ChannelDisconnecting)
def unsubscribe(events: Sequence[ChannelDisconnecting]) -> None:
    for event in events:
        webhook_subscriptions.unsubscribe_channel(event.channel)
