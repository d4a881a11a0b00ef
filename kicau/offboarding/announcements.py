"""Who learns of it: people by notices, other programs by webhooks, in the act's own transaction."""

from __future__ import annotations

from datetime import datetime

from kicau.base.sentences import Sentence
from kicau.connector import registry
from kicau.notifications.actions import tell as tell_people
from kicau.offboarding.models import Withdrawal, WithdrawalState
from kicau.workspaces import webhooks


def label(network: str) -> str:
    """The network's name; its slug where it is no longer installed."""
    return registry.get(network).label if network in registry.slugs() else network


def subject(row: Withdrawal) -> str:
    """What is left, in a sentence: the network, or one channel of it."""
    return f"{row.channel.name} on {label(row.network)}" if row.channel else label(row.network)


def reason(network: str, at: datetime | None, is_left: bool) -> Sentence:
    """Why a channel takes nothing, and what now: on the channel itself."""
    if is_left and at:
        return Sentence(
            "{what} was left on {at}. The queue is frozen and kept: give it new targets, or reinstate it.",
            what=label(network),
            at=at,
        )
    return Sentence(
        "{what} seems to have shut its door. The queue is frozen and kept; somebody decides whether it is left.",
        what=label(network),
    )


def frozen_reason(row: Withdrawal) -> Sentence:
    """The same on a delivery."""
    if row.state == WithdrawalState.PROPOSED:
        return Sentence(
            "{what} seems to have shut its door; this post is kept until somebody decides.", what=subject(row)
        )
    return Sentence(
        "{what} was left on {at}; this post is kept, and can go to other channels or wait for a return.",
        what=subject(row),
        at=row.effective_at,
    )


def asked(row: Withdrawal) -> Sentence:
    """What a delivery says whose time has passed."""
    return Sentence(
        "Its time passed while {what} was left. Publish it now, give it another time, or cancel it.", what=subject(row)
    )


def tell(row: Withdrawal, event: str, **counts: int) -> None:
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
    if event in NOTICE:
        tell_people(
            NOTICE[event],
            row.workspace_id,
            gather=f"{row.id}",
            page=f"/withdrawals/{row.id}",
            what=subject(row),
            when=row.effective_at.isoformat(),
            reason=said(row),
            after=counts.get("after", 0),
            late=counts.get("late", 0),
        )


NOTICE = {
    "proposed": "network.shut",
    "announced": "network.leaving",
    "withdrawn": "network.withdrawn",
    "reinstated": "network.reinstated",
}


def said(row: Withdrawal) -> str:
    """Why, in the words of whoever decided, or of the network; may be empty."""
    reason = row.reason or str(row.evidence.get("said", ""))
    return reason if not reason or reason.endswith((".", "!", "?")) else reason + "."
