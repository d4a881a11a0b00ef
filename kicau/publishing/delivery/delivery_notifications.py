"""What people are told of deliveries that need them: of each by its author, of many at once in one sentence."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from kicau.connector import registry
from kicau.notifications import actions as notices
from kicau.publishing.models import Delivery, DeliveryState, HoldReason

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


def notify_authors(ids: Sequence[UUID]) -> None:
    """Tell the authors of deliveries that stopped, in this order; in the transaction that writes their states."""
    rows = Delivery.objects.select_related("channel", "draft").in_bulk(ids)
    told: dict[str, list[notices.NotificationRequest]] = defaultdict(list)
    for row in (rows[id_] for id_ in ids if id_ in rows):
        told[notification_event(row.state, row.hold)].append(
            notices.NotificationRequest(
                workspace_id=row.workspace_id,
                to=(row.draft.author_id,),
                gather=str(row.channel_id),
                page=f"/posts/{row.draft_id}",
                many=f"/?view=list&state={row.state}",
                details={
                    "post": post_excerpt(row.rendered),
                    "channel": f"{row.channel.name} ({registry.get_connector(row.network).label})",
                    "reason": row.reason,
                },
            )
        )
    told.pop("", None)
    for event, news in told.items():
        notices.notify_all(event, news)


def post_excerpt(rendered: Any) -> str:
    """The beginning of a post in wire form, on one line."""
    parts = rendered.get("parts") if isinstance(rendered, dict) else None
    text = " ".join(str(parts[0].get("text") or "").split()) if parts else ""
    return text if len(text) <= MAX_EXCERPT_LENGTH else text[: MAX_EXCERPT_LENGTH - 1].rstrip() + "…"
