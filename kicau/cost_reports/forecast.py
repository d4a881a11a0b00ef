"""What the month will cost: what was charged, what the calendar will charge, and what standing reading goes on to cost."""

from __future__ import annotations

import math
import statistics
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Min, Sum
from django.db.models.functions import TruncDate

from kicau.base import clock
from kicau.base.errors import ValidationFailed, validation_failed
from kicau.base.money import format_money
from kicau.connector import registry
from kicau.connector.content import Problem
from kicau.connector.prices import PriceList, price_lists_in_force
from kicau.costs import budgets
from kicau.costs.models import Budget, Charge, Purpose
from kicau.costs.pricing import network_price_lists, price_list_for_day
from kicau.notifications import actions as notices
from kicau.workspaces.actors import Actor, Permission

MAX_READING_FACTOR = 100  # times as much as now
HABIT_DAYS = 28  # days that standing reading and the habit of posting are judged by
#: A room above tells what standing reading will cost that was switched on within the last HABIT days, so that there is no
#: habit yet: micro-units in 30 days, by workspace, network and currency. Called with the ids of workspaces.
NEW_SYNC_COST_HOOKS: list[Callable[[Collection[UUID]], Mapping[tuple[UUID, str, str], int]]] = []
FORECAST_BAND_DEVIATIONS = 1.28  # standard deviations: four months of five end within the band


@dataclass(frozen=True, slots=True, kw_only=True)
class ForecastAssumptions:
    """A month in which something were otherwise from now on; left as it is, it is the month as it goes."""

    plan: str = ""  # every channel's app were on the price list of this name, and its month's fee were paid
    reading: float = 1.0  # times as much reading
    plain: bool = False  # no post had what makes it dear (a link, where a list says so)
    prices: Mapping[str, int] = field(default_factory=dict)  # meter -> micro-units, from now on


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
class CurrencyMonthForecast:
    """One currency's month, in micro-units. `low` to `high` is where four months of five would end."""

    key: str  # network, campaign id, or ""
    currency: str
    spent: int
    calendar: int  # what is scheduled until the end
    reading: int  # what reading and looking up will come to by their habit
    fee: int  # what the plan that is tried asks for each month, used or not; 0 of the month as it goes
    low: int
    high: int

    @property
    def expected(self) -> int:
        return self.spent + self.calendar + self.reading + self.fee


@dataclass(frozen=True, slots=True, kw_only=True)
class ForecastMonth:
    begins_at: datetime
    ends_at: datetime
    total: tuple[CurrencyMonthForecast, ...]  # by currency
    networks: tuple[CurrencyMonthForecast, ...]
    campaigns: tuple[CurrencyMonthForecast, ...]
    days: tuple[tuple[date, int], ...]  # expected at the end of each day of the month, first currency


def month_bounds(zone: str, at: datetime) -> tuple[datetime, datetime]:
    """The calendar month in that zone in which `at` lies, as UTC moments: from, and before."""
    local = at.astimezone(clock.find_zone(zone))
    first = local.replace(day=1, hour=0, minute=0, second=0, microsecond=0, fold=0)
    after = (first.replace(tzinfo=None) + timedelta(days=32)).replace(day=1).replace(tzinfo=first.tzinfo)
    return first.astimezone(clock.UTC), after.astimezone(clock.UTC)


def forecast(actor: Actor, what_if: ForecastAssumptions | None = None) -> ForecastMonth:
    """The workspace's present month, in its zone. Raises NotAllowed, ValidationFailed where `what_if` names a plan or a meter
    that no price list in force has."""
    actor.require(Permission.READ)
    if what_if:
        _check_assumptions(what_if)
    begins, ends = month_bounds(actor.workspace.timezone, clock.now())
    scope = CostScope(workspace_ids=(actor.workspace.id,))
    return forecast_month(scope, begins, ends, what_if or ForecastAssumptions(), actor.workspace.timezone)


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


def _check_assumptions(what_if: ForecastAssumptions) -> None:
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
    if not 0 <= what_if.reading <= MAX_READING_FACTOR:
        problems += validation_failed(
            "reading",
            "Enter a number from 0 to {most} for how often the forecast assumes that Kicau checks for replies. For example, 2 means twice as often.",
            most=MAX_READING_FACTOR,
        ).problems
    if problems:
        raise ValidationFailed(problems)


def forecast_totals(actors: Iterable[Actor]) -> dict[UUID, tuple[CurrencyMonthForecast, ...]]:
    """The present month's `total` of each actor's workspace, by its id: in three statements for each time zone that is
    among them, however many they are."""
    found: dict[UUID, tuple[CurrencyMonthForecast, ...]] = {}
    now = clock.now()
    for zone, ids in workspaces_by_zone(actors).items():
        begins, ends = month_bounds(zone, now)
        scope = CostScope(workspace_ids=tuple(ids))
        spent, ahead, used = (
            _spent_rows(scope, begins, now, zone),
            _scheduled_rows(scope, now, ends, zone),
            _daily_use(scope, now, zone),
        )
        begun = _new_sync_costs(scope)
        for one in ids:
            mine = (
                _rows_of_workspace(one, spent),
                _rows_of_workspace(one, ahead),
                _rows_of_workspace(one, used),
                {key: n for key, n in begun.items() if key[0] == one},
            )
            found[one] = _build_month(*mine, begins, now, ends, ForecastAssumptions(), zone).total
    return found


def _rows_of_workspace[Row: (_CostRow, _DailyUse)](workspace: UUID, rows: list[Row]) -> list[Row]:
    return [row for row in rows if row.workspace == workspace]


def workspaces_by_zone(actors: Iterable[Actor]) -> dict[str, list[UUID]]:
    """Their workspaces, by the time zone in which its months begin."""
    found: dict[str, list[UUID]] = defaultdict(list)
    for actor in actors:
        actor.require(Permission.READ)
        found[actor.workspace.timezone].append(actor.workspace.id)
    return found


def forecast_month(
    scope: CostScope, begins: datetime, ends: datetime, what_if: ForecastAssumptions, zone: str = "UTC"
) -> ForecastMonth:
    """The same for any scope and stretch of time of which now is a part."""
    now = min(max(clock.now(), begins), ends)
    return _build_month(
        _spent_rows(scope, begins, now, zone),
        _scheduled_rows(scope, now, ends, zone),
        _daily_use(scope, now, zone),
        _new_sync_costs(scope),
        begins,
        now,
        ends,
        what_if,
        zone,
    )


def _build_month(
    spent: list[_CostRow],
    calendar: list[_CostRow],
    used: list[_DailyUse],
    begun: _NewSyncCosts,
    begins: datetime,
    now: datetime,
    ends: datetime,
    what_if: ForecastAssumptions,
    zone: str,
) -> ForecastMonth:
    ahead = [_reprice_row(row, what_if) for row in calendar]
    habit = _add_new_sync_costs(_habit_by_day([_reprice_daily_use(row, what_if) for row in used], now, zone), begun)
    left = (ends - now) / timedelta(days=1)
    by: dict[str, dict[tuple[str, str], _ForecastSum]] = {"total": {}, "networks": {}, "campaigns": {}}
    for row in spent:
        for group, key in _group_keys(row.network, row.campaign):
            _sum_for(by[group], key, row.currency).spent += row.micro
    for row in ahead:
        for group, key in _group_keys(row.network, row.campaign):
            _sum_for(by[group], key, row.currency).calendar += row.micro
    for (network, currency, is_reading), daily in habit.items():
        mean, spread = statistics.fmean(daily), statistics.pstdev(daily)
        for group, key in _group_keys(network, ""):
            if group == "campaigns":
                continue
            found = _sum_for(by[group], key, currency)
            if is_reading:
                found.reading += mean * left * what_if.reading
                found.variance += (spread * what_if.reading) ** 2 * left
            else:
                found.habit += mean * left
    if what_if.plan:
        for network in {row.network for row in [*spent, *ahead]} | {row.network for row in used}:
            listed = price_list_for_day(network, now.date(), what_if.plan)
            if listed and listed.monthly:
                for group, key in _group_keys(network, ""):
                    _sum_for(by[group], key, listed.currency).fee += listed.monthly
    made = {
        group: tuple(
            sorted(
                (_build_forecast(key, currency, s) for (key, currency), s in rows.items()), key=lambda f: -f.expected
            )
        )
        for group, rows in by.items()
    }
    return ForecastMonth(
        begins_at=begins,
        ends_at=ends,
        days=_expected_by_day(spent, ahead, habit, begins, now, ends, zone, what_if),
        **made,
    )


type _NewSyncCosts = Mapping[tuple[UUID, str, str], int]  # workspace, network, currency: micro-units in 30 days


@dataclass(slots=True)
class _ForecastSum:
    spent: int = 0
    calendar: int = 0
    reading: float = 0.0
    variance: float = 0.0
    habit: float = 0.0  # what posting would come to if it went on as it did
    fee: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class _CostRow:
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
class _DailyUse:
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


def _group_keys(network: str, campaign: str) -> Iterable[tuple[str, str]]:
    yield "total", ""
    yield "networks", network
    if campaign:
        yield "campaigns", campaign


def _sum_for(rows: dict[tuple[str, str], _ForecastSum], key: str, currency: str) -> _ForecastSum:
    return rows.setdefault((key, currency), _ForecastSum())


def _build_forecast(key: str, currency: str, s: _ForecastSum) -> CurrencyMonthForecast:
    reading, spread = round(s.reading), FORECAST_BAND_DEVIATIONS * math.sqrt(s.variance)
    return CurrencyMonthForecast(
        key=key,
        currency=currency,
        spent=s.spent,
        calendar=s.calendar,
        reading=reading,
        fee=s.fee,
        low=s.spent + s.fee + s.calendar + max(0, round(s.reading - spread)),
        high=s.spent + s.fee + max(s.calendar, round(s.habit)) + round(s.reading + spread),
    )


def _charges_in_scope(scope: CostScope) -> Any:
    rows = Charge.objects.exclude(currency="")
    if scope.workspace_ids:
        rows = rows.filter(workspace_id__in=scope.workspace_ids)
    for name in ("app_id", "network", "channel_id", "campaign_id", "purpose"):
        if value := getattr(scope, name):
            rows = rows.filter(**{name: value})
    return rows


def _spent_rows(scope: CostScope, begins: datetime, now: datetime, zone: str) -> list[_CostRow]:
    rows = _charges_in_scope(scope).filter(at__gte=begins, at__lte=now)
    found = rows.values_list(
        "workspace_id", "network", "campaign_id", "currency", TruncDate("at", tzinfo=clock.find_zone(zone))
    ).annotate(total=Sum("micro"))
    return [
        _CostRow(workspace=w, network=n, campaign=str(c) if c else "", currency=cur, day=day, micro=total)
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


def _scheduled_rows(scope: CostScope, now: datetime, ends: datetime, zone: str) -> list[_CostRow]:
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
        _CostRow(
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


def _reprice_row(row: _CostRow, what_if: ForecastAssumptions) -> _CostRow:
    """The row with its price: of its own day and plan, or as it would be if something were otherwise."""
    listed = price_list_for_day(row.network, row.day or clock.now().date(), what_if.plan or row.plan)
    if listed is None and what_if.plan:  # another network's plan
        listed = price_list_for_day(row.network, row.day or clock.now().date(), row.plan)
    if listed is None:
        return row
    meter = listed.instead.get(row.meter, row.meter) if what_if.plain else row.meter
    each = what_if.prices.get(meter, listed.prices.get(meter, 0))
    return replace(row, micro=each * row.units, currency=listed.currency)


def _reprice_daily_use(row: _DailyUse, what_if: ForecastAssumptions) -> _DailyUse:
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


def _daily_use(scope: CostScope, now: datetime, zone: str) -> list[_DailyUse]:
    """What the last days cost."""
    rows = _charges_in_scope(scope).filter(at__gte=now - timedelta(days=HABIT_DAYS), at__lt=now)
    found = rows.values_list(
        "workspace_id", "network", "currency", "purpose", "meter", TruncDate("at", tzinfo=clock.find_zone(zone))
    ).annotate(count=Sum("units"), total=Sum("micro"), first=Min("at"))
    return [
        _DailyUse(
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


def _habit_by_day(used: list[_DailyUse], now: datetime, zone: str) -> dict[tuple[str, str, bool], list[int]]:
    """Micro-units of each of the last days: network, currency, whether it was reading and looking up. Fewer days where
    the ledger is younger."""
    if not used:
        return {}
    today = now.astimezone(clock.find_zone(zone)).date()
    days = max(1, min(HABIT_DAYS, (now - min(row.first_at for row in used)).days + 1))
    found: dict[tuple[str, str, bool], list[int]] = defaultdict(lambda: [0] * days)
    for row in used:
        is_reading = row.purpose not in (Purpose.PUBLISH, Purpose.WITHDRAW, Purpose.CONNECT)
        found[row.network, row.currency, is_reading][min(days - 1, (today - row.day).days)] += row.micro
    return found


def _new_sync_costs(scope: CostScope) -> _NewSyncCosts:
    """Of whole workspaces; what is narrower goes by its habit alone."""
    if not scope.workspace_ids or scope.app_id or scope.channel_id or scope.campaign_id or scope.purpose:
        return {}
    told = [tell(scope.workspace_ids) for tell in NEW_SYNC_COST_HOOKS]
    return {key: n for one in told for key, n in one.items() if scope.network in ("", key[1])}


def _add_new_sync_costs(
    habit: dict[tuple[str, str, bool], list[int]], begun: _NewSyncCosts
) -> dict[tuple[str, str, bool], list[int]]:
    """What began lately is expected each day as it was foretold, where its short habit says less."""
    foretold: dict[tuple[str, str, bool], int] = defaultdict(int)
    for (_, network, currency), micro in begun.items():
        foretold[network, currency, True] += micro // 30
    days = max((len(daily) for daily in habit.values()), default=1)
    more = {key: [a_day] * days for key, a_day in foretold.items() if a_day > statistics.fmean(habit.get(key, [0]))}
    return habit | more


def _expected_by_day(
    spent: list[_CostRow],
    ahead: list[_CostRow],
    habit: Mapping[tuple[str, str, bool], list[int]],
    begins: datetime,
    now: datetime,
    ends: datetime,
    zone: str,
    what_if: ForecastAssumptions,
) -> tuple[tuple[date, int], ...]:
    """What is expected to be spent at the end of each day."""
    currency = next((row.currency for row in [*spent, *ahead] if row.currency), "")
    by_day: dict[date, float] = defaultdict(float)
    for row in [*spent, *ahead]:
        if row.currency == currency and row.day:
            by_day[row.day] += row.micro
    reading = sum(
        statistics.fmean(daily) for (_, cur, is_reading), daily in habit.items() if is_reading and cur == currency
    )
    tz = clock.find_zone(zone)
    first, last, today = (
        begins.astimezone(tz).date(),
        (ends - timedelta(seconds=1)).astimezone(tz).date(),
        now.astimezone(tz).date(),
    )
    total, made = 0.0, []
    for n in range((last - first).days + 1):
        day = first + timedelta(days=n)
        total += by_day.get(day, 0.0) + (reading * what_if.reading if day > today else 0.0)
        made.append((day, round(total)))
    return tuple(made)


def budgets_exceeded_by_forecast(rows: Iterable[Budget]) -> list[tuple[Budget, CurrencyMonthForecast]]:
    """Budgets of money that the forecast of their own period passes."""
    found = []
    for budget in rows:
        now = clock.now()
        ends = budgets.period_end(budget, now)
        if budget.meter or ends == budgets.NEVER:
            continue
        scope = CostScope(
            workspace_ids=(budget.workspace_id,) if budget.workspace_id else (),
            app_id=budget.app_id,
            network=budget.network,
            channel_id=budget.channel_id,
            campaign_id=budget.campaign_id,
            purpose=budget.purpose,
        )
        month = forecast_month(scope, budgets.period_start(budget, now), ends, ForecastAssumptions(), budget.timezone)
        for one in month.total:
            if one.currency == budget.currency and one.expected > budget.amount:
                found.append((budget, one))
    return found


def alert_on_forecast() -> int:
    """Tell, once a period, of budgets that the forecast passes; how many. Run hourly."""
    found = budgets_exceeded_by_forecast(Budget.objects.filter(is_active=True, meter=""))
    for budget, forecast in found:
        workspace_id = (
            budget.workspace_id
            or Charge.objects.filter(app_id=budget.app_id).values_list("workspace_id", flat=True).last()
        )
        if workspace_id is None:
            continue
        begins, ends = budgets.period_start(budget, clock.now()), budgets.period_end(budget, clock.now())
        notices.notify(
            "budget.forecast",
            workspace_id,
            gather=f"{budget.id} {begins.isoformat()} forecast",
            once=True,
            page="/costs/budgets",
            budget=budget.name,
            expected=format_money(forecast.expected, forecast.currency),
            amount=format_money(budget.amount, budget.currency),
            until=ends.astimezone(clock.find_zone(budget.timezone)).date().isoformat(),
        )
    return 0


__all__ = [
    "CostScope",
    "CurrencyMonthForecast",
    "ForecastAssumptions",
    "ForecastMonth",
    "alert_on_forecast",
    "budgets_exceeded_by_forecast",
    "forecast",
    "forecast_month",
    "forecast_totals",
    "meter_names",
    "month_bounds",
    "plan_names",
    "workspaces_by_zone",
]
