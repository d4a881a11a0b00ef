"""`kicau completion`: the tab key."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class


@click.command()
@click.argument("shell_name", metavar="SHELL", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(context: click.Context, shell_name: str) -> None:
    """Print the shell script that completes kicau's commands in SHELL.

    For bash: kicau completion bash > ~/.local/share/bash-completion/completions/kicau
    """
    of = get_completion_class(shell_name)
    assert of is not None
    click.echo(of(context.find_root().command, {}, "kicau", "_KICAU_COMPLETE").source())
