"""The archive as one ZIP file to download."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpResponseBase, StreamingHttpResponse
from django.views.decorators.http import require_safe

from kicau.archive import exports
from kicau.base import clock
from kicau.web.archive.items import parse_query
from kicau.web.core.views import MemberRequest, member_page


@member_page
@require_safe
def export(request: MemberRequest) -> HttpResponseBase:
    query, _trouble = parse_query(request)
    pieces = exports.export_zip(request.actor, query)
    content = _as_async_pieces(pieces) if isinstance(request, ASGIRequest) else pieces
    answer = StreamingHttpResponse(content, content_type="application/zip")
    answer["Content-Disposition"] = f'attachment; filename="archive-{clock.now().date()}.zip"'
    return answer


async def _as_async_pieces(pieces: Iterator[bytes]) -> AsyncIterator[bytes]:
    following = sync_to_async(lambda: next(pieces, None))
    while (piece := await following()) is not None:
        yield piece
