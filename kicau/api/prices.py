"""Endpoints: price lists, rates, what reading sparingly saves, the month's statement, and each client's costs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Any

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from ninja import Query, Router

from kicau.api.core.authentication import authenticated_actor
from kicau.api.core.routes import READ_SCOPE, SETTINGS_SCOPE, IdPath, UuidPath
from kicau.api.core.streams import stream_response
from kicau.api.costs import budget_schema, converted_amount, forecast_schema
from kicau.api.schemas import costs as c
from kicau.cost_reports import client_costs, cost_statements
from kicau.cost_reports.statement_pdf import render_statement_pdf
from kicau.cost_reports.sync_savings import sync_savings
from kicau.costs import actions, display_currency
from kicau.costs.models import ExchangeRate

routes = Router(tags=["Costs"])
_CSV_RESPONSE: dict[str, Any] = {"content": {"text/csv": {"schema": {"type": "string"}}}}
_PDF_RESPONSE: dict[str, Any] = {"content": {"application/pdf": {"schema": {"type": "string", "format": "binary"}}}}


@routes.get("/price-lists", response=c.PriceLists, summary="List price lists", openapi_extra=READ_SCOPE)
def list_price_lists(request: HttpRequest, asked: Query[c.PlansQuery]) -> c.PriceLists:
    """All price lists with their start date and source. Past charges keep their prices."""
    found = actions.price_lists(authenticated_actor(request))
    return c.PriceLists(items=[_price_list_schema(one) for one in found if asked.network in ("", one.network)])


@routes.post("/price-lists", response={201: c.PriceLists}, summary="Add price lists", openapi_extra=SETTINGS_SCOPE)
def add_price_list(request: HttpRequest, given: c.PriceListInput) -> c.PriceLists:
    """For operators: prices of your own contract, or prices that have changed. Returns the lists that were added."""
    actor = authenticated_actor(request)
    made = actions.add_price_list(actor, given.network, given.toml)
    return c.PriceLists(
        items=[_price_list_schema(one) for one in actions.price_lists(actor) if one.own and one.own.id == made.id]
    )


@routes.delete(
    "/price-lists/{list_id}", response={204: None}, summary="Delete a price list", openapi_extra=SETTINGS_SCOPE
)
def remove_price_list(request: HttpRequest, list_id: UuidPath) -> None:
    """For operators. The list that it replaced applies again."""
    actions.remove_price_list(authenticated_actor(request), list_id)


@routes.get("/exchange-rates", response=c.CurrencyRates, summary="List exchange rates", openapi_extra=READ_SCOPE)
def list_rates(request: HttpRequest) -> c.CurrencyRates:
    """For display only."""
    return c.CurrencyRates(
        items=[_rate_schema(row) for row in display_currency.exchange_rates(authenticated_actor(request))]
    )


@routes.post(
    "/exchange-rates", response={201: c.CurrencyRate}, summary="Add an exchange rate", openapi_extra=SETTINGS_SCOPE
)
def set_rate(request: HttpRequest, given: c.RateInput) -> c.CurrencyRate:
    """For operators. Replaces a rate of the same currencies and day."""
    return _rate_schema(
        display_currency.set_rate(
            authenticated_actor(request), given.currency, given.shown_in, Decimal(given.rate), given.since
        )
    )


@routes.delete(
    "/exchange-rates/{rate_id}", response={204: None}, summary="Delete an exchange rate", openapi_extra=SETTINGS_SCOPE
)
def remove_rate(request: HttpRequest, rate_id: IdPath) -> None:
    """For operators. The previous rate applies again."""
    display_currency.remove_rate(authenticated_actor(request), rate_id)


@routes.get(
    "/savings", response=c.PollingSavings, summary="Retrieve savings by the reading policy", openapi_extra=READ_SCOPE
)
def list_savings(request: HttpRequest) -> c.PollingSavings:
    """Compares the cost of the reading policy with naive polling, for the channels of this workspace."""
    found = sync_savings(authenticated_actor(request))
    return c.PollingSavings(
        items=[
            c.PollingSaving(
                network=slug,
                currency=currency,
                cost=one.ours_micro,
                cost_without_policy=one.naive_micro,
                percent=one.percent,
            )
            for slug, currency, one in found
        ]
    )


@routes.get(
    "/statement", response=c.MonthStatement, summary="Retrieve a month's cost statement", openapi_extra=READ_SCOPE
)
def get_month_statement(request: HttpRequest, asked: Query[c.MonthQuery]) -> c.MonthStatement:
    """Costs of a month by network, purpose, meter, channel, campaign and person."""
    actor = authenticated_actor(request)
    told = cost_statements.cost_statement(actor, asked.month)
    shown = display_currency.CurrencyDisplay(actor.workspace.currency).by(told.ends_at)
    return c.MonthStatement(
        workspace=told.workspace,
        timezone=told.zone,
        begins_at=told.begins_at,
        ends_at=told.ends_at,
        uncertain=told.uncertain,
        totals=[
            c.MonthTotal(currency=currency, micro=micro, shown=converted_amount(shown, micro, currency))
            for currency, micro in told.totals
        ],
        networks=_statement_lines(told.networks),
        purposes=_statement_lines(told.purposes),
        meters=_statement_lines(told.meters),
        channels=_statement_lines(told.channels),
        campaigns=_statement_lines(told.campaigns),
        people=_statement_lines(told.people),
    )


@routes.get(
    "/statement/csv",
    summary="Download a month's charges",
    openapi_extra={**READ_SCOPE, "responses": {200: {"description": "A line for each charge.", **_CSV_RESPONSE}}},
)
def get_month_statement_csv(request: HttpRequest, asked: Query[c.MonthQuery]) -> StreamingHttpResponse:
    """Oldest first, each with its price and the converted price in the workspace's own currency."""
    actor = authenticated_actor(request)
    return stream_response(
        request,
        _encode_lines(cost_statements.statement_csv(actor, asked.month)),
        "text/csv; charset=utf-8",
        f"kicau-{asked.month or 'month'}.csv",
    )


@routes.get(
    "/statement/pdf",
    summary="Download a month's cost statement",
    openapi_extra={**READ_SCOPE, "responses": {200: {"description": "A4.", **_PDF_RESPONSE}}},
)
def get_month_statement_pdf(request: HttpRequest, asked: Query[c.MonthQuery]) -> HttpResponse:
    """A document that you can send with an invoice, in the workspace's language."""
    actor = authenticated_actor(request)
    told = cost_statements.cost_statement(actor, asked.month)
    made = render_statement_pdf(
        told, display_currency.CurrencyDisplay(actor.workspace.currency).by(told.ends_at), actor.workspace.language
    )
    answer = HttpResponse(made, content_type="application/pdf")
    answer["Content-Disposition"] = f'attachment; filename="kicau-{asked.month or "month"}.pdf"'
    return answer


@routes.get(
    "/costs/clients", response=c.ClientCostsList, summary="Retrieve the costs of each client", openapi_extra=READ_SCOPE
)
def list_client_costs(request: HttpRequest, asked: Query[c.ClientsQuery]) -> c.ClientCostsList:
    """Costs of a month for each workspace of the token, with the previous month, forecast and budgets."""
    return c.ClientCostsList(
        items=[
            _client_costs_schema(row) for row in client_costs.client_costs(authenticated_actor(request), asked.month)
        ]
    )


@routes.get(
    "/costs/clients/csv",
    summary="Download the costs of each client",
    openapi_extra={
        **READ_SCOPE,
        "responses": {200: {"description": "A line for each client and currency.", **_CSV_RESPONSE}},
    },
)
def get_client_costs_csv(request: HttpRequest, asked: Query[c.ClientsQuery]) -> StreamingHttpResponse:
    """The same data as a table."""
    found = client_costs.client_costs(authenticated_actor(request), asked.month)
    return stream_response(
        request,
        _encode_lines(client_costs.client_costs_csv(found)),
        "text/csv; charset=utf-8",
        f"kicau-clients-{asked.month or 'month'}.csv",
    )


def _client_costs_schema(row: client_costs.ClientMonth) -> c.ClientCosts:
    shown = row.display
    return c.ClientCosts(
        id=str(row.workspace.id),
        name=row.workspace.name,
        month=row.month,
        timezone=row.workspace.timezone,
        begins_at=row.begins_at,
        ends_at=row.ends_at,
        costs=[
            c.ClientCost(
                currency=line.currency,
                micro=line.micro,
                shown=converted_amount(shown, line.micro, line.currency),
                before=line.before,
                forecast=forecast_schema(line.forecast, shown) if line.forecast else None,
            )
            for line in row.lines
        ],
        budgets=[budget_schema(state, shown) for state in row.budgets],
        exceeded=[str(state.budget.id) for state in row.passed()],
    )


def _encode_lines(lines: Iterable[str]) -> Iterator[bytes]:
    for line in lines:
        yield line.encode()


def _price_list_schema(one: actions.PriceListSource) -> c.DatedPrices:
    v = one.value
    return c.DatedPrices(
        id=str(one.own.id) if one.own else None,
        network=one.network,
        name=v.name,
        since=v.since,
        until=v.until,
        currency=v.currency,
        monthly=v.monthly,
        prices=dict(v.prices),
        cheaper_meters=dict(v.instead),
        daily=sorted(v.daily),
        excluded_meters=sorted(v.refuses),
        note=v.note,
        source=v.source,
        caps=[c.PlanQuota(meters=list(cap.meters), units=cap.units, period=cap.period, per=cap.per) for cap in v.caps],
    )


def _rate_schema(row: ExchangeRate) -> c.CurrencyRate:
    return c.CurrencyRate(
        id=row.id, currency=row.currency, shown_in=row.shown_in, rate=f"{row.rate.normalize():f}", since=row.since
    )


def _statement_lines(rows: Iterable[cost_statements.CostLine]) -> list[c.MonthStatementLine]:
    return [
        c.MonthStatementLine(
            key=row.key, label=row.label, currency=row.currency, calls=row.calls, units=row.units, micro=row.micro
        )
        for row in rows
    ]
