"""What is done to many deliveries at once: moved all together or not at all; retried and cancelled each for itself."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction

from kicau.base import clock
from kicau.base.errors import DomainError, validation_failed
from kicau.base.ids import as_uuid
from kicau.publishing.budget import plan_quotas
from kicau.publishing.models import Delivery
from kicau.publishing.scheduling import actions
from kicau.workspaces.actors import Actor, Permission

MAX_DELIVERIES = 500  # deliveries in one go


@dataclass(frozen=True, slots=True, kw_only=True)
class Reschedule:
    """A delivery and the moment to which it goes (aware)."""

    delivery: UUID
    due_at: datetime
    timezone: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class BulkResult:
    """What became of many: `refused` holds each other one with its reason."""

    done: tuple[Delivery, ...]
    refused: tuple[tuple[UUID, DomainError], ...]


@transaction.atomic
def reschedule_many(actor: Actor, moves: Sequence[Reschedule]) -> list[Reschedule]:
    """All of them or none; gives the moves that take them back. Raises as `acts.move` does."""
    actor.require(Permission.PUBLISH)
    _require_few(moves)
    back = []
    with plan_quotas.single_update():
        for move in moves:
            before = actions.one_delivery(actor, move.delivery)
            back.append(Reschedule(delivery=move.delivery, due_at=before.due_at, timezone=before.timezone))
            actions.reschedule(actor, move.delivery, move.due_at, move.timezone)
    return back


def shift_moves(actor: Actor, deliveries: Iterable[UUID | str], *, days: int = 0, minutes: int = 0) -> list[Reschedule]:
    """The moves that bring each so much later (or earlier, below zero). Days keep the time of day that its zone's
    clocks show. Raises NotFound."""
    found = []
    for one in deliveries:
        row = actions.one_delivery(actor, one)
        zone = clock.find_zone(row.timezone)
        wall = row.due_at.astimezone(zone).replace(tzinfo=None) + timedelta(days=days)
        at = wall.replace(tzinfo=zone).astimezone(clock.UTC) + timedelta(minutes=minutes)
        found.append(Reschedule(delivery=row.id, due_at=at, timezone=row.timezone))
    return found


@transaction.atomic
def retry_many(actor: Actor, deliveries: Sequence[UUID | str]) -> BulkResult:
    """Raises NotAllowed."""
    with plan_quotas.single_update():
        return _apply_to_each(actor, deliveries, actions.retry)


def cancel_many(actor: Actor, deliveries: Sequence[UUID | str]) -> BulkResult:
    """Raises NotAllowed."""
    return _apply_to_each(actor, deliveries, actions.cancel)


def _apply_to_each(
    actor: Actor, deliveries: Sequence[UUID | str], act: Callable[[Actor, UUID | str], Delivery]
) -> BulkResult:
    actor.require(Permission.PUBLISH)
    _require_few(deliveries)
    done: list[Delivery] = []
    refused: list[tuple[UUID, DomainError]] = []
    for one in deliveries:
        try:
            done.append(act(actor, one))
        except DomainError as exc:
            refused.append((as_uuid(one), exc))
    return BulkResult(done=tuple(done), refused=tuple(refused))


def _require_few(things: Sequence[object]) -> None:
    if not things:
        raise validation_failed(
            "posts to publish (counted separately for each channel)",
            "Select at least one post that you want to change.",
        )
    if len(things) > MAX_DELIVERIES:
        raise validation_failed(
            "posts to publish (counted separately for each channel)",
            "You can change at most {limit} posts at once. Select fewer posts.",
            limit=MAX_DELIVERIES,
        )
