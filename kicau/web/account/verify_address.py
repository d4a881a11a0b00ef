"""The page that the link opens which verifies an e-mail address."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from kicau.base.errors import DomainError
from kicau.web.account.sign_in import complete_sign_in
from kicau.web.core.labels import error_sentence, errors_by_field
from kicau.workspaces import address_verification


@never_cache
@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
def verify_address(request: HttpRequest, secret: str) -> HttpResponse:
    """What a link opens that was mailed to an address: with a password the account is its reader's alone."""
    try:
        found = address_verification.proof_by_link(secret)
    except DomainError as exc:
        return render(request, "core/invalid_link.html", {"sentence": error_sentence(exc)}, status=410)
    if request.method != "POST":
        return render(request, "account/verify_address.html", {"proof": found})
    try:
        person = address_verification.accept_link(secret, request.POST.get("password", ""))
    except DomainError as exc:
        return render(
            request, "account/verify_address.html", {"proof": found, "errors": errors_by_field(exc)}, status=422
        )
    return complete_sign_in(request, person, "", how="link")
