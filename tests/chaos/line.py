"""The network between us and a sandbox: a TCP proxy on loopback that can be cut, refuse, be slow, or stand still."""

from __future__ import annotations

import asyncio
import contextlib


class Line:
    """One network's line. Everything is called in the loop that `open` ran in."""

    def __init__(self, target: int) -> None:
        self.target = target
        self.port = 0
        self.broken = 0  # connections that a cut has torn
        self.delay = 0.0  # seconds before each piece is handed on
        self._flows = asyncio.Event()
        self._stalled, self._flowed = 0.0, -1.0  # how long it last stood still, and until when
        self._flows.set()
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    async def open(self) -> None:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self.port, reuse_address=True)
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        self.cut()
        if self._server:
            self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    # What can happen to it

    def cut(self) -> None:
        """Tear every connection that is open, as a router does that restarts."""
        for writer in list(self._open):
            self.broken += 1
            writer.transport.abort()

    async def refuse(self, seconds: float) -> None:
        """Cut, and let nobody in for a while."""
        if self._server is None:
            return
        self._server.close()
        self._server = None
        self.cut()
        await asyncio.sleep(seconds)
        await self.open()

    async def slow(self, seconds: float) -> None:
        self.delay = 0.3
        await asyncio.sleep(seconds)
        self.delay = 0.0

    async def stall(self, seconds: float) -> None:
        """Take everything and hand on nothing, without a word."""
        self._flows.clear()
        await asyncio.sleep(seconds)
        self._stalled, self._flowed = seconds, asyncio.get_running_loop().time()
        self._flows.set()

    def held(self) -> float:
        """Seconds that what arrives now may have been under way."""
        return self._stalled if asyncio.get_running_loop().time() - self._flowed < 1 else 0.0

    # Handing on

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        theirs: asyncio.StreamWriter | None = None
        self._open.add(writer)
        try:
            far, theirs = await asyncio.open_connection("127.0.0.1", self.target)
            await asyncio.gather(self._hand_on(reader, theirs, reader), self._hand_on(far, writer, reader))
        except (OSError, EOFError):
            pass
        finally:
            self._open.discard(writer)
            for one in filter(None, (writer, theirs)):
                one.transport.abort() if one.transport.is_closing() else one.close()
                with contextlib.suppress(OSError, asyncio.CancelledError):
                    await one.wait_closed()

    async def _hand_on(
        self, source: asyncio.StreamReader, target: asyncio.StreamWriter, client: asyncio.StreamReader
    ) -> None:
        """Until one side ends, which ends the other (EOFError). What the client sent before it went away without
        being handed on is lost with it: nothing lands later than the request's own time-out."""
        while piece := await source.read(1 << 16):
            if self.delay:
                await asyncio.sleep(self.delay)
            await self._flows.wait()
            if client.at_eof() or client.exception() is not None:
                break
            target.write(piece)
            await target.drain()
        raise EOFError
