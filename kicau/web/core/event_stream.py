"""What a post's page is told as it happens: server-sent events when one of its deliveries has changed.

Each process looks at the database once a moment for all its readers together, so a reader holds no connection; workers
and other web servers need not know of it. https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from uuid import UUID
from weakref import WeakKeyDictionary

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIRequest
from django.db import DatabaseError, connections
from django.db.models import Count, Max
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.views.decorators.http import require_safe

from kicau.publishing.content import compositions
from kicau.publishing.models import Delivery
from kicau.web.core.views import actor_of, lacks_second_factor
from kicau.workspaces.models import Person

POLL_INTERVAL_SECONDS = 0.5  # seconds between looks
HEARTBEAT_SECONDS = 15.0  # seconds after which a silent line says that it lives, so that proxies keep it
MAX_CONNECTION_SECONDS = 600.0  # seconds; then the browser opens another by itself, and is asked again who it is
RETRY_EVENT = b"retry: 2000\n\n"  # milliseconds until a browser tries again


class ChangeNotifier:
    """The readers of one process and what they were last told."""

    def __init__(self) -> None:
        self._readers: dict[UUID, set[asyncio.Event]] = {}
        self._seen: dict[UUID, object] = {}
        self._looking: asyncio.Task[None] | None = None
        self.closing = asyncio.Event()

    @asynccontextmanager
    async def reader(self, draft_id: UUID) -> AsyncIterator[asyncio.Event]:
        """An event that is set whenever something about the post has changed."""
        changed = asyncio.Event()
        self._readers.setdefault(draft_id, set()).add(changed)
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look())
        try:
            yield changed
        finally:
            self._readers[draft_id].discard(changed)
            if not self._readers[draft_id]:
                del self._readers[draft_id]
                self._seen.pop(draft_id, None)

    async def _look(self) -> None:
        while self._readers:
            try:
                found = await sync_to_async(_change_stamps, thread_sensitive=False)(list(self._readers))
            except DatabaseError:
                found = {}  # it is looked again in a moment
            for draft_id, stamp in found.items():
                if self._seen.get(draft_id, stamp) != stamp:
                    for changed in self._readers.get(draft_id, ()):
                        changed.set()
                self._seen[draft_id] = stamp
            await asyncio.sleep(POLL_INTERVAL_SECONDS)

    def close(self) -> None:
        """Every line ends; a server that is told to stop waits for none."""
        self.closing.set()


_notifiers: WeakKeyDictionary[asyncio.AbstractEventLoop, ChangeNotifier] = WeakKeyDictionary()


def change_notifier() -> ChangeNotifier:
    """The running loop's own."""
    return _notifiers.setdefault(asyncio.get_running_loop(), ChangeNotifier())


def close_all() -> None:
    """For a server that stops, from its loop's own thread."""
    for one in list(_notifiers.values()):
        one.close()


def _change_stamps(draft_ids: Iterable[UUID]) -> dict[UUID, object]:
    try:
        rows = Delivery.objects.filter(draft_id__in=list(draft_ids)).order_by().values("draft_id")
        return {
            key: (at, n)
            for key, at, n in rows.annotate(at=Max("changed_at"), n=Count("id")).values_list("draft_id", "at", "n")
        }
    finally:
        connections.close_all()


@require_safe
async def post_events(request: HttpRequest, draft_id: UUID) -> HttpResponseBase:
    """A line that says "changed"; 204 where the server cannot keep one (the page then looks by the clock)."""
    if not isinstance(request, ASGIRequest):
        return HttpResponse(status=204)
    if not await sync_to_async(_may_read)(request, draft_id):
        return HttpResponse(status=404)
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingHttpResponse(
        _event_stream(change_notifier(), draft_id), content_type="text/event-stream", headers=headers
    )


def _may_read(request: HttpRequest, draft_id: UUID) -> bool:
    """The connection goes back at once: the line may stay open for long."""
    try:
        actor = actor_of(request) if isinstance(request.user, Person) else None
        if actor is None or lacks_second_factor(request, actor):
            return False
        return bool(compositions.drafts(actor).filter(id=draft_id).exists())
    finally:
        connections.close_all()


async def _event_stream(on: ChangeNotifier, draft_id: UUID) -> AsyncIterator[bytes]:
    loop = asyncio.get_running_loop()
    until = loop.time() + MAX_CONNECTION_SECONDS
    async with on.reader(draft_id) as changed:
        yield RETRY_EVENT + b"event: changed\ndata: \n\n"  # what happened before the line was open
        while loop.time() < until and not on.closing.is_set():
            waits = {asyncio.create_task(changed.wait()), asyncio.create_task(on.closing.wait())}
            try:
                await asyncio.wait(waits, timeout=HEARTBEAT_SECONDS, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for one in waits:
                    one.cancel()
            if changed.is_set():
                changed.clear()
                yield b"event: changed\ndata: \n\n"
            else:
                yield b": \n\n"
