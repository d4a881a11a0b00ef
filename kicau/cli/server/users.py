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
    """Manage the workspace's members, their roles and accounts."""


@users.command("list")
@json_option
@pass_shell
def list_users(shell: Shell, as_json: bool) -> None:
    """List the workspace's members."""
    actor = shell.actor()
    from kicau.cli.core import serializers
    from kicau.workspaces import actions

    rows = [serializers.member_json(row) for row in actions.members(actor)]
    table = [(r["email"], r["name"], r["role"], "operator" if r["operator"] else "") for r in rows]
    print_result(as_json, rows, lambda: print_table(("address", "name", "role", ""), table))


@users.command("add")
@click.argument("email")
@click.option("--name", default="", help="Display name.")
@click.option(
    "--role",
    default="editor",
    show_default=True,
    help="owner, admin, editor, contributor (can write but not publish) or viewer.",
)
@click.option(
    "--operator", is_flag=True, help="Make the person an operator of this server, who can add people and apps."
)
@click.option(
    "--password-stdin",
    is_flag=True,
    help="Read the password from standard input. Without this option, Kicau creates one and prints it once.",
)
@json_option
@pass_shell
def add_user(
    shell: Shell, email: str, name: str, role: str, operator: bool, password_stdin: bool, as_json: bool
) -> None:
    """Add a person to the workspace.

    If the person has no account, Kicau creates one with a password. If the account's e-mail address is not verified,
    the person gets an invitation instead (see kicau users verify-address).
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
        lambda: click.echo(sentence + (f" Password (shown only once): {told['password']}" if told["password"] else "")),
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
            f"The e-mail address of the account {told['email']} is not verified, so the person gets an invitation instead.\n"
            + _invitation_text(told["invitation"])
        ),
    )


def _invitation_text(made: dict[str, Any]) -> str:
    if made["mailed"]:
        return f"The invitation was mailed to {made['email']}. It works once, until {made['expires_at']}."
    return (
        f"Send this invitation to {made['email']} yourself. It works once, until {made['expires_at']}:\n{made['link']}"
    )


@users.command("verify-address")
@click.argument("email")
@click.option(
    "--reset",
    is_flag=True,
    help="End all other ways to sign in to the account, and print a new password once. Use this if you are not sure.",
)
@json_option
@pass_shell
def prove(shell: Shell, email: str, reset: bool, as_json: bool) -> None:
    """Confirm that an account belongs to the owner of its e-mail address (operators only).

    After that, the person can sign in with this address through the identity provider, and kicau users add can add the
    account.
    """
    operator = _require_operator(shell, "verify someone's e-mail address")
    from kicau.workspaces import address_verification

    person = _get_person(email)
    password = _random_password() if reset else None
    told: dict[str, Any] = {"email": person.email, "password": password, **address_verification.sign_in_methods(person)}
    address_verification.vouch_for_address(person, operator, password)
    sentence = (
        f"The account {person.email} is verified. All other ways to sign in have ended. Its password (shown only once): {password}"
        if reset
        else f"The account {person.email} is verified. It keeps its password, {told['passkeys']} passkeys, {told['identities']} identities at the provider and {told['tokens']} API tokens. To end them, add --reset."
    )
    print_result(as_json, told, lambda: click.echo(sentence))


@users.command("role")
@click.argument("email")
@click.argument("role")
@json_option
@pass_shell
def set_role(shell: Shell, email: str, role: str, as_json: bool) -> None:
    """Change a member's role."""
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
    """Remove a member from the workspace. Content that they wrote stays."""
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
    "--password-stdin",
    is_flag=True,
    help="Read the password from standard input. Without this option, Kicau creates one and prints it once.",
)
@json_option
@pass_shell
def new_password(shell: Shell, email: str, password_stdin: bool, as_json: bool) -> None:
    """Set a new password for someone (operators only)."""
    operator = shell.person()
    from kicau.workspaces import actions

    if not operator.is_operator and operator.email.casefold() != email.casefold():
        raise CommandError("Only an operator can set someone else's password.", EXIT_NOT_FOUND)
    person = _get_person(email)
    password = _read_password() if password_stdin else _random_password()
    actions.update_person(person, password=password)
    told = {"email": person.email, "password": None if password_stdin else password}
    print_result(
        as_json,
        told,
        lambda: click.echo(
            f"{person.email} has a new password."
            + (f" Password (shown only once): {password}" if not password_stdin else "")
        ),
    )


@users.command("invite")
@click.argument("email")
@click.option("--role", default="editor", show_default=True, help="owner, admin, editor, contributor or viewer.")
@click.option(
    "--show-link",
    is_flag=True,
    help="Print the link instead of mailing it. The link then does not verify the e-mail address.",
)
@json_option
@pass_shell
def invite_user(shell: Shell, email: str, role: str, show_link: bool, as_json: bool) -> None:
    """Create a one-time link with which the owner of an e-mail address can join the workspace.

    The link works for a week. If a mail server is set, Kicau mails the link and does not print it.
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
    """List unused invitations."""
    actor = shell.actor()
    from kicau.cli.core import serializers
    from kicau.workspaces import invitations

    rows = [serializers.invitation_json(row) for row in invitations.open_invitations(actor)]
    table = [(r["id"], r["email"], r["role"], r["expires_at"]) for r in rows]
    print_result(as_json, rows, lambda: print_table(("id", "address", "role", "until"), table))


@users.command("revoke-invitation")
@click.argument("invitation")
@json_option
@pass_shell
def uninvite_user(shell: Shell, invitation: str, as_json: bool) -> None:
    """Revoke an invitation by its ID. Its link stops working at once."""
    actor = shell.actor()
    from kicau.workspaces import invitations

    row = invitations.revoke_invitation(actor, invitation)
    print_result(
        as_json,
        {"id": str(row.id), "email": row.email},
        lambda: click.echo(f"{row.email} no longer has an invitation."),
    )


@users.command("hand-over")
@click.argument("email")
@json_option
@pass_shell
def hand_over(shell: Shell, email: str, as_json: bool) -> None:
    """Make a member the owner of the workspace. The previous owner becomes admin."""
    actor = shell.actor()
    from kicau.workspaces import actions

    person = actions.member_by_email(actor, email)
    actions.transfer_ownership(actor, person)
    print_result(
        as_json,
        {"email": person.email, "role": "owner"},
        lambda: click.echo(f"{person.email} is now the owner of {actor.workspace}."),
    )


@users.command("turn-off-two-factor")
@click.argument("email")
@json_option
@pass_shell
def code_off(shell: Shell, email: str, as_json: bool) -> None:
    """Turn off the authenticator code of someone who lost both phone and recovery codes (operators only)."""
    _require_operator(shell, "turn off someone's code")
    from kicau.workspaces import factors

    person = _get_person(email)
    factors.turn_off_second_factor(person)
    print_result(as_json, {"email": person.email}, lambda: click.echo(f"{person.email} now signs in without a code."))


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
        raise CommandError(f"There is no account with the e-mail address {email}.", EXIT_NOT_FOUND)
    return person


def _random_password() -> str:
    return "-".join(secrets.token_hex(4) for _ in range(4))


def _read_password() -> str:
    return sys.stdin.readline().rstrip("\r\n")
