"""What charges cost, by the dated price lists that each network brings along."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

from kicau.base import clock
from kicau.connector import registry
from kicau.connector.content import Charge
from kicau.connector.prices import PriceList, price_on


@dataclass(frozen=True, slots=True, kw_only=True)
class Priced:
    """A charge with its price: micro-units of `currency` ("" where it costs no money)."""

    network: str
    meter: str
    units: int
    micro: int
    currency: str


@lru_cache(maxsize=256)
def list_on(network: str, day: date, plan: str) -> PriceList | None:
    return price_on(registry.get(network).price_lists, day, plan)


def price(network: str, charge: Charge, *, day: date | None = None, plan: str = "") -> Priced:
    """The price on `day` (UTC; today), on the app's plan or, where that is "", the newest list."""
    listed = list_on(network, day or clock.now().date(), plan)
    micro = listed.price(charge.meter, charge.units) if listed else 0
    return Priced(network=network, meter=charge.meter, units=charge.units, micro=micro, currency=listed.currency if listed and micro else "")  # fmt: skip


def price_all(network: str, charges: Iterable[Charge], *, plan: str = "") -> tuple[Priced, ...]:
    return tuple(price(network, charge, plan=plan) for charge in charges)
