"""What people are told of deliveries that need them: of each by its author, of many at once in one sentence."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from kicau.channels.models import Channel
from kicau.connector import registry
from kicau.notifications import actions as notices
from kicau.publishing.models import DeliveryState, Draft, HoldReason

type EndedDelivery = tuple[UUID, UUID, Any, str, str, str]  # draft, channel, rendered in wire form, state, hold, reason
MAX_EXCERPT_LENGTH = 60  # characters of a post that are quoted


def notification_event(state: str, hold: str) -> str:
    """The event that a delivery's new state is; "" where nobody has to know."""
    match state, hold:
        case DeliveryState.FAILED | DeliveryState.PARKED, _:
            return "delivery.failed"
        case DeliveryState.UNKNOWN, _:
            return "delivery.unknown"
        case DeliveryState.HELD, HoldReason.CONFIRMATION:
            return "delivery.confirm"
        case DeliveryState.HELD, HoldReason.BUDGET:
            return "budget.held"
        case _:
            return ""


def notify_authors(ended: Sequence[EndedDelivery]) -> None:
    """Tell the authors; in the transaction that writes the states. Costs nothing where all went well."""
    concerned = [(event, row) for row in ended if (event := notification_event(row[3], row[4]))]
    if not concerned:
        return
    channels = Channel.objects.in_bulk({row[1] for _, row in concerned})
    authors = dict(Draft.objects.filter(id__in={row[0] for _, row in concerned}).values_list("id", "author_id"))
    told: dict[str, list[notices.NotificationRequest]] = defaultdict(list)
    for event, (draft_id, channel_id, rendered, state, _, reason) in concerned:
        channel = channels[channel_id]
        told[event].append(
            notices.NotificationRequest(
                workspace_id=channel.workspace_id,
                to=(authors.get(draft_id),),
                gather=str(channel_id),
                page=f"/posts/{draft_id}",
                many=f"/?view=list&state={state}",
                details={
                    "post": post_excerpt(rendered),
                    "channel": f"{channel.name} ({registry.get_connector(channel.network).label})",
                    "reason": reason,
                },
            )
        )
    for event, news in told.items():
        notices.notify_all(event, news)


def post_excerpt(rendered: Any) -> str:
    """The beginning of a post in wire form, on one line."""
    parts = rendered.get("parts") if isinstance(rendered, dict) else None
    text = " ".join(str(parts[0].get("text") or "").split()) if parts else ""
    return text if len(text) <= MAX_EXCERPT_LENGTH else text[: MAX_EXCERPT_LENGTH - 1].rstrip() + "…"
