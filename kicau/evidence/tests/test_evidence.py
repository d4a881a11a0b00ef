"""The log and its bundles, held against an independent implementation, and against every kind of tampering."""

from __future__ import annotations

import ast
import base64
import hashlib
import json
import random
import re
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from kicau.evidence import bundle, log, notes, tree, verify
from kicau.evidence.models import Leaf, SignedCheckpoint


def root_by_the_book(entries: list[bytes]) -> bytes:
    """RFC 6962, section 2.1, as it is written there."""
    if not entries:
        return hashlib.sha256(b"").digest()
    if len(entries) == 1:
        return hashlib.sha256(b"\0" + entries[0]).digest()
    k = 1
    while k * 2 < len(entries):
        k *= 2
    return hashlib.sha256(b"\1" + root_by_the_book(entries[:k]) + root_by_the_book(entries[k:])).digest()


def test_trees_of_every_size_prove_what_they_hold_and_nothing_else():
    entries = [f"entri {n}".encode() for n in range(70)]
    hashes = [tree.leaf_hash(e) for e in entries]

    def root(first: int, last: int) -> bytes:
        return tree.root_of(hashes[first:last])

    for size in range(1, 70):
        whole = root(0, size)
        assert whole == root_by_the_book(entries[:size])
        for index in {0, size // 3, size // 2, size - 1}:
            path = tree.inclusion(index, 0, size, root)
            assert tree.includes(whole, size, index, hashes[index], path)
            assert not tree.includes(whole, size, index, hashes[(index + 1) % 70], path)
            assert size == 1 or not tree.includes(whole, size, (index + 1) % size, hashes[index], path)
        for old in {1, size // 2, size - 1} - {0}:
            proof = tree.consistency(old, 0, size, root)
            assert tree.is_consistent(old, root(0, old), size, whole, proof)
            assert old == size or not tree.is_consistent(old, root(0, old), size, root(0, size + 1), proof)


def test_notes_are_signed_and_co_signed():
    key, witness = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
    text = notes.Checkpoint("senja.example/log", 3, b"r" * 32).text()
    note = notes.sign(text, "senja.example/log", key)
    ours = notes.public_bytes(key.public_key())
    assert notes.read_checkpoint(notes.opened(note, "senja.example/log", ours)) == notes.Checkpoint(
        "senja.example/log", 3, b"r" * 32
    )
    seen = note + notes.cosign(note, "saksi.example", witness, 1_764_000_000)
    assert notes.opened(seen, "senja.example/log", ours) == text
    assert notes.witnessed(seen, "saksi.example", notes.public_bytes(witness.public_key())) == 1_764_000_000
    for wrong in (note.replace("3", "4", 1), note.replace("\n\n", "\n"), note[:-2]):
        with pytest.raises(notes.NoteRefused):
            notes.opened(wrong, "senja.example/log", ours)


def test_the_verifiers_own_ed25519_agrees_with_the_library():
    dice = random.Random(4)
    for size in (0, 1, 33, 200):
        key, message = Ed25519PrivateKey.generate(), dice.randbytes(size)
        public, signature = notes.public_bytes(key.public_key()), key.sign(message)
        assert verify.signed_by(public, message, signature)
        assert not verify.signed_by(public, message + b"x", signature)
        at = dice.randrange(64)
        assert not verify.signed_by(public, message, signature[:at] + bytes([signature[at] ^ 1]) + signature[at + 1 :])


@pytest.fixture
def made(db) -> bytes:
    """A bundle of two posts found in a shard, in a log of 600 entries."""
    posts = [
        {"id": f"p{n}", "text": f"Kopi “senja” nomor {n} 🌇 di Braga", "at": "2026-01-02T03:04:05Z"} for n in range(600)
    ]
    log.append("post", ((p["id"], bundle.logged_content(p)) for p in posts[:300]))
    log.append("post", ((p["id"], bundle.logged_content(p)) for p in posts[300:]))
    signed = log.checkpoint()
    found = [posts[7], posts[512]]
    findings = []
    for number, post in enumerate(found):
        raw = f'{{"text": "halo {post["text"]} ya"}}'.encode()
        first = raw.index(b"Kopi")
        findings.append(
            {
                "posts": [post["id"]],
                "kind": "exact",
                "shard": "a.jsonl",
                "first_byte": 1000 * number + first,
                "last_byte": 1000 * number + len(raw) - 5,
                "raw_first_byte": 1000 * number,
                "raw": base64.b64encode(raw).decode(),
                "place": {},
            }
        )
    report = {
        "form": 1,
        "made_at": "2026-11-24T10:00:00+00:00",
        "made_by": "kicau 0",
        "says": "This data set contains 2 of the posts, in 2 places.",
        "findings": findings,
    }
    proofs = {p["id"]: log.prove(Leaf.objects.get(ref=p["id"]).index, signed) for p in found}
    _, key = log.signing_key()
    return bundle.make(report, found, {"a.jsonl": hashlib.sha256(b"data").hexdigest()}, proofs, signed.note, key)


def test_the_verifier_alone_in_a_folder_accepts_a_bundle_and_no_changed_one(made, tmp_path):
    (tmp_path / "verify.py").write_bytes(Path(verify.__file__).read_bytes())
    (tmp_path / "bundle.json").write_bytes(made)

    def run(*more: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-I", "-S", "verify.py", "bundle.json", *more]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)

    told = run()
    assert (told.returncode, told.stdout.splitlines()[-1]) == (0, "VERIFIED.")
    (tmp_path / "data.bin").write_bytes(b"data")
    assert run("--shard", "a.jsonl=data.bin").returncode == 0
    (tmp_path / "data.bin").write_bytes(b"Data")
    assert run("--shard", "a.jsonl=data.bin").returncode == 1
    assert "another key" in run("--key", "00" * 32).stderr
    (tmp_path / "changed.json").write_bytes(made.replace(b"Kopi", b"Kapi", 1))
    told = run("--language", "id")
    assert told.stdout.splitlines()[0] == "Himpunan data ini memuat 2 kiriman, di 2 tempat."
    assert "2 petikan sama seperti saat ditandatangani; 2 kiriman tercatat di log" in told.stdout
    assert told.stdout.splitlines()[-1] == "TERVERIFIKASI."
    refused = [sys.executable, "-I", "-S", "verify.py", "changed.json"]
    spoken = subprocess.run(
        refused, cwd=tmp_path, capture_output=True, text=True, check=False, env={"LANG": "id_ID.UTF-8"}
    )
    assert (spoken.returncode, spoken.stdout) == (1, "")
    assert spoken.stderr == "TIDAK TERVERIFIKASI. Segel berkas bukti tidak cocok: ada isinya yang diubah.\n"
    assert "tidak dapat dibaca" in run("--language", "id", "--shard", "a.jsonl=nowhere.bin").stderr
    assert "Memeriksa sebuah berkas bukti" in run("--language", "id", "another.json").stderr
    dice = random.Random(9)
    for _ in range(1000):
        at = dice.randrange(len(made))
        changed = made[:at] + bytes([made[at] ^ (1 << dice.randrange(8))]) + made[at + 1 :]
        with pytest.raises(verify.Refused):
            verify.verify(changed)


def test_each_sentence_of_the_verifier_is_known_in_both_languages():
    """What is said, by the file's own source: none is missing, left over, or has other places."""
    calls = [
        node for node in ast.walk(ast.parse(Path(verify.__file__).read_text("utf-8"))) if isinstance(node, ast.Call)
    ]
    at = {"Said": 0, "Refused": 0, "unpacked": 1}
    said = {
        node.args[at[node.func.id]].value
        for node in calls
        if isinstance(node.func, ast.Name)
        and node.func.id in at
        and isinstance(node.args[at[node.func.id]], ast.Constant)
    }
    assert said == set(verify.INDONESIAN)
    for english, indonesian in verify.INDONESIAN.items():
        assert sorted(set(re.findall(r"{\w+}", english))) == sorted(set(re.findall(r"{\w+}", indonesian))), english
        assert english != indonesian


def test_a_report_with_words_of_its_own_is_not_put_into_other_words(made):
    """Numbers that do not give the signed sentence do not replace it."""

    def with_other_words(held):
        statement = json.loads(base64.b64decode(held["statement"]["payload"]))
        assert verify._says(statement["predicate"], "id") == "Himpunan data ini memuat 2 kiriman, di 2 tempat."
        statement["predicate"]["says"] = "This data set contains 3 of the posts, in 2 places."
        assert verify._says(statement["predicate"], "id") == "This data set contains 3 of the posts, in 2 places."

    resealed(made, with_other_words)


def resealed(made: bytes, change) -> bytes:
    """What a forger would do who also mends the seal."""
    held = json.loads(made)
    held.pop("seal")
    change(held)
    held["seal"] = hashlib.sha256(verify.canonical(held)).hexdigest()
    return verify.canonical(held) + b"\n"


def test_a_forger_who_mends_the_seal_is_refused(made):
    def of_another_key(held):
        key = Ed25519PrivateKey.generate()
        held["key"] = base64.b64encode(notes.public_bytes(key.public_key())).decode()

    changes = {
        "The posts or passages": lambda b: b["material"]["posts"][0].update(text="lain"),
        "The signature does not fit": of_another_key,
        "not in the log": lambda b: b["log"]["proofs"]["p7"].update(index=8),
        "checkpoint is not signed": lambda b: b["log"].update(checkpoint=b["log"]["checkpoint"].replace("600", "601")),
        "malformed": lambda b: b["log"].pop("proofs"),
        "unknown kind": lambda b: b["anchors"].append({"kind": "oath"}),
    }
    assert verify.verify(resealed(made, lambda b: None))
    for said, change in changes.items():
        with pytest.raises(verify.Refused, match=said):
            verify.verify(resealed(made, change))


def test_the_log_grows_proves_and_forgets(db):
    first = log.append("post", [("a", b"satu"), ("b", b"dua")])
    old = log.checkpoint()
    assert log.checkpoint() == old
    log.append("report", ((str(n), str(n).encode()) for n in range(700)))
    new = log.checkpoint()
    hashes = [bytes(h) for h in Leaf.objects.order_by("index").values_list("hash", flat=True)]
    assert bytes(new.root) == tree.root_of(hashes)
    assert tree.is_consistent(old.size, bytes(old.root), new.size, bytes(new.root), log.prove_growth(old, new))
    proof = log.prove(first[1], new)
    leaf = tree.leaf_hash(log.commitment(proof.salt, b"dua"))
    assert tree.includes(bytes(new.root), new.size, first[1], leaf, proof.path)
    log.forget(first[1])
    with pytest.raises(log.Forgotten):
        log.prove(first[1])
    assert tree.includes(bytes(new.root), new.size, 0, hashes[0], log.prove(0, new).path)
    with pytest.raises(log.NotLogged):
        log.prove(5, SignedCheckpoint.objects.get(size=2))
