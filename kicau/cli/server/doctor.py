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
from kicau.cli.core.command import (
    EXIT_FAILED,
    Shell,
    describe_failure,
    json_option,
    pass_shell,
    print_result,
    print_table,
)
from kicau.cli.core.finding import DoctorFinding, note_finding, ok_finding, problem_finding

MIN_FREE_BYTES = 1_000_000_000  # bytes
STATE_MARKS = {"ok": "✓", "note": "·", "wrong": "✗"}


@click.command()
@click.option(
    "--deep",
    is_flag=True,
    help="Also test in practice: send an e-mail, write and read a file, and try each channel's token.",
)
@json_option
@pass_shell
def doctor(shell: Shell, deep: bool, as_json: bool) -> None:
    """Check every setting and part of this server, and say what to do. The exit code is 1 if anything is wrong."""
    findings = list(all_findings(shell))
    if deep and not any(f.what == "database" and f.state == "wrong" for f in findings):
        from kicau.cli.server import doctor_deep as looking

        findings += _guarded_findings(partial(looking.deep_findings, shell), "deep")
    table = [(STATE_MARKS[f.state], f.what, f.says, f.do) for f in findings]
    print_result(as_json, [asdict(f) for f in findings], lambda: print_table(("", "what", "", "what to do"), table))
    bad = sum(f.state == "wrong" for f in findings)
    if not as_json:
        click.echo(f"\n{bad} {'thing is' if bad == 1 else 'things are'} wrong." if bad else "\nEverything works.")
    if bad:
        sys.exit(EXIT_FAILED)


def all_findings(shell: Shell) -> Iterator[DoctorFinding]:
    """Every finding; what cannot be looked at because of an earlier one is left out."""
    settings = list(check_settings())
    yield from settings
    if any(f.state == "wrong" for f in settings):
        return
    folder = setting_definitions.data_folder()
    yield from check_folder(folder)
    try:
        shell.kicau()
        yield from check_database()
    except Exception as exc:
        yield problem_finding(
            "database", " ".join(describe_failure(exc)[1]), "Start Kicau with kicau up, or correct DATABASE_URL."
        )
        return
    for look in (
        check_work,
        check_signing,
        check_expiries,
        check_web,
        check_apps,
        check_channels,
        check_trail,
    ):
        yield from _guarded_findings(look)


def _guarded_findings(look: Callable[[], Iterator[DoctorFinding]], what: str = "") -> Iterator[DoctorFinding]:
    try:
        yield from look()
    except Exception as exc:
        yield problem_finding(
            what or getattr(look, "__name__", "").removeprefix("check_"),
            " ".join(describe_failure(exc)[1]),
            "To upgrade the database to this version, run: kicau up",
        )


def check_settings() -> Iterator[DoctorFinding]:
    for option in setting_definitions.SETTING_DEFINITIONS:
        try:
            value = setting_definitions.read_setting(option.name)
        except setting_definitions.SettingError as exc:
            yield problem_finding(option.name, str(exc), option.help)
            continue
        given = bool(os.environ.get(option.name, "").strip())
        shown = "is set" if option.is_secret and value else value or "not set"
        yield ok_finding(option.name, shown if given else f"{shown} (default)")
    known = {o.name for o in setting_definitions.SETTING_DEFINITIONS} | {
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
        yield note_finding(
            name,
            "Kicau has no setting with this name and ignores it.",
            "Check the spelling in docs/reference/settings.md.",
        )


def check_folder(folder: Path) -> Iterator[DoctorFinding]:
    if not folder.is_dir():
        yield problem_finding(
            "data folder",
            f"{folder} does not exist.",
            "Start Kicau once with kicau up, or set KICAU_DATA to its data folder.",
        )
        return
    if not os.access(folder, os.W_OK | os.X_OK):
        yield problem_finding(
            "data folder",
            f"{folder} cannot be written to.",
            "Run as the owner of the folder, or choose another folder with KICAU_DATA.",
        )
        return
    free = shutil.disk_usage(folder).free
    if free < MIN_FREE_BYTES:
        yield problem_finding(
            "data folder", f"{folder}: only {free / 1e6:.0f} MB are free.", "Free some space: at least 1 GB."
        )
    else:
        yield ok_finding("data folder", f"{folder}, {free / 1e9:.0f} GB free")
    key = folder / keys.KEY_FILE_NAME
    if key.exists() and key.stat().st_mode & 0o077:
        yield problem_finding("key file", f"{key} can be read by others.", f"chmod 600 {key}")
    try:
        if key.exists() and len(keys.read_keys(key).sealing) > 1:
            yield note_finding(
                "key file", "has several encryption keys, because a key rotation is not finished.", "kicau keys rotate"
            )
    except (OSError, ValueError) as exc:
        yield problem_finding("key file", str(exc), "Restore it from your backup.")
    yield (
        ok_finding("kicau up", "is running")
        if is_running(folder)
        else problem_finding("kicau up", "is not running with this data folder.", "Start Kicau with: kicau up")
    )


def is_running(folder: Path) -> bool:
    """Whether a `kicau up` holds the folder."""
    try:
        with open(folder / "up.lock") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def check_database() -> Iterator[DoctorFinding]:
    from django.db import connection
    from django.db.migrations.executor import MigrationExecutor

    from kicau.base import clock_drift

    with connection.cursor() as cursor:
        cursor.execute("SHOW server_version_num")
        version = int(cursor.fetchone()[0])
    if version < 150_000:
        yield problem_finding("database", f"PostgreSQL {version // 10_000} is too old.", "Use PostgreSQL 15 or newer.")
    else:
        yield ok_finding("database", f"PostgreSQL {version // 10_000}.{version % 10_000} answers")
    with connection.cursor() as cursor:
        cursor.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user")
        if cursor.fetchone()[0]:
            yield note_finding(
                "database user",
                "is a superuser: an attacker who takes over the web server can run programs as the database's user.",
                "Use a role that owns the database but is not a superuser. For the embedded one: kicau backup, then kicau restore into a new folder.",
            )
    executor = MigrationExecutor(connection)
    missing = len(executor.migration_plan(executor.loader.graph.leaf_nodes()))
    if missing:
        yield problem_finding("migrations", f"{missing} are missing.", "To apply them, run: kicau up")
    else:
        yield ok_finding("migrations", "all are applied")
    found = clock_drift.measure_clock()
    if found.differs:
        ahead = "ahead of" if found.difference < timedelta(0) else "behind"
        seconds = abs(found.difference.total_seconds())
        yield problem_finding(
            "clock",
            f"This machine's clock is {seconds:.1f} s {ahead} the database's. Kicau uses the database's clock.",
            "Synchronize both machines with NTP.",
        )
    else:
        yield ok_finding("clock", f"{found.database_now:%Y-%m-%d %H:%M:%S} UTC, the same as the database's")


def check_work() -> Iterator[DoctorFinding]:
    from kicau.publishing.delivery.lateness import delivery_health

    found = delivery_health()
    if found.ok:
        yield ok_finding("workers", found.says)
    else:
        yield problem_finding(
            "workers",
            found.says,
            "Check the log of `kicau up`." if found.workers else "If Kicau is running, check its log.",
        )


def check_signing() -> Iterator[DoctorFinding]:
    """Whether published pictures can be signed, where a certificate is named for it."""
    from kicau.media import signing

    try:
        by = signing.signing_identity()
    except signing.SigningFailed as why:
        yield problem_finding(
            "signing (C2PA)",
            str(why),
            "Until then, Kicau publishes images with AI permission metadata but without a signature.",
        )
        return
    if by is not None:
        from kicau.channels.expiries import EXPIRY_WARNING_PERIOD

        tell = note_finding if by.until - clock.now() <= EXPIRY_WARNING_PERIOD else ok_finding
        yield tell("signing (C2PA)", f"by {by.name}, {by.algorithm}, until {by.until:%Y-%m-%d}")


def check_expiries() -> Iterator[DoctorFinding]:
    """What ends on a known day, such as versions of networks' APIs: 60 days before and from then on."""
    from kicau.channels.expiries import CERTIFICATE_LABEL, expiries  # the certificate: see look_at_signing

    today = clock.now().date()
    for one in expiries():
        says = f"{one.what} {one.value} {'ends' if one.ends > today else 'ended'} on {one.ends}."
        do = "Update Kicau. If it is your own price list, add a newer one."
        if one.what == CERTIFICATE_LABEL:
            continue
        if not one.is_near(today):
            yield ok_finding(one.source, says)
        elif one.ends > today or not one.is_used:
            yield note_finding(one.source, says, do)
        else:
            yield problem_finding(one.source, says, do)


def check_web() -> Iterator[DoctorFinding]:
    from kicau.cli.server.up import LOCAL_HOSTS, is_web_ready

    address = f"{setting_definitions.read_setting('KICAU_HOST')}:{setting_definitions.read_setting('KICAU_PORT')}"
    yield (
        ok_finding("web server", f"answers at {address}")
        if is_web_ready()
        else problem_finding("web server", f"there is no response at {address}.", "Start Kicau with: kicau up")
    )
    public = urlsplit(setting_definitions.public_url())
    if public.hostname in LOCAL_HOSTS:
        yield note_finding(
            "public address",
            f"{public.geturl()} is reachable only on this machine.",
            "Networks that download media cannot reach it. Set KICAU_PUBLIC_URL to an address that is reachable from the internet.",
        )
        return
    if public.scheme != "https":
        yield problem_finding(
            "public address",
            f"{public.geturl()} is not encrypted.",
            "Put a proxy with TLS in front of Kicau and use https://.",
        )
        return
    yield _check_reachable(public.geturl())
    if not setting_definitions.read_list_setting("KICAU_PROXIES"):
        yield note_finding(
            "proxies",
            "no proxy is set, so all visitors behind a proxy count as one address.",
            "Set KICAU_PROXIES to the address of the TLS proxy in front of Kicau.",
        )


def _check_reachable(url: str) -> DoctorFinding:
    import urllib.error
    import urllib.request

    try:
        with urllib.request.urlopen(f"{url}/readyz", timeout=10):  # noqa: S310 (https, checked by the caller)
            return ok_finding("public address", f"{url} answers")
    except (urllib.error.URLError, OSError) as exc:
        return problem_finding(
            "public address",
            f"{url} cannot be reached from here: {getattr(exc, 'reason', exc)}.",
            "Check that the name is correct and that the proxy forwards to KICAU_HOST:KICAU_PORT.",
        )


def check_apps() -> Iterator[DoctorFinding]:
    from kicau.channels import actions
    from kicau.connector import registry

    there: dict[str, list[Any]] = {}
    for app in actions.apps():
        there.setdefault(app.network, []).append(app)
    for slug, connector in registry.installed_connectors().items():
        if slug in there:
            yield ok_finding(
                connector.label, ", ".join(f"app {a.name}{' (sandbox)' if a.is_sandbox else ''}" for a in there[slug])
            )
        elif not connector.auth.needs_keys:
            yield ok_finding(connector.label, "needs no app keys")
        else:
            yield note_finding(connector.label, "has no app keys.", f"To use it: kicau apps add {slug}")


def check_channels() -> Iterator[DoctorFinding]:
    from kicau.channels.models import Channel, ChannelState

    for row in Channel.objects.filter(state=ChannelState.EXPIRED).order_by("key"):
        yield problem_finding(row.key, row.reason, f"kicau channels connect {row.network}")
    for row in (
        Channel.objects.filter(state__in=(ChannelState.ACTIVE, ChannelState.HELD))
        .exclude(renewal_problem="")
        .order_by("key")
    ):
        yield note_finding(row.key, row.renewal_problem, "kicau costs budgets")
    active = Channel.objects.filter(state=ChannelState.ACTIVE)
    if active:
        yield ok_finding(
            "channels",
            f"{active.count()} are connected"
            + (f", {paused} of them paused" if (paused := active.filter(is_paused=True).count()) else ""),
        )


def check_trail() -> Iterator[DoctorFinding]:
    """Whether the audit trail is as its daily digests in the log of evidence say."""
    from kicau.rights import trail_digest

    found = trail_digest.check_trail()
    for one in found:
        if one.erased:
            yield note_finding("audit trail", f"{one.day}: {one.says}.", "")
        else:
            yield problem_finding(
                "audit trail",
                f"{one.day}: {one.says}.",
                "Someone changed the database without Kicau. Compare it with a backup of that day.",
            )
    if not found:
        yield ok_finding("audit trail", "matches its daily digests")
