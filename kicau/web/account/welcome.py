"""The first visit of a new server: whoever opens it becomes the owner."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from kicau.base.errors import DomainError
from kicau.web.account import setup_code
from kicau.web.account.sign_in import TOO_MANY_ATTEMPTS_MESSAGE, client_address, complete_sign_in
from kicau.web.core.labels import errors_by_field
from kicau.workspaces import actions, throttle
from kicau.workspaces.models import Person


@never_cache
@sensitive_post_parameters("password", "code")
@require_http_methods(["GET", "HEAD", "POST"])
def welcome(request: HttpRequest) -> HttpResponse:
    """Only while nobody is here."""
    if not actions.has_no_people():
        return redirect("home")
    given = {key: request.POST.get(key, "").strip() for key in ("name", "email", "workspace", "timezone", "code")}
    given["code"] = given["code"] or request.GET.get("code", "").strip()
    shown = {"given": given, "asks_code": not setup_code.is_local(request)}
    if shown["asks_code"]:
        setup_code.log_setup_code()
    if request.method != "POST":
        return render(request, "account/welcome.html", shown)
    if shown["asks_code"] and (refused := _setup_code_problem(request, given["code"])):
        return render(request, "account/welcome.html", shown | {"errors": {"code": [refused[0]]}}, status=refused[1])
    try:
        actor = actions.create_first_owner(
            given["email"],
            given["name"],
            request.POST.get("password", ""),
            given["workspace"] or given["name"] or _("Our workspace"),
            language=(get_language() or "en").split("-")[0],
            timezone=given["timezone"] or "UTC",
        )
    except DomainError as exc:
        return render(request, "account/welcome.html", shown | {"errors": errors_by_field(exc)}, status=422)
    assert isinstance(actor.person, Person)
    return complete_sign_in(request, actor.person, "", how="first visit")


def _setup_code_problem(request: HttpRequest, code: str) -> tuple[Any, int] | None:
    """What is wrong with a first visitor's code, with the answer's status."""
    limits = throttle.first_visit_limits(client_address(request))
    if throttle.wait_seconds(limits):
        return TOO_MANY_ATTEMPTS_MESSAGE, 429
    if setup_code.is_setup_code(code):
        throttle.uncount_attempt(limits)
        return None
    return _("This setup code is wrong. Enter the code that Kicau wrote to the server log when it started."), 422
