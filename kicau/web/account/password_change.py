"""Changing the password."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from kicau.base.errors import DomainError
from kicau.web.account.identity_checks import check_current_password, consume_proof, has_recent_proof
from kicau.web.account.sign_in import TooManyAttempts
from kicau.web.account.sign_in_settings import sign_in_context, too_many_attempts
from kicau.web.core.labels import errors_by_field
from kicau.web.core.views import (
    MemberRequest,
    person_of,
    personal_page,
)
from kicau.workspaces import actions


@sensitive_post_parameters("password", "before", "code")
@personal_page
@require_POST
def change_password(request: MemberRequest) -> HttpResponse:
    """Another password; whoever is signed in elsewhere is signed out there."""
    person, given = person_of(request), request.POST
    try:
        if not has_recent_proof(request):
            check_current_password(request, person, given.get("before", ""), given.get("code", ""), "before")
        actions.update_person(person, password=given.get("password", ""), end_tokens=given.get("end_tokens") == "1")
    except TooManyAttempts as exc:
        return too_many_attempts(request, exc, "before")
    except DomainError as exc:
        return render(
            request,
            "account/sign_in_settings.html",
            sign_in_context(request) | {"errors": errors_by_field(exc)},
            status=422,
        )
    consume_proof(request)
    update_session_auth_hash(request, person)
    messages.success(request, _("Your password was changed. You are signed out on all other devices."))
    return redirect("sign-in-settings")
