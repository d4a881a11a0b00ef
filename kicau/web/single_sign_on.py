"""Signing in by the operator's identity provider."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.utils.translation import get_language
from django.views.decorators.http import require_safe

from kicau.base import outbound
from kicau.base.errors import Conflict, Refusal
from kicau.base.sentences import Sentence
from kicau.web.signing_in import let_in
from kicau.web.words import said
from kicau.workspaces import acts, invitations, oidc
from kicau.workspaces.models import Person
from kicau.workspaces.oidc import Claims

MEMORY = "oidc"  # the session's key for what is remembered of a sign-in under way


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
    request.session[MEMORY] = {**memory, "next": request.GET.get("next", ""), "join": request.GET.get("join", "")}
    return HttpResponseRedirect(address)


@require_safe
def callback(request: HttpRequest) -> HttpResponse:
    by = oidc.provider()
    if by is None:
        return redirect("sign-in")
    memory = request.session.pop(MEMORY, {})
    try:
        returned = {k: str(v) for k, v in request.GET.items()}
        claims = outbound.signing_in.run(None, oidc.finish, by, memory, returned)
        person = oidc.person_of(claims) or _newcomer(claims, memory.get("join", ""))
    except Refusal as exc:
        return _refused(request, exc)
    return let_in(request, person, memory.get("next", ""))


def _newcomer(claims: Claims, secret: str) -> Person:
    """Somebody who is nobody here yet comes in by an invitation only."""
    if not secret:
        raise Conflict(
            Sentence(
                "{email} is not known here. Ask somebody of your team for an invitation; this sign-in then works.",
                email=claims.email or claims.subject,
            )
        )
    invitation = invitations.by_link(secret)
    language = (get_language() or "en").split("-")[0]
    person = acts.add_person(invitation.email, claims.name, language=language, timezone=invitation.workspace.timezone)
    oidc.attach(person, claims)
    invitations.accept(secret, person)
    return person


def _refused(request: HttpRequest, exc: Refusal) -> HttpResponse:
    shown = {"error": said(exc), "provider": oidc.provider(), "next": ""}
    return render(request, "web/sign_in.html", shown, status=422)
