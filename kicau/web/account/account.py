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

from kicau.base.errors import DomainError, validation_failed
from kicau.erasure import accounts
from kicau.erasure import workspaces as erasure
from kicau.web.account import sessions
from kicau.web.account.identity_checks import check_current_password, has_recent_proof
from kicau.web.account.sign_in import TOO_MANY_ATTEMPTS_MESSAGE, TooManyAttempts
from kicau.web.core.labels import error_sentence, errors_by_field
from kicau.web.core.views import WORKSPACE_SESSION_KEY, MemberRequest, member_page, person_of
from kicau.workspaces import actions, factors
from kicau.workspaces.models import Person

CLEAR_SITE_DATA_HEADER = '"cache", "storage"'  # Clear-Site-Data: pages, and texts that were kept in the browser


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
        "fresh": has_recent_proof(request),
        "two_factor": factors.is_second_factor_on(person),
        "sessions": sessions.browser_sessions(request),
    }
    if request.method != "POST":
        return render(request, "account/account.html", shown)
    try:
        if given.get("do") == "download":
            return _download(person)
        _check_current_password(request, person)
        if given.get("do") == "password":
            actions.update_person(person, password=given.get("password", ""))
            update_session_auth_hash(request, person)
            messages.success(request, _("Your password was changed. You are signed out on all other devices."))
            return redirect("account")
        accounts.erase_account(person, person, "page", confirmation=given.get("confirmation", ""))
    except TooManyAttempts as exc:
        errors = {"present": [str(TOO_MANY_ATTEMPTS_MESSAGE)]}
        answer = render(request, "account/account.html", shown | {"errors": errors}, status=429)
        answer["Retry-After"] = str(exc.seconds)
        return answer
    except DomainError as exc:
        errors = errors_by_field(exc)
        return render(
            request, "account/account.html", shown | {"errors": errors, "sentence": error_sentence(exc)}, status=422
        )
    logout(request)
    messages.success(request, _("Your account was deleted."))
    answer = redirect("sign-in")
    answer["Clear-Site-Data"] = CLEAR_SITE_DATA_HEADER
    return answer


@member_page
@require_POST
def delete_workspace(request: MemberRequest) -> HttpResponse:
    """Its name is typed, as it cannot be undone."""
    name = request.actor.workspace.name
    try:
        erasure.delete_workspace(request.actor, confirmation=request.POST.get("confirmation", ""))
    except DomainError as exc:
        messages.error(request, error_sentence(exc))
        return redirect("workspace-settings")
    request.session.pop(WORKSPACE_SESSION_KEY, None)
    messages.success(request, _("The workspace %(name)s was deleted.") % {"name": name})
    return redirect("home")


def _download(person: Person) -> HttpResponse:
    body = accounts.to_json(accounts.export_person_data(person, person, "page"))
    answer = HttpResponse(body, content_type="application/json")
    answer["Content-Disposition"] = 'attachment; filename="kicau-account.json"'
    return answer


def _check_current_password(request: HttpRequest, person: Person) -> None:
    """The present password and code; a fresh sign-in for who has no password."""
    if person.has_usable_password():
        check_current_password(
            request, person, request.POST.get("present", ""), request.POST.get("code", ""), "present"
        )
    elif not has_recent_proof(request):
        raise validation_failed(
            "", "To confirm your identity, sign out and sign in again. Then come back to this page and try again."
        )
