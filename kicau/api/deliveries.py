"""Endpoints: the calendar of deliveries, and what people do with one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest
from ninja import Query, Router

from kicau.api.core import serializers
from kicau.api.core.authentication import authenticated_actor
from kicau.api.core.paging import paginate
from kicau.api.core.routes import PUBLISH_SCOPE, READ_SCOPE, UuidPath, waits_for_network
from kicau.api.core.times import parse_range_end, parse_time
from kicau.api.schemas import deliveries as s
from kicau.base import outbound
from kicau.base.ids import as_uuid
from kicau.channels.actions import one_channel
from kicau.publishing.edits import post_edits
from kicau.publishing.models import Delivery, state_filter
from kicau.publishing.scheduling import actions, bulk
from kicau.workspaces.actors import Actor

routes = Router(tags=["Deliveries"])


@routes.get("/deliveries", response=s.DeliveryPage, summary="List deliveries by due time", openapi_extra=READ_SCOPE)
def list_deliveries(request: HttpRequest, asked: Query[s.DeliveryQuery]) -> dict[str, Any]:
    """Oldest first. Set `from` to start later."""
    actor = authenticated_actor(request)
    return paginate(_filter_deliveries(actor, asked), ("due_at", "id"), asked, serializers.delivery_schema)


def _filter_deliveries(actor: Actor, asked: s.DeliveryQuery) -> QuerySet[Delivery]:
    rows = actions.deliveries(actor)
    since, until = parse_range_end(asked.since, actor, "from"), parse_range_end(asked.until, actor, "to")
    wanted = {
        "due_at__gte": since,
        "due_at__lt": until,
        "channel": one_channel(actor, asked.channel) if asked.channel else None,
        "network": asked.network,
        "draft__campaign__name": asked.campaign,
        "draft__tags__contains": [asked.tag] if asked.tag else None,
        "draft_id": as_uuid(asked.post) if asked.post else None,
    }
    rows = rows.filter(state_filter(asked.state)) if asked.state else rows
    return rows.filter(**{name: value for name, value in wanted.items() if value})


@routes.post(
    "/deliveries/reschedule",
    response=s.RescheduledDeliveries,
    summary="Reschedule several deliveries",
    openapi_extra=PUBLISH_SCOPE,
)
def reschedule_many(request: HttpRequest, given: s.RescheduleManyInput) -> s.RescheduledDeliveries:
    """Reschedules all of them or none. Only deliveries whose publishing has not begun."""
    actor = authenticated_actor(request)
    moves = [
        bulk.Reschedule(delivery=as_uuid(one.delivery), due_at=parse_time(one.at, one.timezone), timezone=one.timezone)
        for one in given.moves
    ]
    bulk.reschedule_many(actor, moves)
    rows = {row.id: row for row in actions.deliveries(actor).filter(id__in=[move.delivery for move in moves])}
    return s.RescheduledDeliveries(items=[serializers.delivery_schema(rows[move.delivery]) for move in moves])


@routes.post(
    "/deliveries/retry", response=s.BulkDeliveryResult, summary="Retry several deliveries", openapi_extra=PUBLISH_SCOPE
)
def retry_many(request: HttpRequest, given: s.DeliveryIds) -> s.BulkDeliveryResult:
    """Each delivery is handled separately. Those that cannot be retried are listed in `refused` with the reason."""
    return _apply_to_many(authenticated_actor(request), bulk.retry_many, given)


@routes.post(
    "/deliveries/cancel",
    response=s.BulkDeliveryResult,
    summary="Cancel several deliveries",
    openapi_extra=PUBLISH_SCOPE,
)
def cancel_many(request: HttpRequest, given: s.DeliveryIds) -> s.BulkDeliveryResult:
    """Each delivery is handled separately. Those that cannot be canceled are listed in `refused` with the reason."""
    return _apply_to_many(authenticated_actor(request), bulk.cancel_many, given)


def _apply_to_many(
    actor: Actor, act: Callable[[Actor, Sequence[str]], bulk.BulkResult], given: s.DeliveryIds
) -> s.BulkDeliveryResult:
    told = act(actor, list(dict.fromkeys(given.deliveries)))
    rows = actions.deliveries(actor).filter(id__in=[row.id for row in told.done]).order_by("due_at", "id")
    refused = [s.FailedDelivery(delivery=str(key), detail=str(why)) for key, why in told.refused]
    return s.BulkDeliveryResult(done=[serializers.delivery_schema(row) for row in rows], refused=refused)


@routes.get(
    "/deliveries/{delivery_id}",
    response=s.DeliveryDetail,
    summary="Retrieve a delivery",
    openapi_extra=READ_SCOPE,
)
def get_delivery(request: HttpRequest, delivery_id: UuidPath) -> s.DeliveryDetail:
    """Includes the exact content that was or will be published, and all attempts."""
    actor = authenticated_actor(request)
    return _delivery_detail(actor, delivery_id)


@routes.post(
    "/deliveries/{delivery_id}/cancel", response=s.Delivery, summary="Cancel a delivery", openapi_extra=PUBLISH_SCOPE
)
def cancel_delivery(request: HttpRequest, delivery_id: UuidPath) -> s.Delivery:
    actor = authenticated_actor(request)
    return _delivery_after(actor, actions.cancel(actor, delivery_id))


@routes.post(
    "/deliveries/{delivery_id}/retry", response=s.Delivery, summary="Retry a delivery", openapi_extra=PUBLISH_SCOPE
)
def retry_delivery(request: HttpRequest, delivery_id: UuidPath) -> s.Delivery:
    """Continues where publishing stopped. Kicau first checks on the network what was published."""
    actor = authenticated_actor(request)
    return _delivery_after(actor, actions.retry(actor, delivery_id))


@routes.post(
    "/deliveries/{delivery_id}/reschedule",
    response=s.Delivery,
    summary="Reschedule a delivery",
    openapi_extra=PUBLISH_SCOPE,
)
def reschedule_delivery(request: HttpRequest, delivery_id: UuidPath, given: s.RescheduleInput) -> s.Delivery:
    """Only if publishing has not begun."""
    actor = authenticated_actor(request)
    return _delivery_after(
        actor, actions.reschedule(actor, delivery_id, parse_time(given.at, given.timezone), given.timezone)
    )


@routes.post(
    "/deliveries/{delivery_id}/confirm",
    response=s.Delivery,
    summary="Confirm a post",
    openapi_extra=PUBLISH_SCOPE,
)
def confirm_delivery(request: HttpRequest, delivery_id: UuidPath) -> s.Delivery:
    """Records that the token's person has read this post and wants it published. Some networks' terms require this for each post."""
    actor = authenticated_actor(request)
    return _delivery_after(actor, actions.confirm(actor, delivery_id))


@routes.post(
    "/deliveries/{delivery_id}/resolve",
    response=s.Delivery,
    summary="Resolve an unknown result",
    openapi_extra=PUBLISH_SCOPE,
)
def resolve_delivery(request: HttpRequest, delivery_id: UuidPath, found: s.ResolveInput) -> s.Delivery:
    """For a delivery with the state unknown, after a person checked on the network. If the post is not there, Kicau publishes it again."""
    actor = authenticated_actor(request)
    return _delivery_after(
        actor,
        actions.resolve_unknown_outcome(
            actor, delivery_id, published=found.published, url=found.url, remote_id=found.remote_id
        ),
    )


@routes.post(
    "/deliveries/{delivery_id}/edit/preview",
    response=s.PublishedEditPreview,
    summary="Preview an edit of a published post",
    openapi_extra=PUBLISH_SCOPE,
)
def preview_edit(request: HttpRequest, delivery_id: UuidPath, given: s.EditInput) -> s.PublishedEditPreview:
    """Returns how the network would show the post, and which changes it does not allow. Nothing is changed."""
    return serializers.edit_preview_schema(
        post_edits.preview_edit(authenticated_actor(request), delivery_id, _edit_from_request(given))
    )


@routes.post(
    "/deliveries/{delivery_id}/edit",
    response=s.Delivery,
    summary="Edit a published post",
    openapi_extra=PUBLISH_SCOPE,
)
@waits_for_network
def edit_delivery(request: HttpRequest, delivery_id: UuidPath, given: s.EditInput) -> s.Delivery:
    """For networks that allow it. If the response of the network is lost, returns 409; then resolve the edit."""
    actor = authenticated_actor(request)
    return _delivery_after(
        actor,
        outbound.run_request(actor.person_id, post_edits.apply_edit, actor, delivery_id, _edit_from_request(given)),
    )


@routes.post(
    "/deliveries/{delivery_id}/edit/resolve",
    response=s.Delivery,
    summary="Resolve an edit with an unknown result",
    openapi_extra=PUBLISH_SCOPE,
)
@waits_for_network
def resolve_edit_on_network(request: HttpRequest, delivery_id: UuidPath, given: s.ResolveEditInput) -> s.Delivery:
    """Kicau checks the post on the network and sends the changes that are missing."""
    actor = authenticated_actor(request)
    return _delivery_after(
        actor, outbound.run_request(actor.person_id, post_edits.resolve_edit, actor, delivery_id, reads=given.reads)
    )


def _edit_from_request(given: s.EditInput) -> post_edits.PostEditInput:
    return post_edits.PostEditInput(
        texts={one.part - 1: one.text for one in given.texts},
        alts={(one.part - 1, one.file - 1): one.alt for one in given.alts},
        options=given.options,
    )


@routes.post(
    "/deliveries/{delivery_id}/delete",
    response=s.Delivery,
    summary="Delete a published post from its network",
    openapi_extra=PUBLISH_SCOPE,
)
@waits_for_network
def delete_delivery(request: HttpRequest, delivery_id: UuidPath) -> s.Delivery:
    """Deletes all parts. The record in Kicau stays."""
    actor = authenticated_actor(request)
    return _delivery_after(
        actor, outbound.run_request(actor.person_id, actions.delete_from_network, actor, delivery_id)
    )


def _delivery_after(actor: Actor, row: Delivery) -> s.Delivery:
    return serializers.delivery_schema(actions.one_delivery(actor, row.id))


def _delivery_detail(actor: Actor, delivery_id: str) -> s.DeliveryDetail:
    row = actions.one_delivery(actor, delivery_id)
    return serializers.delivery_detail(row, actions.attempt_log(actor, row))
