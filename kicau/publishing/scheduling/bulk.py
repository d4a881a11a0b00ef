"""What is done to many deliveries at once: moved all together or not at all; retried and cancelled each for itself."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction

from kicau.base import clock
from kicau.base.errors import Refusal, unacceptable
from kicau.base.ids import as_uuid
from kicau.publishing.budget import plan_quotas
from kicau.publishing.models import Delivery
from kicau.publishing.scheduling import actions
from kicau.workspaces.actors import Actor, Permission

MOST = 500  # deliveries in one go


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """A delivery and the moment to which it goes (aware)."""

    delivery: UUID
    due_at: datetime
    timezone: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What became of many: `refused` holds each other one with its reason."""

    done: tuple[Delivery, ...]
    refused: tuple[tuple[UUID, Refusal], ...]


@transaction.atomic
def move_many(actor: Actor, moves: Sequence[Move]) -> list[Move]:
    """All of them or none; gives the moves that take them back. Raises as `acts.move` does."""
    actor.require(Permission.PUBLISH)
    _few(moves)
    back = []
    with plan_quotas.at_once():
        for move in moves:
            before = actions.one_delivery(actor, move.delivery)
            back.append(Move(delivery=move.delivery, due_at=before.due_at, timezone=before.timezone))
            actions.move(actor, move.delivery, move.due_at, move.timezone)
    return back


def shifted(actor: Actor, deliveries: Iterable[UUID | str], *, days: int = 0, minutes: int = 0) -> list[Move]:
    """The moves that bring each so much later (or earlier, below zero). Days keep the time of day that its zone's
    clocks show. Raises NotFound."""
    found = []
    for one in deliveries:
        row = actions.one_delivery(actor, one)
        zone = clock.zone(row.timezone)
        wall = row.due_at.astimezone(zone).replace(tzinfo=None) + timedelta(days=days)
        at = wall.replace(tzinfo=zone).astimezone(clock.UTC) + timedelta(minutes=minutes)
        found.append(Move(delivery=row.id, due_at=at, timezone=row.timezone))
    return found


@transaction.atomic
def retry_many(actor: Actor, deliveries: Sequence[UUID | str]) -> Done:
    """Raises NotAllowed."""
    with plan_quotas.at_once():
        return _each(actor, deliveries, actions.retry)


def cancel_many(actor: Actor, deliveries: Sequence[UUID | str]) -> Done:
    """Raises NotAllowed."""
    return _each(actor, deliveries, actions.cancel)


def _each(actor: Actor, deliveries: Sequence[UUID | str], act: Callable[[Actor, UUID | str], Delivery]) -> Done:
    actor.require(Permission.PUBLISH)
    _few(deliveries)
    done: list[Delivery] = []
    refused: list[tuple[UUID, Refusal]] = []
    for one in deliveries:
        try:
            done.append(act(actor, one))
        except Refusal as exc:
            refused.append((as_uuid(one), exc))
    return Done(done=tuple(done), refused=tuple(refused))


def _few(things: Sequence[object]) -> None:
    if not things:
        raise unacceptable("deliveries", "Choose at least one post.")
    if len(things) > MOST:
        raise unacceptable("deliveries", "At most {limit} deliveries are changed in one go.", limit=MOST)
