"""Writing to the log, signing it, and proving what is in it.

An entry is a commitment: HMAC-SHA256 of the content under a salt of its own. Whoever has content and salt can check it;
without the salt the leaf tells nothing, not even to one who guesses the content.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.db import connection, transaction

from kicau.evidence import checkpoints as evidence_checkpoints
from kicau.evidence import merkle_tree
from kicau.evidence.models import Leaf, Salt, SignedCheckpoint, SigningKey, Tile

LOG_LOCK_ID = 0x6B69_6361_75  # one writer at a time; PostgreSQL's advisory lock


class EntryForgotten(Exception):
    """Do without it: the item was forgotten, and its leaf can be tied to nothing any more."""


class NotLogged(Exception):
    """Log it first: there is no such leaf, or no checkpoint that covers it."""


@dataclass(frozen=True, slots=True)
class LogProof:
    """That a content is in the log: with its salt, the path from its leaf to the checkpoint's root."""

    index: int
    salt: bytes
    path: Sequence[bytes]
    checkpoint: str  # the signed note


def commitment(salt: bytes, content: bytes) -> bytes:
    return hmac.digest(salt, content, hashlib.sha256)


@dataclass(frozen=True, slots=True)
class LogState:
    """What an instance tells of its log: to those who verify, and to those who witness."""

    origin: str
    size: int
    key_sha256: str
    verifier_key: str
    witness_key: str
    checkpoints: Sequence[SignedCheckpoint]  # the newest first


def log_state(most: int = 20) -> LogState:
    """The log as it is now."""
    name, key = signing_key()
    public = evidence_checkpoints.public_bytes(key.public_key())
    last = Leaf.objects.order_by("-index").first()
    return LogState(
        name,
        last.index + 1 if last else 0,
        hashlib.sha256(public).hexdigest(),
        evidence_checkpoints.verifier_key(name, public),
        evidence_checkpoints.verifier_key(name, public, evidence_checkpoints.COSIGNATURE_KIND),
        list(SignedCheckpoint.objects.all()[:most]),
    )


def log_lock() -> None:
    """Only this transaction appends, until it ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOG_LOCK_ID])


def append_entries(kind: str, contents: Iterable[tuple[str, bytes]], workspace_id: UUID | None = None) -> range:
    """Logs each (ref, content); the indexes of their leaves. In the caller's transaction, or one of its own."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOG_LOCK_ID])
        first = Leaf.objects.count() if not (last := Leaf.objects.order_by("-index").first()) else last.index + 1
        leaves, salts = [], []
        for at, (ref, content) in enumerate(contents, first):
            salt = os.urandom(32)
            leaves.append(
                Leaf(
                    index=at,
                    hash=merkle_tree.leaf_hash(commitment(salt, content)),
                    workspace_id=workspace_id,
                    kind=kind,
                    ref=ref,
                )
            )
            salts.append(Salt(leaf_id=at, salt=salt))
        Leaf.objects.bulk_create(leaves, batch_size=5000)
        Salt.objects.bulk_create(salts, batch_size=5000)
        _complete_tiles(first, first + len(leaves))
        return range(first, first + len(leaves))


def _complete_tiles(first: int, end: int) -> None:
    made = []
    for number in range(first // merkle_tree.TILE_SIZE, end // merkle_tree.TILE_SIZE):
        hashes = _leaf_hashes(number * merkle_tree.TILE_SIZE, (number + 1) * merkle_tree.TILE_SIZE)
        made.append(Tile(number=number, root=merkle_tree.root_of(hashes)))
    Tile.objects.bulk_create(made)


def _leaf_hashes(first: int, last: int) -> list[bytes]:
    rows = Leaf.objects.filter(index__gte=first, index__lt=last).order_by("index").values_list("hash", flat=True)
    return [bytes(row) for row in rows]


def forget_entry(index: int) -> None:
    """The leaf stays, and cannot be tied to its content any more. A second time changes nothing."""
    Salt.objects.filter(leaf_id=index).delete()


def forget_entries(kind: str, refs: Collection[str], workspace_id: UUID) -> int:
    """As `forget_entry`, of all of a workspace's entries of these; returns how many."""
    known = list(refs)
    return sum(
        Salt.objects.filter(
            leaf__workspace_id=workspace_id, leaf__kind=kind, leaf__ref__in=known[at : at + 5000]
        ).delete()[0]
        for at in range(0, len(known), 5000)
    )


def signing_key(origin: str = "") -> tuple[str, Ed25519PrivateKey]:
    """The instance's name and key, made at the first call (then with `origin`, else a random name)."""
    with transaction.atomic():
        found = SigningKey.objects.order_by("-id").first()
        if found is None:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOG_LOCK_ID])
            found = SigningKey.objects.order_by("-id").first() or _create_key(origin)
    return found.name, Ed25519PrivateKey.from_private_bytes(base64.b64decode(found.private))


def _create_key(origin: str) -> SigningKey:
    key = Ed25519PrivateKey.generate()
    name = origin or f"kicau-{os.urandom(6).hex()}"
    return SigningKey.objects.create(
        name=name,
        public=evidence_checkpoints.public_bytes(key.public_key()),
        private=base64.b64encode(key.private_bytes_raw()).decode(),
    )


def current_checkpoint() -> SignedCheckpoint:
    """The log as it is now, signed; the last one where nothing was added since."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOG_LOCK_ID])
        last = Leaf.objects.order_by("-index").first()
        size = last.index + 1 if last else 0
        known = SignedCheckpoint.objects.filter(size=size).first()
        if known:
            return known
        root = _RootCache(size).root(0, size)
        name, key = signing_key()
        note = evidence_checkpoints.sign_note(evidence_checkpoints.Checkpoint(name, size, root).text(), name, key)
        return SignedCheckpoint.objects.create(size=size, root=root, note=note)


class _RootCache:
    """Roots of subtrees of the log, by its stored tiles and, at the edges, its leaves."""

    def __init__(self, size: int) -> None:
        self.tiles = {
            number: bytes(root)
            for number, root in Tile.objects.filter(number__lt=size // merkle_tree.TILE_SIZE).values_list(
                "number", "root"
            )
        }
        self.root = lru_cache(maxsize=None)(self._root)

    def _root(self, first: int, last: int) -> bytes:
        frontier: list[tuple[int, bytes]] = []
        at = first
        while at < last:
            if at % merkle_tree.TILE_SIZE == 0 and at + merkle_tree.TILE_SIZE <= last:
                merkle_tree.push_leaf(frontier, self.tiles[at // merkle_tree.TILE_SIZE], merkle_tree.TILE_SIZE)
                at += merkle_tree.TILE_SIZE
            else:
                end = min(last, (at // merkle_tree.TILE_SIZE + 1) * merkle_tree.TILE_SIZE)
                for value in _leaf_hashes(at, end):
                    merkle_tree.push_leaf(frontier, value)
                at = end
        return merkle_tree.frontier_root(frontier)


def prove_inclusion(index: int, signed: SignedCheckpoint | None = None) -> LogProof:
    """The proof of a leaf under a checkpoint (the earliest that covers it). Raises NotLogged, EntryForgotten."""
    under = signed or SignedCheckpoint.objects.filter(size__gt=index).order_by("size", "id").first()
    if under is None or under.size <= index:
        raise NotLogged("No checkpoint covers this leaf yet.")
    salt = Salt.objects.filter(leaf_id=index).first()
    if salt is None:
        raise EntryForgotten(
            "The content of this entry in the evidence log was deleted. Therefore Kicau can no longer prove that the entry is in the log."
        )
    path = merkle_tree.inclusion_path(index, 0, under.size, _RootCache(under.size).root)
    return LogProof(index, bytes(salt.salt), path, under.note)


def prove_consistency(old: SignedCheckpoint, new: SignedCheckpoint) -> list[bytes]:
    """That the newer log begins with the older (RFC 6962's consistency proof)."""
    return consistency_proof(old.size, new.size)


def consistency_proof(old: int, new: int) -> list[bytes]:
    """As `prove_consistency`, between two sizes."""
    return merkle_tree.consistency_path(old, 0, new, _RootCache(new).root) if 0 < old < new else []
