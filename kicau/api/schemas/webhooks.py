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
    """An address that is told of events."""

    id: str = Field(description="Its id.")
    url: str = Field(description="Where events are sent.")
    events: list[str] = Field(description="Which events.")
    active: bool = Field(description="Whether it is told.")
    failures: int = Field(description="How many in a row.")
    last_status: int = Field(description="HTTP status of its last answer; 0: none came.")
    last_error: str = Field(description="What was wrong the last time; empty: nothing.")
    last_at: datetime | None = Field(description=UTC_DESCRIPTION)
    created_at: datetime = Field(description=UTC_DESCRIPTION)


class WebhookEndpointPage(Page[WebhookEndpoint]):
    """One page of webhooks, oldest first."""


class WebhookCreate(Schema):
    """Where events go."""

    model_config = example_config(
        {"url": "https://hooks.kopisenja.example/kicau", "events": ["delivery.published", "delivery.failed"]}
    )

    url: str = Field(min_length=1, max_length=500, description="https:// (or http://), public.")
    events: list[WebhookEventName] = Field(
        min_length=1,
        max_length=20,
        description="Which events; delivery.*, channel.*, withdrawal.* and * stand for many.",
    )


class WebhookCreated(WebhookEndpoint):
    """A webhook that was added just now."""

    secret: str = Field(description="With it each event is signed. It is shown this once: store it now.")
