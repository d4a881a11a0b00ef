"""The networks' own marks: the drawing that each brings along, else its initial."""

from __future__ import annotations

from functools import cache
from html import escape
from importlib.resources import files

from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from kicau.connector import registry

INITIAL_SVG = """<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24"><rect width="24" height="24" rx="6" fill="#3b4a43"/><text x="12" y="17" font-family="sans-serif" font-size="14" font-weight="700" text-anchor="middle" fill="#fff">{}</text></svg>"""


@require_safe
def logo(request: HttpRequest, slug: str) -> HttpResponse:
    if slug not in registry.installed_slugs():
        raise Http404
    answer = HttpResponse(_logo_svg(slug), content_type="image/svg+xml")
    answer["Cache-Control"] = "public, max-age=86400"
    return answer


@require_safe
def network_styles(request: HttpRequest) -> HttpResponse:
    """How each network dresses a post, in one style sheet: the `look.css` of its folder."""
    answer = HttpResponse(_network_styles(), content_type="text/css")
    answer["Cache-Control"] = "public, max-age=3600"
    return answer


@cache
def _network_styles() -> str:
    found = []
    for slug in registry.installed_slugs():
        try:
            found.append(files(registry.network_package(slug)).joinpath("look.css").read_text("utf-8"))
        except (FileNotFoundError, ModuleNotFoundError):
            continue  # it looks like any other
    return "\n".join(found)


@cache
def _logo_svg(slug: str) -> str:
    try:
        return files(registry.network_package(slug)).joinpath("logo.svg").read_text("utf-8")
    except (FileNotFoundError, ModuleNotFoundError):
        return INITIAL_SVG.format(escape(network_label(slug)[:1].upper()))


def network_label(slug: str) -> str:
    """The network's name as people know it; the slug where it is no longer installed."""
    try:
        return registry.get_connector(slug).label
    except registry.UnknownNetwork:
        return slug
