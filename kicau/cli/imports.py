"""`kicau import posts`: many posts from one table."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from kicau.cli.core.command import EXIT_FAILED, Shell, json_option, pass_shell, print_result, printable_line

if TYPE_CHECKING:
    from kicau.publishing.imports.bulk_import import BulkImportReport, BulkImportResult, CsvRowProblem

MAX_PROBLEMS_SHOWN = 200  # lines of problems that people are shown; JSON has all


@click.group("import")
def import_() -> None:
    """Import posts from files."""


@import_.command("posts")
@click.argument(
    "source", metavar="FILE.csv", type=click.Path(path_type=Path, dir_okay=False, exists=True, allow_dash=False)
)
@click.option(
    "--media-folder",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    help="Folder of the files in the column media. Default: the table's folder.",
)
@click.option("--zone", default="", help="Time zone of rows without one. Default: the workspace's.")
@click.option(
    "--start", default="now", show_default=True, help='Start time for values such as "+M:SS" in the column at.'
)
@click.option("--check", "only_check", is_flag=True, help="Show all problems and the price. Change nothing.")
@click.option("--skip-bad", is_flag=True, help="Import the rows without problems and skip the others.")
@click.option(
    "--confirm",
    is_flag=True,
    help="Confirm that you have read the posts and want them published, if a network requires a confirmation.",
)
@json_option
@pass_shell
def posts(
    shell: Shell,
    source: Path,
    media_folder: Path | None,
    zone: str,
    start: str,
    only_check: bool,
    skip_bad: bool,
    confirm: bool,
    as_json: bool,
) -> None:
    """Schedule every row of a CSV table. For its columns, see docs/how-to/import-posts.md.

    Kicau checks all rows first. If any row has a problem, Kicau creates nothing, unless you add --skip-bad. Kicau skips
    rows whose ref was imported before, so you can safely run the command again.
    """
    actor = shell.actor()
    from kicau.base import clock
    from kicau.publishing.imports import bulk_import
    from kicau.publishing.scheduling.time_parser import parse_time

    folder = media_folder or source.parent
    at = parse_time(start, zone or actor.workspace.timezone, clock.now())
    table = bulk_import.read_posts(source.read_bytes(), source.name)
    report = bulk_import.check_posts(actor, table, folder, zone=zone, start=at)
    create = not only_check and bool(report.ready) and (skip_bad or not report.problems)
    done = bulk_import.create_posts(actor, report, folder, confirm=confirm, skip_bad=skip_bad) if create else None
    print_result(as_json, _report_json(report, done), lambda: _print_report(report, done, only_check, confirm))
    if report.problems and not (skip_bad and not only_check):
        sys.exit(EXIT_FAILED)


def _report_json(report: BulkImportReport, done: BulkImportResult | None) -> dict[str, Any]:
    return {
        "ready": len(report.ready),
        "deliveries": report.deliveries,
        "unconfirmed": report.unconfirmed,
        "skipped": [{"row": row, "ref": ref} for row, ref in report.skipped],
        "problems": [_problem_json(p) for p in report.problems],
        "notices": [_problem_json(p) for p in report.notices],
        "cost": [{"currency": currency, "micro": micro} for currency, micro in report.cost.items()],
        "created": {"posts": len(done.drafts), "deliveries": len(done.deliveries)} if done else None,
    }


def _problem_json(found: CsvRowProblem) -> dict[str, Any]:
    return {"row": found.row, "column": found.column, **found.problem.fields(), "message": found.sentence}


def _print_report(report: BulkImportReport, done: BulkImportResult | None, only_check: bool, confirm: bool) -> None:
    from kicau.base.money import format_money as money

    _print_problem_lines("✗", report.problems)
    _print_problem_lines("·", report.notices)
    if report.skipped:
        click.echo(f"{len(report.skipped)} rows were imported before, so Kicau skips them.")
    cost = ", ".join(money(micro, currency) for currency, micro in report.cost.items())
    click.echo(
        f"{len(report.ready)} posts are ready, {report.deliveries} deliveries{f', for {cost}' if cost else ''}; {report.bad_rows} rows have problems."
    )
    if report.unconfirmed and not confirm:
        click.echo(
            f"{report.unconfirmed} deliveries wait for your confirmation. Read them, then import with --confirm, or confirm them one by one."
        )
    if done:
        click.echo(f"{len(done.drafts)} posts are scheduled, {len(done.deliveries)} deliveries.")
    elif not only_check and report.problems:
        click.echo("Nothing was imported. Correct the rows, or import the others with --skip-bad.")
    elif not only_check:
        click.echo("There was nothing new to import.")


def _print_problem_lines(mark: str, found: Sequence[CsvRowProblem]) -> None:
    for one in found[:MAX_PROBLEMS_SHOWN]:
        click.echo(f"{mark} {printable_line(one.sentence)}")
    if len(found) > MAX_PROBLEMS_SHOWN:
        click.echo(f"{mark} … and {len(found) - MAX_PROBLEMS_SHOWN} more. To see all, add --json.")
