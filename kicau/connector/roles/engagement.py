"""The optional role of reading: answers to what was published, and its numbers. Absent where a network has none.

No reading needs the ids of what was published: each network tells an account's own answers. What refuses a reading says
nothing against publishing: AuthExpired with `missing` is a permission that the sign-in never gave, and Rejected is a
server that does not offer it; the channel goes on publishing in both.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol, Self, runtime_checkable

from kicau.connector.content import JSON
from kicau.connector.session import Session


@dataclass(frozen=True, slots=True, kw_only=True)
class IncomingPost:
    """Somebody's post that mentions or answers the channel."""

    id: str
    at: datetime  # UTC
    author: str  # the network's id
    text: str
    answers: str = ""  # id of the post that it answers, "" where it only mentions
    handle: str = ""  # of the author, without @, where it is told
    name: str = ""  # of the author, as readers see it, where it is told
    url: str = ""  # where readers see it, where that is known
    begins: str = ""  # what a reply has to begin with so that it reaches the author
    answerable: bool = True  # False: the network lets the channel answer this one nowhere but in its own app
    raw: Mapping[str, JSON] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class IncomingPostPage:
    """What is new, oldest first, and where to go on from next time."""

    items: tuple[IncomingPost, ...]
    cursor: str  # give it back; "" where nothing was ever read; up to some thousand characters


CURSOR_OVERLAP = timedelta(hours=1)  # what a network lists this much later than its own time of it is not missed
MAX_CURSOR_KEYS = 40  # keys in a cursor at most


@dataclass(frozen=True, slots=True)
class TimeCursor:
    """A cursor for networks that list answers by their time and know no since-id: when the last one was, and which ones
    of the hour before it were seen, for what comes late has an earlier time than what was seen already."""

    since: int | None = None  # milliseconds since the epoch: nothing up to then is new; None: nothing was ever read
    keys: Mapping[str, int] = field(default_factory=dict)  # seen after that, with their times

    @classmethod
    def of(cls, cursor: str) -> Self:
        """What `cursor` wrote; one that cannot be read is as if nothing was read."""
        try:
            said = json.loads(cursor or "{}")
            return cls(said.get("since"), {str(key): int(at) for key, at in said.get("seen", {}).items()})
        except (ValueError, TypeError, AttributeError):
            return cls()

    def is_new(self, key: str, at: datetime) -> bool:
        return self.since is None or (_epoch_ms(at) > self.since and key not in self.keys)

    def is_past(self, at: datetime) -> bool:
        """Whether nothing as old as this is new any more."""
        return self.since is not None and _epoch_ms(at) <= self.since

    def cursor(self, found: Iterable[tuple[str, datetime]]) -> str:
        """The next one, these having come."""
        times = {**self.keys, **{key: _epoch_ms(at) for key, at in found}}
        if not times:
            return json.dumps({"since": self.since}) if self.since is not None else ""
        order = sorted(times, key=times.__getitem__)
        since = max(times[order[-1]] - CURSOR_OVERLAP // timedelta(milliseconds=1), self.since or 0)
        if len(order) > MAX_CURSOR_KEYS:
            since = max(since, times[order[-MAX_CURSOR_KEYS - 1]])
        return json.dumps({"since": since, "seen": {key: times[key] for key in order if times[key] > since}})


def _epoch_ms(at: datetime) -> int:
    return int(at.timestamp() * 1000)


@runtime_checkable
class EngagementRole(Protocol):
    """What a connector that can read has beside its other members."""

    @property
    def batch(self) -> int:
        """How many posts' numbers one call reads."""

    @property
    def reads_all(self) -> bool:
        """Whether any channel's permission reads every public post: one call then serves all channels of an app."""

    async def answers(self, session: Session, cursor: str, /) -> IncomingPostPage:
        """Everything since `cursor`, each item once; a first reading ("") gives the newest page. What is gone is left out.

        Raises the six errors; where a network lists backwards and more came than it gives in some pages, the oldest of
        them are left out.
        """

    async def numbers(self, session: Session, ids: Sequence[str], /) -> Mapping[str, Mapping[str, int]]:
        """At most `batch` posts: by id, by the network's name of the number. What is gone is left out."""


@runtime_checkable
class MeteredEngagementRole(Protocol):
    """What such a connector has besides where the network may bill or cap what it reads."""

    @property
    def reading_meter(self) -> str:
        """Of which each post or answer that comes back uses up one unit."""
