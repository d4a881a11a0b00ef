"""What things cost and what money is worth: price lists and rates, read by everybody, entered by operators."""

from __future__ import annotations

from datetime import date
from decimal import Decimal, InvalidOperation

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from kicau.base import clock
from kicau.base.errors import Refusal, unacceptable
from kicau.connector import registry
from kicau.costs import actions, display_currency
from kicau.costs.models import Rate
from kicau.web.core.labels import by_field, said
from kicau.web.core.views import Asked, attempt, page

EXAMPLE = """[[list]]
name = "contract"
since = 2027-01-01
currency = "USD"
source = "our contract of 2026-12-01"
monthly = 500_000_000
[list.prices]
post = 9_000
"""


@page
@require_http_methods(["GET", "HEAD", "POST"])
def price_lists(request: Asked) -> HttpResponse:
    """Every list with its source and day, and the rates; operators add their own."""
    errors: dict[str, list[str]] = {}
    actor = request.actor
    if request.method == "POST":
        try:
            actions.add_price_list(actor, request.POST.get("network", ""), request.POST.get("toml", ""))
            return redirect("price-lists")
        except Refusal as exc:
            errors = by_field(exc) or {"": [said(exc)]}
    found = actions.price_lists(actor)
    today = clock.now().date()
    groups = [
        (registry.get(slug).label, slug, [one for one in reversed(found) if one.network == slug])
        for slug in registry.slugs()
    ]
    shown = {
        "groups": groups,
        "today": today,
        "errors": errors,
        "given": request.POST,
        "networks": registry.installed(),
        "example": EXAMPLE,
        "is_operator": bool(actor.person and actor.person.is_operator),
        "rates": display_currency.rates(actor),
        "currencies": display_currency.currencies(actor),
    }
    return render(request, "web/price_lists.html", shown, status=422 if errors else 200)


@page
@require_POST
def remove_price_list(request: Asked, list_id: str) -> HttpResponse:
    attempt(request, lambda: actions.remove_price_list(request.actor, list_id), _("The price list is taken away."))
    return redirect("price-lists")


@page
@require_POST
def set_rate(request: Asked) -> HttpResponse:
    attempt(request, lambda: _set_rate(request), _("The rate is entered."))
    return redirect(reverse("price-lists") + "#rates")


def _set_rate(request: Asked) -> Rate:
    given = request.POST
    try:
        rate = Decimal(given.get("rate", "").strip().replace(",", "."))
        since = date.fromisoformat(given["since"]) if given.get("since") else None
    except (InvalidOperation, ValueError) as exc:
        raise unacceptable("rate", "Give a rate such as 16250 or 0.92, and a day.") from exc
    return display_currency.set_rate(
        request.actor, given.get("currency", "").strip().upper(), given.get("shown_in", "").strip().upper(), rate, since
    )


@page
@require_POST
def remove_rate(request: Asked, rate_id: int) -> HttpResponse:
    attempt(request, lambda: display_currency.remove_rate(request.actor, rate_id), _("The rate is taken away."))
    return redirect(reverse("price-lists") + "#rates")
