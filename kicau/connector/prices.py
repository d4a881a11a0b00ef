"""Price lists as dated data: TOML beside each connector, never numbers in code."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from importlib.resources import files
from typing import Any

CAP_PERIODS = ("5 minutes", "hour", "24 hours", "day", "month")
CAP_SCOPES = ("app", "channel")


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanCap:
    """At most `units` of these meters together in a period (days and months are UTC's), for the app or each channel of it."""

    meters: tuple[str, ...]
    units: int
    period: str = "month"  # one of PERIODS; minutes and hours are rolling windows
    per: str = "app"  # "app" | "channel"
    assumed: bool = False  # known of some apps only: it is held where an app names its plan, else only shown
    source: str = ""  # where it is not the list's own

    def __post_init__(self) -> None:
        if self.period not in CAP_PERIODS or self.per not in CAP_SCOPES:
            raise ValueError(
                f"a cap is per {' or '.join(CAP_PERIODS)} and {' or '.join(CAP_SCOPES)}, not {self.period}/{self.per}"
            )
        if not self.meters or self.units < 0:
            raise ValueError("a cap names one or more meters and a number of units, 0 or more")


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceList:
    """What an app on plan `name` pays from day `since` (UTC) on, until a later list of that name or its own end."""

    name: str
    since: date
    source: str
    currency: str  # ISO 4217; "" where nothing costs money
    prices: Mapping[str, int]  # meter -> micro-units of the currency for one unit
    instead: Mapping[str, str] = field(
        default_factory=dict
    )  # a dear meter -> the plain one that the same post has without what makes it dear
    until: date | None = None  # the first day on which it holds no more
    monthly: int = 0  # micro-units of the currency for each month, used or not
    daily: frozenset[str] = (
        frozenset()
    )  # meters of which each resource is billed once a UTC day, however often it is read
    caps: tuple[PlanCap, ...] = ()
    refuses: frozenset[str] = frozenset()  # meters that the plan does not have at all
    note: str = ""
    is_default: bool = True  # may be taken where an app names no plan

    def price(self, meter: str, units: int) -> int:
        """Micro-units of the currency; a meter that is not listed costs nothing."""
        return self.prices.get(meter, 0) * units


PRICE_LIST_KEYS = frozenset(
    {
        "name",
        "since",
        "until",
        "source",
        "currency",
        "prices",
        "instead",
        "monthly",
        "daily",
        "caps",
        "refuses",
        "note",
        "default",
    }
)


def load_price_lists(package: str, name: str = "prices.toml") -> tuple[PriceList, ...]:
    """The lists in a network folder's file, oldest first. Raises ValueError for a malformed one."""
    return parse_price_lists(files(package).joinpath(name).read_text("utf-8"))


def parse_price_lists(text: str) -> tuple[PriceList, ...]:
    """Lists written in TOML, oldest first. Raises ValueError with a sentence that says what is wrong and where."""
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as exc:
        raise ValueError(f"This is not TOML: {exc}.") from exc
    entries = data.get("list")
    if not isinstance(entries, list) or not entries:
        raise ValueError("There is no [[list]] in it.")
    return sort_price_lists(_parse_list(entry, n) for n, entry in enumerate(entries, start=1))


def sort_price_lists(lists: Iterable[PriceList]) -> tuple[PriceList, ...]:
    return tuple(sorted(lists, key=lambda one: one.since))


def applicable_price_list(lists: tuple[PriceList, ...], day: date, plan: str = "") -> PriceList | None:
    """The list in force on `day`, of plan `plan` or, where that is "", the newest that may be taken unasked."""
    found = [one for one in price_lists_in_force(lists, day) if (one.is_default if not plan else one.name == plan)]
    return found[-1] if found else None


def price_lists_in_force(lists: Iterable[PriceList], day: date) -> tuple[PriceList, ...]:
    """Of each plan the list that holds on `day`, oldest first. A later list ends those of its name before it, for good."""
    newest = {one.name: one for one in sort_price_lists(lists) if one.since <= day}
    return sort_price_lists(one for one in newest.values() if one.until is None or day < one.until)


def _parse_list(entry: Mapping[str, Any], n: int) -> PriceList:
    where = f"List {n} ({entry.get('name', 'without a name')})"
    if unknown := set(entry) - PRICE_LIST_KEYS:
        raise ValueError(f"{where} has {sorted(unknown)[0]!r}, which is none of: {', '.join(sorted(PRICE_LIST_KEYS))}.")
    try:
        return PriceList(
            name=_parse_text(entry["name"]),
            since=_parse_day(entry["since"]),
            until=_parse_day(entry["until"]) if "until" in entry else None,
            source=_parse_text(entry["source"]),
            currency=str(entry.get("currency", "")),
            monthly=_parse_micro(entry.get("monthly", 0)),
            prices={str(meter): _parse_micro(micro) for meter, micro in entry.get("prices", {}).items()},
            instead={str(dear): str(plain) for dear, plain in entry.get("instead", {}).items()},
            daily=frozenset(entry.get("daily", ())),
            refuses=frozenset(entry.get("refuses", ())),
            note=str(entry.get("note", "")),
            caps=tuple(
                PlanCap(meters=tuple(c["meters"]), **{k: v for k, v in c.items() if k != "meters"})
                for c in entry.get("caps", ())
            ),
            is_default=bool(entry.get("default", True)),
        )
    except KeyError as exc:
        raise ValueError(f"{where} lacks {exc}.") from exc
    except (TypeError, ValueError, AttributeError) as exc:
        raise ValueError(f"{where}: {exc}.") from exc


def _parse_text(value: object) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError("a name and a source are texts that are not empty")
    return value.strip()


def _parse_day(value: object) -> date:
    if not isinstance(value, date):
        raise ValueError(f"{value!r} is no day such as 2026-04-20 (without quotation marks)")
    return value


def _parse_micro(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise ValueError(f"{value!r} is no price: write whole micro-units, 1,000,000 for one of the currency")
    return value


__all__ = [
    "PlanCap",
    "PriceList",
    "applicable_price_list",
    "load_price_lists",
    "parse_price_lists",
    "price_lists_in_force",
    "sort_price_lists",
]
