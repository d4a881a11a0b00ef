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

SIGNED, COSIGNED = 0x01, 0x04  # kinds of Ed25519 signature


class NoteRefused(Exception):
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


def key_hash(name: str, key: bytes, kind: int = SIGNED) -> bytes:
    return hashlib.sha256(name.encode() + b"\n" + bytes([kind]) + key).digest()[:4]


def verifier_key(name: str, key: bytes, kind: int = SIGNED) -> str:
    """As others write it down: `name+hash+key`; for co-signing it differs."""
    return f"{name}+{key_hash(name, key, kind).hex()}+{base64.b64encode(bytes([kind]) + key).decode()}"


def read_verifier_key(told: str) -> tuple[str, bytes]:
    """Name and public key, of a log's signer or of a witness. Raises NoteRefused."""
    name, _, rest = told.partition("+")
    mark, _, value = rest.partition("+")
    try:
        raw = base64.b64decode(value, validate=True)
    except ValueError:
        raw = b""
    if not name or len(raw) != 33 or raw[0] not in (SIGNED, COSIGNED) or key_hash(name, raw[1:], raw[0]).hex() != mark:
        raise NoteRefused(f"{told[:80]!r} is no verifier's key.")
    return name, raw[1:]


def sign(text: str, name: str, key: Ed25519PrivateKey) -> str:
    """The note: the text (which ends with a newline), a blank line, and the signature's line."""
    signature = key_hash(name, public_bytes(key.public_key())) + key.sign(text.encode())
    return f"{text}\n— {name} {base64.b64encode(signature).decode()}\n"


def cosign(note: str, name: str, key: Ed25519PrivateKey, at: int) -> str:
    """A witness's line to append: it saw this checkpoint at `at` (seconds of Unix time)."""
    text = split(note)[0]
    said = f"cosignature/v1\ntime {at}\n{text}".encode()
    mark = key_hash(name, public_bytes(key.public_key()), COSIGNED)
    return f"— {name} {base64.b64encode(mark + at.to_bytes(8, 'big') + key.sign(said)).decode()}\n"


def split(note: str) -> tuple[str, list[tuple[str, bytes]]]:
    """The text, and each signature's name and bytes. Raises NoteRefused."""
    text, blank, lines = note.rpartition("\n\n")
    if not blank or not lines.endswith("\n"):
        raise NoteRefused("This is no signed note: no blank line stands before its signatures.")
    signatures = []
    for line in lines.splitlines():
        dash, _, rest = line.partition(" ")
        name, _, value = rest.partition(" ")
        try:
            signatures.append((name, base64.b64decode(value, validate=True)))
        except ValueError as wrong:
            raise NoteRefused(f"The signature of {name or 'nobody'} is not base64.") from wrong
        if dash != "—" or not name or len(signatures[-1][1]) < 5:
            raise NoteRefused("A line of signature is malformed.")
    return text + "\n", signatures


def opened(note: str, name: str, key: bytes) -> str:
    """The text, where `name` signed it with `key`. Raises NoteRefused."""
    text, signatures = split(note)
    for signer, signature in signatures:
        if signer == name and signature[:4] == key_hash(name, key):
            try:
                Ed25519PublicKey.from_public_bytes(key).verify(signature[4:], text.encode())
            except InvalidSignature as wrong:
                raise NoteRefused(f"The signature of {name} does not fit the note.") from wrong
            return text
    raise NoteRefused(f"{name} has not signed this note with that key.")


def witnessed(note: str, name: str, key: bytes) -> int:
    """When the witness co-signed it (seconds of Unix time). Raises NoteRefused."""
    text, signatures = split(note)
    for signer, signature in signatures:
        if signer == name and signature[:4] == key_hash(name, key, COSIGNED) and len(signature) == 4 + 8 + 64:
            at = int.from_bytes(signature[4:12], "big")
            try:
                Ed25519PublicKey.from_public_bytes(key).verify(
                    signature[12:], f"cosignature/v1\ntime {at}\n{text}".encode()
                )
            except InvalidSignature as wrong:
                raise NoteRefused(f"The cosignature of {name} does not fit the note.") from wrong
            return at
    raise NoteRefused(f"{name} has not co-signed this note with that key.")


def read_checkpoint(text: str) -> Checkpoint:
    """Raises NoteRefused."""
    lines = text.split("\n")
    try:
        origin, size, root = lines[0], int(lines[1]), base64.b64decode(lines[2], validate=True)
    except (IndexError, ValueError) as wrong:
        raise NoteRefused("This note is no checkpoint.") from wrong
    if not origin or size < 0 or len(root) != 32:
        raise NoteRefused("This note is no checkpoint.")
    return Checkpoint(origin, size, root)
