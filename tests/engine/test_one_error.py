"""Errors say in pages, REST and commands the same thing: what kind they are, and how long to wait."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import RequestFactory

from kicau.api.core.problems import problem_response
from kicau.base import clock
from kicau.base.errors import Conflict, DomainError, NotAllowed, NotFound, ServerBusy, validation_failed
from kicau.channels.call_failures import FailureKind, read_failure
from kicau.cli.core.command import describe_failure
from kicau.connector import errors
from kicau.web.core.views import error_response


@pytest.mark.parametrize(
    ("exc", "status", "code"),
    [
        (NotAllowed("Ask an owner."), 403, 3),
        (NotFound("post", "1"), 404, 3),
        (Conflict("It is published."), 409, 1),
        (validation_failed("text", "Write something."), 422, 1),
        (ServerBusy(7), 503, 1),
    ],
    ids=lambda one: type(one).__name__ if isinstance(one, DomainError) else str(one),
)
def test_a_domain_error_has_one_status_and_one_exit_code(exc, status, code):
    request = RequestFactory().get("/", headers={"HX-Request": "true"})
    assert problem_response(request, exc).status_code == error_response(request, exc).status_code == status
    assert describe_failure(exc)[0] == code


@pytest.mark.parametrize(("seconds", "told"), [(600, "600"), (0.4, "1"), (-5, "1")])
def test_who_has_to_wait_for_a_network_is_told_until_when(seconds, told):
    with clock.freeze_clock(clock.now()):
        exc = errors.RateLimited(clock.now() + timedelta(seconds=seconds))
        assert problem_response(RequestFactory().get("/"), exc)["Retry-After"] == told


@pytest.mark.parametrize(
    ("exc", "kind", "cause"),
    [
        (errors.RateLimited(clock.now(), detail="slow down"), FailureKind.RATE_LIMITED, "slow down"),
        (errors.AuthExpired(missing=frozenset({"b", "a"})), FailureKind.NO_ACCESS, "a, b"),
        (errors.AuthExpired("gone"), FailureKind.NO_ACCESS, "gone"),
        (errors.AuthExpired(), FailureKind.NO_ACCESS, "no permission"),
        (errors.Rejected(detail="never"), FailureKind.REJECTED, "never"),
        (errors.PlanExceeded("reads"), FailureKind.NOT_IN_PLAN, "reads"),
        (errors.Unavailable("down"), FailureKind.UNREACHABLE, "down"),
        (errors.Uncertain("lost"), FailureKind.UNREACHABLE, "lost"),
        (TimeoutError(), FailureKind.UNREACHABLE, "the server did not reply in time"),
        (Conflict("It is published."), FailureKind.REFUSED, "It is published."),
        (KeyError("data"), FailureKind.FAULT, "KeyError"),
    ],
    ids=lambda one: type(one).__name__ if isinstance(one, Exception) else None,
)
def test_every_error_of_a_call_is_read_once(exc, kind, cause):
    failure = read_failure(exc)
    assert (failure.kind, failure.cause) == (kind, cause)
    assert (failure.until is not None) == isinstance(exc, errors.RateLimited)
