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
from kicau.base.errors import Refusal, unacceptable
from kicau.base.ids import as_uuid
from kicau.publishing.scheduling import actions, bulk
from kicau.publishing.scheduling.bulk import Move
from kicau.web.core.labels import said
from kicau.web.core.times import moment_of
from kicau.web.core.views import Asked, back, page
from kicau.web.templatetags.kicau import icon

SALT = "kicau.web.undo"
UNDO_LASTS = 3600  # seconds
FARTHEST = 366  # days of one shift


@page
@require_POST
def change(request: Asked) -> HttpResponse:
    """Move, retry or cancel what was ticked (or dragged); what came of it stands on the page after."""
    chosen = list(dict.fromkeys(key for value in request.POST.getlist("delivery") for key in value.split()))
    try:
        match request.POST.get("verb", ""):
            case "move":
                moves = _moves(request, chosen)
                told = ngettext("%(n)s delivery was moved.", "%(n)s deliveries were moved.", len(moves)) % {
                    "n": len(moves)
                }
                taken_back = bulk.move_many(request.actor, moves)
                messages.success(request, format_html("{} {}", told, _undo_button(taken_back)))
            case "retry":
                retried = bulk.retry_many(request.actor, chosen)
                n = len(retried.done)
                _tell(
                    request,
                    retried,
                    ngettext("%(n)s delivery is tried again.", "%(n)s deliveries are tried again.", n) % {"n": n},
                )
            case "cancel":
                canceled = bulk.cancel_many(request.actor, chosen)
                n = len(canceled.done)
                _tell(
                    request,
                    canceled,
                    ngettext("%(n)s delivery was cancelled.", "%(n)s deliveries were cancelled.", n) % {"n": n},
                )
    except Refusal as exc:
        messages.error(request, said(exc))
    return back(request, "home")


def _moves(request: Asked, chosen: Sequence[str]) -> list[Move]:
    """To a day (the time of day stays), to a day and time, or by days and minutes."""
    if not request.POST.get("date"):
        days, minutes = _number(request, "days", FARTHEST), _number(request, "minutes", FARTHEST * 1440)
        return bulk.shifted(request.actor, chosen, days=days, minutes=minutes)
    found = []
    for key in chosen:
        row = actions.one_delivery(request.actor, key)
        time = request.POST.get("time") or f"{row.due_at.astimezone(clock.zone(row.timezone)):%H:%M:%S}"
        at = moment_of(request.POST["date"], time, row.timezone)
        found.append(Move(delivery=row.id, due_at=at, timezone=row.timezone))
    return found


def _number(request: HttpRequest, name: str, most: int) -> int:
    given = request.POST.get(name, "") or "0"
    try:
        value = int(given)
    except ValueError:
        value = most + 1
    if abs(value) > most:
        raise unacceptable(
            name, "{value!r} is no number between {low} and {high}.", value=given[:20], low=-most, high=most
        )
    return value


def _tell(request: Asked, done: bulk.Done, sentence: str) -> None:
    if done.done:
        messages.success(request, sentence)
    for reason in dict.fromkeys(said(refusal) for _id, refusal in done.refused):
        messages.error(request, reason)


# Taking back


def _undo_button(moves: Sequence[Move]) -> SafeString:
    ticket = signing.dumps(
        [(str(m.delivery), m.due_at.isoformat(), m.timezone) for m in moves], salt=SALT, compress=True
    )
    return format_html(
        '<button type="button" class="button small" id="undo" hx-post="/calendar/undo" hx-vals="{}" hx-swap="none" aria-keyshortcuts="Z">{}{}</button>',
        f'{{"ticket": "{ticket}"}}',
        icon("undo"),
        _("Undo"),
    )


@page
@require_POST
def undo(request: Asked) -> HttpResponse:
    """Back to where they were, where that time is still to come."""
    try:
        rows = signing.loads(request.POST.get("ticket", ""), salt=SALT, max_age=UNDO_LASTS)
        moves = [
            Move(delivery=as_uuid(key), due_at=datetime.fromisoformat(at), timezone=zone) for key, at, zone in rows
        ]
        bulk.move_many(request.actor, moves)
        messages.success(request, _("Back at the time before."))
    except signing.BadSignature:
        messages.error(request, _("That was too long ago to take back; move it by hand."))
    except Refusal as exc:
        messages.error(request, said(exc))
    return HttpResponse(status=204, headers={"HX-Refresh": "true"})
