"""The costs of all clients of an agency: one row for each workspace."""

from __future__ import annotations

from django.http import HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils.safestring import SafeString
from django.views.decorators.http import require_safe

from kicau.cost_reports import client_costs
from kicau.costs import budgets, display_currency
from kicau.web.core.views import MemberRequest, member_page
from kicau.web.templatetags.kicau import rates_told


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
