"""Passkeys: signing in by one, and keeping one's own."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from kicau.base import clock
from kicau.base.errors import NotAllowed, Refusal
from kicau.web.frame import Asked, attempt, page, person_of
from kicau.web.signing_in import PROVED, address_of, let_in, proved_lately, use_up_proof
from kicau.web.words import said
from kicau.workspaces import passkeys, sign_ins

STATE = "passkey"  # the session's key for what a browser was asked


@require_POST
def begin_sign_in(request: HttpRequest) -> HttpResponse:
    options, request.session[STATE] = passkeys.begin_signing_in()
    return JsonResponse(options)


@require_POST
def finish_sign_in(request: HttpRequest) -> HttpResponse:
    try:
        person = passkeys.finish_signing_in(request.session.pop(STATE, {}), passkeys.read_answer(request.body))
    except Refusal as exc:
        sign_ins.record_refused(None, "passkey", address_of(request))
        return _told(exc)
    answer = let_in(request, person, request.GET.get("next", ""), strong=True, how="passkey")
    return JsonResponse({"to": answer["Location"]})


@page
@require_POST
def finish_proof(request: Asked) -> HttpResponse:
    """Their own passkey, in place of the password and the code, before one change of how they sign in."""
    try:
        person = passkeys.finish_signing_in(request.session.pop(STATE, {}), passkeys.read_answer(request.body))
        if person != person_of(request):
            raise NotAllowed("This passkey belongs to another account.")
    except Refusal as exc:
        return _told(exc)
    request.session[PROVED] = clock.now().timestamp()
    return JsonResponse({"to": reverse("you-sign-in")})


@page
@require_POST
def begin(request: Asked) -> HttpResponse:
    try:
        _fresh(request)
        options, request.session[STATE] = passkeys.begin_registering(person_of(request))
    except Refusal as exc:
        return _told(exc)
    return JsonResponse(options)


@page
@require_POST
def finish(request: Asked) -> HttpResponse:
    try:
        _fresh(request)
        answer = passkeys.read_answer(request.body)
        passkeys.finish_registering(
            person_of(request), request.session.pop(STATE, {}), answer, str(answer.get("name", ""))
        )
        use_up_proof(request)
    except Refusal as exc:
        return _told(exc)
    return JsonResponse({"to": "/you/sign-in"})


@page
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
