"""`kicau evidence`: the log that others can check, its key, and what outsiders said of it."""

from __future__ import annotations

from typing import Any

import click

from kicau.cli.core.command import (
    EXIT_FAILED,
    CommandError,
    Shell,
    json_option,
    pass_shell,
    print_facts,
    print_result,
    print_table,
)


@click.group()
def evidence() -> None:
    """Show the evidence log and have it timestamped."""


@evidence.command("log")
@json_option
@pass_shell
def log_(shell: Shell, as_json: bool) -> None:
    """Show the log's size, its keys, and its newest checkpoints with their external timestamps."""
    shell.actor()
    from kicau.evidence import log

    state = log.log_state()
    rows = state.checkpoints
    told: dict[str, Any] = {
        "origin": state.origin,
        "size": state.size,
        "key_sha256": state.key_sha256,
        "verifier_key": state.verifier_key,
        "witness_key": state.witness_key,
        "checkpoints": [{"size": r.size, "at": r.at.isoformat(), "note": r.note, "anchors": r.anchors} for r in rows],
    }

    def show() -> None:
        print_facts(
            {
                "Log": f"{state.origin}, {state.size:,} entries",
                "Key (SHA-256, for verify --key)": state.key_sha256,
                "Verifier key": state.verifier_key,
                "Key (as a witness)": state.witness_key,
            }
        )
        table = [
            (
                r.size,
                f"{r.at:%Y-%m-%d %H:%M}",
                "; ".join(f"{a['kind']} by {a['by']}{' (promised)' if a.get('pending') else ''}" for a in r.anchors)
                or "nobody",
            )
            for r in rows
        ]
        print_table((">entries", "signed (UTC)", "timestamped by"), table, empty="There are no signed checkpoints yet.")

    print_result(as_json, told, show)


@evidence.command("stamp")
@json_option
@pass_shell
def stamp(shell: Shell, as_json: bool) -> None:
    """Sign the current state of the log and have the services in the settings timestamp it. The exit code is 1 if a service fails."""
    actor = shell.actor()
    from kicau.evidence import anchors, log
    from kicau.workspaces.actors import Permission

    actor.require(Permission.SETTINGS)
    if not anchors.configured_services():
        raise CommandError(
            "No timestamp service is set. Set one in KICAU_TIMESTAMPS, KICAU_OPENTIMESTAMPS or KICAU_WITNESSES."
        )
    signed = log.current_checkpoint()
    troubles = anchors.anchor_async(signed)
    actor.record("evidence.stamped", str(signed.size), by=[a["by"] for a in signed.anchors])
    for trouble in troubles:
        click.echo(f"Not timestamped: {trouble}", err=True)
    told = {"size": signed.size, "anchors": signed.anchors, "troubles": troubles}
    rows = [(a["kind"], a["by"], a["at"], "promised" if a.get("pending") else "") for a in signed.anchors]
    print_result(
        as_json,
        told,
        lambda: print_table(
            ("kind", "by", "at", ""), rows, empty="The log is empty, so there is nothing to timestamp."
        ),
    )
    if troubles:
        raise SystemExit(EXIT_FAILED)
