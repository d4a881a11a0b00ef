"""What a month's work would cost on each plan: for the measured use, or for one that somebody imagines."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

from django.db.models import Sum

from kicau.base import clock
from kicau.connector.prices import PlanCap, PriceList, price_lists_in_force
from kicau.costs.models import Charge
from kicau.costs.pricing import network_price_lists

DAYS_PER_MONTH = 30  # of the month that is reckoned with


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """Units of a network's meters in a month of 30 days, spread evenly over its days and channels."""

    units: Mapping[str, int]
    channels: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanCostEstimate:
    """What a plan asks for a workload: micro-units of the list's currency, fee and use; or which cap it breaks."""

    plan: PriceList
    fee: int
    use: int
    breaks: tuple[str, ...] = ()  # meters for which the plan is too small, or which it does not have

    @property
    def total(self) -> int:
        return self.fee + self.use

    @property
    def fits(self) -> bool:
        return not self.breaks


def estimate_plan_cost(plan: PriceList, work: Workload) -> PlanCostEstimate:
    breaks = [meter for meter in sorted(plan.refuses) if work.units.get(meter)]
    breaks += [" + ".join(cap.meters) for cap in plan.caps if _exceeds_quota(cap, work)]
    use = sum(plan.price(meter, units) for meter, units in work.units.items())
    return PlanCostEstimate(plan=plan, fee=plan.monthly, use=use, breaks=tuple(breaks))


def _exceeds_quota(cap: PlanCap, work: Workload) -> bool:
    if cap.period not in ("24 hours", "day", "month"):
        return False  # a rolling window of minutes says nothing of a month
    used = sum(work.units.get(meter, 0) for meter in cap.meters)
    room = (
        cap.units
        * (1 if cap.period == "month" else DAYS_PER_MONTH)
        * (max(1, work.channels) if cap.per == "channel" else 1)
    )
    return used > room


def compare_plans(network: str, work: Workload, day: date | None = None) -> list[PlanCostEstimate]:
    """All plans in force on `day` (UTC; today), those that fit first, the cheapest first."""
    day = day or clock.now().date()
    return sorted(
        (estimate_plan_cost(one, work) for one in price_lists_in_force(network_price_lists(network), day)),
        key=lambda q: (not q.fits, q.total, q.plan.name),
    )


def measured_workload(
    network: str, *, workspace_id: UUID | None = None, app_id: UUID | None = None, days: int = DAYS_PER_MONTH
) -> Workload:
    """The use of the last `days`, made a month of 30."""
    since = clock.now() - timedelta(days=days)
    found = Charge.objects.filter(network=network, at__gte=since)
    if workspace_id:
        found = found.filter(workspace_id=workspace_id)
    if app_id:
        found = found.filter(app_id=app_id)
    units: Counter[str] = Counter(dict(found.values_list("meter").annotate(total=Sum("units"))))
    channels = found.exclude(channel_id=None).values("channel_id").distinct().count()
    return Workload(units={meter: n * DAYS_PER_MONTH // days for meter, n in units.items()}, channels=max(1, channels))
