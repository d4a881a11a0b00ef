"""An HTTP client whose sending a test replaces."""

from __future__ import annotations

from collections.abc import Callable

from kicau.connector.transport.http import HttpClient


class FaultyHttp(HttpClient):
    def __init__(self, inner: HttpClient, send: Callable[..., object]) -> None:
        super().__init__(inner.client, inner.spend, inner.read_error, inner.calls)
        self._wrapped = send

    async def _send(self, *args: object, **how: object) -> object:  # type: ignore[override]
        return await self._wrapped(*args, **how)  # type: ignore[misc]
