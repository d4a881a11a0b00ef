"""The page of how somebody signs in; confirming one's identity, ending other access, the link that verifies an address."""

from __future__ import annotations

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST, require_safe

from kicau.base import clock
from kicau.base.errors import DomainError
from kicau.web.account import sessions
from kicau.web.account.identity_checks import check_current_password, has_recent_proof
from kicau.web.account.sign_in import PROVED_AT_KEY, TOO_MANY_ATTEMPTS_MESSAGE, TooManyAttempts
from kicau.web.core.labels import errors_by_field
from kicau.web.core.views import (
    KICAU_FACTOR,
    SECOND_FACTOR_SESSION_KEY,
    MemberRequest,
    person_of,
    personal_page,
    run_action,
)
from kicau.workspaces import account_security, address_verification, factors, oidc, passkeys


@personal_page
@require_safe
def sign_in_settings(request: MemberRequest) -> HttpResponse:
    return render(request, "account/sign_in_settings.html", sign_in_context(request))


@sensitive_post_parameters("password", "code")
@personal_page
@require_POST
def verify_identity(request: MemberRequest) -> HttpResponse:
    """The password once more, and the code, before one thing that guards the sign-in is changed."""
    given = request.POST
    try:
        check_current_password(request, person_of(request), given.get("password", ""), given.get("code", ""), "prove")
    except TooManyAttempts as exc:
        return too_many_attempts(request, exc, "prove")
    except DomainError as exc:
        return render(
            request,
            "account/sign_in_settings.html",
            sign_in_context(request) | {"errors": errors_by_field(exc)},
            status=422,
        )
    request.session[PROVED_AT_KEY] = clock.now().timestamp()
    if factors.is_second_factor_on(person_of(request)):  # they gave a code of it
        request.session[SECOND_FACTOR_SESSION_KEY] = KICAU_FACTOR
    return redirect("sign-in-settings")


@personal_page
@require_POST
def end_other_access(request: MemberRequest) -> HttpResponse:
    """Sign out everywhere else, and end every API token."""
    account_security.end_access(person_of(request), keep=request.session.session_key or "")
    messages.success(request, _("Kicau signed you out on all other devices and revoked your API tokens."))
    return redirect("sign-in-settings")


@personal_page
@require_POST
def send_address_verification(request: MemberRequest) -> HttpResponse:
    """A link to the person's own address, which proves that it is theirs."""
    run_action(
        request,
        lambda: address_verification.send_link(person_of(request)),
        _("Kicau is sending you an e-mail with a link that confirms your address. Open the link within 24 hours."),
    )
    return redirect("sign-in-settings")


def sign_in_context(request: MemberRequest) -> dict[str, object]:
    person = person_of(request)
    return {
        "person": person,
        "fresh": has_recent_proof(request),
        "two_factor": factors.is_second_factor_on(person),
        "codes_left": factors.count_recovery_codes(person),
        "passkeys": list(person.passkeys.order_by("id")),
        "can_passkey": passkeys.are_passkeys_possible(),
        "provider": oidc.configured_provider(),
        "identities": list(person.identities.all()),
        "sends_mail": settings.KICAU_SENDS_MAIL,
        "sessions": sessions.browser_sessions(request),
    }


def too_many_attempts(request: MemberRequest, exc: TooManyAttempts, field: str) -> HttpResponse:
    shown = sign_in_context(request) | {"errors": {field: [str(TOO_MANY_ATTEMPTS_MESSAGE)]}}
    answer = render(request, "account/sign_in_settings.html", shown, status=429)
    answer["Retry-After"] = str(exc.seconds)
    return answer
