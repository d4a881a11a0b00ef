"""What the field of a new password says while somebody types."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from kicau.workspaces import passwords


@sensitive_post_parameters("password")
@require_POST
def password_feedback(request: HttpRequest) -> HttpResponse:
    """A sentence about the password that is being typed; nothing is kept."""
    judged = passwords.check_password(
        request.POST.get("password", "")[:1000], email=request.POST.get("email", ""), name=request.POST.get("name", "")
    )
    return render(request, "account/password_feedback.html", {"judged": judged})
