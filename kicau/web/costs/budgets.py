"""Budgets: the list, one budget, creating, changing and removing it."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from kicau.base.errors import DomainError, NotFound, validation_failed
from kicau.base.money import MICRO_PER_UNIT
from kicau.channels.actions import apps as network_apps
from kicau.channels.actions import one_channel
from kicau.channels.models import Channel
from kicau.connector import registry
from kicau.costs import actions, budgets, pricing
from kicau.costs.models import Budget, Purpose
from kicau.publishing.content.compositions import campaigns
from kicau.web.core.labels import errors_by_field
from kicau.web.core.times import zone_choices
from kicau.web.core.views import MemberRequest, member_page, run_action
from kicau.workspaces.actors import Actor


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
        notify_at_percent=_parse_percent(given.get("notify_at_percent"), 80),
        sync_share_percent=_parse_percent(given.get("sync_share_percent"), 70),
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
        notify_at_percent=_parse_percent(given.get("notify_at_percent"), row.notify_at_percent),
        sync_share_percent=_parse_percent(given.get("sync_share_percent"), row.sync_share_percent),
        app_id=row.app_id,
        network=row.network,
        channel_id=row.channel_id,
        campaign_id=row.campaign_id,
        purpose=row.purpose,
    )


def _parse_percent(written: str | None, otherwise: int) -> int:
    return int(written) if written and written.isdigit() else otherwise
