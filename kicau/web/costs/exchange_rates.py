"""Exchange rates of the display currency: setting and removing them."""

from __future__ import annotations

from datetime import date
from decimal import Decimal, InvalidOperation

from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from kicau.base.errors import validation_failed
from kicau.costs import display_currency
from kicau.costs.models import ExchangeRate
from kicau.web.core.views import MemberRequest, member_page, run_action


@member_page
@require_POST
def set_rate(request: MemberRequest) -> HttpResponse:
    run_action(request, lambda: _set_rate(request), _("The exchange rate was added."))
    return redirect(reverse("price-lists") + "#rates")


def _set_rate(request: MemberRequest) -> ExchangeRate:
    given = request.POST
    try:
        rate = Decimal(given.get("rate", "").strip().replace(",", "."))
        since = date.fromisoformat(given["since"]) if given.get("since") else None
    except (InvalidOperation, ValueError) as exc:
        raise validation_failed(
            "rate", "Enter an exchange rate, for example 16250 or 0.92, and the date of this rate."
        ) from exc
    return display_currency.set_rate(
        request.actor, given.get("currency", "").strip().upper(), given.get("shown_in", "").strip().upper(), rate, since
    )


@member_page
@require_POST
def remove_rate(request: MemberRequest, rate_id: int) -> HttpResponse:
    run_action(
        request, lambda: display_currency.remove_rate(request.actor, rate_id), _("The exchange rate was removed.")
    )
    return redirect(reverse("price-lists") + "#rates")
