"""Media at signed, expiring addresses, for networks to fetch."""

from __future__ import annotations

from django.core.signing import BadSignature
from django.http import Http404, HttpRequest, HttpResponseBase
from django.views.decorators.http import require_safe

from kicau.archive import published_policy
from kicau.media import library
from kicau.web.core import files


@require_safe
def public_medium(request: HttpRequest, ticket: str) -> HttpResponseBase:
    """The bytes behind a ticket; 404 for one that is forged, expired or of a file that is gone."""
    try:
        ref, file = library.file_by_ticket(ticket)
        headers = {"Content-Disposition": "inline", "X-Robots-Tag": "noindex", **published_policy.media_headers(ref)}
        return files.send_file(request, file.path, file.mime, headers)
    except (BadSignature, OSError, KeyError, ValueError):
        raise Http404 from None
