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
        _("There is nothing here"),
        _("Nothing stands at this address; it may have been mistyped, or what stood here was removed."),
    )


def malformed(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _error_page(
        request,
        400,
        _("That could not be read"),
        _("What your browser sent could not be read. Go back, reload the page, and try again."),
    )


def denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _error_page(
        request, 403, _("This is not yours to do"), _("Ask somebody whose role in the workspace covers it.")
    )


def broken(request: HttpRequest) -> HttpResponse:
    """Django asks for it while it handles the exception, in every way of serving. A database that is away, as in its
    restart, is no fault: whoever asked, a network that fetches a picture among them, is told to come again."""
    if isinstance(sys.exception(), CONNECTION_ERRORS):
        answer = _error_page(
            request,
            503,
            _("The database does not answer"),
            _(
                "It may be starting anew. Nothing that was kept is lost, but what you just sent may not have been taken: wait a moment, look, and try again. If it stays so, tell whoever hosts this Kicau."
            ),
        )
        answer["Retry-After"] = "5"
        return answer
    return _error_page(
        request,
        500,
        _("A fault of ours"),
        _(
            "Something went wrong that nobody foresaw, and it was logged. Posts go out all the same. Wait a moment, then reload the page; if it stays so, tell whoever hosts this Kicau."
        ),
    )


def _error_page(request: HttpRequest, status: int, title: str, sentence: str) -> HttpResponse:
    if is_partial(request):
        answer = HttpResponse(render_to_string("web/notice.html", {"sentence": sentence}), status=status)
        answer["HX-Retarget"], answer["HX-Reswap"] = "#notices", "innerHTML"
        return answer
    shown = {"title": title, "sentence": sentence, "theme": theme_of(request), "LANGUAGE_CODE": get_language()}
    return HttpResponse(render_to_string("web/fault.html", shown), status=status)
