"""A workspace's own entries in the log of evidence, and their proofs. The log itself holds all workspaces' commitments,
which tell nothing; whose entry it is, and its salt, only its own workspace learns.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass

from django.db.models import QuerySet

from kicau.base.errors import Conflict, NotFound, validation_failed
from kicau.evidence import log
from kicau.evidence.models import Leaf, SignedCheckpoint
from kicau.workspaces.actors import Actor, Permission


@dataclass(frozen=True, slots=True)
class EntryWithProof:
    """An entry with its proof."""

    leaf: Leaf
    proof: log.LogProof


def list_entries(actor: Actor, *, kind: str = "", ref: str = "") -> QuerySet[Leaf]:
    """Newest first."""
    actor.require(Permission.READ)
    rows = Leaf.objects.filter(workspace_id=actor.workspace.id).order_by("-index")
    rows = rows.filter(kind=kind) if kind else rows
    return rows.filter(ref=ref) if ref else rows


def prove_entry(actor: Actor, index: int) -> EntryWithProof:
    """That an entry is in the log, under the newest checkpoint. Raises NotFound; Conflict where it was forgotten."""
    leaf = list_entries(actor).filter(index=index).first()
    if leaf is None:
        raise NotFound("entry", index)
    try:
        return EntryWithProof(leaf, log.prove_inclusion(leaf.index, log.current_checkpoint()))
    except log.EntryForgotten as gone:
        raise Conflict(
            "The content of this entry in the evidence log was deleted. Therefore Kicau can no longer prove that the entry is in the log."
        ) from gone


def prove_consistency(actor: Actor, old: int, new: int) -> list[bytes]:
    """That the log of size `new` begins with that of size `old`. Raises ValidationFailed."""
    actor.require(Permission.READ)
    size = current_checkpoint(actor).size
    if not 1 <= old <= new <= size:
        raise validation_failed(
            "new",
            "To compare two states of the evidence log, enter how many entries each has. The older number must be at least 1, and the newer must be between the older number and {size}.",
            size=size,
        )
    return log.consistency_proof(old, new)


def current_checkpoint(actor: Actor) -> SignedCheckpoint:
    """The log as it is now, signed."""
    actor.require(Permission.READ)
    return log.current_checkpoint()


def encode_base64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()
