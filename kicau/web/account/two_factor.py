"""The authenticator app and its recovery codes."""

from __future__ import annotations

from collections.abc import Callable

import segno
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_http_methods, require_POST

from kicau.base.errors import DomainError
from kicau.web.account.identity_checks import consume_proof, has_recent_proof
from kicau.web.account.sign_in_settings import sign_in_context
from kicau.web.core.labels import errors_by_field
from kicau.web.core.views import (
    KICAU_FACTOR,
    SECOND_FACTOR_SESSION_KEY,
    MemberRequest,
    person_of,
    personal_page,
)
from kicau.workspaces import factors


@never_cache
@sensitive_variables("authenticator")
@personal_page
@require_http_methods(["GET", "HEAD", "POST"])
def set_up_authenticator(request: MemberRequest) -> HttpResponse:
    """The QR code, and the first code of the app; the recovery codes are on the answer and never again."""
    if not has_recent_proof(request):
        return redirect("sign-in-settings")
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
        return redirect("sign-in-settings")


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
        return redirect("sign-in-settings")

    return _with_proof(request, off)


def _with_proof(request: MemberRequest, act: Callable[[], HttpResponse]) -> HttpResponse:
    if not has_recent_proof(request):
        return redirect("sign-in-settings")
    try:
        answer = act()
        consume_proof(request)
        return answer
    except DomainError as exc:
        return render(
            request,
            "account/sign_in_settings.html",
            sign_in_context(request) | {"errors": errors_by_field(exc)},
            status=422,
        )


def _render_recovery_codes(request: MemberRequest, codes: list[str]) -> HttpResponse:
    return render(request, "account/recovery_codes.html", {"codes": codes})
