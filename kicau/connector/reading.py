"""The optional role of reading: answers to what was published, and its numbers. Absent where a network has none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol, runtime_checkable

from kicau.connector.content import JSON
from kicau.connector.session import Session


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """Somebody's post that mentions or answers the channel."""

    id: str
    at: datetime  # UTC
    author: str  # the network's id
    text: str
    answers: str = ""  # id of the post that it answers, "" where it only mentions
    raw: Mapping[str, JSON] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """What is new, oldest first, and where to go on from next time."""

    items: tuple[Answer, ...]
    cursor: str  # give it back; "" where nothing was ever read


@runtime_checkable
class Reads(Protocol):
    """What a connector that can read has beside its other members."""

    @property
    def batch(self) -> int:
        """How many posts' numbers one call reads."""

    @property
    def reads_all(self) -> bool:
        """Whether any channel's permission reads every public post: one call then serves all channels of an app."""

    async def answers(self, session: Session, cursor: str, /) -> Answers:
        """Everything since `cursor`, each item once; a first reading ("") gives the newest page."""

    async def numbers(self, session: Session, ids: Sequence[str], /) -> Mapping[str, Mapping[str, int]]:
        """At most `batch` posts: by id, by the network's name of the number. What is gone is left out."""


@runtime_checkable
class BillsReading(Protocol):
    """What such a connector has besides where the network may bill or cap what it reads."""

    @property
    def reading_meter(self) -> str:
        """Of which each post or answer that comes back uses up one unit."""
