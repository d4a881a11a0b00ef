"""Alerts about budgets that the forecast exceeds."""

from __future__ import annotations

from collections.abc import Iterable

from kicau.base import clock
from kicau.base.money import format_money
from kicau.cost_reports.cost_rows import CostScope
from kicau.cost_reports.forecast import CurrencyMonthForecast, forecast_month
from kicau.cost_reports.forecast_assumptions import ForecastAssumptions
from kicau.costs import budgets
from kicau.costs.models import Budget, Charge
from kicau.notifications import actions as notices


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
