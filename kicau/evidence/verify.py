"""Checks a bundle of evidence. This one file, and any Python from 3.9 on, is all that it needs.

    python3 verify.py BUNDLE.json [--key HEX] [--shard NAME=PATH ...] [--witness NAME+HASH+KEY ...]
                      [--extract FOLDER] [--language en|id]

It accepts a bundle only if its key signed everything in it, each passage holds its post as the report says, and each post
is in the log. --key names the signer: the SHA-256 of the public key, as its owner publishes it. Without --key the result
is only "consistent; signer not checked". --shard compares each passage with the data set's own file, at its place.
--witness names the key of a witness that you trust. --extract writes the log's checkpoint and the outsiders' stamps as
files, which `openssl ts -verify` and `ots verify` check. Exit status: 0 if all holds, 1 if not, 2 if it could not start,
3 if what was checked holds, but this Python could not compare some passages with their file (Parquet, WARC; .zst before
Python 3.14, unless the package zstandard is installed).
With --language id, or where the system is set to Indonesian, it speaks Indonesian.
"""

from __future__ import annotations

import base64
import binascii
import bz2
import codecs
import gzip
import hashlib
import hmac
import html
import json
import lzma
import os
import re
import sys
import unicodedata
from datetime import datetime, timezone
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    Point = tuple[int, int, int, int]

FORM = "kicau-evidence/2"
PAYLOAD = "application/vnd.in-toto+json"
STATEMENT = "https://in-toto.io/Statement/v1"
PREDICATE = "https://in-toto.io/attestation/test-result/v0.1"

# The fields that a bundle may have, by part; any other is refused. Those in the second list may be absent.
FIELDS = {
    "bundle": (["form", "key", "statement", "material", "log", "anchors"], []),
    "envelope": (["payloadType", "payload", "signatures"], []),
    "signature": (["keyid", "sig"], []),
    "statement": (["_type", "subject", "predicateType", "predicate"], []),
    "subject": (["name", "digest"], []),
    "digest": (["sha256"], []),
    "predicate": (
        ["form", "made_at", "says", "findings", "contents_sha256", "environment", "shards_without_digest"],
        [
            "made_by",
            "posts",
            "data",
            "sensitivity",
            "by_length",
            "chance",
            "kinds",
            "not_listed",
            "canary",
            "taken_back",
        ],
    ),
    "finding": (
        [
            "posts",
            "kind",
            "shard",
            "first_byte",
            "last_byte",
            "place",
            "words",
            "of_words",
            "longest_run",
            "bits",
            "raw_first_byte",
        ],
        [],
    ),
    "canary": (
        ["id", "registered_at", "model", "rank", "of", "p", "tests", "lower_is_likelier", "scores"],
        [],
    ),
    "material": (["posts", "passages"], []),
    "post": (["id", "text"], []),
    "log": (["checkpoint", "proofs"], []),
    "proof": (["index", "salt", "path"], []),
    "rfc3161": (["kind", "by", "at", "token"], []),
    "opentimestamps": (["kind", "by", "at", "proof", "pending"], []),
    "witness": (["kind", "by", "key", "signature", "at"], []),
}


# ── what it says, in both languages ─────────────────────────────────────────────────────────────────────────────────
USAGE_ID = """Memeriksa sebuah berkas bukti. Berkas yang satu ini, dan Python mana pun mulai 3.9, sudah cukup.

    python3 verify.py BERKAS.json [--key HEX] [--shard NAMA=JALUR ...] [--witness NAMA+HASH+KUNCI ...]
                      [--extract FOLDER] [--language en|id]

Berkas diterima hanya jika semua isinya ditandatangani kuncinya, setiap petikan memuat kirimannya seperti kata laporan, dan
setiap kiriman tercatat di log. --key menyebut penanda tangan: SHA-256 dari kunci publik, seperti yang diumumkan
pemiliknya. Tanpa --key hasilnya hanya "konsisten; penanda tangan tidak diperiksa". --shard membandingkan setiap petikan
dengan berkas himpunan datanya sendiri, di tempatnya. --witness menyebut kunci saksi yang Anda percayai. --extract menulis
titik periksa log dan stempel pihak luar sebagai berkas, yang diperiksa oleh `openssl ts -verify` dan `ots verify`.
Status akhir: 0 jika semuanya cocok, 1 jika tidak, 2 jika tidak dapat dimulai, 3 jika yang diperiksa cocok, tetapi Python
ini tidak dapat membandingkan sebagian petikan dengan berkasnya (Parquet, WARC; .zst sebelum Python 3.14, kecuali paket
zstandard terpasang).
"""
INDONESIAN = {
    "VERIFIED.": "TERVERIFIKASI.",
    "VERIFIED EXCEPT {count} passages, which were NOT compared with their data file.": "TERVERIFIKASI KECUALI {count} petikan, yang TIDAK dibandingkan dengan berkas datanya.",
    "{count} passages were NOT compared with their data file.": "{count} petikan TIDAK dibandingkan dengan berkas datanya.",
    "Consistent; signer not checked. Give --key with the SHA-256 of the key that the signer publishes.": "Konsisten; penanda tangan tidak diperiksa. Beri --key dengan SHA-256 dari kunci yang diumumkan penanda tangan.",
    "The key must be 64 hexadecimal digits: the SHA-256 of a public key. An empty one names nobody.": "Kunci harus berupa 64 digit heksadesimal: SHA-256 dari kunci publik. Kunci kosong tidak menunjuk siapa pun.",
    "The witness's key must be NAME+HASH+KEY.": "Kunci saksi harus berbentuk NAMA+HASH+KUNCI.",
    "The {part} has a field that is unknown: {name}.": "Bagian {part} memiliki kolom yang tidak dikenal: {name}.",
    "The {part} lacks a field: {name}.": "Bagian {part} kekurangan kolom: {name}.",
    "The bundle is of an earlier form, whose seal anybody can make again. Ask its owner for a new one.": "Berkas bukti ini berbentuk lama, yang segelnya dapat dibuat ulang siapa pun. Minta yang baru dari pemiliknya.",
    "The bundle's contents are not those that were signed: something in it was changed.": "Isi berkas bukti bukan yang ditandatangani: ada isinya yang diubah.",
    "Finding {number} names a post that is not in the bundle, or none.": "Temuan {number} menyebut kiriman yang tidak ada di berkas bukti, atau tidak menyebut satu pun.",
    "Finding {number} is in a shard that the statement does not name: {name}.": "Temuan {number} ada di berkas data yang tidak disebut pernyataan: {name}.",
    "Finding {number} is there twice.": "Temuan {number} tercantum dua kali.",
    "The numbers of finding {number} do not fit its passage and its post.": "Angka temuan {number} tidak cocok dengan petikan dan kirimannya.",
    "Passage {number} does not hold its post as the report says ({kind}).": "Petikan {number} tidak memuat kirimannya seperti kata laporan ({kind}).",
    "The report's numbers do not add up: {what}.": "Angka-angka laporan tidak cocok satu sama lain: {what}.",
    "The bundle's posts, its findings and its proofs do not name the same posts.": "Kiriman, temuan, dan bukti di berkas bukti tidak menyebut kiriman yang sama.",
    "The log's checkpoint is malformed.": "Susunan titik periksa log salah.",
    "An anchor's time is not the one that its stamp says.": "Waktu sebuah jangkar bukan yang disebut stempelnya.",
    "seen at Unix time {at} by the witness {by}, with the key that you gave": "dilihat pada waktu Unix {at} oleh saksi {by}, dengan kunci yang Anda berikan",
    "The bundle states: seen at Unix time {at} by {by}, with the key {key}. The bundle itself states this key: compare it with the one that the witness publishes.": "Berkas bukti menyatakan: dilihat pada waktu Unix {at} oleh {by}, dengan kunci {key}. Kunci ini dinyatakan berkas bukti sendiri: bandingkan dengan yang diumumkan saksi itu.",
    "The witness {by} has not signed with the key that you gave.": "Saksi {by} tidak menandatangani dengan kunci yang Anda berikan.",
    "Finding {number} is not in {path} at its place: the bytes differ or lie outside the file.": "Temuan {number} tidak ada di {path} pada tempatnya: bitanya berbeda atau di luar berkas.",
    "{name}: the very file that was searched, and {count} passages are there, byte for byte": "{name}: benar berkas yang dicari di dalamnya, dan {count} petikan ada di sana, bita demi bita",
    "{name}: the very file that was searched; its {count} passages were NOT compared, since this Python cannot read {format}": "{name}: benar berkas yang dicari di dalamnya; {count} petikannya TIDAK dibandingkan, karena Python ini tidak dapat membaca {format}",
    "{name} was searched at its address: no hash of it was kept.": "{name} dicari di alamatnya: hash-nya tidak disimpan.",
    "NOT VERIFIED. {why}": "TIDAK TERVERIFIKASI. {why}",
    "{name} cannot be read: {why}.": "{name} tidak dapat dibaca: {why}.",
    "{what} is not base64.": "{what} bukan base64.",
    "{what} is written in another way than it was.": "{what} ditulis dengan cara yang berbeda dari aslinya.",
    "This is not JSON, so not a bundle as it was made.": "Ini bukan JSON, jadi bukan berkas bukti seperti yang dibuat.",
    "This is no bundle of the form {form}.": "Ini bukan berkas bukti berbentuk {form}.",
    "The bundle is not written as it was made: bytes were changed, added or left out.": "Berkas bukti tidak tertulis seperti saat dibuat: ada bita yang diubah, ditambah, atau dihilangkan.",
    "The bundle is malformed: {why}.": "Susunan berkas bukti salah: {why}.",
    "The statement": "Pernyataan",
    "The public key": "Kunci publik",
    "The signature": "Tanda tangan",
    "The checkpoint's signature": "Tanda tangan titik periksa",
    "The log's root": "Akar log",
    "A salt": "Sebuah garam",
    "A step of a proof": "Sebuah langkah bukti",
    "A time stamp": "Sebuah stempel waktu",
    "An OpenTimestamps proof": "Sebuah bukti OpenTimestamps",
    "A stamp": "Sebuah stempel",
    "A witness's key": "Kunci seorang saksi",
    "A cosignature": "Sebuah tanda tangan saksi",
    "Passage {number}": "Petikan {number}",
    "The statement is no DSSE envelope with one signature.": "Pernyataan bukan amplop DSSE dengan satu tanda tangan.",
    "The signature does not fit the statement.": "Tanda tangan tidak cocok dengan pernyataan.",
    "The statement was signed by another key: {key}.": "Pernyataan ditandatangani kunci lain: {key}.",
    "Passage {number} does not hold the bytes that the report names.": "Petikan {number} tidak memuat bita yang disebut laporan.",
    "The log's checkpoint is not signed by the key of the statement.": "Titik periksa log tidak ditandatangani kunci pernyataan.",
    "Post {name} is not in the log as the bundle says.": "Kiriman {name} tidak ada di log seperti kata berkas bukti.",
    "The canary's candidates or its choice are not in the log.": "Kalimat-kalimat kenari atau pilihannya tidak ada di log.",
    "The canary's rank is not what its scores say.": "Peringkat kenari bukan seperti kata skornya.",
    "The canary's rank was counted again: {rank} of {count}, p = {p}, in test {tests} of it.": "Peringkat kenari dihitung ulang: {rank} dari {count}, p = {p}, dalam uji ke-{tests}.",
    "time stamp {number} by {by}: the checkpoint was there {at}; its signature: openssl ts -verify -data checkpoint.txt -in {number}.tsr -CAfile THEIR_CA.pem (after --extract)": "stempel waktu {number} dari {by}: titik periksa sudah ada pada {at}; tanda tangannya: openssl ts -verify -data checkpoint.txt -in {number}.tsr -CAfile CA_MEREKA.pem (setelah --extract)",
    "OpenTimestamps proof {number} by {by}: {ends}; check it with: ots verify -f checkpoint.txt {number}.ots (after --extract)": "bukti OpenTimestamps {number} dari {by}: {ends}; periksa dengan: ots verify -f checkpoint.txt {number}.ots (setelah --extract)",
    "An anchor is of an unknown kind: {kind}.": "Sebuah jangkar jenisnya tidak dikenal: {kind}.",
    "A time stamp is not DER.": "Sebuah stempel waktu bukan DER.",
    "A time stamp ends before its end.": "Sebuah stempel waktu terputus sebelum akhirnya.",
    "A time stamp is of something else than this log's checkpoint.": "Sebuah stempel waktu bukan untuk titik periksa log ini.",
    "An OpenTimestamps proof is of something else than this log's checkpoint.": "Sebuah bukti OpenTimestamps bukan untuk titik periksa log ini.",
    "An OpenTimestamps proof has more after its end.": "Sebuah bukti OpenTimestamps masih berlanjut setelah akhirnya.",
    "An OpenTimestamps proof ends before its end.": "Sebuah bukti OpenTimestamps terputus sebelum akhirnya.",
    "An OpenTimestamps proof has an operation of an unknown kind.": "Sebuah bukti OpenTimestamps memuat operasi yang tidak dikenal.",
    "in Bitcoin block {block}, whose Merkle root must be {root}": "di blok Bitcoin {block}, yang akar Merkle-nya harus {root}",
    "a calendar's promise, not in Bitcoin yet": "janji sebuah kalender, belum di Bitcoin",
    "The cosignature of {by} does not fit the checkpoint.": "Tanda tangan saksi {by} tidak cocok dengan titik periksa.",
    "The statement says nothing of {name}.": "Pernyataan tidak menyebut {name}.",
    "{path} is not the {name} that was searched.": "{path} bukan {name} yang dicari di dalamnya.",
    "Signed by the key {key}, {at}.": "Ditandatangani kunci {key}, {at}.",
    "{passages} passages are as signed; {posts} posts were in the log {log} of {size} entries.": "{passages} petikan sama seperti saat ditandatangani; {posts} kiriman tercatat di log {log} yang berisi {size} entri.",
    "This data set contains {posts} of the posts, in {places} places.": "Himpunan data ini memuat {posts} kiriman, di {places} tempat.",
    "None of the posts was found in this data set, at the sensitivity stated below.": "Tidak ada kiriman yang ditemukan di himpunan data ini, pada kepekaan yang disebut di bawah.",
    "Of {of} candidates registered beforehand, the published one ranks {rank} in the scores given for {model}. A model that never saw it ranks it so or better with a chance of {chance}.": "Dari {of} kalimat yang didaftarkan sebelumnya, yang diterbitkan menempati peringkat {rank} menurut skor yang diberikan untuk {model}; model yang tidak pernah melihatnya memberi peringkat itu atau yang lebih baik dengan peluang {chance}.",
    "This is test {tests} of this canary: with {tests} tests one of them falls so with a chance of up to {chance}.": "Ini uji ke-{tests} untuk kenari ini: dari {tests} uji, salah satunya jatuh demikian dengan peluang sampai {chance}.",
    "It says nothing of any other text.": "Ini tidak mengatakan apa pun tentang teks lain.",
}


class Said:
    """A sentence in English with {named} places, which can be told in Indonesian, too."""

    def __init__(self, message: str, **params: object) -> None:
        self.message, self.params = message, params

    def told(self, language: str = "en") -> str:
        indonesian = language == "id"
        form = INDONESIAN[self.message] if indonesian else self.message
        return form.format(**{name: _word(value, language) for name, value in self.params.items()})


def _word(value: object, language: str) -> str:
    """Numbers as the language groups them; a list with commas between."""
    if isinstance(value, Said):
        return value.told(language)
    if isinstance(value, list):
        return ", ".join(_word(one, language) for one in value)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return str(value)
    written = f"{value:,}" if isinstance(value, int) else format(Decimal(f"{value:.2g}"), "f")
    return written.translate({44: ".", 46: ","}) if language == "id" else written


class Refused(Exception):
    """The bundle does not hold, and why."""

    def __init__(self, message: str, **params: object) -> None:
        self.said = Said(message, **params)
        super().__init__(self.said.told())

    def told(self, language: str) -> str:
        return self.said.told(language)


# ── Ed25519 (RFC 8032, section 5.1), verification only ──────────────────────────────────────────────────────────────
P = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
ROOT = pow(2, (P - 1) // 4, P)


def _recover_x(y: int, sign: int) -> int | None:
    if y >= P:
        return None
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * ROOT % P
    if (x * x - square) % P or (x == 0 and sign):
        return None
    return P - x if x & 1 != sign else x


def _point(raw: bytes) -> Point | None:
    number = int.from_bytes(raw, "little")
    y = number & ((1 << 255) - 1)
    x = _recover_x(y, number >> 255)
    return None if x is None else (x, y, 1, x * y % P)


def _add(a: Point, b: Point) -> Point:
    """Extended coordinates, section 5.1.4."""
    one = (a[1] - a[0]) * (b[1] - b[0]) % P
    two = (a[1] + a[0]) * (b[1] + b[0]) % P
    three = 2 * a[3] * b[3] * D % P
    four = 2 * a[2] * b[2] % P
    e, f, g, h = two - one, four - three, four + three, two + one
    return e * f % P, g * h % P, f * g % P, e * h % P


def _times(factor: int, point: Point) -> Point:
    made = (0, 1, 1, 0)
    while factor:
        if factor & 1:
            made = _add(made, point)
        point = _add(point, point)
        factor >>= 1
    return made


_Y = 4 * pow(5, P - 2, P) % P
_X = _recover_x(_Y, 0) or 0
BASE = (_X, _Y, 1, _X * _Y % P)


def signed_by(key: bytes, message: bytes, signature: bytes) -> bool:
    """Whether the 64 bytes are a signature of the message under the 32 bytes of the public key."""
    if len(key) != 32 or len(signature) != 64:
        return False
    a, r, s = _point(key), _point(signature[:32]), int.from_bytes(signature[32:], "little")
    if a is None or r is None or s >= ORDER:
        return False
    h = int.from_bytes(hashlib.sha512(signature[:32] + key + message).digest(), "little") % ORDER
    left, right = _times(s, BASE), _add(r, _times(h, a))
    return (left[0] * right[2] - right[0] * left[2]) % P == 0 and (left[1] * right[2] - right[1] * left[2]) % P == 0


# ── the bundle ──────────────────────────────────────────────────────────────────────────────────────────────────────
def canonical(value: object) -> bytes:
    """The one way in which a bundle may be written: sorted names, no spaces, ASCII."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode("ascii")


def unpacked(text: object, what: str, number: int = 0) -> bytes:
    try:
        raw = base64.b64decode(str(text), validate=True)
    except (binascii.Error, ValueError):
        raise Refused("{what} is not base64.", what=Said(what, number=str(number))) from None
    if base64.b64encode(raw).decode() != text:
        raise Refused("{what} is written in another way than it was.", what=Said(what, number=str(number)))
    return raw


def fields(value: object, part: str) -> dict:  # type: ignore[type-arg]
    """The value, if it is an object with exactly the fields of its part."""
    if not isinstance(value, dict):
        raise TypeError(part)
    needed, optional = FIELDS[part]
    for name in value:
        if name not in needed and name not in optional:
            raise Refused("The {part} has a field that is unknown: {name}.", part=part, name=name)
    for name in needed:
        if name not in value:
            raise Refused("The {part} lacks a field: {name}.", part=part, name=name)
    return value


def _no_constant(name: str) -> float:
    raise ValueError(name)


def read(data: bytes) -> dict:  # type: ignore[type-arg]
    try:
        bundle = json.loads(data, parse_constant=_no_constant)
    except ValueError:
        raise Refused("This is not JSON, so not a bundle as it was made.") from None
    if isinstance(bundle, dict) and bundle.get("form") == "kicau-evidence/1":
        raise Refused(
            "The bundle is of an earlier form, whose seal anybody can make again. Ask its owner for a new one."
        )
    if not isinstance(bundle, dict) or bundle.get("form") != FORM:
        raise Refused("This is no bundle of the form {form}.", form=FORM)
    if canonical(bundle) + b"\n" != data:
        raise Refused("The bundle is not written as it was made: bytes were changed, added or left out.")
    return fields(bundle, "bundle")


def contents_digest(bundle: dict) -> str:  # type: ignore[type-arg]
    """SHA-256 of everything in the bundle beside the statement, which signs it."""
    return hashlib.sha256(canonical({k: v for k, v in bundle.items() if k != "statement"})).hexdigest()


def statement_of(bundle: dict, wanted: str | None) -> tuple:  # type: ignore[type-arg]
    """The signed statement, and the SHA-256 of the key that signed it."""
    envelope = fields(bundle["statement"], "envelope")
    if envelope["payloadType"] != PAYLOAD or len(envelope["signatures"]) != 1:
        raise Refused("The statement is no DSSE envelope with one signature.")
    payload, signature = unpacked(envelope["payload"], "The statement"), fields(envelope["signatures"][0], "signature")
    key = unpacked(bundle["key"], "The public key")
    fingerprint = hashlib.sha256(key).hexdigest()
    said = b"DSSEv1 %d %b %d %b" % (len(PAYLOAD), PAYLOAD.encode(), len(payload), payload)
    if signature["keyid"] != fingerprint or not signed_by(key, said, unpacked(signature["sig"], "The signature")):
        raise Refused("The signature does not fit the statement.")
    if wanted is not None and wanted.lower() != fingerprint:
        raise Refused("The statement was signed by another key: {key}.", key=fingerprint)
    statement = fields(json.loads(payload, parse_constant=_no_constant), "statement")
    if (
        canonical(statement) != payload
        or statement["_type"] != STATEMENT
        or statement["predicateType"] != PREDICATE
        or fields(statement["predicate"], "predicate")["contents_sha256"] != contents_digest(bundle)
    ):
        raise Refused("The bundle's contents are not those that were signed: something in it was changed.")
    return statement, fingerprint


def check_findings(statement: dict, material: dict) -> None:  # type: ignore[type-arg]
    """Each finding names posts of the bundle and a shard of the statement, and its passage holds these posts."""
    predicate = statement["predicate"]
    fields(material, "material")
    texts = {fields(post, "post")["id"]: str(post["text"]) for post in material["posts"]}
    named = [fields(one, "subject")["name"] for one in statement["subject"]]
    for one in statement["subject"]:
        if not re.fullmatch("[0-9a-f]{64}", fields(one["digest"], "digest")["sha256"]):
            raise ValueError(one["name"])
    shards = [*named, *predicate["shards_without_digest"]]
    formats = {shard["name"]: shard["format"] for shard in predicate.get("data", {}).get("shards", [])}
    seen = set()
    for number, found in enumerate(predicate["findings"]):
        fields(found, "finding")
        if not found["posts"] or any(post not in texts for post in found["posts"]):
            raise Refused("Finding {number} names a post that is not in the bundle, or none.", number=str(number))
        if found["shard"] not in shards or found["shard"] not in formats:
            raise Refused(
                "Finding {number} is in a shard that the statement does not name: {name}.",
                number=str(number),
                name=found["shard"],
            )
        at = canonical([found[name] for name in ("shard", "posts", "first_byte", "last_byte", "place")])
        if at in seen:
            raise Refused("Finding {number} is there twice.", number=str(number))
        seen.add(at)
        raw = unpacked(material["passages"][number], "Passage {number}", number)
        check_passage(
            number,
            found,
            raw,
            [texts[post] for post in found["posts"]],
            formats[found["shard"]],
            predicate.get("taken_back", 0) > 0,
        )
    used = {post for found in predicate["findings"] for post in found["posts"]}
    if (
        len(set(shards)) != len(shards)
        or set(shards) != {found["shard"] for found in predicate["findings"]}
        or len(material["passages"]) != len(predicate["findings"])
    ):
        raise Refused("The report's numbers do not add up: {what}.", what="shards, passages")
    if len(texts) != len(material["posts"]) or ("canary" not in predicate and set(texts) != used):
        raise Refused("The bundle's posts, its findings and its proofs do not name the same posts.")
    _check_sums(predicate, len(used))


def check_passage(  # type: ignore[no-untyped-def]
    number: int,
    found: dict,  # type: ignore[type-arg]
    raw: bytes,
    texts: list,  # type: ignore[type-arg]
    form: str,
    is_blanked: bool,
):
    """One passage: it holds the bytes that the report names, and in them the post's words, as many as it says.
    `is_blanked`: a withdrawn post between its phrases may have become spaces, so that its words alone are left."""
    first, last, begin = found["first_byte"], found["last_byte"], found["raw_first_byte"]
    words, of, run, kind = found["words"], found["of_words"], found["longest_run"], found["kind"]
    if any(isinstance(n, bool) or not isinstance(n, int) for n in (first, last, begin, words, of, run)):
        raise TypeError("not a whole number")
    if not 0 <= begin <= first < last <= begin + len(raw):
        raise Refused("Passage {number} does not hold the bytes that the report names.", number=str(number))
    here = words_of(decoded(raw[first - begin : last - begin]), form)
    posts = [words_of(text) for text in texts]
    if any(post != posts[0] or len(post) != of for post in posts) or not 1 <= run <= words <= of:
        raise Refused("The numbers of finding {number} do not fit its passage and its post.", number=str(number))
    post = posts[0]
    whole = words == of == run and here == post
    differs = here != post or (is_blanked and run < of)
    fits = {
        "exact": whole and any(_holds(raw, text) for text in texts),
        "normalised": whole,
        "near": differs and 2 * words >= of and words >= 3,
        "partial": differs and not (2 * words >= of and words >= 3),
    }
    if not fits.get(kind):
        raise Refused(
            "Passage {number} does not hold its post as the report says ({kind}).", number=str(number), kind=kind
        )
    rows = {tuple(post[at : at + run]) for at in range(of - run + 1)}
    if in_order(post, here) < words or not any(tuple(here[at : at + run]) in rows for at in range(len(here) - run + 1)):
        raise Refused("The numbers of finding {number} do not fit its passage and its post.", number=str(number))


def _check_sums(predicate: dict, posts: int) -> None:  # type: ignore[type-arg]
    """Numbers that are told twice are the same, and shares are those of their counts."""
    kinds: dict = {}  # type: ignore[type-arg]
    for found in predicate["findings"]:
        kinds[found["kind"]] = kinds.get(found["kind"], 0) + 1
    if "canary" not in predicate and predicate.get("kinds") != kinds:
        raise Refused("The report's numbers do not add up: {what}.", what="kinds")
    given = predicate.get("posts")
    if given is not None and not (
        0 <= given["too_short_to_tell"] <= given["different"] <= given["given"] and posts <= given["given"]
    ):
        raise Refused("The report's numbers do not add up: {what}.", what="posts")
    rates = [*predicate.get("sensitivity", {}).values()]
    rates += [one for by in predicate.get("by_length", {}).values() for one in by.values()]
    rates += [predicate["chance"]] if predicate.get("chance", {}).get("measured") else []
    for rate in rates:
        share = rate["hits"] / rate["tries"] if rate["tries"] else 0.0
        if not (0 <= rate["hits"] <= rate["tries"] and round(share, 4) == rate["share"]):
            raise Refused("The report's numbers do not add up: {what}.", what="hits")
        if not rate["from"] <= rate["share"] <= rate["to"]:
            raise Refused("The report's numbers do not add up: {what}.", what="intervals")


def _holds(raw: bytes, text: str) -> bool:
    """Letter by letter but for white space, in whatever way the data set writes its letters."""
    said = raw.decode("utf-8", "replace")
    plain = " ".join(text.split())
    pair = r'\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\u[0-9a-fA-F]{4}|\\["\\/bfnrt]'
    ways = [said, re.sub(pair, lambda m: json.loads(f'"{m.group()}"'), said)]
    ways.append(html.unescape(re.sub(r"<[^<>]{0,2000}>", " ", said)))
    return any(plain in " ".join(way.split()) for way in ways)


def in_order(post: list, here: list) -> int:  # type: ignore[type-arg]
    """How many of the post's words are here in their order: the longest common subsequence, by bits of one number."""
    full = (1 << len(post)) - 1
    places: dict = {}  # type: ignore[type-arg]
    for at, word in enumerate(post):
        places[word] = places.get(word, 0) | 1 << at
    left = full
    for word in here:
        common = left & places.get(word, 0)
        left = ((left + common) | (left - common)) & full
    return len(post) - bin(left).count("1")


# ── words, as the search compares them (kicau/dataset_audit/matching/tokenizer.py and letters.py) ────────────────────────────────────────
SEPARATOR, IGNORED, LETTER, SINGLE, CLUSTER = range(5)
CLUSTERED = ((0x0E00, 0x0EFF), (0x1000, 0x109F), (0x1780, 0x17FF))  # Thai and Lao, Burmese, Khmer
LEADING = frozenset("\u0e40\u0e41\u0e42\u0e43\u0e44\u0ec0\u0ec1\u0ec2\u0ec3\u0ec4\u1039\u17d2")
FOLLOWING = frozenset("\u0e30\u0e32\u0e33\u0e45\u0eb0\u0eb2\u0eb3")
UNSPACED = ((0x3040, 0x30FF), (0x31F0, 0x31FF), (0x3400, 0x9FFF), (0xF900, 0xFAFF))
APOSTROPHES, STROKES = frozenset("'\u2019\u02bc\u00ad"), frozenset("\u0640\u0e4d\u0ecd")
ALIKE = str.maketrans("\u0131\u0111\u0142\u00f8\u0167\u0127\u06a9\u06cc\u0649", "idloth\u0643\u064a\u064a")
ESCAPE = re.compile(r"\\u(?:[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|[0-9a-fA-F]{4})")
ENTITY = re.compile(
    r"&(?:amp;)*(?:#(?P<decimal>[0-9]{1,7});|#[xX](?P<hex>[0-9a-fA-F]{1,6});|(?P<name>[A-Za-z][A-Za-z0-9]{1,7});)"
)
ACCENT = re.compile("([A-Za-z])(?:acute|grave|circ|uml|tilde|cedil|ring|caron|slash|strok)")
TAG = re.compile(r"<[/!A-Za-z][^<>]{0,1998}>")


def _spelled(char: str) -> bool:
    category = unicodedata.category(char)
    return category[0] in "LN" or category == "Mc"


@lru_cache(maxsize=1 << 17)
def meaning(char: str) -> tuple:  # type: ignore[type-arg]
    """What a character is to the comparison, its folded letters, and whether it joins the cluster before or leads."""
    category, point = unicodedata.category(char), ord(char)
    if point >= 0x20000:
        return (SINGLE, char, False, False) if point <= 0x323AF else (SEPARATOR, "", False, False)
    if char in STROKES:
        return IGNORED, "", False, False
    if 0xAC00 <= point <= 0xD7A3:
        return LETTER, unicodedata.normalize("NFD", char), False, False
    if any(low <= point <= high for low, high in CLUSTERED):
        if category[0] not in "LMN":
            return SEPARATOR, "", False, False
        folded = unicodedata.normalize("NFKD", char)[-1]
        if category == "Nd":
            folded = str(unicodedata.digit(char))
        joins = category[0] in "MN" or char in FOLLOWING or "VOWEL SIGN" in unicodedata.name(char, "")
        return CLUSTER, folded, joins, char in LEADING
    if category in ("Mn", "Me", "Cf") or char in APOSTROPHES:
        return IGNORED, "", False, False
    if category == "Cs":
        return SEPARATOR, "", False, False
    letters = [
        c
        for part in unicodedata.normalize("NFKD", char).casefold().translate(ALIKE)
        for c in unicodedata.normalize("NFKD", part)
        if _spelled(c)
    ]
    if not letters or not (_spelled(char) or (category == "So" and letters[0].isalnum() and len(letters) == 1)):
        return SEPARATOR, "", False, False
    if len(letters) == 2 and all(c < "\x80" and c.isalpha() for c in letters):
        return LETTER, "".join(letters), False, False
    alone = any(low <= ord(letters[0]) <= high for low, high in UNSPACED)
    return SINGLE if alone else LETTER, letters[0], False, False


def _latin(wrong: UnicodeError) -> tuple:  # type: ignore[type-arg]
    """Bytes that are no UTF-8 as Latin-1 has them, where they are letters there."""
    if not isinstance(wrong, UnicodeDecodeError):
        raise wrong
    byte = wrong.object[wrong.start]
    return chr(byte) if byte >= 0xC0 else " ", wrong.start + 1


codecs.register_error("kicau-latin", _latin)


def decoded(raw: bytes) -> str:
    return raw.decode("utf-8", "kicau-latin")


def _sign(text: str, at: int, form: str) -> tuple:  # type: ignore[type-arg]
    """The meaning of what begins at a place, with the number of characters that write it."""
    char = text[at]
    if char == "\\" and form == "json":
        escape = ESCAPE.match(text, at)
        if escape is None:
            return (*meaning(" "), 2)
        units = [int(unit, 16) for unit in escape.group()[2:].split("\\u")]
        if units == [0x26]:
            entity = ENTITY.match("&" + text[at + 6 : at + 40])
            return (*_named(entity), entity.end() + 5) if entity else (*meaning(" "), 6)
        point = units[0] if len(units) == 1 else 0x10000 + ((units[0] - 0xD800) << 10) + units[1] - 0xDC00
        return (*meaning(chr(point)), len(escape.group()))
    if char == "&":
        entity = ENTITY.match(text, at)
        return (*_named(entity), len(entity.group())) if entity else (*meaning(" "), 1)
    return (*meaning(char), 1)


def _named(entity: re.Match[str]) -> tuple:  # type: ignore[type-arg]
    """What an entity of HTML means."""
    name = entity.group("name")
    if name is None:
        point = int(entity.group("decimal") or entity.group("hex"), 10 if entity.group("decimal") else 16)
        return meaning("\u2019" if point == 146 else chr(point) if point < 0x110000 else " ")
    if name in ("apos", "rsquo", "shy"):
        return meaning("'")
    accent = ACCENT.fullmatch(name)
    if accent:
        return meaning(accent.group(1))
    return meaning("\u00df" if name == "szlig" else " ")


def words_of(text: str, form: str = "text") -> list:  # type: ignore[type-arg]
    """The words of a text, folded. Addresses, handles and (in HTML) tags are none."""
    found: list = []  # type: ignore[type-arg]
    word, at, size = "", 0, len(text)
    begun = False
    while at < size:
        char = text[at]
        kind, letters, _, leads, length = _sign(text, at, form)
        if kind == LETTER:
            word, begun, at = word + letters, True, at + length
            continue
        if kind == IGNORED:
            at += length
            continue
        if begun:
            if char == ":" and word in ("http", "https"):
                word, begun = "", False
                while at < size and not (char <= " " or char in "\"'<>"):
                    if char == "\\" and text[at + 1 : at + 2] not in ("/", ""):
                        break
                    at += 2 if char == "\\" else 1
                    char = text[at] if at < size else " "
                continue
            found.append(word)
            word, begun = "", False
        if kind == SINGLE:
            found.append(letters)
        elif kind == CLUSTER:
            cluster, at = letters, at + length
            while at < size:
                kind, letters, joins, more, length = _sign(text, at, form)
                if kind == IGNORED:
                    at += length
                    continue
                if kind != CLUSTER or not (leads or joins):
                    break
                cluster, leads, at = cluster + letters, more, at + length
            found.append(cluster)
            continue
        elif char == "@":
            at += 1
            while at < size and (text[at] == "_" or (text[at] < "\x80" and text[at].isalnum())):
                at += 1
            continue
        elif char == "<" and form in ("html", "warc"):
            tag = TAG.match(text, at)
            at = tag.end() if tag else at + 1
            continue
        at += length
    if begun:
        found.append(word)
    return found


def check_log(bundle: dict, material: dict) -> dict:  # type: ignore[type-arg]
    """Each post is in the log whose checkpoint is in the bundle. Gives the checkpoint."""
    log = fields(bundle["log"], "log")
    text, _, lines = log["checkpoint"].rpartition("\n\n")
    text += "\n"
    if text.count("\n") != 3 or lines.count("\n") != 1 or not lines.endswith("\n") or not text.split("\n")[1].isdigit():
        raise Refused("The log's checkpoint is malformed.")
    key, name = unpacked(bundle["key"], "The public key"), text.split("\n")[0]
    mark = hashlib.sha256(name.encode() + b"\n\x01" + key).digest()[:4]
    for line in lines.splitlines():
        _, signer, value = line.split(" ", 2)
        raw = unpacked(value, "The checkpoint's signature")
        if signer == name and raw[:4] == mark and signed_by(key, text.encode(), raw[4:]):
            break
    else:
        raise Refused("The log's checkpoint is not signed by the key of the statement.")
    size, root = int(text.split("\n")[1]), unpacked(text.split("\n")[2], "The log's root")
    posts = {post["id"]: post for post in material["posts"]}
    if set(posts) != set(log["proofs"]):
        raise Refused("The bundle's posts, its findings and its proofs do not name the same posts.")
    for name, proof in log["proofs"].items():
        fields(proof, "proof")
        content = canonical(posts[name])
        sealed = hmac.new(unpacked(proof["salt"], "A salt"), content, hashlib.sha256).digest()
        leaf = hashlib.sha256(b"\x00" + sealed).digest()
        path = [unpacked(step, "A step of a proof") for step in proof["path"]]
        if not _includes(root, size, proof["index"], leaf, path):
            raise Refused("Post {name} is not in the log as the bundle says.", name=name)
    return {"origin": text.split("\n")[0], "size": size, "posts": len(log["proofs"])}


def _includes(root: bytes, size: int, index: int, leaf: bytes, path: list) -> bool:  # type: ignore[type-arg]
    """RFC 9162, section 2.1.3.2."""
    if not 0 <= index < size:
        return False
    at, last, value = index, size - 1, leaf
    for step in path:
        if last == 0:
            return False
        if at & 1 or at == last:
            value = hashlib.sha256(b"\x01" + step + value).digest()
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            value = hashlib.sha256(b"\x01" + value + step).digest()
        at, last = at >> 1, last >> 1
    return last == 0 and value == root


def check_canary(predicate: dict, material: dict, log: dict) -> list:  # type: ignore[type-arg]
    """Counts a canary's rank again: candidates and choice are in the log, and the scores say what the report says."""
    canary = predicate.get("canary")
    if canary is None:
        return []
    texts = {post["id"]: post["text"] for post in material["posts"]}
    names = [f"{canary['id']}:{part}" for part in ("candidates", "published")]
    fields(canary, "canary")
    if set(names) != set(log["proofs"]):
        raise Refused("The canary's candidates or its choice are not in the log.")
    candidates, scores = json.loads(texts[names[0]]), canary["scores"]
    mine = scores[candidates.index(texts[names[1]])]
    rank = sum((s <= mine) if canary["lower_is_likelier"] else (s >= mine) for s in scores)
    count = len(set(candidates))
    if not count == len(scores) == canary["of"] or rank != canary["rank"] or canary["p"] != rank / count:
        raise Refused("The canary's rank is not what its scores say.")
    return [
        Said(
            "The canary's rank was counted again: {rank} of {count}, p = {p}, in test {tests} of it.",
            rank=rank,
            count=count,
            p=rank / count,
            tests=canary["tests"],
        )
    ]


def check_anchors(bundle: dict, witnesses: dict) -> list:  # type: ignore[type-arg]
    """What outsiders said of the checkpoint: each is of this very checkpoint. Whether a time-stamper or Bitcoin said it,
    `openssl ts` and `ots` know, which have their certificates and block headers."""
    told = []
    digest = hashlib.sha256(bundle["log"]["checkpoint"].encode()).digest()
    for number, anchor in enumerate(bundle["anchors"], 1):
        if anchor["kind"] in ("rfc3161", "opentimestamps", "witness"):
            fields(anchor, anchor["kind"])
        if anchor["kind"] == "rfc3161":
            at = stamped(unpacked(anchor["token"], "A time stamp"), digest)
            if anchor["at"][:19].replace("T", " ") != at[:19]:
                raise Refused("An anchor's time is not the one that its stamp says.")
            told.append(
                Said(
                    "time stamp {number} by {by}: the checkpoint was there {at}; its signature: openssl ts -verify -data checkpoint.txt -in {number}.tsr -CAfile THEIR_CA.pem (after --extract)",
                    number=str(number),
                    by=anchor["by"],
                    at=at,
                )
            )
        elif anchor["kind"] == "opentimestamps":
            ends = promised(unpacked(anchor["proof"], "An OpenTimestamps proof"), digest)
            if anchor["pending"] is any("block" in end.params for end in ends):
                raise Refused("An anchor's time is not the one that its stamp says.")
            told.append(
                Said(
                    "OpenTimestamps proof {number} by {by}: {ends}; check it with: ots verify -f checkpoint.txt {number}.ots (after --extract)",
                    number=str(number),
                    by=anchor["by"],
                    ends=ends,
                )
            )
        elif anchor["kind"] == "witness":
            seen = _witnessed(bundle["log"]["checkpoint"], anchor)
            if datetime.fromtimestamp(seen, timezone.utc).isoformat() != anchor["at"]:  # noqa: UP017 (Python 3.9 has no UTC)
                raise Refused("An anchor's time is not the one that its stamp says.")
            told.append(_seen(anchor, seen, witnesses))
        else:
            raise Refused("An anchor is of an unknown kind: {kind}.", kind=anchor["kind"])
    for name in witnesses:
        if name not in [anchor["by"] for anchor in bundle["anchors"] if anchor["kind"] == "witness"]:
            raise Refused("The witness {by} has not signed with the key that you gave.", by=name)
    return told


def _seen(anchor: dict, at: int, witnesses: dict) -> Said:  # type: ignore[type-arg]
    """What a cosignature says, and whether its key is known or only stated in the bundle."""
    key, by = unpacked(anchor["key"], "A witness's key"), anchor["by"]
    if by not in witnesses:
        return Said(
            "The bundle states: seen at Unix time {at} by {by}, with the key {key}. The bundle itself states this key: compare it with the one that the witness publishes.",
            at=str(at),
            by=by,
            key=key.hex(),
        )
    if witnesses[by] != key:
        raise Refused("The witness {by} has not signed with the key that you gave.", by=by)
    return Said("seen at Unix time {at} by the witness {by}, with the key that you gave", at=str(at), by=by)


def witness_key(text: str) -> tuple:  # type: ignore[type-arg]
    """Name and key of a witness, as c2sp.org/signed-note writes them. Raises Refused."""
    name, _, rest = text.partition("+")
    mark, _, value = rest.partition("+")
    try:
        raw = base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        raw = b""
    if not name or len(raw) != 33 or hashlib.sha256(name.encode() + b"\n" + raw[:1] + raw[1:]).hexdigest()[:8] != mark:
        raise Refused("The witness's key must be NAME+HASH+KEY.")
    return name, raw[1:]


def _der(raw: bytes, at: int) -> tuple:  # type: ignore[type-arg]
    """One value of ASN.1's DER: its tag, its first byte and the one after its last."""
    tag, size, begin = raw[at], raw[at + 1], at + 2
    if size & 0x80:
        count = size & 0x7F
        if not 1 <= count <= 4:
            raise Refused("A time stamp is not DER.")
        size, begin = int.from_bytes(raw[begin : begin + count], "big"), begin + count
    if begin + size > len(raw):
        raise Refused("A time stamp ends before its end.")
    return tag, begin, begin + size


def _parts(raw: bytes, first: int, last: int) -> list:  # type: ignore[type-arg]
    found = []
    while first < last:
        found.append(_der(raw, first))
        first = found[-1][2]
    return found


def stamped(raw: bytes, digest: bytes) -> str:
    """When an RFC 3161 response says that this SHA-256 was there. Raises Refused where it is of another."""
    response = _parts(raw, *_der(raw, 0)[1:])
    _, signed = _parts(raw, *response[1][1:])
    data = _parts(raw, *_der(raw, signed[1])[1:])
    content_kind, content = _parts(raw, *data[2][1:])
    first = _der(raw, content[1])[1]
    info = _parts(raw, *_der(raw, first)[1:])
    algorithm, imprint = _parts(raw, *info[2][1:])
    sha256 = raw[algorithm[1] : algorithm[2]].startswith(bytes.fromhex("0609608648016503040201"))
    wanted = bytes.fromhex("2a864886f70d0109100104")  # id-ct-TSTInfo
    if raw[content_kind[1] : content_kind[2]] != wanted or not sha256 or raw[imprint[1] : imprint[2]] != digest:
        raise Refused("A time stamp is of something else than this log's checkpoint.")
    at = raw[info[4][1] : info[4][2]].decode("ascii")
    return f"{at[:4]}-{at[4:6]}-{at[6:8]} {at[8:10]}:{at[10:12]}:{at[12:14]} UTC"


def promised(proof: bytes, digest: bytes) -> list:  # type: ignore[type-arg]
    """What an OpenTimestamps proof of this SHA-256 ends in. Raises Refused where it is of another."""
    magic = b"\x00OpenTimestamps\x00\x00Proof\x00\xbf\x89\xe2\xe8\x84\xe8\x92\x94\x01\x08"
    if not proof.startswith(magic + digest):
        raise Refused("An OpenTimestamps proof is of something else than this log's checkpoint.")
    found: list = []  # type: ignore[type-arg]
    if _ots(proof, len(magic) + 32, digest, found) != len(proof):
        raise Refused("An OpenTimestamps proof has more after its end.")
    return found


def _number(raw: bytes, at: int) -> tuple:  # type: ignore[type-arg]
    value = shift = 0
    while raw[at] & 0x80:
        value, shift, at = value | (raw[at] & 0x7F) << shift, shift + 7, at + 1
    return value | raw[at] << shift, at + 1


def _ots(raw: bytes, at: int, message: bytes, found: list) -> int:  # type: ignore[type-arg]
    """One node of the tree of operations; gives the place after it."""
    while raw[at] == 0xFF:
        at = _ots_branch(raw, at + 1, message, found)
    return _ots_branch(raw, at, message, found)


def _ots_branch(raw: bytes, at: int, message: bytes, found: list) -> int:  # type: ignore[type-arg]
    tag = raw[at]
    if tag == 0x00:
        kind = raw[at + 1 : at + 9]
        size, at = _number(raw, at + 9)
        if at + size > len(raw):
            raise Refused("An OpenTimestamps proof ends before its end.")
        if kind == bytes.fromhex("0588960d73d71901"):
            found.append(
                Said(
                    "in Bitcoin block {block}, whose Merkle root must be {root}",
                    block=str(_number(raw, at)[0]),
                    root=message[::-1].hex(),
                )
            )
        elif kind == bytes.fromhex("83dfe30d2ef90c8e"):
            found.append(Said("a calendar's promise, not in Bitcoin yet"))
        return int(at + size)
    if tag in (0xF0, 0xF1):
        size, at = _number(raw, at + 1)
        more = raw[at : at + size]
        return _ots(raw, at + size, message + more if tag == 0xF0 else more + message, found)
    ways = {0x08: "sha256", 0x02: "sha1", 0x03: "ripemd160"}
    if tag not in ways:
        raise Refused("An OpenTimestamps proof has an operation of an unknown kind.")
    return _ots(raw, at + 1, hashlib.new(ways[tag], message).digest(), found)


def extract(bundle: dict, folder: str) -> None:  # type: ignore[type-arg]
    """Writes the checkpoint and its stamps for the programs that check those."""
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, "checkpoint.txt"), "wb") as stream:
        stream.write(bundle["log"]["checkpoint"].encode())
    for number, anchor in enumerate(bundle["anchors"], 1):
        field, ending = {"rfc3161": ("token", "tsr"), "opentimestamps": ("proof", "ots")}.get(anchor["kind"], ("", ""))
        if field:
            with open(os.path.join(folder, f"{number}.{ending}"), "wb") as stream:
                stream.write(unpacked(anchor[field], "A stamp"))


def _witnessed(note: str, anchor: dict) -> int:  # type: ignore[type-arg]
    """When a cosignature says that it was made, in seconds since 1970 (https://c2sp.org/tlog-cosignature)."""
    key, raw = unpacked(anchor["key"], "A witness's key"), unpacked(anchor["signature"], "A cosignature")
    text = note.rpartition("\n\n")[0] + "\n"
    at = int.from_bytes(raw[4:12], "big")
    mark = hashlib.sha256(anchor["by"].encode() + b"\n\x04" + key).digest()[:4]
    if raw[:4] != mark or not signed_by(key, f"cosignature/v1\ntime {at}\n{text}".encode(), raw[12:]):
        raise Refused("The cosignature of {by} does not fit the checkpoint.", by=anchor["by"])
    return at


def check_shards(statement: dict, bundle: dict, shards: dict) -> tuple:  # type: ignore[type-arg]
    """Compares the data set's own files with what was signed: their hashes, and each passage's bytes at its place.
    Gives lines, and how many passages of these files could not be compared."""
    uncompared = 0
    said = [
        Said("{name} was searched at its address: no hash of it was kept.", name=name)
        for name in statement["predicate"]["shards_without_digest"]
    ]
    wanted = {subject["name"]: subject["digest"]["sha256"] for subject in statement["subject"]}
    about = {shard["name"]: shard for shard in statement["predicate"].get("data", {}).get("shards", [])}
    for name, path in shards.items():
        if name not in wanted:
            raise Refused("The statement says nothing of {name}.", name=name)
        digest = hashlib.sha256()
        with open(path, "rb") as stream:
            for block in iter(lambda: stream.read(1 << 20), b""):
                digest.update(block)
        if digest.hexdigest() != wanted[name]:
            raise Refused("{path} is not the {name} that was searched.", path=path, name=name)
        if opener(about[name]) is None:
            uncompared += sum(found["shard"] == name for found in statement["predicate"]["findings"])
        said.append(_compared(statement["predicate"], bundle["material"]["passages"], about[name], path))
    return said, uncompared


def _compared(predicate: dict, passages: list, shard: dict, path: str) -> Said:  # type: ignore[type-arg]
    """Every passage of a shard with the bytes at its place, in one pass."""
    found = [(at, f) for at, f in enumerate(predicate["findings"]) if f["shard"] == shard["name"]]
    read_by = opener(shard)
    if read_by is None:
        return Said(
            "{name}: the very file that was searched; its {count} passages were NOT compared, since this Python cannot read {format}",
            name=shard["name"],
            count=len(found),
            format=f"{shard['format']} {shard['packing']}".strip(),
        )
    raws = {at: base64.b64decode(passages[at]) for at, _ in found}
    found.sort(key=lambda one: one[1]["raw_first_byte"] + len(raws[one[0]]))
    longest = max([len(raw) for raw in raws.values()], default=0)
    window, base, left = b"", 0, 0
    try:
        with read_by(path) as stream:
            for block in unpacked_blocks(stream):
                kept = window[max(0, len(window) - longest) :]
                base += len(window) - len(kept)
                window = kept + block
                while left < len(found):
                    number, finding = found[left]
                    begin, raw = finding["raw_first_byte"], raws[number]
                    if begin + len(raw) > base + len(window):
                        break
                    there = window[begin - base : begin - base + len(raw)]
                    if not _same(there, raw, predicate.get("taken_back", 0) > 0):
                        break
                    left += 1
                else:
                    break
    except (EOFError, ValueError, lzma.LZMAError, OSError):
        pass  # what was unpacked before a fault is compared; what lies behind it is not in the file
    if left < len(found):
        raise Refused(
            "Finding {number} is not in {path} at its place: the bytes differ or lie outside the file.",
            number=str(found[left][0]),
            path=path,
        )
    return Said(
        "{name}: the very file that was searched, and {count} passages are there, byte for byte",
        name=shard["name"],
        count=len(found),
    )


def _same(there: bytes, raw: bytes, is_blanked: bool) -> bool:
    """Byte for byte. A withdrawn post around a copy, or between its phrases, may have been replaced by spaces."""
    if there == raw or not is_blanked or len(there) != len(raw):
        return there == raw
    return all(a == b or b == 0x20 for a, b in zip(there, raw))  # noqa: B905 (since Python 3.10)


def opener(shard: dict):  # type: ignore[no-untyped-def,type-arg]
    """What opens a shard of this form and packing; None where the standard library has no reader."""
    if shard["format"] not in ("json", "text", "html"):
        return None
    if shard["packing"] == "zst":
        try:
            from compression import zstd  # type: ignore[import-not-found,unused-ignore]  # since Python 3.14
        except ImportError:
            return _zstandard()
        return zstd.open
    return {"": lambda path: open(path, "rb"), "gz": gzip.open, "bz2": bz2.open, "xz": lzma.open}.get(shard["packing"])


def _zstandard() -> Any:
    """What opens .zst files where the package zstandard is installed; else None."""
    try:
        import zstandard
    except ImportError:
        return None
    unpacker = zstandard.ZstdDecompressor(max_window_size=1 << 31)
    return lambda path: unpacker.stream_reader(open(path, "rb"), read_across_frames=True, closefd=True)


def unpacked_blocks(stream: Any) -> Any:
    """The bytes of a stream in blocks; UTF-16 and UTF-32 as UTF-8, as the search reads them."""
    data = stream.read(1 << 20)
    encoding = _wide(data)
    decoder = codecs.getincrementaldecoder(encoding)("replace") if encoding else None
    while data:
        yield decoder.decode(data).encode("utf-8", "replace") if decoder else data
        data = stream.read(1 << 20)


def _wide(data: bytes) -> str:
    """The encoding of two or four bytes a character that a text begins in, marked or not; else nothing."""
    if data[:4] in (b"\xff\xfe\0\0", b"\0\0\xfe\xff"):
        return "utf-32"
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return "utf-16"
    begin = data[:4096]
    first, second = (begin[at::2].count(0) / max(1, len(begin) // 2) for at in (0, 1))
    if max(first, second) < 0.4 or min(first, second) > 0.1:
        return ""
    return "utf-16-le" if second > first else "utf-16-be"


def _says(predicate: dict, language: str) -> str:  # type: ignore[type-arg]
    """The report's own sentence. It was signed in English; in Indonesian it is told from the numbers that were signed
    beside it. Refused where these do not give the English one letter by letter."""
    posts = {post for found in predicate["findings"] for post in found["posts"]}
    parts = [Said("None of the posts was found in this data set, at the sensitivity stated below.")]
    if posts:
        parts = [
            Said(
                "This data set contains {posts} of the posts, in {places} places.",
                posts=len(posts),
                places=len(predicate["findings"]),
            )
        ]
    canary = predicate.get("canary")
    if canary is not None:
        of, p, tests = canary["of"], canary["p"], canary["tests"]
        parts = [
            Said(
                "Of {of} candidates registered beforehand, the published one ranks {rank} in the scores given for {model}. A model that never saw it ranks it so or better with a chance of {chance}.",
                of=of,
                rank=canary["rank"],
                model=canary["model"],
                chance=float(p),
            )
        ]
        if tests > 1:
            parts.append(
                Said(
                    "This is test {tests} of this canary: with {tests} tests one of them falls so with a chance of up to {chance}.",
                    tests=tests,
                    chance=min(1.0, tests * p),
                )
            )
        parts.append(Said("It says nothing of any other text."))
    told = {code: " ".join(part.told(code) for part in parts) for code in ("en", language)}
    if told["en"] != predicate["says"]:
        raise Refused("The report's numbers do not add up: {what}.", what=predicate["says"])
    return told[language]


def verify(  # type: ignore[no-untyped-def]
    data: bytes,
    key: str | None = None,
    shards: dict | None = None,  # type: ignore[type-arg]
    language: str = "en",
    witnesses=(),
) -> list:  # type: ignore[type-arg]
    """Lines that say what holds, in the language (en or id). Without a key, nobody checked whose signature it is.
    Raises Refused."""
    return list(checked(data, key, shards, language, witnesses)[0])


def checked(  # type: ignore[no-untyped-def]
    data: bytes,
    key: str | None = None,
    shards: dict | None = None,  # type: ignore[type-arg]
    language: str = "en",
    witnesses=(),
) -> tuple:  # type: ignore[type-arg]
    """As `verify`, and how many passages of the given shards could not be compared."""
    if key is not None and not re.fullmatch("[0-9a-fA-F]{64}", key):
        raise Refused("The key must be 64 hexadecimal digits: the SHA-256 of a public key. An empty one names nobody.")
    try:
        bundle = read(data)
        statement, fingerprint = statement_of(bundle, key)
        predicate = statement["predicate"]
        check_findings(statement, bundle["material"])
        log = check_log(bundle, bundle["material"])
        anchors = check_canary(predicate, bundle["material"], bundle["log"])
        anchors += check_anchors(bundle, dict(witness_key(one) for one in witnesses))
        files, uncompared = check_shards(statement, bundle, shards or {})
        said = [
            Said("Signed by the key {key}, {at}.", key=fingerprint, at=predicate["made_at"]),
            Said(
                "{passages} passages are as signed; {posts} posts were in the log {log} of {size} entries.",
                passages=len(predicate["findings"]),
                posts=log["posts"],
                log=log["origin"],
                size=log["size"],
            ),
            *anchors,
            *files,
        ]
        return [_says(predicate, language), *(line.told(language) for line in said)], uncompared
    except (KeyError, TypeError, ValueError, AttributeError, IndexError, RecursionError) as wrong:
        raise Refused("The bundle is malformed: {why}.", why=repr(wrong)) from None


def spoken() -> str:
    """The language that the system is set to, of the two."""
    names = (os.environ.get(name, "") for name in ("LC_ALL", "LC_MESSAGES", "LANG"))
    name = next((name for name in names if name), "").lower()
    return "id" if name == "id" or name.startswith(("id_", "id.", "indonesian")) else "en"


def main(arguments: list) -> int:  # type: ignore[type-arg]
    names, key, shards, folder, language = [], None, {}, "", spoken()
    witnesses = []
    rest = list(arguments)
    while rest:
        word = rest.pop(0)
        if word == "--key" and rest:
            key = rest.pop(0)
        elif word == "--shard" and rest:
            name, _, path = rest.pop(0).partition("=")
            shards[name] = path
        elif word == "--witness" and rest:
            witnesses.append(rest.pop(0))
        elif word == "--extract" and rest:
            folder = rest.pop(0)
        elif word == "--language" and rest:
            language = rest.pop(0)
        else:
            names.append(word)
    if len(names) != 1 or names[0].startswith("-") or language not in ("en", "id"):
        print(USAGE_ID if language == "id" else __doc__, file=sys.stderr)
        return 2
    try:
        with open(names[0], "rb") as stream:
            data = stream.read()
        lines, uncompared = checked(data, key, shards, language, witnesses)
        for line in lines:
            print(line)
        if folder:
            extract(read(data), folder)
    except OSError as lost:
        print(
            Said("{name} cannot be read: {why}.", name=lost.filename, why=lost.strerror).told(language), file=sys.stderr
        )
        return 2
    except Refused as wrong:
        print(Said("NOT VERIFIED. {why}", why=wrong.said).told(language), file=sys.stderr)
        return 1
    if key is None:
        print(
            Said(
                "Consistent; signer not checked. Give --key with the SHA-256 of the key that the signer publishes."
            ).told(language)
        )
        if uncompared:
            print(Said("{count} passages were NOT compared with their data file.", count=uncompared).told(language))
    elif uncompared:
        print(
            Said(
                "VERIFIED EXCEPT {count} passages, which were NOT compared with their data file.", count=uncompared
            ).told(language)
        )
    else:
        print(Said("VERIFIED.").told(language))
    return 3 if uncompared else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
