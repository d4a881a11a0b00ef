"""Bundles of evidence: an audit's report as a signed in-toto statement, with the passages, the posts, their proofs in the
log and what outsiders said of it; one JSON file that `verify.py` checks without anything of ours.
"""

from __future__ import annotations

import base64
import hashlib
import platform
from collections.abc import Mapping, Sequence
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from kicau.evidence.checkpoints import public_bytes
from kicau.evidence.log import LogProof
from kicau.evidence.verify import FORM, PAYLOAD, PREDICATE, STATEMENT, canonical, contents_digest


def encode_base64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def canonical_post(post: Mapping[str, Any]) -> bytes:
    """What is committed to in the log of a post: its canonical JSON (`id`, `text`, and what else is known of it)."""
    return canonical(dict(post))


def make_bundle(
    report: Mapping[str, Any],
    posts: Sequence[Mapping[str, Any]],
    digests: Mapping[str, str],
    proofs: Mapping[str, LogProof],
    checkpoint: str,
    key: Ed25519PrivateKey,
    anchors: Sequence[Mapping[str, Any]] = (),
) -> bytes:
    """The bundle's bytes. `report` is an audit's (kicau.dataset_audit.report); `posts` those that it found, each with `id` and
    `text`, as they were logged; `digests` the SHA-256 of each shard by name; `proofs` by post, all under `checkpoint`
    (the signed note). The signed statement holds a digest of all the rest, so that only the key's owner can change any of it."""
    findings = [dict(f) for f in report["findings"]]
    material = {"posts": [dict(p) for p in posts], "passages": [f.pop("raw") for f in findings]}
    public = public_bytes(key.public_key())
    made: dict[str, Any] = {
        "form": FORM,
        "key": encode_base64(public),
        "material": material,
        "log": {
            "checkpoint": checkpoint,
            "proofs": {
                post: {"index": p.index, "salt": encode_base64(p.salt), "path": [encode_base64(s) for s in p.path]}
                for post, p in proofs.items()
            },
        },
        "anchors": [dict(a) for a in anchors],
    }
    predicate = {
        **{k: v for k, v in report.items() if k != "findings"},
        "findings": findings,
        "shards_without_digest": sorted({f["shard"] for f in findings} - set(digests)),
        "contents_sha256": contents_digest(made),
        "environment": {
            "python": platform.python_version(),
            "system": platform.system(),
            "machine": platform.machine(),
        },
    }
    subject = [{"name": name, "digest": {"sha256": digest}} for name, digest in sorted(digests.items())]
    payload = canonical({"_type": STATEMENT, "subject": subject, "predicateType": PREDICATE, "predicate": predicate})
    said = b"DSSEv1 %d %b %d %b" % (len(PAYLOAD), PAYLOAD.encode(), len(payload), payload)
    made["statement"] = {
        "payloadType": PAYLOAD,
        "payload": encode_base64(payload),
        "signatures": [{"keyid": hashlib.sha256(public).hexdigest(), "sig": encode_base64(key.sign(said))}],
    }
    return canonical(made) + b"\n"
