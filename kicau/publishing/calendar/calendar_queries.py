"""What calendars and lists show: the deliveries of some days or in the order of their time, however many there are."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from django.contrib.postgres.aggregates import ArrayAgg
from django.db import connection
from django.db.models import BooleanField, Exists, Func, OuterRef, Q, QuerySet

from kicau.base import clock
from kicau.base.ids import as_uuid
from kicau.channels.models import Channel, ChannelState, Slot
from kicau.publishing.models import (
    ATTENTION_STATES,
    Campaign,
    Delivery,
    DeliveryState,
    Draft,
    HoldReason,
    shown_state,
    state_filter,
)
from kicau.workspaces.actors import Actor, Permission

# What is frozen with its channel waits for no decision of its own; once the channel is back, it does.
FROZEN_FILTER = Q(hold=HoldReason.OFFBOARDED, channel__state__in=[ChannelState.OFFBOARDED, ChannelState.REMOVED])
COMMON_STATES = (
    DeliveryState.SCHEDULED,
    DeliveryState.PUBLISHED,
)  # nearly all that is to come, and nearly all that is past
MAX_POSTS_LOOKED_UP_SINGLY = 300  # posts: up to here their deliveries are looked up one post after the other
MAX_COUNTED_DELIVERIES = 1000  # how many waiting deliveries of a channel are counted; more are "1000 and more"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryFilter:
    """Which deliveries; empty means all. Campaign, tag and author are asked of their posts."""

    channel: str = ""  # key
    channel_id: UUID | None = None  # of that key, where it is known already
    network: str = ""
    state: str = ""
    campaign: str = ""  # name
    campaign_id: UUID | None = None  # of that name, where it is known already
    tag: str = ""
    author: str = ""  # a person's id
    attention: bool = False

    @property
    def is_any(self) -> bool:
        return bool(self.channel or self.network or self.state or self.of_posts)

    @property
    def of_posts(self) -> bool:
        """Whether something is asked of the deliveries' posts."""
        return bool(self.campaign or self.tag or self.author)


class DeliverySummary(NamedTuple):
    """A delivery, as much of it as a calendar shows."""

    id: UUID
    draft_id: UUID
    due_at: datetime
    network: str
    state: str
    steps: int
    begun_at: datetime | None
    broken_at: datetime | None
    hold: str
    channel_name: str
    channel_key: str
    text: str
    picture: str  # a medium's key in the library, "" where there is none
    charges: list[dict[str, Any]]  # in wire form: what publishing it uses of its network's meters

    @property
    def standing(self) -> DeliveryState:
        return shown_state(self)


SUMMARY_COLUMNS = (
    "id",
    "draft_id",
    "due_at",
    "network",
    "state",
    "steps",
    "begun_at",
    "broken_at",
    "hold",
    "channel__name",
    "channel__key",
    "head",
    "picture",
    "charges",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarCard:
    """One post at one time: the deliveries that go out together."""

    due_at: datetime
    draft_id: UUID
    text: str
    picture: str
    deliveries: tuple[DeliverySummary, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AgendaPage:
    cards: tuple[CalendarCard, ...]
    following: str  # cursor of the next page, "" at the end


@dataclass(frozen=True, slots=True, kw_only=True)
class FreeSlot:
    """A channel's weekly slot in which nothing goes out."""

    at: datetime
    channel: Channel


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarDay:
    day: date
    cards: tuple[CalendarCard, ...]
    posts: int  # all of that day, shown or not


def _matching_deliveries(actor: Actor, wanted: DeliveryFilter) -> QuerySet[Delivery]:
    actor.require(Permission.READ)
    if wanted.channel:  # of this workspace; so are its deliveries, which its index then tells without their rows
        keys = Channel.objects.filter(workspace=actor.workspace, key=wanted.channel).values_list("id", flat=True)
        rows = Delivery.objects.filter(channel__in=[wanted.channel_id] if wanted.channel_id else list(keys))
    else:
        rows = Delivery.objects.filter(workspace=actor.workspace)
    return _filter_by_state(rows, wanted, by_channel=bool(wanted.channel) and wanted.state in COMMON_STATES)


def _filter_by_state(rows: QuerySet[Delivery], wanted: DeliveryFilter, *, by_channel: bool) -> QuerySet[Delivery]:
    """`by_channel`: the state is asked of what a channel's own index gives, which tells it too. Left to choose, the
    database takes state and time for independent and gathers tens of thousands of rows of all channels first."""
    if wanted.network:
        rows = rows.filter(network=wanted.network)
    if wanted.state:
        in_state = state_filter([wanted.state])
        rows = rows.filter(IsTrue(in_state) if by_channel else in_state)
    if wanted.attention:
        rows = rows.filter(state__in=ATTENTION_STATES).exclude(FROZEN_FILTER)
    return rows


def filter_deliveries(actor: Actor, wanted: DeliveryFilter, rows: QuerySet[Delivery]) -> QuerySet[Delivery]:
    """Of `rows`, of one or some channels (the wanted one alone, where one is) and some days, those that a calendar shows."""
    found = _filter_by_draft(actor, wanted, _filter_by_state(rows, wanted, by_channel=True))
    if wanted.state in ("", *COMMON_STATES) and not wanted.of_posts:
        return found
    # Few of them fit: an index alone says which (DISTINCT keeps that apart), and only their rows are read, not all.
    return Delivery.objects.filter(id__in=found.values("id").distinct())


def _filter_by_draft(
    actor: Actor, wanted: DeliveryFilter, rows: QuerySet[Delivery], *, few: bool = False
) -> QuerySet[Delivery]:
    """Of `rows` those whose post fits. With `few`, few such posts lead to their deliveries; else each delivery's post
    is asked for, and the database chooses whether it looks it up or first makes a table of all that fit."""
    if not wanted.of_posts:
        return rows
    drafts = Draft.objects.filter(workspace=actor.workspace)
    if wanted.campaign:
        known = Campaign.objects.filter(workspace=actor.workspace, name=wanted.campaign).values_list("id", flat=True)
        drafts = drafts.filter(campaign__in=[wanted.campaign_id] if wanted.campaign_id else list(known))
    if wanted.tag:
        drafts = drafts.filter(tags__contains=[wanted.tag])
    if wanted.author:
        drafts = drafts.filter(author=as_uuid(wanted.author))
    if (
        few
        and len(found := list(drafts.values_list("id", flat=True)[: MAX_POSTS_LOOKED_UP_SINGLY + 1]))
        <= MAX_POSTS_LOOKED_UP_SINGLY
    ):
        return rows.filter(draft__in=found)
    return rows.filter(IsTrue(Exists(drafts.filter(id=OuterRef("draft_id")))))


class IsTrue(Func):
    """A condition as a value: it stays what is asked of each row, and is not made into a join of whole tables."""

    template = "(%(expressions)s) IS TRUE"
    output_field = BooleanField()


def agenda(
    actor: Actor,
    wanted: DeliveryFilter,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    cursor: str = "",
    newest_first: bool = False,
    limit: int = 90,
) -> AgendaPage:
    """Deliveries in the order of their time, a page at a time; `limit` counts deliveries."""
    rows = _filter_by_draft(actor, wanted, _matching_deliveries(actor, wanted), few=True)
    if since is not None:
        rows = rows.filter(due_at__gte=since)
    if until is not None:
        rows = rows.filter(due_at__lt=until)
    if place := _parse_cursor(cursor):
        at, key = place
        ahead = (
            Q(due_at__lt=at) | Q(due_at=at, id__lt=key) if newest_first else Q(due_at__gt=at) | Q(due_at=at, id__gt=key)
        )
        rows = rows.filter(ahead, **{"due_at__lte" if newest_first else "due_at__gte": at})
    rows = rows.order_by("-due_at", "-id") if newest_first else rows.order_by("due_at", "id")
    places = rows.values("id")[: limit + 1]  # from an index alone; then the rows themselves
    found = [
        _delivery_summary(row)
        for row in Delivery.objects.filter(id__in=places).order_by(*rows.query.order_by).values_list(*SUMMARY_COLUMNS)
    ]
    more = len(found) > limit
    found = found[:limit]
    return AgendaPage(
        cards=tuple(_group_into_cards(found)),
        following=f"{found[-1].due_at.isoformat()}~{found[-1].id}" if more else "",
    )


def _delivery_summary(row: Sequence[Any]) -> DeliverySummary:
    *told, text, picture, charges = row
    return DeliverySummary._make((*told, text or "", picture or "", charges or []))


def _parse_cursor(cursor: str) -> tuple[datetime, UUID] | None:
    at, _, key = cursor.partition("~")
    try:
        moment = datetime.fromisoformat(at)
        return (moment, UUID(key)) if moment.tzinfo else None
    except ValueError:
        return None


def days(
    actor: Actor, wanted: DeliveryFilter, first: date, count: int, zone: ZoneInfo, *, each: int, charged: bool = True
) -> list[CalendarDay]:
    """`count` days from `first` on as the zone's clocks have them, each with its first `each` posts; their charges
    only if they are `charged`."""
    every = [first + timedelta(days=n) for n in range(count)]
    edges = [datetime.combine(day, time(), zone) for day in (*every, first + timedelta(days=count))]
    posts: dict[date, int] = {}
    slips: dict[date, list[DeliverySummary]] = defaultdict(list)
    for day, all_posts, *row in _first_posts(
        _filter_by_draft(actor, wanted, _matching_deliveries(actor, wanted)), every, edges, each, charged
    ):
        posts[day] = all_posts
        slips[day].append(_delivery_summary(row))
    return [CalendarDay(day=day, cards=tuple(_group_into_cards(slips[day])), posts=posts.get(day, 0)) for day in every]


def _first_posts(
    rows: QuerySet[Delivery], every: Sequence[date], edges: Sequence[datetime], each: int, charged: bool
) -> Iterable[Sequence[Any]]:
    """Of each day the deliveries of its first posts, with the day before their COLUMNS and how many posts it has: one
    statement for all days; each reads an index alone, and of the rows themselves only those that are shown."""
    since, until = datetime(1, 1, 1, tzinfo=clock.UTC), datetime(9999, 12, 31, tzinfo=clock.UTC)  # stand for a day's
    inner = (
        rows.filter(due_at__gte=since, due_at__lt=until)
        .order_by()
        .values("due_at", "draft_id")
        .annotate(ids=ArrayAgg("id"))
    )
    sql, given = inner.query.sql_with_params()
    pieces = sql.split("%s")
    filled, params = pieces[0], []
    for value, piece in zip(given, pieces[1:], strict=True):
        place = {since: "d.since", until: "d.until"}.get(value) if isinstance(value, datetime) else None
        filled += (place or "%s") + piece
        params += [] if place else [value]
    statement = f"""
        SELECT d.day, p.posts, r.id, r.draft_id, r.due_at, r.network, r.state, r.steps, r.begun_at, r.broken_at, r.hold, c.name, c.key, r.head, r.picture, {"r.charges" if charged else "NULL"}
        FROM unnest(%s::date[], %s::timestamptz[], %s::timestamptz[]) AS d(day, since, until), LATERAL (
            SELECT one.ids, count(*) OVER () AS posts FROM ({filled}) AS one(due_at, draft_id, ids)
            ORDER BY one.due_at, one.draft_id LIMIT %s
        ) AS p JOIN publishing_delivery r ON r.id = ANY(p.ids) JOIN channels_channel c ON c.id = r.channel_id
        ORDER BY r.due_at, r.draft_id, r.id"""  # noqa: S608 (the ORM's own statement; every value is a parameter)
    with connection.cursor() as cursor:
        cursor.execute(statement, [list(every), list(edges[:-1]), list(edges[1:]), *params, each])
        found = cursor.fetchall()
    charges = {text: json.loads(text) for text in {row[-1] for row in found} if text}  # many use the same
    return [(*row[:-1], charges.get(row[-1])) for row in found]


def _group_into_cards(rows: Iterable[DeliverySummary]) -> list[CalendarCard]:
    found: dict[tuple[datetime, UUID], list[DeliverySummary]] = {}
    for row in rows:
        found.setdefault((row.due_at, row.draft_id), []).append(row)
    return [
        CalendarCard(
            due_at=due_at,
            draft_id=draft_id,
            text=next((row.text for row in slips if row.text), ""),
            picture=next((row.picture for row in slips if row.picture), ""),
            deliveries=tuple(slips),
        )
        for (due_at, draft_id), slips in found.items()
    ]


def free_slots(actor: Actor, wanted: DeliveryFilter, first: date, count: int) -> list[FreeSlot]:
    """The weekly slots to come of these days in which their channel sends nothing."""
    actor.require(Permission.READ)
    slots = Slot.objects.filter(channel__workspace=actor.workspace, channel__state="active").select_related("channel")
    if wanted.channel:
        slots = slots.filter(channel__key=wanted.channel)
    found: dict[tuple[UUID, datetime], FreeSlot] = {}
    for slot in slots.defer("channel__credentials", "channel__capabilities"):
        zone = clock.find_zone(slot.timezone)
        for day in (first + timedelta(days=n) for n in range(count)):
            at = datetime.combine(day, slot.time, zone).astimezone(clock.UTC)
            if day.weekday() == slot.weekday and at > clock.now():
                found[slot.channel_id, at] = FreeSlot(at=at, channel=slot.channel)
    moments = {at for _, at in found}
    taken = (
        Delivery.objects.filter(workspace=actor.workspace, due_at__in=moments) if moments else Delivery.objects.none()
    )
    gone = [DeliveryState.CANCELED, DeliveryState.DELETED]
    for place in taken.exclude(state__in=gone).values_list("channel_id", "due_at"):
        found.pop(place, None)
    return sorted(found.values(), key=lambda one: (one.at, one.channel.key))


def count_waiting(actor: Actor, channels: Iterable[Channel]) -> Mapping[UUID, int]:
    """How many deliveries are still to come or wait for somebody, by channel; counted up to COUNTED."""
    actor.require(Permission.READ)
    ids = [channel.id for channel in channels]
    statement = """
        SELECT c.id, (SELECT count(*) FROM (
            SELECT 1 FROM publishing_delivery WHERE channel_id = c.id AND state IN ('scheduled', 'publishing') LIMIT %s
        ) AS coming) + coalesce(asked.n, 0)
        FROM unnest(%s::uuid[]) AS c(id) LEFT JOIN (
            SELECT channel_id, count(*) AS n FROM publishing_delivery WHERE workspace_id = %s AND state = ANY(%s) GROUP BY channel_id
        ) AS asked ON asked.channel_id = c.id"""
    with connection.cursor() as cursor:
        cursor.execute(statement, [MAX_COUNTED_DELIVERIES, ids, actor.workspace.id, [str(s) for s in ATTENTION_STATES]])
        return {channel: min(MAX_COUNTED_DELIVERIES, n) for channel, n in cursor.fetchall()}


def count_needing_attention(actor: Actor) -> int:
    """How many deliveries wait for a person."""
    actor.require(Permission.READ)
    return Delivery.objects.filter(workspace=actor.workspace, state__in=ATTENTION_STATES).exclude(FROZEN_FILTER).count()
