"""Others' logs ask for a co-signature; an independent implementation makes the logs and reads the answers."""

from __future__ import annotations

import base64

from aics_tlog import checkpoint as theirs
from aics_tlog import tree as their_tree
from aics_tlog.note import parse_note, parse_vkey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from kicau.evidence import checkpoints, log


def test_a_witness_signs_only_what_continues_what_it_saw(client, db, monkeypatch):
    key, stranger = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
    origin = "kopi.example/log"
    monkeypatch.setenv("KICAU_WITNESS_FOR", checkpoints.verifier_key(origin, key.public_key().public_bytes_raw()))
    entries = [f"entri {n}".encode() for n in range(20)]
    other, forked = their_tree.MerkleTree(entries), their_tree.MerkleTree([b"lain", *entries])

    def ask(of, size: int, old: int = 0, proof=None, by=key, name=origin):
        note = theirs.sign_checkpoint(theirs.Checkpoint(name, size, of.root(size)), by, name).serialise()
        steps = (of.consistency_proof(old, size) if old else []) if proof is None else proof
        lines = [f"old {old}\n", *(base64.b64encode(s).decode() + "\n" for s in steps), "\n", note]
        return note, client.post(
            "/witness/add-checkpoint", "".join(lines).encode(), content_type="application/octet-stream"
        )

    note, first = ask(other, 7)
    assert first.status_code == 200
    own = parse_vkey(log.log_state().witness_key)
    known = checkpoints.verifier_key(origin, key.public_key().public_bytes_raw())
    assert theirs.verify_checkpoint(parse_note(note + first.content.decode()), parse_vkey(known), [own], 1).ok
    assert (ask(other, 12)[1].status_code, ask(other, 12)[1].content) == (409, b"7\n")
    assert ask(other, 12, 7)[1].status_code == 200
    for wanted, answer in (
        (422, ask(forked, 15, 12)),
        (409, ask(forked, 12, 12)),
        (403, ask(other, 15, 12, by=stranger)),
        (404, ask(other, 15, 12, name="teh.example/log")),
        (400, ask(other, 7, 12, proof=[])),
    ):
        assert answer[1].status_code == wanted, answer[1].content
    for junk in (b"", b"old 1\n\n", b"old -1\n\nx", b"\xff\xfe", b"old 12\n!!\n\n" + note.encode()):
        assert client.post("/witness/add-checkpoint", junk, content_type="text/plain").status_code == 400
    assert ask(other, 15, 12)[1].status_code == 200
