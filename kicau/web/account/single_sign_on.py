"""Signing in by the operator's identity provider."""

from __future__ import annotations

import json

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from kicau.base import outbound
from kicau.base.errors import Conflict, NotAllowed, Refusal
from kicau.base.sentences import Sentence
from kicau.web.account.challenge_cookies import ChallengeCookie
from kicau.web.account.sign_in import address_of, let_in, proved_lately, use_up_proof
from kicau.web.core.labels import said
from kicau.web.core.views import Asked, own_page, person_of
from kicau.workspaces import addresses, invitations, oidc, sign_ins
from kicau.workspaces.models import Person
from kicau.workspaces.oidc import Claims

MEMORY = ChallengeCookie(  # what is remembered of a sign-in under way
    name=settings.OIDC_COOKIE_NAME, salt="oidc sign-in", lifetime_seconds=oidc.SIGN_IN_SECONDS, same_site="Lax"
)
MAX_REMEMBERED_CHARACTERS = 1000  # of each part of an address; browsers drop cookies above 4096 bytes


@require_safe
def begin(request: HttpRequest) -> HttpResponse:
    """Off to the provider; `join` is the invitation that the person comes with."""
    by = oidc.provider()
    if by is None:
        return redirect("sign-in")
    try:
        address, memory = outbound.signing_in.run(None, oidc.begin, by)
    except Refusal as exc:
        return _refused(request, exc)
    answer = HttpResponseRedirect(address)
    MEMORY.set(answer, {**memory, "next": _remembered(request, "next"), "join": _remembered(request, "join")})
    return answer


@own_page
@require_POST
def connect(request: Asked) -> HttpResponse:
    """Off to the provider, to add its account to one's own."""
    by = oidc.provider()
    if by is None or not proved_lately(request):
        return redirect("you-sign-in")
    try:
        address, memory = outbound.signing_in.run(None, oidc.begin, by)
    except Refusal as exc:
        messages.error(request, said(exc))
        return redirect("you-sign-in")
    use_up_proof(request)
    answer = HttpResponseRedirect(address)
    MEMORY.set(answer, {**memory, "connect": str(person_of(request).id)})
    return answer


def _remembered(request: HttpRequest, name: str) -> str:
    """Empty where it does not fit into a cookie; the person then lands on the first page."""
    value = request.GET.get(name, "")
    return value if len(json.dumps(value)) <= MAX_REMEMBERED_CHARACTERS else ""


@require_safe
def callback(request: HttpRequest) -> HttpResponse:
    by = oidc.provider()
    if by is None:
        return redirect("sign-in")
    answer = _returned(request, by, MEMORY.read(request))
    MEMORY.delete(answer)
    return answer


def _returned(request: HttpRequest, by: oidc.Provider, memory: dict[str, str]) -> HttpResponse:
    try:
        returned = {k: str(v) for k, v in request.GET.items()}
        claims = outbound.signing_in.run(None, oidc.finish, by, memory, returned)
        oidc.use_up(by, memory)
        if memory.get("connect"):
            return _connected(request, claims, memory["connect"])
        person = oidc.person_of(claims)
        if person is None:
            person = _newcomer(claims, memory.get("join", ""))
        elif memory.get("join"):  # they are asked once more on its page
            memory["next"] = reverse("join", args=[memory["join"]])
    except Refusal as exc:
        sign_ins.record_refused(None, "provider", address_of(request))
        return _refused(request, exc)
    return let_in(request, person, memory.get("next", ""), how="provider", provider_factor=claims.second_factor)


def _connected(request: HttpRequest, claims: Claims, person_id: str) -> HttpResponse:
    """Back from the provider, in the session that went there."""
    person = request.user
    if not isinstance(person, Person) or str(person.id) != person_id:
        return redirect("sign-in")
    try:
        oidc.connect(person, claims)
    except Refusal as exc:
        messages.error(request, said(exc))
        return redirect("you-sign-in")
    update_session_auth_hash(request, person)
    messages.success(request, _("You can sign in with {name} now.").format(name=settings.KICAU_OIDC_NAME))
    return redirect("you-sign-in")


def _newcomer(claims: Claims, secret: str) -> Person:
    """Somebody who is nobody here yet comes in by an invitation only, under the address that it is for."""
    if not secret:
        raise Conflict(
            Sentence(
                "{email} is not known here. Ask somebody of your team for an invitation; this sign-in then works.",
                email=claims.email or claims.subject,
            )
        )
    invitation = invitations.by_link(secret)
    if not addresses.are_same(claims.email, invitation.email):
        raise NotAllowed(
            Sentence(
                "This invitation is for {email}, and you came as {other}. Ask for an invitation to your own address.",
                email=invitation.email,
                other=claims.email or claims.subject,
            )
        )
    language = (get_language() or "en").split("-")[0]
    with transaction.atomic():
        actor = invitations.accept_as_new(secret, claims.name, None, language=language, proved=claims.email_verified)
        assert actor.person is not None
        oidc.attach(actor.person, claims)
    return actor.person


def _refused(request: HttpRequest, exc: Refusal) -> HttpResponse:
    shown = {"error": said(exc), "provider": oidc.provider(), "next": ""}
    return render(request, "web/sign_in.html", shown, status=422)
