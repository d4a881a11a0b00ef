"""Settings of the workspace."""

from __future__ import annotations

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from kicau.costs import display_currency
from kicau.events.catalogue import PUBLIC_EVENTS
from kicau.web.core.labels import SCOPE_LABELS
from kicau.web.core.times import zone_choices
from kicau.web.core.views import (
    MemberRequest,
    member_page,
    run_action,
)
from kicau.workspaces import actions, api_tokens
from kicau.workspaces.actors import Permission
from kicau.workspaces.models import Workspace


@member_page
@require_safe
def workspace_settings(request: MemberRequest) -> HttpResponse:
    return render(request, "settings/workspace_settings.html", settings_context(request))


def settings_context(request: MemberRequest) -> dict[str, object]:
    actor = request.actor
    hooks = list(actor.workspace.webhooks.order_by("created_at")) if actor.may(Permission.SETTINGS) else []
    return {
        "tokens": list(api_tokens.tokens(actor)),
        "hooks": hooks,
        "events": list(PUBLIC_EVENTS),
        "zones": zone_choices(actor.workspace.timezone),
        "scopes": [(scope, label) for scope, label in SCOPE_LABELS.items() if actor.may(Permission(scope))],
        "all_languages": settings.LANGUAGES,
        "currencies": display_currency.display_currencies(actor),
    }


@member_page
@require_POST
def change_workspace(request: MemberRequest) -> HttpResponse:
    hours = request.POST.get("duplicate_hours", "")
    before = request.actor.workspace.currency
    if run_action(
        request,
        lambda: actions.update_workspace(
            request.actor,
            name=request.POST.get("name", ""),
            timezone=request.POST.get("timezone", ""),
            language=request.POST.get("language") or None,
            duplicate_hours=min(int(hours), 720) if hours.isdigit() else None,
            currency=request.POST.get("currency"),
        ),
        _("Your changes are saved."),
    ):
        changed = Workspace.objects.get(id=request.actor.workspace.id)
        for one in display_currency.currencies_without_rate(changed) if changed.currency != before else ():
            messages.warning(
                request,
                _("Kicau has no exchange rate from %(currency)s to %(shown)s yet, so it shows costs in %(currency)s.")
                % {"currency": one, "shown": changed.currency},
            )
    return redirect("workspace-settings")


@member_page
@require_POST
def require_second_factor(request: MemberRequest) -> HttpResponse:
    required = request.POST.get("required") == "1"
    run_action(
        request,
        lambda: actions.require_second_factor(request.actor, required),
        _("Every member of this workspace must now use two-factor authentication.")
        if required
        else _("Members of this workspace no longer have to use two-factor authentication."),
    )
    return redirect("workspace-settings")
