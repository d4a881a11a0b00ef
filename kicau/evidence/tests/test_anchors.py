"""What outsiders say of the log, asked and held against programs that are not ours."""

from __future__ import annotations

import base64
import hashlib
import json
import random

import pytest
from aics_tlog import checkpoint as theirs
from aics_tlog import tree as their_tree
from aics_tlog.cosign import cosignature_vkey
from aics_tlog.note import format_vkey, parse_note, parse_vkey
from asgiref.sync import async_to_sync
from opentimestamps.core.serialize import BytesDeserializationContext
from opentimestamps.core.timestamp import DetachedTimestampFile

from kicau.evidence import anchors, bundle, checkpoints, log, merkle_tree, opentimestamps, verify
from kicau.evidence.tests.outsiders import running
from kicau.evidence.tests.test_evidence import PLACES, TEXTS, data_of, report_of, resealed


@pytest.fixture
def outsiders(tmp_path):
    with running(tmp_path) as here:
        yield here


def test_proofs_agree_with_an_independent_implementation():
    entries = [f"entri {n}".encode() for n in range(130)]
    hashes = [merkle_tree.leaf_hash(e) for e in entries]
    other = their_tree.MerkleTree(entries)

    def root(first: int, last: int) -> bytes:
        return merkle_tree.root_of(hashes[first:last])

    for size in (1, 2, 3, 7, 8, 64, 65, 100, 129, 130):
        assert root(0, size) == other.root(size)
        for index in {0, size // 3, size - 1}:
            path = merkle_tree.inclusion_path(index, 0, size, root)
            assert path == other.inclusion_proof(index, size)
            assert their_tree.verify_inclusion(hashes[index], index, size, path, root(0, size))
        for old in {1, size // 2, size - 1} - {0}:
            proof = merkle_tree.consistency_path(old, 0, size, root)
            assert their_tree.verify_consistency(old, size, root(0, old), root(0, size), proof)
            assert their_tree.verify_consistency(
                old, size, root(0, old), root(0, size), other.consistency_proof(old, size)
            )


def test_outsiders_are_asked_and_others_check_what_they_said(db, monkeypatch, outsiders, tmp_path):
    key = outsiders.witness.public_key().public_bytes_raw()
    monkeypatch.setenv("KICAU_TIMESTAMPS", f"{outsiders.url}/tsa")
    monkeypatch.setenv("KICAU_OPENTIMESTAMPS", f"{outsiders.url}/calendar")
    monkeypatch.setenv(
        "KICAU_WITNESSES", f"{format_vkey(cosignature_vkey('saksi.example', key))} {outsiders.url}/witness"
    )
    whom = anchors.configured_services()
    post = {"id": "p7", "text": TEXTS[7]}
    log.append_entries("post", [("p0", b"lebih dulu"), ("p7", bundle.canonical_post(post))])
    assert anchors.anchor_async(log.current_checkpoint()) == []
    log.append_entries("post", ((str(n), b"lagi") for n in range(300)))
    signed = log.current_checkpoint()
    outsiders.broken = True
    assert len(anchors.anchor_async(signed)) == 3
    assert signed.anchors == []
    outsiders.broken = False
    assert anchors.anchor_async(signed) == []
    assert sorted(a["kind"] for a in signed.anchors) == ["opentimestamps", "rfc3161", "witness"]
    (promise,) = (a for a in signed.anchors if a["kind"] == "opentimestamps")
    assert promise["pending"]
    outsiders.height = 899_123
    assert async_to_sync(anchors.anchor_checkpoint)(signed, whom) == []

    note = theirs.checkpoint_from_note(signed.note)[1]
    assert theirs.verify_checkpoint(note, parse_vkey(checkpoints.verifier_key(*_ours()))).ok
    (seen,) = (a for a in signed.anchors if a["kind"] == "witness")
    both = parse_note(f"{signed.note}— saksi.example {seen['signature']}\n")
    assert theirs.verify_checkpoint(
        both, parse_vkey(checkpoints.verifier_key(*_ours())), [cosignature_vkey("saksi.example", key)], 1
    ).ok

    data, findings = data_of(PLACES[:1])
    report = report_of(data, findings, "This data set contains 1 of the posts, in 1 places.")
    digests = {"a.jsonl": hashlib.sha256(data).hexdigest()}
    made = bundle.make_bundle(
        report,
        [post],
        digests,
        {"p7": log.prove_inclusion(1, signed)},
        signed.note,
        log.signing_key()[1],
        signed.anchors,
    )
    told = "\n".join(verify.verify(made))
    assert "Bitcoin block 899123" in told
    assert "seen at Unix time" in told
    assert "by saksi.example, with the key" in told
    (tmp_path / "bundle.json").write_bytes(made)
    assert verify.main([str(tmp_path / "bundle.json"), "--extract", str(tmp_path / "out")]) == 0
    stamps = {p.suffix: p for p in (tmp_path / "out").iterdir()}
    words = ("ts", "-verify", "-data", "out/checkpoint.txt", "-in", str(stamps[".tsr"]), "-CAfile", "tsa.pem")
    assert b"Verification: OK" in outsiders.openssl(*words).stdout
    proof = DetachedTimestampFile.deserialize(BytesDeserializationContext(stamps[".ots"].read_bytes()))
    assert proof.file_digest == hashlib.sha256(signed.note.encode()).digest()
    assert "899123" in str(list(proof.timestamp.all_attestations()))
    (tmp_path / "out/checkpoint.txt").write_text(signed.note.replace("302", "303"))
    assert outsiders.openssl(*words).returncode != 0
    _changed_anchors_are_refused(made)


def _ours() -> tuple[str, bytes]:
    name, key = log.signing_key()
    return name, checkpoints.public_bytes(key.public_key())


def _changed_anchors_are_refused(made: bytes) -> None:
    """A forger who mends the seal: a stamp of another checkpoint, a witness of another, half a proof."""
    kinds = [a["kind"] for a in json.loads(made)["anchors"]]
    stamp, proof, seen = (kinds.index(k) for k in ("rfc3161", "opentimestamps", "witness"))
    digest = hashlib.sha256(json.loads(made)["log"]["checkpoint"].encode()).digest()

    def of_another(held, at, field):
        raw = base64.b64decode(held["anchors"][at][field]).replace(digest, bytes(32))
        held["anchors"][at][field] = base64.b64encode(raw).decode()

    def halved(held):
        raw = base64.b64decode(held["anchors"][proof]["proof"])
        held["anchors"][proof]["proof"] = base64.b64encode(raw[: len(raw) - 3]).decode()

    changes = {
        "time stamp is of something else": lambda b: of_another(b, stamp, "token"),
        "proof is of something else": lambda b: of_another(b, proof, "proof"),
        "ends before its end|malformed": halved,
        "does not fit the checkpoint": lambda b: b["anchors"][seen].update(by="saksi.lain"),
    }
    for said, change in changes.items():
        with pytest.raises(verify.Refused, match=said):
            verify.verify(resealed(made, change))


def test_proofs_of_nonsense_are_refused():
    digest, dice = hashlib.sha256(b"x").digest(), random.Random(3)
    start = opentimestamps.FILE_MAGIC + bytes([opentimestamps.SHA256]) + digest
    pending = bytes([0]) + opentimestamps.PENDING_TAG + bytes([3, 2]) + b"ab"
    assert [
        one.calendar for one in opentimestamps.attestations(start + b"\xff" + pending + b"\x08" + pending, digest)
    ] == [
        "ab",
        "ab",
    ]
    for _ in range(300):
        with pytest.raises(opentimestamps.InvalidProof):
            list(opentimestamps.attestations(start + dice.randbytes(dice.randint(0, 40)), digest))
    with pytest.raises(opentimestamps.InvalidProof):
        list(opentimestamps.attestations(start + b"\x08" * 3000, digest))
