"""What was spent and is scheduled, as rows of the ledger and the calendar."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Min, Sum
from django.db.models.functions import TruncDate

from kicau.base import clock
from kicau.costs.models import Charge, Purpose

HABIT_DAYS = 28  # days that standing reading and the habit of posting are judged by


@dataclass(frozen=True, slots=True, kw_only=True)
class CostScope:
    """Whose costs: ids and names that are not given are not looked at."""

    workspace_ids: tuple[UUID, ...] = ()
    app_id: UUID | None = None
    network: str = ""
    channel_id: UUID | None = None
    campaign_id: UUID | None = None
    purpose: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CostRow:
    workspace: UUID
    network: str
    campaign: str
    currency: str
    micro: int
    meter: str = ""
    units: int = 0
    plan: str = ""
    day: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DailyUse:
    """What the calls of one day cost that were for one purpose."""

    workspace: UUID
    network: str
    currency: str
    purpose: str
    meter: str
    units: int
    day: date
    micro: int
    first_at: datetime


def _charges_in_scope(scope: CostScope) -> Any:
    rows = Charge.objects.exclude(currency="")
    if scope.workspace_ids:
        rows = rows.filter(workspace_id__in=scope.workspace_ids)
    for name in ("app_id", "network", "channel_id", "campaign_id", "purpose"):
        if value := getattr(scope, name):
            rows = rows.filter(**{name: value})
    return rows


def spent_rows(scope: CostScope, begins: datetime, now: datetime, zone: str) -> list[CostRow]:
    rows = _charges_in_scope(scope).filter(at__gte=begins, at__lte=now)
    found = rows.values_list(
        "workspace_id", "network", "campaign_id", "currency", TruncDate("at", tzinfo=clock.find_zone(zone))
    ).annotate(total=Sum("micro"))
    return [
        CostRow(workspace=w, network=n, campaign=str(c) if c else "", currency=cur, day=day, micro=total)
        for w, n, c, cur, day, total in found
    ]


SCHEDULED_COSTS_SQL = """
SELECT d.workspace_id, d.network, a.plan, p.campaign_id::text, (greatest(d.due_at, %(now)s) AT TIME ZONE %(zone)s)::date, c->>'meter', sum(coalesce((c->>'units')::bigint, 1))
FROM publishing_delivery d JOIN publishing_draft p ON p.id = d.draft_id JOIN channels_channel h ON h.id = d.channel_id
JOIN channels_networkapp a ON a.id = h.app_id CROSS JOIN LATERAL jsonb_array_elements(d.rendered->'charges') c
WHERE d.state IN ('scheduled', 'publishing', 'held') AND d.due_at < %(ends)s
  AND (%(workspace_ids)s::uuid[] IS NULL OR d.workspace_id = ANY(%(workspace_ids)s::uuid[])) AND (%(app_id)s::uuid IS NULL OR h.app_id = %(app_id)s::uuid)
  AND (%(channel_id)s::uuid IS NULL OR h.id = %(channel_id)s::uuid) AND (%(campaign_id)s::uuid IS NULL OR p.campaign_id = %(campaign_id)s::uuid)
  AND (%(network)s = '' OR d.network = %(network)s)
GROUP BY 1, 2, 3, 4, 5, 6
"""


def scheduled_rows(scope: CostScope, now: datetime, ends: datetime, zone: str) -> list[CostRow]:
    """What is scheduled before `ends`, by day; what should have been published before `now` is charged today."""
    if scope.purpose not in ("", Purpose.PUBLISH):
        return []
    ids: dict[str, Any] = {
        name: str(value) if (value := getattr(scope, name)) else None
        for name in ("app_id", "channel_id", "campaign_id")
    }
    ids["workspace_ids"] = list(scope.workspace_ids) or None
    with connection.cursor() as cursor:
        cursor.execute(SCHEDULED_COSTS_SQL, {**ids, "network": scope.network, "now": now, "ends": ends, "zone": zone})
        found = cursor.fetchall()
    return [
        CostRow(
            workspace=w,
            network=n,
            plan=plan,
            campaign=c or "",
            day=day,
            meter=meter,
            units=int(units),
            currency="",
            micro=0,
        )
        for w, n, plan, c, day, meter, units in found
    ]


def daily_use(scope: CostScope, now: datetime, zone: str) -> list[DailyUse]:
    """What the last days cost."""
    rows = _charges_in_scope(scope).filter(at__gte=now - timedelta(days=HABIT_DAYS), at__lt=now)
    found = rows.values_list(
        "workspace_id", "network", "currency", "purpose", "meter", TruncDate("at", tzinfo=clock.find_zone(zone))
    ).annotate(count=Sum("units"), total=Sum("micro"), first=Min("at"))
    return [
        DailyUse(
            workspace=w,
            network=n,
            currency=cur,
            purpose=purpose,
            meter=meter,
            units=count,
            day=day,
            micro=total,
            first_at=first,
        )
        for w, n, cur, purpose, meter, day, count, total, first in found
    ]
