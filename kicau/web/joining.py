"""What an invitation's link opens."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import get_language
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from kicau.base.errors import Refusal
from kicau.web.frame import WORKSPACE
from kicau.web.signing_in import let_in
from kicau.web.words import by_field, said
from kicau.workspaces import invitations, oidc
from kicau.workspaces.models import Person


@never_cache
@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
def join(request: HttpRequest, secret: str) -> HttpResponse:
    """By a click for who is signed in, after signing in for who is known, with a name and a password for who is new."""
    try:
        invitation = invitations.by_link(secret)
    except Refusal as exc:
        return render(request, "web/join_over.html", {"sentence": said(exc)}, status=410)
    known = Person.objects.filter(email__iexact=invitation.email).exists()
    shown = {
        "invitation": invitation,
        "known": known,
        "given": {"name": request.POST.get("name", "")},
        "provider": oidc.provider(),
        "secret": secret,
        "here": request.path,
    }
    if request.method != "POST":
        return render(request, "web/join.html", shown)
    try:
        if isinstance(request.user, Person):
            actor = invitations.accept(secret, request.user)
            request.session[WORKSPACE] = str(actor.workspace.id)
            return redirect("home")
        language = (get_language() or "en").split("-")[0]
        actor = invitations.accept_as_new(
            secret,
            request.POST.get("name", ""),
            request.POST.get("password", ""),
            language=language,
            timezone=request.POST.get("timezone", ""),
        )
    except Refusal as exc:
        return render(request, "web/join.html", shown | {"errors": by_field(exc)}, status=422)
    assert actor.person is not None
    return let_in(request, actor.person, "")
