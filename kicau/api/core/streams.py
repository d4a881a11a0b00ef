"""Answers that are sent as they are made."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Iterator
from pathlib import Path

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, StreamingHttpResponse

CHUNK_BYTES = 1 << 18  # bytes


def stream_response(request: HttpRequest, pieces: Iterator[bytes], mime: str, name: str) -> StreamingHttpResponse:
    """Piece by piece, whichever server runs us; under ASGI what is not asynchronous would be read into memory whole."""
    content: AsyncIterator[bytes] | Iterable[bytes] = (
        _as_async_pieces(pieces) if isinstance(request, ASGIRequest) else pieces
    )
    answer = StreamingHttpResponse(content, content_type=mime)
    answer["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer


async def _as_async_pieces(pieces: Iterator[bytes]) -> AsyncIterator[bytes]:
    following = sync_to_async(lambda: next(pieces, None))
    while (piece := await following()) is not None:
        yield piece


def file_response(request: HttpRequest, path: Path, mime: str, name: str) -> StreamingHttpResponse:
    """A file that is taken along, in pieces whichever server runs us."""
    answer = stream_response(request, _file_chunks(path), mime, name)
    answer["Content-Length"] = str(path.stat().st_size)
    answer["Content-Security-Policy"] = "default-src 'none'; sandbox"
    return answer


def _file_chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as source:
        while piece := source.read(CHUNK_BYTES):
            yield piece
