"""The public description of this server's app, read by networks during sign-in."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_safe

from kicau.channels import actions as channels
from kicau.web.public.crawler_files import cache_for_an_hour


@require_safe
def client_metadata(request: HttpRequest, network: str) -> HttpResponse:
    """The description of our app, for the network's servers."""
    document = channels.client_metadata(network)
    if document is None:
        raise Http404
    return cache_for_an_hour(JsonResponse(document))
