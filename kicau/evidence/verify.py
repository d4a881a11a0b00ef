"""Checks a bundle of evidence. This one file, and any Python from 3.9 on, is all that it needs.

    python3 verify.py BUNDLE.json [--key HEX] [--shard NAME=PATH ...] [--extract FOLDER] [--language en|id]

It accepts a bundle only where every byte of it is as it was signed, each passage is where the report says, and each post
was in the log. With --key it also insists on whose signature that is (the SHA-256 of the public key, as its owner tells
it); with --shard it compares passages with the data set itself; with --extract it writes the log's checkpoint and the
outsiders' stamps as files, which `openssl ts -verify` and `ots verify` check. Ends with 0 where all holds, else with 1.
With --language id, or where the system is set to Indonesian, it speaks Indonesian.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import html
import json
import os
import re
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    Point = tuple[int, int, int, int]

FORM = "kicau-evidence/1"
PAYLOAD = "application/vnd.in-toto+json"


# ── what it says, in both languages ─────────────────────────────────────────────────────────────────────────────────
USAGE_ID = """Memeriksa sebuah berkas bukti. Berkas yang satu ini, dan Python mana pun mulai 3.9, sudah cukup.

    python3 verify.py BERKAS.json [--key HEX] [--shard NAMA=JALUR ...] [--extract FOLDER] [--language en|id]

Berkas diterima hanya jika setiap bitanya sama seperti saat ditandatangani, setiap petikan ada di tempat yang disebut
laporan, dan setiap kiriman tercatat di log. Dengan --key, tanda tangannya juga harus milik kunci itu (SHA-256 dari kunci
publik, seperti yang diberitahukan pemiliknya); dengan --shard, petikan dibandingkan dengan himpunan datanya sendiri;
dengan --extract, titik periksa log dan stempel pihak luar ditulis sebagai berkas, yang diperiksa oleh
`openssl ts -verify` dan `ots verify`. Berakhir dengan 0 jika semuanya cocok, jika tidak dengan 1.
"""
INDONESIAN = {
    "VERIFIED.": "TERVERIFIKASI.",
    "NOT VERIFIED. {why}": "TIDAK TERVERIFIKASI. {why}",
    "{name} cannot be read: {why}.": "{name} tidak dapat dibaca: {why}.",
    "{what} is not base64.": "{what} bukan base64.",
    "{what} is written in another way than it was.": "{what} ditulis dengan cara yang berbeda dari aslinya.",
    "This is not JSON, so not a bundle as it was made.": "Ini bukan JSON, jadi bukan berkas bukti seperti yang dibuat.",
    "This is no bundle of the form {form}.": "Ini bukan berkas bukti berbentuk {form}.",
    "The bundle is not written as it was made: bytes were changed, added or left out.": "Berkas bukti tidak tertulis seperti saat dibuat: ada bita yang diubah, ditambah, atau dihilangkan.",
    "The bundle's seal does not fit: something in it was changed.": "Segel berkas bukti tidak cocok: ada isinya yang diubah.",
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
    "The posts or passages are not those that were signed for.": "Kiriman atau petikan bukan yang ditandatangani.",
    "Passage {number} does not hold the bytes that the report names.": "Petikan {number} tidak memuat bita yang disebut laporan.",
    "Passage {number} does not hold its post letter by letter.": "Petikan {number} tidak memuat kirimannya huruf demi huruf.",
    "The log's checkpoint is not signed by the key of the statement.": "Titik periksa log tidak ditandatangani kunci pernyataan.",
    "Post {name} is not in the log as the bundle says.": "Kiriman {name} tidak ada di log seperti kata berkas bukti.",
    "The canary's candidates or its choice are not in the log.": "Kalimat-kalimat kenari atau pilihannya tidak ada di log.",
    "The canary's rank is not what its scores say.": "Peringkat kenari bukan seperti kata skornya.",
    "The canary's rank was counted again: {rank} of {count}, p = {p}, in test {tests} of it.": "Peringkat kenari dihitung ulang: {rank} dari {count}, p = {p}, dalam uji ke-{tests}.",
    "time stamp {number} by {by}: the checkpoint was there {at}; its signature: openssl ts -verify -data checkpoint.txt -in {number}.tsr -CAfile THEIR_CA.pem (after --extract)": "stempel waktu {number} dari {by}: titik periksa sudah ada pada {at}; tanda tangannya: openssl ts -verify -data checkpoint.txt -in {number}.tsr -CAfile CA_MEREKA.pem (setelah --extract)",
    "OpenTimestamps proof {number} by {by}: {ends}; check it with: ots verify -f checkpoint.txt {number}.ots (after --extract)": "bukti OpenTimestamps {number} dari {by}: {ends}; periksa dengan: ots verify -f checkpoint.txt {number}.ots (setelah --extract)",
    "seen at Unix time {at} by the witness {by}": "dilihat pada waktu Unix {at} oleh saksi {by}",
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
    "{name}: the very file that was searched": "{name}: benar berkas yang dicari di dalamnya",
    "Signed by the key {key}, {at}.": "Ditandatangani kunci {key}, {at}.",
    "{passages} passages are as signed; {posts} posts were in the log {log} of {size} entries.": "{passages} petikan sama seperti saat ditandatangani; {posts} kiriman tercatat di log {log} yang berisi {size} entri.",
    "This data set contains {posts} of the posts, in {places} places.": "Himpunan data ini memuat {posts} kiriman, di {places} tempat.",
    "None of the posts was found in this data set, at the sensitivity stated below.": "Tidak ada kiriman yang ditemukan di himpunan data ini, pada kepekaan yang disebut di bawah.",
    "Of {of} candidates registered beforehand, the published one ranks {rank} in the scores given for {model}; a model that never saw it ranks it so or better with a chance of {chance}.": "Dari {of} kalimat yang didaftarkan sebelumnya, yang diterbitkan menempati peringkat {rank} menurut skor yang diberikan untuk {model}; model yang tidak pernah melihatnya memberi peringkat itu atau yang lebih baik dengan peluang {chance}.",
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
    written = f"{value:,}" if isinstance(value, int) else f"{value:.2g}"
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


def read(data: bytes) -> dict:  # type: ignore[type-arg]
    try:
        bundle = json.loads(data)
    except ValueError:
        raise Refused("This is not JSON, so not a bundle as it was made.") from None
    if not isinstance(bundle, dict) or bundle.get("form") != FORM:
        raise Refused("This is no bundle of the form {form}.", form=FORM)
    if canonical(bundle) + b"\n" != data:
        raise Refused("The bundle is not written as it was made: bytes were changed, added or left out.")
    seal = bundle.pop("seal", None)
    if seal != hashlib.sha256(canonical(bundle)).hexdigest():
        raise Refused("The bundle's seal does not fit: something in it was changed.")
    return bundle


def statement_of(bundle: dict, wanted: str) -> tuple:  # type: ignore[type-arg]
    """The signed statement, and the SHA-256 of the key that signed it."""
    envelope = bundle["statement"]
    if envelope.get("payloadType") != PAYLOAD or len(envelope.get("signatures", [])) != 1:
        raise Refused("The statement is no DSSE envelope with one signature.")
    payload, signature = unpacked(envelope["payload"], "The statement"), envelope["signatures"][0]
    key = unpacked(bundle["key"], "The public key")
    fingerprint = hashlib.sha256(key).hexdigest()
    said = b"DSSEv1 %d %b %d %b" % (len(PAYLOAD), PAYLOAD.encode(), len(payload), payload)
    if signature.get("keyid") != fingerprint or not signed_by(key, said, unpacked(signature["sig"], "The signature")):
        raise Refused("The signature does not fit the statement.")
    if wanted and wanted.lower() != fingerprint:
        raise Refused("The statement was signed by another key: {key}.", key=fingerprint)
    return json.loads(payload), fingerprint


def check_material(bundle: dict, predicate: dict) -> None:  # type: ignore[type-arg]
    """The posts and passages are those that the statement speaks of, and say what it says."""
    material = bundle["material"]
    if hashlib.sha256(canonical(material)).hexdigest() != predicate["material_sha256"]:
        raise Refused("The posts or passages are not those that were signed for.")
    texts = {post["id"]: post["text"] for post in material["posts"]}
    for number, found in enumerate(predicate["findings"]):
        raw = unpacked(material["passages"][number], "Passage {number}", number)
        if (
            not found["raw_first_byte"]
            <= found["first_byte"]
            < found["last_byte"]
            <= found["raw_first_byte"] + len(raw)
        ):
            raise Refused("Passage {number} does not hold the bytes that the report names.", number=str(number))
        if found["kind"] == "exact" and not any(_holds(raw, texts[post]) for post in found["posts"]):
            raise Refused("Passage {number} does not hold its post letter by letter.", number=str(number))


def _holds(raw: bytes, text: str) -> bool:
    """Letter by letter but for white space, in whatever way the data set writes its letters."""
    said = raw.decode("utf-8", "replace")
    plain = " ".join(text.split())
    pair = r'\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\u[0-9a-fA-F]{4}|\\["\\/bfnrt]'
    ways = [said, re.sub(pair, lambda m: json.loads(f'"{m.group()}"'), said)]
    ways.append(html.unescape(re.sub(r"<[^<>]{0,2000}>", " ", said)))
    return any(plain in " ".join(way.split()) for way in ways)


def check_log(bundle: dict, material: dict) -> dict:  # type: ignore[type-arg]
    """Each post is in the log whose checkpoint is in the bundle. Gives the checkpoint."""
    log = bundle["log"]
    text, _, lines = log["checkpoint"].rpartition("\n\n")
    text += "\n"
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
    for name, proof in log["proofs"].items():
        content = canonical(posts[name]) if name in posts else b""
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
    if any(name not in log["proofs"] for name in names):
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


def check_anchors(bundle: dict) -> list:  # type: ignore[type-arg]
    """What outsiders said of the checkpoint: each is of this very checkpoint. Whether a time-stamper or Bitcoin said it,
    `openssl ts` and `ots` know, which have their certificates and block headers."""
    told = []
    digest = hashlib.sha256(bundle["log"]["checkpoint"].encode()).digest()
    for number, anchor in enumerate(bundle["anchors"], 1):
        if anchor["kind"] == "rfc3161":
            at = stamped(unpacked(anchor["token"], "A time stamp"), digest)
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
            told.append(Said("seen at Unix time {at} by the witness {by}", at=str(seen), by=anchor["by"]))
        else:
            raise Refused("An anchor is of an unknown kind: {kind}.", kind=anchor["kind"])
    return told


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


def check_shards(statement: dict, bundle: dict, shards: dict) -> list:  # type: ignore[type-arg]
    """Compares the data set's own files with what was signed: their hashes, and in plain files each passage's bytes."""
    told = []
    wanted = {subject["name"]: subject["digest"]["sha256"] for subject in statement["subject"]}
    for name, path in shards.items():
        if name not in wanted:
            raise Refused("The statement says nothing of {name}.", name=name)
        digest = hashlib.sha256()
        with open(path, "rb") as stream:
            for block in iter(lambda: stream.read(1 << 20), b""):
                digest.update(block)
        if digest.hexdigest() != wanted[name]:
            raise Refused("{path} is not the {name} that was searched.", path=path, name=name)
        told.append(Said("{name}: the very file that was searched", name=name))
    return told


def _says(predicate: dict, language: str) -> str:  # type: ignore[type-arg]
    """The report's own sentence. It was signed in English; in Indonesian it is told from the numbers that were signed
    beside it, and only where these give the English one letter by letter."""
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
                "Of {of} candidates registered beforehand, the published one ranks {rank} in the scores given for {model}; a model that never saw it ranks it so or better with a chance of {chance}.",
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
    return told[language] if told["en"] == predicate["says"] else str(predicate["says"])


def verify(data: bytes, key: str = "", shards: dict | None = None, language: str = "en") -> list:  # type: ignore[type-arg]
    """Lines that say what holds, in the language (en or id). Raises Refused."""
    try:
        bundle = read(data)
        statement, fingerprint = statement_of(bundle, key)
        predicate = statement["predicate"]
        check_material(bundle, predicate)
        log = check_log(bundle, bundle["material"])
        anchors = check_canary(predicate, bundle["material"], bundle["log"]) + check_anchors(bundle)
        files = check_shards(statement, bundle, shards or {})
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
        return [_says(predicate, language), *(line.told(language) for line in said)]
    except (KeyError, TypeError, ValueError, AttributeError, IndexError, RecursionError) as wrong:
        raise Refused("The bundle is malformed: {why}.", why=repr(wrong)) from None


def spoken() -> str:
    """The language that the system is set to, of the two."""
    names = (os.environ.get(name, "") for name in ("LC_ALL", "LC_MESSAGES", "LANG"))
    name = next((name for name in names if name), "").lower()
    return "id" if name == "id" or name.startswith(("id_", "id.", "indonesian")) else "en"


def main(arguments: list) -> int:  # type: ignore[type-arg]
    names, key, shards, folder, language = [], "", {}, "", spoken()
    rest = list(arguments)
    while rest:
        word = rest.pop(0)
        if word == "--key" and rest:
            key = rest.pop(0)
        elif word == "--shard" and rest:
            name, _, path = rest.pop(0).partition("=")
            shards[name] = path
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
        for line in verify(data, key, shards, language):
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
    print(Said("VERIFIED.").told(language))
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
