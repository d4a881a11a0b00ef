"""`kicau answers`: what others said to the workspace's channels, answered from here or marked as done."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from kicau.cli.core.command import Shell, json_option, pass_shell, print_result, print_table, printable_line

if TYPE_CHECKING:
    from kicau.sync.models import Answer


@click.group()
def answers() -> None:
    """What others answered, and where they mentioned a channel."""


@answers.command("list")
@click.option("--channel", default="", help="Only to this channel.")
@click.option("--network", default="", help="Only on this network.")
@click.option("--waits", is_flag=True, help="Only what is neither answered nor marked as done.")
@click.option("--limit", type=click.IntRange(1, 200), default=50, show_default=True, help="At most so many.")
@json_option
@pass_shell
def list_answers(shell: Shell, channel: str, network: str, waits: bool, limit: int, as_json: bool) -> None:
    """Show them, newest first."""
    actor = shell.actor()
    from kicau.channels import actions as channels
    from kicau.inbox import comments

    key = channels.one_channel(actor, channel).key if channel else ""
    wanted = comments.InboxFilter(channel=key, network=network, waits=waits)
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
        as_json, rows, lambda: print_table(("at", "to", "by", "", "state", "id"), table, empty="Nothing has come yet.")
    )


@answers.command("done")
@click.argument("answer_id", metavar="ANSWER")
@click.option("--undo", is_flag=True, help="The message in your inbox is marked as not done.")
@json_option
@pass_shell
def done(shell: Shell, answer_id: str, undo: bool, as_json: bool) -> None:
    """Mark one as done, though nobody answers it."""
    actor = shell.actor()
    from kicau.inbox import comments

    row = comments.mark_done(actor, answer_id, done=not undo)
    print_result(
        as_json,
        _inbox_item_json(row),
        lambda: click.echo(
            "The message in your inbox is marked as not done."
            if undo
            else "The message in your inbox is marked as done."
        ),
    )


@answers.command("reply")
@click.argument("answer_id", metavar="ANSWER")
@json_option
@pass_shell
def reply(shell: Shell, answer_id: str, as_json: bool) -> None:
    """Begin a draft that answers it; write and send it as any other."""
    actor = shell.actor()
    from kicau.inbox import comments

    draft = comments.begin_reply(actor, answer_id)
    print_result(as_json, {"post": str(draft.id)}, lambda: click.echo(str(draft.id)))


def _inbox_item_json(row: Answer) -> dict[str, Any]:
    from kicau.cli.core.serializers import iso_time

    state = "answered" if row.answered_at else "done" if row.done_at else "waits"
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
