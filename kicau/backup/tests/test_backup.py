"""There and back: from an older version, sealed, over PostgreSQL's major versions, with a full disk and a damaged file."""

import hashlib
import io
import json
import os
import tarfile

import psycopg
import pytest

from kicau.backup import actions, archive, database
from kicau.backup.errors import (
    BackupDamaged,
    BackupLocked,
    BackupUntrusted,
    DiskFull,
    TargetNotEmpty,
    ToolFailed,
)
from kicau.backup.tests.conftest import OLD
from kicau.base import encrypted_fields, postgres
from kicau.base.keys import load_or_create_keys

PASSPHRASE = "senja di atas Bandung"


def put_back(file, folder, passphrase="", **how):
    """As the shell does it."""
    return actions.restore_backup(
        file, folder, actions.check_backup(file, folder, passphrase), passphrase=passphrase, **how
    )


def everything(url):
    """What the database holds, row by row, but for the marks that a restore makes."""
    with psycopg.connect(url) as connection:
        tables = [
            r[0] for r in connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1")
        ]
        return {
            table: sorted(str(r[0]) for r in connection.execute(f"SELECT to_jsonb(t) - 'progress' FROM {table} t"))
            for table in tables
        }


def test_a_backup_of_a_released_version_is_restored(home, settings):
    first, url, done = home
    made_at = done.manifest.made_at
    assert (done.manifest.media, done.verified) == (3, 3)
    with psycopg.connect(url) as connection:
        rows = connection.execute("SELECT state, lease_until, progress FROM publishing_delivery").fetchall()
        credentials, paused = connection.execute(
            "SELECT credentials, is_paused FROM channels_channel LIMIT 1"
        ).fetchone()
    # whatever is not over is looked up before it is sent, also what was to go out later
    doubtful = [
        progress["restored"]["since"]
        for state, _, progress in rows
        if state not in ("published", "canceled", "deleted")
    ]
    assert (len(rows), len(doubtful), set(doubtful)) == (12, done.in_doubt, {made_at})
    assert not any("restored" in progress for state, _, progress in rows if state == "published")
    assert not any(lease for _, lease, _ in rows)
    assert paused
    settings.KICAU_KEYS = load_or_create_keys(first).sealing
    assert "a token that is sealed" in encrypted_fields.decrypt(credentials)


def test_sealed_without_its_key_and_back(home, empty, folder, monkeypatch):
    monkeypatch.setattr("kicau.backup.encryption.SCRYPT_N", 2**4)
    first, url, done = home
    file, key = folder / "sealed.backup", first / "secret.key"
    made = actions.back_up(file, first, url, passphrase=PASSPHRASE, with_key=False)
    assert file.stat().st_mode & 0o077 == 0
    assert b"Bandung" not in file.read_bytes()
    with pytest.raises(TargetNotEmpty, match="is there already"):
        actions.back_up(file, first, url)
    for wrong in ("", "another passphrase"):
        with pytest.raises(BackupLocked):
            actions.check_backup(file, folder / "second", wrong)
    before = everything(url)
    second = empty()
    with pytest.raises(BackupLocked, match="--key-file"):
        put_back(file, folder / "second", passphrase=PASSPHRASE)
    assert list((folder / "second").iterdir()) == []
    with psycopg.connect(second) as connection:  # a failed restore leaves nothing behind
        assert database.is_empty(connection)
        connection.execute("CREATE FUNCTION theirs() RETURNS int LANGUAGE sql AS 'SELECT 1'")
    with pytest.raises(TargetNotEmpty, match="is not empty"):
        put_back(file, folder / "second", passphrase=PASSPHRASE, key_file=key)
    with psycopg.connect(second) as connection:  # not ours to drop, so it was refused
        connection.execute("DROP FUNCTION theirs")
    other = folder / "other.key"
    other.write_text("another key\n")
    with pytest.raises(BackupLocked, match="is not the key"):
        put_back(file, folder / "second", passphrase=PASSPHRASE, key_file=other)

    again = put_back(file, folder / "second", passphrase=PASSPHRASE, key_file=key, verify=True)
    assert (again.manifest.rows, again.verified, again.migrations) == (made.rows, 3, 0)
    assert everything(second) == before
    for path in (first / "media").rglob("*"):
        if path.is_file():
            there = folder / "second" / path.relative_to(first)
            assert hashlib.sha256(there.read_bytes()).hexdigest() == path.name
    with pytest.raises(TargetNotEmpty, match="is not empty"):
        put_back(file, folder / "second", passphrase=PASSPHRASE, key_file=key)
    # the doubt dates from the first backup, not from the second
    with psycopg.connect(second) as connection:
        since = connection.execute(
            "SELECT DISTINCT progress #>> '{restored,since}' FROM publishing_delivery WHERE progress ? 'restored'"
        ).fetchall()
    assert since == [(done.manifest.made_at,)]


def test_across_a_major_version_of_postgresql_up_and_down(older, empty, folder):
    url = empty(older)
    with psycopg.connect(url) as connection:
        assert connection.info.server_version // 10_000 < postgres.POSTGRES_MAJOR_VERSION
    down = put_back(OLD, folder / "older")
    actions.back_up(folder / "up.backup", folder / "older", url)
    newer = empty()
    up = put_back(folder / "up.backup", folder / "newer", verify=True)
    with psycopg.connect(newer) as connection:
        assert connection.info.server_version // 10_000 == postgres.POSTGRES_MAJOR_VERSION
    assert up.manifest.rows["publishing_delivery"] == 12
    assert up.verified == down.manifest.media == 3
    assert everything(newer) == everything(url)


def test_a_full_disk_says_so_and_harms_nothing(home, empty, folder, small_disk):
    first, url, _ = home
    before = everything(url)
    big = first / "media" / ("a" * 32) / "bb" / ("b" * 64)
    big.parent.mkdir(parents=True)
    big.write_bytes(b"0" * (900 << 10))
    big.with_name("c" * 64).write_bytes(b"1" * (900 << 10))
    with pytest.raises(DiskFull, match=r"no more room in .*disk.*Nothing was changed"):
        actions.back_up(small_disk / "b.backup", first, url)
    assert list(small_disk.iterdir()) == []
    assert everything(url) == before

    whole = folder / "whole.backup"
    if not small_disk.is_mount():
        return  # with a limit on files the backup itself cannot be made
    actions.back_up(whole, first, url)
    second = empty()
    with pytest.raises(DiskFull, match="nothing was restored"):
        actions.restore_backup(whole, small_disk, archive.verify_backup(whole))
    assert list(small_disk.iterdir()) == []
    assert everything(second) == {}


@pytest.fixture
def changed(home, empty, folder):
    """A function that gives a backup into which somebody put SQL that runs `program`: at once, while it is restored, and
    later, whenever a row is written."""
    first, url, _ = home

    def make(program, passphrase=""):
        there = empty()
        with database.export_snapshot(url) as (connection, moment), database.open_dump(url, moment) as dump:
            database.restore_dump(there, iter(lambda: dump.read(1 << 20), b""), connection.info.server_version)
        with psycopg.connect(there, autocommit=True) as connection:
            connection.execute(
                "CREATE FUNCTION evil() RETURNS int LANGUAGE plpgsql AS 'BEGIN RETURN 1; END'; CREATE MATERIALIZED VIEW seen AS SELECT evil()"
            )
            connection.execute(
                f"""CREATE OR REPLACE FUNCTION evil() RETURNS int LANGUAGE plpgsql AS $f$ BEGIN
                EXECUTE $c$COPY (SELECT 1) TO PROGRAM '{program}'$c$; RETURN 1; END $f$;
                CREATE FUNCTION later() RETURNS trigger LANGUAGE plpgsql AS $f$ BEGIN PERFORM evil(); RETURN NEW; END $f$;
                CREATE TRIGGER later BEFORE UPDATE ON workspaces_workspace FOR EACH ROW EXECUTE FUNCTION later()"""
            )
        made = folder / f"changed{bool(passphrase)}.backup"
        actions.back_up(made, first, there, passphrase=passphrase)
        with psycopg.connect(there, autocommit=True) as connection:
            connection.execute("DROP MATERIALIZED VIEW seen")
        made_later = folder / f"later{bool(passphrase)}.backup"
        actions.back_up(made_later, first, there, passphrase=passphrase)
        return made, made_later

    return make


def test_a_changed_backup_runs_no_program(changed, empty, folder, tmp_path):
    """Its checksums are right, since whoever changed it wrote those, too."""
    open_to_all = folder / "open"
    open_to_all.mkdir()
    folder.chmod(0o711)
    open_to_all.chmod(0o777)
    at_once, later = changed(f"touch {open_to_all}/ran")
    for file in (at_once, later):
        archive.verify_backup(file)
    for version in (None, 17_00_00):  # the same server, and by a script as from another major version
        url = empty()
        checked = archive.verify_backup(at_once)
        checked.server = version or checked.server
        with pytest.raises(ToolFailed, match="permission denied to COPY to or from an external program"):
            actions.restore_backup(at_once, folder / "second", checked)
        with psycopg.connect(url) as connection:
            assert database.is_empty(connection)
    url = empty()
    put_back(later, folder / "third")
    with (
        psycopg.connect(url) as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege, match="external program"),
    ):
        connection.execute("UPDATE workspaces_workspace SET name = name")
    assert list(open_to_all.iterdir()) == []


def test_a_superuser_restores_only_what_is_encrypted(home, empty, folder, monkeypatch):
    monkeypatch.setattr("kicau.backup.encryption.SCRYPT_N", 2**4)
    first, url, _ = home
    plain, sealed_file = folder / "plain", folder / "sealed"
    actions.back_up(plain, first, url)
    actions.back_up(sealed_file, first, url, passphrase=PASSPHRASE)
    there = empty()
    monkeypatch.setattr(database, "is_superuser", lambda connection: True)
    with pytest.raises(BackupUntrusted, match="no superuser"):
        put_back(plain, folder / "second")
    with psycopg.connect(there) as connection:
        assert database.is_empty(connection)
    assert put_back(sealed_file, folder / "second", passphrase=PASSPHRASE).manifest.rows


def test_kicaus_own_role_may_do_nothing_but_its_database(home):
    _, url, _ = home
    with psycopg.connect(url, autocommit=True) as connection:
        assert not database.is_superuser(connection)
        for statement in (
            "COPY (SELECT 1) TO PROGRAM 'true'",
            "SELECT pg_read_file('/etc/passwd')",
            "CREATE ROLE another SUPERUSER",
            "SET ROLE postgres",
            "ALTER SYSTEM SET archive_command = 'true'",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(statement)
    if os.geteuid() == 0:  # the server's own user is another
        with pytest.raises(psycopg.OperationalError, match="Peer authentication failed"):
            psycopg.connect(url.replace("user=kicau", "user=postgres"))


def damaged(harm):
    data = bytearray(OLD.read_bytes())
    out = io.BytesIO()
    match harm:
        case "cut":
            return bytes(data[: len(data) // 2])
        case "flipped":
            data[data.index(b"PGDMP") + 100] ^= 1
            return bytes(data)
        case "no backup":
            return b"this is no backup"
        case "nothing":
            return b""
        case "reaches out":
            with tarfile.open(fileobj=out, mode="w") as tar:
                tar.addfile(tarfile.TarInfo("../../evil"))
        case "newer":
            with tarfile.open(fileobj=out, mode="w") as tar:
                body = json.dumps({"format": 99, "kicau": "9.0", "files": {}}).encode()
                info = tarfile.TarInfo("manifest.json")
                info.size = len(body)
                tar.addfile(info, io.BytesIO(body))
    return out.getvalue()


@pytest.mark.parametrize("harm", ["cut", "flipped", "no backup", "nothing", "reaches out", "newer"])
def test_a_damaged_backup_says_so_and_nothing_is_written(harm, tmp_path):
    bad = tmp_path / "bad.backup"
    bad.write_bytes(damaged(harm))
    with pytest.raises(BackupDamaged, match=r"cannot be used: .*Nothing was changed") as told:
        actions.check_backup(bad, tmp_path / "new")
    assert "\n" not in str(told.value)
    assert not (tmp_path / "new").exists()


def test_the_disk_is_known_to_be_too_small_before_anything_is_written(tmp_path, monkeypatch):
    monkeypatch.setattr(actions.shutil, "disk_usage", lambda path: type("Usage", (), {"free": 1000}))
    with pytest.raises(DiskFull, match="needs about"):
        actions.check_backup(OLD, tmp_path / "new")


def test_a_medium_that_the_disk_lost_is_told(home, folder):
    first, url, done = home
    lost = next(
        p
        for p in (first / "media").rglob("*")
        if p.is_file() and f"media/{p.relative_to(first / 'media')}" in done.manifest.files
    )
    kept = lost.read_bytes()
    lost.unlink()
    made = actions.back_up(folder / "b", first, url)
    lost.write_bytes(kept)
    assert [name.rsplit("/", 1)[1] for name in made.missing] == [lost.name]
    assert archive.verify_backup(folder / "b").missing == made.missing
