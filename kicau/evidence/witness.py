"""Being a witness for others' logs: this instance co-signs a checkpoint once it has checked that the log only grew
(https://c2sp.org/tlog-witness, looked up 2026-11-26). Whose logs, the operator says in KICAU_WITNESS_FOR.
"""

from __future__ import annotations

import base64
import binascii

from django.db import transaction

from kicau.base import clock, setting_definitions
from kicau.evidence import checkpoints, log, merkle_tree
from kicau.evidence.models import WitnessedCheckpoint

MAX_PROOF_STEPS = 63


class CosignRefused(Exception):
    """Mend the request: what is wrong with it, and the protocol's status and body for that."""

    def __init__(self, status: int, why: str, body: str = "") -> None:
        self.status, self.body = status, body or f"{why}\n"
        super().__init__(why)


def cosign_request(request: str) -> str:
    """The witness's line for a request's checkpoint, which is remembered. Raises CosignRefused."""
    old, proof, note = _parse_request(request)
    checkpoint = _verify_known_log(note)
    with transaction.atomic():
        seen, _ = WitnessedCheckpoint.objects.select_for_update().get_or_create(origin=checkpoint.origin)
        if old > checkpoint.size:
            raise CosignRefused(400, "The old size is larger than the new one.")
        if old != seen.size or (old == checkpoint.size and old and bytes(seen.root) != checkpoint.root):
            raise CosignRefused(409, "Another size of this log was seen last.", f"{seen.size}\n")
        before = bytes(seen.root) if old else merkle_tree.root_of([])
        if not merkle_tree.is_consistent(old, before, checkpoint.size, checkpoint.root, proof):
            raise CosignRefused(422, "The log does not begin with what was seen of it before.")
        seen.size, seen.root, seen.note, seen.at = checkpoint.size, checkpoint.root, note, clock.now()
        seen.save()
    name, key = log.signing_key()
    return checkpoints.cosignature_line(note, name, key, int(seen.at.timestamp()))


def _parse_request(request: str) -> tuple[int, list[bytes], str]:
    head, blank, note = request.partition("\n\n")
    first, *lines = head.split("\n")
    size = first.removeprefix("old ")
    try:
        steps = [base64.b64decode(line, validate=True) for line in lines]
    except (binascii.Error, ValueError) as wrong:
        raise CosignRefused(400, "A step of the proof is not base64.") from wrong
    if (
        not blank
        or not first.startswith("old ")
        or not (size.isascii() and size.isdigit())
        or (size != "0" and size[0] == "0")
    ):
        raise CosignRefused(400, "The first line is not an old size.")
    if len(steps) > MAX_PROOF_STEPS or any(len(step) != 32 for step in steps):
        raise CosignRefused(400, "The proof is none of RFC 6962.")
    return int(size), steps, note


def _verify_known_log(note: str) -> checkpoints.Checkpoint:
    try:
        checkpoint = checkpoints.parse_checkpoint(checkpoints.split_note(note)[0])
    except checkpoints.InvalidNote as wrong:
        raise CosignRefused(400, str(wrong)) from wrong
    known = [
        checkpoints.parse_verifier_key(told) for told in setting_definitions.read_list_setting("KICAU_WITNESS_FOR")
    ]
    mine = [key for name, key in known if name == checkpoint.origin]
    if not mine:
        raise CosignRefused(404, "This log is not witnessed here.")
    for key in mine:
        try:
            checkpoints.verify_note(note, checkpoint.origin, key)
            return checkpoint
        except checkpoints.InvalidNote:
            continue
    raise CosignRefused(403, "No key that is known of this log signed the checkpoint.")
