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
from kicau.cli.core.finding import DoctorFinding, note_finding, ok_finding, problem_finding

MAX_CLOCK_DIFFERENCE = timedelta(seconds=5)  # from what the networks' servers say; they say it in whole seconds
#: Settings of PostgreSQL that would lose what was written, or stop its housekeeping: name, wanted, why.
DATABASE_SETTINGS = (
    ("fsync", "on", "A power failure can destroy the whole database."),
    ("full_page_writes", "on", "A power failure can destroy the whole database."),
    ("autovacuum", "on", "Tables grow and become slower without limit."),
    ("server_encoding", "UTF8", "The database cannot store every character."),
)
MIN_FREE_CONNECTIONS = 20  # that one `kicau up` may want


def deep_findings(shell: Shell) -> Iterator[DoctorFinding]:
    """Each looked at by doing; anything that fails is a finding."""
    yield from check_database_settings()
    yield from check_media_folder()
    yield from check_mail(shell)
    yield from check_alert_webhook(shell)
    yield from check_channels(shell)
    yield from check_clocks()


def check_database_settings() -> Iterator[DoctorFinding]:
    from django.db import connection

    with connection.cursor() as cursor:
        bad = 0
        for name, wanted, why in DATABASE_SETTINGS:
            cursor.execute(f"SHOW {name}")
            if (is_now := cursor.fetchone()[0]) != wanted:
                bad += 1
                yield problem_finding(
                    f"database: {name}", f"is {is_now}. {why}", f"Set it to {wanted} in postgresql.conf."
                )
        cursor.execute("SHOW max_connections")
        most = int(cursor.fetchone()[0])
        cursor.execute("SELECT pg_database_size(current_database())")
        size = cursor.fetchone()[0]
        # Where the role may not know the folder, or the server runs elsewhere, its disk is not ours to judge.
        cursor.execute("SELECT setting FROM pg_settings WHERE name = 'data_directory'")
        home = (cursor.fetchone() or ("",))[0]
    if most < MIN_FREE_CONNECTIONS:
        yield problem_finding(
            "database: max_connections", f"is {most}.", f"Kicau needs up to {MIN_FREE_CONNECTIONS}. Raise the limit."
        )
    elif not bad:
        yield ok_finding("database settings", f"correct; {size / 1e6:.0f} MB, up to {most} connections")
    if os.path.isdir(home) and shutil.disk_usage(home).free < max(size // 2, 1_000_000_000):
        yield problem_finding(
            "database disk",
            f"{shutil.disk_usage(home).free / 1e6:.0f} MB are free.",
            "Free some space: maintenance needs half of the size of the database.",
        )


def check_media_folder() -> Iterator[DoctorFinding]:
    from kicau.media.library import scratch_file

    body = secrets.token_bytes(1 << 20)
    try:
        path = scratch_file()
        try:
            with path.open("wb") as file:
                file.write(body)
                file.flush()
                os.fsync(file.fileno())
            same = path.read_bytes() == body
        finally:
            path.unlink(missing_ok=True)
    except OSError as exc:
        yield problem_finding(
            "media folder",
            f"cannot be written to: {exc.strerror}.",
            "Check that the disk is not full and that Kicau's user owns the folder.",
        )
        return
    yield (
        ok_finding("media folder", "a file was written, read back and removed")
        if same
        else problem_finding(
            "media folder", "a file was read back with different content.", "Check the disk for hardware errors."
        )
    )


def check_mail(shell: Shell) -> Iterator[DoctorFinding]:
    from django.conf import settings

    from kicau.notifications import emails

    if not emails.is_email_configured():
        yield note_finding("mail", "no mail server is set, so e-mails go to the log.", "Set KICAU_EMAIL_URL.")
        return
    address = settings.KICAU_ALERT_EMAIL[0] if settings.KICAU_ALERT_EMAIL else shell.person().email
    try:
        emails.send_email_now(
            address,
            "Kicau: test of the mail server",
            f"kicau doctor --deep sent this e-mail from {settings.KICAU_PUBLIC_URL}. You do not need to reply.\n",
        )
    except OSError as exc:
        yield problem_finding(
            "mail",
            f"the mail server rejected an e-mail to {address}: {str(exc)[:200]}",
            "Check KICAU_EMAIL_URL and KICAU_EMAIL_FROM.",
        )
        return
    yield ok_finding("mail", f"the mail server accepted an e-mail to {address}. Check that it arrives")


def check_alert_webhook(shell: Shell) -> Iterator[DoctorFinding]:
    from django.conf import settings

    from kicau.notifications import trouble_watch

    if not settings.KICAU_ALERT_WEBHOOK:
        return
    error = shell.wait_for(trouble_watch.send_test_alert())
    yield (
        problem_finding("alert webhook", f"{error}.", "Check KICAU_ALERT_WEBHOOK.")
        if error
        else ok_finding("alert webhook", "accepted a test message")
    )


def check_channels(shell: Shell) -> Iterator[DoctorFinding]:
    from kicau.channels import credential_checks

    for one in shell.wait_for(credential_checks.check_all_credentials()):
        match one.state:
            case "alive":
                yield ok_finding(one.key, one.says)
            case "dead":
                yield problem_finding(one.key, one.says, "Connect it again: kicau channels connect")
            case _:
                yield note_finding(one.key, one.says)


def check_clocks() -> Iterator[DoctorFinding]:
    """Against the servers of networks whose apps are here, by the Date that every answer has."""
    from kicau.base import clock
    from kicau.channels import actions
    from kicau.channels.channel_session import connector_app

    hosts = sorted(
        {
            url
            for app in actions.apps()
            if not app.is_sandbox
            for url in connector_app(app).endpoints.values()
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
            yield problem_finding(
                f"reaching {host}",
                f"Kicau cannot reach it: {getattr(exc, 'reason', exc)}.",
                "Check that a firewall does not block outgoing connections.",
            )
            continue
        if not said:
            continue
        apart = abs(parsedate_to_datetime(said) - clock.now())
        yield (
            problem_finding(
                "clock",
                f"This machine and {host} differ by {apart.total_seconds():.0f} s, so posts are published that much too early or too late.",
                "Synchronize the clock with NTP.",
            )
            if apart > MAX_CLOCK_DIFFERENCE
            else ok_finding("clock", f"the same as at {host}")
        )
