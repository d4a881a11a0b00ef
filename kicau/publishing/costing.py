"""What the posts of a calendar cost to publish, each and by day: at the prices of their own day."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import date, datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from kicau.base import clock
from kicau.base.ids import as_uuid
from kicau.connector import registry
from kicau.plans import pricing
from kicau.publishing import calendars
from kicau.publishing.models import ATTENTION, Delivery, DeliveryState
from kicau.workspaces.actors import Actor, Permission

FRESH = 300.0  # seconds: a calendar shows an operator's new prices so late at the most, and asks for them so seldom
GONE = (DeliveryState.CANCELED, DeliveryState.DELETED)


@dataclass(frozen=True, slots=True)
class Costs:
    """Micro-units by currency; what costs nothing is not in it."""

    posts: dict[tuple[UUID, datetime], Counter[str]] = field(default_factory=dict)  # by draft and due time
    days: dict[date, Counter[str]] = field(default_factory=dict)  # in the zone

    @property
    def all(self) -> Counter[str]:
        return sum(self.days.values(), Counter())


def of_calendar(actor: Actor, wanted: calendars.Filter, since: datetime, until: datetime, zone: ZoneInfo) -> Costs:
    """All that is due from `since` to before `until` and not taken back, in one statement; none where nothing that is
    connected costs money."""
    actor.require(Permission.READ)
    slugs = [slug for slug in registry.slugs() if any(one.prices for one in pricing.lists(slug, fresh=FRESH))]
    if not slugs or (wanted.network and wanted.network not in slugs):
        return Costs()
    rows = Delivery.objects.filter(workspace=actor.workspace, due_at__gte=since, due_at__lt=until, network__in=slugs)
    asked = {
        "network": wanted.network, "state": wanted.state, "channel__key": wanted.channel, "draft__campaign__name": wanted.campaign,
        "draft__tags__contains": [wanted.tag] if wanted.tag else "", "draft__author": as_uuid(wanted.author) if wanted.author else "",
    }  # fmt: skip
    shown = rows.filter(**{name: value for name, value in asked.items() if value}).exclude(state__in=GONE).order_by()
    if wanted.attention:
        shown = shown.filter(state__in=ATTENTION).exclude(calendars.FROZEN)
    costs = Costs()
    for draft_id, due_at, network, plan, charges in shown.values_list("draft_id", "due_at", "network", "channel__app__plan", "rendered__charges"):  # fmt: skip
        listed = pricing.list_on(network, due_at.astimezone(clock.UTC).date(), plan, fresh=FRESH)
        micro = sum(listed.price(one["meter"], one["units"]) for one in charges or ()) if listed else 0
        if listed and micro:
            day = due_at.astimezone(zone).date()
            costs.posts.setdefault((draft_id, due_at), Counter())[listed.currency] += micro
            costs.days.setdefault(day, Counter())[listed.currency] += micro
    return costs
