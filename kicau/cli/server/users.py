"""`kicau users`: who is in a workspace, and as what."""

from __future__ import annotations

import secrets
import sys
from typing import TYPE_CHECKING, Any

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
    from kicau.workspaces.invitations import NewInvitation
    from kicau.workspaces.models import Person


@click.group()
def users() -> None:
    """People and their roles in the workspace."""


@users.command("list")
@json_option
@pass_shell
def list_users(shell: Shell, as_json: bool) -> None:
    """Show the workspace's members."""
    actor = shell.actor()
    from kicau.cli.core import serializers
    from kicau.workspaces import actions

    rows = [serializers.member_json(row) for row in actions.members(actor)]
    table = [(r["email"], r["name"], r["role"], "operator" if r["operator"] else "") for r in rows]
    print_result(as_json, rows, lambda: print_table(("address", "name", "role", ""), table))


@users.command("add")
@click.argument("email")
@click.option("--name", default="", help="What others read.")
@click.option(
    "--role",
    default="editor",
    show_default=True,
    help="owner, admin, editor, contributor (writes, may not publish) or viewer.",
)
@click.option("--operator", is_flag=True, help="Hosts this instance: may add people and apps.")
@click.option(
    "--password-stdin",
    is_flag=True,
    help="Read the password from standard input; else one is made up and printed once.",
)
@json_option
@pass_shell
def add_user(
    shell: Shell, email: str, name: str, role: str, operator: bool, password_stdin: bool, as_json: bool
) -> None:
    """Add somebody to the workspace.

    Who is not here yet is made, with a password. Who has an account under an address that is not proved gets an
    invitation instead (see kicau users prove).
    """
    actor = shell.actor()
    from kicau.workspaces import actions, addresses, invitations
    from kicau.workspaces.models import Membership

    told: dict[str, Any] = {"email": email, "name": name, "role": role, "password": None, "invitation": None}
    person = addresses.find_person_by_email(email)
    if person is None:
        password = _read_password() if password_stdin else _random_password()
        person = actions.create_member(actor, email, name, password, role, operator=operator).person
        told["password"] = None if password_stdin else password
    elif person.is_proved or Membership.objects.filter(workspace=actor.workspace, person=person).exists():
        actions.set_member_role(actor, person, role)
    else:
        told |= {"email": person.email, "name": person.name}
        _print_invitation(told, invitations.invite(actor, email, role), as_json)
        return
    told |= {"email": person.email, "name": person.name}
    sentence = f"{person.email} is {role} in {actor.workspace}."
    print_result(
        as_json,
        told,
        lambda: click.echo(sentence + (f" Password, shown this once: {told['password']}" if told["password"] else "")),
    )


def _print_invitation(told: dict[str, Any], made: NewInvitation, as_json: bool) -> None:
    from kicau.cli.core import serializers

    told["invitation"] = {
        **serializers.invitation_json(made.invitation),
        "link": made.link or None,
        "mailed": made.mailed,
    }
    print_result(
        as_json,
        told,
        lambda: click.echo(
            f"Nobody has shown yet that the account {told['email']} belongs to that address, so it is invited and not added.\n"
            + _invitation_text(told["invitation"])
        ),
    )


def _invitation_text(made: dict[str, Any]) -> str:
    if made["mailed"]:
        return f"Mailed to {made['email']}, and shown to nobody. It works once, until {made['expires_at']}."
    return f"Send this to {made['email']} yourself. It works once, until {made['expires_at']}:\n{made['link']}"


@users.command("prove")
@click.argument("email")
@click.option(
    "--reset",
    is_flag=True,
    help="End every other way into the account; a new password is printed once. Use it in doubt.",
)
@json_option
@pass_shell
def prove(shell: Shell, email: str, reset: bool, as_json: bool) -> None:
    """Vouch that an account belongs to the owner of its address; for who hosts this Kicau.

    Then the identity provider's sign-in with that address opens it, and kicau users add finds it.
    """
    operator = _require_operator(shell, "prove someone's address")
    from kicau.workspaces import address_verification

    person = _get_person(email)
    password = _random_password() if reset else None
    told: dict[str, Any] = {"email": person.email, "password": password, **address_verification.sign_in_methods(person)}
    address_verification.vouch_for_address(person, operator, password)
    sentence = (
        f"The account {person.email} is proved. Every other way in has ended; its password, shown this once: {password}"
        if reset
        else f"The account {person.email} is proved. It keeps its password, {told['passkeys']} passkeys, {told['identities']} provider identities and {told['tokens']} tokens; with --reset they end."
    )
    print_result(as_json, told, lambda: click.echo(sentence))


@users.command("role")
@click.argument("email")
@click.argument("role")
@json_option
@pass_shell
def set_role(shell: Shell, email: str, role: str, as_json: bool) -> None:
    """Change somebody's role."""
    actor = shell.actor()
    from kicau.workspaces import actions

    person = actions.member_by_email(actor, email)
    actions.set_member_role(actor, person, role)
    print_result(
        as_json,
        {"email": person.email, "role": role},
        lambda: click.echo(f"{person.email} is {role} in {actor.workspace}."),
    )


@users.command("remove")
@click.argument("email")
@json_option
@pass_shell
def remove_user(shell: Shell, email: str, as_json: bool) -> None:
    """Take somebody out of the workspace; what they wrote stays."""
    actor = shell.actor()
    from kicau.workspaces import actions

    person = actions.member_by_email(actor, email)
    actions.remove_member(actor, person)
    print_result(
        as_json, {"email": person.email}, lambda: click.echo(f"{person.email} is no longer in {actor.workspace}.")
    )


@users.command("password")
@click.argument("email")
@click.option(
    "--password-stdin", is_flag=True, help="Read it from standard input; else one is made up and printed once."
)
@json_option
@pass_shell
def new_password(shell: Shell, email: str, password_stdin: bool, as_json: bool) -> None:
    """Give somebody a new password; for who hosts this Kicau."""
    operator = shell.person()
    from kicau.workspaces import actions

    if not operator.is_operator and operator.email.casefold() != email.casefold():
        raise CommandError("Only an operator can give someone else a password.", EXIT_NOT_FOUND)
    person = _get_person(email)
    password = _read_password() if password_stdin else _random_password()
    actions.update_person(person, password=password)
    told = {"email": person.email, "password": None if password_stdin else password}
    print_result(
        as_json,
        told,
        lambda: click.echo(
            f"{person.email} has a new password." + (f" Shown this once: {password}" if not password_stdin else "")
        ),
    )


@users.command("invite")
@click.argument("email")
@click.option("--role", default="editor", show_default=True, help="owner, admin, editor, contributor or viewer.")
@click.option("--show-link", is_flag=True, help="Print the link and do not mail it; it then proves no address.")
@json_option
@pass_shell
def invite_user(shell: Shell, email: str, role: str, show_link: bool, as_json: bool) -> None:
    """Make a one-time link by which the owner of an address joins.

    It works for a week. Where a mail server is set it is mailed and shown to nobody.
    """
    actor = shell.actor()
    from kicau.cli.core import serializers
    from kicau.workspaces import invitations

    made = invitations.invite(actor, email, role, show=show_link)
    told = {**serializers.invitation_json(made.invitation), "link": made.link or None, "mailed": made.mailed}
    print_result(as_json, told, lambda: click.echo(_invitation_text(told)))


@users.command("invitations")
@json_option
@pass_shell
def list_invitations(shell: Shell, as_json: bool) -> None:
    """Show the invitations that nobody has used yet."""
    actor = shell.actor()
    from kicau.cli.core import serializers
    from kicau.workspaces import invitations

    rows = [serializers.invitation_json(row) for row in invitations.open_invitations(actor)]
    table = [(r["id"], r["email"], r["role"], r["expires_at"]) for r in rows]
    print_result(as_json, rows, lambda: print_table(("id", "address", "role", "until"), table))


@users.command("uninvite")
@click.argument("invitation")
@json_option
@pass_shell
def uninvite_user(shell: Shell, invitation: str, as_json: bool) -> None:
    """Take an invitation back, by its id; its link stops working at once."""
    actor = shell.actor()
    from kicau.workspaces import invitations

    row = invitations.revoke_invitation(actor, invitation)
    print_result(
        as_json, {"id": str(row.id), "email": row.email}, lambda: click.echo(f"{row.email} is no longer invited.")
    )


@users.command("hand-over")
@click.argument("email")
@json_option
@pass_shell
def hand_over(shell: Shell, email: str, as_json: bool) -> None:
    """Make a member the owner; whoever hands over becomes admin."""
    actor = shell.actor()
    from kicau.workspaces import actions

    person = actions.member_by_email(actor, email)
    actions.transfer_ownership(actor, person)
    print_result(
        as_json,
        {"email": person.email, "role": "owner"},
        lambda: click.echo(f"{person.email} owns {actor.workspace} now."),
    )


@users.command("code-off")
@click.argument("email")
@json_option
@pass_shell
def code_off(shell: Shell, email: str, as_json: bool) -> None:
    """Ask somebody for no code any more, who lost both phone and recovery codes; for who hosts this Kicau."""
    _require_operator(shell, "turn someone's code off")
    from kicau.workspaces import factors

    person = _get_person(email)
    factors.turn_off_second_factor(person)
    print_result(as_json, {"email": person.email}, lambda: click.echo(f"{person.email} signs in without a code now."))


def _require_operator(shell: Shell, what: str) -> Person:
    """Raises CommandError for anybody else."""
    person = shell.person()
    if not person.is_operator:
        raise CommandError(f"Only an operator can {what}.", EXIT_NOT_FOUND)
    return person


def _get_person(email: str) -> Person:
    """Raises CommandError."""
    from kicau.workspaces import addresses

    person = addresses.find_person_by_email(email)
    if person is None:
        raise CommandError(f"Nobody with the address {email} is here.", EXIT_NOT_FOUND)
    return person


def _random_password() -> str:
    return "-".join(secrets.token_hex(4) for _ in range(4))


def _read_password() -> str:
    return sys.stdin.readline().rstrip("\r\n")
