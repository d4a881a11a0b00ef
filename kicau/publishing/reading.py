"""What calendars and post pages show, in few statements however much there is."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db.models import Count, Q, QuerySet, Window
from django.db.models.functions import DenseRank, Left, TruncDate

from kicau.base.ids import as_uuid
from kicau.plans.models import Charge
from kicau.publishing import acts
from kicau.publishing.models import ENDED, Attempt, Campaign, Delivery, DeliveryState, Draft, DraftState, Part
from kicau.workspaces.actors import Actor, Permission

ATTENTION = (DeliveryState.FAILED, DeliveryState.UNKNOWN, DeliveryState.PARKED, DeliveryState.HELD)  # a person is asked
FIELDS = ("id", "draft_id", "head", "picture", "network", "state", "hold", "reason", "due_at", "published_at", "url", "changed_at", "channel__id", "channel__key", "channel__name", "channel__handle", "channel__network")  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Which deliveries; empty means all."""

    channel: str = ""  # key
    network: str = ""
    state: str = ""
    campaign: str = ""  # name
    attention: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """One post at one time: the deliveries that go out together."""

    due_at: datetime
    draft_id: UUID
    text: str
    picture: str  # a medium's key in the library, "" where there is none
    deliveries: tuple[Delivery, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Agenda:
    cards: tuple[Card, ...]
    following: str  # cursor of the next page, "" at the end


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    day: date
    cards: tuple[Card, ...]
    posts: int  # all of that day, shown or not


def _rows(actor: Actor, wanted: Filter) -> QuerySet[Delivery]:
    rows = acts.deliveries(actor).select_related(None).select_related("channel").only(*FIELDS)
    if wanted.channel:
        rows = rows.filter(channel__key=wanted.channel)
    if wanted.network:
        rows = rows.filter(network=wanted.network)
    if wanted.state:
        rows = rows.filter(state=wanted.state)
    if wanted.campaign:
        known = list(
            Campaign.objects.filter(workspace=actor.workspace, name=wanted.campaign).values_list("id", flat=True)
        )
        rows = rows.filter(draft__in=Draft.objects.filter(campaign__in=known).values("id")) if known else rows.none()
    if wanted.attention:
        rows = rows.filter(state__in=ATTENTION)
    return rows


def agenda(actor: Actor, wanted: Filter, *, since: datetime | None = None, until: datetime | None = None, cursor: str = "", newest_first: bool = False, limit: int = 120) -> Agenda:  # fmt: skip
    """Deliveries in the order of their time, a page at a time; `limit` counts deliveries."""
    rows = _rows(actor, wanted)
    if since is not None:
        rows = rows.filter(due_at__gte=since)
    if until is not None:
        rows = rows.filter(due_at__lt=until)
    if place := _place(cursor):
        at, key = place
        ahead = (
            Q(due_at__lt=at) | Q(due_at=at, id__lt=key) if newest_first else Q(due_at__gt=at) | Q(due_at=at, id__gt=key)
        )
        rows = rows.filter(ahead, **{"due_at__lte" if newest_first else "due_at__gte": at})
    if newest_first:
        rows = rows.order_by("-due_at", "-id")
    found = list(rows[: limit + 1])
    more = len(found) > limit
    found = found[:limit]
    return Agenda(
        cards=tuple(_cards(found)), following=f"{found[-1].due_at.isoformat()}~{found[-1].id}" if more else ""
    )


def _place(cursor: str) -> tuple[datetime, UUID] | None:
    at, _, key = cursor.partition("~")
    try:
        moment = datetime.fromisoformat(at)
        return (moment, UUID(key)) if moment.tzinfo else None
    except ValueError:
        return None


def days(actor: Actor, wanted: Filter, first: date, count: int, zone: ZoneInfo, *, each: int) -> list[Day]:
    """`count` days from `first` on as the zone's clocks have them, each with its first `each` cards."""
    since = datetime(first.year, first.month, first.day, tzinfo=zone)
    last = first + timedelta(days=count)
    until = datetime(last.year, last.month, last.day, tzinfo=zone)
    rows = _rows(actor, wanted).filter(due_at__gte=since, due_at__lt=until)
    local = TruncDate("due_at", tzinfo=zone)
    counted = rows.order_by().annotate(on=local).values("on").annotate(posts=Count("draft", distinct=True))
    totals = dict(counted.values_list("on", "posts"))
    place = Window(DenseRank(), partition_by=[local], order_by=["due_at", "draft_id"])
    ids = [key for key, _ in rows.order_by().annotate(place=place).filter(place__lte=each).values_list("id", "place")]
    by_day: dict[date, list[Delivery]] = defaultdict(list)
    for row in _rows(actor, Filter()).filter(id__in=ids).order_by("due_at", "draft_id", "id"):
        by_day[row.due_at.astimezone(zone).date()].append(row)
    every = [first + timedelta(days=n) for n in range(count)]
    return [Day(day=day, cards=tuple(_cards(by_day[day])), posts=totals.get(day, 0)) for day in every]


def _cards(rows: Iterable[Delivery]) -> list[Card]:
    found: dict[tuple[datetime, UUID], Card] = {}
    for row in rows:
        key = (row.due_at, row.draft_id)
        text, picture = row.head or "", row.picture or ""
        card = found.get(key)
        if card is None:
            found[key] = Card(due_at=row.due_at, draft_id=row.draft_id, text=text, picture=picture, deliveries=(row,))
        else:
            found[key] = replace(
                card, deliveries=(*card.deliveries, row), picture=card.picture or picture, text=card.text or text
            )
    return list(found.values())


def waiting(actor: Actor) -> dict[UUID, int]:
    """How many deliveries are still to come or wait for somebody, by channel."""
    ongoing = [state for state in DeliveryState.values if state not in ENDED]
    rows = acts.deliveries(actor).select_related(None).order_by().filter(state__in=ongoing)
    return dict(rows.values("channel_id").annotate(n=Count("id")).values_list("channel_id", "n"))


def needing_attention(actor: Actor) -> int:
    """How many deliveries wait for a person."""
    return acts.deliveries(actor).order_by().filter(state__in=ATTENTION).count()


def campaigns(actor: Actor) -> list[str]:
    actor.require(Permission.READ)
    return list(
        Campaign.objects.filter(workspace=actor.workspace).order_by("-created_at").values_list("name", flat=True)[:100]
    )


def last_choice(actor: Actor) -> list[str]:
    """Keys of the channels that the actor chose for the newest post of theirs that was scheduled."""
    actor.require(Permission.READ)
    rows = Draft.objects.filter(workspace=actor.workspace, author_id=actor.person_id, state=DraftState.SCHEDULED)
    found = rows.order_by("-id").values_list("extras__desk__channels", flat=True).first()
    return list(found or [])


def deliveries_of(actor: Actor, draft: Draft) -> list[Delivery]:
    return list(acts.deliveries(actor).filter(draft=draft))


def stories(actor: Actor, rows: Sequence[Delivery]) -> dict[UUID, list[Attempt]]:
    """Attempt logs by delivery, oldest first."""
    actor.require(Permission.READ)
    found: dict[UUID, list[Attempt]] = defaultdict(list)
    for attempt in Attempt.objects.filter(delivery__workspace=actor.workspace, delivery__in=rows).order_by("id")[:2000]:
        found[attempt.delivery_id].append(attempt)
    return found


def spent(actor: Actor, rows: Sequence[Delivery]) -> dict[UUID, list[Charge]]:
    """What each delivery's calls cost so far."""
    actor.require(Permission.READ)
    found: dict[UUID, list[Charge]] = defaultdict(list)
    for charge in Charge.objects.filter(workspace_id=actor.workspace.id, delivery_id__in=[r.id for r in rows]).order_by(
        "id"
    )[:2000]:
        if charge.delivery_id:
            found[charge.delivery_id].append(charge)
    return found


def unscheduled(actor: Actor, *, state: str = "", before: str = "", limit: int = 40) -> tuple[list[Draft], str]:
    """Drafts that are still being written or reviewed (or, with `state`, those), newest first, with their first
    words as `text`; and the cursor of the next page."""
    actor.require(Permission.READ)
    states = [state] if state in DraftState.values else [DraftState.DRAFT, DraftState.SUBMITTED]
    rows = (
        Draft.objects.filter(workspace=actor.workspace, state__in=states)
        .select_related("author", "campaign")
        .order_by("-id")
    )
    if before:
        rows = rows.filter(id__lt=as_uuid(before))
    found = list(rows[: limit + 1])
    more, found = len(found) > limit, found[:limit]
    texts = dict(
        Part.objects.filter(draft__in=found, variant=None, position=0)
        .annotate(head=Left("text", 240))
        .values_list("draft_id", "head")
    )
    for draft in found:
        draft.text = texts.get(draft.id, "")  # type: ignore[attr-defined]
    return found, str(found[-1].id) if more and found else ""
