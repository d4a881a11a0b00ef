"""`kicau keys`: the instance's own secret keys."""

from __future__ import annotations

import click

from kicau.base import setting_definitions
from kicau.cli.core.command import CommandError, Shell, json_option, pass_shell, print_result


@click.group()
def keys() -> None:
    """Manage the keys that encrypt stored secrets and sign links."""


@keys.command()
@click.option(
    "--keep-signatures",
    is_flag=True,
    help="Keep sessions and links valid that the old key signed, until the next rotation.",
)
@json_option
@pass_shell
def rotate(shell: Shell, keep_signatures: bool, as_json: bool) -> None:
    """Encrypt every stored secret with a new key, then remove the old key.

    Do this if someone else may have read secret.key. Kicau may be running. If the command is interrupted, run it again
    to continue. Afterwards, restart Kicau and make a new backup.
    """
    shell.kicau()
    from kicau.base import key_rotation

    try:
        done = key_rotation.rotate(setting_definitions.data_folder(), keep_signatures=keep_signatures)
    except key_rotation.RotationFailed as exc:
        raise CommandError(str(exc)) from None
    said = {
        "columns": done.columns,
        "values": done.values,
        "keys_dropped": done.dropped,
        "resumed": done.resumed,
        "restart": True,
    }

    def say() -> None:
        if done.resumed:
            click.echo("Kicau completed an interrupted rotation and created no further key.")
        click.echo(
            f"Encrypted with the new key: {done.values} values in {done.columns} columns. Old keys removed: {done.dropped}."
        )
        click.echo("Now restart Kicau so that it signs with the new key, and make a new backup.")

    print_result(as_json, said, say)
