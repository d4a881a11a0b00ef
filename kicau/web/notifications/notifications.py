"""What somebody was told: the bell, the list, and how they choose to hear of things."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core import signing
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import translation
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_http_methods, require_POST, require_safe

from kicau.base.errors import DomainError
from kicau.base.ids import as_uuid
from kicau.notifications import actions, emails, wording
from kicau.notifications.events import EVENTS, EmailFrequency
from kicau.notifications.models import Notice
from kicau.web.core.views import WORKSPACE_SESSION_KEY, MemberRequest, error_response, member_page, person_of
from kicau.workspaces.models import Person

NOTIFICATIONS_PER_PAGE = 50


@member_page
@require_safe
def notification_list(request: MemberRequest) -> HttpResponse:
    person, only_unread = person_of(request), request.GET.get("show") == "unread"
    rows = actions.notifications(person).select_related("workspace")
    if only_unread:
        rows = rows.filter(read_at=None)
    start = int(request.GET.get("from", "0")[:6]) if request.GET.get("from", "0").isdigit() else 0
    found = list(rows[start : start + NOTIFICATIONS_PER_PAGE + 1])
    shown = {
        "notices": [_notification_context(n) for n in found[:NOTIFICATIONS_PER_PAGE]],
        "following": start + NOTIFICATIONS_PER_PAGE if len(found) > NOTIFICATIONS_PER_PAGE else 0,
        "only_unread": only_unread,
        "several": len(request.memberships) > 1,
    }
    return render(request, "notifications/notification_list.html", shown)


def _notification_context(notice: Notice) -> dict[str, Any]:
    event = EVENTS.get(notice.event)
    return {
        "row": notice,
        "sentence": wording.notification_text(notice),
        "icon": event.icon if event else "info",
        "tone": event.tone if event else "still",
    }


@member_page
@require_GET
def open_notification(request: MemberRequest, notice_id: str) -> HttpResponse:
    """To what it is about, in its workspace; it is read then."""
    notice = actions.mark_read(person_of(request), notice_id)
    if notice.workspace_id and any(m.workspace_id == notice.workspace_id for m in request.memberships):
        request.session[WORKSPACE_SESSION_KEY] = str(notice.workspace_id)
    ours = notice.page.startswith("/") and not notice.page.startswith("//")
    return redirect(notice.page) if ours else redirect("notices")


@member_page
@require_POST
def mark_read(request: MemberRequest) -> HttpResponse:
    """One, or all of them."""
    if one := request.POST.get("notice"):
        actions.mark_read(person_of(request), one)
    else:
        actions.mark_all_read(person_of(request))
    return redirect("notices")


@member_page
@require_GET
def bell(request: MemberRequest) -> HttpResponse:
    """The bell alone, for pages that stay open."""
    answer = render(request, "notifications/bell.html", {"at_top": request.GET.get("at") == "top"})
    answer["Cache-Control"] = "no-store"
    return answer


@member_page
@require_http_methods(["GET", "HEAD", "POST"])
def notification_settings(request: MemberRequest) -> HttpResponse:
    person = person_of(request)
    if request.method == "POST":
        wanted = {name: (f"page:{name}" in request.POST, request.POST.get(f"mail:{name}", "")) for name in EVENTS}
        hour = request.POST.get("hour", "")
        try:
            actions.set_preferences(person, wanted, int(hour) if hour.isdigit() else None)
        except DomainError as exc:
            return error_response(request, exc)
        messages.success(request, _("Your changes are saved."))
        return redirect("notices-choices")
    chosen = actions.preferences(person)
    rows = [{"event": event, "in_page": chosen[name][0], "mail": chosen[name][1]} for name, event in EVENTS.items()]
    shown = {
        "rows": rows,
        "ways": EmailFrequency.choices,
        "hours": range(24),
        "hour": actions.digest_hour(person),
        "mails": emails.is_email_configured(),
    }
    return render(request, "notifications/notification_settings.html", shown)


@csrf_exempt  # mail programs press this button for their people (RFC 8058); the ticket says who and what
@require_http_methods(["GET", "HEAD", "POST"])
def unsubscribe(request: HttpRequest, ticket: str) -> HttpResponse:
    """No more e-mail about what a letter was about; without signing in."""
    try:
        person_id, events = emails.read_unsubscribe_link(ticket)
        person = Person.objects.get(id=as_uuid(person_id))
    except (signing.BadSignature, Person.DoesNotExist):
        return render(request, "notifications/unsubscribe.html", {"state": "unknown"}, status=404)
    with translation.override(person.language):
        if request.method == "POST":
            chosen = actions.preferences(person)
            actions.set_preferences(person, {event: (chosen[event][0], EmailFrequency.NEVER) for event in events})
        shown = {
            "state": "done" if request.method == "POST" else "asked",
            "events": [EVENTS[e] for e in events],
            "person": person,
        }
        return render(request, "notifications/unsubscribe.html", shown)
