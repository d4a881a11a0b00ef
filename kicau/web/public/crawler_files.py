"""What this site says to crawlers: robots.txt, TDM reservations, licences and policies."""

from __future__ import annotations

from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_safe

from kicau.archive import published_policy
from kicau.vocabularies import rsl
from kicau.workspaces.models import Workspace


@require_safe
def robots_txt(request: HttpRequest) -> HttpResponse:
    """Nothing is closed to crawlers here that is open to anybody; for what it may be used is said."""
    return cache_for_an_hour(HttpResponse(published_policy.site_robots(), content_type="text/plain; charset=utf-8"))


@require_safe
def tdm_reservations(request: HttpRequest) -> HttpResponse:
    return cache_for_an_hour(HttpResponse(published_policy.site_reservations(), content_type="application/json"))


@require_safe
def site_licence(request: HttpRequest) -> HttpResponse:
    return _licence_response(published_policy.site_licence())


@require_safe
def workspace_licence(request: HttpRequest, workspace_id: UUID) -> HttpResponse:
    workspace = get_object_or_404(Workspace, id=workspace_id)
    return _licence_response(published_policy.rsl_licence(workspace))


@require_safe
def workspace_policy(request: HttpRequest, workspace_id: UUID) -> HttpResponse:
    workspace = get_object_or_404(Workspace, id=workspace_id)
    return cache_for_an_hour(JsonResponse(published_policy.tdm_policy(workspace), content_type="application/ld+json"))


def _licence_response(document: str) -> HttpResponse:
    """404 where nothing is said: no document says neither yes nor no."""
    if not document:
        raise Http404
    return cache_for_an_hour(HttpResponse(document, content_type=rsl.RSL_MIME))


def cache_for_an_hour(answer: HttpResponse) -> HttpResponse:
    """For an hour: a rule that changes is heard soon."""
    answer["Cache-Control"] = "public, max-age=3600"
    return answer
