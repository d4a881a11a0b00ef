"""What if: another plan, other prices, more polling. Rows are priced by it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from kicau.base import clock
from kicau.base.errors import ValidationFailed, validation_failed
from kicau.connector import registry
from kicau.connector.content import Problem
from kicau.connector.prices import PriceList, price_lists_in_force
from kicau.cost_reports.cost_rows import CostRow, DailyUse
from kicau.costs.pricing import network_price_lists, price_list_for_day

MAX_READING_FACTOR = 100  # times as much as now


@dataclass(frozen=True, slots=True, kw_only=True)
class ForecastAssumptions:
    """A month in which something were otherwise from now on; left as it is, it is the month as it goes."""

    plan: str = ""  # every channel's app were on the price list of this name, and its month's fee were paid
    sync: float = 1.0  # times as much reading
    plain: bool = False  # no post had what makes it dear (a link, where a list says so)
    prices: Mapping[str, int] = field(default_factory=dict)  # meter -> micro-units, from now on


def plan_names() -> list[str]:
    """The names of all price lists in force that charge money: what a plan may be tried by."""
    return sorted({one.name for one in _price_lists_in_force() if one.currency})


def meter_names() -> list[str]:
    """All that is priced today: what another price may be tried of."""
    return sorted({meter for one in _price_lists_in_force() for meter in one.prices})


def _price_lists_in_force() -> Iterable[PriceList]:
    today = clock.now().date()
    return [
        one for slug in registry.installed_slugs() for one in price_lists_in_force(network_price_lists(slug), today)
    ]


def check_assumptions(what_if: ForecastAssumptions) -> None:
    problems: list[Problem] = []
    if what_if.plan and what_if.plan not in plan_names():
        problems += validation_failed(
            "plan",
            "Kicau has no price list named {name} that applies now. Available price lists: {known}.",
            name=what_if.plan,
            known=", ".join(plan_names()),
        ).problems
    for meter in sorted(set(what_if.prices) - set(meter_names())):
        problems += validation_failed(
            "price",
            "No current price list has a price for the usage unit (meter) {name}. Available units: {known}.",
            name=meter,
            known=", ".join(meter_names()),
        ).problems
    if not 0 <= what_if.sync <= MAX_READING_FACTOR:
        problems += validation_failed(
            "sync",
            "For the forecast, enter how often Kicau checks for replies, compared with now: 0 to {most} times as often. For example, 2 means twice as often.",
            most=MAX_READING_FACTOR,
        ).problems
    if problems:
        raise ValidationFailed(problems)


def reprice_row(row: CostRow, what_if: ForecastAssumptions) -> CostRow:
    """The row with its price: of its own day and plan, or as it would be if something were otherwise."""
    listed = price_list_for_day(row.network, row.day or clock.now().date(), what_if.plan or row.plan)
    if listed is None and what_if.plan:  # another network's plan
        listed = price_list_for_day(row.network, row.day or clock.now().date(), row.plan)
    if listed is None:
        return row
    meter = listed.instead.get(row.meter, row.meter) if what_if.plain else row.meter
    each = what_if.prices.get(meter, listed.prices.get(meter, 0))
    return replace(row, micro=each * row.units, currency=listed.currency)


def reprice_daily_use(row: DailyUse, what_if: ForecastAssumptions) -> DailyUse:
    """The day as it would have been charged if something were otherwise: what was not billed then (a second reading on
    the same day) is not billed here."""
    if not (what_if.plan or what_if.plain or what_if.prices):
        return row
    listed = price_list_for_day(row.network, clock.now().date(), what_if.plan)
    meter = listed.instead.get(row.meter, row.meter) if listed and what_if.plain else row.meter
    if meter in what_if.prices:
        return replace(row, micro=what_if.prices[meter] * row.units)
    if listed is None or (meter == row.meter and not what_if.plan):  # as it was charged, whatever plan that was on
        return row
    return replace(row, micro=listed.prices.get(meter, 0) * row.units, currency=listed.currency)
