"""What follows from events here: the attempt log, word to authors, money set aside, links that end with a right."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

from kicau.base.sentences import to_stored_pieces
from kicau.connector import registry
from kicau.events.catalogue import (
    DeliveryEvent,
    DeliveryStopped,
    HardBudgetChanged,
    NetworkUnreachable,
    ObjectType,
    RightsReduced,
)
from kicau.events.dispatch import listens, presents
from kicau.notifications import actions as notifications
from kicau.publishing.approval import review_links
from kicau.publishing.budget import plan_quotas
from kicau.publishing.delivery import delivery_notifications
from kicau.publishing.delivery_fields import present_deliveries
from kicau.publishing.models import Attempt, Outage

presents(ObjectType.DELIVERY)(present_deliveries)


@presents(ObjectType.OUTAGE)
def present_outages(ids: Collection[UUID]) -> Mapping[UUID, Mapping[str, Any]]:
    rows = Outage.objects.filter(id__in=ids).select_related("app")
    return {
        row.id: {"id": str(row.id), "network": row.app.network, "host": row.host, "since": row.began_at} for row in rows
    }


@listens(DeliveryEvent)
def log_attempts(events: Sequence[DeliveryEvent]) -> None:
    Attempt.objects.bulk_create(
        Attempt(
            delivery_id=event.object_id,
            did=event.attempt.did,
            outcome=event.attempt.outcome,
            sentence=event.attempt.sentence,
            detail={"said": to_stored_pieces(event.attempt.sentence)},
        )
        for event in events
        if event.attempt
    )


@listens(DeliveryStopped)
def notify_authors(events: Sequence[DeliveryStopped]) -> None:
    delivery_notifications.notify_authors([event.object_id for event in events])


@listens(NetworkUnreachable)
def notify_publishers(events: Sequence[NetworkUnreachable]) -> None:
    outages = Outage.objects.select_related("app").in_bulk({event.object_id for event in events})
    for event in events:
        outage = outages[event.object_id]
        label = registry.get_connector(outage.app.network).label
        notifications.notify(
            "network.unreachable",
            event.workspace_id,
            gather=f"{outage.app_id} {outage.host}"[:120],
            page="/?view=list&state=publishing",
            network=f"{label} ({outage.host})" if outage.host else label,
        )


@listens(HardBudgetChanged)
def reserve_for_what_is_under_way(events: Sequence[HardBudgetChanged]) -> None:
    for event in events:
        plan_quotas.reserve_in_flight(event.budget)


@listens(RightsReduced)
def revoke_review_links(events: Sequence[RightsReduced]) -> None:
    for event in events:
        review_links.revoke_links_of(event.actor, event.person, event.role)
