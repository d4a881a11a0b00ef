"""`kicau review`: approval of posts, comments on them, and links for clients."""

from __future__ import annotations

import click

from kicau.cli.core.command import Shell, json_option, pass_shell, print_result, print_table, printable_line


@click.group()
def review() -> None:
    """Submit posts, approve them or send them back, comment on them, and let clients review them by a link."""


@review.command("list")
@click.option("--state", type=click.Choice(("draft", "submitted", "approved")), default="submitted", show_default=True)
@json_option
@pass_shell
def list_posts(shell: Shell, state: str, as_json: bool) -> None:
    """Show the posts that wait for an editor."""
    actor = shell.actor()
    from kicau.publishing.calendar import post_queries

    found, _ = post_queries.unscheduled_drafts(actor, state=state, limit=200)
    rows = [
        {
            "id": str(d.id),
            "state": d.state,
            "author": str(d.author or ""),
            "version": d.version,
            "text": getattr(d, "text", ""),
        }
        for d in found
    ]
    table = [(r["id"], r["author"], r["text"]) for r in rows]
    print_result(as_json, rows, lambda: print_table(("post", "by", "text"), table, empty="No post waits."))


@review.command("show")
@click.argument("post")
@json_option
@pass_shell
def show_reviews(shell: Shell, post: str, as_json: bool) -> None:
    """Show what was said of a post, oldest first."""
    actor = shell.actor()
    from kicau.cli.core import serializers
    from kicau.publishing.approval import reviews
    from kicau.publishing.content import compositions

    rows = [serializers.review_json(row) for row in reviews.reviews(actor, compositions.one_draft(actor, post))]
    table = [
        (
            r["at"][:16].replace("T", " "),
            r["by"],
            r["kind"] + (" (settled)" if r["resolved_at"] else ""),
            r["quote"],
            r["text"],
            r["id"],
        )
        for r in rows
    ]
    print_result(
        as_json,
        rows,
        lambda: print_table(("at (UTC)", "by", "", "about", "said", "id"), table, empty="Nothing was said yet."),
    )


@review.command("submit")
@click.argument("post")
@click.option("--text", default="", help="A word to the editors.")
@json_option
@pass_shell
def submit_post(shell: Shell, post: str, text: str, as_json: bool) -> None:
    """Hand a draft to those who may publish."""
    actor = shell.actor()
    from kicau.publishing.approval import reviews

    _print_state(as_json, reviews.submit(actor, post, text).id, "submitted")


@review.command("approve")
@click.argument("post")
@click.option("--text", default="", help="A word to its author.")
@json_option
@pass_shell
def approve_post(shell: Shell, post: str, text: str, as_json: bool) -> None:
    """This post may go out as it is; a change takes the approval back."""
    actor = shell.actor()
    from kicau.publishing.approval import reviews

    _print_state(as_json, reviews.approve(actor, post, text).id, "approved")


@review.command("return")
@click.argument("post")
@click.option("--text", default="", help="What is to be mended; may be left out where comments are open.")
@json_option
@pass_shell
def return_post(shell: Shell, post: str, text: str, as_json: bool) -> None:
    """Send a post back to its author."""
    actor = shell.actor()
    from kicau.publishing.approval import reviews

    _print_state(as_json, reviews.send_back(actor, post, text).id, "draft")


@review.command("comment")
@click.argument("post")
@click.argument("text")
@click.option("--part", type=click.IntRange(1, 100), help="About this part of a thread.")
@click.option("--quote", default="", help="About these words of the post.")
@json_option
@pass_shell
def comment_on(shell: Shell, post: str, text: str, part: int | None, quote: str, as_json: bool) -> None:
    """Say something about a post."""
    actor = shell.actor()
    from kicau.cli.core import serializers
    from kicau.publishing.approval import reviews

    made = reviews.comment(actor, post, text, part=None if part is None else part - 1, quote=quote)
    print_result(
        as_json, serializers.review_json(made), lambda: click.echo(f"Said. To settle it: kicau review settle {made.id}")
    )


@review.command("settle")
@click.argument("comment")
@click.option("--again", is_flag=True, help="Open it again.")
@json_option
@pass_shell
def settle(shell: Shell, comment: str, again: bool, as_json: bool) -> None:
    """A comment is dealt with."""
    actor = shell.actor()
    from kicau.cli.core import serializers
    from kicau.publishing.approval import reviews

    row = reviews.resolve_comment(actor, comment, not again)
    print_result(as_json, serializers.review_json(row), lambda: click.echo("Open again." if again else "Settled."))


@review.command("link")
@click.argument("post")
@click.option("--for", "name", required=True, help="For whom it is; what they say carries it.")
@click.option("--days", default=14, show_default=True, type=click.IntRange(1, 90), help="How long it works.")
@click.option("--read-only", is_flag=True, help="Neither comments nor approval.")
@json_option
@pass_shell
def make_link(shell: Shell, post: str, name: str, days: int, read_only: bool, as_json: bool) -> None:
    """Make a link by which a client reviews a post without a sign-in, and print it once."""
    actor = shell.actor()
    from kicau.cli.core import serializers
    from kicau.publishing.approval import review_links

    made = review_links.create_link(actor, post, name, days=days, may_comment=not read_only, may_approve=not read_only)
    told = {**serializers.review_link_json(made.row), "link": made.link}
    print_result(as_json, told, lambda: click.echo(f"Works until {told['expires_at']}:\n{made.link}"))


@review.command("links")
@click.argument("post")
@json_option
@pass_shell
def list_links(shell: Shell, post: str, as_json: bool) -> None:
    """Show a post's links that still work."""
    actor = shell.actor()
    from kicau.cli.core import serializers
    from kicau.publishing.approval import review_links

    rows = [serializers.review_link_json(row) for row in review_links.active_links(actor, post)]
    table = [(r["id"], r["name"], r["expires_at"], r["opened_at"] or "not opened") for r in rows]
    print_result(as_json, rows, lambda: print_table(("id", "for", "until", "opened"), table, empty="No link."))


@review.command("unlink")
@click.argument("link")
@json_option
@pass_shell
def revoke_link(shell: Shell, link: str, as_json: bool) -> None:
    """Take a link back, by its id."""
    actor = shell.actor()
    from kicau.cli.core import serializers
    from kicau.publishing.approval import review_links

    row = review_links.revoke_link(actor, link)
    print_result(
        as_json,
        serializers.review_link_json(row),
        lambda: click.echo(f"The link for {printable_line(row.name)} works no more."),
    )


def _print_state(as_json: bool, post: object, state: str) -> None:
    print_result(as_json, {"id": str(post), "state": state}, lambda: click.echo(f"{post} is {state}."))
