"""Why a backup or a restore did not happen, named for what the operator does next. In every case nothing was changed.

BackupError
├── BackupDamaged    use another copy of the backup
├── BackupLocked     enter the right passphrase or key file
├── DiskFull         free some space
├── TargetNotEmpty   choose an empty folder and database
├── BackupUntrusted  restore as a role that is no superuser, or restore an encrypted file
└── ToolFailed       read the message of PostgreSQL's own program
"""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

DISK_FULL_ERRNOS = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


class BackupError(RuntimeError):
    """Base class. The message is one sentence for the operator, or two."""


class BackupDamaged(BackupError):
    """The file is not a whole backup that this Kicau can read."""


class BackupLocked(BackupError):
    """The file is encrypted, or lacks its key, and what was given does not open it."""


class DiskFull(BackupError):
    """A disk is full, or a quota is used up."""


class TargetNotEmpty(BackupError):
    """Something is there that would be harmed."""


class BackupUntrusted(BackupError):
    """Nothing shows who wrote the file, and what it asks for would be done with a superuser's rights."""


class ToolFailed(BackupError):
    """pg_dump or pg_restore did not do its work."""


@contextmanager
def require_disk_space(at: Path, what: str) -> Iterator[None]:
    """Turns the system's word for a full disk into DiskFull; `what` ends the sentence."""
    try:
        yield
    except OSError as exc:
        if exc.errno in DISK_FULL_ERRNOS:
            raise DiskFull(f"There is no more room in {at} ({exc.strerror}), {what}") from exc
        raise
