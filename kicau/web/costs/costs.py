"""What it costs: the month, its forecast, budgets and the statement."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Any

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from kicau.base import clock
from kicau.base.errors import DomainError, NotFound, ValidationFailed, validation_failed
from kicau.base.money import MICRO_PER_UNIT
from kicau.channels.actions import apps as network_apps
from kicau.channels.actions import one_channel
from kicau.channels.models import Channel
from kicau.connector import registry
from kicau.cost_reports import client_costs, cost_statements, forecast
from kicau.cost_reports.sync_savings import sync_savings
from kicau.costs import actions, budgets, display_currency, pricing, workloads
from kicau.costs.models import Budget, Purpose
from kicau.publishing.content.compositions import campaigns
from kicau.sync import sync_settings, webhook_subscriptions
from kicau.web.core.labels import errors_by_field
from kicau.web.core.times import zone_choices
from kicau.web.core.views import MemberRequest, member_page, run_action
from kicau.web.costs import charts
from kicau.web.templatetags.kicau import rates_told
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
    limit = min(
        (
            s.budget.amount
            for s in states
            if s.budget.currency == currency and s.budget.period == "month" and _covers_workspace(s.budget)
        ),
        default=0,
    )
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
            "earlier": f"{begins.year - (begins.month == 1)}-{(begins.month - 2) % 12 + 1:02d}",
            "later": "" if is_now else f"{begins.year + (begins.month == 12)}-{begins.month % 12 + 1:02d}",
            "this": f"{begins:%Y-%m}",
            "states": states,
            "NEVER": budgets.NEVER,
            "compared": _compare_plans(actor, told),
            "savings": [
                (registry.get_connector(slug).label, currency, one) for slug, currency, one in sync_savings(actor)
            ],
            "readable": sync_settings.sync_options(actor),
            "tellers": webhook_subscriptions.webhook_options(actor),
            "plans": forecast.plan_names(),
            "meters": forecast.meter_names(),
            "asked": request.GET,
            "errors": errors,
            "campaign_names": names,
        },
    )


@member_page
@require_POST
def switch_reading(request: MemberRequest) -> HttpResponse:
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
        return (forecast.forecast(request.actor, what_if) if what_if != forecast.ForecastAssumptions() else None), {}
    except ValidationFailed as exc:
        return None, errors_by_field(exc)


def _parse_assumptions(request: HttpRequest) -> forecast.ForecastAssumptions:
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
    return forecast.ForecastAssumptions(
        plan=asked.get("plan", "")[:40],
        reading=0.5 if asked.get("reading") == "half" else 1.0,
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


@member_page
@require_safe
def statement(request: MemberRequest) -> HttpResponse:
    told = cost_statements.cost_statement(request.actor, request.GET.get("month", ""))
    display_currency.activate_display(display_currency.active_display().by(told.ends_at))
    begins = told.begins_at.astimezone(clock.find_zone(told.zone))
    return render(
        request,
        "costs/statement.html",
        {"told": told, "begins": begins, "this": f"{begins:%Y-%m}", "groups": _statement_groups(told)},
    )


def _statement_groups(told: cost_statements.CostStatement) -> list[tuple[str, tuple[cost_statements.CostLine, ...]]]:
    return [
        (_("Costs by network"), told.networks),
        (_("Costs by campaign"), told.campaigns),
        (_("Costs by channel"), told.channels),
        (_("Costs by person"), told.people),
        (_("Costs by purpose"), told.purposes),
        (_("Costs by type of API usage"), told.meters),
    ]


@member_page
@require_safe
def statement_csv(request: MemberRequest) -> StreamingHttpResponse:
    month = request.GET.get("month", "")
    answer = StreamingHttpResponse(
        cost_statements.statement_csv(request.actor, month), content_type="text/csv; charset=utf-8"
    )
    answer["Content-Disposition"] = f'attachment; filename="kicau-{month or "month"}.csv"'
    return answer


@member_page
@require_safe
def statement_pdf(request: MemberRequest) -> HttpResponse:
    told = cost_statements.cost_statement(request.actor, request.GET.get("month", ""))
    begins = told.begins_at.astimezone(clock.find_zone(told.zone))
    answer = HttpResponse(
        cost_statements.statement_pdf(told, display_currency.active_display().by(told.ends_at)),
        content_type="application/pdf",
    )
    answer["Content-Disposition"] = f'attachment; filename="kicau-{begins:%Y-%m}.pdf"'
    return answer


@member_page
@require_safe
def client_list(request: MemberRequest) -> HttpResponse:
    """What each of somebody's workspaces cost, each in its own currency."""
    found = client_costs.client_costs(request.actor, request.GET.get("month", ""))
    rows, rates = [], dict[SafeString, None]()
    for client in found:  # amounts are told in the currency of the workspace whose they are
        display_currency.activate_display(client.display)
        is_here = client.workspace.id == request.actor.workspace.id
        rows.append(
            render_to_string(
                "costs/client_row.html", {"client": client, "is_here": is_here, "NEVER": budgets.NEVER}, request
            )
        )
        rates[rates_told()] = None
    display_currency.activate_display(display_currency.CurrencyDisplay())
    month = next((c.month for c in found if c.workspace.id == request.actor.workspace.id), "")
    shown = {
        "rows": rows,
        "sums": client_costs.total_costs(found),
        "rates": [r for r in rates if r],
        "this": month,
        "is_now": any(c.budgets or c.forecast for c in found),
    }
    return render(request, "costs/client_list.html", shown)


@member_page
@require_safe
def clients_csv(request: MemberRequest) -> StreamingHttpResponse:
    month = request.GET.get("month", "")
    found = client_costs.client_costs(request.actor, month)
    answer = StreamingHttpResponse(client_costs.client_costs_csv(found), content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="kicau-clients-{month or "month"}.csv"'
    return answer


@member_page
@require_http_methods(["GET", "HEAD", "POST"])
def budget_list(request: MemberRequest) -> HttpResponse:
    """All budgets, and the form for a new one."""
    errors: dict[str, list[str]] = {}
    if request.method == "POST":
        try:
            actions.set_budget(request.actor, _budget_input(request))
            return redirect("budgets")
        except NotFound:
            raise
        except DomainError as exc:
            errors = errors_by_field(exc)
    actor = request.actor
    shown = {
        "states": actions.budget_balances(list(actions.budgets(actor))),
        "NEVER": budgets.NEVER,
        "errors": errors,
        "given": request.POST,
        "purposes": _purpose_choices(),
        "channels": Channel.objects.filter(workspace=actor.workspace).order_by("name"),
        "campaigns": campaigns(actor),
        "networks": registry.installed_connectors(),
        "apps": network_apps() if actor.person and actor.person.is_operator else (),
        "zones": zone_choices(actor.workspace.timezone),
        "currencies": _known_currencies(),
    }
    return render(request, "costs/budget_list.html", shown | _scope_names(actor), status=422 if errors else 200)


@member_page
@require_http_methods(["GET", "HEAD", "POST"])
def budget_detail(request: MemberRequest, budget_id: str) -> HttpResponse:
    """Raise, lower or remove one."""
    actor = request.actor
    row = actions.one_budget(actor, budget_id)
    if request.method == "POST":
        if "remove" in request.POST:
            run_action(
                request,
                lambda: actions.remove_budget(actor, budget_id),
                _(
                    "The budget was removed. Kicau now publishes the posts that were on hold only because of this budget."
                ),
            )
        else:
            run_action(
                request,
                lambda: actions.set_budget(actor, _changed_budget(row, request), budget_id=budget_id),
                _(
                    "The budget was saved. If it is now large enough, Kicau publishes the posts that were on hold because of this budget."
                ),
            )
        return redirect("budgets")
    return render(
        request,
        "costs/budget_detail.html",
        {"state": actions.budget_balances([row])[0], "NEVER": budgets.NEVER} | _scope_names(actor),
    )


def _scope_names(actor: Actor) -> dict[str, Any]:
    return {
        "channel_names": {
            c.id: f"{c.name} ({registry.get_connector(c.network).label})"
            for c in Channel.objects.filter(workspace=actor.workspace)
        },
        "campaign_names": {c.id: c.name for c in campaigns(actor)},
    }


def _purpose_choices() -> list[tuple[str, str]]:
    return [(value, _(str(label))) for value, label in Purpose.choices]


def _known_currencies() -> list[str]:
    found = {
        one.currency for slug in registry.installed_slugs() for one in pricing.network_price_lists(slug) if one.currency
    }
    return sorted(found) or ["USD"]


def _parse_amount(request: HttpRequest, meter: str) -> int:
    try:
        given = Decimal(request.POST.get("amount", "").strip().replace(",", "."))
        amount = given if meter else given * MICRO_PER_UNIT
    except InvalidOperation as exc:
        raise validation_failed("amount", "Enter an amount, for example 50 or 12.50.") from exc
    if not amount.is_finite() or amount != amount.to_integral_value():
        raise validation_failed("amount", "Enter an amount, for example 50 or 12.50.")
    return int(amount)


def _budget_input(request: MemberRequest) -> actions.BudgetValues:
    given, actor = request.POST, request.actor
    meter = given.get("meter", "").strip()
    campaign = campaigns(actor).filter(name=given["campaign"]).first() if given.get("campaign") else None
    app = network_apps().filter(id=given["app"]).first() if given.get("app") else None
    return actions.BudgetValues(
        name=given.get("name", ""),
        amount=_parse_amount(request, meter),
        currency=given.get("currency", "USD"),
        meter=meter,
        period=given.get("period", "month"),
        timezone=given.get("timezone", ""),
        is_hard=given.get("hard") != "soft",
        tell_at=_parse_percent(given.get("tell_at"), 80),
        reading_share=_parse_percent(given.get("reading_share"), 70),
        network=given.get("network", ""),
        purpose=given.get("purpose", ""),
        channel_id=one_channel(actor, given["channel"]).id if given.get("channel") else None,
        campaign_id=campaign.id if campaign else None,
        app_id=app.id if app else None,
    )


def _changed_budget(row: Budget, request: HttpRequest) -> actions.BudgetValues:
    given = request.POST
    return actions.BudgetValues(
        name=given.get("name", row.name),
        amount=_parse_amount(request, row.meter),
        currency=row.currency or "USD",
        meter=row.meter,
        period=row.period,
        timezone=row.timezone,
        is_hard=given.get("hard") != "soft",
        tell_at=_parse_percent(given.get("tell_at"), row.tell_at),
        reading_share=_parse_percent(given.get("reading_share"), row.reading_share),
        app_id=row.app_id,
        network=row.network,
        channel_id=row.channel_id,
        campaign_id=row.campaign_id,
        purpose=row.purpose,
    )


def _parse_percent(written: str | None, otherwise: int) -> int:
    return int(written) if written and written.isdigit() else otherwise
