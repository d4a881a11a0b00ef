"""The instance's secret keys: a file in the data folder, made at the first start, readable by its owner only."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

FILE = "secret.key"


def keys(folder: Path) -> list[str]:
    """All keys, newest first: one a line; the first seals and signs, the others still open what they sealed."""
    path = folder / FILE
    folder.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        _make(path)
    found = [line.strip() for line in path.read_text("ascii").splitlines() if line.strip()]
    if not found:
        raise ValueError(f"The key file {path} is empty; restore it from your backup.")
    return found


def _make(path: Path) -> None:
    """Atomically, so that two processes that start at once agree on one key."""
    fresh = path.with_name(f"{FILE}.{os.getpid()}.{secrets.token_hex(4)}")
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w") as out:
        out.write(secrets.token_urlsafe(48) + "\n")
    try:
        os.link(fresh, path)
    except FileExistsError:
        pass
    finally:
        fresh.unlink()
