"""The program `kicau` and its commands."""

from __future__ import annotations

import click

import kicau
from kicau.cli import accounts
from kicau.cli.archive import archive
from kicau.cli.budgets import costs
from kicau.cli.canaries import canary
from kicau.cli.channels import channels
from kicau.cli.check import check
from kicau.cli.core.command import RootGroup, Shell, pass_shell
from kicau.cli.core.completion import completion
from kicau.cli.dataset_audit import dataset_audit, verify
from kicau.cli.deliveries import (
    calendar,
    cancel,
    change,
    confirm,
    delete,
    edit,
    publish_again,
    reschedule,
    resolve,
    retry,
    show,
)
from kicau.cli.evidence import evidence
from kicau.cli.imports import import_
from kicau.cli.inbox import inbox
from kicau.cli.offboarding import offboarding
from kicau.cli.posts import post
from kicau.cli.reviews import review
from kicau.cli.rights import rights
from kicau.cli.server.apps import apps
from kicau.cli.server.backup import backup, restore
from kicau.cli.server.demo import demo
from kicau.cli.server.doctor import doctor
from kicau.cli.server.keys import keys
from kicau.cli.server.sandbox import sandbox
from kicau.cli.server.up import up
from kicau.cli.server.users import users
from kicau.cli.snippets import contacts, saved_texts
from kicau.cli.tokens import tokens
from kicau.cli.training_sets import training_sets
from kicau.cli.webhooks import webhooks


@click.group(cls=RootGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option(
    "--as",
    "email",
    metavar="EMAIL",
    envvar="KICAU_AS",
    default="",
    help="E-mail address of the person to act for. Default: the first operator.",
)
@click.option(
    "--workspace",
    metavar="NAME",
    envvar="KICAU_WORKSPACE",
    default="",
    help="Name or ID of the workspace, if the person has several.",
)
@click.version_option(kicau.__version__, message="Kicau %(version)s")
@pass_shell
def main(shell: Shell, email: str, workspace: str) -> None:
    """Write a post once, adapt it to each network, and publish it on time.

    `kicau demo` shows everything on this machine with simulated networks. `kicau up` starts the server.
    """
    shell.email, shell.workspace = email.strip(), workspace.strip()


for command in (
    up,
    demo,
    sandbox,
    doctor,
    check,
    post,
    import_,
    calendar,
    show,
    reschedule,
    change,
    publish_again,
    confirm,
    cancel,
    retry,
    resolve,
    edit,
    delete,
    review,
    inbox,
    saved_texts,
    contacts,
    channels,
    offboarding,
    costs,
    archive,
    rights,
    training_sets,
    dataset_audit,
    verify,
    evidence,
    canary,
    apps,
    users,
    accounts.workspaces,
    tokens,
    webhooks,
    backup,
    restore,
    keys,
    completion,
):
    main.add_command(command)
for command in (accounts.close, accounts.export, accounts.erase):
    users.add_command(command)
