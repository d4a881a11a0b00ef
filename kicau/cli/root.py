"""The program `kicau` and its commands."""

from __future__ import annotations

import click

import kicau
from kicau.cli.frame import Root, Shell, pass_shell
from kicau.cli.check import check
from kicau.cli.up import up


@click.group(cls=Root, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option("--as", "email", metavar="EMAIL", envvar="KICAU_AS", default="", help="Whom to act for; else the first operator.")
@click.option("--workspace", metavar="NAME", envvar="KICAU_WORKSPACE", default="", help="Name or id of the workspace, where there are several.")
@click.version_option(kicau.__version__, message="Kicau %(version)s")
@pass_shell
def main(shell: Shell, email: str, workspace: str) -> None:
    """Write once, adapt it per network, and have it published at its second.

    `kicau demo` shows all of it on this machine; `kicau up` runs it for real.
    """
    shell.email, shell.workspace = email.strip(), workspace.strip()


for command in (up, check):
    main.add_command(command)
