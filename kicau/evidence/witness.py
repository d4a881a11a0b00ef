"""Being a witness for others' logs: this instance co-signs a checkpoint once it has checked that the log only grew
(https://c2sp.org/tlog-witness, looked up 2026-11-26). Whose logs, the operator says in KICAU_WITNESS_FOR.
"""

from __future__ import annotations

import base64
import binascii

from django.db import transaction

from kicau.base import clock, setting_definitions
from kicau.evidence import checkpoints, log, merkle_tree
from kicau.evidence.models import Witnessed

MOST_STEPS = 63


class NotCosigned(Exception):
    """Mend the request: what is wrong with it, and the protocol's status and body for that."""

    def __init__(self, status: int, why: str, body: str = "") -> None:
        self.status, self.body = status, body or f"{why}\n"
        super().__init__(why)


def cosign(request: str) -> str:
    """The witness's line for a request's checkpoint, which is remembered. Raises NotCosigned."""
    old, proof, note = _read(request)
    checkpoint = _opened(note)
    with transaction.atomic():
        seen, _ = Witnessed.objects.select_for_update().get_or_create(origin=checkpoint.origin)
        if old > checkpoint.size:
            raise NotCosigned(400, "The old size is larger than the new one.")
        if old != seen.size or (old == checkpoint.size and old and bytes(seen.root) != checkpoint.root):
            raise NotCosigned(409, "Another size of this log was seen last.", f"{seen.size}\n")
        before = bytes(seen.root) if old else merkle_tree.root_of([])
        if not merkle_tree.is_consistent(old, before, checkpoint.size, checkpoint.root, proof):
            raise NotCosigned(422, "The log does not begin with what was seen of it before.")
        seen.size, seen.root, seen.note, seen.at = checkpoint.size, checkpoint.root, note, clock.now()
        seen.save()
    name, key = log.signing_key()
    return checkpoints.cosign(note, name, key, int(seen.at.timestamp()))


def _read(request: str) -> tuple[int, list[bytes], str]:
    head, blank, note = request.partition("\n\n")
    first, *lines = head.split("\n")
    size = first.removeprefix("old ")
    try:
        steps = [base64.b64decode(line, validate=True) for line in lines]
    except (binascii.Error, ValueError) as wrong:
        raise NotCosigned(400, "A step of the proof is not base64.") from wrong
    if (
        not blank
        or not first.startswith("old ")
        or not (size.isascii() and size.isdigit())
        or (size != "0" and size[0] == "0")
    ):
        raise NotCosigned(400, "The first line is not an old size.")
    if len(steps) > MOST_STEPS or any(len(step) != 32 for step in steps):
        raise NotCosigned(400, "The proof is none of RFC 6962.")
    return int(size), steps, note


def _opened(note: str) -> checkpoints.Checkpoint:
    try:
        checkpoint = checkpoints.read_checkpoint(checkpoints.split(note)[0])
    except checkpoints.NoteRefused as wrong:
        raise NotCosigned(400, str(wrong)) from wrong
    known = [checkpoints.read_verifier_key(told) for told in setting_definitions.listed("KICAU_WITNESS_FOR")]
    mine = [key for name, key in known if name == checkpoint.origin]
    if not mine:
        raise NotCosigned(404, "This log is not witnessed here.")
    for key in mine:
        try:
            checkpoints.opened(note, checkpoint.origin, key)
            return checkpoint
        except checkpoints.NoteRefused:
            continue
    raise NotCosigned(403, "No key that is known of this log signed the checkpoint.")
