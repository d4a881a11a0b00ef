"""A proxy before a real server that loses a share of its answers after the server has done what was asked."""

from __future__ import annotations

import asyncio
import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import aiohttp
from aiohttp import web

HOP = {"connection", "keep-alive", "transfer-encoding", "te", "trailer", "upgrade", "content-length", "host"}


@dataclass
class Lossy:
    """Everything is handed on; of the answers with which the server accepts a change, a `share` never arrives."""

    upstream: str
    share: float = 0.0
    port: int = 0
    dice: random.Random = field(default_factory=lambda: random.Random(20261126))
    accepted: int = 0  # changes that the server took
    lost: int = 0  # of them, answers that were dropped
    client: aiohttp.ClientSession | None = None

    @contextmanager
    def running(self) -> Iterator[Lossy]:
        """In a thread of its own."""
        loop = asyncio.new_event_loop()
        thread = threading.Thread(target=loop.run_forever, daemon=True)
        thread.start()
        runner = asyncio.run_coroutine_threadsafe(self._start(), loop).result(20)
        try:
            yield self
        finally:
            asyncio.run_coroutine_threadsafe(self._stop(runner), loop).result(20)
            loop.call_soon_threadsafe(loop.stop)
            thread.join(10)
            loop.close()

    async def _start(self) -> web.AppRunner:
        self.client = aiohttp.ClientSession(auto_decompress=False, timeout=aiohttp.ClientTimeout(total=120))
        app = web.Application(client_max_size=100 << 20)
        app.router.add_route("*", "/{tail:.*}", self._hand_on)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", self.port).start()
        self.port = runner.addresses[0][1]
        return runner

    async def _stop(self, runner: web.AppRunner) -> None:
        await runner.cleanup()
        if self.client:
            await self.client.close()

    async def _hand_on(self, request: web.Request) -> web.Response:
        assert self.client
        headers = {name: value for name, value in request.headers.items() if name.lower() not in HOP}
        body = await request.read()
        url = self.upstream + request.raw_path
        headers["Host"] = urlsplit(self.upstream).netloc
        try:
            async with self.client.request(
                request.method, url, headers=headers, data=body or None, allow_redirects=False
            ) as answer:
                said = await answer.read()
                kept = [(name, value) for name, value in answer.headers.items() if name.lower() not in HOP]
        except aiohttp.ClientError:
            return web.Response(status=502)
        if request.method == "POST" and answer.status < 300:
            self.accepted += 1
            if self.dice.random() < self.share:
                self.lost += 1
                if request.transport:
                    request.transport.abort()
        made = web.Response(status=answer.status, body=said)
        made.headers.clear()
        for name, value in kept:
            made.headers.add(name, value)
        return made
