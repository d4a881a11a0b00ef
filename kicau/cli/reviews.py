"""`kicau review`: approval of posts, comments on them, and links for clients."""

from __future__ import annotations

import click

from kicau.cli.core.command import Shell, json_option, pass_shell, print_result, print_table, printable_line


@click.group()
def review() -> None:
    """Submit posts for approval, approve or return them, comment on them, and create review links for clients."""


@review.command("list")
@click.option(
    "--state",
    type=click.Choice(("draft", "submitted", "approved")),
    default="submitted",
    show_default=True,
    help="Only posts in this state.",
)
@json_option
@pass_shell
def list_posts(shell: Shell, state: str, as_json: bool) -> None:
    """List the posts that wait for approval."""
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
    print_result(as_json, rows, lambda: print_table(("post", "by", "text"), table, empty="No posts are waiting."))


@review.command("show")
@click.argument("post")
@json_option
@pass_shell
def show_reviews(shell: Shell, post: str, as_json: bool) -> None:
    """Show the comments and decisions on a post, oldest first."""
    actor = shell.actor()
    from kicau.cli.core import serializers
    from kicau.publishing.approval import reviews
    from kicau.publishing.content import compositions

    rows = [serializers.review_json(row) for row in reviews.reviews(actor, compositions.one_draft(actor, post))]
    table = [
        (
            r["at"][:16].replace("T", " "),
            r["by"],
            r["kind"] + (" (resolved)" if r["resolved_at"] else ""),
            r["quote"],
            r["text"],
            r["id"],
        )
        for r in rows
    ]
    print_result(
        as_json,
        rows,
        lambda: print_table(("at (UTC)", "by", "", "about", "said", "id"), table, empty="There are no comments yet."),
    )


@review.command("submit")
@click.argument("post")
@click.option("--text", default="", help="A message to the editors.")
@json_option
@pass_shell
def submit_post(shell: Shell, post: str, text: str, as_json: bool) -> None:
    """Submit a draft for approval."""
    actor = shell.actor()
    from kicau.publishing.approval import reviews

    _print_state(as_json, reviews.submit(actor, post, text).id, "submitted")


@review.command("approve")
@click.argument("post")
@click.option("--text", default="", help="A message to the author.")
@json_option
@pass_shell
def approve_post(shell: Shell, post: str, text: str, as_json: bool) -> None:
    """Approve a post as it is. A later change withdraws the approval."""
    actor = shell.actor()
    from kicau.publishing.approval import reviews

    _print_state(as_json, reviews.approve(actor, post, text).id, "approved")


@review.command("return")
@click.argument("post")
@click.option("--text", default="", help="What the author should change. Optional if the post has open comments.")
@json_option
@pass_shell
def return_post(shell: Shell, post: str, text: str, as_json: bool) -> None:
    """Return a post to its author for changes."""
    actor = shell.actor()
    from kicau.publishing.approval import reviews

    _print_state(as_json, reviews.send_back(actor, post, text).id, "draft")


@review.command("comment")
@click.argument("post")
@click.argument("text")
@click.option("--part", type=click.IntRange(1, 100), help="Number of the thread part that the comment is about.")
@click.option("--quote", default="", help="Words of the post that the comment is about.")
@json_option
@pass_shell
def comment_on(shell: Shell, post: str, text: str, part: int | None, quote: str, as_json: bool) -> None:
    """Comment on a post."""
    actor = shell.actor()
    from kicau.cli.core import serializers
    from kicau.publishing.approval import reviews

    made = reviews.comment(actor, post, text, part=None if part is None else part - 1, quote=quote)
    print_result(
        as_json,
        serializers.review_json(made),
        lambda: click.echo(f"Comment added. To resolve it, run: kicau review resolve {made.id}"),
    )


@review.command("resolve")
@click.argument("comment")
@click.option("--reopen", is_flag=True, help="Reopen the comment.")
@json_option
@pass_shell
def settle(shell: Shell, comment: str, reopen: bool, as_json: bool) -> None:
    """Mark a comment as resolved."""
    actor = shell.actor()
    from kicau.cli.core import serializers
    from kicau.publishing.approval import reviews

    row = reviews.resolve_comment(actor, comment, not reopen)
    print_result(
        as_json,
        serializers.review_json(row),
        lambda: click.echo("The comment is open reopen." if reopen else "Settled."),
    )


@review.command("link")
@click.argument("post")
@click.option("--for", "name", required=True, help="Name of the client. It appears on the client's comments.")
@click.option(
    "--days", default=14, show_default=True, type=click.IntRange(1, 90), help="Number of days that the link works."
)
@click.option("--read-only", is_flag=True, help="The client can only read, not comment or approve.")
@json_option
@pass_shell
def make_link(shell: Shell, post: str, name: str, days: int, read_only: bool, as_json: bool) -> None:
    """Create a link where a client can review a post without signing in. Kicau prints the link only once."""
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
    """List a post's working review links."""
    actor = shell.actor()
    from kicau.cli.core import serializers
    from kicau.publishing.approval import review_links

    rows = [serializers.review_link_json(row) for row in review_links.active_links(actor, post)]
    table = [(r["id"], r["name"], r["expires_at"], r["opened_at"] or "not opened yet") for r in rows]
    print_result(as_json, rows, lambda: print_table(("id", "for", "until", "opened"), table, empty="No review links."))


@review.command("revoke-link")
@click.argument("link")
@json_option
@pass_shell
def revoke_link(shell: Shell, link: str, as_json: bool) -> None:
    """Revoke a review link by its ID."""
    actor = shell.actor()
    from kicau.cli.core import serializers
    from kicau.publishing.approval import review_links

    row = review_links.revoke_link(actor, link)
    print_result(
        as_json,
        serializers.review_link_json(row),
        lambda: click.echo(f"The link for {printable_line(row.name)} no longer works."),
    )


def _print_state(as_json: bool, post: object, state: str) -> None:
    print_result(as_json, {"id": str(post), "state": state}, lambda: click.echo(f"{post} is {state}."))
