"""Webhooks."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import Field

from kicau.api.schemas.base import UTC_DESCRIPTION, Page, Schema, example_config

WebhookEventName = Literal[
    "delivery.scheduled",
    "delivery.published",
    "delivery.failed",
    "delivery.held",
    "delivery.unknown",
    "delivery.canceled",
    "delivery.edited",
    "channel.connected",
    "channel.expired",
    "channel.held",
    "network.unreachable",
    "withdrawal.proposed",
    "withdrawal.announced",
    "withdrawal.called-off",
    "withdrawal.withdrawn",
    "withdrawal.retargeted",
    "withdrawal.reinstated",
    "delivery.*",
    "channel.*",
    "withdrawal.*",
    "*",
]


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
        description="Events to receive. delivery.*, channel.*, withdrawal.* and * stand for several.",
    )


class WebhookCreated(WebhookEndpoint):
    """A webhook that was just created."""

    secret: str = Field(description="Secret that signs each event. It is returned only once: save it now.")
