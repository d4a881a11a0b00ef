"""`kicau training-sets`: training sets of what is permitted, and who has them."""

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
    from kicau.training_sets.models import TrainingSet, TrainingSetVersion

OPTION_NAMES = {
    "purpose": "words on its purpose",
    "form": "records (--format)",
    "meets": "conditions (--meets)",
    "use": "rights (--use)",
} | {name: name.replace("_", " ") for name in ("words", "networks", "languages", "least_words", "prompt")}


@click.group()
def training_sets() -> None:
    """Build training sets that contain only permitted content, and remove withdrawn content from them."""


@training_sets.command("build")
@click.argument("name")
@click.option("--purpose", default="", help="Purpose of the training set, in your own words. Appears in its data card.")
@click.option("--use", default="train_gen", show_default=True, help="The use that every item must be permitted for.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "prompt", "chat"]),
    default="text",
    show_default=True,
    help="Form of the records.",
)
@click.option(
    "--meets",
    multiple=True,
    metavar="CONDITION",
    help="A condition that you fulfil, for example attribution. Repeat for several.",
)
@click.option("--words", default="", help="Only items that a search for these words finds.")
@click.option("--network", "networks", multiple=True, help="Only items of this network. Repeat for several.")
@click.option(
    "--language", "languages", multiple=True, help="Only items in this language (id, en …). Repeat for several."
)
@click.option("--least-words", type=click.IntRange(1), default=1, help="Only items with at least this number of words.")
@click.option("--prompt", help="Prompt for texts that are not replies. Can contain {network} and {language}.")
@click.option(
    "--as-of",
    metavar="TIME",
    help="Use the permissions of this time (ISO 8601 with time zone). The same time always gives identical files.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="FOLDER",
    help="Also copy the files to this folder.",
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
    """Build a training set, or the next version of an existing one."""
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
                f"{of.name} already exists with other {OPTION_NAMES[other[0]]}. Change it on its page, or choose another name.",
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
    version.refresh_from_db()  # an item may have been retracted in the meantime
    if out:
        files = [actions.file_of(actor, version, file) for file in version.files]
        out.mkdir(parents=True, exist_ok=True)
        for file in files:
            shutil.copy2(file, out / file.name)
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
        raise CommandError(f"{said!r} is not a time in ISO 8601, such as 2026-12-01T00:00:00Z.") from wrong
    if moment.tzinfo is None:
        raise CommandError(f"{said!r} has no time zone. Add Z or for example +07:00.")
    return moment


def _show_progress(done: int) -> None:
    print(f"\r{done:,} items checked ", end="", file=sys.stderr, flush=True)


@training_sets.command("list")
@json_option
@pass_shell
def list_(shell: Shell, as_json: bool) -> None:
    """List the training sets with their newest versions."""
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
            ("name", "use", "format", "version", "state", ">records"), table, empty="There are no training sets."
        ),
    )


@training_sets.command("show")
@click.argument("name")
@click.option("--version", "number", type=int, help="Number of the version. Default: the newest.")
@json_option
@pass_shell
def show(shell: Shell, name: str, number: int | None, as_json: bool) -> None:
    """Show a version: its content, what was excluded and why, and who received it."""
    actor = shell.actor()
    from kicau.training_sets import actions

    version = actions.get_version(actor, name, number)
    print_result(as_json, _version_json(version), lambda: _print_version(version))
    if version.state == "failed":
        sys.exit(EXIT_FAILED)


@training_sets.command("questions")
@click.argument("name")
@click.option("--include", "included", multiple=True, metavar="ITEM", help="Include this post.")
@click.option("--exclude", "excluded", multiple=True, metavar="ITEM", help="Exclude this post.")
@json_option
@pass_shell
def questions(shell: Shell, name: str, included: tuple[str, ...], excluded: tuple[str, ...], as_json: bool) -> None:
    """List your own posts that contain a text that may not be used, and decide about them. Until then they are excluded."""
    actor = shell.actor()
    from kicau.training_sets import actions

    for item, may_be_used in (*((one, True) for one in included), *((one, False) for one in excluded)):
        actions.answer_question(actor, name, item, may_be_used=may_be_used)
    found = actions.open_questions(actor, name)
    data = [{"item": str(q.item.id), "text": q.item.text, "original": str(q.original.id)} for q in found]
    rows = [(q.item.id, q.item.text[:60], q.original.id) for q in found]
    print_result(
        as_json,
        data,
        lambda: print_table(("item", "text", "contains the text of"), rows, empty="There is nothing to decide."),
    )


@training_sets.command("export")
@click.argument("name")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.option("--version", "number", type=int, help="Number of the version. Default: the newest.")
@click.option(
    "--for",
    "recipient",
    default="",
    metavar="NAME",
    help="Record the recipient. Kicau notifies them when content is withdrawn.",
)
@click.option("--contact", default="", metavar="ADDRESS", help="Address where you can reach the recipient.")
@pass_shell
def export(shell: Shell, name: str, folder: Path, number: int | None, recipient: str, contact: str) -> None:
    """Copy a version's files to FOLDER. Refused if content of the version was withdrawn."""
    actor = shell.actor()
    from kicau.training_sets import actions, recipients

    version = actions.get_version(actor, name, number)
    files = [actions.file_of(actor, version, file) for file in version.files]
    if not files:
        raise CommandError(
            f"Version {version.number} is {version.get_state_display()}, so there is nothing to copy yet."
        )
    folder.mkdir(parents=True, exist_ok=True)
    for file in files:
        shutil.copy2(file, folder / file.name)
    if recipient:
        recipients.add_recipient(actor, version, name=recipient, contact=contact)
    click.echo(f"{len(files)} files of version {version.number} are in {folder}.")


@training_sets.command("acknowledge")
@click.argument("recipient")
@pass_shell
def acknowledge(shell: Shell, recipient: str) -> None:
    """Record that RECIPIENT (an ID from `kicau training-sets show`) no longer uses the withdrawn content."""
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


def _version_json(version: TrainingSetVersion) -> dict[str, Any]:
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


def _print_version(version: TrainingSetVersion) -> None:
    from kicau.training_sets.versions import version_folder

    print("", file=sys.stderr)
    print_facts(
        {
            "Set": f"{version.set.name}, version {version.number} ({version.get_state_display()})",
            "Records": f"{version.records:,}, each permitted for {version.set.use} as of {version.as_of:%Y-%m-%d %H:%M} UTC",
            "Without": f"{len(version.delta['record_ids']):,} withdrawn records" if version.delta else "",
            "Problem": version.problem,
            "Folder": str(version_folder(version)) if version.files else "",
            "Recipient": ", ".join(
                f"{r.name} ({'has not confirmed yet' if r.owes and not r.acknowledged_at else 'confirmed'}, {r.id})"
                for r in version.recipients.all()
            ),
        }
    )
    print_table(
        (">excluded", "why"),
        [(f"{n:,}", why) for why, n in sorted(version.excluded.items(), key=lambda r: -r[1])],
        empty="Nothing was excluded.",
    )
