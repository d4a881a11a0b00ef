"""How passwords are hashed: Argon2id with OWASP's parameters, and never many at once.

Each hash takes its memory while it is made, so sign-ins at the same moment wait for each other, without a connection to
the database. https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html (2026-12-02)
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from django.contrib.auth.hashers import Argon2PasswordHasher

from kicau.base.errors import ServerBusy
from kicau.base.pool import release_connections

MAX_AT_ONCE = 2  # in one process
MAX_WAITING = 60
RETRY_AFTER_SECONDS = 5


class HashingSlots:
    """Some at once, some waiting, no more."""

    def __init__(self, at_once: int, waiting: int) -> None:
        self._free = threading.Semaphore(at_once)
        self._places = threading.Semaphore(at_once + waiting)

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Raises ServerBusy."""
        if not self._places.acquire(blocking=False):
            raise ServerBusy(RETRY_AFTER_SECONDS)
        try:
            release_connections()
            with self._free:
                yield
        finally:
            self._places.release()


hashing_slots = HashingSlots(MAX_AT_ONCE, MAX_WAITING)


class LimitedArgon2PasswordHasher(Argon2PasswordHasher):
    """A password hashed with other parameters is hashed again when its owner signs in."""

    time_cost = 2
    memory_cost = 19 * 1024  # KiB
    parallelism = 1

    def encode(self, password: str, salt: str) -> str:
        with hashing_slots.turn():
            return super().encode(password, salt)

    def verify(self, password: str, encoded: str) -> bool:
        with hashing_slots.turn():
            return super().verify(password, encoded)
