"""The page *Costs*: what the month costs, its forecast, and which readings cost money."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal, InvalidOperation

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from kicau.base import clock
from kicau.base.errors import ValidationFailed, validation_failed
from kicau.base.money import MICRO_PER_UNIT
from kicau.connector import registry
from kicau.cost_reports import cost_statements, forecast, forecast_assumptions
from kicau.cost_reports.sync_savings import sync_savings
from kicau.costs import actions, budgets, display_currency, workloads
from kicau.costs.actions import BudgetBalance
from kicau.costs.models import Budget
from kicau.publishing.content.compositions import campaigns
from kicau.sync import sync_settings, webhook_subscriptions
from kicau.web.core.labels import errors_by_field
from kicau.web.core.views import MemberRequest, member_page, run_action
from kicau.web.costs import charts
from kicau.workspaces.actors import Actor


@member_page
@require_safe
def month_overview(request: MemberRequest) -> HttpResponse:
    """The month by day, network and purpose, with what is expected of it."""
    actor = request.actor
    told = cost_statements.cost_statement(actor, request.GET.get("month", ""))
    display_currency.activate_display(display_currency.active_display().by(told.ends_at))
    zone = clock.find_zone(told.zone)
    begins, today = told.begins_at.astimezone(zone), clock.now().astimezone(zone).date()
    is_now = told.begins_at <= clock.now() < told.ends_at
    month = forecast.forecast(actor) if is_now else None
    otherwise, errors = _assumed_month(request) if is_now else (None, {})
    states = actions.budget_balances(list(actions.budgets(actor)))
    currency = told.totals[0][0] if told.totals else month.total[0].currency if month and month.total else ""
    total = next((f for f in month.total if f.currency == currency), None) if month else None
    limit = _smallest_month_budget(states, currency)
    names = {str(c.id): c.name for c in campaigns(actor)}
    worth = display_currency.active_display().of(MICRO_PER_UNIT, currency)
    scale = charts.Scale(currency=worth.currency, rate=worth.rate) if worth else charts.Scale(currency=currency)
    return render(
        request,
        "costs/month_overview.html",
        {
            "told": told,
            "month": month,
            "total": total,
            "otherwise": [f for f in otherwise.total if f.currency] if otherwise else None,
            "currency": currency,
            "by_day": charts.bar_chart(told.days, scale),
            "days": [(day, micro) for day, micro in told.days if micro],
            "course": charts.spending_chart(
                told.days,
                month.days if month else (),
                today,
                scale,
                low=total.low if total else 0,
                high=total.high if total else 0,
                limit=limit,
            ),
            "expected": [(day, micro) for day, micro in month.days if day >= today] if month else (),
            "limit": limit,
            "begins": begins,
            **_neighbour_months(begins, is_now=is_now),
            "states": states,
            "NEVER": budgets.NEVER,
            "compared": _compare_plans(actor, told),
            "savings": [
                (registry.get_connector(slug).label, currency, one) for slug, currency, one in sync_savings(actor)
            ],
            "readable": sync_settings.sync_options(actor),
            "tellers": webhook_subscriptions.webhook_options(actor),
            "plans": forecast_assumptions.plan_names(),
            "meters": forecast_assumptions.meter_names(),
            "asked": request.GET,
            "errors": errors,
            "campaign_names": names,
        },
    )


def _smallest_month_budget(states: Iterable[BudgetBalance], currency: str) -> int:
    """In micro-units; 0 where no budget is of the whole workspace."""
    of_month = [one.budget for one in states if one.budget.period == "month" and one.budget.currency == currency]
    return min((budget.amount for budget in of_month if _covers_workspace(budget)), default=0)


def _neighbour_months(begins: datetime, *, is_now: bool) -> dict[str, str]:
    return {
        "earlier": f"{begins.year - (begins.month == 1)}-{(begins.month - 2) % 12 + 1:02d}",
        "later": "" if is_now else f"{begins.year + (begins.month == 12)}-{begins.month % 12 + 1:02d}",
        "this": f"{begins:%Y-%m}",
    }


@member_page
@require_POST
def switch_polling(request: MemberRequest) -> HttpResponse:
    """Read on a network, at the figure that was shown, or no more."""
    reads, accepts = request.POST.get("reads") == "on", request.POST.get("accepts", "")
    run_action(
        request,
        lambda: sync_settings.switch_sync(
            request.actor,
            request.POST.get("network", ""),
            reads,
            accepts=int(accepts) if accepts.isdecimal() and len(accepts) < 19 else None,
        ),
        _("Kicau now monitors the comments, replies and statistics of your posts on this network.")
        if reads
        else _(
            "Kicau no longer monitors the comments, replies and statistics of your posts on this network. The data collected so far is kept."
        ),
    )
    return redirect("costs")


@member_page
@require_POST
def switch_webhooks(request: MemberRequest) -> HttpResponse:
    """Have a network tell of answers, or no more."""
    on = request.POST.get("on") == "on"
    run_action(
        request,
        lambda: webhook_subscriptions.switch_webhooks(request.actor, request.POST.get("network", ""), on),
        _("Kicau is turning on webhooks (instant updates) for this network. This takes a few seconds.")
        if on
        else _(
            "Webhooks (instant updates) from this network are off. Instead, Kicau checks for new comments and replies at regular intervals."
        ),
    )
    return redirect("costs")


def _covers_workspace(budget: Budget) -> bool:
    return not (budget.channel_id or budget.campaign_id or budget.network or budget.purpose or budget.app_id)


def _assumed_month(request: MemberRequest) -> tuple[forecast.ForecastMonth | None, dict[str, list[str]]]:
    """The month as it is asked for in *What if*; None where nothing is; what is wrong, by field."""
    try:
        what_if = _parse_assumptions(request)
        return (
            forecast.forecast(request.actor, what_if) if what_if != forecast_assumptions.ForecastAssumptions() else None
        ), {}
    except ValidationFailed as exc:
        return None, errors_by_field(exc)


def _parse_assumptions(request: HttpRequest) -> forecast_assumptions.ForecastAssumptions:
    asked = request.GET
    meter, price = asked.get("meter", "")[:60], _parse_price(asked.get("price", ""))
    if meter and price is None:
        raise validation_failed(
            "price", "Enter the price of one unit (for example, one API call) as a number, for example 0.02."
        )
    if price is not None and not meter:
        raise validation_failed(
            "meter", "You entered a price. Choose the type of API usage to which this price applies."
        )
    return forecast_assumptions.ForecastAssumptions(
        plan=asked.get("plan", "")[:40],
        sync=0.5 if asked.get("sync") == "half" else 1.0,
        plain="plain" in asked,
        prices={meter: price} if price is not None else {},
    )


def _parse_price(written: str) -> int | None:
    """In micro-units; None for nothing. Raises ValidationFailed."""
    if not written.strip():
        return None
    try:
        micro = Decimal(written.strip().replace(",", ".")) * MICRO_PER_UNIT
    except InvalidOperation:
        micro = Decimal("NaN")
    if not (micro.is_finite() and 0 <= micro < 10**12):
        raise validation_failed(
            "price", "Enter the price of one unit (for example, one API call) as a number, for example 0.02."
        )
    return int(micro)


def _compare_plans(
    actor: Actor, told: cost_statements.CostStatement
) -> list[tuple[str, list[workloads.PlanCostEstimate]]]:
    """For each network that cost money this month: its plans, for what was used in the last 30 days."""
    found = []
    for line in told.networks:
        quotes = workloads.compare_plans(
            line.key, workloads.measured_workload(line.key, workspace_id=actor.workspace.id)
        )
        if quotes:
            found.append((line.label, quotes))
    return found
