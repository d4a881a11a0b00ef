"""Keys are replaced: nothing that is sealed is lost, at whatever moment it stops, and the old key opens nothing more."""

from __future__ import annotations

import json
import stat
import threading
import uuid
from datetime import datetime

import pytest
from django.apps import apps
from django.contrib.postgres.fields import ArrayField
from django.core import signing
from django.db import connection, connections, models, transaction
from django.utils import timezone

from kicau.base import encrypted_fields, key_rotation, keys

pytestmark = pytest.mark.django_db(transaction=True)


def any_value(field: models.Field) -> object:
    """Something that the column takes."""
    if isinstance(field, encrypted_fields.EncryptedJSONField):
        return {"secret": f"{field.model.__name__}.{field.name}"}
    if field.null and not field.primary_key:
        return None
    target = field.target_field if isinstance(field, models.ForeignKey) else field
    kinds = {
        models.UUIDField: uuid.uuid4(),
        models.BooleanField: False,
        models.DateTimeField: timezone.now(),
        models.DateField: datetime(2026, 1, 1).date(),
        models.IntegerField: 1,
        models.JSONField: {},
        models.BinaryField: b"x",
        ArrayField: [],
    }
    if field.has_default() and not isinstance(field, models.ForeignKey):
        return field.get_default()
    for kind, value in kinds.items():
        if isinstance(target, kind):
            return value
    return "x"


@pytest.fixture
def everything(tmp_path, settings, monkeypatch):
    """A row in every table that has a sealed column, and the key file of an older Kicau: one key for both."""
    monkeypatch.setattr(key_rotation, "SETTLE_SECONDS", 0.0)
    (tmp_path / keys.KEY_FILE_NAME).write_text("an-old-key-for-both\n")
    (tmp_path / keys.KEY_FILE_NAME).chmod(0o600)
    settings.KICAU_KEYS = keys.EncryptionKeys(tmp_path)
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")  # what a row refers to need not be there
        for model in models_with_secrets():
            values = {f.attname: any_value(f) for f in model._meta.local_concrete_fields if not generated(f)}
            model(**values).save_base(raw=True, force_insert=True)
        cursor.execute("SET session_replication_role = DEFAULT")
    return tmp_path


def generated(field: models.Field) -> bool:
    return isinstance(field, models.AutoField | models.GeneratedField)


def models_with_secrets() -> list[type[models.Model]]:
    return [
        model
        for model in apps.get_models(include_auto_created=True)
        if any(isinstance(f, encrypted_fields.EncryptedJSONField) for f in model._meta.local_concrete_fields)
    ]


def stored() -> dict[str, str]:
    """By column, the text that lies in the database."""
    found = {}
    with connection.cursor() as cursor:
        for table, _, column in key_rotation.sealed_columns():
            cursor.execute(f'SELECT "{column}" FROM "{table}"')
            found[f"{table}.{column}"] = cursor.fetchone()[0]
    return found


def opens(text: str, *only: str) -> bool:
    try:
        encrypted_fields._fernet(only).decrypt(text.encode())
        return True
    except Exception:
        return False


def test_every_sealed_column_gets_the_new_key_and_the_old_one_is_dropped(everything):
    with connection.cursor() as cursor:  # the database's own view: a column of text that Fernet wrote
        cursor.execute("SELECT table_name, column_name FROM information_schema.columns WHERE data_type = 'text'")
        looks = [
            f"{table}.{column}"
            for table, column in cursor.fetchall()
            if f"{table}.{column}" in stored() or any_sealed(table, column)
        ]
    before = stored()
    assert set(looks) == set(before)
    assert len(before) >= 10
    done = key_rotation.rotate(everything)
    assert (done.columns, done.values, done.resumed, done.dropped) == (len(before), len(before), False, 2)
    kept = keys.read_keys(everything / keys.KEY_FILE_NAME)
    assert (len(kept.sealing), len(kept.signing)) == (1, 1)
    assert "an-old-key-for-both" not in (everything / keys.KEY_FILE_NAME).read_text()
    assert kept.sealing != kept.signing
    assert stat.S_IMODE((everything / keys.KEY_FILE_NAME).stat().st_mode) == 0o600
    assert [p.name for p in everything.iterdir()] == [keys.KEY_FILE_NAME]
    for column, text in stored().items():
        assert opens(text, *kept.sealing), column
        assert not opens(text, "an-old-key-for-both"), column
        table, name = column.rsplit(".", 1)
        assert json.loads(encrypted_fields.decrypt(text))["secret"].endswith(f".{name}"), table
    again = key_rotation.rotate(everything)
    assert again.values == len(before)
    assert keys.read_keys(everything / keys.KEY_FILE_NAME).sealing != kept.sealing


def any_sealed(table: str, column: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(f'SELECT EXISTS (SELECT FROM "{table}" WHERE "{column}" LIKE %s)', ["gAAAA%"])
        return bool(cursor.fetchone()[0])


@pytest.mark.parametrize("after", [0, 1, 5, 9])
def test_it_may_stop_anywhere_and_goes_on(everything, monkeypatch, after):
    reseal, calls = key_rotation._reencrypt_column, iter(range(1000))

    def stops(*column: str) -> int:
        if next(calls) == after:
            raise KeyboardInterrupt
        return reseal(*column)

    monkeypatch.setattr(key_rotation, "_reencrypt_column", stops)
    with pytest.raises(KeyboardInterrupt):
        key_rotation.rotate(everything)
    half = keys.read_keys(everything / keys.KEY_FILE_NAME)
    assert len(half.sealing) == 2
    assert all(encrypted_fields.decrypt(text) for text in stored().values())
    monkeypatch.setattr(key_rotation, "_reencrypt_column", reseal)
    done = key_rotation.rotate(everything)
    assert done.resumed
    assert keys.read_keys(everything / keys.KEY_FILE_NAME).sealing == half.sealing[:1]
    assert all(opens(text, half.sealing[0]) for text in stored().values())


def test_a_file_that_cannot_be_written_leaves_all_as_it_was(everything, monkeypatch):
    before, file = stored(), (everything / keys.KEY_FILE_NAME).read_text()
    monkeypatch.setattr(keys.Path, "rename", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises(OSError, match="No space"):
        key_rotation.rotate(everything)
    assert ((everything / keys.KEY_FILE_NAME).read_text(), stored()) == (file, before)
    assert [p.name for p in everything.iterdir()] == [keys.KEY_FILE_NAME]


def test_a_running_process_uses_the_new_key_at_once_and_nothing_of_its_is_lost(everything, settings):
    """One that has a transaction open from before, in which it wrote with the old key."""
    running = keys.EncryptionKeys(everything)
    old = tuple(running)
    wrote, may_end, done = threading.Event(), threading.Event(), []

    def write() -> None:
        table, _, column = key_rotation.sealed_columns()[0]
        text = encrypted_fields._fernet(old).encrypt(b'{"secret": "written late"}').decode()
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f'UPDATE "{table}" SET "{column}" = %s', [text])
            wrote.set()
            may_end.wait(30)
        connections.close_all()

    def rotate() -> None:
        done.append(key_rotation.rotate(everything))
        connections.close_all()

    threads = [threading.Thread(target=write), threading.Thread(target=rotate)]
    threads[0].start()
    assert wrote.wait(30)
    threads[1].start()
    while len(keys.read_keys(everything / keys.KEY_FILE_NAME).sealing) == 1:
        assert threads[1].is_alive()
    now = tuple(running)
    assert (len(now), now[1:]) == (2, old)
    may_end.set()
    for thread in threads:
        thread.join(60)
    (kept,) = keys.read_keys(everything / keys.KEY_FILE_NAME).sealing
    assert (kept, tuple(running)) == (now[0], (kept,))
    assert all(opens(text, kept) for text in stored().values())
    assert any("written late" in encrypted_fields.decrypt(text) for text in stored().values())
    assert done[0].values >= len(stored())


def test_a_value_that_no_key_opens_keeps_the_old_key(everything):
    table, _, column = key_rotation.sealed_columns()[-1]
    with connection.cursor() as cursor:
        lost = encrypted_fields._fernet(("a key that is gone",)).encrypt(b"{}").decode()
        cursor.execute(f'UPDATE "{table}" SET "{column}" = %s', [lost])
    with pytest.raises(key_rotation.RotationFailed, match=f"{table}.{column}"):
        key_rotation.rotate(everything)
    assert "an-old-key-for-both" in keys.read_keys(everything / keys.KEY_FILE_NAME).sealing


@pytest.mark.parametrize("keep", [False, True])
def test_signatures_of_the_old_key_count_only_where_that_was_asked(everything, settings, keep):
    settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS = keys.read_keys(everything / keys.KEY_FILE_NAME).signing
    ticket = signing.dumps("x")
    key_rotation.rotate(everything, keep_signatures=keep)
    settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS = keys.read_keys(
        everything / keys.KEY_FILE_NAME
    ).signing  # a restart
    if keep:
        assert signing.loads(ticket) == "x"
    else:
        with pytest.raises(signing.BadSignature):
            signing.loads(ticket)
    assert not opens(stored().popitem()[1], settings.SECRET_KEY)


def test_keys_that_seal_and_keys_that_sign_are_apart_from_the_start(tmp_path):
    made = keys.load_or_create_keys(tmp_path)
    assert not set(made.sealing) & set(made.signing)
    keys.write_keys(tmp_path, made)
    assert keys.load_or_create_keys(tmp_path) == made
    for broken in ("", "\n", "seal:a\n", "sign:a\n"):
        (tmp_path / keys.KEY_FILE_NAME).write_text(broken)
        with pytest.raises(ValueError, match="restore it"):
            keys.load_or_create_keys(tmp_path)
