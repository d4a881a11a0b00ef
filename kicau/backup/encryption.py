"""A file sealed with a passphrase, written and read as a stream.

One line of JSON tells how; then pieces of 1 MiB, each sealed with AES-256-GCM. A piece's nonce holds its number and
whether it is the last, and the first line is bound to all of them, so that pieces cannot be changed, moved, repeated or
cut off without being noticed (the STREAM construction, https://eprint.iacr.org/2015/189, 2026-11-26). The key comes
from the passphrase by scrypt with the parameters that OWASP's cheat sheet on password storage names (2026-11-26).
"""

from __future__ import annotations

import base64
import io
import json
import secrets
from typing import IO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from kicau.backup.errors import BackupDamaged, BackupLocked

ENCRYPTED_FILE_MARK = b'{"kicau":"sealed"'  # how a sealed file begins
PIECE_BYTES = 1 << 20  # bytes before sealing
TAG_BYTES = 16  # bytes that sealing adds
SCRYPT_N, SCRYPT_R, SCRYPT_P = 2**17, 8, 1
MAX_HEADER_BYTES = 1000


def _derive_key(passphrase: str, salt: bytes, n: int) -> bytes:
    return Scrypt(salt=salt, length=32, n=n, r=SCRYPT_R, p=SCRYPT_P).derive(passphrase.encode())


def _nonce(prefix: bytes, number: int, last: bool) -> bytes:
    return prefix + number.to_bytes(4) + bytes([last])


class EncryptingWriter(io.RawIOBase):
    """A file to write to; `close` writes the last piece and leaves the file beneath open."""

    def __init__(self, out: IO[bytes], passphrase: str) -> None:
        n = SCRYPT_N
        salt, self.prefix = secrets.token_bytes(16), secrets.token_bytes(7)
        said = {"salt": base64.b64encode(salt).decode(), "nonce": base64.b64encode(self.prefix).decode(), "n": n}
        self.line = json.dumps({"kicau": "sealed", **said}, separators=(",", ":")).encode() + b"\n"
        self.out, self.box, self.number, self.held = out, AESGCM(_derive_key(passphrase, salt, n)), 0, bytearray()
        out.write(self.line)

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        view = memoryview(data)  # type: ignore[arg-type]
        self.held += view
        while len(self.held) > PIECE_BYTES:
            self._seal(bytes(self.held[:PIECE_BYTES]), last=False)
            del self.held[:PIECE_BYTES]
        return len(view)

    def close(self) -> None:
        if not self.closed:
            self._seal(bytes(self.held), last=True)
        super().close()

    def _seal(self, piece: bytes, *, last: bool) -> None:
        self.out.write(self.box.encrypt(_nonce(self.prefix, self.number, last), piece, self.line))
        self.number += 1


class DecryptingReader(io.RawIOBase):
    """A file to read from. Raises BackupLocked where the passphrase does not open it, Damaged where it is not whole."""

    def __init__(self, source: IO[bytes], passphrase: str) -> None:
        self.line = source.readline(MAX_HEADER_BYTES)
        try:
            said = json.loads(self.line)
            salt, self.prefix, n = base64.b64decode(said["salt"]), base64.b64decode(said["nonce"]), int(said["n"])
            if len(self.prefix) != 7 or not 2 <= n <= 2**20:
                raise ValueError(n)
            self.box = AESGCM(_derive_key(passphrase, salt, n))
        except (ValueError, KeyError, TypeError):
            raise BackupDamaged("its first line is not what it was") from None
        self.source, self.number, self.held, self.over = source, 0, memoryview(b""), False
        self.following = source.read(PIECE_BYTES + TAG_BYTES)

    def readable(self) -> bool:
        return True

    def read(self, size: int | None = -1) -> bytes:
        wanted = 1 << 62 if size is None or size < 0 else size
        found = bytearray()
        while len(found) < wanted and (len(self.held) or self._open()):
            taken = self.held[: wanted - len(found)]
            found += taken
            self.held = self.held[len(taken) :]
        return bytes(found)

    def _open(self) -> bool:
        if self.over:
            return False
        piece, self.following = self.following, self.source.read(PIECE_BYTES + TAG_BYTES)
        self.over = not self.following
        try:
            opened = self.box.decrypt(_nonce(self.prefix, self.number, self.over), piece, self.line)
        except InvalidTag:
            if self.number == 0:
                raise BackupLocked("The passphrase does not open this backup, or its beginning is damaged.") from None
            raise BackupDamaged(f"it is cut off or changed after {self.number} MiB") from None
        self.number += 1
        self.held = memoryview(opened)
        return True


def is_encrypted(beginning: bytes) -> bool:
    return beginning.startswith(ENCRYPTED_FILE_MARK)
