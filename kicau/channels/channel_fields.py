"""A channel as other programs see it: the one form that REST, webhooks and commands share."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any
from uuid import UUID

from kicau.channels.models import Channel


def present_channels(ids: Collection[UUID]) -> Mapping[UUID, Mapping[str, Any]]:
    return {row.id: channel_fields(row) for row in Channel.objects.filter(id__in=ids)}


def channel_fields(row: Channel) -> dict[str, Any]:
    return {
        "id": str(row.id),
        "key": row.key,
        "network": row.network,
        "name": row.name,
        "handle": row.handle,
        "kind": row.kind,
        "host": row.host,
        "url": row.url,
        "state": row.state,
        "reason": row.reason,
        "renewal_problem": row.renewal_problem,
        "paused": row.is_paused,
        "paused_until": row.paused_until,
        "capabilities_delayed_until": row.capabilities_delayed_until,
        "capabilities_delay_reason": row.capabilities_delay_reason,
        "sync_paused_until": row.sync_paused_until,
        "token_expires_at": row.token_expires_at,
        "connected_at": row.connected_at,
    }
