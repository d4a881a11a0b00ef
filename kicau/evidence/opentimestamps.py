"""OpenTimestamps proofs: written from a calendar's answer, upgraded when Bitcoin holds it, in the format that its own
client reads (https://github.com/opentimestamps/python-opentimestamps, looked up 2026-11-26).

A proof is a tree of operations that begins with a file's SHA-256; its leaves are attestations: a calendar's promise,
or the height of the Bitcoin block whose Merkle root the operations lead to.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

FILE_MAGIC = b"\x00OpenTimestamps\x00\x00Proof\x00\xbf\x89\xe2\xe8\x84\xe8\x92\x94\x01"  # with the major version
PENDING_TAG, BITCOIN_TAG = bytes.fromhex("83dfe30d2ef90c8e"), bytes.fromhex("0588960d73d71901")
SHA1, RIPEMD160, SHA256 = 0x02, 0x03, 0x08
APPEND, PREPEND, REVERSE, HEXLIFY = 0xF0, 0xF1, 0xF2, 0xF3
ATTESTATION, FORK = 0x00, 0xFF
MAX_VALUE_BYTES, MAX_DEPTH = 4096, 256  # bytes of a message or operand, operations in a row: the client's own limits


class InvalidProof(ValueError):
    """Ask again: these bytes are no OpenTimestamps proof."""


@dataclass(frozen=True, slots=True)
class Attestation:
    """What a branch ends in: at `place` (of the attestation in the bytes) the operations have led to `message`."""

    tag: bytes
    payload: bytes
    message: bytes
    place: tuple[int, int]  # first byte, and the one after the last

    @property
    def calendar(self) -> str:
        """The address that promised it; "" where it is no promise."""
        if self.tag != PENDING_TAG:
            return ""
        reader = _ProofReader(self.payload)
        return reader.take(reader.number()).decode("ascii", "replace")

    @property
    def height(self) -> int | None:
        """Of the Bitcoin block whose Merkle root is `message` (in the order of bytes that Bitcoin hashes)."""
        return _ProofReader(self.payload).number() if self.tag == BITCOIN_TAG else None


class _ProofReader:
    def __init__(self, raw: bytes, at: int = 0) -> None:
        self.raw, self.at = raw, at

    def take(self, count: int) -> bytes:
        if count > MAX_VALUE_BYTES or self.at + count > len(self.raw):
            raise InvalidProof("The proof ends before its end.")
        self.at += count
        return self.raw[self.at - count : self.at]

    def number(self) -> int:
        value = shift = 0
        while True:
            byte = self.take(1)[0]
            value |= (byte & 0x7F) << shift
            shift += 7
            if not byte & 0x80:
                return value
            if shift > 56:
                raise InvalidProof("A number in the proof is too large.")


def _encode_number(value: int) -> bytes:
    made = bytearray()
    while value > 0x7F:
        made.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*made, value])


def _hash_operation(name: str) -> Callable[[bytes, bytes], bytes]:
    return lambda message, _: hashlib.new(name, message, usedforsecurity=False).digest()


UNARY: dict[int, Callable[[bytes, bytes], bytes]] = {
    SHA256: _hash_operation("sha256"),
    SHA1: _hash_operation("sha1"),
    RIPEMD160: _hash_operation("ripemd160"),
    REVERSE: lambda m, _: m[::-1],
    HEXLIFY: lambda m, _: m.hex().encode(),
}
BINARY: dict[int, Callable[[bytes, bytes], bytes]] = {
    APPEND: lambda m, operand: m + operand,
    PREPEND: lambda m, operand: operand + m,
}


def new_proof(digest: bytes, nonce: bytes, answer: bytes) -> bytes:
    """The file for a SHA-256, of which a calendar was asked SHA-256(digest + nonce) and gave `answer`."""
    made = (
        FILE_MAGIC
        + bytes([SHA256])
        + digest
        + bytes([APPEND])
        + _encode_number(len(nonce))
        + nonce
        + bytes([SHA256])
        + answer
    )
    list(attestations(made, digest))
    return made


def calendar_digest(digest: bytes, nonce: bytes) -> bytes:
    """What a calendar is asked to stamp: it learns nothing of the digest."""
    return hashlib.sha256(digest + nonce).digest()


def attestations(proof: bytes, digest: bytes) -> Iterator[Attestation]:
    """All that a file of this SHA-256 ends in. Raises InvalidProof, also where it is of another file."""
    reader = _ProofReader(proof)
    if reader.take(len(FILE_MAGIC)) != FILE_MAGIC or reader.take(1)[0] != SHA256 or reader.take(32) != digest:
        raise InvalidProof("This is no OpenTimestamps proof of the checkpoint.")
    yield from _read_tree(reader, digest, 0)
    if reader.at != len(proof):
        raise InvalidProof("Something follows the proof.")


def _read_tree(reader: _ProofReader, message: bytes, depth: int) -> Iterator[Attestation]:
    if depth > MAX_DEPTH:
        raise InvalidProof("The proof is deeper than any calendar makes it.")
    tag = reader.take(1)[0]
    while tag == FORK:
        yield from _read_branch(reader, reader.take(1)[0], message, depth)
        tag = reader.take(1)[0]
    yield from _read_branch(reader, tag, message, depth)


def _read_branch(reader: _ProofReader, tag: int, message: bytes, depth: int) -> Iterator[Attestation]:
    if tag == ATTESTATION:
        first = reader.at - 1
        kind = reader.take(8)
        payload = reader.take(reader.number())
        yield Attestation(kind, payload, message, (first, reader.at))
        return
    if tag in UNARY:
        message = UNARY[tag](message, b"")
    elif tag in BINARY:
        message = BINARY[tag](message, reader.take(reader.number()))
    else:
        raise InvalidProof(f"The proof has an operation of an unknown kind: {tag:#04x}.")
    if len(message) > MAX_VALUE_BYTES:
        raise InvalidProof("A message in the proof is too long.")
    yield from _read_tree(reader, message, depth + 1)


def upgrade_proof(proof: bytes, digest: bytes, promise: Attestation, answer: bytes) -> bytes:
    """The proof with a calendar's promise replaced by what the calendar now answers for its message."""
    first, last = promise.place
    made = proof[:first] + answer + proof[last:]
    if not any(one.height is not None for one in attestations(made, digest)):
        raise InvalidProof("The calendar's answer holds no Bitcoin block.")
    return made
