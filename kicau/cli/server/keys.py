"""`kicau keys`: the instance's own secret keys."""

from __future__ import annotations

import click

from kicau.base import setting_definitions
from kicau.cli.core.command import CommandError, Shell, json_option, pass_shell, print_result


@click.group()
def keys() -> None:
    """The keys that seal stored secrets and sign links."""


@keys.command()
@click.option(
    "--keep-signatures",
    is_flag=True,
    help="Sessions and links that the old key signed stay valid until the next rotation.",
)
@json_option
@pass_shell
def rotate(shell: Shell, keep_signatures: bool, as_json: bool) -> None:
    """Replace the keys: seal every stored secret with a new one, then drop the old one.

    Do it when secret.key may have been read by somebody else, while Kicau runs or not. It may be interrupted; run it
    again to go on. Restart Kicau afterwards, and make a new backup.
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
            click.echo("A rotation that had stopped was finished; no further key was made.")
        click.echo(f"Sealed again: {done.values} values in {done.columns} columns. Keys dropped: {done.dropped}.")
        click.echo("Now restart Kicau, so that it signs with the new key, and make a new backup.")

    print_result(as_json, said, say)
