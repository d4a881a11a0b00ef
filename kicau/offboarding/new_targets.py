"""New targets for what was frozen: other channels, each post rendered again for them, its problems listed, one decision
for many. What goes elsewhere stays frozen where it was, so that going back is as complete as if nothing had been moved."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Count, Min, Q, QuerySet

from kicau.base import clock
from kicau.base.errors import Conflict, ValidationFailed, validation_failed
from kicau.base.sentences import Sentence
from kicau.channels.actions import one_channel
from kicau.channels.models import Channel, ChannelState
from kicau.connector.content import Problem
from kicau.events.catalogue import OffboardingRetargeted
from kicau.offboarding.actions import channels_of, lock_workspace, one_offboarding
from kicau.offboarding.announcements import announce
from kicau.offboarding.models import FROZEN_STATES, FrozenDelivery, Offboarding, Replacement
from kicau.publishing import bulk_transitions
from kicau.publishing.content import compositions
from kicau.publishing.models import Delivery, DeliveryState, Draft, HoldReason
from kicau.publishing.scheduling import schedule
from kicau.workspaces.actors import Actor, Permission

RETARGET_BATCH_SIZE = (
    100  # posts of one transaction; a retarget that is broken off goes on after the last whole hundred
)
FINAL_STATES = (DeliveryState.CANCELED, DeliveryState.DELETED)


class OverdueRetargetAction(StrEnum):
    """What becomes of posts whose time has passed, or passes before the decision."""

    LEAVE = "leave"  # they stay where they are
    NOW = "now"
    SHIFT = "shift"  # the first at `first_at`, the others after it with the gaps that they had


@dataclass(frozen=True, slots=True, kw_only=True)
class RetargetDecision:
    """One decision for many posts."""

    channels: tuple[str, ...]  # keys or ids of the new targets
    overdue: OverdueRetargetAction = OverdueRetargetAction.LEAVE
    first_at: datetime | None = None  # with Past.SHIFT
    confirm: bool = False  # the actor has read them, for networks that want each post confirmed
    rest: bool = False  # only posts that have no new target yet


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetSuggestion:
    """A channel that could take over."""

    channel: Channel
    same_campaign: int  # posts that it has in the campaigns of what is frozen
    already: int  # frozen posts that go to it as well


@dataclass(frozen=True, slots=True, kw_only=True)
class RetargetObstacle:
    """A post that cannot go to a channel as it stands."""

    delivery: UUID  # the frozen one
    draft: UUID
    text: str
    due_at: datetime
    channel: Channel
    problems: tuple[Problem, ...]


@dataclass(slots=True, kw_only=True)
class RetargetPreview:
    """What a decision would come to."""

    posts: int = 0  # frozen posts looked at
    fits: int = 0  # deliveries that would be made
    already: int = 0  # posts that go to the channel already, or went
    overdue: int = 0  # posts that are left because their time has passed
    unconfirmed: int = 0  # deliveries that a person must confirm before their time
    unfit: int = 0  # deliveries that cannot be made as they stand
    obstacles: list[RetargetObstacle] = field(default_factory=list)
    codes: Counter[tuple[str, str]] = field(default_factory=Counter)  # (channel key, problem code) -> posts
    micro: Counter[str] = field(default_factory=Counter)  # what publishing them costs: micro-units by currency


def target_suggestions(actor: Actor, row: Offboarding) -> list[TargetSuggestion]:
    """Connected channels outside of what is left: first those of the same campaigns."""
    actor.require(Permission.READ)
    leaving = {c.id for c in channels_of(row)}
    waiting = _frozen_deliveries(row)
    campaigns = list(
        waiting.exclude(delivery__draft__campaign=None).values_list("delivery__draft__campaign", flat=True).distinct()
    )
    posts = Delivery.objects.filter(workspace=actor.workspace).exclude(channel__in=leaving).order_by()
    shared = (
        dict(posts.filter(draft__campaign__in=campaigns).values_list("channel").annotate(Count("id")))
        if campaigns
        else {}
    )
    same = dict(
        posts.filter(draft__in=waiting.values("delivery__draft"))
        .exclude(state__in=FINAL_STATES)
        .values_list("channel")
        .annotate(Count("id"))
    )
    usable = Channel.objects.filter(workspace=actor.workspace, state=ChannelState.ACTIVE, leaves_at=None).exclude(
        id__in=leaving
    )
    found = [
        TargetSuggestion(channel=c, same_campaign=shared.get(c.id, 0), already=same.get(c.id, 0))
        for c in usable.select_related("app").order_by("key")
    ]
    return sorted(found, key=lambda one: (-one.same_campaign, one.already))


def preview_retarget(
    actor: Actor,
    offboarding_id: UUID | str,
    decision: RetargetDecision,
    *,
    most: int = 0,
    tell_progress: Callable[[int, int], None] = lambda done, total: None,
) -> RetargetPreview:
    """Render every frozen post for the new targets and tell what would happen; changes nothing. At most `most` obstacles
    are kept in the list (0: all); the counts are of all. Raises NotFound, ValidationFailed."""
    actor.require(Permission.READ)
    row = one_offboarding(actor, offboarding_id)
    found, total = RetargetPreview(), _selected_deliveries(row, decision).count()
    for chosen in _rendered_batches(actor, row, decision, found):
        for one in chosen:
            for channel, priced in one.fits:
                found.fits += 1
                found.micro.update({p.currency: p.micro for p in priced if p.micro})
                found.unconfirmed += schedule.needs_confirmation(channel) and not decision.confirm
            _add_to_preview(found, one, most)
        tell_progress(found.posts, total)
    return found


def retarget(
    actor: Actor,
    offboarding_id: UUID | str,
    decision: RetargetDecision,
    *,
    most: int = 0,
    tell_progress: Callable[[int, int], None] = lambda done, total: None,
) -> RetargetPreview:
    """Schedule every frozen post on the new targets where it fits; the others stay frozen and are told with their
    problems. A second time makes nothing twice, and goes on where the first was broken off.

    Raises NotAllowed, NotFound, ValidationFailed, Conflict.
    """
    actor.require(Permission.PUBLISH)
    row = one_offboarding(actor, offboarding_id)
    if row.state not in FROZEN_STATES:
        raise Conflict(
            Sentence(
                "You can move posts to other channels only after Kicau has stopped publishing to this network. Status of the plan to stop using the network: {state}.",
                state=row.get_state_display(),
            )
        )
    found, total = RetargetPreview(), _selected_deliveries(row, decision).count()
    for chosen in _rendered_batches(actor, row, decision, found):
        with transaction.atomic():
            _create_replacements(actor, row, chosen, decision, found, most)
        tell_progress(found.posts, total)
    if found.fits:
        problems = len({obstacle.delivery for obstacle in found.obstacles})
        with transaction.atomic():
            announce(
                OffboardingRetargeted,
                row,
                actor,
                made=found.fits,
                problems=problems,
                channels=tuple(decision.channels),
            )
    return found


@dataclass(slots=True, kw_only=True)
class _RetargetPost:
    """A frozen post with the channels that it fits, and why not the others."""

    frozen: FrozenDelivery
    draft: Draft
    at: datetime
    fits: list[tuple[Channel, Sequence[Any]]] = field(default_factory=list)
    bad: list[tuple[Channel, tuple[Problem, ...]]] = field(default_factory=list)


def _create_replacements(
    actor: Actor,
    row: Offboarding,
    chosen: Sequence[_RetargetPost],
    decision: RetargetDecision,
    found: RetargetPreview,
    most: int,
) -> None:
    """One transaction's worth. The row is held, so that nobody goes back meanwhile."""
    lock_workspace(actor.workspace.id)
    if not Offboarding.objects.filter(id=row.id, state__in=FROZEN_STATES).exists():
        raise Conflict(
            "A member resumed publishing to this network, so Kicau stopped moving posts to other channels. You do not need to do anything."
        )
    wanted, of = [], []
    for one in chosen:
        _add_to_preview(found, one, most)
        for channel, _ in one.fits:
            wanted.append(
                schedule.ScheduleRequest(
                    draft=one.draft, channels=[channel], due_at=one.at, timezone=one.frozen.delivery.timezone
                )
            )
            of.append(one.frozen)
    if not wanted:
        return
    made = schedule.schedule_many(actor, wanted, confirm=decision.confirm, twins=False, again=True).deliveries
    Replacement.objects.bulk_create([Replacement(frozen=f, delivery=d) for f, d in zip(of, made, strict=True)])
    found.fits += len(made)
    found.unconfirmed += sum(d.hold == HoldReason.CONFIRMATION for d in made)


def _add_to_preview(found: RetargetPreview, one: _RetargetPost, most: int) -> None:
    for channel, problems in one.bad:
        found.unfit += 1
        found.codes.update({(channel.key, code): 1 for code in {p.code for p in problems}})
        if not most or len(found.obstacles) < most:
            text = next((p.text for p in one.draft.parts.all()), "")[:200]
            found.obstacles.append(
                RetargetObstacle(
                    delivery=one.frozen.delivery_id,
                    draft=one.draft.id,
                    text=text,
                    due_at=one.frozen.delivery.due_at,
                    channel=channel,
                    problems=problems,
                )
            )


def _frozen_deliveries(row: Offboarding) -> QuerySet[FrozenDelivery]:
    """What still waits in this offboarding."""
    return FrozenDelivery.objects.filter(
        offboarding=row, ended_at=None, delivery__state=DeliveryState.HELD, delivery__hold=HoldReason.OFFBOARDED
    )


def _selected_deliveries(row: Offboarding, decision: RetargetDecision) -> QuerySet[FrozenDelivery]:
    return _frozen_deliveries(row).filter(replacements=None) if decision.rest else _frozen_deliveries(row)


def _rendered_batches(
    actor: Actor, row: Offboarding, decision: RetargetDecision, found: RetargetPreview
) -> Iterator[list[_RetargetPost]]:
    """FrozenDelivery posts by their time, a hundred at once, each rendered for every new target."""
    channels = _target_channels(actor, row, decision)
    now = clock.now()
    by = _time_shift(row, decision, now)
    after: tuple[datetime, UUID] | None = None
    rows = _selected_deliveries(row, decision).select_related("delivery").order_by("delivery__due_at", "delivery_id")
    while True:
        ahead = (
            rows.filter(Q(delivery__due_at__gt=after[0]) | Q(delivery__due_at=after[0], delivery_id__gt=after[1]))
            if after
            else rows
        )
        chunk = list(ahead[:RETARGET_BATCH_SIZE])
        if not chunk:
            return
        after = (chunk[-1].delivery.due_at, chunk[-1].delivery_id)
        found.posts += len(chunk)
        yield _render_batch(actor, chunk, channels, decision, now, by, found)


def _render_batch(
    actor: Actor,
    chunk: Sequence[FrozenDelivery],
    channels: Sequence[Channel],
    decision: RetargetDecision,
    now: datetime,
    by: timedelta,
    found: RetargetPreview,
) -> list[_RetargetPost]:
    ids = [one.delivery.draft_id for one in chunk]
    drafts = {d.id: d for d in compositions.with_content(compositions.drafts(actor).filter(id__in=ids))}
    there = Delivery.objects.filter(draft__in=ids, channel__in=channels).exclude(state__in=FINAL_STATES)
    taken = set(there.values_list("draft_id", "channel_id"))
    shown: list[_RetargetPost] = []
    for one in chunk:
        at = one.delivery.due_at
        if at <= now:
            if decision.overdue == OverdueRetargetAction.LEAVE:
                found.overdue += 1
                continue
            at = now if decision.overdue == OverdueRetargetAction.NOW else at + by
        post = _RetargetPost(frozen=one, draft=drafts[one.delivery.draft_id], at=at)
        for channel in channels:
            if (post.draft.id, channel.id) in taken:
                found.already += 1
            else:
                taken.add((post.draft.id, channel.id))
                _render_for_channel(post, channel)
        shown.append(post)
    return shown


def _render_for_channel(post: _RetargetPost, channel: Channel) -> None:
    rendered = schedule.render(post.draft, channel)
    problems = (
        *_partly_published_problems(post.frozen.delivery),
        *schedule.offboarding_problems(channel, post.at),
        *rendered.problems,
    )
    if problems:
        post.bad.append((channel, problems))
    else:
        post.fits.append((channel, schedule.publishing_prices(channel, rendered)))


def _partly_published_problems(row: Delivery) -> Iterator[Problem]:
    """A post that may have readers already is not sent elsewhere by one decision for many."""
    if row.broken_at is not None:
        yield Problem(
            code="outcome-unknown",
            message="The network's reply was lost, so Kicau does not know whether this post was published. Check first whether the post is on the network.",
            field="delivery",
        )
    elif row.progress.get("ids"):
        yield Problem(
            code="partly-out",
            message="One part of this post is already published, so Kicau cannot move the post. Publish the remaining parts on another channel yourself.",
            field="delivery",
        )


def _target_channels(actor: Actor, row: Offboarding, decision: RetargetDecision) -> list[Channel]:
    if not decision.channels:
        raise validation_failed("channels", "Choose at least one channel.")
    leaving = {c.id for c in channels_of(row)}
    found = [one_channel(actor, key) for key in dict.fromkeys(decision.channels)]
    for channel in found:
        if channel.id in leaving or channel.state != ChannelState.ACTIVE:
            raise validation_failed(
                "channels",
                "{channel} does not accept posts. It is not connected, or you plan to stop using its network. Choose another channel.",
                channel=channel.key,
            )
    return found


def check_decision(actor: Actor, row: Offboarding, decision: RetargetDecision) -> None:
    """Raises ValidationFailed or NotFound for a decision that cannot be carried out."""
    _target_channels(actor, row, decision)
    _time_shift(row, decision, clock.now())


def _time_shift(row: Offboarding, decision: RetargetDecision, now: datetime) -> timedelta:
    if decision.overdue != OverdueRetargetAction.SHIFT:
        return timedelta(0)
    if decision.first_at is None:
        raise validation_failed(
            "first_at",
            "Choose the date and time at which Kicau publishes the first overdue post. The other overdue posts follow with the same time between them as before.",
        )
    if problems := list(schedule.time_problems(decision.first_at, now)):
        raise ValidationFailed(problems)
    first = (
        _selected_deliveries(row, decision)
        .filter(delivery__due_at__lte=now)
        .aggregate(first=Min("delivery__due_at"))["first"]
    )
    return decision.first_at - first if first else timedelta(0)


# And back


def count_replacements(row: Offboarding) -> tuple[int, int]:
    """(made elsewhere and still to come, made elsewhere and begun or out)."""
    rows = Replacement.objects.filter(frozen__offboarding=row)
    coming = rows.filter(_unpublished_filter()).count()
    return coming, rows.exclude(delivery__state__in=FINAL_STATES).count() - coming


def _unpublished_filter() -> Q:
    return Q(
        delivery__state__in=[DeliveryState.SCHEDULED, DeliveryState.HELD, DeliveryState.FAILED],
        delivery__steps=0,
        delivery__begun_at=None,
        delivery__broken_at=None,
    )


@transaction.atomic
def delete_replacements(actor: Actor, row: Offboarding) -> int:
    """Undo new targets of which nothing has begun: they are gone as if they had never been made, and other programs are
    told that they are canceled. What has begun or is out stays. Returns how many were taken back. The caller has asked
    who may."""
    rows = Replacement.objects.filter(_unpublished_filter(), frozen__offboarding=row).values_list("delivery", flat=True)
    found = list(Delivery.objects.select_for_update().filter(id__in=list(rows), steps=0, begun_at=None, broken_at=None))
    bulk_transitions.discard(found)
    if found:
        actor.record("offboarding.targets-taken-back", row.id, count=len(found))
    return len(found)


def retarget_progress(row: Offboarding) -> Mapping[str, int]:
    """How far the finding of new targets is: waiting, replaced."""
    waiting = _frozen_deliveries(row)
    done = waiting.filter(replacements__isnull=False).values("id").distinct().count()
    return {"waiting": waiting.count(), "replaced": done}


__all__ = [
    "OverdueRetargetAction",
    "RetargetDecision",
    "RetargetObstacle",
    "RetargetPreview",
    "TargetSuggestion",
    "count_replacements",
    "delete_replacements",
    "preview_retarget",
    "retarget",
    "retarget_progress",
    "target_suggestions",
]
