"""`kicau backup` and `kicau restore`: what kicau/backup does, asked for at the shell."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from kicau.base import keys, setting_definitions
from kicau.cli.core.command import EXIT_NO_KICAU, CommandError, json_option, print_result
from kicau.cli.server.up import exclusive_folder

PASSPHRASE_VARIABLE = "KICAU_BACKUP_PASSPHRASE"  # noqa: S105 (the name of a variable)
UNENCRYPTED_WARNING = (
    "This backup is not encrypted, so Kicau cannot check who created it. Restore only a file that you trust."
)
MIN_PASSPHRASE_LENGTH = 12  # characters of a passphrase

passphrase_option = click.option(
    "--passphrase-file",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help=f"File with the passphrase in its first line. Default: {PASSPHRASE_VARIABLE}, or Kicau asks for it.",
)


@click.command()
@click.argument("target", metavar="FILE", type=click.Path(path_type=Path, dir_okay=False))
@click.option(
    "--encrypt",
    is_flag=True,
    help="Encrypt the file with a passphrase. Nobody can restore the backup without this passphrase.",
)
@passphrase_option
@click.option(
    "--without-key",
    is_flag=True,
    help="Do not include the key file. Store the key file elsewhere, because a restore needs it.",
)
@json_option
def backup(target: Path, encrypt: bool, passphrase_file: Path | None, without_key: bool, as_json: bool) -> None:
    """Write a complete backup to FILE. Kicau may be running.

    Unless you use --encrypt or --without-key, the file contains all secrets of this server. Keep it safe.
    """
    from kicau.backup import actions

    folder = setting_definitions.data_folder()
    if not (folder / keys.KEY_FILE_NAME).exists():
        raise CommandError(f"There is no Kicau data in {folder}. Set KICAU_DATA to the data folder.", EXIT_NO_KICAU)
    passphrase = _read_passphrase(passphrase_file, new=True) if encrypt or passphrase_file else ""
    with _backup_errors_as_trouble(), actions.running_database_url(folder) as url:
        made = actions.back_up(target, folder, url, passphrase=passphrase, with_key=not without_key)
    size = target.stat().st_size
    told = {
        "file": str(target),
        "size": size,
        "media": made.media,
        "rows": sum(made.rows.values()),
        "made_at": made.made_at,
        "encrypted": bool(passphrase),
        "has_key": made.has_key,
        "missing_media": made.missing,
    }

    def say() -> None:
        click.echo(f"{target}: {size / 1e6:.1f} MB, the database ({told['rows']} rows) and {made.media} media.")
        if made.missing:
            click.echo(
                f"{len(made.missing)} media files are missing on the disk, for example {made.missing[0]}. The backup does not contain them.",
                err=True,
            )

    print_result(as_json, told, say)


@click.command()
@click.argument("source", metavar="FILE", type=click.Path(path_type=Path, dir_okay=False, exists=True))
@click.option(
    "--verify", is_flag=True, help="After restoring, read all media files from disk and compare them with the backup."
)
@click.option("--dry-run", is_flag=True, help="Only check whether FILE is complete. Write nothing.")
@click.option(
    "--paused", is_flag=True, help="Pause every channel, so that you can check everything before Kicau publishes."
)
@click.option(
    "--key-file",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="The key file, if the backup was made without it.",
)
@passphrase_option
@json_option
def restore(
    source: Path,
    verify: bool,
    dry_run: bool,
    paused: bool,
    key_file: Path | None,
    passphrase_file: Path | None,
    as_json: bool,
) -> None:
    """Restore a backup into an empty data folder (KICAU_DATA) and upgrade it to this version.

    Before Kicau publishes anything, it checks on the networks which posts were published since the backup.
    """
    from kicau.backup import actions, archive

    sealed = archive.is_encrypted(source)
    passphrase = _read_passphrase(passphrase_file, new=False) if sealed else ""
    if dry_run:
        _verify(source, passphrase, as_json, is_encrypted=sealed)
        return
    folder = setting_definitions.data_folder()
    with _backup_errors_as_trouble():
        checked = actions.check_backup(source, folder, passphrase)
    _warn_if_unencrypted(sealed)
    with exclusive_folder(folder), _backup_errors_as_trouble():
        done = actions.restore_backup(
            source, folder, checked, passphrase=passphrase, key_file=key_file, verify=verify, paused=paused
        )
    made = done.manifest
    result = {
        "folder": str(folder),
        "made_at": made.made_at,
        "media": made.media,
        "rows": sum(made.rows.values()),
        "migrations": done.migrations,
        "verified_media": done.verified,
        "looked_up_first": done.in_doubt,
        "paused": paused,
        "encrypted": sealed,
    }
    print_result(as_json, result, lambda: _print_restored(result, verify=verify))


def _print_restored(result: Mapping[str, Any], *, verify: bool) -> None:
    click.echo(
        f"Restored into {result['folder']} what it was at {result['made_at'][:16]}Z: {result['rows']} rows and {result['media']} media files."
    )
    if verify:
        click.echo(f"Verified: {result['verified_media']} media files on the disk are identical to the backup.")
    if result["looked_up_first"]:
        click.echo(
            f"Posts that may have been published since the backup: {result['looked_up_first']}. Kicau checks each one on its network before it publishes."
        )
    click.echo(
        "Every channel is paused. Start Kicau with kicau up, check the posts, then resume the channels."
        if result["paused"]
        else "Start Kicau with: kicau up"
    )


def _verify(source: Path, passphrase: str, as_json: bool, *, is_encrypted: bool) -> None:
    from kicau.backup import archive

    with _backup_errors_as_trouble():
        found = archive.verify_backup(source, passphrase)
    _warn_if_unencrypted(is_encrypted)
    told = {
        "file": str(source),
        "made_at": found.made_at,
        "kicau": found.kicau,
        "media": found.media,
        "rows": sum(found.rows.values()),
        "has_key": found.has_key,
        "encrypted": is_encrypted,
    }
    print_result(
        as_json,
        told,
        lambda: click.echo(
            f"{source} is complete: Kicau {found.kicau} at {found.made_at[:16]}Z, with {found.media} media files."
        ),
    )


def _warn_if_unencrypted(sealed: bool) -> None:
    if not sealed:
        click.echo(UNENCRYPTED_WARNING, err=True)


@contextmanager
def _backup_errors_as_trouble() -> Iterator[None]:
    from kicau.backup.errors import BackupError
    from kicau.base.postgres import DatabaseUnavailable

    try:
        yield
    except (BackupError, DatabaseUnavailable) as exc:
        raise CommandError(str(exc)) from None
    except OSError as exc:
        raise CommandError(
            f"{exc.filename or 'A file'} cannot be opened: {exc.strerror}. Nothing was changed."
        ) from None


def _read_passphrase(file: Path | None, *, new: bool) -> str:
    """Raises CommandError for none, or a new one that is too short."""
    given = file.read_text("utf-8").split("\n", 1)[0].strip() if file else os.environ.get(PASSPHRASE_VARIABLE, "")
    if not given and sys.stdin.isatty():
        given = click.prompt("Passphrase", hide_input=True, confirmation_prompt=new)
    if not given:
        raise CommandError(f"A passphrase is required. Set it with --passphrase-file or {PASSPHRASE_VARIABLE}.")
    if new and len(given) < MIN_PASSPHRASE_LENGTH:
        raise CommandError(
            f"The passphrase has {len(given)} characters, but it must have at least {MIN_PASSPHRASE_LENGTH}."
        )
    return given
