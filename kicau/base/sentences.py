"""A sentence that remembers how it was made, so that it can be told in another language, and its times in another zone."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from kicau.base import clock
from kicau.connector.content import AttemptNote, Problem

UTC_TIME_PATTERN = re.compile(r"(?P<day>\d{4}-\d\d-\d\d)(?P<between> (?:at )?)(?P<time>\d\d:\d\d(?::\d\d)?) UTC\b")

type Param = str | int | float | datetime
type SentencePiece = tuple[str, Mapping[str, Param]]


class Sentence(str):
    """English text, filled from `message` and its `{named}` places; a place that is missing stays as it is written.

    It is a `str` wherever one is wanted. `+` puts another sentence (or a text without translation) behind it.
    """

    pieces: tuple[SentencePiece, ...]

    def __new__(cls, message: str, /, **params: Param) -> Sentence:
        return cls.of(((message, params),))

    @classmethod
    def of(cls, pieces: Sequence[SentencePiece]) -> Sentence:
        made = super().__new__(cls, " ".join(fill_template(message, params) for message, params in pieces))
        made.pieces = tuple(pieces)
        return made

    def fill(self, **params: Param) -> Sentence:
        """The same text with its places filled; what it has no place for is left out."""
        return Sentence.of(
            [(message, {k: v for k, v in params.items() if f"{{{k}}}" in message}) for message, _ in self.pieces]
        )

    def __add__(self, other: str) -> Sentence:
        if not other:
            return self
        return Sentence.of(self.pieces + sentence_pieces(other))


def of_problems(problems: Iterable[Problem]) -> Sentence:
    """The sentences of problems, one behind the other; an empty one where there are none."""
    return Sentence.of([(p.message, dict(p.params)) for p in problems])


def fill_template(message: str, params: Mapping[str, Any], shown: Callable[[datetime], object] | None = None) -> str:
    """`message` with its places filled; times by `shown`, else in UTC. Never raises."""
    show = shown or (lambda at: f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC")
    try:
        return message.format_map({k: show(v) if isinstance(v, datetime) else v for k, v in params.items()})
    except (KeyError, IndexError, ValueError, AttributeError):
        return message


def times_in_zone(text: str, zone: str) -> str:
    """`text` with its moments, which are written in UTC, in that IANA zone: 2026-12-02 16:05:00 WIB."""

    def local(found: re.Match[str]) -> str:
        try:
            at = datetime.fromisoformat(f"{found['day']}T{found['time']}").replace(tzinfo=UTC)
        except ValueError:
            return found[0]
        there = at.astimezone(clock.find_zone(zone))
        written = f"{there:%Y-%m-%d}{found['between']}{there:%H:%M:%S}"
        return f"{written if found['time'].count(':') == 2 else written[:-3]} {there:%Z}"

    return UTC_TIME_PATTERN.sub(local, text)


def sentence_pieces(text: str) -> tuple[SentencePiece, ...]:
    """A plain text is one piece whose whole content is a param: it is shown as it is, or by its own translation."""
    if isinstance(text, Sentence):
        return text.pieces
    if isinstance(text, AttemptNote):
        return ((text.message, text.params),)
    return ((text.strip().replace("{", "{{").replace("}", "}}"), {}),) if text.strip() else ()


def to_stored_pieces(text: str) -> list[Any]:
    """For a JSON column: what `read_stored_pieces` makes the sentence of again."""
    return [
        [message, {k: {"at": v.isoformat()} if isinstance(v, datetime) else v for k, v in params.items()}]
        for message, params in sentence_pieces(text)
    ]


def read_stored_pieces(text: str, rows: Sequence[Any]) -> tuple[SentencePiece, ...]:
    """The pieces of `text` that `to_stored_pieces` stored; `text` as one piece if they belong to another text."""
    try:
        pieces = tuple((str(message), {k: _param_from_json(v) for k, v in params.items()}) for message, params in rows)
    except (AttributeError, TypeError, ValueError):
        pieces = ()
    return pieces if " ".join(fill_template(*piece) for piece in pieces) == text else sentence_pieces(text)


def _param_from_json(value: Any) -> Param:
    return datetime.fromisoformat(value["at"]) if isinstance(value, dict) else value
