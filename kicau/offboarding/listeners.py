"""What follows from events here: the queue of a channel that goes or comes back, and word to people."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

from kicau.channels.models import Channel, ChannelState
from kicau.events.catalogue import (
    ChannelDisconnected,
    ChannelReconnected,
    ObjectType,
    WithdrawalAnnounced,
    WithdrawalEffective,
    WithdrawalEvent,
    WithdrawalProposed,
    WithdrawalReinstated,
)
from kicau.events.dispatch import listens, presents
from kicau.notifications import actions as notifications
from kicau.offboarding import single_channel
from kicau.offboarding.announcements import network_message, subject_of, withdrawal_fields
from kicau.offboarding.models import Withdrawal

NOTIFICATION_EVENTS: Mapping[type[WithdrawalEvent], str] = {
    WithdrawalProposed: "network.shut",
    WithdrawalAnnounced: "network.leaving",
    WithdrawalEffective: "network.withdrawn",
    WithdrawalReinstated: "network.reinstated",
}


@presents(ObjectType.WITHDRAWAL)
def present_withdrawals(ids: Collection[UUID]) -> Mapping[UUID, Mapping[str, Any]]:
    return {row.id: withdrawal_fields(row) for row in Withdrawal.objects.filter(id__in=ids)}


@listens(WithdrawalEvent)
def notify_team(events: Sequence[WithdrawalEvent]) -> None:
    rows = Withdrawal.objects.select_related("channel").in_bulk([event.object_id for event in events])
    for event in events:
        if name := NOTIFICATION_EVENTS.get(type(event)):
            row = rows[event.object_id]
            notifications.notify(
                name,
                event.workspace_id,
                gather=f"{row.id}",
                page=f"/offboarding/{row.id}",
                what=subject_of(row),
                when=row.effective_at.isoformat(),
                reason=network_message(row),
                after=getattr(event, "after", 0),
                late=getattr(event, "late", 0),
            )


@listens(ChannelDisconnected)
def freeze_queue(events: Sequence[ChannelDisconnected]) -> None:
    for event in events:
        assert event.actor is not None
        single_channel.channel_disconnected(event.actor, Channel.objects.get(id=event.object_id))


@listens(ChannelReconnected)
def resume_queue(events: Sequence[ChannelReconnected]) -> None:
    for event in events:
        channel = Channel.objects.get(id=event.object_id)
        if event.actor and event.signed_in_from and channel.state == ChannelState.ACTIVE:
            single_channel.channel_reconnected(event.actor, channel, event.signed_in_from)
