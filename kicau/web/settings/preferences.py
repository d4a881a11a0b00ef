"""What people set: about themselves, their workspace, its tokens and its webhooks."""

from __future__ import annotations

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from kicau.base.errors import DomainError
from kicau.costs import display_currency
from kicau.web.core.labels import SCOPE_LABELS, error_sentence, errors_by_field
from kicau.web.core.times import zone_choices
from kicau.web.core.views import (
    WORKSPACE_SESSION_KEY,
    MemberRequest,
    member_page,
    person_of,
    personal_page,
    redirect_back,
    run_action,
)
from kicau.workspaces import actions, webhooks
from kicau.workspaces.actors import Permission
from kicau.workspaces.models import Workspace


@member_page
@require_http_methods(["GET", "HEAD", "POST"])
def personal_settings(request: MemberRequest) -> HttpResponse:
    person = person_of(request)
    shown = {"zones": zone_choices(person.timezone), "given": person}
    if request.method != "POST":
        return render(request, "settings/personal_settings.html", shown)
    try:
        actions.update_person(
            person,
            name=request.POST.get("name", ""),
            language=request.POST.get("language", ""),
            timezone=request.POST.get("timezone", ""),
        )
    except DomainError as exc:
        return render(
            request,
            "settings/personal_settings.html",
            shown | {"errors": errors_by_field(exc), "sentence": error_sentence(exc)},
            status=422,
        )
    messages.success(request, _("Your changes are saved."))
    return redirect("you")


@personal_page
@require_POST
def switch_workspace(request: MemberRequest) -> HttpResponse:
    """Go on in another workspace of theirs, on the page that the form names or the calendar."""
    wanted = request.POST.get("workspace", "")
    actor = actions.actor_for(person_of(request), wanted, "page")
    request.session[WORKSPACE_SESSION_KEY] = str(actor.workspace.id)
    return redirect_back(request, "home")


@require_http_methods(["GET", "HEAD", "POST"])
def no_workspace(request: HttpRequest) -> HttpResponse:
    """For somebody who belongs to none: what to do; whoever hosts the instance may make one."""
    if not request.user.is_authenticated:
        return redirect("sign-in")
    person = person_of(request)
    if request.method != "POST" or not person.is_operator:
        return render(request, "settings/no_workspace.html", {"person": person})
    try:
        made = actions.create_workspace(
            person, request.POST.get("name", ""), timezone=person.timezone, language=person.language
        )
    except DomainError as exc:
        return render(
            request, "settings/no_workspace.html", {"person": person, "errors": errors_by_field(exc)}, status=422
        )
    request.session[WORKSPACE_SESSION_KEY] = str(made.id)
    return redirect("home")


@member_page
@require_safe
def workspace_settings(request: MemberRequest) -> HttpResponse:
    return render(request, "settings/workspace_settings.html", _settings_context(request))


def _settings_context(request: MemberRequest) -> dict[str, object]:
    actor = request.actor
    hooks = list(actor.workspace.webhooks.order_by("created_at")) if actor.may(Permission.SETTINGS) else []
    return {
        "tokens": list(actions.tokens(actor)),
        "hooks": hooks,
        "events": webhooks.EVENTS,
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
    return redirect("settings")


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
    return redirect("settings")


@member_page
@require_POST
def create_token(request: MemberRequest) -> HttpResponse:
    """The token is shown on this answer and never again."""
    days = request.POST.get("days", "90")
    try:
        made = actions.create_token(
            request.actor,
            request.POST.get("name", ""),
            request.POST.getlist("scope"),
            days=int(days) if days.isdigit() and int(days) else None,
        )
    except DomainError as exc:
        return render(
            request,
            "settings/workspace_settings.html",
            _settings_context(request) | {"token_errors": errors_by_field(exc)},
            status=422,
        )
    answer = render(request, "settings/workspace_settings.html", _settings_context(request) | {"made": made})
    answer["Cache-Control"] = "no-store"
    return answer


@member_page
@require_POST
def revoke_token(request: MemberRequest, token_id: str) -> HttpResponse:
    run_action(
        request,
        lambda: actions.revoke_token(request.actor, token_id),
        _("The API token is revoked. Programs that use it no longer have access."),
    )
    return redirect("settings")


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
            _settings_context(request) | {"hook_errors": errors_by_field(exc)},
            status=422,
        )
    return render(request, "settings/workspace_settings.html", _settings_context(request) | {"made_hook": made})


@member_page
@require_POST
def remove_webhook(request: MemberRequest, webhook_id: str) -> HttpResponse:
    run_action(
        request,
        lambda: webhooks.remove_webhook(request.actor, webhook_id),
        _("The webhook was removed. Kicau no longer sends updates to its address."),
    )
    return redirect("settings")
