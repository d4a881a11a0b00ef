"""Previewing and scheduling: one rendered value, shown first and sent later."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction

from kicau.base import clock
from kicau.base.errors import Conflict, ValidationFailed, validation_failed
from kicau.base.ids import NO_ID
from kicau.base.sentences import Sentence, to_stored_pieces
from kicau.channels.actions import one_channel
from kicau.channels.channel_session import capabilities_of
from kicau.channels.models import Channel, ChannelState, Slot
from kicau.connector import registry
from kicau.connector.content import Problem, Rendered
from kicau.connector.serialization import from_json
from kicau.costs.pricing import PricedCharge, meters_missing_from_plan, price_charges, price_list_for_day
from kicau.events.catalogue import DeliveryScheduled
from kicau.events.dispatch import emit
from kicau.media import library
from kicau.media.probe import UnusableFile
from kicau.publishing import transitions
from kicau.publishing.budget import budget_checks, plan_quotas
from kicau.publishing.content import mentions
from kicau.publishing.content.channel_variants import channel_draft
from kicau.publishing.content.mentions import AccountMention
from kicau.publishing.models import Delivery, DeliveryState, Draft, DraftState, text_hash
from kicau.publishing.transitions import Verb
from kicau.workspaces.actors import Actor, Permission

PAST_TIME_TOLERANCE = timedelta(
    seconds=60
)  # a time this little in the past means now: the hands were slower than the clock
MAX_SCHEDULE_AHEAD = timedelta(days=366 * 2)


@dataclass(frozen=True, slots=True, kw_only=True)
class PostPreview:
    """What one channel would get, what is wrong with it, and what it would cost."""

    channel: Channel
    rendered: Rendered
    priced: tuple[PricedCharge, ...]
    duplicates: tuple[Problem, ...]  # warnings, never block
    mentioned: tuple[AccountMention, ...] = ()
    warnings: tuple[Problem, ...] = ()  # of mentions and hashtags, never block

    @property
    def problems(self) -> tuple[Problem, ...]:
        """With fields that name the channel: "channels.<key>.parts.0.text"."""
        return tuple(
            replace(p, field=f"channels.{self.channel.key}.{p.field}".rstrip(".")) for p in self.rendered.problems
        )


def render(draft: Draft, channel: Channel) -> Rendered:
    """Exactly what the channel is given. `draft` comes from `compose.whole` or `one_draft`."""
    rendered = registry.get_connector(channel.network).render(channel_draft(draft, channel), capabilities_of(channel))
    missing = tuple(_plan_problems(channel, rendered))
    return replace(rendered, problems=(*rendered.problems, *missing)) if missing else rendered


def _plan_problems(channel: Channel, rendered: Rendered) -> Iterable[Problem]:
    """What the app's plan does not have at all would be refused: it is said before anything is planned or paid for."""
    plan, missing = meters_missing_from_plan(
        channel.network, channel.app.plan, ({"meter": one.meter} for one in rendered.charges)
    )
    for meter in missing:
        yield Problem(
            code=budget_checks.MISSING_FROM_PLAN_CODE,
            message="Your plan {plan} for {network} does not include the API usage “{meter}”, which this post needs. Remove the part of the post that needs it, or change your plan with the network.",
            params={"plan": plan, "network": registry.get_connector(channel.network).label, "meter": meter},
        )


def preview_posts(
    actor: Actor, draft: Draft, channels: Iterable[Channel], *, due_at: datetime | None = None
) -> list[PostPreview]:
    actor.require(Permission.READ)
    shown = [(channel, render(draft, channel)) for channel in channels]
    at = due_at or clock.now()
    suspects = _channels_with_same_text(actor, shown, at, draft.id)
    people = mentions.account_mentions(actor, shown)
    return [
        PostPreview(
            channel=channel,
            rendered=rendered,
            priced=price_charges(channel.network, rendered.charges, plan=channel.app.plan),
            duplicates=duplicate_warnings(actor, channel, rendered, at, but=draft.id) if channel.id in suspects else (),
            mentioned=found,
            warnings=mentions.mention_warnings(channel, rendered, found, draft),
        )
        for (channel, rendered), found in zip(shown, people, strict=True)
    ]


def _channels_with_same_text(
    actor: Actor, shown: Sequence[tuple[Channel, Rendered]], at: datetime, but: UUID
) -> set[UUID]:
    """The channels that may have a duplicate, in one statement for all of them."""
    window = timedelta(hours=actor.workspace.duplicate_hours)
    hashes = [h for h in (text_hash(rendered) for _, rendered in shown) if h]
    if not hashes:
        return set()
    rows = Delivery.objects.filter(
        channel__in=[c.id for c, _ in shown], text_hash__in=hashes, due_at__range=(at - window, at + window)
    )
    rows = rows.exclude(draft_id=but)
    return set(rows.values_list("channel_id", flat=True))


def duplicate_warnings(
    actor: Actor, channel: Channel, rendered: Rendered, due_at: datetime, *, but: UUID = NO_ID
) -> tuple[Problem, ...]:
    """A warning where the channel has or gets the same text within the workspace's window around `due_at`."""
    digest = text_hash(rendered)
    hours = actor.workspace.duplicate_hours
    if not digest or not hours:
        return ()
    window = timedelta(hours=hours)
    twins = Delivery.objects.filter(channel=channel, text_hash=digest, due_at__range=(due_at - window, due_at + window))
    twin = (
        twins.exclude(state__in=[DeliveryState.CANCELED, DeliveryState.DELETED, DeliveryState.FAILED])
        .exclude(draft_id=but)
        .order_by("due_at")
        .first()
    )
    if twin is None:
        return ()
    message = "{channel} already has a post with the same text ({when}, status: {state}). Change the text, because networks may reject repeated posts or show them to fewer people."
    params = {
        "channel": channel.key,
        "when": f"on {twin.due_at.astimezone(clock.UTC):%Y-%m-%d at %H:%M} UTC",
        "state": twin.state,
    }
    return (Problem(code="duplicate", message=message, params=params, field=f"channels.{channel.key}.parts.0.text"),)


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleRequest:
    """One draft to one or more channels at a time (aware; any zone)."""

    draft: Draft
    channels: Sequence[Channel]
    due_at: datetime | None  # None: each channel's next free slot
    timezone: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleResult:
    deliveries: tuple[Delivery, ...]
    notices: tuple[Problem, ...]  # duplicates, conversions: what the author should know


def schedule(
    actor: Actor,
    draft: Draft,
    channel_keys: Sequence[str],
    due_at: datetime,
    *,
    timezone: str = "",
    confirm: bool = False,
    again: bool = False,
) -> ScheduleResult:
    """Deliver a draft to channels at `due_at`. All channels or none: any problem on any of them is raised as
    ValidationFailed and nothing is scheduled; the draft stays as it is. Raises NotAllowed, NotFound too, and Conflict
    where the draft goes to one of the channels already: only `again` makes a second post there.

    Where a network wants each post confirmed by a person, `confirm` says that the actor does so now; else the
    delivery is held until somebody does.
    """
    if not channel_keys:
        raise validation_failed("channels", "Choose at least one channel.")
    chosen = [one_channel(actor, key) for key in dict.fromkeys(channel_keys)]
    return schedule_many(
        actor,
        [ScheduleRequest(draft=draft, channels=chosen, due_at=due_at, timezone=timezone)],
        confirm=confirm,
        again=again,
    )


def schedule_many(
    actor: Actor, wanted: Sequence[ScheduleRequest], *, confirm: bool = False, twins: bool = True, again: bool = False
) -> ScheduleResult:
    """The same for many drafts in one transaction; drafts come from `compose.whole`. `twins` False: duplicates were
    looked for already."""
    actor.require(Permission.PUBLISH)
    now = clock.now()
    problems: list[Problem] = []
    notices: list[Problem] = []
    rows: list[Delivery] = []
    in_slots: list[Delivery] = []
    shown: list[tuple[Channel, Rendered]] = []
    taken: set[tuple[UUID, str]] = set()
    for one in wanted:
        problems += time_problems(one.due_at, now) if one.due_at else ()
        for channel in one.channels:
            due_at = one.due_at or next_free_slot(actor, channel)
            problems += channel_problems(channel, due_at)
            rendered = render(one.draft, channel)
            shown.append((channel, rendered))
            same = duplicate_warnings(actor, channel, rendered, due_at, but=one.draft.id) if twins else ()
            problems += PostPreview(channel=channel, rendered=rendered, priced=(), duplicates=same).problems
            notices += [*rendered.notices, *same]
            row = _build_delivery(actor, one, channel, rendered, due_at, now, confirm)
            if twins and row.text_hash and (channel.id, row.text_hash) in taken:
                notices.append(
                    Problem(
                        code="duplicate",
                        message="Two posts with the same text would be published on {channel}. Change the text of one of them.",
                        params={"channel": channel.key},
                        field=f"channels.{channel.key}.parts.0.text",
                    )
                )
            taken.add((channel.id, row.text_hash))
            rows.append(row)
            if one.due_at is None:
                in_slots.append(row)
    if not problems:
        problems += convert_media(rows)
    if problems:
        raise ValidationFailed(problems)
    with transaction.atomic():
        if not again:
            _reject_repeated_channels(rows)
        _take_slots(actor, in_slots)
        _save(actor, wanted, rows)
        plan_quotas.update_soon(rows)
    mentions.record_used_handles(actor, shown)
    return ScheduleResult(deliveries=tuple(rows), notices=tuple(notices))


def _take_slots(actor: Actor, rows: Sequence[Delivery]) -> None:
    """Choose again what others may have taken meanwhile. Raises ValidationFailed."""
    taken: dict[UUID, set[datetime]] = defaultdict(set)
    for row in sorted(rows, key=lambda row: row.channel_id):
        row.due_at = take_next_slot(actor, row.channel, besides=taken[row.channel_id])
        taken[row.channel_id].add(row.due_at)
        transitions.set_next_step(row)
        if problems := [*channel_problems(row.channel, row.due_at)]:
            raise ValidationFailed(problems)


def _reject_repeated_channels(rows: Sequence[Delivery]) -> None:
    """Raises Conflict where a draft goes to one of the channels already. The drafts are locked, so that of two
    requests at once only one makes deliveries."""
    ids = {row.draft_id for row in rows}
    list(Draft.objects.select_for_update().filter(id__in=ids).order_by("id").values_list("id", flat=True))
    there = Delivery.objects.filter(draft__in=ids).exclude(state__in=[DeliveryState.CANCELED, DeliveryState.DELETED])
    taken = set(there.values_list("draft_id", "channel_id"))
    if names := dict.fromkeys(row.channel.key for row in rows if (row.draft_id, row.channel_id) in taken):
        raise Conflict(
            Sentence(
                "This post is already scheduled on {channels}. Edit the scheduled post. To publish the same content a second time, choose “Publish again” on the post's page.",
                channels=", ".join(names),
            )
        )


def _save(actor: Actor, wanted: Sequence[ScheduleRequest], rows: list[Delivery]) -> None:
    Delivery.objects.bulk_create(rows)
    ids = [one.draft.id for one in wanted]
    Draft.objects.filter(id__in=ids, workspace=actor.workspace).update(state=DraftState.SCHEDULED)
    emit(
        *(
            DeliveryScheduled(
                workspace_id=actor.workspace.id,
                actor=actor,
                object_id=row.id,
                post_id=row.draft_id,
                channel=row.channel.key,
                due_at=row.due_at,
                confirmed=row.confirmed_at is not None,
            )
            for row in rows
        )
    )


def _build_delivery(
    actor: Actor,
    one: ScheduleRequest,
    channel: Channel,
    rendered: Rendered,
    due_at: datetime,
    now: datetime,
    confirm: bool,
) -> Delivery:
    due_at = max(due_at, now) if due_at > now - PAST_TIME_TOLERANCE else due_at
    row = Delivery(
        workspace=actor.workspace,
        draft=one.draft,
        channel=channel,
        network=channel.network,
        due_at=due_at,
        next_at=transitions.first_step_at(due_at, rendered.lead, now),
        timezone=one.timezone or one.draft.timezone,
    )
    row.show(rendered)
    if needs_confirmation(channel):
        if confirm and actor.person is not None:
            row.confirmed_by, row.confirmed_at = actor.person, now
        else:
            reason = Sentence(
                "{network} requires that a person confirms each post. Read this post, then confirm it before its scheduled time.",
                network=registry.get_connector(channel.network).label,
            )
            transitions.change(row, Verb.UNCONFIRM)
            row.reason, row.said = reason, to_stored_pieces(reason)
    return row


def needs_confirmation(channel: Channel) -> bool:
    """Whether its network wants each post confirmed by a person."""
    return capabilities_of(channel).needs_confirmation


def publishing_prices(channel: Channel, rendered: Rendered) -> tuple[PricedCharge, ...]:
    """What publishing it there costs."""
    return price_charges(channel.network, rendered.charges, plan=channel.app.plan)


def time_problems(due_at: datetime, now: datetime) -> Iterable[Problem]:
    if due_at < now - PAST_TIME_TOLERANCE:
        yield Problem(
            code="past",
            message="The publishing time {when} is in the past. Choose a future time, or publish now.",
            params={"when": f"{due_at.astimezone(clock.UTC):%Y-%m-%d %H:%M} UTC"},
            field="at",
        )
    if due_at > now + MAX_SCHEDULE_AHEAD:
        yield Problem(
            code="too-far",
            message="The publishing time {when} is more than two years from now. Choose an earlier time.",
            params={"when": f"{due_at:%Y-%m-%d}"},
            field="at",
        )


def offboarding_problems(channel: Channel, due_at: datetime) -> Iterable[Problem]:
    """Nothing is planned for a time at which the channel's network will have been left."""
    if channel.leaves_at is not None and channel.state != ChannelState.OFFBOARDED and due_at >= channel.leaves_at:
        yield Problem(
            code="leaves-before",
            message="Kicau stops publishing to {channel} on {when}, but this post is scheduled for a later time. Choose an earlier time or another channel.",
            params={"channel": channel.key, "when": f"{channel.leaves_at.astimezone(clock.UTC):%Y-%m-%d %H:%M} UTC"},
            field=f"channels.{channel.key}",
        )


def channel_problems(channel: Channel, due_at: datetime) -> Iterable[Problem]:
    yield from offboarding_problems(channel, due_at)
    if channel.state in (ChannelState.REMOVED, ChannelState.OFFBOARDED):
        yield Problem(
            code="channel-closed",
            message="Reconnect the channel {channel}, because it is not connected: {reason}",
            params={"channel": channel.key, "reason": channel.reason},
            field=f"channels.{channel.key}",
        )


def convert_media(rows: Sequence[Delivery]) -> list[Problem]:
    """Make the networks' own copies of pictures now, so that nothing is left for the due second."""

    problems = []
    for row in rows:
        rendered = from_json(Rendered, row.rendered)
        for n, part in enumerate(rendered.parts):
            for m, medium in enumerate(part.media):
                field = f"channels.{row.channel.key}.parts.{n}.media.{m}"
                try:
                    library.network_copy(medium)
                    if medium.cover and medium.cover_ms is None:
                        library.network_copy(medium.cover)
                except UnusableFile as exc:
                    problems.append(
                        Problem(
                            code="convert-failed",
                            message="Kicau could not convert the file {name} for publishing: {why}",
                            params={"name": medium.media.name, "why": str(exc)},
                            field=field,
                        )
                    )
                except OSError as exc:
                    problems.append(
                        Problem(
                            code="disk",
                            message="Kicau could not save a copy of the file {name}: {why}. Free up disk space on the server, then try again.",
                            params={"name": medium.media.name, "why": exc.strerror or str(exc)},
                            field=field,
                        )
                    )
    return problems


def take_next_slot(actor: Actor, channel: Channel, *, besides: Collection[datetime] = ()) -> datetime:
    """The same for whoever uses it in this transaction: until its end nobody else takes a slot of the channel."""
    list(Channel.objects.select_for_update(no_key=True).filter(id=channel.id).values_list("id"))
    return next_free_slot(actor, channel, besides=besides)


def next_free_slot(
    actor: Actor, channel: Channel, *, after: datetime | None = None, besides: Collection[datetime] = ()
) -> datetime:
    """The channel's next weekly slot in which nothing is scheduled yet (UTC), and which is none of `besides`. Raises
    ValidationFailed where it has none."""
    actor.require(Permission.READ)
    after = after or clock.now()
    slots = list(Slot.objects.filter(channel=channel))
    if not slots:
        raise validation_failed(
            "at",
            "{channel} has no regular posting times. Add posting times in the channel's settings, or choose a date and time for this post.",
            channel=channel.key,
        )
    waiting = Delivery.objects.filter(channel=channel, due_at__gte=after).exclude(
        state__in=[DeliveryState.CANCELED, DeliveryState.DELETED]
    )
    taken = {*waiting.values_list("due_at", flat=True), *besides}
    for week in range(105):
        times = sorted(filter(None, (_occurrence(slot, after, week) for slot in slots)))
        for at in times:
            if at > after and at not in taken:
                return at
    raise validation_failed(
        "at",
        "All regular posting times of {channel} are taken for the next two years. Add more posting times to this channel.",
        channel=channel.key,
    )


def _occurrence(slot: Slot, after: datetime, week: int) -> datetime | None:
    """The slot's moment in the week that lies `week` weeks ahead; None where clocks skip it."""
    zone = clock.find_zone(slot.timezone)
    local = after.astimezone(zone)
    day = (local - timedelta(days=local.weekday()) + timedelta(days=slot.weekday, weeks=week)).date()
    wall = datetime.combine(day, slot.time, zone)
    at = wall.astimezone(clock.UTC)
    return at if at.astimezone(zone).replace(tzinfo=None) == wall.replace(tzinfo=None) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class PostQuote:
    """What a post would cost on all its channels, and what makes it dear."""

    channels: int
    totals: tuple[tuple[int, str], ...]  # (micro-units, currency), the largest first
    dear: tuple[
        tuple[int, str, str], ...
    ]  # of it, for what costs more than a plain post: (micro-units, currency, network)


def quote_previews(previews: Iterable[PostPreview]) -> PostQuote:
    """Before it is scheduled: "4 channels: $0.215, of which $0.20 for the link"."""
    shown = list(previews)
    dear: dict[tuple[str, str], int] = {}
    for one in shown:
        listed = price_list_for_day(one.channel.network, clock.now().date(), one.channel.app.plan)
        for priced in one.priced:
            if priced.micro and listed is not None and priced.meter in listed.instead:
                key = (priced.currency, one.channel.network)
                dear[key] = dear.get(key, 0) + priced.micro
    totals = sorted(((micro, currency) for currency, micro in total_cost(shown).items()), reverse=True)
    return PostQuote(
        channels=len(shown), totals=tuple(totals), dear=tuple((micro, *key) for key, micro in dear.items())
    )


def total_cost(previews: Iterable[PostPreview]) -> Mapping[str, int]:
    """Micro-units by currency."""
    total: dict[str, int] = {}
    for shown in previews:
        for priced in shown.priced:
            if priced.micro:
                total[priced.currency] = total.get(priced.currency, 0) + priced.micro
    return total
