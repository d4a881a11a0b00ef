"""The cost statement of a month, as a page, CSV and PDF."""

from __future__ import annotations

from django.http import HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from kicau.base import clock
from kicau.cost_reports import cost_statements
from kicau.cost_reports.statement_pdf import render_statement_pdf
from kicau.costs import display_currency
from kicau.web.core.views import MemberRequest, member_page


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
        render_statement_pdf(told, display_currency.active_display().by(told.ends_at)),
        content_type="application/pdf",
    )
    answer["Content-Disposition"] = f'attachment; filename="kicau-{begins:%Y-%m}.pdf"'
    return answer
