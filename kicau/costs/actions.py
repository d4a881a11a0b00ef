"""What people do with budgets and price lists: each act once."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Q, QuerySet, Sum

from kicau.base import clock
from kicau.base.errors import Conflict, NotAllowed, NotFound, validation_failed
from kicau.base.ids import as_uuid
from kicau.base.money import is_currency
from kicau.connector import prices, registry
from kicau.connector.prices import PriceList
from kicau.costs import budgets as reckoning
from kicau.costs import pricing
from kicau.costs.models import (
    ROLLING_PERIODS,
    USER_PERIODS,
    Budget,
    BudgetPeriod,
    BudgetUse,
    Charge,
    OperatorPriceList,
    Purpose,
    Reservation,
)
from kicau.events.catalogue import HardBudgetChanged
from kicau.events.dispatch import emit
from kicau.workspaces.actors import Actor, Permission

MAX_AMOUNT_MICRO = 10**15  # micro-units: a thousand million of a currency


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetValues:
    """A budget as somebody wants it. `app_id` makes it one of the whole instance, which only an operator may have."""

    name: str
    amount: int  # micro-units of `currency`, or units of `meter`
    currency: str = "USD"
    meter: str = ""
    period: str = BudgetPeriod.MONTH
    timezone: str = ""  # "": the workspace's
    is_hard: bool = True
    notify_at_percent: int = 80
    sync_share_percent: int = 70
    app_id: UUID | None = None
    network: str = ""
    channel_id: UUID | None = None
    campaign_id: UUID | None = None
    purpose: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetBalance:
    """A budget with what is used and set aside of it now."""

    budget: Budget
    used: int
    reserved: int
    begins_at: datetime
    renews_at: datetime  # budgets.NEVER for one in total

    @property
    def left(self) -> int:
        return max(0, self.budget.amount - self.used - self.reserved)

    @property
    def percent(self) -> int:
        return self.used * 100 // self.budget.amount if self.budget.amount else 100


def budgets(actor: Actor) -> QuerySet[Budget]:
    """The workspace's budgets in force, and the instance's own, by age."""
    actor.require(Permission.READ)
    return Budget.objects.filter(Q(workspace=actor.workspace) | Q(workspace=None), is_active=True)


def workspace_budgets(actors: Collection[Actor]) -> QuerySet[Budget]:
    """What people set their workspaces, in force, by age: neither an app's budgets nor what its plan allows."""
    for actor in actors:
        actor.require(Permission.READ)
    return Budget.objects.filter(workspace__in=[actor.workspace for actor in actors], cap="", is_active=True)


def one_budget(actor: Actor, budget_id: UUID | str) -> Budget:
    """Raises NotFound."""
    found = budgets(actor).filter(id=as_uuid(budget_id)).first()
    if found is None:
        raise NotFound("budget", budget_id)
    return found


def budget_balances(rows: Sequence[Budget], at: datetime | None = None) -> list[BudgetBalance]:
    """What is used of each now, in two statements."""
    now = at or clock.now()
    if not rows:
        return []
    begun = {b.id: reckoning.period_start(b, now) for b in rows}
    uses = {(u.budget_id, u.begins_at): u.amount for u in BudgetUse.objects.filter(budget__in=[b.id for b in rows])}
    rolled = {b.id: _used_in_window(b, now) for b in rows if b.is_rolling}
    open_ = list(Reservation.objects.filter(Q(until=None) | Q(until__gt=now)))
    return [
        BudgetBalance(
            budget=b,
            used=rolled[b.id] if b.is_rolling else uses.get((b.id, begun[b.id]), 0),
            begins_at=begun[b.id],
            renews_at=reckoning.period_end(b, now),
            reserved=sum(
                reckoning.budget_units(b, r.meter, r.units, r.micro, r.currency)
                for r in open_
                if reckoning.covers(b, r)
            ),
        )
        for b in rows
    ]


def _used_in_window(budget: Budget, now: datetime) -> int:
    found = Charge.objects.filter(
        app_id=budget.app_id, at__gt=now - ROLLING_PERIODS[BudgetPeriod(budget.period)], meter__in=budget.meters
    )
    found = found.filter(channel_id=budget.channel_id) if budget.channel_id else found
    return found.aggregate(total=Sum("units"))["total"] or 0


@transaction.atomic
def set_budget(actor: Actor, wanted: BudgetValues, *, budget_id: UUID | str | None = None) -> Budget:
    """Make a budget, or change the one of that id. What it held goes out by itself where it now fits, in order.

    What was charged in its present period before it was made counts, and what is under way. Raises NotAllowed, NotFound, ValidationFailed.
    """
    actor.require(Permission.SETTINGS)
    before = one_budget(actor, budget_id) if budget_id else None
    _may_change(actor, wanted.app_id is not None or (before is not None and before.workspace_id is None), before)
    _check_input(wanted)
    reckoning.lock_budgets()
    row = before or Budget(created_by=actor.person)
    covered = _coverage_key(row) if before else None
    row.workspace = None if wanted.app_id else actor.workspace
    row.name, row.amount, row.meter = wanted.name.strip(), wanted.amount, wanted.meter
    row.currency = "" if wanted.meter else wanted.currency
    row.period, row.timezone = wanted.period, wanted.timezone or actor.workspace.timezone
    row.is_hard, row.notify_at_percent, row.sync_share_percent = (
        wanted.is_hard,
        wanted.notify_at_percent,
        wanted.sync_share_percent,
    )
    row.app_id, row.network, row.channel_id = wanted.app_id, wanted.network, wanted.channel_id
    row.campaign_id, row.purpose = wanted.campaign_id, wanted.purpose
    row.save()
    if _coverage_key(row) != covered:
        recalculate_use(row)
    else:
        BudgetUse.objects.filter(budget=row).update(told=0)
    if row.is_hard:
        emit(HardBudgetChanged(budget=row))
    actor.record(
        "budget.changed" if before else "budget.made",
        row.id,
        name=row.name,
        amount=row.amount,
        currency=row.currency or row.meter,
        period=row.period,
    )
    return row


@transaction.atomic
def remove_budget(actor: Actor, budget_id: UUID | str) -> Budget:
    """It holds nothing any more; its history is kept."""
    actor.require(Permission.SETTINGS)
    row = one_budget(actor, budget_id)
    _may_change(actor, row.workspace_id is None, row)
    reckoning.lock_budgets()
    row.is_active = False
    row.save(update_fields=["is_active"])
    actor.record("budget.removed", row.id, name=row.name)
    return row


def _may_change(actor: Actor, is_instance: bool, row: Budget | None) -> None:
    if row is not None and row.cap:
        raise Conflict(
            "This limit comes from your plan at the network, so you cannot edit it as a budget. Choose another plan for the developer app, or change its price list in Kicau."
        )
    if is_instance and not (actor.person and actor.person.is_operator):
        raise NotAllowed(
            "A budget for a developer app covers all workspaces that use this app. Only a server administrator can set such a budget."
        )


def _check_input(wanted: BudgetValues) -> None:
    if not wanted.name.strip() or len(wanted.name) > 120:
        raise validation_failed("name", "Enter a name of 1 to 120 characters for the budget.")
    if not 0 <= wanted.amount <= MAX_AMOUNT_MICRO:
        raise validation_failed("amount", "Enter an amount from 0 to 1,000,000,000 for the budget.")
    if wanted.period not in USER_PERIODS:
        raise validation_failed(
            "period", "Choose how long one period of the budget lasts: {known}.", known=", ".join(USER_PERIODS)
        )
    if wanted.purpose and wanted.purpose not in Purpose.values:
        raise validation_failed(
            "purpose",
            "Kicau does not know the purpose that you entered for this budget. Choose one of: {known}.",
            known=", ".join(Purpose.values),
        )
    if wanted.network and wanted.network not in registry.installed_slugs():
        raise validation_failed(
            "network",
            "This Kicau server does not support the social network {network}. Check the spelling of its name.",
            network=wanted.network,
        )
    if not wanted.meter and not is_currency(wanted.currency):
        raise validation_failed(
            "currency",
            "{currency} is not a valid currency code (ISO 4217). Enter three letters, for example USD, or choose one of the network's own usage units (meters).",
            currency=wanted.currency[:20] or "“”",
        )
    if not 1 <= wanted.notify_at_percent <= 100:
        raise validation_failed("notify_at_percent", "For the budget alert, enter a percentage from 1 to 100.")
    if not 0 <= wanted.sync_share_percent <= 100:
        raise validation_failed(
            "sync_share_percent",
            "Enter a percentage from 0 to 100: how much of the budget Kicau may spend on collecting comments and metrics.",
        )
    if wanted.timezone:
        try:
            clock.find_zone(wanted.timezone)
        except LookupError as exc:
            raise validation_failed("timezone", "{why}", why=str(exc)) from exc


def _coverage_key(row: Budget) -> tuple[object, ...]:
    """What decides which charges are its: while this stays, so does its use."""
    return (
        row.workspace_id,
        row.app_id,
        row.network,
        row.channel_id,
        row.campaign_id,
        row.purpose,
        row.currency,
        row.meter,
        row.period,
        row.timezone,
    )


def recalculate_use(budget: Budget) -> None:
    """Its present use, from the ledger; charges cannot come in between."""
    begins = reckoning.period_start(budget, clock.now())
    found = Charge.objects.filter(at__gte=begins)
    for name in ("workspace_id", "app_id", "channel_id", "campaign_id", "network", "purpose", "currency"):
        if value := getattr(budget, name):
            found = found.filter(**{name: value})
    if budget.meter:
        found = found.filter(meter__in=budget.meters)
    used = found.aggregate(total=Sum("units" if budget.meter else "micro"))["total"] or 0
    BudgetUse.objects.update_or_create(budget=budget, begins_at=begins, defaults={"amount": used, "told": 0})


# Price lists


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceListSource:
    """A price list with where it came from: `own` is None for those that Kicau brings along."""

    network: str
    value: PriceList
    own: OperatorPriceList | None = None


def price_lists(actor: Actor) -> list[PriceListSource]:
    """All networks' lists, ours and the operator's, oldest first in each network."""
    actor.require(Permission.READ)
    found: dict[tuple[str, str, date], PriceListSource] = {}
    for slug in registry.installed_slugs():
        for one in registry.get_connector(slug).price_lists:
            found[slug, one.name, one.since] = PriceListSource(network=slug, value=one)
    for row in OperatorPriceList.objects.order_by("added_at"):
        for one in prices.parse_price_lists(row.toml):
            found[row.network, one.name, one.since] = PriceListSource(network=row.network, value=one, own=row)
    return sorted(found.values(), key=lambda listed: (listed.network, listed.value.since, listed.value.name))


@transaction.atomic
def add_price_list(actor: Actor, network: str, toml: str) -> OperatorPriceList:
    """Lists of the operator's own, in TOML; one of the same name and day replaces ours. The past keeps its prices:
    charges hold what they cost when they were made. Raises NotAllowed, ValidationFailed, UnknownNetwork."""
    require_operator(actor)
    registry.get_connector(network)
    try:
        found = prices.parse_price_lists(toml)
    except ValueError as exc:
        raise validation_failed("toml", "{why}", why=str(exc)) from exc
    for one in found:
        if one.currency and not is_currency(one.currency):
            raise validation_failed(
                "toml",
                "{currency} is not a valid currency code (ISO 4217). Enter a code of three letters, for example USD or IDR.",
                currency=one.currency[:20],
            )
    row = OperatorPriceList.objects.create(network=network, toml=toml, added_by=actor.person)
    pricing.clear_cache()
    actor.record("prices.added", row.id, network=network, lists=[f"{one.name} from {one.since}" for one in found])
    return row


@transaction.atomic
def remove_price_list(actor: Actor, list_id: UUID | str) -> OperatorPriceList:
    """Take an own list away; what it replaced holds again from now on. Raises NotAllowed, NotFound."""
    require_operator(actor)
    row = OperatorPriceList.objects.filter(id=as_uuid(list_id)).first()
    if row is None:
        raise NotFound("price list of your own", list_id)
    OperatorPriceList.objects.filter(id=row.id).delete()
    pricing.clear_cache()
    actor.record("prices.removed", list_id, network=row.network)
    return row


def require_operator(actor: Actor) -> None:
    """Raises NotAllowed for everybody else."""
    actor.require(Permission.SETTINGS)
    if not (actor.person and actor.person.is_operator):
        raise NotAllowed(
            "Prices and exchange rates apply to the whole server. Only a server administrator can set them."
        )


def delete_old_billed_resources(days: int = 3) -> int:
    """Resources read so long ago that no network counts them as read again. Run daily."""
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM costs_billedresource WHERE day < %s", [clock.now().date() - timedelta(days=days)])
        return int(cursor.rowcount)
