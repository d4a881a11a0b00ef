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
    OffboardingAnnounced,
    OffboardingEvent,
    OffboardingProposed,
    OffboardingResumed,
    OffboardingStopped,
)
from kicau.events.dispatch import listens, presents
from kicau.notifications import actions as notifications
from kicau.offboarding import single_channel
from kicau.offboarding.announcements import network_message, offboarding_fields, subject_of
from kicau.offboarding.models import Offboarding

NOTIFICATION_EVENTS: Mapping[type[OffboardingEvent], str] = {
    OffboardingProposed: "network.shut",
    OffboardingAnnounced: "network.leaving",
    OffboardingStopped: "network.offboarded",
    OffboardingResumed: "network.resumed",
}


@presents(ObjectType.OFFBOARDING)
def present_offboardings(ids: Collection[UUID]) -> Mapping[UUID, Mapping[str, Any]]:
    return {row.id: offboarding_fields(row) for row in Offboarding.objects.filter(id__in=ids)}


@listens(OffboardingEvent)
def notify_team(events: Sequence[OffboardingEvent]) -> None:
    rows = Offboarding.objects.select_related("channel").in_bulk([event.object_id for event in events])
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
                late=getattr(event, "overdue", 0),
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
