"""`kicau canary`: whether a model has seen one text that was chosen by lot and registered beforehand."""

from __future__ import annotations

from pathlib import Path

import click

from kicau.cli.core.command import Shell, json_option, pass_shell, print_facts, print_result, print_table


@click.group()
def canary() -> None:
    """Register canary texts: publish one of many similar sentences, and later test whether a model knows it."""


@canary.command("register")
@click.argument("name")
@click.option(
    "--candidates",
    type=int,
    default=1000,
    show_default=True,
    help="Number of candidate sentences. The smallest possible p-value is 1 divided by this number.",
)
@click.option(
    "--language", type=click.Choice(["en", "id"]), default="en", show_default=True, help="Language of the candidates."
)
@click.option(
    "--sentence",
    default="",
    help='Your own sentence with a place for the random words, for example "My recipe is called {words}.".',
)
@json_option
@pass_shell
def register(shell: Shell, name: str, candidates: int, language: str, sentence: str, as_json: bool) -> None:
    """Create the candidate sentences, commit to them in the evidence log, and print the one to publish."""
    actor = shell.actor()
    from kicau.dataset_audit import canaries

    made = canaries.register_canary(actor, name, candidates=candidates, language=language, sentence=sentence)
    text = canaries.published_text(actor, made)
    told = {"id": str(made.id), "name": made.name, "candidates": candidates, "publish": text}
    print_result(
        as_json,
        told,
        lambda: print_facts(
            {
                "Publish this sentence only": text,
                "Registered": f"{made.name}, {candidates:,} candidates, entry {made.first_leaf} of the log",
            }
        ),
    )


@canary.command("list")
@json_option
@pass_shell
def list_(shell: Shell, as_json: bool) -> None:
    """List the canary texts and how often each was tested."""
    actor = shell.actor()
    from kicau.dataset_audit import canaries

    rows = list(canaries.list_canaries(actor))
    told = [
        {
            "id": str(r.id),
            "name": r.name,
            "candidates": len(r.candidates),
            "registered_at": r.registered_at.isoformat(),
            "tests": r.tests,
        }
        for r in rows
    ]
    table = [(r.name, f"{r.registered_at:%Y-%m-%d %H:%M}", len(r.candidates), r.tests) for r in rows]
    print_result(
        as_json,
        told,
        lambda: print_table(
            ("name", "registered (UTC)", ">candidates", ">tests"),
            table,
            empty="No canary text (a unique sentence that reveals copying) is registered yet.",
        ),
    )


@canary.command("text")
@click.argument("name")
@pass_shell
def text(shell: Shell, name: str) -> None:
    """Print the sentence to publish."""
    actor = shell.actor()
    from kicau.dataset_audit import canaries

    click.echo(canaries.published_text(actor, canaries.get_canary(actor, name)))


@canary.command("candidates")
@click.argument("name")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@pass_shell
def candidates(shell: Shell, name: str, file: Path) -> None:
    """Write all candidates to a CSV file for scoring. Keep the file secret until the test."""
    actor = shell.actor()
    from kicau.dataset_audit import canaries

    file.write_text(canaries.candidates_csv(actor, canaries.get_canary(actor, name)), "utf-8")
    click.echo(f"{file}: fill in the column score, for example with each text's loss.")


@canary.command("test")
@click.argument("name")
@click.argument("scores", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--model", required=True, help="Name of the model that produced the scores, and how.")
@click.option(
    "--higher-is-likelier", is_flag=True, help="The scores are probabilities or log-probabilities, not losses."
)
@click.option(
    "--evidence",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Also write a signed evidence bundle, which others can check with the verify.py next to it.",
)
@json_option
@pass_shell
def test(
    shell: Shell, name: str, scores: Path, model: str, higher_is_likelier: bool, evidence: Path | None, as_json: bool
) -> None:
    """Rank the published sentence among all candidates by a model's SCORES (CSV with the columns number and score)."""
    actor = shell.actor()
    import shutil

    from kicau.dataset_audit import canaries
    from kicau.evidence import verify

    found = canaries.get_canary(actor, name)
    values = canaries.parse_scores(scores.read_text("utf-8", "replace"), len(found.candidates))
    told = canaries.score_canary(actor, found, values, model=model, lower_is_likelier=not higher_is_likelier)
    if evidence:
        evidence.write_bytes(canaries.canary_test_evidence(actor, found, told))
        shutil.copyfile(verify.__file__, evidence.with_name("verify.py"))
    print_result(as_json, told, lambda: click.echo(told["says"]))


@canary.command("tests")
@click.argument("name")
@json_option
@pass_shell
def tests(shell: Shell, name: str, as_json: bool) -> None:
    """List all tests of a canary text with their results."""
    actor = shell.actor()
    from kicau.dataset_audit import canaries

    rows = canaries.tests_with_sentences(actor, canaries.get_canary(actor, name))
    told = [
        {
            "number": r.number,
            "at": r.made_at.isoformat(),
            **{k: r.report["canary"][k] for k in ("model", "rank", "of", "p", "lower_is_likelier")},
            "says": says,
        }
        for r, says in rows
    ]
    table = [
        (
            r.number,
            f"{r.made_at:%Y-%m-%d %H:%M}",
            r.report["canary"]["model"],
            f"{r.report['canary']['rank']:,} of {r.report['canary']['of']:,}",
            f"{r.report['canary']['p']:.2g}",
        )
        for r, _ in rows
    ]
    print_result(
        as_json,
        told,
        lambda: print_table(
            (">test", "made (UTC)", "model", ">rank", ">chance"),
            table,
            empty="This canary text has not been tested yet.",
        ),
    )
