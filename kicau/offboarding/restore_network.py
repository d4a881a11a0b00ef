"""Going back: everything is as it was, item by item; what is past its time waits until a person has said what becomes of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from django.db import transaction
from django.db.models import F, Q, QuerySet

from kicau.base import clock
from kicau.base.errors import Conflict, ValidationFailed, validation_failed
from kicau.base.sentences import Sentence
from kicau.channels.models import Channel, ChannelState
from kicau.events.catalogue import OffboardingResumed
from kicau.offboarding import new_targets
from kicau.offboarding.actions import (
    end_offboarding,
    lock_offboarding,
    lock_workspace,
    one_offboarding,
    require_right_to_end,
)
from kicau.offboarding.announcements import network_label, overdue_reason
from kicau.offboarding.freeze import thaw_deliveries
from kicau.offboarding.models import FROZEN_STATES, ClosedChannel, FrozenDelivery, Offboarding, OffboardingState
from kicau.publishing import bulk_transitions
from kicau.publishing.budget import plan_quotas
from kicau.publishing.models import Delivery, DeliveryState, HoldReason
from kicau.publishing.scheduling.schedule import time_problems
from kicau.workspaces.actors import Actor, Permission


class OverdueAction(StrEnum):
    """What becomes of posts whose time has passed."""

    ASK = "ask"  # they wait, each or all of them, for a decision
    NOW = "now"  # publish them now
    SHIFT = "shift"  # the first at a time to come, the others after it with the gaps that they had
    CANCEL = "cancel"  # never


@dataclass(frozen=True, slots=True, kw_only=True)
class Resumption:
    """What going back would do, or did."""

    offboarding: Offboarding
    channels: tuple[Channel, ...]  # that are connected again
    elsewhere: tuple[Channel, ...]  # that somebody disconnected meanwhile, and so stay closed
    restored: int  # deliveries that go on as before
    overdue: int  # deliveries whose time has passed
    overdue_first: datetime | None  # UTC
    overdue_last: datetime | None
    replaced: int  # made elsewhere in their place and still to come: taken back unless they are to be kept
    replaced_published: int  # made elsewhere and out already


def preview_resumption(actor: Actor, offboarding_id: UUID | str) -> Resumption:
    """What resuming it would do; changes nothing. Raises NotFound."""
    return _build_preview(one_offboarding(actor, offboarding_id), clock.now())


def _build_preview(row: Offboarding, now: datetime) -> Resumption:
    left = list(row.closed_channels.select_related("channel__app").order_by("channel__key"))
    back = [one.channel for one in left if one.channel.state == ChannelState.OFFBOARDED]
    held = Delivery.objects.filter(
        state=DeliveryState.HELD,
        hold=HoldReason.OFFBOARDED,
        channel__in=[c.id for c in back],
        id__in=FrozenDelivery.objects.filter(offboarding=row, ended_at=None).values("delivery"),
    )
    times = sorted(held.filter(due_at__lte=now).values_list("due_at", flat=True))
    coming, out = new_targets.count_replacements(row)
    return Resumption(
        offboarding=row,
        channels=tuple(back),
        elsewhere=tuple(one.channel for one in left if one.channel.state == ChannelState.REMOVED),
        restored=held.filter(due_at__gt=now).count(),
        overdue=len(times),
        overdue_first=times[0] if times else None,
        overdue_last=times[-1] if times else None,
        replaced=coming,
        replaced_published=out,
    )


@transaction.atomic
def resume(
    actor: Actor,
    offboarding_id: UUID | str,
    *,
    overdue: OverdueAction = OverdueAction.ASK,
    first_at: datetime | None = None,
    keep_replaced: bool = False,
) -> Resumption:
    """Connect the channels again as they were and let their queue go on. What is past its time goes out only as `overdue`
    says; what was made elsewhere in its place and is still to come is taken back unless `keep_replaced`.

    A second time changes nothing. Raises NotAllowed, NotFound, Conflict, ValidationFailed (a bad `first_at`).
    """
    actor.require(Permission.CHANNELS)
    if overdue != OverdueAction.ASK:
        actor.require(Permission.PUBLISH)
    row = lock_offboarding(actor, offboarding_id)
    now = clock.now()
    told = _build_preview(row, now)
    if row.state == OffboardingState.RESUMED:
        return told
    if row.state not in FROZEN_STATES:
        raise Conflict(
            Sentence(
                "There is nothing to resume, because Kicau still publishes to this network. Status of the plan to stop using the network: {state}. You do not need to do anything.",
                state=row.get_state_display(),
            )
        )
    require_right_to_end(actor, row)
    if told.elsewhere and not told.channels:
        raise Conflict(
            Sentence(
                "{channel} is not connected. Reconnect this channel to continue publishing its scheduled posts.",
                channel=told.elsewhere[0].name,
            )
        )
    _open_app(actor, told.channels, row)
    first_at = _check_first_time(overdue, first_at)
    if not keep_replaced:
        new_targets.delete_replacements(actor, row)
    for left in ClosedChannel.objects.filter(offboarding=row, channel__in=[c.id for c in told.channels]):
        Channel.objects.filter(id=left.channel_id).update(
            state=left.was_state, reason=left.was_reason, version=F("version") + 1
        )
    ids = [c.id for c in told.channels]
    restored, waiting = thaw_deliveries(row, ids, now, overdue_reason(row))
    _update_plan_quotas(Delivery.objects.filter(channel__in=ids, next_at__lt=now + plan_quotas.QUOTA_LOOK_AHEAD))
    if overdue != OverdueAction.ASK and waiting:
        _apply_overdue_action(actor, _overdue_on(ids), overdue, first_at)
    end_offboarding(actor, row, OffboardingState.RESUMED, OffboardingResumed, restored=restored, overdue=waiting)
    return told


def _update_plan_quotas(rows: QuerySet[Delivery]) -> None:
    plan_quotas.update_soon(
        rows.filter(state=DeliveryState.SCHEDULED).select_related("channel__app").defer("rendered", "raw")
    )


def _open_app(actor: Actor, channels: Sequence[Channel], row: Offboarding) -> None:
    if not (actor.person and actor.person.is_operator) and any(c.app.offboarded_at for c in channels):
        raise Conflict(
            Sentence(
                "The server administrator stopped using {network} for all workspaces. Ask the server administrator to resume publishing to this network.",
                network=network_label(row.network),
            )
        )


def _check_first_time(overdue: OverdueAction, first_at: datetime | None) -> datetime | None:
    if overdue != OverdueAction.SHIFT:
        return None
    if first_at is None:
        raise validation_failed(
            "first_at",
            "Choose the date and time at which Kicau publishes the first overdue post. The other overdue posts follow with the same time between them as before.",
        )
    if problems := list(time_problems(first_at, clock.now())):
        raise ValidationFailed(problems)
    return first_at


# Posts that wait because their time passed


def overdue_deliveries(actor: Actor, offboarding_id: UUID | str) -> QuerySet[Delivery]:
    """Deliveries on channels that are back, whose time passed meanwhile and which wait for a decision."""
    row = one_offboarding(actor, offboarding_id)
    return _overdue_on(list(row.closed_channels.values_list("channel_id", flat=True))).select_related(
        "channel", "draft"
    )


def _overdue_on(channel_ids: Sequence[UUID]) -> QuerySet[Delivery]:
    back = Q(channel__in=channel_ids) & ~Q(channel__state__in=[ChannelState.OFFBOARDED, ChannelState.REMOVED])
    return Delivery.objects.filter(back, state=DeliveryState.HELD, hold=HoldReason.OFFBOARDED).order_by("due_at", "id")


@transaction.atomic
def decide_overdue(
    actor: Actor, offboarding_id: UUID | str, overdue: OverdueAction, first_at: datetime | None = None
) -> int:
    """One decision for all that wait; returns how many that were. Raises NotAllowed, NotFound, ValidationFailed."""
    actor.require(Permission.PUBLISH)
    lock_workspace(actor.workspace.id)
    rows = overdue_deliveries(actor, offboarding_id)
    return _apply_overdue_action(actor, rows, overdue, _check_first_time(overdue, first_at))


def _apply_overdue_action(
    actor: Actor, rows: QuerySet[Delivery], overdue: OverdueAction, first_at: datetime | None
) -> int:
    due = dict(rows.select_for_update(of=("self",)).values_list("id", "due_at"))
    if not due or overdue == OverdueAction.ASK:
        return 0
    ids, now = list(due), clock.now()
    match overdue:
        case OverdueAction.NOW:
            bulk_transitions.publish_overdue(actor, ids, now)
        case OverdueAction.SHIFT:
            assert first_at is not None
            bulk_transitions.shift_overdue(actor, due, first_at - min(due.values()), now)
        case _:
            bulk_transitions.cancel_overdue(actor, ids, now)
    if overdue in (OverdueAction.NOW, OverdueAction.SHIFT):
        _update_plan_quotas(Delivery.objects.filter(id__in=ids))
    actor.record("delivery.overdue-decided", "", count=len(ids), how=str(overdue))
    return len(ids)
