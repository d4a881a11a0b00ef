"""`kicau saved-texts` and `kicau contacts`: what lies ready where somebody writes."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from kicau.cli.core.command import Shell, json_option, pass_shell, print_result, print_table

if TYPE_CHECKING:
    from kicau.publishing.models import Contact, SavedText
    from kicau.workspaces.actors import Actor

TEXT_KINDS = ("template", "signature", "hashtags")  # held against the model by a test: commands are built without it


@click.group()
def saved_texts() -> None:
    """Manage saved templates, signatures and hashtag groups."""


@saved_texts.command("list")
@click.option("--kind", type=click.Choice(TEXT_KINDS), default=None, help="Only texts of this kind.")
@json_option
@pass_shell
def list_texts(shell: Shell, kind: str | None, as_json: bool) -> None:
    """List the saved texts."""
    actor = shell.actor()
    from kicau.cli.core import serializers
    from kicau.publishing.content import snippets

    found = snippets.saved_texts(actor)
    rows = [serializers.saved_text_json(row) for row in (found.filter(kind=kind) if kind else found)]
    table = [(r["kind"], r["name"], r["text"]) for r in rows]
    print_result(as_json, rows, lambda: print_table(("kind", "name", "text"), table, empty="There are no saved texts."))


@saved_texts.command("show")
@click.argument("kind", type=click.Choice(TEXT_KINDS))
@click.argument("name")
@json_option
@pass_shell
def show_text(shell: Shell, kind: str, name: str, as_json: bool) -> None:
    """Print a saved text, for example to pipe it into `kicau post -`."""
    from kicau.cli.core import serializers

    row = _get_text(shell.actor(), kind, name)
    print_result(as_json, serializers.saved_text_json(row), lambda: click.echo(row.text))


@saved_texts.command("save")
@click.argument("kind", type=click.Choice(TEXT_KINDS))
@click.argument("name")
@click.argument("text")
@json_option
@pass_shell
def save_text(shell: Shell, kind: str, name: str, text: str, as_json: bool) -> None:
    """Save TEXT under a name. "-" reads standard input. An existing text of this kind and name is replaced."""
    actor = shell.actor()
    from kicau.cli.core import serializers
    from kicau.publishing.content import snippets

    row = snippets.save_text(actor, kind, name, sys.stdin.read() if text == "-" else text)
    print_result(as_json, serializers.saved_text_json(row), lambda: click.echo(f"{row.name} is saved."))


@saved_texts.command("delete")
@click.argument("kind", type=click.Choice(TEXT_KINDS))
@click.argument("name")
@json_option
@pass_shell
def delete_text(shell: Shell, kind: str, name: str, as_json: bool) -> None:
    """Delete a saved text. Posts that use it do not change."""
    actor = shell.actor()
    from kicau.cli.core import serializers
    from kicau.publishing.content import snippets

    row = _get_text(actor, kind, name)
    gone = serializers.saved_text_json(row)
    snippets.delete_text(actor, row.id)
    print_result(as_json, gone, lambda: click.echo(f"{row.name} is deleted."))


def _get_text(actor: Actor, kind: str, name: str) -> SavedText:
    from kicau.base.errors import NotFound
    from kicau.publishing.content import snippets

    row = snippets.saved_texts(actor).filter(kind=kind, name__iexact=name).first()
    if row is None:
        raise NotFound("saved text", name)
    return row


@click.group()
def contacts() -> None:
    """Manage contacts: @Name in a text becomes the right handle on each network."""


@contacts.command("list")
@json_option
@pass_shell
def list_contacts(shell: Shell, as_json: bool) -> None:
    """List contacts with their handles."""
    actor = shell.actor()
    from kicau.cli.core import serializers
    from kicau.publishing.content import contacts as book

    rows = [serializers.contact_json(row) for row in book.contacts(actor)]
    table = [
        (f"@{r['name']}", "  ".join(f"{network} {mention}" for network, mention in r["mentions"].items())) for r in rows
    ]
    print_result(as_json, rows, lambda: print_table(("handle", "becomes"), table, empty="There are no contacts yet."))


@contacts.command("save")
@click.argument("name")
@click.option(
    "--on",
    "given",
    multiple=True,
    required=True,
    metavar="NETWORK=HANDLE",
    help="Handle on a network, for example x=@kopisenja. Repeat for several.",
)
@json_option
@pass_shell
def save_contact(shell: Shell, name: str, given: tuple[str, ...], as_json: bool) -> None:
    """Save a contact with its handles. An existing contact's handles are all replaced."""
    pairs = [one.partition("=") for one in given]
    for network, sign, _ in pairs:
        if not sign:
            raise click.UsageError(f"Write --on as NETWORK=HANDLE, such as x=@kopisenja, not {network!r}.")
    actor = shell.actor()
    from kicau.cli.core import serializers
    from kicau.publishing.content import contacts as book

    row = book.save_contact(actor, name, {network.strip(): mention for network, _, mention in pairs})
    print_result(as_json, serializers.contact_json(row), lambda: click.echo(f"@{row.name} is saved."))


@contacts.command("delete")
@click.argument("name")
@json_option
@pass_shell
def delete_contact(shell: Shell, name: str, as_json: bool) -> None:
    """Delete a contact. Scheduled posts do not change."""
    actor = shell.actor()
    from kicau.cli.core import serializers
    from kicau.publishing.content import contacts as book

    row = _get_contact(actor, name)
    gone = serializers.contact_json(row)
    book.delete_contact(actor, row.id)
    print_result(as_json, gone, lambda: click.echo(f"@{row.name} is deleted."))


def _get_contact(actor: Actor, name: str) -> Contact:
    from kicau.base.errors import NotFound
    from kicau.publishing.content import contacts as book

    row = book.contacts(actor).filter(name__iexact=name.strip().removeprefix("@")).first()
    if row is None:
        raise NotFound("contact", name)
    return row
