"""Passkeys: signing in by one, and keeping one's own."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from kicau.base import clock
from kicau.base.errors import DomainError, NotAllowed
from kicau.web.account.challenge_cookies import ChallengeCookie
from kicau.web.account.identity_checks import consume_proof, has_recent_proof
from kicau.web.account.sign_in import PROVED_AT_KEY, client_address, complete_sign_in
from kicau.web.core.labels import error_sentence
from kicau.web.core.views import (
    KICAU_FACTOR,
    SECOND_FACTOR_SESSION_KEY,
    MemberRequest,
    person_of,
    personal_page,
    run_action,
    safe_redirect,
)
from kicau.workspaces import passkeys, sign_ins
from kicau.workspaces.models import Person

CHALLENGE_COOKIE = ChallengeCookie(  # for a browser that signs in by one
    name=settings.PASSKEY_COOKIE_NAME,
    salt="passkey challenge",
    lifetime_seconds=passkeys.CHALLENGE_SECONDS,
    same_site="Strict",
)
REGISTRATION = ChallengeCookie(  # for a browser that registers one; it is of no use for signing in
    name=settings.PASSKEY_COOKIE_NAME,
    salt="passkey registration",
    lifetime_seconds=passkeys.CHALLENGE_SECONDS,
    same_site="Strict",
)
PERSON = "person"  # in the cookie of a registration: for whom it began


@require_POST
def begin_sign_in(request: HttpRequest) -> HttpResponse:
    """What the browser is asked goes along in a signed cookie: whoever asks, nothing is kept of it here."""
    options, state = passkeys.begin_passkey_sign_in()
    answer = JsonResponse(options)
    CHALLENGE_COOKIE.set(answer, state)
    return answer


def _verified_person(request: HttpRequest) -> Person:
    """Whose passkey answered what this browser was asked. Raises ValidationFailed."""
    return passkeys.finish_passkey_sign_in(CHALLENGE_COOKIE.read(request), passkeys.parse_response(request.body))


@require_POST
def finish_sign_in(request: HttpRequest) -> HttpResponse:
    try:
        person = _verified_person(request)
    except DomainError as exc:
        sign_ins.record_rejected_sign_in(None, "passkey", client_address(request))
        return _error_json(exc)
    answer = complete_sign_in(request, person, request.GET.get("next", ""), strong=True, how="passkey")
    return _redirect_json(answer["Location"])


@personal_page
@require_POST
def finish_verification(request: MemberRequest) -> HttpResponse:
    """Their own passkey, in place of the password and the code, before one change of how they sign in."""
    try:
        person = _verified_person(request)
        if person != person_of(request):
            raise NotAllowed(
                "This passkey belongs to another account. Use a passkey of the account that you are signed in to."
            )
    except DomainError as exc:
        return _error_json(exc)
    request.session[PROVED_AT_KEY] = clock.now().timestamp()
    request.session[SECOND_FACTOR_SESSION_KEY] = KICAU_FACTOR
    wanted = safe_redirect(request, request.GET.get("next", ""), "sign-in-settings")
    return _redirect_json(wanted["Location"])


def _redirect_json(address: str) -> JsonResponse:
    answer = JsonResponse({"to": address})
    CHALLENGE_COOKIE.delete(answer)
    return answer


@personal_page
@require_POST
def begin_registration(request: MemberRequest) -> HttpResponse:
    try:
        _require_recent_proof(request)
        person = person_of(request)
        options, state = passkeys.begin_registration(person)
    except DomainError as exc:
        return _error_json(exc)
    answer = JsonResponse(options)
    REGISTRATION.set(answer, {**state, PERSON: str(person.id)})
    return answer


@personal_page
@require_POST
def finish_registration(request: MemberRequest) -> HttpResponse:
    try:
        _require_recent_proof(request)
        answer, person = passkeys.parse_response(request.body), person_of(request)
        state = REGISTRATION.read(request)
        if state.pop(PERSON, "") != str(person.id):
            state = {}  # begun by another account in this browser
        passkeys.finish_registration(person, state, answer, str(answer.get("name", "")))
        consume_proof(request)
    except DomainError as exc:
        return _error_json(exc)
    request.session[SECOND_FACTOR_SESSION_KEY] = KICAU_FACTOR  # the device asked for its lock
    return _redirect_json("/settings/sign-in")


@personal_page
@require_POST
def remove_passkey(request: MemberRequest, passkey_id: str) -> HttpResponse:
    def act() -> None:
        _require_recent_proof(request)
        passkeys.remove_passkey(person_of(request), passkey_id)
        consume_proof(request)

    run_action(request, act, _("The passkey was removed from Kicau. Remove it from your device as well."))
    return redirect("sign-in-settings")


def _require_recent_proof(request: MemberRequest) -> None:
    if not has_recent_proof(request):
        raise NotAllowed("Reload this page and follow the steps on it to confirm your identity. Then try again.")


def _error_json(exc: DomainError) -> JsonResponse:
    return JsonResponse({"sentence": error_sentence(exc)}, status=422)
