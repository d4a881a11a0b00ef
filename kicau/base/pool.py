"""Database connections of the web process, which all requests share: a request that waits for something else keeps none.

Where threads keep their connections (workers, the shell), nothing here does anything.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor, Future
from contextvars import ContextVar

from django.db import connections

#: What a request does besides when it begins to wait for something else: it lets another request begin.
waits: ContextVar[Callable[[], None] | None] = ContextVar("waits", default=None)


def release_connections() -> None:
    """Give the thread's connections back to the pool, except those with an open transaction. The next query takes one
    again."""
    if tell := waits.get():
        tell()
    for connection in connections.all(initialized_only=True):
        if connection.settings_dict["CONN_MAX_AGE"] == 0 and not connection.in_atomic_block:
            connection.close()


class ReleasingExecutor(Executor):
    """Runs everything on another executor, and releases that thread's connections after each call."""

    def __init__(self, inner: Executor) -> None:
        self._inner = inner

    def submit[**P, T](self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        def run() -> T:
            try:
                return fn(*args, **kwargs)
            finally:
                release_connections()

        return self._inner.submit(run)
