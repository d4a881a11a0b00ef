"""What strangers may send before anybody looks at it: so many bytes, so fast, so many of them together.

Django reads a whole body before it asks whose it is. Where anybody may send one, that is done here, with bounds.
"""

from __future__ import annotations

import asyncio
from typing import Any

from kicau.connector.roles.webhooks import MAX_WEBHOOK_BYTES
from kicau.sync.webhook_subscriptions import WEBHOOK_PATH

BODY_TIMEOUT_SECONDS = 5.0  # seconds for a whole body
MAX_CONCURRENT_BODIES = 64  # bodies that are read at once; beyond, the network is asked to come again

_bodies_being_read = 0


async def read_body(scope: Any, receive: Any, send: Any) -> Any:
    """What Django is to receive from: the body, read already. None: it was refused, and answered."""
    global _bodies_being_read
    length = next((value for name, value in scope["headers"] if name == b"content-length"), b"0")
    if not length.isdigit() or int(length) > MAX_WEBHOOK_BYTES:
        return await _reject(send, 413)
    if _bodies_being_read >= MAX_CONCURRENT_BODIES:
        return await _reject(send, 503)
    _bodies_being_read += 1
    try:
        async with asyncio.timeout(BODY_TIMEOUT_SECONDS):
            body = await _read_whole_body(receive)
    except TimeoutError:
        return await _reject(send, 408)
    finally:
        _bodies_being_read -= 1
    if body is None:
        return await _reject(send, 413)
    told = False

    async def again() -> Any:
        nonlocal told
        if told:
            return await receive()  # that whoever sent it went away
        told = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again


def is_webhook_request(scope: Any) -> bool:
    return bool(scope["type"] == "http" and scope["method"] == "POST" and scope["path"].startswith(WEBHOOK_PATH))


async def _read_whole_body(receive: Any) -> bytes | None:
    """None where it is too large."""
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return b"".join(parts)  # gone in the middle; its signature will not match
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > MAX_WEBHOOK_BYTES:
            return None
        if not message.get("more_body"):
            return b"".join(parts)


async def _reject(send: Any, status: int) -> None:
    headers = [(b"content-length", b"0"), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": b""})
