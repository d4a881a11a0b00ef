"""API tokens: creating and revoking them."""

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
from kicau.workspaces import api_tokens


@member_page
@require_POST
def create_token(request: MemberRequest) -> HttpResponse:
    """The token is shown on this answer and never again."""
    days = request.POST.get("days", "90")
    try:
        made = api_tokens.create_token(
            request.actor,
            request.POST.get("name", ""),
            request.POST.getlist("scope"),
            days=int(days) if days.isdigit() and int(days) else None,
        )
    except DomainError as exc:
        return render(
            request,
            "settings/workspace_settings.html",
            settings_context(request) | {"token_errors": errors_by_field(exc)},
            status=422,
        )
    answer = render(request, "settings/workspace_settings.html", settings_context(request) | {"made": made})
    answer["Cache-Control"] = "no-store"
    return answer


@member_page
@require_POST
def revoke_token(request: MemberRequest, token_id: str) -> HttpResponse:
    run_action(
        request,
        lambda: api_tokens.revoke_token(request.actor, token_id),
        _("The API token is revoked. Programs that use it no longer have access."),
    )
    return redirect("workspace-settings")
