"""Your own account: download your data, change the password without a workspace, delete the account; delete a workspace."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth import logout, update_session_auth_hash
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from kicau.base.errors import Refusal, unacceptable
from kicau.erasure import accounts
from kicau.erasure import workspaces as erasure
from kicau.web.account import sessions
from kicau.web.account.sign_in import TOO_MANY, TooManyTries, check_present, proved_lately
from kicau.web.core.labels import by_field, said
from kicau.web.core.views import WORKSPACE, Asked, page, person_of
from kicau.workspaces import actions, factors
from kicau.workspaces.models import Person

SIGN_OUT_CLEARS = '"cache", "storage"'  # Clear-Site-Data: pages, and texts that were kept in the browser


@never_cache
@sensitive_post_parameters("present", "password", "code")
@require_http_methods(["GET", "HEAD", "POST"])
def account(request: HttpRequest) -> HttpResponse:
    """For everybody who is signed in, also without a workspace. `do` names the act of a form."""
    if not request.user.is_authenticated:
        return redirect("sign-in")
    person, given = person_of(request), request.POST
    shown: dict[str, object] = {
        "person": person,
        "fresh": proved_lately(request),
        "two_factor": factors.is_on(person),
        "sessions": sessions.shown(request),
    }
    if request.method != "POST":
        return render(request, "web/account.html", shown)
    try:
        if given.get("do") == "download":
            return _download(person)
        _check_present(request, person)
        if given.get("do") == "password":
            actions.change_person(person, password=given.get("password", ""))
            update_session_auth_hash(request, person)
            messages.success(request, _("The password is changed. Everywhere else you are signed out."))
            return redirect("account")
        accounts.forget(person, person, "page", confirmation=given.get("confirmation", ""))
    except TooManyTries as exc:
        errors = {"present": [str(TOO_MANY)]}
        answer = render(request, "web/account.html", shown | {"errors": errors}, status=429)
        answer["Retry-After"] = str(exc.seconds)
        return answer
    except Refusal as exc:
        errors = by_field(exc)
        return render(request, "web/account.html", shown | {"errors": errors, "sentence": said(exc)}, status=422)
    logout(request)
    messages.success(request, _("Your account is deleted."))
    answer = redirect("sign-in")
    answer["Clear-Site-Data"] = SIGN_OUT_CLEARS
    return answer


@page
@require_POST
def delete_workspace(request: Asked) -> HttpResponse:
    """Its name is typed, as it cannot be undone."""
    name = request.actor.workspace.name
    try:
        erasure.delete(request.actor, confirmation=request.POST.get("confirmation", ""))
    except Refusal as exc:
        messages.error(request, said(exc))
        return redirect("settings")
    request.session.pop(WORKSPACE, None)
    messages.success(request, _("The workspace %(name)s is deleted.") % {"name": name})
    return redirect("home")


def _download(person: Person) -> HttpResponse:
    body = accounts.as_json(accounts.export(person, person, "page"))
    answer = HttpResponse(body, content_type="application/json")
    answer["Content-Disposition"] = 'attachment; filename="kicau-account.json"'
    return answer


def _check_present(request: HttpRequest, person: Person) -> None:
    """The present password and code; a fresh sign-in for who has no password."""
    if person.has_usable_password():
        check_present(request, person, request.POST.get("present", ""), request.POST.get("code", ""), "present")
    elif not proved_lately(request):
        raise unacceptable("", "Sign out and sign in again first.")
