"""Endpoints: the calendar of deliveries, and what people do with one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest
from ninja import Query, Router

from kicau.api.core import serializers
from kicau.api.core.authentication import acting
from kicau.api.core.paging import page
from kicau.api.core.routes import PUBLISHES, READS, Id, asks_outside
from kicau.api.core.times import bound, moment
from kicau.api.schemas import deliveries as s
from kicau.base import outbound
from kicau.base.ids import as_uuid
from kicau.channels.actions import one_channel
from kicau.publishing.edits import post_edits
from kicau.publishing.models import Delivery, in_states
from kicau.publishing.scheduling import actions, bulk
from kicau.workspaces.actors import Actor

routes = Router(tags=["Deliveries"])


@routes.get("/deliveries", response=s.DeliveryPage, summary="Read the calendar", openapi_extra=READS)
def list_deliveries(request: HttpRequest, asked: Query[s.DeliveryQuery]) -> dict[str, Any]:
    """By due time, the past first: give `from` to begin later."""
    actor = acting(request)
    return page(_filtered(actor, asked), ("due_at", "id"), asked, serializers.delivery)


def _filtered(actor: Actor, asked: s.DeliveryQuery) -> QuerySet[Delivery]:
    rows = actions.deliveries(actor)
    since, until = bound(asked.since, actor, "from"), bound(asked.until, actor, "to")
    wanted = {
        "due_at__gte": since,
        "due_at__lt": until,
        "channel": one_channel(actor, asked.channel) if asked.channel else None,
        "network": asked.network,
        "draft__campaign__name": asked.campaign,
        "draft__tags__contains": [asked.tag] if asked.tag else None,
        "draft_id": as_uuid(asked.post) if asked.post else None,
    }
    rows = rows.filter(in_states(asked.state)) if asked.state else rows
    return rows.filter(**{name: value for name, value in wanted.items() if value})


@routes.post("/deliveries/move", response=s.Moved, summary="Give many another time", openapi_extra=PUBLISHES)
def move_many(request: HttpRequest, given: s.MoveMany) -> s.Moved:
    """All of them or none; only what has not begun."""
    actor = acting(request)
    moves = [
        bulk.Move(delivery=as_uuid(one.delivery), due_at=moment(one.at, one.timezone), timezone=one.timezone)
        for one in given.moves
    ]
    bulk.move_many(actor, moves)
    rows = {row.id: row for row in actions.deliveries(actor).filter(id__in=[move.delivery for move in moves])}
    return s.Moved(items=[serializers.delivery(rows[move.delivery]) for move in moves])


@routes.post("/deliveries/retry", response=s.ManyDone, summary="Send many again", openapi_extra=PUBLISHES)
def retry_many(request: HttpRequest, given: s.Many) -> s.ManyDone:
    """Each for itself: what cannot be sent again stands under `refused` with its reason."""
    return _done(acting(request), bulk.retry_many, given)


@routes.post("/deliveries/cancel", response=s.ManyDone, summary="Never send many", openapi_extra=PUBLISHES)
def cancel_many(request: HttpRequest, given: s.Many) -> s.ManyDone:
    """Each for itself: what cannot be cancelled stands under `refused` with its reason."""
    return _done(acting(request), bulk.cancel_many, given)


def _done(actor: Actor, act: Callable[[Actor, Sequence[str]], bulk.Done], given: s.Many) -> s.ManyDone:
    told = act(actor, list(dict.fromkeys(given.deliveries)))
    rows = actions.deliveries(actor).filter(id__in=[row.id for row in told.done]).order_by("due_at", "id")
    refused = [s.NotDone(delivery=str(key), detail=str(why)) for key, why in told.refused]
    return s.ManyDone(done=[serializers.delivery(row) for row in rows], refused=refused)


@routes.get(
    "/deliveries/{delivery_id}", response=s.DeliveryWhole, summary="Read a delivery and its story", openapi_extra=READS
)
def get_delivery(request: HttpRequest, delivery_id: Id) -> s.DeliveryWhole:
    """With exactly what is or will be sent, and every attempt in words."""
    actor = acting(request)
    return _whole(actor, delivery_id)


@routes.post("/deliveries/{delivery_id}/cancel", response=s.Delivery, summary="Never send it", openapi_extra=PUBLISHES)
def cancel_delivery(request: HttpRequest, delivery_id: Id) -> s.Delivery:
    actor = acting(request)
    return _after(actor, actions.cancel(actor, delivery_id))


@routes.post("/deliveries/{delivery_id}/retry", response=s.Delivery, summary="Send it again", openapi_extra=PUBLISHES)
def retry_delivery(request: HttpRequest, delivery_id: Id) -> s.Delivery:
    """It goes on where it stopped, and looks up first what may have happened."""
    actor = acting(request)
    return _after(actor, actions.retry(actor, delivery_id))


@routes.post(
    "/deliveries/{delivery_id}/move", response=s.Delivery, summary="Give it another time", openapi_extra=PUBLISHES
)
def move_delivery(request: HttpRequest, delivery_id: Id, given: s.MoveInput) -> s.Delivery:
    """Only what has not begun."""
    actor = acting(request)
    return _after(actor, actions.move(actor, delivery_id, moment(given.at, given.timezone), given.timezone))


@routes.post(
    "/deliveries/{delivery_id}/confirm", response=s.Delivery, summary="Confirm it in person", openapi_extra=PUBLISHES
)
def confirm_delivery(request: HttpRequest, delivery_id: Id) -> s.Delivery:
    """The token's person has read this post and wants it published, as the network's terms ask for each post."""
    actor = acting(request)
    return _after(actor, actions.confirm(actor, delivery_id))


@routes.post(
    "/deliveries/{delivery_id}/resolve", response=s.Delivery, summary="Tell what became of it", openapi_extra=PUBLISHES
)
def resolve_delivery(request: HttpRequest, delivery_id: Id, found: s.ResolveInput) -> s.Delivery:
    """For one whose outcome is unknown, after a person looked at the network. Not there: it is sent again."""
    actor = acting(request)
    return _after(
        actor, actions.resolve(actor, delivery_id, published=found.published, url=found.url, remote_id=found.remote_id)
    )


@routes.post(
    "/deliveries/{delivery_id}/edit/preview",
    response=s.EditPreview,
    summary="See how it would read",
    openapi_extra=PUBLISHES,
)
def preview_edit(request: HttpRequest, delivery_id: Id, given: s.EditInput) -> s.EditPreview:
    """As the network would show it, and what it lets nobody change; nothing is changed."""
    return serializers.edit_preview(post_edits.propose(acting(request), delivery_id, _change(given)))


@routes.post(
    "/deliveries/{delivery_id}/edit", response=s.Delivery, summary="Change it on the network", openapi_extra=PUBLISHES
)
@asks_outside
def edit_delivery(request: HttpRequest, delivery_id: Id, given: s.EditInput) -> s.Delivery:
    """For a published post of a network that allows it. Where an answer is lost it ends with 409: settle it then."""
    actor = acting(request)
    return _after(actor, outbound.run(actor.person_id, post_edits.edit, actor, delivery_id, _change(given)))


@routes.post(
    "/deliveries/{delivery_id}/edit/settle",
    response=s.Delivery,
    summary="Look what became of a change",
    openapi_extra=PUBLISHES,
)
@asks_outside
def settle_edit(request: HttpRequest, delivery_id: Id, given: s.SettleInput) -> s.Delivery:
    """After a change whose outcome is unknown: the network is asked, and what it lacks is sent."""
    actor = acting(request)
    return _after(actor, outbound.run(actor.person_id, post_edits.settle, actor, delivery_id, reads=given.reads))


def _change(given: s.EditInput) -> post_edits.Change:
    return post_edits.Change(
        texts={one.part - 1: one.text for one in given.texts},
        alts={(one.part - 1, one.file - 1): one.alt for one in given.alts},
        options=given.options,
    )


@routes.post(
    "/deliveries/{delivery_id}/withdraw",
    response=s.Delivery,
    summary="Delete it from the network",
    openapi_extra=PUBLISHES,
)
@asks_outside
def withdraw_delivery(request: HttpRequest, delivery_id: Id) -> s.Delivery:
    """All its parts. What is known of it here stays."""
    actor = acting(request)
    return _after(actor, outbound.run(actor.person_id, actions.withdraw, actor, delivery_id))


def _after(actor: Actor, row: Delivery) -> s.Delivery:
    return serializers.delivery(actions.one_delivery(actor, row.id))


def _whole(actor: Actor, delivery_id: str) -> s.DeliveryWhole:
    row = actions.one_delivery(actor, delivery_id)
    return serializers.delivery_whole(row, actions.story(actor, row))
