"""The log and its bundles, held against an independent implementation, and against every kind of tampering."""

from __future__ import annotations

import ast
import base64
import bz2
import gzip
import hashlib
import json
import lzma
import os
import random
import re
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
import zstandard
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from kicau.evidence import bundle, checkpoints, log, merkle_tree, verify
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
    hashes = [merkle_tree.leaf_hash(e) for e in entries]

    def root(first: int, last: int) -> bytes:
        return merkle_tree.root_of(hashes[first:last])

    for size in range(1, 70):
        whole = root(0, size)
        assert whole == root_by_the_book(entries[:size])
        for index in {0, size // 3, size // 2, size - 1}:
            path = merkle_tree.inclusion_path(index, 0, size, root)
            assert merkle_tree.is_included(whole, size, index, hashes[index], path)
            assert not merkle_tree.is_included(whole, size, index, hashes[(index + 1) % 70], path)
            assert size == 1 or not merkle_tree.is_included(whole, size, (index + 1) % size, hashes[index], path)
        for old in {1, size // 2, size - 1} - {0}:
            proof = merkle_tree.consistency_path(old, 0, size, root)
            assert merkle_tree.is_consistent(old, root(0, old), size, whole, proof)
            assert old == size or not merkle_tree.is_consistent(old, root(0, old), size, root(0, size + 1), proof)


def test_notes_are_signed_and_co_signed():
    key, witness = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
    text = checkpoints.Checkpoint("senja.example/log", 3, b"r" * 32).text()
    note = checkpoints.sign_note(text, "senja.example/log", key)
    ours = checkpoints.public_bytes(key.public_key())
    assert checkpoints.parse_checkpoint(
        checkpoints.verify_note(note, "senja.example/log", ours)
    ) == checkpoints.Checkpoint("senja.example/log", 3, b"r" * 32)
    seen = note + checkpoints.cosignature_line(note, "saksi.example", witness, 1_764_000_000)
    assert checkpoints.verify_note(seen, "senja.example/log", ours) == text
    assert (
        checkpoints.verify_cosignature(seen, "saksi.example", checkpoints.public_bytes(witness.public_key()))
        == 1_764_000_000
    )
    for wrong in (note.replace("3", "4", 1), note.replace("\n\n", "\n"), note[:-2]):
        with pytest.raises(checkpoints.InvalidNote):
            checkpoints.verify_note(wrong, "senja.example/log", ours)


def test_the_verifiers_own_ed25519_agrees_with_the_library():
    dice = random.Random(4)
    for size in (0, 1, 33, 200):
        key, message = Ed25519PrivateKey.generate(), dice.randbytes(size)
        public, signature = checkpoints.public_bytes(key.public_key()), key.sign(message)
        assert verify.signed_by(public, message, signature)
        assert not verify.signed_by(public, message + b"x", signature)
        at = dice.randrange(64)
        assert not verify.signed_by(public, message, signature[:at] + bytes([signature[at] ^ 1]) + signature[at + 1 :])


def b64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def signed_again(made: bytes, change, key: Ed25519PrivateKey | None = None) -> bytes:
    """The bundle that a lying signer would make: changed, then signed with the log's key or another one.
    `change` gets the bundle and its statement."""
    held = json.loads(made)
    statement = json.loads(base64.b64decode(held["statement"]["payload"]))
    change(held, statement)
    key = key or log.signing_key()[1]
    public = checkpoints.public_bytes(key.public_key())
    held["key"] = b64(public) if key != log.signing_key()[1] else held["key"]
    statement["predicate"]["contents_sha256"] = verify.contents_digest(held)
    payload = verify.canonical(statement)
    kind = verify.PAYLOAD.encode()
    signature = key.sign(b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload))
    held["statement"]["payload"] = b64(payload)
    held["statement"]["signatures"][0].update(keyid=hashlib.sha256(public).hexdigest(), sig=b64(signature))
    return verify.canonical(held) + b"\n"


def with_contents(made: bytes, change) -> bytes:
    """The bundle that a forger without the key would make: changed, and written as a bundle is."""
    held = json.loads(made)
    change(held)
    return verify.canonical(held) + b"\n"


def resealed(made: bytes, change) -> bytes:
    """As `signed_again`, for changes of the contents alone."""
    return signed_again(made, lambda held, _: change(held))


TEXTS = {7: "Kopi “senja” nomor 7 🌇 di Braga, sampai jumpa", 512: "Teh tarik nomor 512 hangat di Dago pagi ini ya"}


def data_of(found: list[tuple[str, str, str]]) -> tuple[bytes, list[dict[str, object]]]:
    """A shard that holds texts as (post, text as it is written there, kind), and its findings."""
    data, findings = b"", []
    for post, text, kind in found:
        line = json.dumps({"text": f"halo {text} begitulah"}, ensure_ascii=False).encode() + b"\n"
        first, last = line.index(text.encode()), line.index(text.encode()) + len(text.encode())
        own = verify.words_of(TEXTS[int(post[1:])])
        here = verify.words_of(text)
        findings.append(
            {
                "posts": [post],
                "kind": kind,
                "shard": "a.jsonl",
                "first_byte": len(data) + first,
                "last_byte": len(data) + last,
                "raw_first_byte": len(data),
                "raw": b64(line),
                "place": {},
                "words": verify.in_order(own, here),
                "of_words": len(own),
                "longest_run": len(own) if own == here else 2,
                "bits": 90.5,
            }
        )
        data += line
    return data, findings


def report_of(data: bytes, findings: list[dict[str, object]], said: str) -> dict[str, object]:
    kinds = [str(f["kind"]) for f in findings]
    rate = {"hits": 390, "tries": 400, "share": 0.975, "from": 0.95, "to": 0.99}
    return {
        "form": 1,
        "made_at": "2026-11-24T10:00:00+00:00",
        "made_by": "kicau 0",
        "says": said,
        "posts": {"given": 600, "different": 600, "too_short_to_tell": 3},
        "data": {"shards": [{"name": "a.jsonl", "bytes": len(data), "format": "json", "packing": ""}]},
        "sensitivity": {"0% of words changed": rate},
        "chance": {"measured": True, **rate},
        "kinds": {kind: kinds.count(kind) for kind in kinds},
        "findings": findings,
    }


@pytest.fixture
def shard() -> bytes:
    """The data set's file of `made`."""
    return data_of(PLACES)[0]


PLACES = [
    ("p7", TEXTS[7], "exact"),
    ("p512", "TEH TARIK, nomor 512: hangat di Dago, pagi ini... ya", "normalised"),
    ("p512", "Teh tarik nomor 512 dingin di Dago siang ini ya", "near"),
]


@pytest.fixture
def made(db) -> bytes:
    """A bundle of two posts found in a shard in three places, in a log of 600 entries, co-signed by a witness."""
    posts = [{"id": f"p{n}", "text": TEXTS.get(n, f"Kopi nomor {n}")} for n in range(600)]
    log.append_entries("post", ((p["id"], bundle.canonical_post(p)) for p in posts))
    signed = log.current_checkpoint()
    data, findings = data_of(PLACES)
    report = report_of(data, findings, "This data set contains 2 of the posts, in 3 places.")
    proofs = {p["id"]: log.prove_inclusion(Leaf.objects.get(ref=p["id"]).index, signed) for p in (posts[7], posts[512])}
    digests = {"a.jsonl": hashlib.sha256(data).hexdigest()}
    anchor = witnessed(signed.note, Ed25519PrivateKey.generate())
    return bundle.make_bundle(
        report, [posts[7], posts[512]], digests, proofs, signed.note, log.signing_key()[1], [anchor]
    )


def witnessed(note: str, key: Ed25519PrivateKey, by: str = "saksi.example", at: int = 1_764_000_000) -> dict[str, str]:
    """What a witness says of a checkpoint, as the log keeps it."""
    line = checkpoints.cosignature_line(note, by, key, at).split(" ")[2].strip()
    seen = datetime.fromtimestamp(at, UTC).isoformat()
    return {
        "kind": "witness",
        "by": by,
        "key": b64(checkpoints.public_bytes(key.public_key())),
        "signature": line,
        "at": seen,
    }


def own_key() -> str:
    return hashlib.sha256(checkpoints.public_bytes(log.signing_key()[1].public_key())).hexdigest()


def test_the_verifier_alone_in_a_folder_accepts_a_bundle_and_no_changed_one(made, shard, tmp_path):
    (tmp_path / "verify.py").write_bytes(Path(verify.__file__).read_bytes())
    (tmp_path / "bundle.json").write_bytes(made)

    def run(*more: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-I", "-S", "verify.py", "bundle.json", *more]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)

    said = run()
    assert said.returncode == 0
    assert "VERIFIED" not in said.stdout
    assert said.stdout.splitlines()[-1].startswith("Consistent; signer not checked.")
    assert run("--key", own_key()).stdout.splitlines()[-1] == "VERIFIED."
    empty = run("--key", "")
    assert (empty.returncode, "empty one names nobody" in empty.stderr) == (1, True)
    (tmp_path / "data.bin").write_bytes(shard)
    compared = run("--shard", "a.jsonl=data.bin")
    assert (compared.returncode, "3 passages are there, byte for byte" in compared.stdout) == (0, True)
    (tmp_path / "data.bin").write_bytes(b"X" + shard[1:])
    assert run("--shard", "a.jsonl=data.bin").returncode == 1
    assert "another key" in run("--key", "00" * 32).stderr
    (tmp_path / "changed.json").write_bytes(made.replace(b"Kopi", b"Kapi", 1))
    said = run("--language", "id")
    assert said.stdout.splitlines()[0] == "Himpunan data ini memuat 2 kiriman, di 3 tempat."
    assert "3 petikan sama seperti saat ditandatangani; 2 kiriman tercatat di log" in said.stdout
    assert said.stdout.splitlines()[-1].startswith("Konsisten; penanda tangan tidak diperiksa.")
    refused = [sys.executable, "-I", "-S", "verify.py", "changed.json"]
    spoken = subprocess.run(
        refused, cwd=tmp_path, capture_output=True, text=True, check=False, env={"LANG": "id_ID.UTF-8"}
    )
    assert (spoken.returncode, spoken.stdout) == (1, "")
    assert spoken.stderr.startswith("TIDAK TERVERIFIKASI. Isi berkas bukti bukan yang ditandatangani")
    assert "tidak dapat dibaca" in run("--language", "id", "--shard", "a.jsonl=nowhere.bin").stderr
    assert "Memeriksa sebuah berkas bukti" in run("--language", "id", "another.json").stderr


def test_no_changed_byte_is_accepted(made):
    """All 2,000 with KICAU_VERIFIER_BYTES=2000; by default a sample."""
    dice = random.Random(9)
    for _ in range(int(os.environ.get("KICAU_VERIFIER_BYTES", "250"))):
        at = dice.randrange(len(made))
        changed = made[:at] + bytes([made[at] ^ (1 << dice.randrange(8))]) + made[at + 1 :]
        with pytest.raises(verify.Refused):
            verify.verify(changed)


VERSIONS = [f"3.{minor}" for minor in range(9, 15)]


def interpreters() -> dict[str, str]:
    """Every Python from 3.9 to 3.14 on this machine, by version."""
    found = {"{}.{}".format(*sys.version_info): sys.executable}
    for version in VERSIONS:
        places = [
            shutil.which(f"python{version}") or "",
            *map(str, Path.home().glob(f".pyenv/versions/{version}.*/bin/python3")),
        ]
        for place in places:
            asked = [place, "-I", "-S", "-c", "import sys; print('%d.%d' % sys.version_info[:2])"]
            if place and subprocess.run(asked, capture_output=True, text=True, check=False).stdout.strip() == version:
                found.setdefault(version, place)
    return found


def test_every_python_of_this_machine_accepts_a_true_bundle(made, shard, tmp_path, record_property):
    (tmp_path / "verify.py").write_bytes(Path(verify.__file__).read_bytes())
    (tmp_path / "bundle.json").write_bytes(made)
    (tmp_path / "a.jsonl").write_bytes(shard)
    found = interpreters()
    for version, program in found.items():
        command = [program, "-I", "-S", "verify.py", "bundle.json", "--key", own_key(), "--shard", "a.jsonl=a.jsonl"]
        said = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert (said.returncode, said.stdout.splitlines()[-1:]) == (0, ["VERIFIED."]), (version, said.stderr)
    missing = [version for version in VERSIONS if version not in found]
    record_property("interpreters", ", ".join(found))
    print(f"tried with Python {', '.join(found)}; not on this machine: {', '.join(missing) or 'none'}")


def _predicate(change):
    return lambda held, statement: change(statement["predicate"])


def _finding(number, **values):
    return lambda held, statement: statement["predicate"]["findings"][number].update(values)


def _swapped(name):
    def change(held, statement):
        first, second = statement["predicate"]["findings"][:2]
        first[name], second[name] = second[name], first[name]

    return change


def _passage(number, raw, **values):
    """A passage that the signer invents, with a place that fits its length."""

    def change(held, statement):
        found = statement["predicate"]["findings"][number]
        held["material"]["passages"][number] = b64(raw)
        found.update(first_byte=found["raw_first_byte"], last_byte=found["raw_first_byte"] + len(raw), **values)

    return change


def _moved(number, by):
    def change(held, statement):
        found = statement["predicate"]["findings"][number]
        for name in ("first_byte", "last_byte", "raw_first_byte"):
            found[name] += by

    return change


def _checkpoint(change):
    return lambda held, statement: held["log"].update(checkpoint=change(held["log"]["checkpoint"]))


def _without_findings(held, statement):
    predicate = statement["predicate"]
    predicate.update(
        findings=[], kinds={}, says="None of the posts was found in this data set, at the sensitivity stated below."
    )
    held["material"]["passages"] = []
    statement["subject"] = []


def _twice(held, statement):
    predicate = statement["predicate"]
    predicate["findings"].append(predicate["findings"][0])
    held["material"]["passages"].append(held["material"]["passages"][0])
    predicate["kinds"]["exact"] = 2
    predicate["says"] = "This data set contains 2 of the posts, in 4 places."


#: What a lying signer changes, who holds the key: the bundle and its statement go in.
LIES = {
    "a passage that is nowhere, exact": _passage(0, TEXTS[7].encode()),
    "a passage that is nowhere, normalised": _passage(1, TEXTS[512].upper().encode()),
    "a passage that is nowhere, near": _passage(2, b"Teh tarik nomor 512 basi di Dago petang ini ya"),
    "a place 1 GB beyond the end": _moved(0, 1 << 30),
    "a place one byte on": _moved(0, 1),
    "a place one byte back": _moved(1, -1),
    "a place before the file": _moved(0, -(1 << 30)),
    "the places of two findings swapped": lambda h, s: [_swapped(n)(h, s) for n in ("first_byte", "last_byte", "raw_first_byte")],
    "a shard that is no subject": _finding(0, shard="b.jsonl"),
    "no shard": _finding(0, shard=""),
    "a subject too many": lambda h, s: s["subject"].append({"name": "b.jsonl", "digest": {"sha256": "0" * 64}}),
    "a subject twice": lambda h, s: s["subject"].append(s["subject"][0]),
    "no subject": lambda h, s: s["subject"].clear(),
    "a subject's digest of another file": lambda h, s: s["subject"][0]["digest"].update(sha256="0" * 64),
    "a subject with a digest more": lambda h, s: s["subject"][0]["digest"].update(sha1="0" * 40),
    "a subject that is not hashed": lambda h, s: s["predicate"].update(shards_without_digest=["b.jsonl"]),
    "a post that is not in the bundle": _finding(0, posts=["p9"]),
    "no post": _finding(0, posts=[]),
    "a post more": _finding(0, posts=["p7", "p512"]),
    "posts of two findings swapped": _swapped("posts"),
    "kinds of two findings swapped": _swapped("kind"),
    "near called normalised": lambda h, s: (_finding(2, kind="normalised")(h, s), s["predicate"].update(kinds={"exact": 1, "normalised": 2})),
    "near called exact": lambda h, s: (_finding(2, kind="exact")(h, s), s["predicate"].update(kinds={"exact": 2, "normalised": 1})),
    "near called partial": lambda h, s: (_finding(2, kind="partial")(h, s), s["predicate"].update(kinds={"exact": 1, "normalised": 1, "partial": 1})),
    "normalised called exact": lambda h, s: (_finding(1, kind="exact")(h, s), s["predicate"].update(kinds={"exact": 2, "near": 1})),
    "normalised called near": lambda h, s: (_finding(1, kind="near")(h, s), s["predicate"].update(kinds={"exact": 1, "near": 2})),
    "an unknown kind": lambda h, s: (_finding(0, kind="sure")(h, s), s["predicate"].update(kinds={"sure": 1, "normalised": 1, "near": 1})),
    "more words than agree": _finding(2, words=9),
    "more words than the post has": _finding(2, words=40),
    "another length of the post": _finding(0, of_words=30),
    "a longer run": _finding(2, longest_run=5),
    "no run": _finding(2, longest_run=0),
    "a number that is a truth value": _finding(2, longest_run=True),
    "an end before its beginning": _finding(0, last_byte=0),
    "a finding twice": _twice,
    "a finding less": lambda h, s: s["predicate"]["findings"].pop(),
    "a passage less": lambda h, s: h["material"]["passages"].pop(),
    "a passage more": lambda h, s: h["material"]["passages"].append(b64(b"more")),
    "passages swapped": lambda h, s: h["material"]["passages"].reverse(),
    "no findings but posts": _without_findings,
    "a sentence with other numbers": _predicate(lambda p: p.update(says="This data set contains 3 of the posts, in 3 places.")),
    "a sentence of other words": _predicate(lambda p: p.update(says="This model was trained on these posts.")),
    "kinds that do not add up": _predicate(lambda p: p["kinds"].update(exact=9)),
    "no kinds": _predicate(lambda p: p.pop("kinds")),
    "more different posts than posts": _predicate(lambda p: p["posts"].update(different=601)),
    "fewer posts than were found": _predicate(lambda p: p.update(posts={"given": 1, "different": 1, "too_short_to_tell": 0})),
    "a share that is not of its counts": _predicate(lambda p: p["sensitivity"]["0% of words changed"].update(share=0.99)),
    "more found than planted": _predicate(lambda p: p["sensitivity"]["0% of words changed"].update(hits=401)),
    "less chance than counted": _predicate(lambda p: p["chance"].update(share=0.0001)),
    "an interval beside its share": _predicate(lambda p: p["chance"].update(**{"from": 0.98})),
    "a field more in the report": _predicate(lambda p: p.update(trained=True)),
    "a field more in a finding": _finding(0, sure=True),
    "a field more in the statement": lambda h, s: s.update(note="x"),
    "a field more in the bundle": lambda h, s: h.update(note="x"),
    "an old seal": lambda h, s: h.update(seal="0" * 64),
    "a field more in the log": lambda h, s: h["log"].update(note="x"),
    "a field more in the material": lambda h, s: h["material"].update(note=[]),
    "a field more in a post": lambda h, s: h["material"]["posts"][0].update(author="x"),
    "a field more in a proof": lambda h, s: h["log"]["proofs"]["p7"].update(note="x"),
    "a field more in the signature": lambda h, s: h["statement"]["signatures"][0].update(note="x"),
    "a field more in the envelope": lambda h, s: h["statement"].update(note="x"),
    "a field more of a witness": lambda h, s: h["anchors"][0].update(note="x"),
    "another kind of statement": lambda h, s: s.update(predicateType="https://example.org/oath"),
    "a signature more": lambda h, s: h["statement"]["signatures"].append(dict(h["statement"]["signatures"][0])),
    "one proof less": lambda h, s: h["log"]["proofs"].pop("p7"),
    "no proofs": lambda h, s: h["log"].update(proofs={}),
    "a proof more": lambda h, s: h["log"]["proofs"].update(p8=h["log"]["proofs"]["p7"]),
    "proofs swapped": lambda h, s: h["log"]["proofs"].update(p7=h["log"]["proofs"]["p512"], p512=h["log"]["proofs"]["p7"]),
    "another index": lambda h, s: h["log"]["proofs"]["p7"].update(index=8),
    "another salt": lambda h, s: h["log"]["proofs"]["p7"].update(salt=b64(bytes(32))),
    "a step of a proof less": lambda h, s: h["log"]["proofs"]["p7"]["path"].pop(),
    "a post's text": lambda h, s: h["material"]["posts"][0].update(text="lain"),
    "a post twice": lambda h, s: h["material"]["posts"].append(h["material"]["posts"][0]),
    "a post that was not found": lambda h, s: h["material"]["posts"].append({"id": "p8", "text": "Kopi nomor 8"}),
    "a larger log": _checkpoint(lambda note: note.replace("600", "601")),
    "a line more in the checkpoint": _checkpoint(lambda note: note.replace("\n\n", "\nlebih\n\n")),
    "a line more under the checkpoint": _checkpoint(lambda note: note + "— siapa AAAAAAAA\n"),
    "a checkpoint that nobody signed": _checkpoint(lambda note: note.partition("\n\n")[0] + "\n\n"),
    "another name of the witness": lambda h, s: h["anchors"][0].update(by="saksi.lain"),
    "another day of the witness": lambda h, s: h["anchors"][0].update(at="2020-01-01T00:00:00+00:00"),
    "another key of the witness": lambda h, s: h["anchors"][0].update(key=b64(bytes(32))),
    "a witness without a signature": lambda h, s: h["anchors"][0].update(signature=b64(bytes(76))),
    "an anchor of an unknown kind": lambda h, s: h["anchors"].append({"kind": "oath"}),
}  # fmt: skip


@pytest.mark.parametrize("lie", LIES)
def test_what_a_lying_signer_changes_is_refused(made, shard, tmp_path, lie):
    """With the owner's key and the data set's true file: each lie is refused."""
    (tmp_path / "a.jsonl").write_bytes(shard)
    shards = {"a.jsonl": str(tmp_path / "a.jsonl")}
    assert verify.verify(signed_again(made, lambda held, statement: None), own_key(), shards)
    with pytest.raises(verify.Refused):
        verify.verify(signed_again(made, LIES[lie]), own_key(), shards)


#: What somebody changes who holds no key: the same contents, but not signed again.
FORGERIES = {
    "proofs left out": lambda h: h["log"].update(proofs={}),
    "a foreign field": lambda h: h.update(note="x"),
    "a foreign line under the checkpoint": lambda h: h["log"].update(checkpoint=h["log"]["checkpoint"] + "— x AAAA\n"),
    "witnesses left out": lambda h: h.update(anchors=[]),
    "a witness of 2020 invented": lambda h: h["anchors"].append(
        witnessed(h["log"]["checkpoint"], Ed25519PrivateKey.generate(), "sigsum.org/witness", 1_577_836_800)
    ),
    "a stranger's key": lambda h: h.update(
        key=b64(checkpoints.public_bytes(Ed25519PrivateKey.generate().public_key()))
    ),
    "a post's text": lambda h: h["material"]["posts"][0].update(text="lain"),
    "the form of before": lambda h: h.update(form="kicau-evidence/1"),
}


@pytest.mark.parametrize("forgery", FORGERIES)
def test_what_a_forger_without_the_key_changes_is_refused(made, forgery):
    assert verify.verify(with_contents(made, lambda held: None))
    with pytest.raises(verify.Refused):
        verify.verify(with_contents(made, FORGERIES[forgery]))


def test_a_stranger_who_signs_again_is_named_or_refused(made, tmp_path, capsys):
    stranger = Ed25519PrivateKey.generate()

    def note_too(held, statement):
        text = held["log"]["checkpoint"].rpartition("\n\n")[0] + "\n"
        held["log"]["checkpoint"] = checkpoints.sign_note(text, text.split("\n")[0], stranger)
        held["anchors"] = []

    again = signed_again(made, note_too, stranger)
    with pytest.raises(verify.Refused, match="another key"):
        verify.verify(again, own_key())
    with pytest.raises(verify.Refused, match="empty one"):
        verify.verify(again, "")
    (tmp_path / "b.json").write_bytes(again)
    assert verify.main([str(tmp_path / "b.json")]) == 0
    said = capsys.readouterr().out
    assert "VERIFIED" not in said
    assert "signer not checked" in said


def test_a_witness_counts_by_a_key_that_is_known_or_is_named_as_stated(made):
    key = base64.b64decode(json.loads(made)["anchors"][0]["key"])
    assert any("The bundle itself states this key" in line for line in verify.verify(made))
    known = checkpoints.verifier_key("saksi.example", key, checkpoints.COSIGNATURE_KIND)
    assert any("with the key that you gave" in line for line in verify.verify(made, witnesses=[known]))
    other = checkpoints.public_bytes(Ed25519PrivateKey.generate().public_key())
    for wrong in (("saksi.example", other), ("lain.example", key)):
        with pytest.raises(verify.Refused, match="key that you gave"):
            verify.verify(made, witnesses=[checkpoints.verifier_key(*wrong, checkpoints.COSIGNATURE_KIND)])


def test_the_shell_names_the_signer_the_shard_and_the_witness(made, shard, tmp_path):
    """`kicau verify` hands all of it to the verifier."""
    (tmp_path / "e.json").write_bytes(made)
    (tmp_path / "a.jsonl").write_bytes(shard)
    key = base64.b64decode(json.loads(made)["anchors"][0]["key"])
    witness = checkpoints.verifier_key("saksi.example", key, checkpoints.COSIGNATURE_KIND)
    other = checkpoints.verifier_key(
        "saksi.example",
        checkpoints.public_bytes(Ed25519PrivateKey.generate().public_key()),
        checkpoints.COSIGNATURE_KIND,
    )

    def run(*more: str) -> tuple[int, str]:
        command = [sys.executable, "-m", "kicau.cli", "verify", str(tmp_path / "e.json"), "--language", "en", *more]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        return done.returncode, done.stdout + done.stderr

    code, said = run("--key", own_key(), "--shard", f"a.jsonl={tmp_path / 'a.jsonl'}", "--witness", witness)
    assert (code, "VERIFIED" in said, "with the key that you gave" in said) == (0, True, True), said
    code, said = run()
    assert (code, "VERIFIED" in said, "signer not checked" in said) == (0, False, True), said
    assert run("--key", "")[0] == 1
    assert run("--witness", other)[0] == 1


@pytest.mark.parametrize("packing", ["", "gz", "bz2", "xz"])
def test_passages_of_packed_and_wide_shards_are_compared(made, shard, tmp_path, packing):
    pack = {"": bytes, "gz": gzip.compress, "bz2": bz2.compress, "xz": lzma.compress}[packing]
    for encoding in ("utf-8", "utf-16"):
        packed = pack(shard.decode().encode(encoding))
        (tmp_path / "a").write_bytes(packed)
        shards = {"a.jsonl": str(tmp_path / "a")}

        def packs(held, statement, packed=packed):
            statement["subject"][0]["digest"]["sha256"] = hashlib.sha256(packed).hexdigest()
            statement["predicate"]["data"]["shards"][0]["packing"] = packing

        def lies(held, statement, packs=packs):
            packs(held, statement)
            _moved(1, 3)(held, statement)

        assert verify.verify(signed_again(made, packs), shards=shards) if encoding == "utf-8" else True
        with pytest.raises(verify.Refused, match="at its place"):
            verify.verify(signed_again(made, lies), shards=shards)


@pytest.mark.parametrize(("form", "packing"), [("parquet", ""), ("warc", ""), ("warc", "gz"), ("json", "lzw")])
def test_what_was_not_compared_is_never_called_verified(made, shard, tmp_path, capsys, form, packing):
    """Not with the data at hand, whatever else holds; and a wrong file is refused as ever."""

    def of_form(held, statement):
        statement["predicate"]["data"]["shards"][0].update(format=form, packing=packing)

    (tmp_path / "e.json").write_bytes(signed_again(made, of_form))
    (tmp_path / "a").write_bytes(shard)
    named = [str(tmp_path / "e.json"), "--shard", f"a.jsonl={tmp_path / 'a'}", "--language", "en"]
    assert verify.main([*named, "--key", own_key()]) == 3
    assert capsys.readouterr().out.splitlines()[-1].startswith("VERIFIED EXCEPT 3 passages")
    assert verify.main(named) == 3
    assert capsys.readouterr().out.splitlines()[-1] == "3 passages were NOT compared with their data file."
    (tmp_path / "a").write_bytes(shard + b" ")
    assert verify.main([*named, "--key", own_key()]) == 1


@pytest.mark.parametrize("is_there", [True, False])
def test_zst_is_compared_with_the_package_or_is_named(made, shard, tmp_path, monkeypatch, is_there):
    """With zstandard (or Python 3.14) it is compared in all its frames; without, the verdict says so."""
    packed = zstandard.compress(shard[:100]) + zstandard.compress(shard[100:])
    (tmp_path / "a").write_bytes(packed)
    if not is_there:
        monkeypatch.setitem(sys.modules, "zstandard", None)
        monkeypatch.setitem(sys.modules, "compression", None)

    def packs(held, statement):
        statement["subject"][0]["digest"]["sha256"] = hashlib.sha256(packed).hexdigest()
        statement["predicate"]["data"]["shards"][0]["packing"] = "zst"

    def lies(held, statement):
        packs(held, statement)
        _moved(1, 3)(held, statement)

    codes = []
    for change in (packs, lies):
        (tmp_path / "e.json").write_bytes(signed_again(made, change))
        codes.append(
            verify.main([str(tmp_path / "e.json"), "--shard", f"a.jsonl={tmp_path / 'a'}", "--key", own_key()])
        )
    assert codes == ([0, 1] if is_there else [3, 3])


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


def test_the_log_grows_proves_and_forgets(db):
    first = log.append_entries("post", [("a", b"satu"), ("b", b"dua")])
    old = log.current_checkpoint()
    assert log.current_checkpoint() == old
    log.append_entries("report", ((str(n), str(n).encode()) for n in range(700)))
    new = log.current_checkpoint()
    hashes = [bytes(h) for h in Leaf.objects.order_by("index").values_list("hash", flat=True)]
    assert bytes(new.root) == merkle_tree.root_of(hashes)
    assert merkle_tree.is_consistent(
        old.size, bytes(old.root), new.size, bytes(new.root), log.prove_consistency(old, new)
    )
    proof = log.prove_inclusion(first[1], new)
    leaf = merkle_tree.leaf_hash(log.commitment(proof.salt, b"dua"))
    assert merkle_tree.is_included(bytes(new.root), new.size, first[1], leaf, proof.path)
    log.forget_entry(first[1])
    with pytest.raises(log.EntryForgotten):
        log.prove_inclusion(first[1])
    assert merkle_tree.is_included(bytes(new.root), new.size, 0, hashes[0], log.prove_inclusion(0, new).path)
    with pytest.raises(log.NotLogged):
        log.prove_inclusion(5, SignedCheckpoint.objects.get(size=2))
