"""Webhooks of the workspace: adding and removing them."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from kicau.base.errors import DomainError
from kicau.web.core.labels import errors_by_field
from kicau.web.core.views import (
    MemberRequest,
    member_page,
    run_action,
)
from kicau.web.settings.workspace_settings import settings_context
from kicau.workspaces import webhooks


@member_page
@require_POST
def add_webhook(request: MemberRequest) -> HttpResponse:
    try:
        made = webhooks.add_webhook(
            request.actor, request.POST.get("url", "").strip(), request.POST.getlist("event") or ["*"]
        )
    except DomainError as exc:
        return render(
            request,
            "settings/workspace_settings.html",
            settings_context(request) | {"hook_errors": errors_by_field(exc)},
            status=422,
        )
    return render(request, "settings/workspace_settings.html", settings_context(request) | {"made_hook": made})


@member_page
@require_POST
def remove_webhook(request: MemberRequest, webhook_id: str) -> HttpResponse:
    run_action(
        request,
        lambda: webhooks.remove_webhook(request.actor, webhook_id),
        _("The webhook was removed. Kicau no longer sends updates to its address."),
    )
    return redirect("workspace-settings")
