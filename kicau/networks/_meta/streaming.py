"""Bytes of a file on their way out, read off the event loop and never all at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

CHUNK_BYTES = 1 << 20  # bytes


def _read_chunk(path: Path, start: int, length: int) -> bytes:
    with path.open("rb") as file:
        file.seek(start)
        return file.read(length)


async def read_piece(path: Path, start: int, length: int) -> bytes:
    """`length` bytes from `start`, fewer at the file's end."""
    return await asyncio.to_thread(_read_chunk, path, start, length)


async def stream_file(path: Path, start: int = 0) -> AsyncIterator[bytes]:
    """The rest of the file from `start`, in pieces."""
    while found := await read_piece(path, start, CHUNK_BYTES):
        yield found
        start += len(found)
