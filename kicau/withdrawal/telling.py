"""Who learns of it: other programs by webhooks, in the act's own transaction."""

from __future__ import annotations

from kicau.connector import registry
from kicau.withdrawal.models import Withdrawal
from kicau.workspaces import webhooks


def label(network: str) -> str:
    """The network's name; its slug where it is no longer installed."""
    return registry.get(network).label if network in registry.slugs() else network


def subject(row: Withdrawal) -> str:
    """What is left, in a sentence: the network, or one channel of it."""
    return f"{row.channel.name} on {label(row.network)}" if row.channel else label(row.network)


def tell(row: Withdrawal, event: str, **counts: int) -> None:
    """`event`: the second half of a webhook's "withdrawal.…"; counts go with it."""
    told = {
        "withdrawal": str(row.id), "network": row.network, "channel": str(row.channel_id) if row.channel_id else None, "state": row.state,
        "cause": row.cause, "reason": row.reason, "effective_at": row.effective_at.isoformat(), **counts,
    }  # fmt: skip
    webhooks.emit(f"withdrawal.{event}", [(row.workspace_id, told)])
