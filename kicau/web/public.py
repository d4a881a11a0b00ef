"""What is open to the world: media under signed, expiring addresses, for networks that fetch."""

from __future__ import annotations

from django.core.signing import BadSignature
from django.http import Http404, HttpRequest, HttpResponseBase
from django.views.decorators.http import require_safe

from kicau.media import library
from kicau.web import files


@require_safe
def medium(request: HttpRequest, ticket: str) -> HttpResponseBase:
    """The bytes behind a ticket; 404 for one that is forged, expired or of a file that is gone."""
    try:
        file = library.by_ticket(ticket)
        headers = {"Content-Disposition": "inline", "X-Robots-Tag": "noindex"}
        return files.send(request, file.path, file.mime, headers)
    except (BadSignature, OSError, KeyError, ValueError):
        raise Http404 from None
