"""What the posts of a calendar cost to publish, each and by day: at the prices of their own day."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db.models import Count, TextField
from django.db.models.functions import Cast, TruncDate

from kicau.base import clock
from kicau.channels.models import Channel
from kicau.connector import registry
from kicau.costs import pricing
from kicau.publishing.calendar import calendar_queries
from kicau.publishing.models import Delivery, DeliveryState
from kicau.workspaces.actors import Actor, Permission

PRICE_CACHE_SECONDS = (
    300.0  # seconds: a calendar shows an operator's new prices so late at the most, and asks for them so seldom
)
EXCLUDED_STATES = (DeliveryState.CANCELED, DeliveryState.DELETED)


@dataclass(frozen=True, slots=True)
class CalendarCosts:
    """Micro-units by currency; what costs nothing is not in it."""

    posts: dict[tuple[UUID, datetime], Counter[str]] = field(default_factory=dict)  # by draft and due time
    days: dict[date, Counter[str]] = field(default_factory=dict)  # in the zone

    @property
    def all(self) -> Counter[str]:
        return sum(self.days.values(), Counter())


def cost_of_cards(
    cards: Iterable[calendar_queries.CalendarCard], channels: Iterable[Channel], zone: ZoneInfo
) -> CalendarCosts:
    """Of these posts alone, taken-back deliveries left out; `channels` are the workspace's."""
    paid, costs = _metered_channels(channels), CalendarCosts()
    for card in cards:
        for slip in card.deliveries:
            if (where := paid.get(slip.channel_key)) is None or slip.standing in EXCLUDED_STATES:
                continue
            if cost := _delivery_cost(where, slip.due_at.astimezone(clock.UTC).date(), slip.charges):
                day = slip.due_at.astimezone(zone).date()
                costs.posts.setdefault((slip.draft_id, slip.due_at), Counter()).update(cost)
                costs.days.setdefault(day, Counter()).update(cost)
    return costs


def cost_by_day(
    actor: Actor,
    wanted: calendar_queries.DeliveryFilter,
    since: datetime,
    until: datetime,
    channels: Iterable[Channel],
    zone: ZoneInfo,
) -> dict[date, Counter[str]]:
    """All that is due from `since` to before `until` and not taken back, shown or not, in one statement; none where
    nothing that is connected costs money."""
    actor.require(Permission.READ)
    paid = {
        c.id: c
        for c in _metered_channels(channels).values()
        if wanted.network in ("", c.network) and wanted.channel in ("", c.key)
    }
    days: dict[date, Counter[str]] = {}
    if not paid:
        return days
    rows = Delivery.objects.filter(channel__in=list(paid), due_at__gte=since, due_at__lt=until).exclude(
        state__in=EXCLUDED_STATES
    )
    told = calendar_queries.filter_deliveries(actor, wanted, rows).annotate(
        day=TruncDate("due_at", tzinfo=zone),
        priced_on=TruncDate("due_at", tzinfo=clock.UTC),
        used=Cast("charges", TextField()),
    )
    alike = told.order_by().values_list("channel_id", "day", "priced_on", "used").annotate(times=Count("id"))
    for channel_id, day, priced_on, used, times in alike:
        if cost := _delivery_cost(paid[channel_id], priced_on, json.loads(used or "[]"), times):
            days.setdefault(day, Counter()).update(cost)
    return days


def _metered_channels(channels: Iterable[Channel]) -> dict[str, Channel]:
    """By key, those on networks that ever cost money."""
    costly = {
        slug
        for slug in registry.installed_slugs()
        if any(any(one.prices.values()) for one in pricing.network_price_lists(slug, fresh=PRICE_CACHE_SECONDS))
    }
    return {channel.key: channel for channel in channels if channel.network in costly}


def _delivery_cost(
    channel: Channel, day: date, charges: Sequence[dict[str, Any]] | None, times: int = 1
) -> Counter[str]:
    listed = pricing.price_list_for_day(channel.network, day, channel.app.plan, fresh=PRICE_CACHE_SECONDS)
    micro = sum(listed.price(one["meter"], one.get("units", 1)) for one in charges or ()) if listed else 0
    return Counter({listed.currency: micro * times}) if listed and micro else Counter()
