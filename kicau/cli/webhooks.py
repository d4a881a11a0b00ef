"""`kicau webhooks`: addresses of other programs that are told of events."""

from __future__ import annotations

import click

from kicau.cli.core.command import Shell, json_option, pass_shell, print_result, print_table


@click.group()
def webhooks() -> None:
    """Manage webhooks, which notify other programs about deliveries and channels."""


@webhooks.command("list")
@json_option
@pass_shell
def list_webhooks(shell: Shell, as_json: bool) -> None:
    """List the workspace's webhooks and the result of their last message."""
    actor = shell.actor()
    from kicau.cli.core import serializers
    from kicau.workspaces import webhooks as acts

    rows = [serializers.webhook_json(row) for row in acts.all_webhooks(actor)]
    table = [
        (r["id"], r["url"], " ".join(r["events"]), r["last_error"] or (r["last_status"] or "never used")) for r in rows
    ]
    print_result(as_json, rows, lambda: print_table(("id", "address", "events", "last"), table, empty="No webhooks."))


@webhooks.command("add")
@click.argument("url")
@click.option(
    "--event",
    "events",
    multiple=True,
    metavar="EVENT",
    default=("delivery.*",),
    show_default=True,
    help="Event to send. Repeat for several. A wrong name lists all events.",
)
@json_option
@pass_shell
def add_webhook(shell: Shell, url: str, events: tuple[str, ...], as_json: bool) -> None:
    """Add a webhook and print its signing secret once."""
    actor = shell.actor()
    from kicau.cli.core import serializers
    from kicau.workspaces import webhooks as acts

    made = acts.add_webhook(actor, url, events)
    print_result(
        as_json,
        {**serializers.webhook_json(made), "secret": made.secret},
        lambda: click.echo(f"{made.secret}\nKicau shows this secret only once. It signs every message to {made.url}."),
    )


@webhooks.command("remove")
@click.argument("webhook_id", metavar="ID")
@json_option
@pass_shell
def remove_webhook(shell: Shell, webhook_id: str, as_json: bool) -> None:
    """Delete a webhook."""
    actor = shell.actor()
    from kicau.cli.core import serializers
    from kicau.workspaces import webhooks as acts

    gone = serializers.webhook_json(acts.one_webhook(actor, webhook_id))
    acts.remove_webhook(actor, webhook_id)
    print_result(as_json, gone, lambda: click.echo(f"{gone['url']} no longer receives events."))
