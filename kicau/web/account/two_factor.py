"""How somebody signs in: password, passkeys, the authenticator app and its recovery codes."""

from __future__ import annotations

from collections.abc import Callable

import segno
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from kicau.base import clock
from kicau.base.errors import DomainError
from kicau.web.account import sessions
from kicau.web.account.sign_in import (
    PROVED_AT_KEY,
    TOO_MANY_ATTEMPTS_MESSAGE,
    TooManyAttempts,
    check_current_password,
    consume_proof,
    has_recent_proof,
)
from kicau.web.core.labels import errors_by_field
from kicau.web.core.views import (
    KICAU_FACTOR,
    SECOND_FACTOR_SESSION_KEY,
    MemberRequest,
    person_of,
    personal_page,
    run_action,
)
from kicau.workspaces import account_security, actions, address_verification, factors, oidc, passkeys


@personal_page
@require_safe
def sign_in_settings(request: MemberRequest) -> HttpResponse:
    return render(request, "account/sign_in_settings.html", _overview_context(request))


def _overview_context(request: MemberRequest) -> dict[str, object]:
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


@sensitive_post_parameters("password", "code")
@personal_page
@require_POST
def prove_identity(request: MemberRequest) -> HttpResponse:
    """The password once more, and the code, before one thing that guards the sign-in is changed."""
    given = request.POST
    try:
        check_current_password(request, person_of(request), given.get("password", ""), given.get("code", ""), "prove")
    except TooManyAttempts as exc:
        return _too_many_attempts(request, exc, "prove")
    except DomainError as exc:
        return render(
            request,
            "account/sign_in_settings.html",
            _overview_context(request) | {"errors": errors_by_field(exc)},
            status=422,
        )
    request.session[PROVED_AT_KEY] = clock.now().timestamp()
    if factors.is_second_factor_on(person_of(request)):  # they gave a code of it
        request.session[SECOND_FACTOR_SESSION_KEY] = KICAU_FACTOR
    return redirect("you-sign-in")


def _too_many_attempts(request: MemberRequest, exc: TooManyAttempts, field: str) -> HttpResponse:
    shown = _overview_context(request) | {"errors": {field: [str(TOO_MANY_ATTEMPTS_MESSAGE)]}}
    answer = render(request, "account/sign_in_settings.html", shown, status=429)
    answer["Retry-After"] = str(exc.seconds)
    return answer


@personal_page
@require_POST
def end_other_access(request: MemberRequest) -> HttpResponse:
    """Sign out everywhere else, and end every API token."""
    account_security.end_access(person_of(request), keep=request.session.session_key or "")
    messages.success(request, _("Kicau signed you out on all other devices and revoked your API tokens."))
    return redirect("you-sign-in")


@personal_page
@require_POST
def send_address_proof(request: MemberRequest) -> HttpResponse:
    """A link to the person's own address, which proves that it is theirs."""
    run_action(
        request,
        lambda: address_verification.send_link(person_of(request)),
        _("Kicau is sending you an e-mail with a link that confirms your address. Open the link within 24 hours."),
    )
    return redirect("you-sign-in")


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
        return _too_many_attempts(request, exc, "before")
    except DomainError as exc:
        return render(
            request,
            "account/sign_in_settings.html",
            _overview_context(request) | {"errors": errors_by_field(exc)},
            status=422,
        )
    consume_proof(request)
    update_session_auth_hash(request, person)
    messages.success(request, _("Your password was changed. You are signed out on all other devices."))
    return redirect("you-sign-in")


@never_cache
@sensitive_variables("authenticator")
@personal_page
@require_http_methods(["GET", "HEAD", "POST"])
def set_up_authenticator(request: MemberRequest) -> HttpResponse:
    """The QR code, and the first code of the app; the recovery codes are on the answer and never again."""
    if not has_recent_proof(request):
        return redirect("you-sign-in")
    person = person_of(request)
    try:
        if request.method == "POST":
            codes = factors.confirm_totp_setup(person, request.POST.get("code", ""))
            consume_proof(request)
            request.session[SECOND_FACTOR_SESSION_KEY] = KICAU_FACTOR
            return _render_recovery_codes(request, codes)
        return render(request, "account/set_up_authenticator.html", _qr_context(request))
    except DomainError as exc:
        return _render_setup_again(request, exc)


def _render_setup_again(request: MemberRequest, exc: DomainError) -> HttpResponse:
    try:
        return render(
            request,
            "account/set_up_authenticator.html",
            _qr_context(request) | {"errors": errors_by_field(exc)},
            status=422,
        )
    except DomainError:
        return redirect("you-sign-in")


def _qr_context(request: MemberRequest) -> dict[str, object]:
    person = person_of(request)
    authenticator = factors.begin_totp_setup(person)
    drawn = segno.make(factors.otpauth_url(person, authenticator), error="m", micro=False)
    return {"qr": _qr_svg(drawn), "secret": " ".join(authenticator.secret[n : n + 4] for n in range(0, 32, 4))}


def _qr_svg(code: segno.QRCode) -> SafeString:
    """Dark on light in every theme, as cameras want it; attributes only, since the policy allows no inline style."""
    drawn = code.svg_inline(scale=5, border=3, dark="#000", light="#fff", svgclass="qr", lineclass=None, omitsize=True)
    return mark_safe(drawn)  # noqa: S308 (made by segno from our own values)


@never_cache
@personal_page
@require_POST
def new_recovery_codes(request: MemberRequest) -> HttpResponse:
    return _with_proof(request, lambda: _render_recovery_codes(request, factors.new_recovery_codes(person_of(request))))


@personal_page
@require_POST
def turn_off_two_factor(request: MemberRequest) -> HttpResponse:
    def off() -> HttpResponse:
        factors.turn_off_second_factor(person_of(request))
        messages.success(
            request,
            _(
                "You turned off the authenticator app, so Kicau no longer asks for a code when you sign in. Also delete Kicau's entry in the app."
            ),
        )
        return redirect("you-sign-in")

    return _with_proof(request, off)


def _with_proof(request: MemberRequest, act: Callable[[], HttpResponse]) -> HttpResponse:
    if not has_recent_proof(request):
        return redirect("you-sign-in")
    try:
        answer = act()
        consume_proof(request)
        return answer
    except DomainError as exc:
        return render(
            request,
            "account/sign_in_settings.html",
            _overview_context(request) | {"errors": errors_by_field(exc)},
            status=422,
        )


def _render_recovery_codes(request: MemberRequest, codes: list[str]) -> HttpResponse:
    return render(request, "account/recovery_codes.html", {"codes": codes})
