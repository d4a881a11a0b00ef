"""The page that an invitation's link opens."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import get_language
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from kicau.base.errors import DomainError
from kicau.web.account.sign_in import complete_sign_in
from kicau.web.core.labels import error_sentence, errors_by_field
from kicau.web.core.views import WORKSPACE_SESSION_KEY
from kicau.workspaces import addresses, invitations, oidc
from kicau.workspaces.models import Person


@never_cache
@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
def accept_invitation(request: HttpRequest, secret: str) -> HttpResponse:
    """By a click for who is signed in, after signing in for who is known, with a name and a password for who is new."""
    try:
        invitation = invitations.invitation_by_link(secret)
    except DomainError as exc:
        return render(request, "core/invalid_link.html", {"sentence": error_sentence(exc)}, status=410)
    holder = invitations.person_of_address(invitation)
    user = request.user if isinstance(request.user, Person) else None
    shown = {
        "invitation": invitation,
        "is_for_user": user is not None and addresses.is_same_email(user.email, invitation.email),
        "known": holder is not None and holder.is_proved,
        "takes_over": holder is not None and not holder.is_proved,
        "may_be_known": not invitation.proves_address,
        "given": {"name": request.POST.get("name", "")},
        "provider": oidc.configured_provider(),
        "secret": secret,
        "here": request.path,
    }
    if request.method != "POST":
        return render(request, "account/accept_invitation.html", shown)
    try:
        if user is not None:
            actor = invitations.accept_invitation(secret, user)
            request.session[WORKSPACE_SESSION_KEY] = str(actor.workspace.id)
            return redirect("home")
        password = request.POST.get("password", "")
        if shown["takes_over"]:
            actor = invitations.accept_with_unproved_account(secret, password)
        else:
            language = (get_language() or "en").split("-")[0]
            actor = invitations.accept_as_new_person(
                secret,
                request.POST.get("name", ""),
                password,
                language=language,
                timezone=request.POST.get("timezone", ""),
            )
    except DomainError as exc:
        return render(request, "account/accept_invitation.html", shown | {"errors": errors_by_field(exc)}, status=422)
    assert actor.person is not None
    return complete_sign_in(request, actor.person, "", how="invitation")
