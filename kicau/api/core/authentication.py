"""The one way in: who asks, how often, and every answer in the API's own form.

A page's session cookie is never looked at, so no page of another site can act through a browser.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.http.response import HttpResponseBase
from ninja.security import HttpBearer

from kicau.api.core import problems, rate_limits
from kicau.api.core.problems import ApiProblem
from kicau.workspaces import factors
from kicau.workspaces.actors import Actor
from kicau.workspaces.api_tokens import actor_by_token

WORKSPACE_HEADER = "Kicau-Workspace"
type View = Callable[..., HttpResponseBase]


def authenticated_actor(request: HttpRequest) -> Actor:
    """Who asks, once the gate has let them in."""
    actor: Actor = request.auth  # type: ignore[attr-defined]  # set by django-ninja from what Token gives
    return actor


def authenticated_or_none(request: HttpRequest) -> Actor:
    """Whom the gate let in, before django-ninja has looked."""
    actor: Actor = request.actor  # type: ignore[attr-defined]  # set by _let_in
    return actor


class BearerToken(HttpBearer):
    """How OpenAPI knows the token; the gate has read it by then."""

    def __call__(self, request: HttpRequest) -> Actor | None:
        return getattr(request, "actor", None)

    def authenticate(self, request: HttpRequest, token: str) -> Actor | None:
        return actor_by_token(token, request.headers.get(WORKSPACE_HEADER))


def authenticated(view: View) -> View:
    """`view` behind the gate. Nothing that is raised in it leaves as anything but a problem."""

    def inner(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        headers: dict[str, str] = {}
        try:
            response = _authenticate(request, headers, lambda: view(request, *args, **kwargs))
        except Exception as exc:
            response = problems.problem_response(request, exc)
        for name, value in headers.items():
            response[name] = value
        response.setdefault("Cache-Control", "no-store")
        return response

    inner.csrf_exempt = True  # type: ignore[attr-defined]  # a token in a header is no cookie
    return inner


def endpoint_not_found(request: HttpRequest, **kwargs: object) -> HttpResponse:
    """What every address answers that has no endpoint."""
    return problems.problem_response(
        request,
        ApiProblem(
            "not-found", f"There is no endpoint {request.path}. See the list of endpoints at {problems.DOCS_PATH}."
        ),
    )


def _authenticate(
    request: HttpRequest, headers: dict[str, str], do: Callable[[], HttpResponseBase]
) -> HttpResponseBase:
    actor = _actor_of_token(request)
    assert actor.token_id is not None
    rate = rate_limits.count_request(actor.token_id)
    headers.update(rate.headers)
    if rate.used > rate.limit:
        raise rate_limits.rate_limit_problem(rate)
    request.actor = actor  # type: ignore[attr-defined]
    head = request.method == "HEAD"
    if head:
        request.method = "GET"  # the server leaves the body out
    response = endpoint_not_found(request) if "\x00" in request.path else do()
    if head:
        request.method = "HEAD"
    if isinstance(response, HttpResponseNotAllowed):
        allowed = ", ".join(sorted(response["Allow"].split(", ")))
        raise ApiProblem(
            "wrong-method",
            f"{request.path} does not support {request.method}. Supported methods: {allowed}.",
            headers={"Allow": allowed},
        )
    return response


def _actor_of_token(request: HttpRequest) -> Actor:
    """Raises ApiProblem where the token does not count, or the workspace that is asked is not the token's."""
    scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
    wanted = request.headers.get(WORKSPACE_HEADER)
    if scheme.lower() == "bearer" and secret.strip():
        actor = actor_by_token(secret.strip(), wanted) if wanted != "" else None
        if actor is not None:
            _check_second_factor(actor)
            return actor
        if wanted is not None and actor_by_token(secret.strip(), None) is not None:
            raise ApiProblem(
                "not-found",
                f"This token has no access to the workspace {wanted!r}. GET /api/v1/me lists its workspaces.",
            )
        raise _unauthorized("This token is unknown, expired or revoked. Create a new one.")
    raise _unauthorized(
        "The request has no token. Send Authorization: Bearer kicau_… (create a token on the settings page or with: kicau tokens create)."
    )


def _check_second_factor(actor: Actor) -> None:
    """Raises ApiProblem where the workspace requires a second factor and the token's person has none."""
    if (
        actor.workspace.requires_second_factor
        and actor.person is not None
        and not factors.has_any_second_factor(actor.person)
    ):
        raise ApiProblem(
            "second-factor",
            f"The workspace {actor.workspace.name!r} requires a second factor for its members, but {actor.person.email} has none. Sign in to Kicau in a browser and set one up under You, Signing in.",
        )


def _unauthorized(detail: str) -> ApiProblem:
    return ApiProblem("no-token", detail, headers={"WWW-Authenticate": 'Bearer realm="Kicau"'})
