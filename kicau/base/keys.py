"""The instance's secret keys: a file in the data folder, made at the first start, readable by its owner only.

One key a line, the newest first. `seal:…` encrypts what is stored, `sign:…` signs links and sessions. A line without
such a word is of a Kicau that had one key for both, and counts as both.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from kicau.base import privileges

KEY_FILE_NAME = "secret.key"
SEALING_PREFIX, SIGNING_PREFIX = "seal:", "sign:"


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretKeys:
    """The first of each is used; the others still open, or still count."""

    sealing: tuple[str, ...]
    signing: tuple[str, ...]


def new_key() -> str:
    return secrets.token_urlsafe(48)


def load_or_create_keys(folder: Path) -> SecretKeys:
    """All keys; made where there are none yet. Raises ValueError for a file without keys."""
    path = folder / KEY_FILE_NAME
    privileges.make_folder(folder)
    if not path.exists():
        _create_key_file(path)
    return read_keys(path)


def read_keys(path: Path) -> SecretKeys:
    """Raises ValueError for a file without keys of both kinds, OSError."""
    lines = [line.strip() for line in path.read_text("ascii").splitlines() if line.strip()]
    found = SecretKeys(
        sealing=tuple(line.removeprefix(SEALING_PREFIX) for line in lines if not line.startswith(SIGNING_PREFIX)),
        signing=tuple(line.removeprefix(SIGNING_PREFIX) for line in lines if not line.startswith(SEALING_PREFIX)),
    )
    if not found.sealing or not found.signing:
        raise ValueError(f"The key file {path} is empty or incomplete; restore it from your backup.")
    return found


def write_keys(folder: Path, kept: SecretKeys) -> None:
    """In place of the file that is there, all of it or nothing; who owns it stays its owner."""
    path = folder / KEY_FILE_NAME
    lines = [f"{SEALING_PREFIX}{key}\n" for key in kept.sealing] + [f"{SIGNING_PREFIX}{key}\n" for key in kept.signing]
    fresh = _write_temporary_file(path, "".join(lines))
    try:
        about = path.stat()
        if os.geteuid() == 0:
            os.chown(fresh, about.st_uid, about.st_gid)
        fresh.rename(path)
    except OSError:
        fresh.unlink(missing_ok=True)
        raise
    top = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(top)
    finally:
        os.close(top)


class EncryptionKeys:
    """The sealing keys as the file has them now: a process that runs while they are rotated uses the new one at once."""

    def __init__(self, folder: Path) -> None:
        self._path, self._kept, self._seen = folder / KEY_FILE_NAME, load_or_create_keys(folder).sealing, (0, 0, 0)

    def __iter__(self) -> Iterator[str]:
        try:
            about = self._path.stat()
            seen = (about.st_ino, about.st_mtime_ns, about.st_size)
            if seen != self._seen:
                self._kept, self._seen = read_keys(self._path).sealing, seen
        except (OSError, ValueError):
            pass  # what was read last still opens; doctor tells that the file is gone
        return iter(self._kept)


def _create_key_file(path: Path) -> None:
    """Atomically, so that two processes that start at once agree on one key."""
    fresh = _write_temporary_file(path, f"{SEALING_PREFIX}{new_key()}\n{SIGNING_PREFIX}{new_key()}\n")
    try:
        os.link(fresh, path)
    except FileExistsError:
        pass
    finally:
        fresh.unlink()


def _write_temporary_file(path: Path, text: str) -> Path:
    fresh = path.with_name(f"{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w") as out:
        out.write(text)
        out.flush()
        os.fsync(out.fileno())
    return fresh


def first_visit_code(key: str) -> str:
    """What the first visitor of an instance without people has to know, unless they sit at its machine: whoever reads
    its log does. Made of the instance's key, so that `kicau up` and the web server need not tell each other."""
    digest = hmac.digest(key.encode(), b"kicau first visit", hashlib.sha256)
    code = base64.b32encode(digest[:10]).decode()  # 80 bits
    return "-".join(code[at : at + 4] for at in range(0, 16, 4))
