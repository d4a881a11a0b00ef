"""`kicau archive`: take archives in, find items, read about one, get everything out again."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from kicau.cli.core.command import (
    EXIT_FAILED,
    EXIT_USAGE,
    CommandError,
    Shell,
    json_option,
    pass_shell,
    print_facts,
    print_result,
    print_table,
    printable_line,
)

if TYPE_CHECKING:
    from kicau.archive.models import ArchiveImport, Item
    from kicau.archive.search import ArchiveQuery
    from kicau.workspaces.actors import Actor


@click.group()
def archive() -> None:
    """Import, search and export the archive of past posts."""


@archive.command("import")
@click.argument("source", metavar="FILE", type=click.Path(path_type=Path, exists=True))
@click.option("--network", default="", help="The network of the posts, if a CSV or JSON Lines file does not name it.")
@click.option("--account", default="", help="The account that the archive belongs to, if the file does not name it.")
@click.option(
    "--own",
    "acquired",
    flag_value="imported",
    default=None,
    help="The archive belongs to this workspace, whatever account it names.",
)
@click.option(
    "--received",
    "acquired",
    flag_value="received",
    help="The archive belongs to someone else who gave it to this workspace.",
)
@json_option
@pass_shell
def import_(shell: Shell, source: Path, network: str, account: str, acquired: str | None, as_json: bool) -> None:
    """Import a network's data download, a CSV table or a JSON Lines file. If the file does not say whose it is, add --own
    or --received.

    An entry that the archive already contains is not added twice, but its new origin is recorded. To continue an
    interrupted import, run the same command again, or use kicau archive resume.
    """
    actor = shell.actor()
    from kicau.archive.imports import actions, import_job
    from kicau.base.errors import ValidationFailed

    asks = actions.OWNER_QUESTIONS if sys.stdin.isatty() else ()
    try:
        row = actions.begin_import(actor, source, network=network, account=account, acquired=acquired or "", asks=asks)
    except ValidationFailed as exc:
        if not any(problem.code in actions.OWNER_QUESTIONS for problem in exc.problems):
            raise
        raise CommandError(f"{exc} Run it again with --own or --received.", EXIT_USAGE) from None
    if row.state == "asking":
        click.echo(printable_line(_problem_sentence(row.problem)), err=True)
        whose = click.prompt("Who does the archive belong to", type=click.Choice(["own", "received"]), err=True)
        row = actions.answer_import(actor, row.id, "imported" if whose == "own" else "received")
    done = import_job.run_import(row.id, None if as_json else _show_progress)
    while done.state == "asking" and sys.stdin.isatty() and not as_json:
        meanings = {
            one.key: click.prompt(
                printable_line(f"What does the {one.column} “{one.value}” ({one.count:,} entries) mean"),
                type=click.Choice(one.meanings),
                err=True,
            )
            for one in actions.unknown_values(done)
        }
        actions.answer_values(actor, done.id, meanings)
        done = import_job.run_import(done.id, _show_progress)
    print_result(as_json, _import_json(done), lambda: _print_import(done))
    if done.state != "done":
        sys.exit(EXIT_FAILED)


@archive.command("imports")
@json_option
@pass_shell
def imports(shell: Shell, as_json: bool) -> None:
    """List the imports into the archive."""
    actor = shell.actor()
    from kicau.archive.imports import actions

    rows = list(actions.list_imports(actor)[:200])
    shown = [
        (r.id, r.name, actions.display_state(r), r.new, r.known, r.skipped, f"{r.created_at:%Y-%m-%d %H:%M}")
        for r in rows
    ]
    print_result(
        as_json,
        [_import_json(r) for r in rows],
        lambda: print_table(
            ("id", "name", "state", ">new", ">known", ">skipped", "begun"), shown, empty="There are no imports yet."
        ),
    )


@archive.command("answer")
@click.argument("import_id", metavar="IMPORT")
@click.argument("meanings", nargs=-1, required=True, metavar="KEY=MEANING…")
@json_option
@pass_shell
def answer_(shell: Shell, import_id: str, meanings: tuple[str, ...], as_json: bool) -> None:
    """Say what unknown kinds or visibilities in a table mean, for example kind:lowongan=post, and import their entries.

    A kind is a post, a repost (someone else's post) or a message (not imported). A visibility is public or private
    (not imported).
    """
    actor = shell.actor()
    from kicau.archive.imports import actions, import_job

    told = dict(one.rpartition("=")[::2] for one in meanings)
    row = actions.answer_values(actor, actions.get_import(actor, import_id).id, told)
    done = import_job.run_import(row.id, None if as_json else _show_progress)
    print_result(as_json, _import_json(done), lambda: _print_import(done))
    if done.state != "done":
        sys.exit(EXIT_FAILED)


@archive.command("resume")
@click.argument("import_id", metavar="IMPORT")
@json_option
@pass_shell
def resume(shell: Shell, import_id: str, as_json: bool) -> None:
    """Continue an import that was stopped, failed or killed."""
    actor = shell.actor()
    from kicau.archive.imports import actions, import_job
    from kicau.workspaces.actors import Permission

    actor.require(Permission.WRITE)
    row = actions.get_import(actor, import_id)
    if row.state in ("canceled", "failed"):
        actions.resume_import(actor, row.id)
    done = import_job.run_import(row.id, None if as_json else _show_progress)
    print_result(as_json, _import_json(done), lambda: _print_import(done))
    if done.state != "done":
        sys.exit(EXIT_FAILED)


@archive.command("search")
@click.argument("words", nargs=-1)
@click.option("--network", default="", help="Only items of this network.")
@click.option("--author", default="", help="Only items by this author (handle or key).")
@click.option("--campaign", default="", help="Only items of the campaign with this name.")
@click.option("--since", type=click.DateTime(["%Y-%m-%d"]), help="Only items posted on this day or later (UTC).")
@click.option("--until", type=click.DateTime(["%Y-%m-%d"]), help="Only items posted before this day (UTC).")
@click.option(
    "--use", default="", help="Only items by their permission for this use, for example train_gen. See --answer."
)
@click.option(
    "--answer",
    "answers",
    default="yes",
    show_default=True,
    help="The permission that --use looks for: yes, no or unknown.",
)
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1, 1000), help="Maximum number of results.")
@json_option
@pass_shell
def search(shell: Shell, /, words: tuple[str, ...], limit: int, as_json: bool, **asked: Any) -> None:
    """Search the archive, newest first. All words must occur. "In quotes" is a phrase, -word excludes, OR combines."""
    actor = shell.actor()
    from kicau.archive.search import find_items

    found = find_items(actor, _build_query(actor, " ".join(words), **asked), limit=limit).items
    shown = [
        (
            i.id,
            f"{i.posted_at:%Y-%m-%d}" if i.posted_to != "none" else "",
            i.network,
            i.standing.author_handle,
            i.text[:90],
        )
        for i in found
    ]
    print_result(
        as_json,
        [_item_json(i) for i in found],
        lambda: print_table(("id", "posted", "network", "author", "text"), shown, empty="Nothing matches."),
    )


@archive.command("similar")
@click.argument("text")
@click.option("--network", default="", help="Only items of this network.")
@click.option("--author", default="", help="Only items by this author (handle or key).")
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1, 100), help="Maximum number of results.")
@json_option
@pass_shell
def near(shell: Shell, text: str, network: str, author: str, limit: int, as_json: bool) -> None:
    """Find items with a similar meaning, in any language, among those that may be embedded. Requires the extra
    "meaning"."""
    actor = shell.actor()
    from kicau.archive import semantic_search
    from kicau.archive.search import ArchiveQuery

    narrowed = ArchiveQuery(networks=(network,) if network else (), authors=(author,) if author else ())
    found = semantic_search.find_similar(actor, text, narrowed, limit=limit)
    shown = [(f"{n.likeness:.2f}", n.item.id, n.item.network, n.item.text[:90]) for n in found]
    print_result(
        as_json,
        [_item_json(n.item) | {"likeness": n.likeness} for n in found],
        lambda: print_table(
            (">like", "id", "network", "text"), shown, empty="There are no similar items that may be embedded."
        ),
    )


@archive.command("show")
@click.argument("item_id", metavar="ITEM")
@json_option
@pass_shell
def show(shell: Shell, item_id: str, as_json: bool) -> None:
    """Show an archive item: its origins, what it may be used for, and why."""
    actor = shell.actor()
    from kicau.archive.item_queries import item_history
    from kicau.rights import sentences

    told = item_history(actor, item_id)
    origins = [{"acquired": o.acquired, "name": o.label} for o in told.origins]
    uses = {
        use: {"answer": str(d.answer), "sentence": sentences.decision_reason(d).sentence}
        for use, d in told.decisions.items()
    }

    def human() -> None:
        click.echo(printable_line(told.item.text))
        click.echo()
        print_facts(
            {
                "posted": f"{told.item.posted_at:%Y-%m-%d %H:%M} UTC",
                "network": told.item.network,
                "author": told.item.standing.author_handle,
                "address": told.item.url,
                "origins": ", ".join(f"{o['acquired']} {o['name']}".strip() for o in origins),
            }
        )
        click.echo()
        print_table(("use", "permitted?", "why"), [(use, d["answer"], d["sentence"]) for use, d in uses.items()])

    print_result(as_json, _item_json(told.item) | {"origins": origins, "uses": uses}, human)


@archive.command("export")
@click.argument("target", metavar="FILE.zip", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--words", default="", help="Only items with these words.")
@click.option("--network", default="", help="Only items of this network.")
@click.option("--author", default="", help="Only items by this author.")
@click.option("--campaign", default="", help="Only items of the campaign with this name.")
@click.option("--since", type=click.DateTime(["%Y-%m-%d"]), help="Only items posted on this day or later (UTC).")
@click.option("--until", type=click.DateTime(["%Y-%m-%d"]), help="Only items posted before this day (UTC).")
@click.option("--use", default="", help="Only items that may be used for this purpose.")
@click.option("--no-media", is_flag=True, help="Do not include media files.")
@pass_shell
def export(shell: Shell, /, target: Path, words: str, no_media: bool, **asked: Any) -> None:
    """Export the archive as a ZIP file with JSON Lines, rights statements and media. FILE.jsonl writes only the JSON Lines."""
    actor = shell.actor()
    from kicau.archive import exports

    query = _build_query(actor, words, answers="yes", **asked)
    pieces = (
        exports.export_json_lines(actor, query)
        if target.suffix == ".jsonl"
        else exports.export_zip(actor, query, media=not no_media)
    )
    part = target.with_name(target.name + ".part")
    try:
        with part.open("wb") as out:
            for piece in pieces:
                out.write(piece)
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
    click.echo(f"{target}: {target.stat().st_size:,} bytes")


def _build_query(
    actor: Actor,
    words: str,
    network: str,
    author: str,
    campaign: str,
    since: datetime | None,
    until: datetime | None,
    use: str,
    answers: str,
) -> ArchiveQuery:
    from kicau.archive.search import ArchiveQuery
    from kicau.publishing.content.compositions import campaigns

    of = campaigns(actor).filter(name=campaign).first() if campaign else None
    if campaign and of is None:
        raise CommandError(f"There is no campaign {printable_line(campaign)!r} in this workspace.", EXIT_USAGE)
    return ArchiveQuery(
        campaign=of.id if of else None,
        words=words,
        networks=(network,) if network else (),
        authors=(author,) if author else (),
        since=since and since.replace(tzinfo=UTC),
        until=until and until.replace(tzinfo=UTC),
        use=use,
        answers=(answers,),
    )


def _show_progress(row: ArchiveImport) -> None:
    if sys.stderr.isatty():
        of = f" of {row.expected:,}" if row.expected else ""
        click.echo(f"\r{row.read:,}{of} read, {row.new:,} new", nl=False, err=True)


def _print_import(row: ArchiveImport) -> None:
    if sys.stderr.isatty():
        click.echo(err=True)
    click.echo(
        f"{row.name}: {row.state}. {row.new:,} new, {row.known:,} already in the archive, {row.skipped:,} skipped."
    )
    if row.problem:
        click.echo(printable_line(_problem_sentence(row.problem)))
    if row.problem.get("code") == "values":
        from kicau.archive.imports.actions import unknown_values

        keys = " ".join(f"'{one.key}=…'" for one in unknown_values(row))
        click.echo(printable_line(f"To continue, run: kicau archive answer {row.id} {keys}"))
    for one in row.skips:
        where = f" ({', '.join(one['examples'][:3])})" if one["examples"] else ""
        click.echo(f"  {one['count']:,} × {printable_line(_problem_sentence(one))}{printable_line(where)}")


def _problem_sentence(told: dict[str, Any]) -> str:
    from kicau.archive.item_queries import problem_from_json

    return problem_from_json(told).sentence


def _import_json(row: ArchiveImport) -> dict[str, Any]:
    from kicau.archive.imports.actions import display_state

    return {
        "id": str(row.id),
        "name": row.name,
        "network": row.network,
        "account": row.account_handle or row.account_id,
        "acquired": row.acquired,
        "state": display_state(row),
        "problem": row.problem or None,
        "read": row.read,
        "new": row.new,
        "known": row.known,
        "skipped": row.skipped,
        "skips": row.skips,
    }


def _item_json(row: Item) -> dict[str, Any]:
    return {
        "id": str(row.id),
        "network": row.network,
        "remote_id": row.remote_id,
        "author": row.standing.author,
        "handle": row.standing.author_handle,
        "posted_at": row.posted_at.isoformat() if row.posted_to != "none" else None,
        "kind": row.kind,
        "text": row.text,
        "url": row.url,
        "acquired": row.standing.acquired,
        "media": row.media,
    }
