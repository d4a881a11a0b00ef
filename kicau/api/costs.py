"""Endpoints: what calls to networks used up, what they may, and what they will."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from ninja import Query, Router

from kicau.api.core.authentication import authenticated_actor
from kicau.api.core.paging import paginate
from kicau.api.core.routes import READ_SCOPE, SETTINGS_SCOPE, UuidPath
from kicau.api.core.times import parse_range_end
from kicau.api.schemas import costs as c
from kicau.api.schemas import deliveries as s
from kicau.base.errors import NotFound, validation_failed
from kicau.base.ids import as_uuid
from kicau.channels.actions import app_for, one_channel
from kicau.connector import registry
from kicau.cost_reports import forecast, forecast_assumptions
from kicau.costs import actions as plans
from kicau.costs import budgets, ledger, workloads
from kicau.costs.display_currency import CurrencyDisplay
from kicau.costs.models import Charge
from kicau.publishing.content.compositions import campaigns
from kicau.workspaces.actors import Actor, Permission

routes = Router(tags=["Costs"])


@routes.get("/charges", response=s.ChargeEntryPage, summary="List charges", openapi_extra=READ_SCOPE)
def list_charges(request: HttpRequest, asked: Query[s.ChargeQuery]) -> dict[str, Any]:
    """One charge for each request to a network that used units or money, newest first."""
    actor = authenticated_actor(request)
    wanted = {
        "at__gte": parse_range_end(asked.since, actor, "from"),
        "at__lt": parse_range_end(asked.until, actor, "to"),
        "network": asked.network,
        "channel_id": one_channel(actor, asked.channel).id if asked.channel else None,
        "delivery_id": as_uuid(asked.delivery) if asked.delivery else None,
    }
    rows = ledger.charges(actor).filter(**{name: value for name, value in wanted.items() if value})
    return paginate(rows, ("-id",), asked, _charge_schema)


@routes.get("/charges/totals", response=s.ChargeTotals, summary="Sum charges", openapi_extra=READ_SCOPE)
def sum_charges(request: HttpRequest, asked: Query[s.RangeQuery]) -> s.ChargeTotals:
    """Totals by network, meter, purpose and currency."""
    actor = authenticated_actor(request)
    found = ledger.charge_totals(
        actor, parse_range_end(asked.since, actor, "from"), parse_range_end(asked.until, actor, "to")
    )
    return s.ChargeTotals(
        items=[s.ChargeTotal(units=row.pop("total_units"), micro=row.pop("total_micro"), **row) for row in found]
    )


def _charge_schema(row: Charge) -> s.ChargeEntry:
    return s.ChargeEntry(
        id=row.pk,
        at=row.at,
        network=row.network,
        channel=str(row.channel_id) if row.channel_id else None,
        delivery=str(row.delivery_id) if row.delivery_id else None,
        purpose=row.purpose,
        meter=row.meter,
        units=row.units,
        micro=row.micro,
        currency=row.currency,
    )


@routes.get("/budgets", response=c.BudgetStates, summary="List budgets", openapi_extra=READ_SCOPE)
def list_budgets(request: HttpRequest) -> c.BudgetStates:
    """Budgets of the workspace and of the server's apps, with their current usage."""
    actor = authenticated_actor(request)
    display = CurrencyDisplay(actor.workspace.currency)
    return c.BudgetStates(
        items=[budget_schema(state, display) for state in plans.budget_balances(list(plans.budgets(actor)))]
    )


@routes.post("/budgets", response={201: c.BudgetState}, summary="Create a budget", openapi_extra=SETTINGS_SCOPE)
def create_budget(request: HttpRequest, given: c.BudgetInput) -> c.BudgetState:
    """Charges since the beginning of the current period count."""
    actor = authenticated_actor(request)
    return budget_schema(
        plans.budget_balances([plans.set_budget(actor, _assumptions_from_request(actor, given))])[0],
        CurrencyDisplay(actor.workspace.currency),
    )


@routes.get("/budgets/{budget_id}", response=c.BudgetState, summary="Retrieve a budget", openapi_extra=READ_SCOPE)
def get_budget(request: HttpRequest, budget_id: UuidPath) -> c.BudgetState:
    """Includes its current usage."""
    actor = authenticated_actor(request)
    return budget_schema(
        plans.budget_balances([plans.one_budget(actor, budget_id)])[0], CurrencyDisplay(actor.workspace.currency)
    )


@routes.put("/budgets/{budget_id}", response=c.BudgetState, summary="Update a budget", openapi_extra=SETTINGS_SCOPE)
def update_budget(request: HttpRequest, budget_id: UuidPath, given: c.BudgetInput) -> c.BudgetState:
    """If you raise it, Kicau publishes the posts that the budget held within seconds, ordered by due time."""
    actor = authenticated_actor(request)
    return budget_schema(
        plans.budget_balances([plans.set_budget(actor, _assumptions_from_request(actor, given), budget_id=budget_id)])[
            0
        ],
        CurrencyDisplay(actor.workspace.currency),
    )


@routes.delete("/budgets/{budget_id}", response={204: None}, summary="Delete a budget", openapi_extra=SETTINGS_SCOPE)
def delete_budget(request: HttpRequest, budget_id: UuidPath) -> None:
    """Kicau publishes the posts that the budget held."""
    plans.remove_budget(authenticated_actor(request), budget_id)


@routes.get("/forecast", response=c.MonthForecast, summary="Forecast the costs of the month", openapi_extra=READ_SCOPE)
def get_forecast(request: HttpRequest, asked: Query[c.ForecastQuery]) -> c.MonthForecast:
    """Returns costs so far, scheduled posts and expected reading until the end of the month. Parameters simulate other conditions."""
    actor = authenticated_actor(request)
    display = CurrencyDisplay(actor.workspace.currency)
    what_if = forecast_assumptions.ForecastAssumptions(
        plan=asked.plan, sync=asked.sync, plain=asked.plain, prices=_parse_prices(asked.price)
    )
    month = forecast.forecast(actor, what_if)
    total, networks, campaigns = (
        [forecast_schema(f, display) for f in group if f.currency]
        for group in (month.total, month.networks, month.campaigns)
    )
    return c.MonthForecast(
        begins_at=month.begins_at, ends_at=month.ends_at, total=total, networks=networks, campaigns=campaigns
    )


@routes.get("/plans", response=c.PlanQuotes, summary="Compare plans", openapi_extra=READ_SCOPE)
def compare_plans(request: HttpRequest, asked: Query[c.PlansQuery]) -> c.PlanQuotes:
    """Returns what each plan would cost for the usage of this workspace in the last 30 days."""
    actor = authenticated_actor(request)
    actor.require(Permission.READ)
    if asked.network and asked.network not in registry.installed_slugs():
        raise NotFound("network", asked.network)
    display = CurrencyDisplay(actor.workspace.currency)
    found = [
        (slug, q)
        for slug in ([asked.network] if asked.network else registry.installed_slugs())
        for q in workloads.compare_plans(slug, workloads.measured_workload(slug, workspace_id=actor.workspace.id))
    ]
    return c.PlanQuotes(
        items=[
            c.PlanQuote(
                network=slug,
                plan=q.plan.name,
                since=q.plan.since,
                currency=q.plan.currency,
                fee=q.fee,
                use=q.use,
                total=q.total,
                shown=converted_amount(display, q.total, q.plan.currency),
                fits=q.fits,
                exceeded_meters=list(q.breaks),
            )
            for slug, q in found
        ]
    )


def _assumptions_from_request(actor: Actor, given: c.BudgetInput) -> plans.BudgetValues:
    campaign = campaigns(actor).filter(name=given.campaign).first() if given.campaign else None
    if given.campaign and campaign is None:
        raise NotFound("campaign", given.campaign)
    return plans.BudgetValues(
        name=given.name,
        amount=given.amount,
        currency=given.currency,
        meter=given.meter,
        period=given.period,
        timezone=given.timezone,
        is_hard=given.hard,
        notify_at_percent=given.notify_at_percent,
        sync_share_percent=given.sync_share_percent,
        network=given.network,
        purpose=given.purpose,
        channel_id=one_channel(actor, given.channel).id if given.channel else None,
        campaign_id=campaign.id if campaign else None,
        app_id=app_for(given.network, given.app).id if given.app else None,
    )


def converted_amount(display: CurrencyDisplay, micro: int, currency: str) -> c.ConvertedAmount | None:
    found = display.of(micro, currency)
    return (
        c.ConvertedAmount(
            currency=found.currency, amount=found.micro, rate=f"{found.rate.normalize():f}", since=found.since
        )
        if found
        else None
    )


def budget_schema(state: plans.BudgetBalance, display: CurrencyDisplay) -> c.BudgetState:
    row = state.budget
    return c.BudgetState(
        id=str(row.id),
        name=row.name,
        amount=row.amount,
        currency=row.currency,
        meter=row.meter,
        period=row.period,
        timezone=row.timezone,
        hard=row.is_hard,
        notify_at_percent=row.notify_at_percent,
        sync_share_percent=row.sync_share_percent,
        cap=bool(row.cap),
        whole_app=row.workspace_id is None,
        network=row.network,
        channel=str(row.channel_id) if row.channel_id else None,
        campaign=str(row.campaign_id) if row.campaign_id else None,
        purpose=row.purpose,
        used=state.used,
        shown=converted_amount(display, row.amount, row.currency),
        reserved=state.reserved,
        begins_at=state.begins_at,
        renews_at=None if state.renews_at == budgets.NEVER else state.renews_at,
    )


def _parse_prices(written: list[str]) -> dict[str, int]:
    found = {}
    for one in written:
        meter, _, amount = one.partition("=")
        if not meter or not amount.isdecimal() or len(amount) > 15:
            raise validation_failed("price", "Give a meter and whole millionths of its currency: post=30000.")
        found[meter] = int(amount)
    return found


def forecast_schema(f: forecast.CurrencyMonthForecast, display: CurrencyDisplay) -> c.CurrencyForecast:
    return c.CurrencyForecast(
        key=f.key,
        currency=f.currency,
        spent=f.spent,
        scheduled=f.scheduled,
        sync=f.sync,
        fee=f.fee,
        expected=f.expected,
        low=f.low,
        high=f.high,
        shown=converted_amount(display, f.expected, f.currency),
    )
