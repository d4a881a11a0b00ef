"""Signed notes and checkpoints as C2SP describes them (https://c2sp.org/signed-note, https://c2sp.org/tlog-checkpoint,
https://c2sp.org/tlog-cosignature, looked up 2026-11-26): plain text that standard witnesses can read and co-sign.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

SIGNATURE_KIND, COSIGNATURE_KIND = 0x01, 0x04  # kinds of Ed25519 signature


class InvalidNote(Exception):
    """Do not rely on it: the note is malformed, or no signature on it is of a key that was given."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A log's size and root at one time."""

    origin: str
    size: int
    root: bytes

    def text(self) -> str:
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"


def public_bytes(key: Ed25519PublicKey) -> bytes:
    return key.public_bytes(Encoding.Raw, PublicFormat.Raw)


def key_hash(name: str, key: bytes, kind: int = SIGNATURE_KIND) -> bytes:
    return hashlib.sha256(name.encode() + b"\n" + bytes([kind]) + key).digest()[:4]


def verifier_key(name: str, key: bytes, kind: int = SIGNATURE_KIND) -> str:
    """As others write it down: `name+hash+key`; for co-signing it differs."""
    return f"{name}+{key_hash(name, key, kind).hex()}+{base64.b64encode(bytes([kind]) + key).decode()}"


def parse_verifier_key(told: str) -> tuple[str, bytes]:
    """Name and public key, of a log's signer or of a witness. Raises InvalidNote."""
    name, _, rest = told.partition("+")
    mark, _, value = rest.partition("+")
    try:
        raw = base64.b64decode(value, validate=True)
    except ValueError:
        raw = b""
    if (
        not name
        or len(raw) != 33
        or raw[0] not in (SIGNATURE_KIND, COSIGNATURE_KIND)
        or key_hash(name, raw[1:], raw[0]).hex() != mark
    ):
        raise InvalidNote(f"{told[:80]!r} is no verifier's key.")
    return name, raw[1:]


def sign_note(text: str, name: str, key: Ed25519PrivateKey) -> str:
    """The note: the text (which ends with a newline), a blank line, and the signature's line."""
    signature = key_hash(name, public_bytes(key.public_key())) + key.sign(text.encode())
    return f"{text}\n— {name} {base64.b64encode(signature).decode()}\n"


def cosignature_line(note: str, name: str, key: Ed25519PrivateKey, at: int) -> str:
    """A witness's line to append: it saw this checkpoint at `at` (seconds of Unix time)."""
    text = split_note(note)[0]
    said = f"cosignature/v1\ntime {at}\n{text}".encode()
    mark = key_hash(name, public_bytes(key.public_key()), COSIGNATURE_KIND)
    return f"— {name} {base64.b64encode(mark + at.to_bytes(8, 'big') + key.sign(said)).decode()}\n"


def split_note(note: str) -> tuple[str, list[tuple[str, bytes]]]:
    """The text, and each signature's name and bytes. Raises InvalidNote."""
    text, blank, lines = note.rpartition("\n\n")
    if not blank or not lines.endswith("\n"):
        raise InvalidNote("This is no signed note: no blank line stands before its signatures.")
    signatures = []
    for line in lines.splitlines():
        dash, _, rest = line.partition(" ")
        name, _, value = rest.partition(" ")
        try:
            signatures.append((name, base64.b64decode(value, validate=True)))
        except ValueError as wrong:
            raise InvalidNote(f"The signature of {name or 'nobody'} is not base64.") from wrong
        if dash != "—" or not name or len(signatures[-1][1]) < 5:
            raise InvalidNote("A line of signature is malformed.")
    return text + "\n", signatures


def verify_note(note: str, name: str, key: bytes) -> str:
    """The text, where `name` signed it with `key`. Raises InvalidNote."""
    text, signatures = split_note(note)
    for signer, signature in signatures:
        if signer == name and signature[:4] == key_hash(name, key):
            try:
                Ed25519PublicKey.from_public_bytes(key).verify(signature[4:], text.encode())
            except InvalidSignature as wrong:
                raise InvalidNote(f"The signature of {name} does not fit the note.") from wrong
            return text
    raise InvalidNote(f"{name} has not signed this note with that key.")


def verify_cosignature(note: str, name: str, key: bytes) -> int:
    """When the witness co-signed it (seconds of Unix time). Raises InvalidNote."""
    text, signatures = split_note(note)
    for signer, signature in signatures:
        if signer == name and signature[:4] == key_hash(name, key, COSIGNATURE_KIND) and len(signature) == 4 + 8 + 64:
            at = int.from_bytes(signature[4:12], "big")
            try:
                Ed25519PublicKey.from_public_bytes(key).verify(
                    signature[12:], f"cosignature/v1\ntime {at}\n{text}".encode()
                )
            except InvalidSignature as wrong:
                raise InvalidNote(f"The cosignature of {name} does not fit the note.") from wrong
            return at
    raise InvalidNote(f"{name} has not co-signed this note with that key.")


def parse_checkpoint(text: str) -> Checkpoint:
    """Raises InvalidNote."""
    lines = text.split("\n")
    try:
        origin, size, root = lines[0], int(lines[1]), base64.b64decode(lines[2], validate=True)
    except (IndexError, ValueError) as wrong:
        raise InvalidNote("This note is no checkpoint.") from wrong
    if not origin or size < 0 or len(root) != 32:
        raise InvalidNote("This note is no checkpoint.")
    return Checkpoint(origin, size, root)
