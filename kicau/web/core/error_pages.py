"""Pages for what has no page: an address without anything, and faults. They ask no database: it may be what is at fault,
and Django draws them in threads whose connections nobody would give back."""

from __future__ import annotations

import sys

from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from kicau.base.database_reconnect import CONNECTION_ERRORS
from kicau.web.core.language import theme_of
from kicau.web.core.views import is_partial


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _error_page(
        request,
        404,
        _("Page not found"),
        _("The address of the page may be mistyped, or the page was removed. Check the address, or go back."),
    )


def malformed(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _error_page(
        request,
        400,
        _("Kicau could not read the data from your browser"),
        _("Kicau could not read the data from your browser. Go back, reload the page, and try again."),
    )


def denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _error_page(
        request,
        403,
        _("You don't have permission to do this"),
        _("Your role in this workspace does not allow this action. Ask a workspace member whose role allows it."),
    )


def broken(request: HttpRequest) -> HttpResponse:
    """Django asks for it while it handles the exception, in every way of serving. A database that is away, as in its
    restart, is no fault: whoever asked, a network that fetches a picture among them, is told to come again."""
    if isinstance(sys.exception(), CONNECTION_ERRORS):
        answer = _error_page(
            request,
            503,
            _("Kicau's database is not responding"),
            _(
                "Kicau may be restarting. Saved data is safe, but your last change may be missing. Wait a moment, check your change, and try again. If this continues, contact the server administrator."
            ),
        )
        answer["Retry-After"] = "5"
        return answer
    return _error_page(
        request,
        500,
        _("Something went wrong"),
        _(
            "An unexpected error occurred and was logged. Kicau continues to publish scheduled posts. Wait a moment, then reload the page. If the error continues, contact the server administrator."
        ),
    )


def _error_page(request: HttpRequest, status: int, title: str, sentence: str) -> HttpResponse:
    if is_partial(request):
        answer = HttpResponse(render_to_string("core/error_notice.html", {"sentence": sentence}), status=status)
        answer["HX-Retarget"], answer["HX-Reswap"] = "#notices", "innerHTML"
        return answer
    shown = {"title": title, "sentence": sentence, "theme": theme_of(request), "LANGUAGE_CODE": get_language()}
    return HttpResponse(render_to_string("core/error_page.html", shown), status=status)
