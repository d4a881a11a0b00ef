"""Retiring the keys of an instance: everything that is sealed gets the new key, then the old one is dropped.

It may be stopped at any moment. While both keys are in the file, everything opens; begun again, it goes on with the new
key that is there. Running processes see the file's new key at their next use of it (`keys.EncryptionKeys`).
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.fernet import InvalidToken
from django.apps import apps
from django.conf import settings
from django.db import connection

from kicau.base import encrypted_fields, keys
from kicau.base.keys import SecretKeys

ROTATION_LOCK_ID = 7_215_003  # key of the advisory lock under which one process rotates
ROWS_PER_BATCH = 500
SETTLE_SECONDS = 2.0  # in which a process writes what it had sealed just before
TRANSACTION_TIMEOUT_SECONDS = 120.0
POLL_SECONDS = 0.1


class RotationFailed(RuntimeError):
    """The old keys are kept, and nothing is lost. The message says what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RotationResult:
    columns: int  # that hold sealed values
    values: int  # that were sealed again
    resumed: bool  # a rotation that had stopped was finished
    dropped: int  # keys that no longer open or sign anything


def sealed_columns() -> list[tuple[str, str, str]]:
    """(table, primary key, column) of every sealed field of every model."""
    return sorted(
        (model._meta.db_table, str(model._meta.pk.column), str(field.column))
        for model in apps.get_models(include_auto_created=True)
        if model._meta.managed and not model._meta.proxy
        for field in model._meta.local_concrete_fields
        if isinstance(field, encrypted_fields.EncryptedJSONField)
    )


def rotate(folder: Path, *, keep_signatures: bool = False) -> RotationResult:
    """New keys for sealing and signing; the old ones are dropped once nothing needs them.

    `keep_signatures`: what the old key signed counts until the next rotation (sessions, links in letters, media that
    networks fetch). Raises RotationFailed.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [ROTATION_LOCK_ID])
        if not cursor.fetchone()[0]:
            raise RotationFailed("The keys are being rotated by another command; wait until it is done.")
    try:
        return _rotate(folder, keep_signatures)
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [ROTATION_LOCK_ID])


def _rotate(folder: Path, keep_signatures: bool) -> RotationResult:
    old = keys.load_or_create_keys(folder)
    resumed = len(old.sealing) > 1
    if not resumed:
        signing = (keys.new_key(), *(old.signing[:1] if keep_signatures else ()))
        old = SecretKeys(sealing=(keys.new_key(), *old.sealing), signing=signing)
        dropped_signing = 0 if keep_signatures else 1
        keys.write_keys(folder, old)
    else:
        dropped_signing = 0
    settings.KICAU_KEYS = keys.EncryptionKeys(folder)
    values = 0
    for settle in (0.0, SETTLE_SECONDS):
        _wait_for_transactions()
        time.sleep(settle)
        while found := sum(_reencrypt_column(*column) for column in sealed_columns()):
            values += found
    keys.write_keys(folder, SecretKeys(sealing=old.sealing[:1], signing=old.signing))
    return RotationResult(
        columns=len(sealed_columns()),
        values=values,
        resumed=resumed,
        dropped=len(old.sealing) - 1 + dropped_signing,
    )


def _wait_for_transactions() -> None:
    """Until no transaction is under way that began before: it may still write what the old key sealed."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_current_xact_id()::xid::text")
        mine = cursor.fetchone()[0]
        until = time.monotonic() + TRANSACTION_TIMEOUT_SECONDS
        while True:
            cursor.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND backend_xid IS NOT NULL AND age(backend_xid) > age(%s::xid)",
                [mine],
            )
            if not cursor.fetchone()[0]:
                return
            if time.monotonic() > until:
                raise RotationFailed(
                    "A transaction of the database has been open for two minutes, so the old key is kept. Run the command again to go on."
                )
            time.sleep(POLL_SECONDS)


def _reencrypt_column(table: str, pk: str, column: str) -> int:
    """How many values of the column had another key than the newest; they have the newest now."""
    name, key, field = (connection.ops.quote_name(one) for one in (table, pk, column))
    done = 0
    for rows in _batches(name, key, field):
        changed: list[Sequence[Any]] = []
        for row, text in rows:
            try:
                if (again := encrypted_fields.reencrypt(text)) is not None:
                    changed.append((again, row, text))
            except InvalidToken:
                raise RotationFailed(
                    f"A value in {table}.{column} (row {row}) opens with none of the keys, so the old ones are kept. Add the key that sealed it to {keys.KEY_FILE_NAME} as a line at the end, or delete that row, and run the command again."
                ) from None
        if changed:
            with connection.cursor() as cursor:  # only where nobody wrote it meanwhile
                cursor.executemany(f"UPDATE {name} SET {field} = %s WHERE {key} = %s AND {field} = %s", changed)  # noqa: S608
        done += len(changed)
    return done


def _batches(name: str, key: str, field: str) -> Iterator[list[tuple[Any, str]]]:
    after: Any = None
    while True:
        where = f"AND {key} > %s" if after is not None else ""
        with connection.cursor() as cursor:
            cursor.execute(
                f"SELECT {key}, {field} FROM {name} WHERE {field} IS NOT NULL {where} ORDER BY {key} LIMIT {ROWS_PER_BATCH}",  # noqa: S608
                [after] if after is not None else [],
            )
            rows = cursor.fetchall()
        if not rows:
            return
        after = rows[-1][0]
        yield rows
