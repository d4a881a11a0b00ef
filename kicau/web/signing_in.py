"""Signing in and out, and the first visit, which makes the owner."""

from __future__ import annotations

import hashlib

from django.conf import settings
from django.contrib.auth import authenticate, login, logout
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from kicau.base.errors import Refusal
from kicau.web.frame import back
from kicau.web.language import remember_language, remember_theme
from kicau.web.words import by_field
from kicau.workspaces import acts
from kicau.workspaces.models import Person

WINDOW = 600  # seconds
FROM_ONE_ADDRESS = 5  # times the rate: an office behind one address tries with several names


@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
def sign_in(request: HttpRequest) -> HttpResponse:
    if request.user.is_authenticated:
        return back(request, "home")
    if acts.is_empty():
        return redirect("welcome")
    email = request.POST.get("email", "").strip()
    shown = {"email": email, "next": request.POST.get("next") or request.GET.get("next", "")}
    if request.method != "POST":
        return render(request, "web/sign_in.html", shown)
    keys = _keys(request, email)
    if any(cache.get(key, 0) >= limit for key, limit in keys):
        error = _("There were too many tries. Wait ten minutes, then sign in again.")
        return render(request, "web/sign_in.html", {**shown, "error": error}, status=429)
    person = authenticate(request, username=email, password=request.POST.get("password", ""))
    if person is None:
        for key, _limit in keys:
            cache.add(key, 0, WINDOW)
            cache.incr(key)
        error = _("The address or the password is not right. Check both and try again.")
        return render(request, "web/sign_in.html", {**shown, "error": error}, status=422)
    login(request, person)
    for key, _limit in keys[:1]:
        cache.delete(key)
    return back(request, "home")


def _keys(request: HttpRequest, email: str) -> list[tuple[str, int]]:
    """Counters of failures with their limits: of this address with this name, and of this address alone."""
    address = request.META.get("REMOTE_ADDR", "")
    rate = settings.KICAU_SIGN_IN_RATE
    both = hashlib.sha256(f"{address}|{email.casefold()}".encode()).hexdigest()
    alone = hashlib.sha256(address.encode()).hexdigest()
    return [(f"sign-in:{both}", rate), (f"sign-in:{alone}", rate * FROM_ONE_ADDRESS)]


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    logout(request)
    return redirect("sign-in")


@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
def welcome(request: HttpRequest) -> HttpResponse:
    """Only while nobody is here."""
    if not acts.is_empty():
        return redirect("home")
    given = {key: request.POST.get(key, "").strip() for key in ("name", "email", "workspace", "timezone")}
    if request.method != "POST":
        return render(request, "web/welcome.html", {"given": given})
    try:
        actor = acts.first_owner(
            given["email"], given["name"], request.POST.get("password", ""), given["workspace"] or given["name"] or _("Our posts"),
            language=(get_language() or "en").split("-")[0], timezone=given["timezone"] or "UTC",
        )  # fmt: skip
    except Refusal as exc:
        return render(request, "web/welcome.html", {"given": given, "errors": by_field(exc)}, status=422)
    assert isinstance(actor.person, Person)
    login(request, actor.person, backend="django.contrib.auth.backends.ModelBackend")
    return redirect("home")


@require_POST
def choose_language(request: HttpRequest) -> HttpResponse:
    language = request.POST.get("language", "")
    if isinstance(request.user, Person) and language in dict(settings.LANGUAGES):
        acts.change_person(request.user, language=language)
    answer = back(request, "home")
    remember_language(answer, language)
    return answer


@require_POST
def choose_theme(request: HttpRequest) -> HttpResponse:
    answer = back(request, "home")
    remember_theme(answer, request.POST.get("theme", ""))
    return answer
