"""What follows from events here: word to people about a network that is left or used again."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

from kicau.events.catalogue import (
    ObjectType,
    WithdrawalAnnounced,
    WithdrawalEffective,
    WithdrawalEvent,
    WithdrawalProposed,
    WithdrawalReinstated,
)
from kicau.events.dispatch import listens, presents
from kicau.notifications import actions as notifications
from kicau.offboarding.announcements import network_message, subject_of, withdrawal_fields
from kicau.offboarding.models import Withdrawal

NOTIFICATION_EVENTS: Mapping[type[WithdrawalEvent], str] = {
    WithdrawalProposed: "network.shut",
    WithdrawalAnnounced: "network.leaving",
    WithdrawalEffective: "network.withdrawn",
    WithdrawalReinstated: "network.reinstated",
}


@presents(ObjectType.WITHDRAWAL)
def present_withdrawals(ids: Collection[UUID]) -> Mapping[UUID, Mapping[str, Any]]:
    return {row.id: withdrawal_fields(row) for row in Withdrawal.objects.filter(id__in=ids)}


@listens(WithdrawalEvent)
def notify_team(events: Sequence[WithdrawalEvent]) -> None:
    rows = Withdrawal.objects.select_related("channel").in_bulk([event.object_id for event in events])
    for event in events:
        if name := NOTIFICATION_EVENTS.get(type(event)):
            row = rows[event.object_id]
            notifications.notify(
                name,
                event.workspace_id,
                gather=f"{row.id}",
                page=f"/offboarding/{row.id}",
                what=subject_of(row),
                when=row.effective_at.isoformat(),
                reason=network_message(row),
                after=getattr(event, "after", 0),
                late=getattr(event, "late", 0),
            )
