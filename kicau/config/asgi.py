"""The web application, for an ASGI server."""

from __future__ import annotations

import asyncio
import gc
import os
from typing import Any

from asgiref.sync import ThreadSensitiveContext
from django.conf import settings
from django.core.asgi import get_asgi_application
from django.db import connections
from django.urls import get_resolver

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "kicau.config.settings")
django_application = get_asgi_application()

from kicau.config import early_limits, request_limits  # noqa: E402 (need Django's apps)
from kicau.media.decoder import shared_decoder  # noqa: E402

IS_HTTPS = settings.KICAU_PUBLIC_URL.startswith("https://")


async def application(scope: Any, receive: Any, send: Any) -> None:
    """Each request in a thread of its own, whose connection to the database goes back to the pool before anything is
    sent, and when that thread has nothing more to do.

    Django gives it back when a request is finished. But a reader may take the answer slowly; and where the browser has
    left in the middle, asgiref slips that in before the view, which then takes a connection that nobody gives back: ten
    such readers, and no page is answered any more.
    """
    if IS_HTTPS:  # a proxy speaks TLS; what it says of that in a header is not asked
        scope = {**scope, "scheme": "https"}
    with request_limits.RequestThread() as thread:  # has nothing to do at its end, so nobody waits for it
        limits = request_limits.RequestLimits(scope, receive, send, thread)
        try:
            if early_limits.is_webhook_request(scope):
                receive = await early_limits.read_body(scope, receive, send)
                if receive is None:
                    return
            else:
                if not await limits.admit():
                    return
                receive = limits.receive
            async with ThreadSensitiveContext(executor=thread):
                try:
                    await django_application(scope, receive, limits.send)
                finally:  # behind all that waits there
                    if limits.refusal is None:  # else Django never began, and there is no thread
                        await asyncio.get_running_loop().run_in_executor(thread, connections.close_all)
        finally:
            limits.leave()
        await limits.refuse()


shared_decoder.max_waiting = 8  # requests that wait for a picture; more are answered 503


def preload_pages() -> None:
    """Loads every page's code, and keeps it from being looked through for garbage, which would hold up one answer in
    twenty for a tenth of a second."""
    get_resolver().url_patterns  # noqa: B018 (reading it imports them)
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


preload_pages()
