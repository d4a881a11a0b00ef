"""Queues of requests: kinds and senders take turns."""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from collections.abc import Hashable
from weakref import WeakKeyDictionary


class RequestQueue:
    """Requests that are worked on at once. Of the others the kinds take turns, and within a kind the senders: many
    requests of one sender delay no other sender, and many of one kind, from however many senders, no other kind."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._queues: WeakKeyDictionary[asyncio.AbstractEventLoop, FairQueue] = WeakKeyDictionary()

    @property
    def queue(self) -> FairQueue:
        """The running loop's own."""
        return self._queues.setdefault(asyncio.get_running_loop(), FairQueue(self._most))


type Turns = OrderedDict[Hashable, deque[asyncio.Future[None]]]  # what waits, by sender


class FairQueue:
    """A semaphore whose next place goes to the kind of request whose turn it is, within that kind to the sender whose
    turn it is, and to the oldest of that sender's requests."""

    def __init__(self, places: int) -> None:
        self._free = places
        self._waiting: OrderedDict[str, Turns] = OrderedDict()

    async def acquire(self, kind: str, sender: Hashable) -> None:
        if self._free:
            self._free -= 1
            return
        turn = asyncio.get_running_loop().create_future()
        senders = self._waiting.setdefault(kind, OrderedDict())
        senders.setdefault(sender, deque()).append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self.release()  # the place came together with the end of the request
            raise

    def release(self) -> None:
        while self._waiting:
            kind, senders = self._waiting.popitem(last=False)
            sender, turns = senders.popitem(last=False)
            turn = turns.popleft()
            if turns:
                senders[sender] = turns  # behind all other senders
            if senders:
                self._waiting[kind] = senders  # behind all other kinds
            if not turn.done():
                turn.set_result(None)
                return
        self._free += 1
