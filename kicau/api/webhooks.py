"""Endpoints: webhooks."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from ninja import Query, Router

from kicau.api.core.authentication import acting
from kicau.api.core.paging import page
from kicau.api.core.routes import SETTINGS, Id, asks_outside
from kicau.api.schemas import webhooks as s
from kicau.api.schemas.base import PageQuery
from kicau.base import outbound
from kicau.workspaces import webhooks
from kicau.workspaces.models import Webhook

routes = Router(tags=["Webhooks"])


@routes.get("/webhooks", response=s.WebhookPage, summary="List webhooks", openapi_extra=SETTINGS)
def list_webhooks(request: HttpRequest, asked: Query[PageQuery]) -> dict[str, Any]:
    return page(webhooks.all_webhooks(acting(request)), ("id",), asked, lambda row: s.Webhook(**_webhook(row)))


@routes.post("/webhooks", response={201: s.WebhookMade}, summary="Add a webhook", openapi_extra=SETTINGS)
def add_webhook(request: HttpRequest, given: s.WebhookAdd) -> s.WebhookMade:
    """Each event is posted as JSON, signed with the secret that is shown this once, and tried again for a day."""
    made = webhooks.add_webhook(acting(request), given.url, given.events)
    return s.WebhookMade(**_webhook(made), secret=made.secret)


@routes.get("/webhooks/{webhook_id}", response=s.Webhook, summary="Read a webhook", openapi_extra=SETTINGS)
def get_webhook(request: HttpRequest, webhook_id: Id) -> s.Webhook:
    """With how its last event went."""
    return s.Webhook(**_webhook(webhooks.one_webhook(acting(request), webhook_id)))


@routes.delete("/webhooks/{webhook_id}", response={204: None}, summary="Remove a webhook", openapi_extra=SETTINGS)
def remove_webhook(request: HttpRequest, webhook_id: Id) -> None:
    webhooks.remove_webhook(acting(request), webhook_id)


@routes.post("/webhooks/{webhook_id}/test", response=s.Webhook, summary="Send a test event", openapi_extra=SETTINGS)
@asks_outside
def try_webhook(request: HttpRequest, webhook_id: Id) -> s.Webhook:
    """An event "ping", sent now and once; `last_status` and `last_error` tell how it went."""
    return s.Webhook(
        **_webhook(outbound.run(acting(request).person_id, webhooks.try_webhook, acting(request), webhook_id))
    )


def _webhook(row: Webhook) -> dict[str, Any]:
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
