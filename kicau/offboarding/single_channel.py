"""One channel goes or comes back, by its own disconnecting and reconnecting: the same road, in the same transaction."""

from __future__ import annotations

from datetime import timedelta

from django.db.models import Q

from kicau.base import clock
from kicau.channels.models import Channel, ChannelState
from kicau.events.catalogue import WithdrawalEffective, WithdrawalReinstated
from kicau.offboarding.actions import lock_workspace, reason_of, update_leave_dates
from kicau.offboarding.announcements import announce, delivery_reason, overdue_reason
from kicau.offboarding.freeze import freeze_deliveries, thaw_deliveries
from kicau.offboarding.models import (
    FROZEN_STATES,
    OPEN_STATES,
    Frozen,
    LeftChannel,
    OffboardingCause,
    OffboardingState,
    Withdrawal,
)
from kicau.workspaces.actors import Actor

SHORT_LOSS = timedelta(
    hours=1
)  # a lost permission that is fixed within it lets what was due meanwhile go out by itself


def channel_disconnected(actor: Actor, channel: Channel) -> None:
    """It was disconnected: its queue is frozen like that of a network."""
    lock_workspace(actor.workspace.id)
    now = clock.now()
    rows = Withdrawal.objects.filter(workspace=actor.workspace, channel=channel, state__in=OPEN_STATES)
    row = rows.first() or Withdrawal(
        workspace=actor.workspace, network=channel.network, channel=channel, announced_by=actor.person
    )
    row.state, row.cause, row.effective_at, row.withdrawn_at = (
        OffboardingState.WITHDRAWN,
        OffboardingCause.DISCONNECTED,
        now,
        now,
    )
    row.save()
    LeftChannel.objects.get_or_create(
        withdrawal=row, channel=channel, defaults={"was_state": ChannelState.ACTIVE, "was_reason": ""}
    )
    # Where its whole network was left before, what that froze is this channel's own matter from now on.
    Frozen.objects.filter(delivery__channel=channel, ended_at=None).exclude(withdrawal=row).update(withdrawal=row)
    LeftChannel.objects.filter(channel=channel, withdrawal__state__in=FROZEN_STATES).exclude(withdrawal=row).delete()
    count = freeze_deliveries(row, [channel.id], delivery_reason(row), now)
    announce(WithdrawalEffective, row, None, channels=1, frozen=count)


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
    row = Withdrawal.objects.create(
        workspace=actor.workspace,
        network=channel.network,
        channel=channel,
        announced_by=actor.person,
        state=OffboardingState.REINSTATED,
        cause=OffboardingCause.LOST,
        effective_at=now,
        withdrawn_at=now,
        ended_at=now,
        ended_by=actor.person,
    )
    if freeze_deliveries(row, [channel.id], overdue_reason(row), now, before=now - SHORT_LOSS):
        LeftChannel.objects.create(withdrawal=row, channel=channel, was_state=ChannelState.EXPIRED)
        Frozen.objects.filter(withdrawal=row).update(ended_at=now)
    else:
        row.delete()


def _recover_from_disconnect(actor: Actor, channel: Channel) -> None:
    open_ones = Withdrawal.objects.filter(
        workspace=actor.workspace, network=channel.network, channel=None, state__in=FROZEN_STATES
    )
    whole = open_ones.filter(Q(app=None) | Q(app_id=channel.app_id), Q(host="") | Q(host=channel.host)).first()
    row = Withdrawal.objects.filter(
        workspace=actor.workspace, channel=channel, state=OffboardingState.WITHDRAWN
    ).first()
    if whole is not None:  # its network is left: it comes back together with that
        LeftChannel.objects.get_or_create(
            withdrawal=whole, channel=channel, defaults={"was_state": ChannelState.ACTIVE, "was_reason": ""}
        )
        Frozen.objects.filter(withdrawal=row, ended_at=None).update(withdrawal=whole)
        Channel.objects.filter(id=channel.id).update(
            state=ChannelState.WITHDRAWN, reason=reason_of(whole), leaves_at=whole.effective_at
        )
    if row is None:
        return
    now = clock.now()
    restored, late = thaw_deliveries(row, [channel.id], now, overdue_reason(row))
    row.state, row.ended_at, row.ended_by = OffboardingState.REINSTATED, now, actor.person
    row.save()
    announce(WithdrawalReinstated, row, None, restored=restored, late=late)
