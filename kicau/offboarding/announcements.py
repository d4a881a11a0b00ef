"""Who learns of it: people by notices, other programs by webhooks, in the act's own transaction."""

from __future__ import annotations

from datetime import datetime

from kicau.base.sentences import Sentence
from kicau.connector import registry
from kicau.notifications.actions import notify as tell_people
from kicau.offboarding.models import OffboardingState, Withdrawal
from kicau.workspaces import webhooks


def network_label(network: str) -> str:
    """The network's name; its slug where it is no longer installed."""
    return registry.get_connector(network).label if network in registry.installed_slugs() else network


def subject_of(row: Withdrawal) -> str:
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


def delivery_reason(row: Withdrawal) -> Sentence:
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


def overdue_reason(row: Withdrawal) -> Sentence:
    """What a delivery says whose time has passed."""
    return Sentence(
        "Kicau had stopped publishing to {what} when this post was due. Publish the post now, choose another time, or cancel the post.",
        what=subject_of(row),
    )


def notify(row: Withdrawal, event: str, **counts: int) -> None:
    """`event`: the second half of a webhook's "withdrawal.…"; counts go with it."""
    told = {
        "withdrawal": str(row.id),
        "network": row.network,
        "channel": str(row.channel_id) if row.channel_id else None,
        "state": row.state,
        "cause": row.cause,
        "reason": row.reason,
        "effective_at": row.effective_at.isoformat(),
        **counts,
    }
    webhooks.emit(f"withdrawal.{event}", [(row.workspace_id, told)])
    if event in NOTIFICATION_EVENTS:
        tell_people(
            NOTIFICATION_EVENTS[event],
            row.workspace_id,
            gather=f"{row.id}",
            page=f"/withdrawals/{row.id}",
            what=subject_of(row),
            when=row.effective_at.isoformat(),
            reason=network_message(row),
            after=counts.get("after", 0),
            late=counts.get("late", 0),
        )


NOTIFICATION_EVENTS = {
    "proposed": "network.shut",
    "announced": "network.leaving",
    "withdrawn": "network.withdrawn",
    "reinstated": "network.reinstated",
}


def network_message(row: Withdrawal) -> str:
    """Why, in the words of whoever decided, or of the network; may be empty."""
    reason = row.reason or str(row.evidence.get("said", ""))
    return reason if not reason or reason.endswith((".", "!", "?")) else reason + "."
