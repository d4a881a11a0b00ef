"""One channel goes or comes back, by its own disconnecting and reconnecting: the same road, in the same transaction."""

from __future__ import annotations

from datetime import timedelta

from django.db.models import Q

from kicau.base import clock
from kicau.channels.models import Channel, ChannelState
from kicau.events.catalogue import OffboardingResumed, OffboardingStopped
from kicau.offboarding.actions import lock_workspace, reason_of, update_leave_dates
from kicau.offboarding.announcements import announce, delivery_reason, overdue_reason
from kicau.offboarding.freeze import freeze_deliveries, thaw_deliveries
from kicau.offboarding.models import (
    FROZEN_STATES,
    OPEN_STATES,
    ClosedChannel,
    FrozenDelivery,
    Offboarding,
    OffboardingCause,
    OffboardingState,
)
from kicau.workspaces.actors import Actor

SHORT_LOSS = timedelta(
    hours=1
)  # a lost permission that is fixed within it lets what was due meanwhile go out by itself


def channel_disconnected(actor: Actor, channel: Channel) -> None:
    """It was disconnected: its queue is frozen like that of a network."""
    lock_workspace(actor.workspace.id)
    now = clock.now()
    rows = Offboarding.objects.filter(workspace=actor.workspace, channel=channel, state__in=OPEN_STATES)
    row = rows.first() or Offboarding(
        workspace=actor.workspace, network=channel.network, channel=channel, announced_by=actor.person
    )
    row.state, row.cause, row.effective_at, row.offboarded_at = (
        OffboardingState.OFFBOARDED,
        OffboardingCause.DISCONNECTED,
        now,
        now,
    )
    row.save()
    ClosedChannel.objects.get_or_create(
        offboarding=row, channel=channel, defaults={"was_state": ChannelState.ACTIVE, "was_reason": ""}
    )
    # Where its whole network was left before, what that froze is this channel's own matter from now on.
    FrozenDelivery.objects.filter(delivery__channel=channel, ended_at=None).exclude(offboarding=row).update(
        offboarding=row
    )
    ClosedChannel.objects.filter(channel=channel, offboarding__state__in=FROZEN_STATES).exclude(
        offboarding=row
    ).delete()
    count = freeze_deliveries(row, [channel.id], delivery_reason(row), now)
    announce(OffboardingStopped, row, None, channels=1, frozen=count)


def channel_reconnected(actor: Actor, channel: Channel, before: str) -> None:
    """It was connected again: its queue goes on, and what is past its time waits for a person."""
    lock_workspace(actor.workspace.id)
    if before == ChannelState.EXPIRED:
        _recover_from_loss(actor, channel)
    elif before == ChannelState.REMOVED:
        _recover_from_disconnect(actor, channel)
    update_leave_dates([channel.id])


def _recover_from_loss(actor: Actor, channel: Channel) -> None:
    now = clock.now()
    row = Offboarding.objects.create(
        workspace=actor.workspace,
        network=channel.network,
        channel=channel,
        announced_by=actor.person,
        state=OffboardingState.RESUMED,
        cause=OffboardingCause.LOST,
        effective_at=now,
        offboarded_at=now,
        ended_at=now,
        ended_by=actor.person,
    )
    if freeze_deliveries(row, [channel.id], overdue_reason(row), now, before=now - SHORT_LOSS):
        ClosedChannel.objects.create(offboarding=row, channel=channel, was_state=ChannelState.EXPIRED)
        FrozenDelivery.objects.filter(offboarding=row).update(ended_at=now)
    else:
        row.delete()


def _recover_from_disconnect(actor: Actor, channel: Channel) -> None:
    open_ones = Offboarding.objects.filter(
        workspace=actor.workspace, network=channel.network, channel=None, state__in=FROZEN_STATES
    )
    whole = open_ones.filter(Q(app=None) | Q(app_id=channel.app_id), Q(host="") | Q(host=channel.host)).first()
    row = Offboarding.objects.filter(
        workspace=actor.workspace, channel=channel, state=OffboardingState.OFFBOARDED
    ).first()
    if whole is not None:  # its network is left: it comes back together with that
        ClosedChannel.objects.get_or_create(
            offboarding=whole, channel=channel, defaults={"was_state": ChannelState.ACTIVE, "was_reason": ""}
        )
        FrozenDelivery.objects.filter(offboarding=row, ended_at=None).update(offboarding=whole)
        Channel.objects.filter(id=channel.id).update(
            state=ChannelState.OFFBOARDED, reason=reason_of(whole), leaves_at=whole.effective_at
        )
    if row is None:
        return
    now = clock.now()
    restored, overdue = thaw_deliveries(row, [channel.id], now, overdue_reason(row))
    row.state, row.ended_at, row.ended_by = OffboardingState.RESUMED, now, actor.person
    row.save()
    announce(OffboardingResumed, row, None, restored=restored, overdue=overdue)
