"""`kicau dataset-audit`: whether others' data holds one's own posts, where, and how sure that is."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from kicau.base import clock
from kicau.cli.core.command import (
    EXIT_FAILED,
    CommandError,
    Shell,
    json_option,
    pass_shell,
    print_facts,
    print_table,
)

if TYPE_CHECKING:
    from kicau.workspaces.actors import Actor

MAX_COPIES_SHOWN = 20  # findings shown to a person; all are in the report


@click.command()
@click.argument("data")
@click.option(
    "--posts",
    "source",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    required=True,
    metavar="FILE",
    help="Posts to look for: JSON Lines with id and text, CSV with these columns, or a text file with one post per line.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="FOLDER",
    help="Folder for the report and working files. An interrupted audit continues in the same folder. Default: a new folder.",
)
@click.option(
    "--control",
    metavar="DATA",
    default="",
    help="Data that cannot contain the posts, for example because it is older. Matches in this data are chance.",
)
@click.option(
    "--evidence",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Also write a signed evidence bundle, which others can check with the verify.py next to it, without Kicau.",
)
@click.option("--processes", type=click.IntRange(1), help="Number of processes. Default: one per CPU core.")
@click.option(
    "--cluster",
    metavar="ADDRESS",
    default="",
    help='Search with a Ray cluster: its address, or "local". Requires the extra "cluster".',
)
@json_option
@pass_shell
def dataset_audit(
    shell: Shell,
    data: str,
    source: Path,
    out: Path | None,
    control: str,
    evidence: Path | None,
    processes: int | None,
    cluster: str,
    as_json: bool,
) -> None:
    """Search a data set for copies of your posts.

    DATA is a file or folder with JSON Lines, Parquet, WARC or text, also compressed (.gz, .zst). It can be a bucket
    (s3://…, gs://…), a URL (https://…), or a file that lists several of these, one per line (@FILE). The exit code is 1
    if Kicau could not read a part of the data.
    """
    actor = shell.actor() if evidence else None  # who may not is told before the search
    if evidence and not (evidence.parent.is_dir() and os.access(evidence.parent, os.W_OK | os.X_OK)):
        raise CommandError(
            f"The folder {evidence.parent} is missing or not writable, so nothing was searched or logged."
        )
    from kicau.dataset_audit.matching.cluster import ClusterUnavailable
    from kicau.dataset_audit.matching.pipeline import run_search as search
    from kicau.dataset_audit.matching.shards import NoSuchShards
    from kicau.dataset_audit.post_files import UnreadablePosts, read_posts, unique_ids
    from kicau.dataset_audit.report import build_report

    folder = out or Path(tempfile.mkdtemp(prefix="kicau-audit-"))
    try:
        outcome = search(
            unique_ids(read_posts(source)),
            data,
            folder,
            processes=processes,
            progress=None if as_json else _show_progress,
            cluster=cluster,
        )
        wanted = {outcome.ids[c.post][0] for f in outcome.found for c in f.copies}
        wanted |= {i for f in outcome.found for c in f.copies for i in outcome.ids[c.post]}
        texts = {post: text for post, text in unique_ids(read_posts(source)) if post in wanted}
        told = build_report(outcome, texts, folder, clock.now(), control=control)
    except (UnreadablePosts, NoSuchShards, ClusterUnavailable) as wrong:
        raise CommandError(str(wrong)) from wrong
    bundle = _write_evidence(actor, told, texts, evidence) if evidence and actor else ""
    told |= {"report": str(folder / "report.json")} | ({"evidence": bundle} if bundle else {})
    if as_json:
        from kicau.cli.core.command import print_json

        print_json(told)
    else:
        _print_report(told)
    if told["data"]["failed"]:
        sys.exit(EXIT_FAILED)


def _write_evidence(actor: Actor, told: dict[str, Any], texts: dict[str, str], path: Path) -> str:
    """The bundle, and the verifier beside it. The posts found are logged first, with all that the log held before."""
    import shutil

    from kicau.dataset_audit.sealed_evidence import build_evidence
    from kicau.evidence import verify

    made, not_stamped = build_evidence(told, texts, actor.workspace.id, path.name)
    for trouble in not_stamped:
        click.echo(f"Not timestamped: {trouble}", err=True)
    path.write_bytes(made)
    shutil.copyfile(verify.__file__, path.with_name("verify.py"))
    actor.record("audit.evidence", path.name, findings=len(told["findings"]))
    return str(path)


def _rates_by_length(rates: dict[str, Any]) -> str:
    """By length, the share found of unchanged copies and of those with most words changed."""
    return "; ".join(
        f"{words} words: " + ", ".join(f"{r['share']:.0%} at {name.split()[0]} changed" for name, r in by.items())
        for words, by in rates.items()
    )


def _chance_sentence(told: dict[str, Any]) -> str:
    if not told["measured"]:
        return "not measured. Add data that cannot contain the posts with --control"
    failed = f"; {len(told['failed'])} parts could not be read" if told["failed"] else ""
    return (
        f"{told['hits']:,} pairs in {told['tries']:,} texts of {told['control']} "
        f"({told['share']:.4%}, 95% interval {told['from']:.4%} to {told['to']:.4%}){failed}"
    )


def _show_progress(done: int, total: int, copies: int) -> None:
    print(
        f"\r{done / max(1, total):4.0%} of {total / 1e6:,.0f} MB, {copies:,} copies so far ",
        end="",
        file=sys.stderr,
        flush=True,
    )


@click.command(context_settings={"ignore_unknown_options": True})
@click.argument("bundle", type=click.Path(exists=True, dir_okay=False))
@click.option("--key", metavar="HEX", help="SHA-256 of the public key that must have signed the bundle.")
@click.option(
    "--shard", "shards", multiple=True, metavar="NAME=PATH", help="Compare the bundle with this file of the data set."
)
@click.option(
    "--witness",
    "witnesses",
    multiple=True,
    metavar="NAME+HASH+KEY",
    help="Key of a witness that you trust and that must have co-signed the log.",
)
@click.option(
    "--extract",
    default="",
    metavar="FOLDER",
    help="Write the checkpoint and the external timestamps to this folder, for openssl ts and ots.",
)
@click.option("--language", type=click.Choice(["en", "id"]), help="Language of the report. Default: the system's.")
def verify(
    bundle: str,
    key: str | None,
    shards: tuple[str, ...],
    witnesses: tuple[str, ...],
    extract: str,
    language: str | None,
) -> None:
    """Check an evidence bundle. The exit code is 1 if any check fails."""
    from kicau.evidence.verify import main

    more = [word for shard in shards for word in ("--shard", shard)]
    more += ["--extract", extract] if extract else []
    more += ["--language", language] if language else []
    more += [word for witness in witnesses for word in ("--witness", witness)]
    sys.exit(main([bundle, *(["--key", key] if key is not None else []), *more]))


def _print_report(told: dict[str, Any]) -> None:
    print("", file=sys.stderr)
    click.echo(told["says"])
    rows = [
        (", ".join(f["posts"]), f["kind"], f"{f['words']}/{f['of_words']}", f["shard"], f["first_byte"])
        for f in told["findings"][:MAX_COPIES_SHOWN]
    ]
    print_table(("posts", "kind", "words", "shard", "byte"), rows, empty="No copy was found.")
    more = len(told["findings"]) - MAX_COPIES_SHOWN + told["not_listed"]
    if more > 0:
        click.echo(f"… and {more:,} more.")
    found = "; ".join(
        f"{name}: {r['share']:.0%} ({r['from']:.0%} to {r['to']:.0%})" for name, r in told["sensitivity"].items()
    )
    print_facts(
        {
            "Read": f"{told['data']['documents']:,} texts, {told['data']['unpacked_bytes'] / 1e6:,.0f} MB in {len(told['data']['shards'])} shards",
            "Not read": "\n".join(
                [
                    *(f"{name}: {why.removeprefix(name).lstrip(': ')}" for name, why in told["data"]["failed"].items()),
                    *(f"{name}: Kicau does not support this format" for name in told["data"]["skipped"]),
                ]
            )
            or "nothing",
            "Posts that are too short for a reliable match": f"{told['posts']['too_short_to_tell']:,} of {told['posts']['different']:,} different posts",
            "Planted copies found": found or "not measured",
            "Found, by number of words": _rates_by_length(told["by_length"]) or "not measured",
            "Found by chance": _chance_sentence(told["chance"]),
            "Report": told["report"],
            "Evidence": f"{told['evidence']} (check it with: python3 verify.py {Path(told['evidence']).name})"
            if told.get("evidence")
            else "",
        }
    )
