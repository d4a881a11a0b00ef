"""Amounts in the currency that a workspace thinks in, by dated rates that the operator entered.

For reading only: what is charged, held and budgeted stays in the currency of its price list, and is told beside it.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal

from django.db import transaction

from kicau.base import clock
from kicau.base.errors import NotFound, validation_failed
from kicau.base.money import format_money, is_currency, round_amount
from kicau.connector import registry
from kicau.connector.prices import price_lists_in_force
from kicau.costs import pricing
from kicau.costs.actions import require_operator
from kicau.costs.models import ExchangeRate
from kicau.workspaces.actors import Actor, Permission
from kicau.workspaces.models import Workspace


@dataclass(frozen=True, slots=True, kw_only=True)
class DisplayAmount:
    """An amount in another currency, rounded as people write it, and the rate by which."""

    micro: int
    currency: str
    rate: Decimal
    since: date  # the day (UTC) from which that rate holds


@dataclass(slots=True)
class CurrencyDisplay:
    """Into `currency` ("" where amounts stay as they are). Rates are read once, when the first amount asks for one."""

    currency: str = ""
    day: date | None = None  # whose rates are taken where an amount names none (UTC; today)
    used: dict[str, DisplayAmount] = field(default_factory=dict)  # by the currency that was converted
    missing: set[str] = field(default_factory=set)  # currencies without a rate
    _rates: list[ExchangeRate] | None = None

    def of(self, micro: int, currency: str, day: date | None = None) -> DisplayAmount | None:
        """By the rate in force on `day`; None where nothing is to be converted or no rate was entered."""
        if not self.currency or not currency or currency == self.currency:
            return None
        if self._rates is None:
            self._rates = list(ExchangeRate.objects.filter(shown_in=self.currency).order_by("-since"))
        day = day or self.day or clock.now().date()
        found = next((r for r in self._rates if r.currency == currency and r.since <= day), None)
        if found is None:
            self.missing.add(currency)
            return None
        worth = DisplayAmount(
            micro=round_amount(round(micro * found.rate), self.currency),
            currency=self.currency,
            rate=found.rate,
            since=found.since,
        )
        self.used[currency] = worth
        return worth

    def told(self, micro: int, currency: str, day: date | None = None) -> str:
        """For people at the shell and on paper: "3494 IDR ($0.215)", or the amount alone."""
        worth = self.of(micro, currency, day)
        plain = format_money(micro, currency)
        return f"{format_money(worth.micro, worth.currency)} ({plain})" if worth else plain

    def by(self, ends_at: datetime) -> CurrencyDisplay:
        """The same, with the rates of the last day (UTC) of a stretch of time that ends before `ends_at`, or today's."""
        return CurrencyDisplay(
            self.currency, min(clock.now(), ends_at - timedelta(seconds=1)).date(), _rates=self._rates
        )

    def sentences(self) -> list[str]:
        """By which rates amounts were converted so far, and for which there is none."""
        by = [
            f"1 {currency} = {worth.rate.normalize():f} {worth.currency}, the rate of {worth.since}."
            for currency, worth in sorted(self.used.items())
        ]
        return by + [
            f"There is no rate from {currency} to {self.currency}: kicau costs rate {currency} {self.currency} RATE"
            for currency in sorted(self.missing)
        ]


def currency_displays(currencies: Iterable[str]) -> dict[str, CurrencyDisplay]:
    """One into each, by currency, with the rates of all of them read in one statement."""
    wanted = set(currencies)
    rates: dict[str, list[ExchangeRate]] = {currency: [] for currency in wanted}
    for rate in ExchangeRate.objects.filter(shown_in__in=wanted).order_by("-since"):
        rates[rate.shown_in].append(rate)
    return {currency: CurrencyDisplay(currency, _rates=rates[currency]) for currency in wanted}


_active_display: ContextVar[CurrencyDisplay | None] = ContextVar("display", default=None)


def activate_display(display: CurrencyDisplay) -> CurrencyDisplay:
    """What `active_display` gives from now on in this context."""
    _active_display.set(display)
    return display


def active_display() -> CurrencyDisplay:
    """The one that was activated, else one that leaves amounts as they are."""
    return _active_display.get() or CurrencyDisplay()


# What the operator does


def exchange_rates(actor: Actor) -> list[ExchangeRate]:
    """All that were entered, by currency, the newest first."""
    actor.require(Permission.READ)
    return list(ExchangeRate.objects.order_by("currency", "shown_in", "-since"))


COMMON_CURRENCIES = (
    "AUD",
    "EUR",
    "GBP",
    "IDR",
    "INR",
    "JPY",
    "MYR",
    "PHP",
    "SGD",
    "THB",
    "USD",
    "VND",
)  # always on offer


def display_currencies(actor: Actor) -> list[str]:
    """What costs may be shown in: the common ones, those for which there is a rate, and the workspace's own."""
    actor.require(Permission.READ)
    rated = ExchangeRate.objects.values_list("shown_in", flat=True).distinct()
    return sorted({*COMMON_CURRENCIES, *rated, *filter(None, [actor.workspace.currency])})


def currencies_without_rate(workspace: Workspace) -> list[str]:
    """Currencies that networks' price lists ask today for which there is no rate into the workspace's own: amounts in
    them are told as they are charged. Empty where it has none of its own."""
    today = clock.now().date()
    asked = {
        one.currency
        for slug in registry.installed_slugs()
        for one in price_lists_in_force(pricing.network_price_lists(slug), today)
        if one.currency
    }
    display = CurrencyDisplay(workspace.currency, today)
    for currency in asked:
        display.of(0, currency)
    return sorted(display.missing)


@transaction.atomic
def set_rate(actor: Actor, currency: str, shown_in: str, rate: Decimal, since: date | None = None) -> ExchangeRate:
    """What one unit of `currency` is worth in `shown_in` from a day on (today, UTC). Raises NotAllowed, ValidationFailed."""
    require_operator(actor)
    for name, value in (("currency", currency), ("shown_in", shown_in)):
        if not is_currency(value):
            raise validation_failed(
                name,
                "{currency} is not a valid currency code (ISO 4217). Enter a code of three letters, for example USD or IDR.",
                currency=value[:20] or "“”",
            )
    if currency == shown_in:
        raise validation_failed("shown_in", "Choose two different currencies for the exchange rate.")
    if not rate.is_finite() or not Decimal("0.00000001") <= rate < 10**11:
        raise validation_failed("rate", "Enter an exchange rate that is greater than 0.")
    row, _ = ExchangeRate.objects.update_or_create(
        currency=currency, shown_in=shown_in, since=since or clock.now().date(), defaults={"rate": rate}
    )
    actor.record("rate.set", "", currency=currency, shown_in=shown_in, rate=str(rate))
    return row


@transaction.atomic
def remove_rate(actor: Actor, rate_id: int | str) -> ExchangeRate:
    """What it stood over holds again. Raises NotAllowed, NotFound."""
    require_operator(actor)
    row = (
        ExchangeRate.objects.filter(id=int(rate_id)).first()
        if str(rate_id).isdecimal() and len(str(rate_id)) < 18
        else None
    )
    if row is None:
        raise NotFound("rate", rate_id)
    ExchangeRate.objects.filter(id=row.id).delete()
    actor.record("rate.removed", "", currency=row.currency, shown_in=row.shown_in, since=row.since.isoformat())
    return row
