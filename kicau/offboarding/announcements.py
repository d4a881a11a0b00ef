"""How leaving a network reads: in sentences, as data for other programs, and as events."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from kicau.base.sentences import Sentence
from kicau.connector import registry
from kicau.events.catalogue import OffboardingEvent
from kicau.events.dispatch import emit
from kicau.offboarding.models import Offboarding, OffboardingState
from kicau.workspaces.actors import Actor


def network_label(network: str) -> str:
    """The network's name; its slug where it is no longer installed."""
    return registry.get_connector(network).label if network in registry.installed_slugs() else network


def subject_of(row: Offboarding) -> str:
    """What is left, in a sentence: the network, or one channel of it."""
    return f"{row.channel.name} on {network_label(row.network)}" if row.channel else network_label(row.network)


def channel_reason(network: str, at: datetime | None, is_left: bool) -> Sentence:
    """Why a channel takes nothing, and what now: on the channel itself."""
    if is_left and at:
        return Sentence(
            "Kicau stopped publishing to {what} on {at}. The posts scheduled there are on hold. Move these posts to other channels, or resume publishing.",
            what=network_label(network),
            at=at,
        )
    return Sentence(
        "Kicau can no longer access {what}. The posts scheduled there are on hold until your team decides whether to stop using {what}.",
        what=network_label(network),
    )


def delivery_reason(row: Offboarding) -> Sentence:
    """The same on a delivery."""
    if row.state == OffboardingState.PROPOSED:
        return Sentence(
            "Kicau can no longer access {what}. This post is on hold until your team decides whether to stop using {what}.",
            what=subject_of(row),
        )
    return Sentence(
        "Kicau stopped publishing to {what} on {at}. This post is on hold. Move this post to other channels, or resume publishing.",
        what=subject_of(row),
        at=row.effective_at,
    )


def overdue_reason(row: Offboarding) -> Sentence:
    """What a delivery says whose time has passed."""
    return Sentence(
        "Kicau had stopped publishing to {what} when this post was due. Publish the post now, choose another time, or cancel the post.",
        what=subject_of(row),
    )


def offboarding_fields(row: Offboarding) -> dict[str, Any]:
    """As other programs see it: the one form that REST and webhooks share."""
    return {
        "id": str(row.id),
        "network": row.network,
        "channel": str(row.channel_id) if row.channel_id else None,
        "state": row.state,
        "cause": row.cause,
        "reason": row.reason,
        "evidence": row.evidence,
        "by_operator": row.by_operator,
        "effective_at": row.effective_at,
        "announced_at": row.announced_at,
        "offboarded_at": row.offboarded_at,
        "ended_at": row.ended_at,
    }


def announce(kind: type[OffboardingEvent], row: Offboarding, actor: Actor | None, **details: Any) -> None:
    """Emit what happened to it; `actor` None: the activity log tells of it as part of something larger."""
    emit(kind(workspace_id=row.workspace_id, object_id=row.id, actor=actor, network=row.network, **details))


def network_message(row: Offboarding) -> str:
    """Why, in the words of whoever decided, or of the network; may be empty."""
    reason = row.reason or str(row.evidence.get("said", ""))
    return reason if not reason or reason.endswith((".", "!", "?")) else reason + "."
