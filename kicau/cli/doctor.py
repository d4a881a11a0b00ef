"""`kicau doctor`: every setting and every part looked at, with what to do where it is not well."""

from __future__ import annotations

import fcntl
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import click

from kicau.base import clock, keys, setting_definitions
from kicau.cli.core.command import FAILED, Shell, answer, json_option, pass_shell, read_failure, show_table
from kicau.cli.core.finding import Finding, note, ok, wrong

LITTLE_SPACE = 1_000_000_000  # bytes
MARKS = {"ok": "✓", "note": "·", "wrong": "✗"}


@click.command()
@click.option(
    "--deep", is_flag=True, help="Also by doing: send a letter, write and read a file, try each channel's token."
)
@json_option
@pass_shell
def doctor(shell: Shell, deep: bool, as_json: bool) -> None:
    """Look at every setting and part of this Kicau, and say what to do. Ends with 1 where anything is wrong."""
    findings = list(examine(shell))
    if deep and not any(f.what == "database" and f.state == "wrong" for f in findings):
        from kicau.cli import doctor_deep as looking

        findings += _carefully(partial(looking.deep, shell), "deep")
    table = [(MARKS[f.state], f.what, f.says, f.do) for f in findings]
    answer(as_json, [asdict(f) for f in findings], lambda: show_table(("", "what", "", "what to do"), table))
    bad = sum(f.state == "wrong" for f in findings)
    if not as_json:
        click.echo(f"\n{bad} {'thing is' if bad == 1 else 'things are'} wrong." if bad else "\nAll is well.")
    if bad:
        sys.exit(FAILED)


def examine(shell: Shell) -> Iterator[Finding]:
    """Every finding; what cannot be looked at because of an earlier one is left out."""
    settings = list(look_at_settings())
    yield from settings
    if any(f.state == "wrong" for f in settings):
        return
    folder = setting_definitions.data_folder()
    yield from look_at_folder(folder)
    try:
        shell.kicau()
        yield from look_at_database()
    except Exception as exc:
        yield wrong("database", " ".join(read_failure(exc)[1]), "Start Kicau with kicau up, or mend DATABASE_URL.")
        return
    for look in (
        look_at_work,
        look_at_signing,
        look_at_expiries,
        look_at_web,
        look_at_apps,
        look_at_channels,
        look_at_trail,
    ):
        yield from _carefully(look)


def _carefully(look: Callable[[], Iterator[Finding]], what: str = "") -> Iterator[Finding]:
    try:
        yield from look()
    except Exception as exc:
        yield wrong(
            what or getattr(look, "__name__", "").removeprefix("look_at_"),
            " ".join(read_failure(exc)[1]),
            "kicau up brings the database to this version.",
        )


def look_at_settings() -> Iterator[Finding]:
    for option in setting_definitions.OPTIONS:
        try:
            value = setting_definitions.read(option.name)
        except setting_definitions.BadSetting as exc:
            yield wrong(option.name, str(exc), option.help)
            continue
        given = bool(os.environ.get(option.name, "").strip())
        shown = "is set" if option.is_secret and value else value or "not set"
        yield ok(option.name, shown if given else f"{shown} (default)")
    known = {o.name for o in setting_definitions.OPTIONS} | {
        "KICAU_AS",
        "KICAU_WORKSPACE",
        "KICAU_OWNER",
        "KICAU_SANDBOX_VALIDATORS",
        "KICAU_PYTHON",
        "KICAU_BACKUP_PASSPHRASE",
    }
    for name in sorted(
        n for n in os.environ if n.startswith("KICAU_") and not n.startswith("KICAU_TEST_") and n not in known
    ):
        yield note(
            name,
            "There is no such setting; it changes nothing.",
            "Is it misspelt? docs/reference/settings.md lists them all.",
        )


def look_at_folder(folder: Path) -> Iterator[Finding]:
    if not folder.is_dir():
        yield wrong(
            "data folder",
            f"{folder} is not there.",
            "Start Kicau once with kicau up, or name its folder with KICAU_DATA.",
        )
        return
    if not os.access(folder, os.W_OK | os.X_OK):
        yield wrong("data folder", f"{folder} cannot be written to.", "Run as its owner, or choose another KICAU_DATA.")
        return
    free = shutil.disk_usage(folder).free
    if free < LITTLE_SPACE:
        yield wrong("data folder", f"{folder}: only {free / 1e6:.0f} MB are free.", "Free some space: at least 1 GB.")
    else:
        yield ok("data folder", f"{folder}, {free / 1e9:.0f} GB free")
    key = folder / keys.FILE
    if key.exists() and key.stat().st_mode & 0o077:
        yield wrong("key file", f"{key} can be read by others.", f"chmod 600 {key}")
    try:
        if key.exists() and len(keys.read(key).sealing) > 1:
            yield note("key file", "has several keys that seal: a rotation is not finished.", "kicau keys rotate")
    except (OSError, ValueError) as exc:
        yield wrong("key file", str(exc), "Restore it from your backup.")
    yield (
        ok("kicau up", "is running here")
        if is_up(folder)
        else wrong("kicau up", "is not running on this folder.", "Start it with: kicau up")
    )


def is_up(folder: Path) -> bool:
    """Whether a `kicau up` holds the folder."""
    try:
        with open(folder / "up.lock") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def look_at_database() -> Iterator[Finding]:
    from django.db import connection
    from django.db.migrations.executor import MigrationExecutor

    from kicau.base import clock_drift

    with connection.cursor() as cursor:
        cursor.execute("SHOW server_version_num")
        version = int(cursor.fetchone()[0])
    if version < 150_000:
        yield wrong("database", f"PostgreSQL {version // 10_000} is too old.", "Use PostgreSQL 15 or newer.")
    else:
        yield ok("database", f"PostgreSQL {version // 10_000}.{version % 10_000} answers")
    with connection.cursor() as cursor:
        cursor.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user")
        if cursor.fetchone()[0]:
            yield note(
                "database user",
                "It is a superuser: whoever takes over the web server may run programs as the database's user.",
                "Use a role that owns the database and is no superuser. For the embedded one: kicau backup, then kicau restore into a new folder.",
            )
    executor = MigrationExecutor(connection)
    missing = len(executor.migration_plan(executor.loader.graph.leaf_nodes()))
    if missing:
        yield wrong("migrations", f"{missing} are missing.", "kicau up applies them.")
    else:
        yield ok("migrations", "all are applied")
    found = clock_drift.measure()
    if found.differs:
        ahead = "ahead of" if found.difference < timedelta(0) else "behind"
        seconds = abs(found.difference.total_seconds())
        yield wrong(
            "clock",
            f"This machine's clock is {seconds:.1f} s {ahead} the database's. Kicau goes by the database's clock.",
            "Set both machines by network time (NTP).",
        )
    else:
        yield ok("clock", f"{found.database_now:%Y-%m-%d %H:%M:%S} UTC, the same as the database's")


def look_at_work() -> Iterator[Finding]:
    from kicau.publishing.delivery.lateness import delivery_health

    found = delivery_health()
    if found.ok:
        yield ok("workers", found.says)
    else:
        yield wrong(
            "workers",
            found.says,
            "Look at what `kicau up` logs." if found.workers else "If it runs: look at what it logs.",
        )


def look_at_signing() -> Iterator[Finding]:
    """Whether published pictures can be signed, where a certificate is named for it."""
    from kicau.media import signing

    try:
        by = signing.identity()
    except signing.NotSigned as why:
        yield wrong("signing (C2PA)", str(why), "Until then pictures go out marked and unsigned.")
        return
    if by is not None:
        from kicau.channels.expiries import WARN_BEFORE

        tell = note if by.until - clock.now() <= WARN_BEFORE else ok
        yield tell("signing (C2PA)", f"by {by.name}, {by.algorithm}, until {by.until:%Y-%m-%d}")


def look_at_expiries() -> Iterator[Finding]:
    """What ends on a known day, such as versions of networks' APIs: 60 days before and from then on."""
    from kicau.channels.expiries import CERTIFICATE, expiries  # the certificate: see look_at_signing

    today = clock.now().date()
    for one in expiries():
        says = f"{one.what} {one.value} {'ends' if one.ends > today else 'ended'} on {one.ends}."
        do = "Update Kicau. A price list of your own is yours to renew."
        if one.what == CERTIFICATE:
            continue
        if not one.is_near(today):
            yield ok(one.source, says)
        elif one.ends > today or not one.is_used:
            yield note(one.source, says, do)
        else:
            yield wrong(one.source, says, do)


def look_at_web() -> Iterator[Finding]:
    from kicau.cli.up import LOCAL, answers

    address = f"{setting_definitions.read('KICAU_HOST')}:{setting_definitions.read('KICAU_PORT')}"
    yield (
        ok("web server", f"answers at {address}")
        if answers()
        else wrong("web server", f"nothing answers at {address}.", "Start it with: kicau up")
    )
    public = urlsplit(setting_definitions.public_url())
    if public.hostname in LOCAL:
        yield note(
            "public address",
            f"{public.geturl()} is this machine's own.",
            "Networks that fetch media cannot reach it: set KICAU_PUBLIC_URL to an address that they can.",
        )
        return
    if public.scheme != "https":
        yield wrong(
            "public address", f"{public.geturl()} is not encrypted.", "Put a proxy with TLS before it and use https://."
        )
        return
    yield _reachable(public.geturl())
    if not setting_definitions.listed("KICAU_PROXIES"):
        yield note(
            "proxies",
            "no proxy is named, so all visitors behind one count as one address.",
            "Set KICAU_PROXIES to the address of the proxy with TLS that is before Kicau.",
        )


def _reachable(url: str) -> Finding:
    import urllib.error
    import urllib.request

    try:
        with urllib.request.urlopen(f"{url}/readyz", timeout=10):  # noqa: S310 (https, checked by the caller)
            return ok("public address", f"{url} answers")
    except (urllib.error.URLError, OSError) as exc:
        return wrong(
            "public address",
            f"{url} cannot be reached from here: {getattr(exc, 'reason', exc)}.",
            "Does the proxy pass on to KICAU_HOST:KICAU_PORT, and is the name right?",
        )


def look_at_apps() -> Iterator[Finding]:
    from kicau.channels import actions
    from kicau.connector import registry

    there: dict[str, list[Any]] = {}
    for app in actions.apps():
        there.setdefault(app.network, []).append(app)
    for slug, connector in registry.installed().items():
        if slug in there:
            yield ok(
                connector.label, ", ".join(f"app {a.name}{' (sandbox)' if a.is_sandbox else ''}" for a in there[slug])
            )
        elif not connector.auth.needs_keys:
            yield ok(connector.label, "needs no app keys")
        else:
            yield note(connector.label, "has no app keys here.", f"To use it: kicau apps add {slug}")


def look_at_channels() -> Iterator[Finding]:
    from kicau.channels.models import Channel, ChannelState

    for row in Channel.objects.filter(state=ChannelState.EXPIRED).order_by("key"):
        yield wrong(row.key, row.reason, f"kicau channels connect {row.network}")
    for row in (
        Channel.objects.filter(state__in=(ChannelState.ACTIVE, ChannelState.HELD))
        .exclude(renewal_why="")
        .order_by("key")
    ):
        yield note(row.key, row.renewal_why, "kicau costs budgets")
    active = Channel.objects.filter(state=ChannelState.ACTIVE)
    if active:
        yield ok(
            "channels",
            f"{active.count()} are connected"
            + (f", {paused} of them paused" if (paused := active.filter(is_paused=True).count()) else ""),
        )


def look_at_trail() -> Iterator[Finding]:
    """Whether the audit trail is as its daily digests in the log of evidence say."""
    from kicau.rights import trail_digest

    found = trail_digest.check()
    for one in found:
        if one.erased:
            yield note("audit trail", f"{one.day}: {one.says}.", "")
        else:
            yield wrong(
                "audit trail",
                f"{one.day}: {one.says}.",
                "Somebody wrote into the database past Kicau: compare it with a backup of that day.",
            )
    if not found:
        yield ok("audit trail", "is as its daily digests say")
