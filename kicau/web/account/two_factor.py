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
from kicau.base.errors import Refusal
from kicau.web.account import sessions
from kicau.web.account.sign_in import (
    PROVED,
    TOO_MANY,
    TooManyTries,
    check_present,
    proved_lately,
    use_up_proof,
)
from kicau.web.core.labels import by_field
from kicau.web.core.views import OWN_FACTOR, SECOND_FACTOR, Asked, attempt, own_page, person_of
from kicau.workspaces import account_security, actions, address_verification, factors, oidc, passkeys


@own_page
@require_safe
def overview(request: Asked) -> HttpResponse:
    return render(request, "web/you_sign_in.html", _shown(request))


def _shown(request: Asked) -> dict[str, object]:
    person = person_of(request)
    return {
        "person": person,
        "fresh": proved_lately(request),
        "two_factor": factors.is_on(person),
        "codes_left": factors.codes_left(person),
        "passkeys": list(person.passkeys.order_by("id")),
        "can_passkey": passkeys.possible(),
        "provider": oidc.provider(),
        "identities": list(person.identities.all()),
        "sends_mail": settings.KICAU_SENDS_MAIL,
        "sessions": sessions.shown(request),
    }


@sensitive_post_parameters("password", "code")
@own_page
@require_POST
def prove(request: Asked) -> HttpResponse:
    """The password once more, and the code, before one thing that guards the sign-in is changed."""
    given = request.POST
    try:
        check_present(request, person_of(request), given.get("password", ""), given.get("code", ""), "prove")
    except TooManyTries as exc:
        return _too_many(request, exc, "prove")
    except Refusal as exc:
        return render(request, "web/you_sign_in.html", _shown(request) | {"errors": by_field(exc)}, status=422)
    request.session[PROVED] = clock.now().timestamp()
    if factors.is_on(person_of(request)):  # they gave a code of it
        request.session[SECOND_FACTOR] = OWN_FACTOR
    return redirect("you-sign-in")


def _too_many(request: Asked, exc: TooManyTries, field: str) -> HttpResponse:
    shown = _shown(request) | {"errors": {field: [str(TOO_MANY)]}}
    answer = render(request, "web/you_sign_in.html", shown, status=429)
    answer["Retry-After"] = str(exc.seconds)
    return answer


@own_page
@require_POST
def end_access(request: Asked) -> HttpResponse:
    """Sign out everywhere else, and end every API token."""
    account_security.end_access(person_of(request), keep=request.session.session_key or "")
    messages.success(request, _("You are signed out everywhere else, and your API tokens have ended."))
    return redirect("you-sign-in")


@own_page
@require_POST
def send_proof(request: Asked) -> HttpResponse:
    """A link to the person's own address, which proves that it is theirs."""
    attempt(
        request,
        lambda: address_verification.send_link(person_of(request)),
        _("The link is on its way. Open it within 24 hours."),
    )
    return redirect("you-sign-in")


@sensitive_post_parameters("password", "before", "code")
@own_page
@require_POST
def change_password(request: Asked) -> HttpResponse:
    """Another password; whoever is signed in elsewhere is signed out there."""
    person, given = person_of(request), request.POST
    try:
        if not proved_lately(request):
            check_present(request, person, given.get("before", ""), given.get("code", ""), "before")
        actions.change_person(person, password=given.get("password", ""), end_tokens=given.get("end_tokens") == "1")
    except TooManyTries as exc:
        return _too_many(request, exc, "before")
    except Refusal as exc:
        return render(request, "web/you_sign_in.html", _shown(request) | {"errors": by_field(exc)}, status=422)
    use_up_proof(request)
    update_session_auth_hash(request, person)
    messages.success(request, _("The password is changed. Everywhere else you are signed out."))
    return redirect("you-sign-in")


@never_cache
@sensitive_variables("authenticator")
@own_page
@require_http_methods(["GET", "HEAD", "POST"])
def set_up(request: Asked) -> HttpResponse:
    """The QR code, and the first code of the app; the recovery codes are on the answer and never again."""
    if not proved_lately(request):
        return redirect("you-sign-in")
    person = person_of(request)
    try:
        if request.method == "POST":
            codes = factors.confirm(person, request.POST.get("code", ""))
            use_up_proof(request)
            request.session[SECOND_FACTOR] = OWN_FACTOR
            return _codes(request, codes)
        return render(request, "web/two_factor.html", _qr(request))
    except Refusal as exc:
        return _again(request, exc)


def _again(request: Asked, exc: Refusal) -> HttpResponse:
    try:
        return render(request, "web/two_factor.html", _qr(request) | {"errors": by_field(exc)}, status=422)
    except Refusal:
        return redirect("you-sign-in")


def _qr(request: Asked) -> dict[str, object]:
    person = person_of(request)
    authenticator = factors.begin(person)
    drawn = segno.make(factors.address(person, authenticator), error="m", micro=False)
    return {"qr": _drawing(drawn), "secret": " ".join(authenticator.secret[n : n + 4] for n in range(0, 32, 4))}


def _drawing(code: segno.QRCode) -> SafeString:
    """Dark on light in every theme, as cameras want it; attributes only, since the policy allows no inline style."""
    drawn = code.svg_inline(scale=5, border=3, dark="#000", light="#fff", svgclass="qr", lineclass=None, omitsize=True)
    return mark_safe(drawn)  # noqa: S308 (made by segno from our own values)


@never_cache
@own_page
@require_POST
def new_codes(request: Asked) -> HttpResponse:
    return _guarded(request, lambda: _codes(request, factors.new_recovery_codes(person_of(request))))


@own_page
@require_POST
def turn_off(request: Asked) -> HttpResponse:
    def off() -> HttpResponse:
        factors.turn_off(person_of(request))
        messages.success(request, _("No code is asked for any more. Remove the entry in the app as well."))
        return redirect("you-sign-in")

    return _guarded(request, off)


def _guarded(request: Asked, act: Callable[[], HttpResponse]) -> HttpResponse:
    if not proved_lately(request):
        return redirect("you-sign-in")
    try:
        answer = act()
        use_up_proof(request)
        return answer
    except Refusal as exc:
        return render(request, "web/you_sign_in.html", _shown(request) | {"errors": by_field(exc)}, status=422)


def _codes(request: Asked, codes: list[str]) -> HttpResponse:
    return render(request, "web/recovery_codes.html", {"codes": codes})
