"""Price lists as dated data: TOML beside each connector, never numbers in code."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from importlib.resources import files


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceList:
    """What an app on plan `name` pays from day `since` (UTC) on, until a later list of that name."""

    name: str
    since: date
    source: str
    currency: str  # ISO 4217
    prices: Mapping[str, int]  # meter -> micro-units of the currency for one unit

    def price(self, meter: str, units: int) -> int:
        """Micro-units of the currency; a meter that is not listed costs nothing."""
        return self.prices.get(meter, 0) * units


def load(package: str, name: str = "prices.toml") -> tuple[PriceList, ...]:
    """The lists in a network folder's file, oldest first. Raises KeyError or ValueError for a malformed one."""
    data = tomllib.loads(files(package).joinpath(name).read_text("utf-8"))
    lists = [
        PriceList(
            name=entry["name"],
            since=entry["since"],
            source=entry["source"],
            currency=entry["currency"],
            prices={meter: int(micro) for meter, micro in entry["prices"].items()},
        )
        for entry in data["list"]
    ]
    return tuple(sorted(lists, key=lambda one: one.since))


def price_on(lists: tuple[PriceList, ...], day: date, plan: str = "") -> PriceList | None:
    """The list in force on `day`, of plan `plan` or, where that is "", the newest of any."""
    in_force = [one for one in lists if one.since <= day and plan in ("", one.name)]
    return in_force[-1] if in_force else None
