"""Secrets at rest: encrypted with the instance's keys, readable only in memory, never in a repr or a log."""

from __future__ import annotations

import base64
import hashlib
import json
from functools import cache
from typing import TYPE_CHECKING, Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.db import models

if TYPE_CHECKING:

    class _BaseTextField(models.TextField[Any, Any]):
        _pyi_private_set_type: Any
        _pyi_private_get_type: Any
else:
    _BaseTextField = models.TextField  # generic for the type checker only


class DecryptionFailed(Exception):
    """A sealed value cannot be opened with the keys of this instance; restore the key file that wrote it."""


@cache
def _fernet(keys: tuple[str, ...]) -> MultiFernet:
    return MultiFernet(
        [Fernet(base64.urlsafe_b64encode(hashlib.sha256(f"sealed:{k}".encode()).digest())) for k in keys]
    )


def encrypt(value: str) -> str:
    """Encrypted with the newest key, as text."""
    return _fernet(tuple(settings.KICAU_KEYS)).encrypt(value.encode()).decode()


def decrypt(value: str) -> str:
    """Opened with any of the keys. Raises DecryptionFailed."""
    try:
        return _fernet(tuple(settings.KICAU_KEYS)).decrypt(value.encode()).decode()
    except InvalidToken as exc:
        raise DecryptionFailed(
            "A stored secret cannot be opened: the key file does not belong to this database."
        ) from exc


def reencrypt(value: str) -> str | None:
    """The same secret sealed with the newest key; None where it is already. Raises cryptography's InvalidToken."""
    keys = tuple(settings.KICAU_KEYS)
    try:
        _fernet(keys[:1]).decrypt(value.encode())
        return None
    except InvalidToken:
        return _fernet(keys).rotate(value.encode()).decode()


class EncryptedJSONField(_BaseTextField):
    """JSON, encrypted in the database. Cannot be searched, by design."""

    def from_db_value(self, value: str | None, expression: object, connection: object) -> Any:
        return None if value is None else json.loads(decrypt(value))

    def get_prep_value(self, value: Any) -> str | None:
        return None if value is None else encrypt(json.dumps(value))

    def to_python(self, value: Any) -> Any:
        return value

    def value_to_string(self, obj: models.Model) -> str:
        return self.get_prep_value(self.value_from_object(obj)) or ""
