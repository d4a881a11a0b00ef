"""Which notifications somebody gets by e-mail, and how often."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from kicau.base.errors import DomainError
from kicau.notifications import actions, emails
from kicau.notifications.events import EVENTS, EmailFrequency
from kicau.web.core.views import MemberRequest, error_response, member_page, person_of


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
        return redirect("notification-settings")
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
