"""The calendar: what goes out when, as a list, a day, a week or a month."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from urllib.parse import urlencode

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone

from kicau.base import clock
from kicau.channels import actions as channels
from kicau.channels.models import Channel
from kicau.cost_reports import post_costs
from kicau.offboarding import actions, impact_preview
from kicau.offboarding.models import Offboarding, OffboardingState
from kicau.publishing.calendar import calendar_queries, post_queries
from kicau.publishing.calendar.calendar_queries import CalendarCard, CalendarDay, FreeSlot
from kicau.publishing.models import DeliveryState
from kicau.web.core.labels import DELIVERY_BADGES
from kicau.web.core.views import MemberRequest, is_partial, member_page
from kicau.workspaces import actions as people

GRIDS = ("month", "week", "day")
VIEWS = ("coming", *GRIDS, "past", "attention")
SOON_WINDOW = timedelta(minutes=3)  # what is due so soon is watched closely
MAX_CARDS_PER_DAY = {"month": 4, "week": 24, "day": 100}  # posts of one day that are shown
DENSE_DAY_POSTS = 10  # posts of one day from which on a week shows one line each


@member_page
def calendar(request: MemberRequest) -> HttpResponse:
    view = request.GET.get("view", "coming")
    view = view if view in VIEWS else "coming"
    zone = timezone.get_current_timezone()
    today = clock.now().astimezone(zone).date()
    anchor = _parse_day(request.GET.get("day", "")) or today
    refreshes = is_partial(request) and "seen" in request.GET
    every = [] if refreshes else _filter_channels(request)
    named = {} if refreshes else post_queries.campaign_ids(request.actor)
    key, campaign = request.GET.get("channel", ""), request.GET.get("campaign", "")
    wanted = calendar_queries.DeliveryFilter(
        channel=key,
        channel_id=next((c.id for c in every if c.key == key), None),
        state=_parse_state(request.GET.get("state", "")),
        campaign=campaign,
        campaign_id=named.get(campaign),
        tag=request.GET.get("tag", "").strip()[:60],
        author=request.GET.get("author", ""),
        attention=view == "attention",
    )
    shown: dict[str, Any] = {
        "leaving": _network_departures(request, zone),
        "view": view,
        "today": today,
        "anchor": anchor,
        "wanted": wanted,
    }
    shown |= (
        _grid_context(request, view, anchor, wanted)
        if view in GRIDS
        else _agenda_context(request, view, anchor, wanted)
    )
    stamp = _change_stamp(shown)
    if is_partial(request) and request.GET.get("seen") == stamp:
        return HttpResponse(status=204)
    shown["costs"] = _shown_costs(request, shown, wanted, every or _filter_channels(request), zone)
    shown |= {
        "stamp": stamp,
        "watch": _poll_interval_seconds(shown),
        "here": _page_url(request),
        "to_day": _day_url_prefix(request),
    }
    if refreshes:
        return render(request, "calendar/calendar_entries.html", shown)
    shown |= {
        "channels": every,
        "campaigns": list(named),
        "members": people.member_names(request.actor),
        "attention": calendar_queries.count_needing_attention(request.actor),
        "states": DELIVERY_BADGES,
        "filtered": wanted.is_any,
    }
    return render(request, "calendar/calendar.html", shown)


def _filter_channels(request: MemberRequest) -> list[Channel]:
    """As much of them as filters and costs need."""
    return list(channels.channels(request.actor).only("key", "name", "network", "app__plan"))


@dataclass(frozen=True, slots=True)
class NetworkDeparture:
    """A network that is going to be left, or seems to have gone."""

    row: Offboarding
    day: date
    after: int  # deliveries that are due after it; not counted where it seems to have gone


def _network_departures(request: MemberRequest, zone: Any) -> list[NetworkDeparture]:
    open_ = [OffboardingState.ANNOUNCED, OffboardingState.PROPOSED]
    rows = list(actions.offboardings(request.actor).select_related(None).filter(state__in=open_)[:10])
    after = impact_preview.affected_counts(request.actor, rows)
    return [NetworkDeparture(row, row.effective_at.astimezone(zone).date(), after.get(row.id, 0)) for row in rows]


def _agenda_context(
    request: MemberRequest, view: str, anchor: date, wanted: calendar_queries.DeliveryFilter
) -> dict[str, Any]:
    zone = timezone.get_current_timezone()
    start = datetime(anchor.year, anchor.month, anchor.day, tzinfo=zone)
    cursor = request.GET.get("after", "")
    if view == "coming":
        found = calendar_queries.agenda(request.actor, wanted, since=start, cursor=cursor)
    elif view == "past":
        found = calendar_queries.agenda(request.actor, wanted, until=clock.now(), cursor=cursor, newest_first=True)
    else:
        found = calendar_queries.agenda(request.actor, wanted, cursor=cursor)  # what waits longest stands first
    groups: list[tuple[date, list[CalendarCard]]] = []
    for card in found.cards:
        day = card.due_at.astimezone(zone).date()
        if not groups or groups[-1][0] != day:
            groups.append((day, []))
        groups[-1][1].append(card)
    return {"groups": groups, "following": found.following}


@dataclass(frozen=True, slots=True)
class GridDay:
    """One day of a grid, with what fits: posts and free slots in the order of their time."""

    day: date
    cards: tuple[CalendarCard, ...]
    more: int
    outside: bool  # of the month that is shown
    posts: int
    entries: tuple[tuple[datetime, CalendarCard | None, FreeSlot | None], ...] = ()

    @property
    def dense(self) -> bool:
        return self.posts > DENSE_DAY_POSTS


def _grid_context(
    request: MemberRequest, view: str, anchor: date, wanted: calendar_queries.DeliveryFilter
) -> dict[str, Any]:
    zone: Any = timezone.get_current_timezone()
    first, count, before, after = _view_range(view, anchor)
    found = calendar_queries.days(
        request.actor, wanted, first, count, zone, each=MAX_CARDS_PER_DAY[view], charged=view != "month"
    )
    slots: dict[date, list[FreeSlot]] = {}
    if view != "month" and not wanted.state:
        for slot in calendar_queries.free_slots(request.actor, wanted, first, count):
            slots.setdefault(slot.at.astimezone(zone).date(), []).append(slot)
    cells = [
        _grid_day(
            day, MAX_CARDS_PER_DAY[view], view == "month" and day.day.month != anchor.month, slots.get(day.day, ())
        )
        for day in found
    ]
    return {
        "weeks": [cells[n : n + 7] for n in range(0, len(cells), 7)],
        "hours": _entries_by_hour(cells[0], zone) if view == "day" else (),
        "before": before,
        "after": after,
        "empty": not any(cell.entries for cell in cells),
        "last": first + timedelta(days=count - 1),
        "first": first,
    }


def _view_range(view: str, anchor: date) -> tuple[date, int, date, date]:
    """First day, how many, and the days by which one goes back and forth."""
    if view == "day":
        return anchor, 1, anchor - timedelta(days=1), anchor + timedelta(days=1)
    if view == "week":
        return anchor - timedelta(days=anchor.weekday()), 7, anchor - timedelta(days=7), anchor + timedelta(days=7)
    start = anchor.replace(day=1)
    following = (start + timedelta(days=32)).replace(day=1)
    first = start - timedelta(days=start.weekday())
    return first, -(-(following - first).days // 7) * 7, (start - timedelta(days=1)).replace(day=1), following


def _shown_costs(
    request: MemberRequest,
    shown: dict[str, Any],
    wanted: calendar_queries.DeliveryFilter,
    every: list[Channel],
    zone: Any,
) -> post_costs.CalendarCosts:
    """Of the posts that stand on the page; in a grid, of its whole days beside them."""
    costs = post_costs.cost_of_cards(_shown_cards(shown), every, zone)
    if "first" not in shown:
        return costs
    since, until = (datetime.combine(day, time(), zone) for day in (shown["first"], shown["last"] + timedelta(days=1)))
    return post_costs.CalendarCosts(
        costs.posts, post_costs.cost_by_day(request.actor, wanted, since, until, every, zone)
    )


def _grid_day(day: CalendarDay, room: int, outside: bool, slots: Iterable[FreeSlot]) -> GridDay:
    cards = day.cards if day.posts <= room else day.cards[: room - 1]
    entries = [*((card.due_at, card, None) for card in cards), *((slot.at, None, slot) for slot in slots)]
    return GridDay(
        day=day.day,
        cards=cards,
        more=max(0, day.posts - len(cards)),
        outside=outside,
        posts=day.posts,
        entries=tuple(sorted(entries, key=lambda entry: entry[0])),
    )


def _entries_by_hour(
    cell: GridDay, zone: Any
) -> list[tuple[int, list[tuple[datetime, CalendarCard | None, FreeSlot | None]]]]:
    """The day's entries by the hour."""
    found: dict[int, list[tuple[datetime, CalendarCard | None, FreeSlot | None]]] = {}
    for entry in cell.entries:
        found.setdefault(entry[0].astimezone(zone).hour, []).append(entry)
    return list(found.items())


def _shown_cards(shown: dict[str, Any]) -> list[CalendarCard]:
    if "groups" in shown:
        return [card for _, cards in shown["groups"] for card in cards]
    return [card for week in shown["weeks"] for cell in week for card in cell.cards]


def _change_stamp(shown: dict[str, Any]) -> str:
    """Changes when anything that is shown changes."""
    seen = [
        f"{card.due_at}{''.join([f'{row.id.hex}{row.standing}{row.hold}' for row in card.deliveries])}"
        for card in _shown_cards(shown)
    ]
    return hashlib.sha256("".join(seen).encode()).hexdigest()[:16]


def _poll_interval_seconds(shown: dict[str, Any]) -> int:
    """How often to look again, in seconds."""
    now = clock.now()
    rows = [row for card in _shown_cards(shown) for row in card.deliveries]
    moving = any(
        r.standing == DeliveryState.PUBLISHING
        or (r.standing == DeliveryState.SCHEDULED and abs(r.due_at - now) < SOON_WINDOW)
        for r in rows
    )
    return 2 if moving else 30


def _page_url(request: MemberRequest) -> str:
    """This page's address without what only asks for a piece of it."""
    return f"{reverse('calendar')}?{urlencode([(k, v) for k, v in request.GET.items() if k != 'seen'])}"


def _day_url_prefix(request: MemberRequest) -> str:
    """The address of a day's own view, up to the day."""
    kept = [(k, v) for k, v in request.GET.items() if k not in ("seen", "view", "day", "after")]
    return f"?{urlencode([*kept, ('view', 'day'), ('day', '')])}"


def _parse_day(text: str) -> date | None:
    try:
        found = date.fromisoformat(text)
    except ValueError:
        return None
    return found if 2000 <= found.year <= 2100 else None


def _parse_state(text: str) -> str:
    return text if text in DeliveryState.values else ""
