"""The page that a recipient's link opens: which records may no longer be used, and the confirmation that they are not."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from kicau.base import clock
from kicau.base.errors import DomainError
from kicau.training_sets import recipients
from kicau.web.core.labels import error_sentence
from kicau.web.core.views import drop_nul
from kicau.web.training_sets.versions import signed_list


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def retractions(request: HttpRequest, secret: str) -> HttpResponse:
    try:
        who = recipients.open_confirmation_link(secret)
        if request.method == "POST":
            drop_nul(request)
            recipients.confirm_by_link(who, request.POST.get("name", ""))
            messages.success(
                request, _("Thank you. Kicau recorded your confirmation that you no longer use the withdrawn data.")
            )
            return redirect("retractions", secret=secret)
    except DomainError as exc:
        return _expired_link(request, exc)
    of = who.version.set
    rows = [(row, len(row.delta["record_ids"])) for row in recipients.open_deltas(who)]
    with timezone.override(clock.find_zone(of.workspace.timezone)):
        shown: dict[str, Any] = {
            "who": who,
            "of": of,
            "rows": rows,
            "records": sum(n for _row, n in rows),
            "secret": secret,
        }
        answer = render(request, "training_sets/retractions.html", shown)
    answer["X-Robots-Tag"] = "noindex"
    return answer


@never_cache
@require_safe
def retraction_delta(request: HttpRequest, secret: str, number: int) -> HttpResponse:
    """The signed list of one of those versions."""
    try:
        row = next(
            (row for row in recipients.open_deltas(recipients.open_confirmation_link(secret)) if row.number == number),
            None,
        )
    except DomainError as exc:
        return _expired_link(request, exc)
    if row is None:
        raise Http404
    return signed_list(row)


def _expired_link(request: HttpRequest, exc: DomainError) -> HttpResponse:
    answer = render(request, "core/invalid_link.html", {"sentence": error_sentence(exc)}, status=410)
    answer["X-Robots-Tag"] = "noindex"
    return answer
