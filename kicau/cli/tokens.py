"""`kicau tokens`: keys for programs."""

from __future__ import annotations

import click

from kicau.cli.core.command import Shell, json_option, pass_shell, print_result, print_table


@click.group()
def tokens() -> None:
    """Manage API tokens."""


@tokens.command("list")
@json_option
@pass_shell
def list_tokens(shell: Shell, as_json: bool) -> None:
    """List API tokens. Kicau does not store their secrets."""
    actor = shell.actor()
    from kicau.cli.core import serializers
    from kicau.workspaces import api_tokens

    rows = [serializers.token_json(row) for row in api_tokens.tokens(actor)]
    table = [
        (
            r["id"],
            r["name"],
            r["prefix"] + "…",
            r["person"],
            " ".join(r["scopes"]),
            (r["expires_at"] or "never")[:10],
            _token_state(r),
        )
        for r in rows
    ]
    print_result(
        as_json,
        rows,
        lambda: print_table(("id", "name", "begins", "of", "scopes", "until", "state"), table, empty="No tokens."),
    )


def _token_state(row: dict[str, object]) -> str:
    from kicau.base import clock

    if row["revoked_at"]:
        return "revoked"
    return "over" if row["expires_at"] and str(row["expires_at"]) < clock.now().isoformat() else "good"


@tokens.command("create")
@click.argument("name")
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    metavar="SCOPE",
    default=("read",),
    show_default=True,
    help="Permission of the token. Repeat for several: read, write, publish, channels, members, settings, tokens.",
)
@click.option(
    "--days", type=int, default=90, show_default=True, help="Number of days until the token expires, at most 366."
)
@click.option("--personal", is_flag=True, help="The token works in all of your workspaces.")
@click.option("--role", default="", help="Highest role of the token.")
@json_option
@pass_shell
def create_token(
    shell: Shell, name: str, scopes: tuple[str, ...], days: int, personal: bool, role: str, as_json: bool
) -> None:
    """Create an API token and print it once."""
    actor = shell.actor()
    from kicau.cli.core import serializers
    from kicau.workspaces import api_tokens

    made = api_tokens.create_token(
        actor,
        name,
        [s for scope in scopes for s in scope.replace(",", " ").split()],
        days=days,
        personal=personal,
        role=role,
    )
    print_result(
        as_json,
        {**serializers.token_json(made.token), "secret": made.secret},
        lambda: click.echo(f"{made.secret}\nKicau shows this token only once. Send it as: Authorization: Bearer …"),
    )


@tokens.command("revoke")
@click.argument("token_id", metavar="ID")
@json_option
@pass_shell
def revoke_token(shell: Shell, token_id: str, as_json: bool) -> None:
    """Revoke an API token at once."""
    actor = shell.actor()
    from kicau.cli.core import serializers
    from kicau.workspaces import api_tokens

    row = api_tokens.revoke_token(actor, token_id)
    print_result(as_json, serializers.token_json(row), lambda: click.echo(f"{row.name} is revoked."))
