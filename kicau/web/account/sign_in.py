"""Signing in and out: the password, then the code of the second factor."""

from __future__ import annotations

import secrets

from django.conf import settings
from django.contrib.auth import authenticate, login, logout
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from kicau.base import clock
from kicau.base.errors import DomainError, ServerBusy
from kicau.base.ids import as_uuid
from kicau.web.core.labels import error_sentence
from kicau.web.core.views import (
    KICAU_FACTOR,
    PROVIDER_FACTOR,
    SECOND_FACTOR_SESSION_KEY,
    redirect_back,
    safe_redirect,
)
from kicau.workspaces import actions, addresses, factors, oidc, passkeys, sign_ins, throttle
from kicau.workspaces.models import Person

AUTH_BACKEND = "django.contrib.auth.backends.ModelBackend"

PENDING_SIGN_IN_KEY = "half_signed_in"  # the session's key for somebody whose code is still missing

PENDING_SIGN_IN_SECONDS = 600  # seconds

PROVED_AT_KEY = "proved_at"  # the session's key for when they showed who they are, for one change of how they sign in

KNOWN_BROWSER_COOKIE = "kicau_known"  # of a browser in which somebody has signed in

KNOWN_BROWSER_SECONDS = 365 * 86400

TOO_MANY_ATTEMPTS_MESSAGE = _lazy("Too many sign-in attempts. Wait ten minutes, then sign in again.")


class TooManyAttempts(DomainError):
    """A password was tried too often; wait `seconds`."""

    def __init__(self, seconds: int) -> None:
        self.seconds = seconds
        super().__init__(str(TOO_MANY_ATTEMPTS_MESSAGE))


@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
def sign_in(request: HttpRequest) -> HttpResponse:
    if request.user.is_authenticated:
        return redirect_back(request, "home")
    if actions.has_no_people():
        return redirect("welcome")
    email = request.POST.get("email", "").strip()
    shown = {
        "email": email,
        "next": request.POST.get("next") or request.GET.get("next", ""),
        "provider": oidc.configured_provider(),
        "passkeys": passkeys.are_passkeys_possible(),
    }
    if request.method != "POST":
        return render(request, "account/sign_in.html", shown)
    limits = throttle.sign_in_limits(client_address(request), email, known=_known_browser_mark(request, email))
    if wait := throttle.wait_seconds(limits):
        sign_ins.log_throttled_sign_in("password", client_address(request))
        return _with_retry_after(
            render(request, "account/sign_in.html", {**shown, "error": TOO_MANY_ATTEMPTS_MESSAGE}, status=429), wait
        )
    try:
        person = authenticate(request, username=email, password=request.POST.get("password", ""))
    except ServerBusy as exc:
        throttle.uncount_attempt(limits)
        return _with_retry_after(
            render(request, "account/sign_in.html", {**shown, "error": error_sentence(exc)}, status=503),
            exc.retry_after,
        )
    if person is None:
        sign_ins.record_rejected_sign_in(addresses.find_person_by_email(email), "password", client_address(request))
        error = _("The e-mail address or password is wrong. Check both and try again.")
        return render(request, "account/sign_in.html", {**shown, "error": error}, status=422)
    assert isinstance(person, Person)
    throttle.uncount_attempt(limits)
    return complete_sign_in(request, person, request.POST.get("next", ""))


def complete_sign_in(
    request: HttpRequest,
    person: Person,
    wanted: str,
    *,
    strong: bool = False,
    provider_factor: bool = False,
    how: str = "password",
) -> HttpResponse:
    """Signed in and on to `wanted`; first to the code, where one is asked for. `strong`: both factors were shown here;
    `provider_factor`: the identity provider says that it asked for two."""
    if not strong and factors.is_second_factor_on(person):
        request.session[PENDING_SIGN_IN_KEY] = {"person": str(person.id), "at": clock.now().timestamp(), "next": wanted}
        return redirect("sign-in-code")
    login(request, person, backend=AUTH_BACKEND)
    sign_ins.record_sign_in(person, how, client_address(request))
    request.session.pop(PROVED_AT_KEY, None)
    request.session.pop(SECOND_FACTOR_SESSION_KEY, None)
    if strong or provider_factor:
        request.session[SECOND_FACTOR_SESSION_KEY] = KICAU_FACTOR if strong else PROVIDER_FACTOR
    if not person.has_usable_password() and not person.passkeys.exists():  # a new sign-in is all that they can show
        request.session[PROVED_AT_KEY] = clock.now().timestamp()
    return _remember_browser(safe_redirect(request, wanted), person)


def _remember_browser(answer: HttpResponseRedirect, person: Person) -> HttpResponseRedirect:
    """This browser's tries to sign in as this person are counted apart from those of others (an OWASP device cookie)."""
    answer.set_signed_cookie(
        KNOWN_BROWSER_COOKIE,
        f"{person.id}:{secrets.token_urlsafe(16)}",
        salt=KNOWN_BROWSER_COOKIE,
        max_age=KNOWN_BROWSER_SECONDS,
        path="/sign-in",
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )
    return answer


def _known_browser_mark(request: HttpRequest, email: str) -> str:
    """The mark of a browser in which the person with this address has signed in; "" for every other."""
    mark = str(
        request.get_signed_cookie(KNOWN_BROWSER_COOKIE, "", salt=KNOWN_BROWSER_COOKIE, max_age=KNOWN_BROWSER_SECONDS)
    )
    person = Person.objects.filter(id=as_uuid(mark.partition(":")[0])).first() if mark else None
    return mark if person is not None and person.email.casefold() == email.casefold() else ""


def client_address(request: HttpRequest) -> str:
    """Where the request came from, as far as the trusted proxies say."""
    return str(request.META.get("REMOTE_ADDR", ""))


def _with_retry_after(answer: HttpResponse, seconds: int) -> HttpResponse:
    answer["Retry-After"] = str(seconds)
    return answer


@sensitive_post_parameters("code")
@require_http_methods(["GET", "HEAD", "POST"])
def second_factor_code(request: HttpRequest) -> HttpResponse:
    """The second factor, after the first."""
    half = request.session.get(PENDING_SIGN_IN_KEY) or {}
    person = Person.objects.filter(id=as_uuid(half.get("person")), is_active=True).first()
    if person is None or clock.now().timestamp() - half.get("at", 0) > PENDING_SIGN_IN_SECONDS:
        return redirect("sign-in")
    if request.method != "POST":
        return render(request, "account/second_factor_code.html", {"person": person})
    limits = throttle.code_limits(person.id)
    if wait := throttle.wait_seconds(limits):
        sign_ins.log_throttled_sign_in("code", client_address(request))
        answer = render(
            request,
            "account/second_factor_code.html",
            {"person": person, "error": TOO_MANY_ATTEMPTS_MESSAGE},
            status=429,
        )
        return _with_retry_after(answer, wait)
    if not factors.check_code(person, request.POST.get("code", "")):
        sign_ins.record_rejected_sign_in(person, "code", client_address(request))
        error = _(
            "This code is wrong or was already used. Enter the next code from your authenticator app, or a recovery code."
        )
        return render(request, "account/second_factor_code.html", {"person": person, "error": error}, status=422)
    throttle.uncount_attempt(limits)
    del request.session[PENDING_SIGN_IN_KEY]
    return complete_sign_in(request, person, half.get("next", ""), strong=True, how="code")


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """What a form is told whose token is older than the sign-in (CSRF_FAILURE_VIEW)."""
    sentence = _("You signed in again after you opened this page. Reload the page and repeat your last step.")
    return HttpResponse(sentence, status=403, content_type="text/plain; charset=utf-8")


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    logout(request)
    answer = redirect_back(request, "sign-in")
    answer["Clear-Site-Data"] = '"cache", "storage"'  # pages, and texts that were kept in the browser
    return answer
