"""Whether the person at the browser proved lately that the account is theirs, before they change how they sign in."""

from __future__ import annotations

from django.contrib.auth import update_session_auth_hash
from django.http import HttpRequest

from kicau.base import clock
from kicau.base.errors import ServerBusy, validation_failed
from kicau.web.account.sign_in import PROVED_AT_KEY, TooManyAttempts
from kicau.workspaces import factors, throttle
from kicau.workspaces.models import Person

PROOF_LIFETIME_SECONDS = 900  # seconds


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
