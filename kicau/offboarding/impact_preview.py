"""What leaving would do, told before anybody decides: what goes out until then, what is stopped, what stays as it is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import Count, Max, Min, Q, QuerySet, Value

from kicau.base import clock
from kicau.channels.actions import one_channel
from kicau.channels.models import Channel
from kicau.offboarding.actions import channels_in_scope, channels_in_scope_queryset, channels_of
from kicau.offboarding.export.media import media_ids
from kicau.offboarding.models import Offboarding, OffboardingState
from kicau.offboarding.new_targets import TargetSuggestion, target_suggestions
from kicau.publishing.models import Delivery, DeliveryState, Draft, DraftState
from kicau.workspaces.actors import Actor, Permission

PENDING_STATES = (DeliveryState.SCHEDULED, DeliveryState.PUBLISHING, DeliveryState.HELD)
PROBLEM_STATES = (DeliveryState.FAILED, DeliveryState.UNKNOWN, DeliveryState.PARKED)
PUBLISHED_STATES = (DeliveryState.PUBLISHED, DeliveryState.DELETED)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelImpact:
    """One channel's part of it."""

    channel: Channel
    before: int  # deliveries that are due until then
    after: int  # deliveries that are stopped
    published: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OffboardingPreview:
    network: str
    at: datetime  # from when on nothing is sent, UTC
    shares: tuple[ChannelImpact, ...]
    before: int  # deliveries that still go out
    after: int  # deliveries that are stopped, each with its text, files, time and progress
    after_first: datetime | None  # UTC
    after_last: datetime | None
    sending: int  # being sent this moment: settled first
    also_elsewhere: int  # of the posts that are stopped, those that go to other channels too, and go on there
    troubled: int  # failed, of unknown outcome or stopped by a fault: they stay as they are, for a person
    published: int  # stay told, with their ids and addresses
    drafts: int  # written and not scheduled: nothing happens to them
    media: int  # files of all these posts
    others: int  # deliveries on other channels that go on, to the second
    targets: tuple[TargetSuggestion, ...]  # channels that could take over


def preview_offboarding(
    actor: Actor, *, network: str = "", channel: str = "", effective_at: datetime | None = None
) -> OffboardingPreview:
    """Of leaving a network, or one channel (its key or id), at a time; None: now. Raises NotFound."""
    actor.require(Permission.READ)
    only = one_channel(actor, channel) if channel else None
    row = Offboarding(workspace=actor.workspace, network=only.network if only else network, channel=only)
    return _build_preview(actor, row, channels_in_scope(row), effective_at or clock.now())


def preview_of(actor: Actor, row: Offboarding) -> OffboardingPreview:
    """Of what is announced or in effect."""
    actor.require(Permission.READ)
    return _build_preview(actor, row, channels_of(row), row.effective_at)


def affected_deliveries(actor: Actor, row: Offboarding) -> QuerySet[Delivery]:
    """Every delivery that is, or will be, stopped, by its time."""
    actor.require(Permission.READ)
    rows = Delivery.objects.filter(workspace=actor.workspace, channel__in=channels_of(row), state__in=PENDING_STATES)
    rows = rows if row.offboarded_at else rows.filter(due_at__gte=row.effective_at)
    return rows.select_related("channel").order_by("due_at", "id")


def affected_counts(actor: Actor, rows: Iterable[Offboarding]) -> dict[UUID, int]:
    """How many deliveries each of those that are announced will stop, by its id: all in one statement."""
    actor.require(Permission.READ)
    each = [
        Delivery.objects.filter(
            workspace=actor.workspace,
            channel__in=channels_in_scope_queryset(row).values("id"),
            state__in=PENDING_STATES,
            due_at__gte=row.effective_at,
        )
        .order_by()
        .values(offboarding=Value(row.id))
        .annotate(after=Count("id"))
        .values_list("offboarding", "after")
        for row in rows
        if row.state == OffboardingState.ANNOUNCED
    ]
    return dict(each[0].union(*each[1:], all=True)) if each else {}


def _build_preview(actor: Actor, row: Offboarding, channels: Sequence[Channel], at: datetime) -> OffboardingPreview:
    now = clock.now()
    ids = [c.id for c in channels]
    rows = Delivery.objects.filter(workspace=actor.workspace, channel__in=ids).order_by()
    coming = Q(state__in=PENDING_STATES)
    stopped = coming if at <= now else coming & Q(due_at__gte=at)
    by = {
        share["channel"]: share
        for share in rows.values("channel").annotate(
            coming=Count("id", filter=coming),
            after=Count("id", filter=stopped),
            published=Count("id", filter=Q(state__in=PUBLISHED_STATES)),
            troubled=Count("id", filter=Q(state__in=PROBLEM_STATES)),
            sending=Count("id", filter=coming & Q(lease_until__gt=now)),
            first=Min("due_at", filter=stopped),
            last=Max("due_at", filter=stopped),
        )
    }
    shares = tuple(
        ChannelImpact(
            channel=c,
            before=by[c.id]["coming"] - by[c.id]["after"],
            after=by[c.id]["after"],
            published=by[c.id]["published"],
        )
        if c.id in by
        else ChannelImpact(channel=c, before=0, after=0, published=0)
        for c in channels
    )
    elsewhere = Delivery.objects.filter(workspace=actor.workspace, state__in=PENDING_STATES).exclude(channel__in=ids)
    posts = list(rows.values_list("draft", flat=True).distinct())
    loose = Draft.objects.filter(workspace=actor.workspace, state__in=[DraftState.DRAFT, DraftState.SUBMITTED])
    return OffboardingPreview(
        network=row.network,
        at=at,
        shares=shares,
        before=sum(s.before for s in shares),
        after=sum(s.after for s in shares),
        after_first=min((b["first"] for b in by.values() if b["first"]), default=None),
        after_last=max((b["last"] for b in by.values() if b["last"]), default=None),
        sending=sum(b["sending"] for b in by.values()),
        troubled=sum(b["troubled"] for b in by.values()),
        published=sum(s.published for s in shares),
        also_elsewhere=elsewhere.filter(draft__in=rows.filter(stopped).values("draft"))
        .values("draft")
        .distinct()
        .count(),
        drafts=loose.count(),
        media=len(list(media_ids(actor.workspace.id, posts, ids))),
        others=elsewhere.count(),
        targets=tuple(target_suggestions(actor, row)),
    )
