"""A delivery as other programs see it: the one form that REST, webhooks and commands share."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Exists, OuterRef, QuerySet

from kicau.base import clock, sentences
from kicau.connector.content import Problem
from kicau.connector.serialization import from_json
from kicau.publishing import transitions
from kicau.publishing.models import Attempt, Delivery, Revision


def with_related(rows: QuerySet[Delivery]) -> QuerySet[Delivery]:
    """`rows` with all that `delivery_fields` reads, in the same query."""
    doubtful = Revision.objects.filter(delivery=OuterRef("id"), state__in=transitions.UNFINISHED_EDIT_STATES)
    related = rows.select_related("channel", "channel__app", "draft", "draft__campaign", "confirmed_by")
    return related.annotate(unfinished_edit=Exists(doubtful))


def present_deliveries(ids: Collection[UUID]) -> Mapping[UUID, Mapping[str, Any]]:
    return {row.id: delivery_fields(row) for row in with_related(Delivery.objects.filter(id__in=ids))}


def delivery_fields(row: Delivery) -> dict[str, Any]:
    parts = row.rendered.get("parts", [])
    channel, draft, person = row.channel, row.draft, row.confirmed_by
    return {
        "id": str(row.id),
        "post": str(row.draft_id),
        "channel": {"id": str(channel.id), "key": channel.key, "network": channel.network, "name": channel.name},
        "text": parts[0].get("text", "") if parts else "",
        "parts": len(parts),
        "state": row.standing.value,
        "hold": row.hold,
        "actions": list(transitions.allowed(row)),
        "reason": localize_sentence(row.reason, row.said, row.timezone),
        "problems": [from_json(Problem, one).fields() for one in row.problems],
        "due_at": row.due_at,
        "timezone": row.timezone,
        "published_at": row.published_at,
        "late_ms": row.late_ms,
        "url": row.url,
        "remote_ids": row.remote_ids,
        "campaign": draft.campaign.name if draft.campaign else "",
        "tags": draft.tags,
        "confirmed_by": {"id": str(person.id), "name": str(person)} if person else None,
        "confirmed_at": row.confirmed_at,
        "created_at": row.created_at,
        "changed_at": row.changed_at,
    }


def attempt_fields(row: Attempt, timezone: str) -> dict[str, Any]:
    """A line of a delivery's attempt log, with times in the zone of the delivery."""
    sentence = localize_sentence(row.sentence, row.detail.get("said", ()), timezone)
    return {"at": row.at, "did": row.did, "outcome": row.outcome, "sentence": sentence}


def localize_sentence(text: str, said: Sequence[Any], timezone: str) -> str:
    """A kept sentence, its times on the clock of the zone in which its delivery was planned."""
    zone = clock.find_zone(timezone)

    def shown(at: datetime) -> str:
        return f"{at.astimezone(zone):%Y-%m-%d %H:%M %Z}"

    return " ".join(sentences.fill_template(*piece, shown) for piece in sentences.read_stored_pieces(text, said))
