"""`kicau users`: who is in a workspace, and as what."""

from __future__ import annotations

import secrets
import sys

import click

from kicau.cli.frame import NOT_FOUND, Shell, Trouble, answer, json_option, pass_shell, show_table


@click.group()
def users() -> None:
    """People and their roles in the workspace."""


@users.command("list")
@json_option
@pass_shell
def list_users(shell: Shell, as_json: bool) -> None:
    """Show the workspace's members."""
    actor = shell.actor()
    from kicau.cli import shapes
    from kicau.workspaces import acts

    rows = [shapes.member(row) for row in acts.members(actor)]
    table = [(r["email"], r["name"], r["role"], "operator" if r["operator"] else "") for r in rows]
    answer(as_json, rows, lambda: show_table(("address", "name", "role", ""), table))


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
    """Add somebody to the workspace; who is not here yet is made, with a password."""
    actor = shell.actor()
    from django.db import transaction

    from kicau.workspaces import acts
    from kicau.workspaces.models import Person

    password = ""
    with transaction.atomic():
        person = Person.objects.filter(email__iexact=email.strip()).first()
        if person is None:
            password = _read_password() if password_stdin else _made_up()
            person = acts.add_person(
                email,
                name,
                password,
                timezone=actor.workspace.timezone,
                language=actor.workspace.language,
                operator=operator,
            )
        acts.set_member(actor, person, role)
    told = {
        "email": person.email,
        "name": person.name,
        "role": role,
        "password": None if password_stdin or not password else password,
    }
    sentence = f"{person.email} is {role} in {actor.workspace}."
    answer(
        as_json,
        told,
        lambda: click.echo(sentence + (f" Password, shown this once: {told['password']}" if told["password"] else "")),
    )


@users.command("role")
@click.argument("email")
@click.argument("role")
@json_option
@pass_shell
def set_role(shell: Shell, email: str, role: str, as_json: bool) -> None:
    """Change somebody's role."""
    actor = shell.actor()
    from kicau.workspaces import acts

    person = acts.member_by_email(actor, email)
    acts.set_member(actor, person, role)
    answer(
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
    from kicau.workspaces import acts

    person = acts.member_by_email(actor, email)
    acts.remove_member(actor, person)
    answer(as_json, {"email": person.email}, lambda: click.echo(f"{person.email} is no longer in {actor.workspace}."))


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
    from kicau.workspaces import acts
    from kicau.workspaces.models import Person

    if not operator.is_operator and operator.email.casefold() != email.casefold():
        raise Trouble("Only an operator can give somebody else a password.", NOT_FOUND)
    person = Person.objects.filter(email__iexact=email.strip()).first()
    if person is None:
        raise Trouble(f"Nobody with the address {email} is here.", NOT_FOUND)
    password = _read_password() if password_stdin else _made_up()
    acts.change_person(person, password=password)
    told = {"email": person.email, "password": None if password_stdin else password}
    answer(
        as_json,
        told,
        lambda: click.echo(
            f"{person.email} has a new password." + (f" Shown this once: {password}" if not password_stdin else "")
        ),
    )


@users.command("invite")
@click.argument("email")
@click.option("--role", default="editor", show_default=True, help="owner, admin, editor, contributor or viewer.")
@json_option
@pass_shell
def invite_user(shell: Shell, email: str, role: str, as_json: bool) -> None:
    """Make a one-time link by which somebody joins; it works for a week, and is mailed where a mail server is set."""
    actor = shell.actor()
    from kicau.cli import shapes
    from kicau.workspaces import invitations

    made = invitations.invite(actor, email, role)
    told = {**shapes.invitation(made.invitation), "link": made.link, "mailed": made.mailed}
    first = f"Mailed to {email}." if made.mailed else f"Send this to {email} yourself."
    answer(as_json, told, lambda: click.echo(f"{first} It works once, until {told['expires_at']}:\n{made.link}"))


@users.command("invitations")
@json_option
@pass_shell
def list_invitations(shell: Shell, as_json: bool) -> None:
    """Show the invitations that nobody has used yet."""
    actor = shell.actor()
    from kicau.cli import shapes
    from kicau.workspaces import invitations

    rows = [shapes.invitation(row) for row in invitations.waiting(actor)]
    table = [(r["id"], r["email"], r["role"], r["expires_at"]) for r in rows]
    answer(as_json, rows, lambda: show_table(("id", "address", "role", "until"), table))


@users.command("uninvite")
@click.argument("invitation")
@json_option
@pass_shell
def uninvite_user(shell: Shell, invitation: str, as_json: bool) -> None:
    """Take an invitation back, by its id; its link stops working at once."""
    actor = shell.actor()
    from kicau.workspaces import invitations

    row = invitations.revoke(actor, invitation)
    answer(as_json, {"id": str(row.id), "email": row.email}, lambda: click.echo(f"{row.email} is no longer invited."))


@users.command("hand-over")
@click.argument("email")
@json_option
@pass_shell
def hand_over(shell: Shell, email: str, as_json: bool) -> None:
    """Make a member the owner; whoever hands over becomes admin."""
    actor = shell.actor()
    from kicau.workspaces import acts

    person = acts.member_by_email(actor, email)
    acts.hand_over(actor, person)
    answer(
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
    operator = shell.person()
    from kicau.workspaces import factors
    from kicau.workspaces.models import Person

    if not operator.is_operator:
        raise Trouble("Only an operator can turn somebody's code off.", NOT_FOUND)
    person = Person.objects.filter(email__iexact=email.strip()).first()
    if person is None:
        raise Trouble(f"Nobody with the address {email} is here.", NOT_FOUND)
    factors.turn_off(person)
    answer(as_json, {"email": person.email}, lambda: click.echo(f"{person.email} signs in without a code now."))


def _made_up() -> str:
    return "-".join(secrets.token_hex(4) for _ in range(4))


def _read_password() -> str:
    return sys.stdin.readline().rstrip("\r\n")
