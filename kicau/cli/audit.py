"""`kicau audit`: whether others' data holds one's own posts, where, and how sure that is."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

import click

from kicau.cli.frame import FAILED, Shell, Trouble, json_option, pass_shell, show_facts, show_table

FEW = 20  # findings shown to a person; all are in the report


@click.command()
@click.argument("data")
@click.option("--posts", "source", type=click.Path(path_type=Path, exists=True, dir_okay=False), required=True, metavar="FILE", help="The posts to look for: JSON lines with id and text, CSV with these columns, or a text a line.")  # fmt: skip
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), metavar="FOLDER", help="Where report, journal and prints are kept; an interrupted audit with the same folder goes on. Else a new folder.")  # fmt: skip
@click.option("--control", metavar="DATA", default="", help="Data that cannot hold the posts, such as one older than they: pairs found there are chance.")  # fmt: skip
@click.option("--processes", type=click.IntRange(1), help="Default: one a core.")
@json_option
@pass_shell
def audit(shell: Shell, data: str, source: Path, out: Path | None, control: str, processes: int | None, as_json: bool) -> None:  # fmt: skip
    """Search a data set for your posts.

    DATA is a file or folder of JSON lines, Parquet, WARC or text, plain or packed (.gz, .zst), a bucket
    (s3://…, gs://…), or a list of them (@FILE, one a line). Ends with 1 where a part of it could not be read.
    """
    from datetime import UTC, datetime

    from kicau.audit.posts import NoPosts, read_posts
    from kicau.audit.report import report
    from kicau.audit.run import audit as search
    from kicau.audit.shards import NoSuchShards

    folder = out or Path(tempfile.mkdtemp(prefix="kicau-audit-"))
    try:
        outcome = search(read_posts(source), data, folder, processes=processes, progress=None if as_json else _progress)
        wanted = {outcome.ids[c.post][0] for f in outcome.found for c in f.copies}
        wanted |= {i for f in outcome.found for c in f.copies for i in outcome.ids[c.post]}
        texts = {post: text for post, text in read_posts(source) if post in wanted}
        told = report(outcome, texts, folder, datetime.now(UTC), control=control)
    except (NoPosts, NoSuchShards) as wrong:
        raise Trouble(str(wrong)) from wrong
    told["report"] = str(folder / "report.json")
    if as_json:
        from kicau.cli.frame import emit

        emit(told)
    else:
        _show(told)
    if told["data"]["failed"]:
        sys.exit(FAILED)


def _progress(done: int, total: int, copies: int) -> None:
    print(f"\r{done / max(1, total):4.0%} of {total / 1e6:,.0f} MB, {copies:,} copies so far ", end="", file=sys.stderr, flush=True)  # fmt: skip


def _show(told: dict[str, Any]) -> None:
    print("", file=sys.stderr)
    click.echo(told["says"])
    rows = [(", ".join(f["posts"]), f["kind"], f"{f['words']}/{f['of_words']}", f["shard"], f["first_byte"]) for f in told["findings"][:FEW]]  # fmt: skip
    show_table(("posts", "kind", "words", "shard", "byte"), rows, empty="No copy was found.")
    more = len(told["findings"]) - FEW + told["not_listed"]
    if more > 0:
        click.echo(f"… and {more:,} more.")
    found = "; ".join(f"{name}: {r['share']:.0%} ({r['from']:.0%} to {r['to']:.0%})" for name, r in told["sensitivity"].items())  # fmt: skip
    show_facts(
        {
            "Read": f"{told['data']['documents']:,} texts, {told['data']['unpacked_bytes'] / 1e6:,.0f} MB in {len(told['data']['shards'])} shards",
            "Not read": "; ".join([*told["data"]["failed"].values(), *told["data"]["skipped"]]) or "nothing",
            "Too short to tell": f"{told['posts']['too_short_to_tell']:,} of {told['posts']['different']:,} different posts",
            "Found of planted copies": found or "not measured",
            "Report": told["report"],
        }
    )
