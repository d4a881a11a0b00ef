"""Endpoints: webhooks."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from ninja import Query, Router

from kicau.api.core.authentication import authenticated_actor
from kicau.api.core.paging import paginate
from kicau.api.core.routes import SETTINGS_SCOPE, UuidPath, waits_for_network
from kicau.api.schemas import webhooks as s
from kicau.api.schemas.base import PageQuery
from kicau.base import outbound
from kicau.workspaces import webhooks
from kicau.workspaces.models import Webhook

routes = Router(tags=["Webhooks"])


@routes.get("/webhooks", response=s.WebhookEndpointPage, summary="List webhooks", openapi_extra=SETTINGS_SCOPE)
def list_webhooks(request: HttpRequest, asked: Query[PageQuery]) -> dict[str, Any]:
    return paginate(
        webhooks.all_webhooks(authenticated_actor(request)),
        ("id",),
        asked,
        lambda row: s.WebhookEndpoint(**_webhook_schema(row)),
    )


@routes.post("/webhooks", response={201: s.WebhookCreated}, summary="Create a webhook", openapi_extra=SETTINGS_SCOPE)
def add_webhook(request: HttpRequest, given: s.WebhookCreate) -> s.WebhookCreated:
    """Kicau sends each event as signed JSON with POST and retries for a day. The secret is returned only once."""
    made = webhooks.add_webhook(authenticated_actor(request), given.url, given.events)
    return s.WebhookCreated(**_webhook_schema(made), secret=made.secret)


@routes.get(
    "/webhooks/{webhook_id}", response=s.WebhookEndpoint, summary="Retrieve a webhook", openapi_extra=SETTINGS_SCOPE
)
def get_webhook(request: HttpRequest, webhook_id: UuidPath) -> s.WebhookEndpoint:
    """Includes the result of the last event."""
    return s.WebhookEndpoint(**_webhook_schema(webhooks.one_webhook(authenticated_actor(request), webhook_id)))


@routes.delete("/webhooks/{webhook_id}", response={204: None}, summary="Delete a webhook", openapi_extra=SETTINGS_SCOPE)
def remove_webhook(request: HttpRequest, webhook_id: UuidPath) -> None:
    webhooks.remove_webhook(authenticated_actor(request), webhook_id)


@routes.post(
    "/webhooks/{webhook_id}/test", response=s.WebhookEndpoint, summary="Send a test event", openapi_extra=SETTINGS_SCOPE
)
@waits_for_network
def try_webhook(request: HttpRequest, webhook_id: UuidPath) -> s.WebhookEndpoint:
    """Sends an event "ping" once. `last_status` and `last_error` contain the result."""
    return s.WebhookEndpoint(
        **_webhook_schema(
            outbound.run_request(
                authenticated_actor(request).person_id,
                webhooks.send_test_event,
                authenticated_actor(request),
                webhook_id,
            )
        )
    )


def _webhook_schema(row: Webhook) -> dict[str, Any]:
    return {
        "id": str(row.id),
        "url": row.url,
        "events": row.events,
        "active": row.is_active,
        "failures": row.failures,
        "last_status": row.last_status,
        "last_error": row.last_error,
        "last_at": row.last_at,
        "created_at": row.created_at,
    }
