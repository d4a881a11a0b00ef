"""Leaving: announced for a date or at once, called off, taken into effect. Each act once; a second time changes nothing."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, F, Min, OuterRef, Q, QuerySet

from kicau.base import clock
from kicau.base.errors import Conflict, NotFound, unacceptable
from kicau.base.ids import as_uuid
from kicau.base.sentences import Sentence, stored
from kicau.channels.actions import one_channel
from kicau.channels.models import Channel, ChannelState, NetworkApp
from kicau.connector import registry
from kicau.offboarding.announcements import frozen_reason, label, reason, tell
from kicau.offboarding.freeze import freeze
from kicau.offboarding.models import (
    FROZEN_STATES,
    OPEN,
    Cause,
    Frozen,
    LeftChannel,
    Withdrawal,
    WithdrawalState,
)
from kicau.publishing.models import WAITING, Delivery, DeliveryState, Hold
from kicau.publishing.scheduling.schedule import FURTHEST
from kicau.workspaces.actors import Actor, Permission, system
from kicau.workspaces.models import Workspace

IN_USE = (ChannelState.ACTIVE, ChannelState.EXPIRED, ChannelState.HELD)


def withdrawals(actor: Actor) -> QuerySet[Withdrawal]:
    """The workspace's withdrawals, newest first, ended ones too."""
    actor.require(Permission.READ)
    rows = Withdrawal.objects.filter(workspace=actor.workspace)
    return rows.select_related("workspace", "channel", "announced_by", "ended_by").order_by("-announced_at", "-id")


def one_withdrawal(actor: Actor, withdrawal_id: UUID | str) -> Withdrawal:
    """Raises NotFound."""
    found = withdrawals(actor).filter(id=as_uuid(withdrawal_id)).first()
    if found is None:
        raise NotFound("withdrawal", withdrawal_id)
    return found


@transaction.atomic
def announce(
    actor: Actor,
    *,
    network: str = "",
    channel: str = "",
    effective_at: datetime | None = None,
    reason: str = "",
    cause: str = Cause.CHOICE,
) -> Withdrawal:
    """Leave a network, or one channel (its key or id), at `effective_at`; None: now. Until then everything goes on, and
    nothing is accepted that is due after it. The same again moves the date of one that is announced.

    Raises NotAllowed, NotFound, Unacceptable, or Conflict where nothing is connected there.
    """
    actor.require(Permission.CHANNELS)
    only = one_channel(actor, channel) if channel else None
    network = only.network if only else network
    if only is None and network not in registry.slugs() and not _has_channels(actor, network):
        raise unacceptable(
            "network",
            "There is no network {network!r}; installed are: {known}.",
            network=network,
            known=", ".join(registry.slugs()),
        )
    if cause not in (Cause.CHOICE, Cause.NETWORK):
        raise unacceptable(
            "cause", "A withdrawal that somebody begins is of the cause choice or network, not {cause!r}.", cause=cause
        )
    return begin(actor, network, effective_at, reason=reason, cause=cause, only=only)


def begin(
    actor: Actor,
    network: str,
    effective_at: datetime | None,
    *,
    reason: str,
    cause: str,
    only: Channel | None = None,
    app: NetworkApp | None = None,
    together: UUID | None = None,
    by_operator: bool = False,
) -> Withdrawal:
    """The same without the question of who may; inside the caller's transaction."""
    now = clock.now()
    at = effective_at or now
    if at > now + FURTHEST:
        raise unacceptable(
            "effective_at", "{when} is more than two years ahead; choose a nearer time.", when=f"{at:%Y-%m-%d}"
        )
    alone(actor.workspace.id)
    row = _open(actor, network, only, app)
    if row is not None and row.state != WithdrawalState.ANNOUNCED:
        return row if row.state == WithdrawalState.WITHDRAWN else take_effect(actor, row, now)
    if row is None:
        row = Withdrawal(workspace=actor.workspace, network=network, channel=only, app=app, announced_by=actor.person)
    row.state, row.cause, row.reason, row.effective_at = (
        WithdrawalState.ANNOUNCED,
        cause,
        reason.strip()[:500],
        max(at, now),
    )
    row.together, row.by_operator = together or row.together, by_operator or row.by_operator
    if not (closing := in_scope(row)):
        raise Conflict(
            Sentence(
                "Nothing is connected on {network} that could be left; what was left before is kept as it is.",
                network=label(network),
            )
        )
    row.save()
    if at <= now:
        return take_effect(actor, row, now)
    mark(c.id for c in closing)
    actor.record("withdrawal.announced", row.id, network=network, effective_at=row.effective_at.isoformat())
    after = Delivery.objects.filter(
        channel__in=closing, state__in=[*WAITING, DeliveryState.HELD], due_at__gte=row.effective_at
    ).count()
    tell(row, "announced", channels=len(closing), after=after)
    return row


@transaction.atomic
def call_off(actor: Actor, withdrawal_id: UUID | str) -> Withdrawal:
    """Stay after all, before the date came. Conflict where it is in effect: then it is reinstated."""
    actor.require(Permission.CHANNELS)
    row = locked(actor, withdrawal_id)
    if row.state == WithdrawalState.CALLED_OFF:
        return row
    if row.state != WithdrawalState.ANNOUNCED:
        raise Conflict(Sentence("This is {state} already; reinstate it instead.", state=row.get_state_display()))
    theirs_to_end(actor, row)
    return end(actor, row, WithdrawalState.CALLED_OFF)


def end(actor: Actor, row: Withdrawal, state: str, **counts: int) -> Withdrawal:
    """It is over: called off or reinstated."""
    row.state, row.ended_at, row.ended_by = state, clock.now(), actor.person
    row.save()
    mark(c.id for c in in_scope(row))
    actor.record(f"withdrawal.{state}", row.id, network=row.network, **counts)
    tell(row, state, **counts)
    return row


@transaction.atomic
def withdraw(actor: Actor, withdrawal_id: UUID | str) -> Withdrawal:
    """Take what was announced, or what Kicau proposed, into effect now."""
    actor.require(Permission.CHANNELS)
    row = locked(actor, withdrawal_id)
    if row.state == WithdrawalState.WITHDRAWN:
        return row
    if row.state not in OPEN:
        raise Conflict(Sentence("This is {state}; announce it anew.", state=row.get_state_display()))
    return take_effect(actor, row, clock.now())


def take_effect(actor: Actor, row: Withdrawal, now: datetime, state: str = WithdrawalState.WITHDRAWN) -> Withdrawal:
    """Close the channels and freeze their queues; inside the caller's transaction, with the row locked. What is being
    sent this moment is settled by its worker, and then frozen or not as it ended."""
    closing = list(Channel.objects.select_for_update().filter(id__in=[c.id for c in in_scope(row)]))
    LeftChannel.objects.bulk_create(
        [LeftChannel(withdrawal=row, channel=c, was_state=c.state, was_reason=c.reason) for c in closing],
        ignore_conflicts=True,
    )
    row.state, row.withdrawn_at = state, row.withdrawn_at or now
    row.effective_at = min(row.effective_at, now) if row.effective_at > now else row.effective_at
    row.save()
    ids = [c.id for c in closing]
    Channel.objects.filter(id__in=ids).update(state=ChannelState.WITHDRAWN, version=F("version") + 1)
    Channel.objects.filter(id__in=left_ids(row), state=ChannelState.WITHDRAWN).update(
        reason=reason_of(row), leaves_at=row.effective_at
    )
    frozen = Frozen.objects.filter(withdrawal=row, ended_at=None).values("delivery")  # before, as a proposal
    why = frozen_reason(row)
    Delivery.objects.filter(id__in=frozen, hold=Hold.WITHDRAWN).update(reason=why, said=stored(why), changed_at=now)
    count = freeze(row, left_ids(row), why, now)
    name = "withdrawn" if state == WithdrawalState.WITHDRAWN else "proposed"
    actor.record(f"withdrawal.{name}", row.id, network=row.network, channels=len(ids), frozen=count)
    tell(row, name, channels=len(ids), frozen=count)
    return row


# What the acts share


def alone(workspace_id: UUID) -> None:
    """One decision at a time in a workspace; work on its posts is not held up."""
    Workspace.objects.select_for_update(no_key=True).get(id=workspace_id)


def locked(actor: Actor, withdrawal_id: UUID | str) -> Withdrawal:
    """Raises NotFound."""
    alone(actor.workspace.id)
    return one_withdrawal(actor, withdrawal_id)


def theirs_to_end(actor: Actor, row: Withdrawal) -> None:
    """What the operator left for the whole instance, only an operator takes back. Raises Conflict."""
    if row.by_operator and not (actor.person is None or actor.person.is_operator):
        raise Conflict(
            Sentence(
                "The operator of this Kicau left {network} for all workspaces; ask them to go back.",
                network=label(row.network),
            )
        )


def in_scope(row: Withdrawal) -> list[Channel]:
    """The connected channels that the withdrawal is about."""
    return list(scope(row).order_by("key"))


def scope(row: Withdrawal) -> QuerySet[Channel]:
    """The same, to ask the database with."""
    rows = Channel.objects.filter(workspace_id=row.workspace_id, network=row.network, state__in=IN_USE)
    if row.channel_id:
        rows = rows.filter(id=row.channel_id)
    if row.app_id:
        rows = rows.filter(app_id=row.app_id)
    if row.host:
        rows = rows.filter(host=row.host)
    return rows


def channels_of(row: Withdrawal) -> list[Channel]:
    """The channels that it closed or will close."""
    if row.withdrawn_at is None:
        return in_scope(row)
    return [left.channel for left in row.left.select_related("channel__app").order_by("channel__key")]


def left_ids(row: Withdrawal) -> list[UUID]:
    return list(LeftChannel.objects.filter(withdrawal=row).values_list("channel_id", flat=True))


def mark(channel_ids: Iterable[UUID]) -> None:
    """Write the date at which each is left, from what is announced now."""
    for channel in Channel.objects.filter(id__in=list(channel_ids), state__in=IN_USE):
        about = Withdrawal.objects.filter(
            workspace_id=channel.workspace_id, network=channel.network, state=WithdrawalState.ANNOUNCED
        )
        about = about.filter(
            Q(channel=None) | Q(channel=channel),
            Q(app=None) | Q(app_id=channel.app_id),
            Q(host="") | Q(host=channel.host),
        )
        first = about.aggregate(first=Min("effective_at"))["first"]
        if first != channel.leaves_at:
            Channel.objects.filter(id=channel.id).update(leaves_at=first)


def reason_of(row: Withdrawal) -> str:
    return reason(row.network, row.effective_at, row.state != WithdrawalState.PROPOSED)


def _open(actor: Actor, network: str, only: Channel | None, app: NetworkApp | None) -> Withdrawal | None:
    return withdrawals(actor).filter(state__in=OPEN, network=network, channel=only, app=app, host="").first()


def _has_channels(actor: Actor, network: str) -> bool:
    return Channel.objects.filter(workspace=actor.workspace, network=network).exists()


# What happens by itself


def due() -> list[Withdrawal]:
    """Announced ones whose date has come."""
    rows = Withdrawal.objects.filter(state=WithdrawalState.ANNOUNCED, effective_at__lte=clock.now())
    return list(rows.select_related("workspace").order_by("effective_at")[:50])


@transaction.atomic
def come_into_effect(row: Withdrawal) -> bool:
    """Its date came. False where somebody was faster."""
    actor = system(row.workspace)
    fresh = locked(actor, row.id)
    if fresh.state != WithdrawalState.ANNOUNCED or fresh.effective_at > clock.now():
        return False
    take_effect(actor, fresh, clock.now())
    return True


def stragglers() -> list[tuple[Withdrawal, list[UUID]]]:
    """Withdrawals whose channels still have something waiting: a step that was under way when the door closed."""
    rows = LeftChannel.objects.filter(
        withdrawal__state__in=FROZEN_STATES, channel__state__in=(ChannelState.WITHDRAWN, ChannelState.REMOVED)
    )
    found: dict[UUID, tuple[Withdrawal, list[UUID]]] = {}
    for left in rows.filter(_waiting()).select_related("withdrawal__workspace", "withdrawal__channel"):
        found.setdefault(left.withdrawal_id, (left.withdrawal, []))[1].append(left.channel_id)
    return list(found.values())


def _waiting() -> Exists:
    now = clock.now()
    rows = Delivery.objects.filter(channel=OuterRef("channel"), state__in=WAITING)
    return Exists(rows.filter(Q(lease_until=None) | Q(lease_until__lte=now)))


@transaction.atomic
def freeze_stragglers(row: Withdrawal, channel_ids: list[UUID]) -> int:
    alone(row.workspace_id)
    fresh = Withdrawal.objects.select_related("channel").get(id=row.id)
    if fresh.state not in FROZEN_STATES:
        return 0
    return freeze(fresh, channel_ids, frozen_reason(fresh), clock.now())
