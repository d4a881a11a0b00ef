"""The list of somebody's notifications, and the bell."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST, require_safe

from kicau.notifications import actions, wording
from kicau.notifications.events import EVENTS
from kicau.notifications.models import Notification
from kicau.web.core.views import WORKSPACE_SESSION_KEY, MemberRequest, member_page, person_of

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


def _notification_context(notice: Notification) -> dict[str, Any]:
    event = EVENTS.get(notice.event)
    return {
        "row": notice,
        "sentence": wording.notification_text(notice),
        "icon": event.icon if event else "info",
        "tone": event.tone if event else "still",
    }


@member_page
@require_GET
def open_notification(request: MemberRequest, notification_id: str) -> HttpResponse:
    """To what it is about, in its workspace; it is read then."""
    notice = actions.mark_read(person_of(request), notification_id)
    if notice.workspace_id and any(m.workspace_id == notice.workspace_id for m in request.memberships):
        request.session[WORKSPACE_SESSION_KEY] = str(notice.workspace_id)
    ours = notice.page.startswith("/") and not notice.page.startswith("//")
    return redirect(notice.page) if ours else redirect("notifications")


@member_page
@require_POST
def mark_read(request: MemberRequest) -> HttpResponse:
    """One, or all of them."""
    if one := request.POST.get("notice"):
        actions.mark_read(person_of(request), one)
    else:
        actions.mark_all_read(person_of(request))
    return redirect("notifications")


@member_page
@require_GET
def bell(request: MemberRequest) -> HttpResponse:
    """The bell alone, for pages that stay open."""
    answer = render(request, "notifications/bell.html", {"at_top": request.GET.get("at") == "top"})
    answer["Cache-Control"] = "no-store"
    return answer
