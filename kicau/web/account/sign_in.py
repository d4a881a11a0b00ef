"""Signing in and out, the second factor, and the first visit, which makes the owner."""

from __future__ import annotations

import secrets
from typing import Any

from django.conf import settings
from django.contrib.auth import authenticate, login, logout, update_session_auth_hash
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from kicau.base import clock
from kicau.base.errors import DomainError, ServerBusy, validation_failed
from kicau.base.ids import as_uuid
from kicau.web.account import first_visit
from kicau.web.core.labels import error_sentence, errors_by_field
from kicau.web.core.language import remember_language, remember_theme
from kicau.web.core.views import (
    KICAU_FACTOR,
    PROVIDER_FACTOR,
    SECOND_FACTOR_SESSION_KEY,
    redirect_back,
    safe_redirect,
)
from kicau.workspaces import actions, addresses, factors, oidc, passkeys, passwords, sign_ins, throttle
from kicau.workspaces.models import Person

AUTH_BACKEND = "django.contrib.auth.backends.ModelBackend"
PENDING_SIGN_IN_KEY = "half_signed_in"  # the session's key for somebody whose code is still missing
PENDING_SIGN_IN_SECONDS = 600  # seconds
PROVED_AT_KEY = "proved_at"  # the session's key for when they showed who they are, for one change of how they sign in
PROOF_LIFETIME_SECONDS = 900  # seconds
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


def has_recent_proof(request: HttpRequest) -> bool:
    """Whether they showed who they are for a change that they have not made yet."""
    return clock.now().timestamp() - float(request.session.get(PROVED_AT_KEY, 0)) < PROOF_LIFETIME_SECONDS


def password_is_right(request: HttpRequest, person: Person, password: str) -> bool:
    """Whether somebody who is signed in gives their password; tries are limited. Raises TooManyAttempts."""
    limits = throttle.proof_limits(person.id)
    if wait := throttle.wait_seconds(limits):
        raise TooManyAttempts(wait)
    hashed = person.password
    try:
        right = person.check_password(password)
    except ServerBusy:
        throttle.uncount_attempt(limits)
        raise
    if right:
        throttle.uncount_attempt(limits)
        if person.password != hashed:  # hashed again with other parameters: this session goes on
            update_session_auth_hash(request, person)
    return right


def consume_proof(request: HttpRequest) -> None:
    """The change is made: the next one asks again."""
    request.session.pop(PROVED_AT_KEY, None)


def check_current_password(request: HttpRequest, person: Person, password: str, code: str, field: str) -> None:
    """That the person knows the present password and, where two-factor is on, has a code. `field`: the form's name of
    the password. Raises ValidationFailed, TooManyAttempts."""
    if not password_is_right(request, person, password):
        raise validation_failed(field, "The current password that you entered is wrong. Try again.")
    if not factors.is_second_factor_on(person):
        return
    limits = throttle.code_limits(person.id)
    if wait := throttle.wait_seconds(limits):
        raise TooManyAttempts(wait)
    if not factors.check_code(person, code):
        raise validation_failed(
            "code" if field == "prove" else f"{field}_code",
            "This code is wrong or was already used. Enter the next code from your authenticator app, or a recovery code.",
        )
    throttle.uncount_attempt(limits)


@sensitive_post_parameters("password")
@require_POST
def password_feedback(request: HttpRequest) -> HttpResponse:
    """A sentence about the password that is being typed; nothing is kept."""
    judged = passwords.check_password(
        request.POST.get("password", "")[:1000], email=request.POST.get("email", ""), name=request.POST.get("name", "")
    )
    return render(request, "account/password_feedback.html", {"judged": judged})


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


@never_cache
@sensitive_post_parameters("password", "code")
@require_http_methods(["GET", "HEAD", "POST"])
def welcome(request: HttpRequest) -> HttpResponse:
    """Only while nobody is here."""
    if not actions.has_no_people():
        return redirect("home")
    given = {key: request.POST.get(key, "").strip() for key in ("name", "email", "workspace", "timezone", "code")}
    given["code"] = given["code"] or request.GET.get("code", "").strip()
    shown = {"given": given, "asks_code": not first_visit.is_local(request)}
    if shown["asks_code"]:
        first_visit.log_setup_code()
    if request.method != "POST":
        return render(request, "account/welcome.html", shown)
    if shown["asks_code"] and (refused := _setup_code_problem(request, given["code"])):
        return render(request, "account/welcome.html", shown | {"errors": {"code": [refused[0]]}}, status=refused[1])
    try:
        actor = actions.create_first_owner(
            given["email"],
            given["name"],
            request.POST.get("password", ""),
            given["workspace"] or given["name"] or _("Our workspace"),
            language=(get_language() or "en").split("-")[0],
            timezone=given["timezone"] or "UTC",
        )
    except DomainError as exc:
        return render(request, "account/welcome.html", shown | {"errors": errors_by_field(exc)}, status=422)
    assert isinstance(actor.person, Person)
    return complete_sign_in(request, actor.person, "", how="first visit")


def _setup_code_problem(request: HttpRequest, code: str) -> tuple[Any, int] | None:
    """What is wrong with a first visitor's code, with the answer's status."""
    limits = throttle.first_visit_limits(client_address(request))
    if throttle.wait_seconds(limits):
        return TOO_MANY_ATTEMPTS_MESSAGE, 429
    if first_visit.is_setup_code(code):
        throttle.uncount_attempt(limits)
        return None
    return _("This setup code is wrong. Enter the code that Kicau wrote to the server log when it started."), 422


@require_POST
def choose_language(request: HttpRequest) -> HttpResponse:
    language = request.POST.get("language", "")
    if isinstance(request.user, Person) and language in dict(settings.LANGUAGES):
        actions.update_person(request.user, language=language)
    answer = redirect_back(request, "home")
    remember_language(answer, language)
    return answer


@require_POST
def choose_theme(request: HttpRequest) -> HttpResponse:
    answer = redirect_back(request, "home")
    remember_theme(answer, request.POST.get("theme", ""))
    return answer
