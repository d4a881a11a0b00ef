"""What charges cost, by the dated price lists that each network brings along and those that the operator entered."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from kicau.base import clock
from kicau.connector import prices, registry
from kicau.connector.content import Charge
from kicau.connector.prices import PriceList, applicable_price_list

PRICE_CACHE_SECONDS = 5.0  # seconds for which a process goes by the operator's lists as it last read them


@dataclass(frozen=True, slots=True, kw_only=True)
class PricedCharge:
    """A charge with its price: micro-units of `currency` ("" where it costs no money)."""

    network: str
    meter: str
    units: int
    micro: int
    currency: str


@dataclass(slots=True)
class _OperatorLists:
    lists: Mapping[str, tuple[PriceList, ...]]
    read_at: float
    # What was asked for since, with the network's lists that it was found in: it is asked for each charge.
    in_force: dict[tuple[str, date, str], tuple[tuple[PriceList, ...], PriceList | None]]


_operator_lists = _OperatorLists({}, float("-inf"), {})


def clear_cache() -> None:
    """Read the operator's price lists again for the next price."""
    _operator_lists.read_at = float("-inf")


def network_price_lists(network: str, *, fresh: float = PRICE_CACHE_SECONDS) -> tuple[PriceList, ...]:
    """All of a network's lists, oldest first; an own list stands in for ours of the same name and day."""
    if time.monotonic() - _operator_lists.read_at > fresh:
        from kicau.costs.models import OperatorPriceList  # here, so that what costs nobody anything needs no database

        found: dict[str, tuple[PriceList, ...]] = {}
        for row in OperatorPriceList.objects.order_by("added_at"):
            found[row.network] = (*found.get(row.network, ()), *prices.parse_price_lists(row.toml))
        _operator_lists.lists, _operator_lists.read_at, _operator_lists.in_force = found, time.monotonic(), {}
    ours = registry.get_connector(network).price_lists
    own = _operator_lists.lists.get(network, ())
    return prices.sort_price_lists({(one.name, one.since): one for one in (*ours, *own)}.values()) if own else ours


def price_list_for_day(
    network: str, day: date, plan: str = "", *, fresh: float = PRICE_CACHE_SECONDS
) -> PriceList | None:
    ours = registry.get_connector(network).price_lists
    if time.monotonic() - _operator_lists.read_at > fresh:
        network_price_lists(network, fresh=fresh)
    key = (network, day, plan)
    known = _operator_lists.in_force.get(key)
    if known is None or known[0] is not ours:
        known = _operator_lists.in_force[key] = (
            ours,
            applicable_price_list(network_price_lists(network, fresh=fresh), day, plan),
        )
    return known[1]


def meters_missing_from_plan(network: str, plan: str, charges: Iterable[Mapping[str, Any]]) -> tuple[str, list[str]]:
    """The name of the list in force today, and the meters of foretold charges (as stored) that it does not have at all."""
    listed = price_list_for_day(network, clock.now().date(), plan)
    if listed is None or not listed.refuses:
        return "", []
    return listed.name, sorted(listed.refuses & {one["meter"] for one in charges})


def price_charge(network: str, charge: Charge, *, day: date | None = None, plan: str = "") -> PricedCharge:
    """The price on `day` (UTC; today), on the app's plan or, where that is "", the newest list."""
    return _price_charge_by_list(network, charge, price_list_for_day(network, day or clock.now().date(), plan))


def _price_charge_by_list(network: str, charge: Charge, listed: PriceList | None) -> PricedCharge:
    micro = listed.price(charge.meter, charge.units) if listed else 0
    return PricedCharge(
        network=network,
        meter=charge.meter,
        units=charge.units,
        micro=micro,
        currency=listed.currency if listed and micro else "",
    )


def price_charges(
    network: str, charges: Iterable[Charge], *, plan: str = "", day: date | None = None
) -> tuple[PricedCharge, ...]:
    return tuple(price_charge(network, charge, plan=plan, day=day) for charge in charges)


def price_by_shipped_lists(network: str, charges: Iterable[Charge], *, plan: str = "") -> tuple[PricedCharge, ...]:
    """Today's prices by the network's own lists alone: for where there is no database, and so no operator's list."""
    listed = applicable_price_list(registry.get_connector(network).price_lists, clock.now().date(), plan)
    return tuple(_price_charge_by_list(network, charge, listed) for charge in charges)
