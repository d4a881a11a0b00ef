"""Sealed secrets, masked logs, ids, keys, money, zones and settings; rows in bulk."""

from __future__ import annotations

import io
import json
import logging
import os
import re
import stat
import subprocess
import sys
import threading
from datetime import UTC, datetime
from urllib.parse import quote
from uuid import UUID

import pytest
import structlog
from django.test import Client
from django.urls import URLResolver, get_resolver

from kicau.base import clock, encrypted_fields, ids, keys, logs, money, setting_definitions
from kicau.base.bulk import to_json_text
from kicau.base.sentences import Sentence, times_in_zone


def test_a_sealed_value_opens_again_and_does_not_show(settings):
    closed = encrypted_fields.encrypt("topsecret")
    assert "topsecret" not in closed
    assert encrypted_fields.decrypt(closed) == "topsecret"


def test_an_older_key_still_opens_and_a_strange_one_does_not(settings):
    settings.KICAU_KEYS = ["old"]
    closed = encrypted_fields.encrypt("v")
    settings.KICAU_KEYS = ["new", "old"]
    assert encrypted_fields.decrypt(closed) == "v"
    settings.KICAU_KEYS = ["other"]
    with pytest.raises(encrypted_fields.DecryptionFailed):
        encrypted_fields.decrypt(closed)


def test_credentials_rest_encrypted(channel):
    from django.db import connection

    row = channel("ana")
    with connection.cursor() as cursor:
        cursor.execute("SELECT credentials FROM channels_channel WHERE id = %s", [row.id])
        kept = cursor.fetchone()[0]
    assert "access_token" not in kept
    row.refresh_from_db()
    assert row.credentials["access_token"] == "t"


@pytest.fixture
def logged():
    """What is logged, line by line; logging is as it was afterwards."""
    root, before, configured = logging.getLogger(), logging.getLogger().handlers[:], structlog.get_config()
    hooks = sys.excepthook, threading.excepthook
    out = io.StringIO()
    logs.set_up_logging("info", "json", process="test")
    root.handlers[0].setStream(out)
    yield lambda: [json.loads(line) for line in out.getvalue().splitlines()]
    sys.excepthook, threading.excepthook = hooks
    root.handlers[:] = before
    structlog.configure(**configured)
    structlog.contextvars.clear_contextvars()


def test_one_line_an_event_and_no_secret_in_it(logged):
    structlog.get_logger("kicau.test").info(
        "hello", access_token="topsecret", said="Authorization: Bearer topsecret123", url="/cb?code=topsecret1"
    )
    logging.getLogger("library").warning("refresh_token=topsecret99 was refused")
    lines = logged()
    assert [line["event"] for line in lines] == ["hello", "refresh_token=*** was refused"]
    assert "topsecret" not in json.dumps(lines)
    assert lines[0]["process"] == "test"


def secret_addresses() -> list[str]:
    """Every address of ours that has a secret in it, with {} in its place: whatever route takes a secret or ticket."""
    found = []

    def walk(patterns, before: str) -> None:
        for one in patterns:
            route = before + str(one.pattern)
            if isinstance(one, URLResolver):
                walk(one.url_patterns, route)
            elif re.search(r":(secret|ticket|token|key_secret)>", route):
                whole = re.sub(r"<\w+:(?:secret|ticket|token)>", "{}", route)
                found.append("/" + re.sub(r"<\w+:\w+>", "1", whole))

    walk(get_resolver().url_patterns, "")
    return found


SECRET = "On452PGy7_k-ZmsqxjALzMirTaMkyLs3eryofbCwCCM"


def test_no_secret_of_an_address_is_in_any_line(logged, client, db, settings):
    settings.STATIC_ROOT.mkdir(parents=True, exist_ok=True)
    addresses = [one.format(SECRET) for one in secret_addresses()]
    assert len(addresses) >= 5
    structlog_, django_ = structlog.get_logger("kicau.test"), logging.getLogger("django.request")
    for path in addresses:
        client.get(path)  # Django logs the path of each 4xx itself
        django_.warning("Unprocessable Content: %s", path)
        logging.getLogger("uvicorn.error").warning(
            '127.0.0.1:1 - "POST %s?next=%s HTTP/1.1" 422', path, quote(path, "")
        )
        structlog_.info("asked", path=path, headers={"referer": [f"https://kicau.example{path}"]})
        try:
            raise ValueError(f"cannot read {path}")
        except ValueError:
            structlog_.exception("failed", at=(path,))
            logging.getLogger("library").exception("failed at %r", path)
    lines = json.dumps(logged())
    assert SECRET not in lines
    assert "Gone: /accept-invitation/***" in lines  # Django did log
    assert "ValueError: cannot read /accept-invitation/***" in lines
    assert "/review/***/submit" in lines  # what is no secret stays
    assert logs.mask("/drafts/m, /media/abc and /members/7") == "/drafts/m, /media/abc and /members/7"
    signed = "/m/" + quote("eyJyIjo:1wX/2y:abc-_=") + ".jpg"
    assert logs.mask(f"GET {signed}?a=1") == "GET /m/***?a=1"


def test_a_wrong_host_is_one_warning_without_a_traceback(logged, settings):
    settings.ALLOWED_HOSTS = ["kopi.example"]
    answer = Client(raise_request_exception=False).get("/", headers={"host": "evil.example"})
    assert answer.status_code == 400
    (line,) = logged()
    assert (line["level"], "exception" in line, "stack_info" in line) == ("warning", False, False)
    assert "evil.example" in line["event"]


@pytest.mark.parametrize("way", ["process", "thread"])
def test_what_ends_a_process_or_thread_is_masked_as_well(way):
    raising = f"raise ValueError('lost /accept-invitation/{SECRET}')"
    code = {
        "process": raising,
        "thread": f"import threading\ndef f(): {raising}\nt = threading.Thread(target=f); t.start(); t.join()",
    }
    done = subprocess.run(
        [sys.executable, "-c", f"from kicau.base import logs; logs.set_up_logging()\n{code[way]}"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert SECRET not in done.stderr
    (line,) = done.stderr.splitlines()
    assert "ValueError: lost /accept-invitation/***" in json.loads(line)["exception"]
    assert done.returncode == (1 if way == "process" else 0)


def test_ids_sort_by_time():
    made = [ids.new_id() for _ in range(50)]
    assert all(i.version == 7 and i.variant == "specified in RFC 4122" for i in made)
    assert [i.int >> 80 for i in made] == sorted(i.int >> 80 for i in made)
    assert len(set(made)) == 50


@pytest.mark.parametrize("given", ["", "nonsense", None, 5, "'; DROP TABLE"])
def test_what_is_no_id_finds_nothing(given):
    assert ids.as_uuid(given) == ids.NO_ID


def test_rows_in_bulk_hold_what_json_has_no_word_for():
    at, key = datetime(2026, 11, 26, 9, 0, 0, 120, UTC), UUID(int=7)
    rows = to_json_text([{"id": key, "at": at, "said": Sentence("Oh, {who}.", who="Budi"), "raw": float("nan")}])
    assert json.loads(rows) == [{"id": str(key), "at": "2026-11-26T09:00:00.000120Z", "said": "Oh, Budi.", "raw": None}]
    with pytest.raises(TypeError):
        to_json_text(object())


def test_the_key_file_is_made_once_and_only_its_owner_reads_it(tmp_path):
    first = keys.load_or_create_keys(tmp_path)
    assert keys.load_or_create_keys(tmp_path) == first
    assert stat.S_IMODE(os.stat(tmp_path / keys.KEY_FILE_NAME).st_mode) == 0o600
    (tmp_path / keys.KEY_FILE_NAME).write_text("\n")
    with pytest.raises(ValueError, match="restore it"):
        keys.load_or_create_keys(tmp_path)


@pytest.mark.parametrize(
    ("micro", "currency", "text"),
    [
        (215_000, "USD", "$0.215"),
        (0, "USD", "$0.00"),
        (5_000, "EUR", "0.005 EUR"),
        (42_000_000_000, "USD", "$42000.00"),
    ],
)
def test_money_reads_well(micro, currency, text):
    assert money.format_money(micro, currency) == text


def test_a_zone_that_does_not_exist_is_told():
    with pytest.raises(LookupError, match="Asia/Jakarta"):
        clock.find_zone("Asia/Bandung")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("KICAU_PORT", "99999"),
        ("KICAU_WORKERS", "0"),
        ("DATABASE_URL", "mysql://x"),
        ("KICAU_PUBLIC_URL", "kicau.example"),
        ("KICAU_LOG_LEVEL", "loud"),
    ],
)
def test_a_wrong_setting_names_itself_and_the_way_out(name, value):
    with pytest.raises(setting_definitions.SettingError) as told:
        setting_definitions.read_setting(name, {name: value})
    assert name in str(told.value)


def test_a_secret_setting_is_not_repeated():
    with pytest.raises(setting_definitions.SettingError) as told:
        setting_definitions.read_setting("DATABASE_URL", {"DATABASE_URL": "mysql://u:topsecret@h/d"})
    assert "topsecret" not in str(told.value)


@pytest.mark.parametrize(
    ("text", "zone", "shown"),
    [
        ("until 2026-12-02 20:05:00 UTC.", "Asia/Jakarta", "until 2026-12-03 03:05:00 WIB."),
        ("on 2026-07-02 at 09:00 UTC", "America/Los_Angeles", "on 2026-07-02 at 02:00 PDT"),
        ("on 2028-02-29 23:30:00 UTC", "Asia/Jakarta", "on 2028-03-01 06:30:00 WIB"),
        ("on 2026-02-30 09:00 UTC", "Asia/Jakarta", "on 2026-02-30 09:00 UTC"),  # no day
        ("2026-12-02 20:05:00 of somebody's own", "Asia/Jakarta", "2026-12-02 20:05:00 of somebody's own"),
        ("now and 2026-12-02 20:05 UTC", "UTC", "now and 2026-12-02 20:05 UTC"),
    ],
)
def test_moments_in_a_text_are_shown_in_a_zone(text, zone, shown):
    assert times_in_zone(text, zone) == shown
