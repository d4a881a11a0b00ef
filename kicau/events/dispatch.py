"""Emitting events, and listening to them.

A room listens in its module `listeners`: a function under `@listens(SomeEvent)` gets all events of that class and of its
subclasses that one act emitted, in order. It runs in the act's transaction: what it writes is written with the act, or
not at all.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

from django.db import transaction

from kicau.events.catalogue import Event, ObjectType

type _Listener = Callable[[Sequence[Any]], object]
type _Presenter = Callable[[Collection[UUID]], Mapping[UUID, Mapping[str, Any]]]

_listeners: list[tuple[type[Event], _Listener]] = []
_presenters: dict[ObjectType, _Presenter] = {}


def listens[E: Event](kind: type[E]) -> Callable[[Callable[[Sequence[E]], object]], Callable[[Sequence[E]], object]]:
    def register(listener: Callable[[Sequence[E]], object]) -> Callable[[Sequence[E]], object]:
        _listeners.append((kind, listener))
        return listener

    return register


def presents(kind: ObjectType) -> Callable[[_Presenter], _Presenter]:
    """The function that shows objects of this kind to other programs: by id, as the REST API returns them."""

    def register(presenter: _Presenter) -> _Presenter:
        _presenters[kind] = presenter
        return presenter

    return register


def present(kind: ObjectType, ids: Collection[UUID]) -> Mapping[UUID, Mapping[str, Any]]:
    """The objects as the REST API returns them; those that are gone are left out."""
    return _presenters[kind](ids)


def emit(*events: Event) -> None:
    """Tell everybody who listens. Call it in the act's transaction, after what it is about was saved."""
    if not events:
        return
    if not transaction.get_connection().in_atomic_block:
        raise RuntimeError("An event belongs to its act: emit it in the act's transaction.")
    for kind, listener in _listeners:
        if concerned := [event for event in events if isinstance(event, kind)]:
            listener(concerned)
