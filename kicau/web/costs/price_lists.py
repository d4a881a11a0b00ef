"""Price lists: read by everybody, entered by operators."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from kicau.base import clock
from kicau.base.errors import DomainError
from kicau.connector import registry
from kicau.costs import actions, display_currency
from kicau.web.core.labels import error_sentence, errors_by_field
from kicau.web.core.views import MemberRequest, member_page, run_action

EXAMPLE_PRICE_LIST = """[[list]]
name = "contract"
since = 2027-01-01
currency = "USD"
source = "our contract of 2026-12-01"
monthly = 500_000_000
[list.prices]
post = 9_000
"""


@member_page
@require_http_methods(["GET", "HEAD", "POST"])
def price_lists(request: MemberRequest) -> HttpResponse:
    """Every list with its source and day, and the rates; operators add their own."""
    errors: dict[str, list[str]] = {}
    actor = request.actor
    if request.method == "POST":
        try:
            actions.add_price_list(actor, request.POST.get("network", ""), request.POST.get("toml", ""))
            return redirect("price-lists")
        except DomainError as exc:
            errors = errors_by_field(exc) or {"": [error_sentence(exc)]}
    found = actions.price_lists(actor)
    today = clock.now().date()
    groups = [
        (registry.get_connector(slug).label, slug, [one for one in reversed(found) if one.network == slug])
        for slug in registry.installed_slugs()
    ]
    shown = {
        "groups": groups,
        "today": today,
        "errors": errors,
        "given": request.POST,
        "networks": registry.installed_connectors(),
        "example": EXAMPLE_PRICE_LIST,
        "is_operator": bool(actor.person and actor.person.is_operator),
        "rates": display_currency.exchange_rates(actor),
        "currencies": display_currency.display_currencies(actor),
    }
    return render(request, "costs/price_lists.html", shown, status=422 if errors else 200)


@member_page
@require_POST
def remove_price_list(request: MemberRequest, list_id: str) -> HttpResponse:
    run_action(request, lambda: actions.remove_price_list(request.actor, list_id), _("The price list was removed."))
    return redirect("price-lists")
