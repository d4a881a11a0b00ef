"""What is open to the world: media under signed, expiring addresses, for networks that fetch."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

from django.core.signing import BadSignature
from django.http import Http404, HttpRequest, HttpResponseBase, StreamingHttpResponse
from django.views.decorators.http import require_safe

from kicau.media import library

CHUNK = 1 << 18  # bytes read and sent at once


@require_safe
async def medium(request: HttpRequest, ticket: str) -> HttpResponseBase:
    """The bytes behind a ticket; 404 for one that is forged, expired or of a file that is gone."""
    try:
        file = await asyncio.to_thread(library.by_ticket, ticket)
    except (BadSignature, OSError, KeyError, ValueError):
        raise Http404 from None
    headers = {"Content-Length": str(file.size), "Content-Disposition": "inline", "X-Robots-Tag": "noindex"}
    return StreamingHttpResponse(_bytes(file.path), content_type=file.mime, headers=headers)


async def _bytes(path: Path) -> AsyncIterator[bytes]:
    with await asyncio.to_thread(path.open, "rb") as source:
        while chunk := await asyncio.to_thread(source.read, CHUNK):
            yield chunk
