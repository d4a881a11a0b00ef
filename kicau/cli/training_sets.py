"""`kicau dataset`: training sets of what is permitted, and who has them."""

from __future__ import annotations

import shutil
import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

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
)

if TYPE_CHECKING:
    from kicau.training_sets.models import TrainingSet, Version

OPTION_NAMES = {
    "purpose": "words on its purpose",
    "form": "records (--format)",
    "meets": "conditions (--meets)",
    "use": "rights (--use)",
} | {name: name.replace("_", " ") for name in ("words", "networks", "languages", "least_words", "prompt")}


@click.group()
def dataset() -> None:
    """Training sets of what is permitted and nothing else; what is taken back leaves them."""


@dataset.command("make")
@click.argument("name")
@click.option("--purpose", default="", help="What it is for, in your words; stands in its card.")
@click.option("--use", default="train_gen", show_default=True, help="The use that every item must be permitted for.")
@click.option("--format", "form", type=click.Choice(["text", "prompt", "chat"]), default="text", show_default=True)
@click.option(
    "--meets", multiple=True, metavar="CONDITION", help="A condition that you keep, such as attribution; repeatable."
)
@click.option("--words", default="", help="Only items that a search for these words finds.")
@click.option("--network", "networks", multiple=True, help="Only of this network; repeatable.")
@click.option("--language", "languages", multiple=True, help="Only in this language (id, en …); repeatable.")
@click.option("--least-words", type=click.IntRange(1), default=1)
@click.option("--prompt", help="What stands before a text that answers nothing; knows {network} and {language}.")
@click.option(
    "--as-of",
    metavar="TIME",
    help="Decide as of this moment (ISO 8601 with a zone): the same moment gives the same bytes.",
)
@click.option(
    "--out", type=click.Path(path_type=Path, file_okay=False), metavar="FOLDER", help="Copy the files there too."
)
@json_option
@pass_shell
def make(
    shell: Shell,
    name: str,
    purpose: str,
    use: str,
    form: str,
    meets: tuple[str, ...],
    words: str,
    networks: tuple[str, ...],
    languages: tuple[str, ...],
    least_words: int,
    prompt: str | None,
    as_of: str | None,
    out: Path | None,
    as_json: bool,
) -> None:
    """Make a set, or a set's next version where NAME is there already."""
    actor = shell.actor()
    from kicau.base.errors import NotFound
    from kicau.training_sets import actions, build

    asked = {
        "purpose": purpose.strip(),
        "use": use,
        "form": form,
        "meets": sorted(set(meets)),
        "words": words,
        "networks": list(networks),
        "languages": list(languages),
        "least_words": least_words,
        "prompt": prompt,
    }
    try:
        of = actions.get_set(actor, name)
        if other := [name for name, value in _set_as_options(of).items() if _is_given(name) and asked[name] != value]:
            raise CommandError(
                f"{of.name} is there already, made with other {OPTION_NAMES[other[0]]}; change it on its page, or give another name.",
                EXIT_USAGE,
            )
    except NotFound:
        query = {"words": words, "networks": list(networks)}
        options: dict[str, Any] = {"languages": list(languages), "least_words": least_words}
        options |= {"prompt": prompt} if prompt else {}
        query = {k: v for k, v in query.items() if v}
        of = actions.create_set(
            actor, name=name, purpose=purpose, use=use, format=form, meets=meets, query=query, options=options
        )
    version = build.make_version(
        actions.order_version(actor, of.id, as_of=_parse_moment(as_of)), None if as_json else _show_progress
    )
    if out:
        from kicau.training_sets.versions import version_folder

        shutil.copytree(version_folder(version), out, dirs_exist_ok=True)
    print_result(as_json, _version_json(version), lambda: _print_version(version))


def _set_as_options(of: TrainingSet) -> dict[str, Any]:
    """A set as the options of `make` say it."""
    from kicau.training_sets.options import SetOptions

    options = SetOptions.of(of.options)
    return {
        "purpose": of.purpose,
        "use": of.use,
        "form": of.format,
        "meets": of.meets,
        "words": of.query.get("words", ""),
        "networks": of.query.get("networks", []),
        "languages": list(options.languages),
        "least_words": options.least_words,
        "prompt": options.prompt,
    }


def _is_given(name: str) -> bool:
    """Whether an option stands in the command itself."""
    return click.get_current_context().get_parameter_source(name) == ParameterSource.COMMANDLINE


def _parse_moment(said: str | None) -> datetime | None:
    if not said:
        return None
    try:
        moment = datetime.fromisoformat(said)
    except ValueError as wrong:
        raise CommandError(f"{said!r} is no time in ISO 8601, such as 2026-12-01T00:00:00Z.") from wrong
    if moment.tzinfo is None:
        raise CommandError(f"{said!r} lacks its time zone; add Z or +07:00.")
    return moment


def _show_progress(done: int) -> None:
    print(f"\r{done:,} items looked at ", end="", file=sys.stderr, flush=True)


@dataset.command("list")
@json_option
@pass_shell
def list_(shell: Shell, as_json: bool) -> None:
    """List the sets with their newest versions."""
    actor = shell.actor()
    from kicau.training_sets import actions

    rows = [(of, of.versions.first()) for of in actions.list_sets(actor)]
    told = [_set_json(of) | {"newest": _version_json(v) if v else None} for of, v in rows]
    table = [
        (of.name, of.use, of.format, v.number if v else "", v.state if v else "", v.records if v else "")
        for of, v in rows
    ]
    print_result(
        as_json,
        told,
        lambda: print_table(
            ("name", "use", "format", "version", "state", ">records"), table, empty="There is no training set."
        ),
    )


@dataset.command("show")
@click.argument("name")
@click.option("--version", "number", type=int)
@json_option
@pass_shell
def show(shell: Shell, name: str, number: int | None, as_json: bool) -> None:
    """Show a version: what is in it, what was left out and why, and who has it."""
    actor = shell.actor()
    from kicau.training_sets import actions

    version = actions.get_version(actor, name, number)
    print_result(as_json, _version_json(version), lambda: _print_version(version))
    if version.state == "failed":
        sys.exit(EXIT_FAILED)


@dataset.command("questions")
@click.argument("name")
@click.option("--use", "used", multiple=True, metavar="ITEM", help="This post may be used.")
@click.option("--leave", "left", multiple=True, metavar="ITEM", help="This post stays out.")
@json_option
@pass_shell
def questions(shell: Shell, name: str, used: tuple[str, ...], left: tuple[str, ...], as_json: bool) -> None:
    """List posts of your own that hold a text that may not be used, and decide over them. Until then they stay out."""
    actor = shell.actor()
    from kicau.training_sets import actions

    for item, may_be_used in (*((one, True) for one in used), *((one, False) for one in left)):
        actions.answer_question(actor, name, item, may_be_used=may_be_used)
    found = actions.open_questions(actor, name)
    data = [{"item": str(q.item.id), "text": q.item.text, "original": str(q.original.id)} for q in found]
    rows = [(q.item.id, q.item.text[:60], q.original.id) for q in found]
    print_result(
        as_json,
        data,
        lambda: print_table(("item", "text", "holds the text of"), rows, empty="Nothing is to be decided."),
    )


@dataset.command("export")
@click.argument("name")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.option("--version", "number", type=int)
@click.option(
    "--for",
    "recipient",
    default="",
    metavar="NAME",
    help="Note who is given it: they are told when something is taken back.",
)
@click.option("--contact", default="", metavar="ADDRESS")
@pass_shell
def export(shell: Shell, name: str, folder: Path, number: int | None, recipient: str, contact: str) -> None:
    """Copy a version's files; one in which something was taken back is not handed out."""
    actor = shell.actor()
    from kicau.training_sets import actions, recipients

    version = actions.get_version(actor, name, number)
    files = [actions.file_of(actor, version, file) for file in version.files]
    if not files:
        raise CommandError(f"Version {version.number} is {version.get_state_display()}: there is nothing to copy yet.")
    folder.mkdir(parents=True, exist_ok=True)
    for file in files:
        shutil.copy2(file, folder / file.name)
    if recipient:
        recipients.add_recipient(actor, version, name=recipient, contact=contact)
    click.echo(f"{len(files)} files of version {version.number} are in {folder}.")


@dataset.command("acknowledge")
@click.argument("recipient")
@pass_shell
def acknowledge(shell: Shell, recipient: str) -> None:
    """Note that RECIPIENT (an id of `kicau dataset show`) uses what was taken back no more."""
    actor = shell.actor()
    from kicau.training_sets import recipients

    found = recipients.acknowledge(actor, recipient)
    click.echo(f"{found.name} acknowledged version {found.owes}.")


def _set_json(of: TrainingSet) -> dict[str, Any]:
    return {
        "id": str(of.id),
        "name": of.name,
        "purpose": of.purpose,
        "use": of.use,
        "format": of.format,
        "query": of.query,
        "meets": of.meets,
        "options": of.options,
    }


def _version_json(version: Version) -> dict[str, Any]:
    from kicau.training_sets.versions import version_folder

    people = [
        {
            "id": str(r.id),
            "name": r.name,
            "contact": r.contact,
            "given_at": r.given_at.isoformat(),
            "owes": r.owes,
            "acknowledged": r.acknowledged_at is not None,
        }
        for r in version.recipients.all()
    ]
    return {
        "set": _set_json(version.set),
        "version": version.number,
        "state": version.state,
        "as_of": version.as_of.isoformat(),
        "records": version.records,
        "excluded": version.excluded,
        "files": version.files,
        "folder": str(version_folder(version)),
        "delta": version.delta,
        "problem": version.problem,
        "recipients": people,
    }


def _print_version(version: Version) -> None:
    from kicau.training_sets.versions import version_folder

    print("", file=sys.stderr)
    print_facts(
        {
            "Set": f"{version.set.name}, version {version.number} ({version.get_state_display()})",
            "Records": f"{version.records:,}, each permitted for {version.set.use} as of {version.as_of:%Y-%m-%d %H:%M} UTC",
            "Without": f"{len(version.delta['record_ids']):,} records that were taken back" if version.delta else "",
            "Problem": version.problem,
            "Folder": str(version_folder(version)) if version.files else "",
            "Recipient": ", ".join(
                f"{r.name} ({'owes an answer' if r.owes and not r.acknowledged_at else 'settled'}, {r.id})"
                for r in version.recipients.all()
            ),
        }
    )
    print_table(
        (">left out", "why"),
        [(f"{n:,}", why) for why, n in sorted(version.excluded.items(), key=lambda r: -r[1])],
        empty="Nothing was left out.",
    )
