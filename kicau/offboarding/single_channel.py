"""One channel goes or comes back, by its own disconnecting and reconnecting: the same road, in the same transaction."""

from __future__ import annotations

from datetime import timedelta

from django.db.models import Q

from kicau.base import clock
from kicau.channels.models import Channel, ChannelState
from kicau.offboarding.actions import alone, mark, reason_of
from kicau.offboarding.announcements import asked, frozen_reason, tell
from kicau.offboarding.freeze import freeze, thaw
from kicau.offboarding.models import (
    FROZEN_STATES,
    OPEN,
    Cause,
    Frozen,
    LeftChannel,
    Withdrawal,
    WithdrawalState,
)
from kicau.workspaces.actors import Actor

SHORT = timedelta(hours=1)  # a lost permission that is mended within it lets what was due meanwhile go out by itself


def went(actor: Actor, channel: Channel) -> None:
    """It was disconnected: its queue is frozen like that of a network."""
    alone(actor.workspace.id)
    now = clock.now()
    rows = Withdrawal.objects.filter(workspace=actor.workspace, channel=channel, state__in=OPEN)
    row = rows.first() or Withdrawal(
        workspace=actor.workspace, network=channel.network, channel=channel, announced_by=actor.person
    )
    row.state, row.cause, row.effective_at, row.withdrawn_at = WithdrawalState.WITHDRAWN, Cause.DISCONNECTED, now, now
    row.save()
    LeftChannel.objects.get_or_create(
        withdrawal=row, channel=channel, defaults={"was_state": ChannelState.ACTIVE, "was_reason": ""}
    )
    # Where its whole network was left before, what that froze is this channel's own matter from now on.
    Frozen.objects.filter(delivery__channel=channel, ended_at=None).exclude(withdrawal=row).update(withdrawal=row)
    LeftChannel.objects.filter(channel=channel, withdrawal__state__in=FROZEN_STATES).exclude(withdrawal=row).delete()
    count = freeze(row, [channel.id], frozen_reason(row), now)
    tell(row, "withdrawn", channels=1, frozen=count)


def came_back(actor: Actor, channel: Channel, before: str) -> None:
    """It was connected again: its queue goes on, and what is past its time waits for a person."""
    alone(actor.workspace.id)
    if before == ChannelState.EXPIRED:
        _after_loss(actor, channel)
    elif before == ChannelState.REMOVED:
        _after_disconnecting(actor, channel)
    mark([channel.id])
    channel.refresh_from_db(fields=["state", "reason", "leaves_at", "version"])


def _after_loss(actor: Actor, channel: Channel) -> None:
    now = clock.now()
    row = Withdrawal.objects.create(
        workspace=actor.workspace,
        network=channel.network,
        channel=channel,
        announced_by=actor.person,
        state=WithdrawalState.REINSTATED,
        cause=Cause.LOST,
        effective_at=now,
        withdrawn_at=now,
        ended_at=now,
        ended_by=actor.person,
    )
    if freeze(row, [channel.id], asked(row), now, before=now - SHORT):
        LeftChannel.objects.create(withdrawal=row, channel=channel, was_state=ChannelState.EXPIRED)
        Frozen.objects.filter(withdrawal=row).update(ended_at=now)
    else:
        row.delete()


def _after_disconnecting(actor: Actor, channel: Channel) -> None:
    open_ones = Withdrawal.objects.filter(
        workspace=actor.workspace, network=channel.network, channel=None, state__in=FROZEN_STATES
    )
    whole = open_ones.filter(Q(app=None) | Q(app_id=channel.app_id), Q(host="") | Q(host=channel.host)).first()
    row = Withdrawal.objects.filter(workspace=actor.workspace, channel=channel, state=WithdrawalState.WITHDRAWN).first()
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
    restored, late = thaw(row, [channel.id], now, asked(row))
    row.state, row.ended_at, row.ended_by = WithdrawalState.REINSTATED, now, actor.person
    row.save()
    tell(row, "reinstated", restored=restored, late=late)
