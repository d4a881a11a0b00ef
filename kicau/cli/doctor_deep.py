"""`kicau doctor --deep`: what can only be known by doing it. A letter is sent, a file written, every channel's token tried."""

from __future__ import annotations

import os
import secrets
import shutil
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import timedelta
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

from kicau.cli.core.command import Shell
from kicau.cli.core.finding import Finding, note, ok, wrong

CLOCK_OFF = timedelta(seconds=5)  # from what the networks' servers say; they say it in whole seconds
#: Settings of PostgreSQL that would lose what was written, or stop its housekeeping: name, wanted, why.
DATABASE = (
    ("fsync", "on", "A power cut may spoil the whole database."),
    ("full_page_writes", "on", "A power cut may spoil the whole database."),
    ("autovacuum", "on", "Tables grow and slow down for ever."),
    ("server_encoding", "UTF8", "Not every letter can be kept."),
)
CONNECTIONS = 20  # that one `kicau up` may want


def deep(shell: Shell) -> Iterator[Finding]:
    """Each looked at by doing; anything that fails is a finding."""
    yield from database_settings()
    yield from media_folder()
    yield from mail(shell)
    yield from alert_webhook(shell)
    yield from channels(shell)
    yield from clocks()


def database_settings() -> Iterator[Finding]:
    from django.db import connection

    with connection.cursor() as cursor:
        bad = 0
        for name, wanted, why in DATABASE:
            cursor.execute(f"SHOW {name}")
            if (is_now := cursor.fetchone()[0]) != wanted:
                bad += 1
                yield wrong(f"database: {name}", f"is {is_now}. {why}", f"Set it to {wanted} in postgresql.conf.")
        cursor.execute("SHOW max_connections")
        most = int(cursor.fetchone()[0])
        cursor.execute("SELECT pg_database_size(current_database())")
        size = cursor.fetchone()[0]
        # Where the role may not know the folder, or the server runs elsewhere, its disk is not ours to judge.
        cursor.execute("SELECT setting FROM pg_settings WHERE name = 'data_directory'")
        home = (cursor.fetchone() or ("",))[0]
    if most < CONNECTIONS:
        yield wrong("database: max_connections", f"is {most}.", f"Kicau wants up to {CONNECTIONS}; raise it.")
    elif not bad:
        yield ok("database settings", f"as they should be; {size / 1e6:.0f} MB, up to {most} connections")
    if os.path.isdir(home) and shutil.disk_usage(home).free < max(size // 2, 1_000_000_000):
        yield wrong(
            "database disk",
            f"{shutil.disk_usage(home).free / 1e6:.0f} MB are free.",
            "Free some space: housekeeping needs half of what the database takes.",
        )


def media_folder() -> Iterator[Finding]:
    from kicau.media.library import scratch

    body = secrets.token_bytes(1 << 20)
    try:
        path = scratch()
        try:
            with path.open("wb") as file:
                file.write(body)
                file.flush()
                os.fsync(file.fileno())
            same = path.read_bytes() == body
        finally:
            path.unlink(missing_ok=True)
    except OSError as exc:
        yield wrong(
            "media folder", f"cannot be written to: {exc.strerror}.", "Is the disk full, or the folder somebody else's?"
        )
        return
    yield (
        ok("media folder", "a file was written, read back and removed")
        if same
        else wrong("media folder", "what was written reads differently.", "Check the disk; it is failing.")
    )


def mail(shell: Shell) -> Iterator[Finding]:
    from django.conf import settings

    from kicau.notifications import emails

    if not emails.mail_is_set_up():
        yield note("mail", "no mail server is set, so letters go to the log.", "Set KICAU_EMAIL_URL.")
        return
    address = settings.KICAU_ALERT_EMAIL[0] if settings.KICAU_ALERT_EMAIL else shell.person().email
    try:
        emails.send_now(
            address,
            "Kicau: a letter to try the mail server",
            f"kicau doctor --deep sent this from {settings.KICAU_PUBLIC_URL}. It needs no answer.\n",
        )
    except OSError as exc:
        yield wrong(
            "mail",
            f"the mail server did not take a letter to {address}: {str(exc)[:200]}",
            "Check KICAU_EMAIL_URL and KICAU_EMAIL_FROM.",
        )
        return
    yield ok("mail", f"the mail server took a letter to {address}; look whether it arrives")


def alert_webhook(shell: Shell) -> Iterator[Finding]:
    from django.conf import settings

    from kicau.notifications import trouble_watch

    if not settings.KICAU_ALERT_WEBHOOK:
        return
    error = shell.wait_for(trouble_watch.try_webhook())
    yield (
        wrong("alert webhook", f"{error}.", "Check KICAU_ALERT_WEBHOOK.")
        if error
        else ok("alert webhook", "took a message to try it")
    )


def channels(shell: Shell) -> Iterator[Finding]:
    from kicau.channels import credential_checks

    for one in shell.wait_for(credential_checks.prove_all()):
        match one.state:
            case "alive":
                yield ok(one.key, one.says)
            case "dead":
                yield wrong(one.key, one.says, "Connect it again: kicau channels connect")
            case _:
                yield note(one.key, one.says)


def clocks() -> Iterator[Finding]:
    """Against the servers of networks whose apps are here, by the Date that every answer has."""
    from kicau.base import clock
    from kicau.channels import actions
    from kicau.channels.channel_session import app_value

    hosts = sorted(
        {
            url
            for app in actions.apps()
            if not app.is_sandbox
            for url in app_value(app).endpoints.values()
            if url.startswith("https://")
        }
    )
    for url in hosts[:3]:
        host = urlsplit(url).hostname or url
        try:
            with urllib.request.urlopen(urllib.request.Request(url, method="HEAD"), timeout=10) as answer:  # noqa: S310 (https)
                said = answer.headers.get("Date", "")
        except urllib.error.HTTPError as exc:  # an answer all the same
            said = exc.headers.get("Date", "")
        except (urllib.error.URLError, OSError) as exc:
            yield wrong(
                f"reaching {host}",
                f"it cannot be reached from here: {getattr(exc, 'reason', exc)}.",
                "Does a firewall let this machine out?",
            )
            continue
        if not said:
            continue
        apart = abs(parsedate_to_datetime(said) - clock.now())
        yield (
            wrong(
                "clock",
                f"This machine and {host} differ by {apart.total_seconds():.0f} s, so posts go out that much off.",
                "Set it by network time (NTP).",
            )
            if apart > CLOCK_OFF
            else ok("clock", f"as that of {host}")
        )
