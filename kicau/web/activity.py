"""Who did what: the audit trail of the workspace."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from kicau.rights.models import AuditEntry
from kicau.web.frame import Asked, page
from kicau.workspaces.actors import Permission

EACH_PAGE = 80


@page
@require_safe
def index(request: Asked) -> HttpResponse:
    request.actor.require(Permission.READ)
    rows = AuditEntry.objects.filter(workspace_id=request.actor.workspace.id).order_by("-id")
    subject = request.GET.get("of", "")
    if subject:
        rows = rows.filter(subject=subject)
    if group := request.GET.get("act", ""):
        rows = rows.filter(act__startswith=f"{group}.")
    if (before := request.GET.get("before", "")).isdigit():
        rows = rows.filter(id__lt=int(before[:18]))
    found = list(rows[: EACH_PAGE + 1])
    more, found = len(found) > EACH_PAGE, found[:EACH_PAGE]
    groups = (
        "draft",
        "delivery",
        "channel",
        "medium",
        "member",
        "token",
        "webhook",
        "workspace",
        "slots",
        "archive",
        "rights",
    )
    return render(
        request,
        "web/activity.html",
        {
            "entries": found,
            "following": found[-1].id if more else "",
            "groups": groups,
            "group": group,
            "subject": subject,
        },
    )
