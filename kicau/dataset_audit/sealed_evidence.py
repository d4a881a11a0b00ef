"""An audit as evidence for others: what was found is logged, stamped where the operator allows it, and sealed in one file."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from kicau.evidence import anchors, bundle, log


def build_evidence(
    told: Mapping[str, Any],
    texts: Mapping[str, str],
    workspace_id: UUID,
    name: str,
    paths: Mapping[str, str] | None = None,
) -> tuple[bytes, list[str]]:
    """The bundle's bytes, and a sentence for each outsider who did not stamp the log. The posts that were found are
    logged first, with all that the log held before; then the bundle itself, under `name`. `paths` tells where shards lie that go by other names."""
    named = sorted({post for finding in told["findings"] for post in finding["posts"]})
    posts = [{"id": post, "text": texts[post]} for post in named]
    places = log.append_entries("post", ((p["id"], bundle.canonical_post(p)) for p in posts), workspace_id)
    signed = log.current_checkpoint()
    not_stamped = list(anchors.anchor_async(signed))
    proofs = {post["id"]: log.prove_inclusion(at, signed) for post, at in zip(posts, places, strict=True)}
    _, key = log.signing_key()
    made = bundle.make_bundle(told, posts, _shard_digests(told, paths or {}), proofs, signed.note, key, signed.anchors)
    log.append_entries("report", [(name, made)], workspace_id)
    return made, not_stamped


def _shard_digests(told: Mapping[str, Any], paths: Mapping[str, str]) -> dict[str, str]:
    """SHA-256 of each shard on this machine in which something was found."""
    found = {}
    for shard in sorted({finding["shard"] for finding in told["findings"]}):
        if "://" not in shard:
            with open(paths.get(shard, shard), "rb") as stream:
                found[shard] = hashlib.file_digest(stream, "sha256").hexdigest()
    return found
