"""`kicau users close|export|forget` and `kicau workspaces`: the end of an account or a workspace."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from kicau.cli.core.command import (
    EXIT_NOT_FOUND,
    CommandError,
    Shell,
    json_option,
    pass_shell,
    print_result,
    print_table,
)

if TYPE_CHECKING:
    from kicau.workspaces.models import Person


@click.command("close")
@click.argument("email")
@json_option
@pass_shell
def close(shell: Shell, email: str, as_json: bool) -> None:
    """Close an account and end its sessions, API tokens, memberships and invitations. Content that the person wrote stays."""
    operator, person = _actor_and_person(shell, email)
    from kicau.erasure import accounts

    accounts.close_account(operator, person, "cli")
    print_result(as_json, {"email": person.email}, lambda: click.echo(f"The account of {person.email} is closed."))


@click.command("export")
@click.argument("email")
@pass_shell
def export(shell: Shell, email: str) -> None:
    """Print all data that Kicau stores about a person, as JSON."""
    operator, person = _actor_and_person(shell, email)
    from kicau.erasure import accounts

    click.echo(accounts.to_json(accounts.export_person_data(operator, person, "cli")))


@click.command("erase")
@click.argument("email")
@click.option(
    "--confirm", default="", help="Confirm by repeating the e-mail address. Without this option, Kicau asks for it."
)
@json_option
@pass_shell
def erase(shell: Shell, email: str, confirm: str, as_json: bool) -> None:
    """Close an account and erase the personal data in it. You cannot undo this. Backups keep the data until you delete them."""
    operator, person = _actor_and_person(shell, email)
    from kicau.erasure import accounts

    typed = confirm or _read_typed(f"Type {person.email} to delete this account")
    accounts.erase_account(operator, person, "cli", confirmation=typed)
    print_result(as_json, {"email": email}, lambda: click.echo("The account is deleted."))


@click.group()
def workspaces() -> None:
    """List and delete workspaces."""


@workspaces.command("list")
@json_option
@pass_shell
def list_workspaces(shell: Shell, as_json: bool) -> None:
    """List your workspaces."""
    person = shell.person()
    from kicau.workspaces import actions

    rows = [{"id": str(one.id), "name": one.name} for one in actions.workspaces_of(person)]
    print_result(as_json, rows, lambda: print_table(("name", "id"), [(one["name"], one["id"]) for one in rows]))


@workspaces.command("delete")
@click.argument("name")
@click.option(
    "--confirm", default="", help="Confirm by repeating the workspace's name. Without this option, Kicau asks for it."
)
@json_option
@pass_shell
def delete_workspace(shell: Shell, name: str, confirm: str, as_json: bool) -> None:
    """Delete a workspace that you own, with everything in it. Published posts stay public on their networks."""
    shell.workspace = name
    actor = shell.actor()
    from kicau.erasure import workspaces as erasure

    typed = confirm or _read_typed(f"Type {actor.workspace.name} to delete this workspace")
    removed = erasure.delete_workspace(actor, confirmation=typed)
    print_result(
        as_json,
        {"id": str(actor.workspace.id), "name": actor.workspace.name, "removed": removed},
        lambda: click.echo(f"The workspace {actor.workspace.name} is deleted."),
    )


def _actor_and_person(shell: Shell, email: str) -> tuple[Person, Person]:
    """Who acts, and whose account it is."""
    operator = shell.person()
    from kicau.workspaces.models import Person

    if not operator.is_operator and operator.email.casefold() != email.strip().casefold():
        raise CommandError(
            "Only the server administrator can export, close or delete another person's account.", EXIT_NOT_FOUND
        )
    person = Person.objects.filter(email__iexact=email.strip()).first()
    if person is None:
        raise CommandError(f"There is no account with the e-mail address {email}.", EXIT_NOT_FOUND)
    return operator, person


def _read_typed(question: str) -> str:
    if sys.stdin.isatty():
        return str(click.prompt(question, err=True))
    return sys.stdin.readline().rstrip("\r\n")
