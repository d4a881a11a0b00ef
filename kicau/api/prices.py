"""Endpoints: price lists, rates, what reading sparingly saves, the month's statement, and each client's costs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Any

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from ninja import Query, Router

from kicau.api.core.authentication import acting
from kicau.api.core.routes import READS, SETTINGS, Id, Number
from kicau.api.core.streams import stream
from kicau.api.costs import budget_shape, forecast_shape, worth
from kicau.api.schemas import costs as c
from kicau.cost_reports import client_costs, cost_statements
from kicau.cost_reports.sync_savings import savings
from kicau.costs import actions, display_currency
from kicau.costs.models import Rate

routes = Router(tags=["Charges"])
_FILE: dict[str, Any] = {"content": {"text/csv": {"schema": {"type": "string"}}}}
_PDF: dict[str, Any] = {"content": {"application/pdf": {"schema": {"type": "string", "format": "binary"}}}}


@routes.get("/price-lists", response=c.PriceLists, summary="List price lists", openapi_extra=READS)
def list_price_lists(request: HttpRequest, asked: Query[c.PlansQuery]) -> c.PriceLists:
    """Every one with its day and where it is written; the past keeps its own."""
    found = actions.price_lists(acting(request))
    return c.PriceLists(items=[_list(one) for one in found if asked.network in ("", one.network)])


@routes.post("/price-lists", response={201: c.PriceLists}, summary="Enter price lists", openapi_extra=SETTINGS)
def add_price_list(request: HttpRequest, given: c.OwnPriceList) -> c.PriceLists:
    """For operators: a contract of your own, or a price that has changed. Answers with the lists that it held."""
    actor = acting(request)
    made = actions.add_price_list(actor, given.network, given.toml)
    return c.PriceLists(items=[_list(one) for one in actions.price_lists(actor) if one.own and one.own.id == made.id])


@routes.delete(
    "/price-lists/{list_id}", response={204: None}, summary="Take an own price list away", openapi_extra=SETTINGS
)
def remove_price_list(request: HttpRequest, list_id: Id) -> None:
    """For operators: what it replaced holds again."""
    actions.remove_price_list(acting(request), list_id)


@routes.get("/rates", response=c.Rates, summary="List rates", openapi_extra=READS)
def list_rates(request: HttpRequest) -> c.Rates:
    """What currencies are worth in others, for display only."""
    return c.Rates(items=[_rate(row) for row in display_currency.rates(acting(request))])


@routes.post("/rates", response={201: c.Rate}, summary="Enter a rate", openapi_extra=SETTINGS)
def set_rate(request: HttpRequest, given: c.RateInput) -> c.Rate:
    """For operators. One of the same currencies and day is replaced."""
    return _rate(
        display_currency.set_rate(acting(request), given.currency, given.shown_in, Decimal(given.rate), given.since)
    )


@routes.delete("/rates/{rate_id}", response={204: None}, summary="Take a rate away", openapi_extra=SETTINGS)
def remove_rate(request: HttpRequest, rate_id: Number) -> None:
    """For operators: the one before it holds again."""
    display_currency.remove_rate(acting(request), rate_id)


@routes.get("/savings", response=c.Savings, summary="See what reading sparingly saves", openapi_extra=READS)
def list_savings(request: HttpRequest) -> c.Savings:
    """The reading policy against a naive one, for the channels here."""
    found = savings(acting(request))
    return c.Savings(
        items=[
            c.Saving(network=slug, currency=currency, ours=one.ours_micro, naive=one.naive_micro, percent=one.percent)
            for slug, currency, one in found
        ]
    )


@routes.get("/statement", response=c.MonthStatement, summary="Read a month's statement", openapi_extra=READS)
def get_month_statement(request: HttpRequest, asked: Query[c.MonthQuery]) -> c.MonthStatement:
    """What a month cost, by network, purpose, meter, channel, campaign and person."""
    actor = acting(request)
    told = cost_statements.statement(actor, asked.month)
    shown = display_currency.Display(actor.workspace.currency).by(told.ends_at)
    return c.MonthStatement(
        workspace=told.workspace,
        timezone=told.zone,
        begins_at=told.begins_at,
        ends_at=told.ends_at,
        uncertain=told.uncertain,
        totals=[
            c.StatementTotal(currency=currency, micro=micro, shown=worth(shown, micro, currency))
            for currency, micro in told.totals
        ],
        networks=_lines(told.networks),
        purposes=_lines(told.purposes),
        meters=_lines(told.meters),
        channels=_lines(told.channels),
        campaigns=_lines(told.campaigns),
        people=_lines(told.people),
    )


@routes.get(
    "/statement/csv",
    summary="Download a month's charges",
    openapi_extra={**READS, "responses": {200: {"description": "A line for each charge.", **_FILE}}},
)
def get_month_statement_csv(request: HttpRequest, asked: Query[c.MonthQuery]) -> StreamingHttpResponse:
    """Oldest first, each with its price and what it is worth in the workspace's own currency."""
    actor = acting(request)
    return stream(
        request,
        _bytes(cost_statements.as_csv(actor, asked.month)),
        "text/csv; charset=utf-8",
        f"kicau-{asked.month or 'month'}.csv",
    )


@routes.get(
    "/statement/pdf",
    summary="Download a month's statement",
    openapi_extra={**READS, "responses": {200: {"description": "A4.", **_PDF}}},
)
def get_month_statement_pdf(request: HttpRequest, asked: Query[c.MonthQuery]) -> HttpResponse:
    """To send with a bill, in the workspace's language."""
    actor = acting(request)
    told = cost_statements.statement(actor, asked.month)
    made = cost_statements.as_pdf(
        told, display_currency.Display(actor.workspace.currency).by(told.ends_at), actor.workspace.language
    )
    answer = HttpResponse(made, content_type="application/pdf")
    answer["Content-Disposition"] = f'attachment; filename="kicau-{asked.month or "month"}.pdf"'
    return answer


@routes.get("/costs/clients", response=c.Clients, summary="Read what each client cost", openapi_extra=READS)
def list_client_costs(request: HttpRequest, asked: Query[c.ClientsQuery]) -> c.Clients:
    """A month of every workspace that the token opens, with the month before it, its forecast and its budgets."""
    return c.Clients(items=[_client(row) for row in client_costs.clients(acting(request), asked.month)])


@routes.get(
    "/costs/clients/csv",
    summary="Download what each client cost",
    openapi_extra={**READS, "responses": {200: {"description": "A line for each client and currency.", **_FILE}}},
)
def get_client_costs_csv(request: HttpRequest, asked: Query[c.ClientsQuery]) -> StreamingHttpResponse:
    """The same as a table."""
    found = client_costs.clients(acting(request), asked.month)
    return stream(
        request,
        _bytes(client_costs.as_csv(found)),
        "text/csv; charset=utf-8",
        f"kicau-clients-{asked.month or 'month'}.csv",
    )


def _client(row: client_costs.Client) -> c.ClientCosts:
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
                shown=worth(shown, line.micro, line.currency),
                before=line.before,
                forecast=forecast_shape(line.forecast, shown) if line.forecast else None,
            )
            for line in row.lines
        ],
        budgets=[budget_shape(state, shown) for state in row.budgets],
        passed=[str(state.budget.id) for state in row.passed()],
    )


def _bytes(lines: Iterable[str]) -> Iterator[bytes]:
    for line in lines:
        yield line.encode()


def _list(one: actions.Listed) -> c.DatedPrices:
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
        instead=dict(v.instead),
        daily=sorted(v.daily),
        refuses=sorted(v.refuses),
        note=v.note,
        source=v.source,
        caps=[c.Cap(meters=list(cap.meters), units=cap.units, period=cap.period, per=cap.per) for cap in v.caps],
    )


def _rate(row: Rate) -> c.Rate:
    return c.Rate(
        id=row.id, currency=row.currency, shown_in=row.shown_in, rate=f"{row.rate.normalize():f}", since=row.since
    )


def _lines(rows: Iterable[cost_statements.Line]) -> list[c.StatementLine]:
    return [
        c.StatementLine(
            key=row.key, label=row.label, currency=row.currency, calls=row.calls, units=row.units, micro=row.micro
        )
        for row in rows
    ]
