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
from kicau.base.errors import Conflict, DomainError, NotAllowed
from kicau.base.sentences import Sentence
from kicau.web.account.challenge_cookies import ChallengeCookie
from kicau.web.account.identity_checks import consume_proof, has_recent_proof
from kicau.web.account.sign_in import client_address, complete_sign_in
from kicau.web.core.labels import error_sentence
from kicau.web.core.views import MemberRequest, person_of, personal_page
from kicau.workspaces import addresses, invitations, oidc, sign_ins
from kicau.workspaces.models import Person
from kicau.workspaces.oidc import IdClaims

SIGN_IN_COOKIE = ChallengeCookie(  # what is remembered of a sign-in under way
    name=settings.OIDC_COOKIE_NAME, salt="oidc sign-in", lifetime_seconds=oidc.SIGN_IN_LIFETIME_SECONDS, same_site="Lax"
)
MAX_REMEMBERED_LENGTH = 1000  # of each part of an address; browsers drop cookies above 4096 bytes


@require_safe
def begin_provider_sign_in(request: HttpRequest) -> HttpResponse:
    """Off to the provider; `join` is the invitation that the person comes with."""
    by = oidc.configured_provider()
    if by is None:
        return redirect("sign-in")
    try:
        address, memory = outbound.sign_in_slots.run(None, oidc.begin_sign_in, by)
    except DomainError as exc:
        return _render_problem(request, exc)
    answer = HttpResponseRedirect(address)
    SIGN_IN_COOKIE.set(answer, {**memory, "next": _remembered(request, "next"), "join": _remembered(request, "join")})
    return answer


@personal_page
@require_POST
def connect_provider(request: MemberRequest) -> HttpResponse:
    """Off to the provider, to add its account to one's own."""
    by = oidc.configured_provider()
    if by is None or not has_recent_proof(request):
        return redirect("sign-in-settings")
    try:
        address, memory = outbound.sign_in_slots.run(None, oidc.begin_sign_in, by)
    except DomainError as exc:
        messages.error(request, error_sentence(exc))
        return redirect("sign-in-settings")
    consume_proof(request)
    answer = HttpResponseRedirect(address)
    SIGN_IN_COOKIE.set(answer, {**memory, "connect": str(person_of(request).id)})
    return answer


def _remembered(request: HttpRequest, name: str) -> str:
    """Empty where it does not fit into a cookie; the person then lands on the first page."""
    value = request.GET.get(name, "")
    return value if len(json.dumps(value)) <= MAX_REMEMBERED_LENGTH else ""


@require_safe
def provider_callback(request: HttpRequest) -> HttpResponse:
    by = oidc.configured_provider()
    if by is None:
        return redirect("sign-in")
    answer = _finish_sign_in(request, by, SIGN_IN_COOKIE.read(request))
    SIGN_IN_COOKIE.delete(answer)
    return answer


def _finish_sign_in(request: HttpRequest, by: oidc.OidcProvider, memory: dict[str, str]) -> HttpResponse:
    try:
        returned = {k: str(v) for k, v in request.GET.items()}
        claims = outbound.sign_in_slots.run(None, oidc.finish_sign_in, by, memory, returned)
        oidc.mark_state_used(by, memory)
        if memory.get("connect"):
            return _finish_connection(request, claims, memory["connect"])
        person = oidc.find_person(claims)
        if person is None:
            person = _join_by_invitation(claims, memory.get("join", ""))
        elif memory.get("join"):  # they are asked once more on its page
            memory["next"] = reverse("accept-invitation", args=[memory["join"]])
    except DomainError as exc:
        sign_ins.record_rejected_sign_in(None, "provider", client_address(request))
        return _render_problem(request, exc)
    return complete_sign_in(
        request, person, memory.get("next", ""), how="provider", provider_factor=claims.second_factor
    )


def _finish_connection(request: HttpRequest, claims: IdClaims, person_id: str) -> HttpResponse:
    """Back from the provider, in the session that went there."""
    person = request.user
    if not isinstance(person, Person) or str(person.id) != person_id:
        return redirect("sign-in")
    try:
        oidc.connect_identity(person, claims)
    except DomainError as exc:
        messages.error(request, error_sentence(exc))
        return redirect("sign-in-settings")
    update_session_auth_hash(request, person)
    messages.success(request, _("You can now sign in to Kicau with {name}.").format(name=settings.KICAU_OIDC_NAME))
    return redirect("sign-in-settings")


def _join_by_invitation(claims: IdClaims, secret: str) -> Person:
    """Somebody who is nobody here yet comes in by an invitation only, under the address that it is for."""
    if not secret:
        raise Conflict(
            Sentence(
                "Kicau has no account for {email}. Ask your team for an invitation, accept it, and then sign in again.",
                email=claims.email or claims.subject,
            )
        )
    invitation = invitations.invitation_by_link(secret)
    if not addresses.is_same_email(claims.email, invitation.email):
        raise NotAllowed(
            Sentence(
                "This invitation is for {email}, but you signed in as {other}. Sign in as {email}, or ask for an invitation for {other}.",
                email=invitation.email,
                other=claims.email or claims.subject,
            )
        )
    language = (get_language() or "en").split("-")[0]
    with transaction.atomic():
        actor = invitations.accept_as_new_person(
            secret, claims.name, None, language=language, proved=claims.email_verified
        )
        assert actor.person is not None
        oidc.save_identity(actor.person, claims)
    return actor.person


def _render_problem(request: HttpRequest, exc: DomainError) -> HttpResponse:
    shown = {"error": error_sentence(exc), "provider": oidc.configured_provider(), "next": ""}
    return render(request, "account/sign_in.html", shown, status=422)
