"""Webhooks."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import Field

from kicau.api.schemas.base import UTC_DESCRIPTION, Page, Schema, example_config
from kicau.events.catalogue import EVENT_GROUPS, PUBLIC_EVENTS

WebhookEventName = Annotated[str, Field(json_schema_extra={"enum": [*PUBLIC_EVENTS, *EVENT_GROUPS, "*"]})]


class Outage(Schema):
    """A network, or one of its servers, that doesn't respond."""

    id: str = Field(description="Unique ID.")
    network: str = Field(description="Name of the network.")
    host: str = Field(description="The server, if the network has many. Can be empty.")
    since: datetime = Field(description=UTC_DESCRIPTION)


class WebhookEndpoint(Schema):
    """A webhook: a URL that receives events."""

    id: str = Field(description="Unique ID.")
    url: str = Field(description="URL that receives the events.")
    events: list[str] = Field(description="Subscribed events.")
    active: bool = Field(description="Whether events are sent.")
    failures: int = Field(description="Number of failures in a row.")
    last_status: int = Field(description="HTTP status of the last response. 0: no response.")
    last_error: str = Field(description="Last error. Empty: none.")
    last_at: datetime | None = Field(description=UTC_DESCRIPTION)
    created_at: datetime = Field(description=UTC_DESCRIPTION)


class WebhookEndpointPage(Page[WebhookEndpoint]):
    """A page of webhooks, oldest first."""


class WebhookCreate(Schema):
    """A new webhook."""

    model_config = example_config(
        {"url": "https://hooks.kopisenja.example/kicau", "events": ["delivery.published", "delivery.failed"]}
    )

    url: str = Field(min_length=1, max_length=500, description="Public URL (https:// or http://).")
    events: list[WebhookEventName] = Field(
        min_length=1,
        max_length=20,
        description=f"Events to receive. {', '.join(EVENT_GROUPS)} and * stand for several.",
    )


class WebhookCreated(WebhookEndpoint):
    """A webhook that was just created."""

    secret: str = Field(description="Secret that signs each event. It is returned only once: save it now.")
