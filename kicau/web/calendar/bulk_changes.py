"""What the calendar does to several posts at once, and taking a move back."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.contrib import messages
from django.core import signing
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from kicau.base import clock
from kicau.base.errors import DomainError, validation_failed
from kicau.base.ids import as_uuid
from kicau.publishing.scheduling import actions, bulk
from kicau.publishing.scheduling.bulk import Reschedule
from kicau.web.core.labels import error_sentence
from kicau.web.core.times import parse_moment
from kicau.web.core.views import MemberRequest, member_page, redirect_back
from kicau.web.templatetags.kicau import icon

UNDO_SIGNING_SALT = "kicau.web.undo"

UNDO_LIFETIME_SECONDS = 3600  # seconds

MAX_SHIFT_DAYS = 366  # days of one shift


@member_page
@require_POST
def bulk_change(request: MemberRequest) -> HttpResponse:
    """Move, retry or cancel what was ticked (or dragged); what came of it stands on the page after."""
    chosen = list(dict.fromkeys(key for value in request.POST.getlist("delivery") for key in value.split()))
    try:
        match request.POST.get("verb", ""):
            case "reschedule":
                moves = _parse_moves(request, chosen)
                told = ngettext(
                    "%(n)s post was moved to a new time.", "%(n)s posts were moved to a new time.", len(moves)
                ) % {"n": len(moves)}
                taken_back = bulk.reschedule_many(request.actor, moves)
                messages.success(request, format_html("{} {}", told, _undo_button(taken_back)))
            case "retry":
                retried = bulk.retry_many(request.actor, chosen)
                n = len(retried.done)
                _show_bulk_result(
                    request,
                    retried,
                    ngettext(
                        "Kicau is trying to publish %(n)s post again.",
                        "Kicau is trying to publish %(n)s posts again.",
                        n,
                    )
                    % {"n": n},
                )
            case "cancel":
                canceled = bulk.cancel_many(request.actor, chosen)
                n = len(canceled.done)
                _show_bulk_result(
                    request,
                    canceled,
                    ngettext(
                        "%(n)s post was canceled and will not be published.",
                        "%(n)s posts were canceled and will not be published.",
                        n,
                    )
                    % {"n": n},
                )
    except DomainError as exc:
        messages.error(request, error_sentence(exc))
    return redirect_back(request, "calendar")


def _parse_moves(request: MemberRequest, chosen: Sequence[str]) -> list[Reschedule]:
    """To a day (the time of day stays), to a day and time, or by days and minutes."""
    if not request.POST.get("date"):
        days, minutes = (
            _parse_number(request, "days", MAX_SHIFT_DAYS),
            _parse_number(request, "minutes", MAX_SHIFT_DAYS * 1440),
        )
        return bulk.shift_moves(request.actor, chosen, days=days, minutes=minutes)
    found = []
    for key in chosen:
        row = actions.one_delivery(request.actor, key)
        time = request.POST.get("time") or f"{row.due_at.astimezone(clock.find_zone(row.timezone)):%H:%M:%S}"
        at = parse_moment(request.POST["date"], time, row.timezone)
        found.append(Reschedule(delivery=row.id, due_at=at, timezone=row.timezone))
    return found


def _parse_number(request: HttpRequest, name: str, most: int) -> int:
    given = request.POST.get(name, "") or "0"
    try:
        value = int(given)
    except ValueError:
        value = most + 1
    if abs(value) > most:
        raise validation_failed(
            name,
            "{value!r} is not a valid number here. Enter a number from {low} to {high}.",
            value=given[:20],
            low=-most,
            high=most,
        )
    return value


def _show_bulk_result(request: MemberRequest, done: bulk.BulkResult, sentence: str) -> None:
    if done.done:
        messages.success(request, sentence)
    for reason in dict.fromkeys(error_sentence(refusal) for _id, refusal in done.refused):
        messages.error(request, reason)


# Taking back


def _undo_button(moves: Sequence[Reschedule]) -> SafeString:
    ticket = signing.dumps(
        [(str(m.delivery), m.due_at.isoformat(), m.timezone) for m in moves], salt=UNDO_SIGNING_SALT, compress=True
    )
    return format_html(
        '<button type="button" class="button small" id="undo" hx-post="/calendar/undo" hx-vals="{}" hx-swap="none" aria-keyshortcuts="Z">{}{}</button>',
        f'{{"ticket": "{ticket}"}}',
        icon("undo"),
        _("Undo"),
    )


@member_page
@require_POST
def undo(request: MemberRequest) -> HttpResponse:
    """Back to where they were, where that time is still to come."""
    try:
        rows = signing.loads(request.POST.get("ticket", ""), salt=UNDO_SIGNING_SALT, max_age=UNDO_LIFETIME_SECONDS)
        moves = [
            Reschedule(delivery=as_uuid(key), due_at=datetime.fromisoformat(at), timezone=zone)
            for key, at, zone in rows
        ]
        bulk.reschedule_many(request.actor, moves)
        messages.success(request, _("The posts have their previous publishing times again."))
    except signing.BadSignature:
        messages.error(
            request, _("It is too late to undo moving the posts. To restore a publishing time, change it in each post.")
        )
    except DomainError as exc:
        messages.error(request, error_sentence(exc))
    return HttpResponse(status=204, headers={"HX-Refresh": "true"})
