"""What the month will cost: what was charged, what the calendar will charge, and what standing reading goes on to cost."""

from __future__ import annotations

import math
import statistics
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from kicau.base import clock
from kicau.cost_reports.cost_rows import (
    HABIT_DAYS,
    CostRow,
    CostScope,
    DailyUse,
    daily_use,
    scheduled_rows,
    spent_rows,
)
from kicau.cost_reports.forecast_assumptions import (
    ForecastAssumptions,
    check_assumptions,
    reprice_daily_use,
    reprice_row,
)
from kicau.costs.models import Purpose
from kicau.costs.pricing import price_list_for_day
from kicau.workspaces.actors import Actor, Permission

#: A room above tells what standing reading will cost that was switched on within the last HABIT days, so that there is no
#: habit yet: micro-units in 30 days, by workspace, network and currency. Called with the ids of workspaces.
NEW_SYNC_COST_HOOKS: list[Callable[[Collection[UUID]], Mapping[tuple[UUID, str, str], int]]] = []
FORECAST_BAND_DEVIATIONS = 1.28  # standard deviations: four months of five end within the band


@dataclass(frozen=True, slots=True, kw_only=True)
class CurrencyMonthForecast:
    """One currency's month, in micro-units. `low` to `high` is where four months of five would end."""

    key: str  # network, campaign id, or ""
    currency: str
    spent: int
    scheduled: int  # what is scheduled until the end
    sync: int  # what reading and looking up will come to by their habit
    fee: int  # what the plan that is tried asks for each month, used or not; 0 of the month as it goes
    low: int
    high: int

    @property
    def expected(self) -> int:
        return self.spent + self.scheduled + self.sync + self.fee


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
        check_assumptions(what_if)
    begins, ends = month_bounds(actor.workspace.timezone, clock.now())
    scope = CostScope(workspace_ids=(actor.workspace.id,))
    return forecast_month(scope, begins, ends, what_if or ForecastAssumptions(), actor.workspace.timezone)


def forecast_totals(actors: Iterable[Actor]) -> dict[UUID, tuple[CurrencyMonthForecast, ...]]:
    """The present month's `total` of each actor's workspace, by its id: in three statements for each time zone that is
    among them, however many they are."""
    found: dict[UUID, tuple[CurrencyMonthForecast, ...]] = {}
    now = clock.now()
    for zone, ids in workspaces_by_zone(actors).items():
        begins, ends = month_bounds(zone, now)
        scope = CostScope(workspace_ids=tuple(ids))
        spent, ahead, used = (
            spent_rows(scope, begins, now, zone),
            scheduled_rows(scope, now, ends, zone),
            daily_use(scope, now, zone),
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


def _rows_of_workspace[Row: (CostRow, DailyUse)](workspace: UUID, rows: list[Row]) -> list[Row]:
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
        spent_rows(scope, begins, now, zone),
        scheduled_rows(scope, now, ends, zone),
        daily_use(scope, now, zone),
        _new_sync_costs(scope),
        begins,
        now,
        ends,
        what_if,
        zone,
    )


def _build_month(
    spent: list[CostRow],
    calendar: list[CostRow],
    used: list[DailyUse],
    begun: _NewSyncCosts,
    begins: datetime,
    now: datetime,
    ends: datetime,
    what_if: ForecastAssumptions,
    zone: str,
) -> ForecastMonth:
    ahead = [reprice_row(row, what_if) for row in calendar]
    habit = _add_new_sync_costs(_habit_by_day([reprice_daily_use(row, what_if) for row in used], now, zone), begun)
    left = (ends - now) / timedelta(days=1)
    by: dict[str, dict[tuple[str, str], _ForecastSum]] = {"total": {}, "networks": {}, "campaigns": {}}
    for row in spent:
        for group, key in _group_keys(row.network, row.campaign):
            _sum_for(by[group], key, row.currency).spent += row.micro
    for row in ahead:
        for group, key in _group_keys(row.network, row.campaign):
            _sum_for(by[group], key, row.currency).scheduled += row.micro
    for (network, currency, is_reading), daily in habit.items():
        mean, spread = statistics.fmean(daily), statistics.pstdev(daily)
        for group, key in _group_keys(network, ""):
            if group == "campaigns":
                continue
            found = _sum_for(by[group], key, currency)
            if is_reading:
                found.sync += mean * left * what_if.sync
                found.variance += (spread * what_if.sync) ** 2 * left
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
    scheduled: int = 0
    sync: float = 0.0
    variance: float = 0.0
    habit: float = 0.0  # what posting would come to if it went on as it did
    fee: int = 0


def _group_keys(network: str, campaign: str) -> Iterable[tuple[str, str]]:
    yield "total", ""
    yield "networks", network
    if campaign:
        yield "campaigns", campaign


def _sum_for(rows: dict[tuple[str, str], _ForecastSum], key: str, currency: str) -> _ForecastSum:
    return rows.setdefault((key, currency), _ForecastSum())


def _build_forecast(key: str, currency: str, s: _ForecastSum) -> CurrencyMonthForecast:
    sync, spread = round(s.sync), FORECAST_BAND_DEVIATIONS * math.sqrt(s.variance)
    return CurrencyMonthForecast(
        key=key,
        currency=currency,
        spent=s.spent,
        scheduled=s.scheduled,
        sync=sync,
        fee=s.fee,
        low=s.spent + s.fee + s.scheduled + max(0, round(s.sync - spread)),
        high=s.spent + s.fee + max(s.scheduled, round(s.habit)) + round(s.sync + spread),
    )


def _habit_by_day(used: list[DailyUse], now: datetime, zone: str) -> dict[tuple[str, str, bool], list[int]]:
    """Micro-units of each of the last days: network, currency, whether it was reading and looking up. Fewer days where
    the ledger is younger."""
    if not used:
        return {}
    today = now.astimezone(clock.find_zone(zone)).date()
    days = max(1, min(HABIT_DAYS, (now - min(row.first_at for row in used)).days + 1))
    found: dict[tuple[str, str, bool], list[int]] = defaultdict(lambda: [0] * days)
    for row in used:
        is_reading = row.purpose not in (Purpose.PUBLISH, Purpose.DELETE, Purpose.CONNECT)
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
    spent: list[CostRow],
    ahead: list[CostRow],
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
        total += by_day.get(day, 0.0) + (reading * what_if.sync if day > today else 0.0)
        made.append((day, round(total)))
    return tuple(made)


__all__ = [
    "CurrencyMonthForecast",
    "ForecastMonth",
    "forecast",
    "forecast_month",
    "forecast_totals",
    "month_bounds",
    "workspaces_by_zone",
]
