"""Requests of ours that wait for a server outside: few at once, and none of them keeps a database connection meanwhile.

Pages and endpoints run every act that asks somebody outside by `run_request`. Workers have limits of their own.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from asgiref.sync import AsyncToSync, ThreadSensitiveContext, async_to_sync

from kicau.base.errors import ServerBusy
from kicau.base.pool import ReleasingExecutor, release_connections

MAX_CONCURRENT_REQUESTS = 6  # of one lane at once, in one process
MAX_CONCURRENT_REQUESTS_PER_KEY = 3  # of one person
RETRY_AFTER_SECONDS = 10


class RequestSlots:
    """Places for requests of one kind, so that those of another kind never take them."""

    def __init__(self, most: int = MAX_CONCURRENT_REQUESTS, each: int = MAX_CONCURRENT_REQUESTS_PER_KEY) -> None:
        self._most, self._each = most, each
        self._lock = threading.Lock()
        self._running: Counter[object] = Counter()

    @contextmanager
    def place(self, who: object) -> Iterator[None]:
        """One place, for as long as the block lasts. Raises ServerBusy where all are taken, or `who` has their share."""
        with self._lock:
            if self._running.total() >= self._most or self._running[who] >= self._each:
                raise ServerBusy(RETRY_AFTER_SECONDS)
            self._running[who] += 1
        try:
            yield
        finally:
            with self._lock:
                self._running[who] -= 1
                if not self._running[who]:
                    del self._running[who]

    def run[**P, T](self, who: object, act: Callable[P, Awaitable[T]], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """What `act` returns, for the thread of a request. `who` is the person for whom it is done.

        Every database call of `act` releases its connection afterwards. Raises ServerBusy before anything is done.
        """

        async def without_connection() -> T:
            current = getattr(AsyncToSync.executors, "current", None)  # the request's own thread, which waits for this
            with ThreadPoolExecutor(1) as spare:  # starts no thread unless it is used
                async with ThreadSensitiveContext(executor=ReleasingExecutor(current or spare)):
                    return await act(*args, **kwargs)

        with self.place(who):
            release_connections()
            return async_to_sync(without_connection)()


request_slots = RequestSlots()
sign_in_slots = RequestSlots(each=MAX_CONCURRENT_REQUESTS)  # at an identity provider: nobody is known yet
run_request = request_slots.run
