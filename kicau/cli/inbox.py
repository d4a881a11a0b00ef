"""`kicau inbox`: what others said to the workspace's channels, answered from here or marked as done."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from kicau.cli.core.command import Shell, json_option, pass_shell, print_result, print_table, printable_line

if TYPE_CHECKING:
    from kicau.sync.models import Comment


@click.group()
def inbox() -> None:
    """List and reply to comments and mentions in the inbox."""


@inbox.command("list")
@click.option("--channel", default="", help="Only messages to this channel.")
@click.option("--network", default="", help="Only messages on this network.")
@click.option("--unanswered", is_flag=True, help="Only messages without a reply that are not marked as done.")
@click.option("--limit", type=click.IntRange(1, 200), default=50, show_default=True, help="Maximum number of rows.")
@json_option
@pass_shell
def list_inbox(shell: Shell, channel: str, network: str, unanswered: bool, limit: int, as_json: bool) -> None:
    """List comments and mentions, newest first."""
    actor = shell.actor()
    from kicau.channels import actions as channels
    from kicau.inbox import comments

    key = channels.one_channel(actor, channel).key if channel else ""
    wanted = comments.InboxFilter(channel=key, network=network, unanswered=unanswered)
    found = comments.newest_items(actor, channels.channels(actor), wanted, limit=limit).rows
    rows = [_inbox_item_json(row) for row in found]
    table = [
        (
            r["at"],
            r["channel"],
            printable_line(r["name"] or r["handle"] or r["author"]),
            printable_line(r["text"])[:80],
            r["state"],
            r["id"],
        )
        for r in rows
    ]
    print_result(
        as_json,
        rows,
        lambda: print_table(
            ("at", "to", "by", "", "state", "id"), table, empty="There are no comments or mentions yet."
        ),
    )


@inbox.command("done")
@click.argument("message_id", metavar="MESSAGE")
@click.option("--undo", is_flag=True, help="Mark the message as not done.")
@json_option
@pass_shell
def done(shell: Shell, message_id: str, undo: bool, as_json: bool) -> None:
    """Mark a message as done without a reply."""
    actor = shell.actor()
    from kicau.inbox import comments

    row = comments.mark_done(actor, message_id, done=not undo)
    print_result(
        as_json,
        _inbox_item_json(row),
        lambda: click.echo("The message is marked as not done." if undo else "The message is marked as done."),
    )


@inbox.command("reply")
@click.argument("message_id", metavar="MESSAGE")
@json_option
@pass_shell
def reply(shell: Shell, message_id: str, as_json: bool) -> None:
    """Create a draft that replies to a message. Edit and publish it like any other draft."""
    actor = shell.actor()
    from kicau.inbox import comments

    draft = comments.begin_reply(actor, message_id)
    print_result(as_json, {"post": str(draft.id)}, lambda: click.echo(str(draft.id)))


def _inbox_item_json(row: Comment) -> dict[str, Any]:
    from kicau.cli.core.serializers import iso_time

    state = "answered" if row.answered_at else "done" if row.done_at else "unanswered"
    return {
        "id": str(row.id),
        "channel": row.channel.key,
        "network": row.channel.network,
        "author": row.author,
        "handle": row.handle,
        "name": row.name,
        "text": row.text,
        "at": iso_time(row.at),
        "url": row.url,
        "delivery": str(row.delivery_id or ""),
        "state": state,
    }
