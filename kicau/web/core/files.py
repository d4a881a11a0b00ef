"""Files from disk, in small pieces whichever server runs us, and in part where a player asks for a part."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path

from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse

CHUNK_BYTES = 1 << 18  # bytes
RANGE_PATTERN = re.compile(r"bytes=(\d*)-(\d*)")


def send_file(request: HttpRequest, path: Path, mime: str, headers: Mapping[str, str]) -> HttpResponseBase:
    """The file, or the one range of it that is asked for (RFC 9110, section 14). Raises OSError."""
    size = path.stat().st_size
    first, last, status = 0, size - 1, 200
    if found := RANGE_PATTERN.fullmatch(request.headers.get("Range", "")):
        first, last = _parse_range(found[1], found[2], size)
        if first > last:
            return HttpResponse(status=416, headers={"Content-Range": f"bytes */{size}"})
        status = 206
    with path.open("rb"):  # one that cannot be read is told now and not in the middle of the answer
        pass
    body = _async_chunks(path, first, last) if isinstance(request, ASGIRequest) else _file_chunks(path, first, last)
    answer = StreamingHttpResponse(
        body,
        status=status,
        content_type=mime,
        headers={**headers, "Accept-Ranges": "bytes", "Content-Length": str(last - first + 1)},
    )
    if status == 206:
        answer["Content-Range"] = f"bytes {first}-{last}/{size}"
    return answer


def _parse_range(start: str, end: str, size: int) -> tuple[int, int]:
    if not start:
        return (max(0, size - int(end)), size - 1) if end and int(end) else (1, 0)
    return int(start), min(int(end), size - 1) if end else size - 1


def _file_chunks(path: Path, first: int, last: int) -> Iterator[bytes]:
    with path.open("rb") as file:
        file.seek(first)
        left = last - first + 1
        while left > 0 and (piece := file.read(min(CHUNK_BYTES, left))):
            left -= len(piece)
            yield piece


async def _async_chunks(path: Path, first: int, last: int) -> AsyncIterator[bytes]:
    pieces = _file_chunks(path, first, last)
    while piece := await asyncio.to_thread(next, pieces, b""):
        yield piece
