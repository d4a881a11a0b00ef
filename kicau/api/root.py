"""The API's root: the subjects mounted, the gate before each, one form for whatever goes wrong."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.urls import URLPattern, re_path
from ninja import NinjaAPI
from ninja.errors import HttpError, ValidationError
from ninja.openapi.schema import OpenAPISchema
from ninja.openapi.urls import get_openapi_urls, get_root_url
from ninja.operation import Operation
from ninja.router import Router

import kicau
from kicau.api import (
    accounts,
    archive,
    channels,
    costs,
    dataset_audits,
    declarations,
    deliveries,
    evidence,
    imports,
    inbox,
    invitations,
    media,
    networks,
    offboarding,
    people,
    posts,
    prices,
    reviews,
    snippets,
    training_sets,
    webhooks,
)
from kicau.api.core import authentication, docs_page, idempotency, openapi, problems
from kicau.api.core.problems import field_error
from kicau.api.core.request_parsing import StrictParser


class KicauApi(NinjaAPI):
    """Every address under the root is behind the gate but the description and its page."""

    _described: OpenAPISchema | None = None

    def set_default_exception_handlers(self) -> None:
        for what in (Exception, Http404, HttpError, ValidationError):
            self.add_exception_handler(what, problems.problem_response)

    def get_openapi_operation_id(self, operation: Operation) -> str:
        return operation.view_func.__name__

    def get_openapi_schema(
        self, *, path_prefix: str | None = None, path_params: dict[str, Any] | None = None
    ) -> OpenAPISchema:
        if self._described is None:
            self._described = openapi.completed_schema(
                super().get_openapi_schema(path_prefix=path_prefix, path_params=path_params)
            )
        return self._described

    def _get_urls(self) -> list[Any]:
        behind: list[URLPattern] = []
        for router in self._get_bound_routers():
            behind += router.urls_paths(router.prefix)
        behind.append(get_root_url(self))
        for pattern in behind:
            pattern.callback = authentication.authenticated(pattern.callback)
        return [
            *get_openapi_urls(self),
            *behind,
            re_path(r"^.*$", authentication.authenticated(authentication.endpoint_not_found), name="nothing"),
        ]


def checked_and_idempotent(run: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """A name in the address or the form that an endpoint does not know is refused: a mistyped filter would show
    everything. A request with an Idempotency-Key is carried out once."""
    operation: Operation = run.__self__  # type: ignore[attr-defined]  # django-ninja decorates a bound method
    known = {"query": set[str](), "form": set[str](), "file": set[str]()}
    for model in operation.models:
        known.setdefault(model.__ninja_param_source__ or "", set()).update(
            getattr(model, "__ninja_flatten_map__", model.model_fields)
        )

    @wraps(run)
    def checked(request: HttpRequest, **kwargs: Any) -> HttpResponseBase:
        try:
            _reject_unknown_names(set(request.GET), known["query"], "parameter")
            if known["file"]:
                _reject_unknown_names(set(request.POST) | set(request.FILES), known["form"] | known["file"], "field")
        except Exception as exc:
            return problems.problem_response(request, exc)
        return run(request, **kwargs)

    @wraps(run)
    def once(request: HttpRequest, **kwargs: Any) -> HttpResponseBase:
        do = (
            idempotency.run_once_outside_transaction
            if hasattr(operation.view_func, "asks_outside")
            else idempotency.run_once
        )
        try:
            return do(request, authentication.authenticated_or_none(request), lambda: checked(request, **kwargs))
        except Exception as exc:
            return problems.problem_response(request, exc)

    return once


def _reject_unknown_names(given: set[str], known: set[str], what: str) -> None:
    for name in sorted(given - known):
        shown = name.replace("\x00", "?")
        takes = f"Available: {', '.join(sorted(known))}" if known else "There are none"
        raise field_error(shown, "unknown", f"Unknown {what} {shown!r}. {takes}.")


def build_api() -> KicauApi:
    api = KicauApi(
        title="Kicau",
        version=kicau.__version__,
        description=openapi.API_DESCRIPTION,
        urls_namespace="api",
        auth=authentication.BearerToken(),
        parser=StrictParser(),
        docs=docs_page.PlainDocs(),
        openapi_extra={"info": {"license": {"name": "Apache-2.0", "identifier": "Apache-2.0"}}},
    )
    api.add_decorator(checked_and_idempotent, mode="view")
    for subject in (
        people,
        accounts,
        invitations,
        posts,
        reviews,
        deliveries,
        snippets,
        channels,
        media,
        networks,
        imports,
        inbox,
        costs,
        prices,
        webhooks,
        archive,
        declarations,
        training_sets,
        dataset_audits,
        evidence,
        offboarding,
    ):
        routes: Router = subject.routes
        api.add_router("", routes)
    return api


api = build_api()
