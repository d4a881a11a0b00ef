"""Passkeys: signing in by one, and keeping one's own."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from kicau.base import clock
from kicau.base.errors import NotAllowed, Refusal
from kicau.web.account.challenge_cookies import ChallengeCookie
from kicau.web.account.sign_in import PROVED, address_of, let_in, proved_lately, use_up_proof
from kicau.web.core.labels import said
from kicau.web.core.views import OWN_FACTOR, SECOND_FACTOR, Asked, attempt, landing, own_page, person_of
from kicau.workspaces import passkeys, sign_ins
from kicau.workspaces.models import Person

CHALLENGE = ChallengeCookie(  # for a browser that signs in by one
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
    options, state = passkeys.begin_signing_in()
    answer = JsonResponse(options)
    CHALLENGE.set(answer, state)
    return answer


def _person_of_answer(request: HttpRequest) -> Person:
    """Whose passkey answered what this browser was asked. Raises Unacceptable."""
    return passkeys.finish_signing_in(CHALLENGE.read(request), passkeys.read_answer(request.body))


@require_POST
def finish_sign_in(request: HttpRequest) -> HttpResponse:
    try:
        person = _person_of_answer(request)
    except Refusal as exc:
        sign_ins.record_refused(None, "passkey", address_of(request))
        return _told(exc)
    answer = let_in(request, person, request.GET.get("next", ""), strong=True, how="passkey")
    return _done(answer["Location"])


@own_page
@require_POST
def finish_proof(request: Asked) -> HttpResponse:
    """Their own passkey, in place of the password and the code, before one change of how they sign in."""
    try:
        person = _person_of_answer(request)
        if person != person_of(request):
            raise NotAllowed("This passkey belongs to another account.")
    except Refusal as exc:
        return _told(exc)
    request.session[PROVED] = clock.now().timestamp()
    request.session[SECOND_FACTOR] = OWN_FACTOR
    wanted = landing(request, request.GET.get("next", ""), "you-sign-in")
    return _done(wanted["Location"])


def _done(address: str) -> JsonResponse:
    answer = JsonResponse({"to": address})
    CHALLENGE.delete(answer)
    return answer


@own_page
@require_POST
def begin(request: Asked) -> HttpResponse:
    try:
        _fresh(request)
        person = person_of(request)
        options, state = passkeys.begin_registering(person)
    except Refusal as exc:
        return _told(exc)
    answer = JsonResponse(options)
    REGISTRATION.set(answer, {**state, PERSON: str(person.id)})
    return answer


@own_page
@require_POST
def finish(request: Asked) -> HttpResponse:
    try:
        _fresh(request)
        answer, person = passkeys.read_answer(request.body), person_of(request)
        state = REGISTRATION.read(request)
        if state.pop(PERSON, "") != str(person.id):
            state = {}  # begun by another account in this browser
        passkeys.finish_registering(person, state, answer, str(answer.get("name", "")))
        use_up_proof(request)
    except Refusal as exc:
        return _told(exc)
    request.session[SECOND_FACTOR] = OWN_FACTOR  # the device asked for its lock
    return _done("/you/sign-in")


@own_page
@require_POST
def remove(request: Asked, passkey_id: str) -> HttpResponse:
    def act() -> None:
        _fresh(request)
        passkeys.remove(person_of(request), passkey_id)
        use_up_proof(request)

    attempt(request, act, _("The passkey is removed; remove it on the device as well."))
    return redirect("you-sign-in")


def _fresh(request: Asked) -> None:
    if not proved_lately(request):
        raise NotAllowed("Confirm that it is you first: reload this page.")


def _told(exc: Refusal) -> JsonResponse:
    return JsonResponse({"sentence": said(exc)}, status=422)
