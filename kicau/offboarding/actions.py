"""Leaving: announced for a date or at once, canceled, taken into effect. Each act once; a second time changes nothing."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, F, Min, OuterRef, Q, QuerySet

from kicau.base import clock
from kicau.base.errors import Conflict, NotFound, validation_failed
from kicau.base.ids import as_uuid
from kicau.base.sentences import Sentence, to_stored_pieces
from kicau.channels.actions import one_channel
from kicau.channels.models import Channel, ChannelState, NetworkApp
from kicau.connector import registry
from kicau.events.catalogue import (
    OffboardingAnnounced,
    OffboardingCanceled,
    OffboardingEvent,
    OffboardingProposed,
    OffboardingStopped,
)
from kicau.offboarding.announcements import announce, channel_reason, delivery_reason, network_label
from kicau.offboarding.freeze import freeze_deliveries
from kicau.offboarding.models import (
    FROZEN_STATES,
    OPEN_STATES,
    ClosedChannel,
    FrozenDelivery,
    Offboarding,
    OffboardingCause,
    OffboardingState,
)
from kicau.publishing.models import PENDING_STATES, Delivery, DeliveryState, HoldReason
from kicau.publishing.scheduling.schedule import MAX_SCHEDULE_AHEAD
from kicau.workspaces.actors import Actor, Permission, system_actor
from kicau.workspaces.models import Workspace

CONNECTED_STATES = (ChannelState.ACTIVE, ChannelState.EXPIRED, ChannelState.HELD)


def offboardings(actor: Actor) -> QuerySet[Offboarding]:
    """The workspace's offboardings, newest first, ended ones too."""
    actor.require(Permission.READ)
    rows = Offboarding.objects.filter(workspace=actor.workspace)
    return rows.select_related("workspace", "channel", "announced_by", "ended_by").order_by("-announced_at", "-id")


def one_offboarding(actor: Actor, offboarding_id: UUID | str) -> Offboarding:
    """Raises NotFound."""
    found = offboardings(actor).filter(id=as_uuid(offboarding_id)).first()
    if found is None:
        raise NotFound("offboarding", offboarding_id)
    return found


@transaction.atomic
def announce_offboarding(
    actor: Actor,
    *,
    network: str = "",
    channel: str = "",
    effective_at: datetime | None = None,
    reason: str = "",
    cause: str = OffboardingCause.CHOICE,
) -> Offboarding:
    """Leave a network, or one channel (its key or id), at `effective_at`; None: now. Until then everything goes on, and
    nothing is accepted that is due after it. The same again moves the date of one that is announced.

    Raises NotAllowed, NotFound, ValidationFailed, or Conflict where nothing is connected there.
    """
    actor.require(Permission.CHANNELS)
    only = one_channel(actor, channel) if channel else None
    network = only.network if only else network
    if only is None and network not in registry.installed_slugs() and not _has_channels(actor, network):
        raise validation_failed(
            "network",
            "Kicau has no network named {network!r}. Available networks: {known}.",
            network=network,
            known=", ".join(registry.installed_slugs()),
        )
    if cause not in (OffboardingCause.CHOICE, OffboardingCause.NETWORK):
        raise validation_failed(
            "cause",
            "To stop using a network, set “cause” to “choice” (your decision) or “network” (the network closes or changes). You entered {cause!r}.",
            cause=cause,
        )
    return start_offboarding(actor, network, effective_at, reason=reason, cause=cause, only=only)


def start_offboarding(
    actor: Actor,
    network: str,
    effective_at: datetime | None,
    *,
    reason: str,
    cause: str,
    only: Channel | None = None,
    app: NetworkApp | None = None,
    decision_id: UUID | None = None,
    by_operator: bool = False,
) -> Offboarding:
    """The same without the question of who may; inside the caller's transaction."""
    now = clock.now()
    at = effective_at or now
    if at > now + MAX_SCHEDULE_AHEAD:
        raise validation_failed(
            "effective_at",
            "You can stop using a network at most two years from now, but you entered {when}. Choose an earlier date.",
            when=f"{at:%Y-%m-%d}",
        )
    lock_workspace(actor.workspace.id)
    row = _open_offboarding(actor, network, only, app)
    if row is not None and row.state != OffboardingState.ANNOUNCED:
        return row if row.state == OffboardingState.OFFBOARDED else close_channels(actor, row, now)
    if row is None:
        row = Offboarding(workspace=actor.workspace, network=network, channel=only, app=app, announced_by=actor.person)
    row.state, row.cause, row.reason, row.effective_at = (
        OffboardingState.ANNOUNCED,
        cause,
        reason.strip()[:500],
        max(at, now),
    )
    row.decision_id, row.by_operator = decision_id or row.decision_id, by_operator or row.by_operator
    if not (closing := channels_in_scope(row)):
        raise Conflict(
            Sentence(
                "You cannot stop using {network}, because this workspace has no channel on {network} that is still in use.",
                network=network_label(network),
            )
        )
    row.save()
    if at <= now:
        return close_channels(actor, row, now)
    update_leave_dates(c.id for c in closing)
    after = Delivery.objects.filter(
        channel__in=closing, state__in=[*PENDING_STATES, DeliveryState.HELD], due_at__gte=row.effective_at
    ).count()
    announce(OffboardingAnnounced, row, actor, effective_at=row.effective_at, channels=len(closing), after=after)
    return row


@transaction.atomic
def cancel_offboarding(actor: Actor, offboarding_id: UUID | str) -> Offboarding:
    """Stay after all, before the date came. Conflict where it is in effect: then it is resumed."""
    actor.require(Permission.CHANNELS)
    row = lock_offboarding(actor, offboarding_id)
    if row.state == OffboardingState.CANCELED:
        return row
    if row.state != OffboardingState.ANNOUNCED:
        raise Conflict(
            Sentence(
                "You can cancel the plan to stop using this network only before Kicau stops publishing to the network. Status of the plan: {state}. To use the network again, resume publishing.",
                state=row.get_state_display(),
            )
        )
    require_right_to_end(actor, row)
    return end_offboarding(actor, row, OffboardingState.CANCELED, OffboardingCanceled)


def end_offboarding(
    actor: Actor, row: Offboarding, state: str, kind: type[OffboardingEvent], **counts: int
) -> Offboarding:
    """It is over: canceled or resumed. `kind` and `counts`: the event of it."""
    row.state, row.ended_at, row.ended_by = state, clock.now(), actor.person
    row.save()
    update_leave_dates(c.id for c in channels_in_scope(row))
    announce(kind, row, actor, **counts)
    return row


@transaction.atomic
def offboard_now(actor: Actor, offboarding_id: UUID | str) -> Offboarding:
    """Take what was announced, or what Kicau proposed, into effect now."""
    actor.require(Permission.CHANNELS)
    row = lock_offboarding(actor, offboarding_id)
    if row.state == OffboardingState.OFFBOARDED:
        return row
    if row.state not in OPEN_STATES:
        raise Conflict(
            Sentence(
                "This plan to stop using the network is over. Status of the plan: {state}. To stop using the network, make a new plan.",
                state=row.get_state_display(),
            )
        )
    return close_channels(actor, row, clock.now())


def close_channels(
    actor: Actor, row: Offboarding, now: datetime, state: str = OffboardingState.OFFBOARDED
) -> Offboarding:
    """Close the channels and freeze their queues; inside the caller's transaction, with the row locked. What is being
    sent this moment is settled by its worker, and then frozen or not as it ended."""
    closing = list(Channel.objects.select_for_update().filter(id__in=[c.id for c in channels_in_scope(row)]))
    ClosedChannel.objects.bulk_create(
        [ClosedChannel(offboarding=row, channel=c, was_state=c.state, was_reason=c.reason) for c in closing],
        ignore_conflicts=True,
    )
    row.state, row.offboarded_at = state, row.offboarded_at or now
    row.effective_at = min(row.effective_at, now) if row.effective_at > now else row.effective_at
    row.save()
    ids = [c.id for c in closing]
    Channel.objects.filter(id__in=ids).update(state=ChannelState.OFFBOARDED, version=F("version") + 1)
    Channel.objects.filter(id__in=closed_channel_ids(row), state=ChannelState.OFFBOARDED).update(
        reason=reason_of(row), leaves_at=row.effective_at
    )
    frozen = FrozenDelivery.objects.filter(offboarding=row, ended_at=None).values("delivery")  # before, as a proposal
    why = delivery_reason(row)
    Delivery.objects.filter(id__in=frozen, hold=HoldReason.OFFBOARDED).update(
        reason=why, said=to_stored_pieces(why), changed_at=now
    )
    count = freeze_deliveries(row, closed_channel_ids(row), why, now)
    kind = OffboardingStopped if state == OffboardingState.OFFBOARDED else OffboardingProposed
    announce(kind, row, actor, channels=len(ids), frozen=count)
    return row


# What the acts share


def lock_workspace(workspace_id: UUID) -> None:
    """One decision at a time in a workspace; work on its posts is not held up."""
    Workspace.objects.select_for_update(no_key=True).get(id=workspace_id)


def lock_offboarding(actor: Actor, offboarding_id: UUID | str) -> Offboarding:
    """Raises NotFound."""
    lock_workspace(actor.workspace.id)
    return one_offboarding(actor, offboarding_id)


def require_right_to_end(actor: Actor, row: Offboarding) -> None:
    """What the operator left for the whole instance, only an operator takes back. Raises Conflict."""
    if row.by_operator and not (actor.person is None or actor.person.is_operator):
        raise Conflict(
            Sentence(
                "The server administrator stopped using {network} for all workspaces. Ask the server administrator to resume publishing to this network.",
                network=network_label(row.network),
            )
        )


def channels_in_scope(row: Offboarding) -> list[Channel]:
    """The connected channels that the offboarding is about."""
    return list(channels_in_scope_queryset(row).order_by("key"))


def channels_in_scope_queryset(row: Offboarding) -> QuerySet[Channel]:
    """The same, to ask the database with."""
    rows = Channel.objects.filter(workspace_id=row.workspace_id, network=row.network, state__in=CONNECTED_STATES)
    if row.channel_id:
        rows = rows.filter(id=row.channel_id)
    if row.app_id:
        rows = rows.filter(app_id=row.app_id)
    if row.host:
        rows = rows.filter(host=row.host)
    return rows


def channels_of(row: Offboarding) -> list[Channel]:
    """The channels that it closed or will close."""
    if row.offboarded_at is None:
        return channels_in_scope(row)
    return [left.channel for left in row.closed_channels.select_related("channel__app").order_by("channel__key")]


def closed_channel_ids(row: Offboarding) -> list[UUID]:
    return list(ClosedChannel.objects.filter(offboarding=row).values_list("channel_id", flat=True))


def update_leave_dates(channel_ids: Iterable[UUID]) -> None:
    """Write the date at which each is left, from what is announced now."""
    for channel in Channel.objects.filter(id__in=list(channel_ids), state__in=CONNECTED_STATES):
        about = Offboarding.objects.filter(
            workspace_id=channel.workspace_id, network=channel.network, state=OffboardingState.ANNOUNCED
        )
        about = about.filter(
            Q(channel=None) | Q(channel=channel),
            Q(app=None) | Q(app_id=channel.app_id),
            Q(host="") | Q(host=channel.host),
        )
        first = about.aggregate(first=Min("effective_at"))["first"]
        if first != channel.leaves_at:
            Channel.objects.filter(id=channel.id).update(leaves_at=first)


def reason_of(row: Offboarding) -> str:
    return channel_reason(row.network, row.effective_at, row.state != OffboardingState.PROPOSED)


def _open_offboarding(actor: Actor, network: str, only: Channel | None, app: NetworkApp | None) -> Offboarding | None:
    return offboardings(actor).filter(state__in=OPEN_STATES, network=network, channel=only, app=app, host="").first()


def _has_channels(actor: Actor, network: str) -> bool:
    return Channel.objects.filter(workspace=actor.workspace, network=network).exists()


# What happens by itself


def due_offboardings() -> list[Offboarding]:
    """Announced ones whose date has come."""
    rows = Offboarding.objects.filter(state=OffboardingState.ANNOUNCED, effective_at__lte=clock.now())
    return list(rows.select_related("workspace").order_by("effective_at")[:50])


@transaction.atomic
def start_if_due(row: Offboarding) -> bool:
    """Its date came. False where somebody was faster."""
    actor = system_actor(row.workspace)
    fresh = lock_offboarding(actor, row.id)
    if fresh.state != OffboardingState.ANNOUNCED or fresh.effective_at > clock.now():
        return False
    close_channels(actor, fresh, clock.now())
    return True


def unfrozen_leftovers() -> list[tuple[Offboarding, list[UUID]]]:
    """Offboardings whose channels still have something waiting: a step that was under way when the door closed."""
    rows = ClosedChannel.objects.filter(
        offboarding__state__in=FROZEN_STATES, channel__state__in=(ChannelState.OFFBOARDED, ChannelState.REMOVED)
    )
    found: dict[UUID, tuple[Offboarding, list[UUID]]] = {}
    for left in rows.filter(_has_pending_deliveries()).select_related("offboarding__workspace", "offboarding__channel"):
        found.setdefault(left.offboarding_id, (left.offboarding, []))[1].append(left.channel_id)
    return list(found.values())


def _has_pending_deliveries() -> Exists:
    now = clock.now()
    rows = Delivery.objects.filter(channel=OuterRef("channel"), state__in=PENDING_STATES)
    return Exists(rows.filter(Q(lease_until=None) | Q(lease_until__lte=now)))


@transaction.atomic
def freeze_leftovers(row: Offboarding, channel_ids: list[UUID]) -> int:
    lock_workspace(row.workspace_id)
    fresh = Offboarding.objects.select_related("channel").get(id=row.id)
    if fresh.state not in FROZEN_STATES:
        return 0
    return freeze_deliveries(fresh, channel_ids, delivery_reason(fresh), clock.now())
