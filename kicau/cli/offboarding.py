"""`kicau offboarding`: leave a network or a channel without losing anything, and go back."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

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
from kicau.cli.deliveries import local_time, localize_sentence

if TYPE_CHECKING:
    from kicau.offboarding.impact_preview import OffboardingPreview
    from kicau.offboarding.models import Offboarding
    from kicau.offboarding.restore_network import Resumption
    from kicau.workspaces.actors import Actor


@click.group()
def offboarding() -> None:
    """Stop publishing to a network or channel without losing data, and resume later."""


def _target_options(command: Callable[..., Any]) -> Callable[..., Any]:
    command = click.option("--channel", default="", metavar="KEY", help="Only this channel.")(command)
    return click.option("--network", default="", metavar="NETWORK", help="All channels of this network.")(command)


def _target_fields(network: str, channel: str) -> dict[str, str]:
    if bool(network) == bool(channel):
        raise click.UsageError("Choose what to stop publishing to: --network or --channel.")
    return {"network": network, "channel": channel}


@offboarding.command("list")
@json_option
@pass_shell
def list_offboardings(shell: Shell, as_json: bool) -> None:
    """List the networks and channels where publishing stops or has stopped."""
    actor = shell.actor()
    from kicau.offboarding import actions

    rows, zone = list(actions.offboardings(actor)[:500]), actor.workspace.timezone
    table = [
        (
            str(r.id)[-8:],
            r.network,
            r.channel.key if r.channel else "",
            r.state,
            local_time(r.effective_at, zone),
            localize_sentence(r.reason, zone),
        )
        for r in rows
    ]
    print_result(
        as_json,
        [_offboarding_json(r) for r in rows],
        lambda: print_table(
            ("id", "network", "channel", "state", f"from ({zone})", "why"),
            table,
            empty="Publishing has never been stopped for a network or channel.",
        ),
    )


@offboarding.command("preview")
@_target_options
@click.option(
    "--at", "at", default="", help="When publishing stops, in the same form as in kicau post --at. Default: now."
)
@json_option
@pass_shell
def preview(shell: Shell, network: str, channel: str, at: str, as_json: bool) -> None:
    """Show what would happen if publishing to a network or channel stopped. Change nothing."""
    actor = shell.actor()
    from kicau.offboarding import impact_preview

    found = impact_preview.preview_offboarding(
        actor, **_target_fields(network, channel), effective_at=_parse_time(actor, at)
    )
    print_result(as_json, _outlook_json(found), lambda: _print_outlook(found))


@offboarding.command("announce")
@_target_options
@click.option(
    "--at", "at", default="", help="When publishing stops, in the same form as in kicau post --at. Default: now."
)
@click.option("--reason", default="", help="Reason, for people who read the record later.")
@click.option("--by-network", is_flag=True, help="Record that the network itself announced this.")
@json_option
@pass_shell
def announce(shell: Shell, network: str, channel: str, at: str, reason: str, by_network: bool, as_json: bool) -> None:
    """Stop publishing to a network or channel, now or at a later time. Kicau keeps its queued posts."""
    actor = shell.actor()
    from kicau.offboarding import actions

    row = actions.announce_offboarding(
        actor,
        **_target_fields(network, channel),
        effective_at=_parse_time(actor, at),
        reason=reason,
        cause="network" if by_network else "choice",
    )
    print_result(as_json, _offboarding_json(row), lambda: _print_offboarding(row))


@offboarding.command("show")
@click.argument("which", metavar="ID|NETWORK")
@json_option
@pass_shell
def show(shell: Shell, which: str, as_json: bool) -> None:
    """Show the state of an offboarding, the posts that it stopped, and its jobs."""
    actor = shell.actor()
    from kicau.offboarding import impact_preview, jobs, new_targets

    row = _find_offboarding(actor, which)
    found, progress = impact_preview.preview_of(actor, row), new_targets.retarget_progress(row)
    work = [
        {
            "id": str(j.id),
            "kind": j.kind,
            "state": j.state,
            "percent": j.percent,
            "result": j.result,
            "sentence": j.sentence,
        }
        for j in jobs.jobs(actor, row.id)[:20]
    ]

    def human() -> None:
        _print_offboarding(row)
        _print_outlook(found)
        click.echo(f"{progress['replaced']} of {progress['waiting']} stopped posts are scheduled on other channels.")

    print_result(
        as_json,
        {**_offboarding_json(row), "outlook": _outlook_json(found), "progress": dict(progress), "jobs": work},
        human,
    )


@offboarding.command("stop-now")
@click.argument("which", metavar="ID|NETWORK")
@json_option
@pass_shell
def stop_now(shell: Shell, which: str, as_json: bool) -> None:
    """Apply an announced offboarding before its date, or confirm one that Kicau proposed."""
    actor = shell.actor()
    from kicau.offboarding import actions

    row = actions.offboard_now(actor, _find_offboarding(actor, which).id)
    print_result(as_json, _offboarding_json(row), lambda: _print_offboarding(row))


@offboarding.command("cancel")
@click.argument("which", metavar="ID|NETWORK")
@json_option
@pass_shell
def cancel(shell: Shell, which: str, as_json: bool) -> None:
    """Cancel an announced offboarding before its date."""
    actor = shell.actor()
    from kicau.offboarding import actions

    row = actions.cancel_offboarding(actor, _find_offboarding(actor, which).id)
    print_result(as_json, _offboarding_json(row), lambda: _print_offboarding(row))


@offboarding.command("export")
@click.argument("which", metavar="ID|NETWORK")
@click.argument("target", metavar="FILE.zip", type=click.Path(path_type=Path, dir_okay=False))
@json_option
@pass_shell
def export(shell: Shell, which: str, target: Path, as_json: bool) -> None:
    """Export everything to one ZIP file: JSON, CSV, media, and pages for any browser."""
    actor = shell.actor()
    if target.exists():
        raise CommandError(f"{target} already exists. Choose another file name.")
    from kicau.offboarding import jobs

    job = jobs.request_export(actor, _find_offboarding(actor, which).id)
    result = _run_job(actor, job.id)
    shutil.copyfile(jobs.archive_file(jobs.one_job(actor, job.id)), target)
    told = {"file": str(target), **result}
    print_result(
        as_json,
        told,
        lambda: click.echo(
            f"{target}: {result['size'] / 1e6:.1f} MB, {result['counts']['posts']} posts, {result['counts']['deliveries']} deliveries, {result['counts']['media']} files."
        ),
    )


@offboarding.command("retarget")
@click.argument("which", metavar="ID|NETWORK")
@click.option(
    "--to",
    "keys",
    multiple=True,
    required=True,
    metavar="KEY",
    help="Channel that takes over the posts. Repeat, or separate with commas.",
)
@click.option(
    "--overdue",
    type=click.Choice(["leave", "now", "shift"]),
    default="leave",
    show_default=True,
    help="What to do with posts whose time has passed.",
)
@click.option("--first-at", default="", help="With --overdue shift: time of the first post.")
@click.option(
    "--confirm", is_flag=True, help="Confirm that you have read the posts, if a network requires a confirmation."
)
@click.option("--rest", is_flag=True, help="Only posts that have no new channel yet.")
@click.option(
    "--check", "only_check", is_flag=True, help="Show whether each post fits the new channels. Change nothing."
)
@json_option
@pass_shell
def retarget(
    shell: Shell,
    which: str,
    keys: tuple[str, ...],
    overdue: str,
    first_at: str,
    confirm: bool,
    rest: bool,
    only_check: bool,
    as_json: bool,
) -> None:
    """Schedule stopped posts on other channels, adapted to each channel. Lists posts that do not fit."""
    actor = shell.actor()
    from kicau.offboarding import jobs, new_targets
    from kicau.offboarding.new_targets import OverdueRetargetAction, RetargetDecision

    row = _find_offboarding(actor, which)
    to = tuple(key.strip() for said in keys for key in said.split(",") if key.strip())
    decision = RetargetDecision(
        channels=to,
        overdue=OverdueRetargetAction(overdue),
        first_at=_parse_time(actor, first_at),
        confirm=confirm,
        rest=rest,
    )
    act = new_targets.preview_retarget if only_check else new_targets.retarget
    found = act(actor, row.id, decision, tell_progress=_show_progress("posts"))
    obstacles = [
        {
            "delivery": str(o.delivery),
            "post": str(o.draft),
            "channel": o.channel.key,
            "due_at": o.due_at.isoformat(),
            "problems": [p.sentence for p in o.problems],
        }
        for o in found.obstacles
    ]

    def human() -> None:
        for one in obstacles[:200]:
            click.echo(f"✗ {one['post'][-8:]} {one['channel']}: {' '.join(one['problems'])}")
        click.echo(
            f"{found.posts} stopped posts: {found.fits} deliveries {'fit' if only_check else 'were scheduled'}, {found.already} were already scheduled, {found.overdue} are overdue, {found.unfit} do not fit."
        )

    print_result(as_json, {**jobs.preview_summary(found), "obstacles": obstacles}, human)


@offboarding.command("resume")
@click.argument("which", metavar="ID|NETWORK")
@click.option(
    "--overdue",
    type=click.Choice(["ask", "now", "shift", "cancel"]),
    default="ask",
    show_default=True,
    help='What to do with posts whose time has passed. "ask" leaves each one waiting for your decision.',
)
@click.option("--first-at", default="", help="With --overdue shift: time of the first post.")
@click.option(
    "--keep-replaced", is_flag=True, help="Also publish the posts that were scheduled on other channels instead."
)
@click.option("--check", "only_check", is_flag=True, help="Show what would happen. Change nothing.")
@json_option
@pass_shell
def resume(
    shell: Shell, which: str, overdue: str, first_at: str, keep_replaced: bool, only_check: bool, as_json: bool
) -> None:
    """Resume publishing and restore channels and queues. Overdue posts are not published unless --overdue says so."""
    actor = shell.actor()
    from kicau.offboarding import restore_network
    from kicau.offboarding.restore_network import OverdueAction

    row = _find_offboarding(actor, which)
    done = (
        restore_network.preview_resumption(actor, row.id)
        if only_check
        else restore_network.resume(
            actor,
            row.id,
            overdue=OverdueAction(overdue),
            first_at=_parse_time(actor, first_at),
            keep_replaced=keep_replaced,
        )
    )
    print_result(as_json, _return_json(done), lambda: print_facts(_return_json(done)))


@offboarding.command("overdue")
@click.argument("which", metavar="ID|NETWORK")
@click.option(
    "--decide",
    "overdue",
    type=click.Choice(["now", "shift", "cancel"]),
    required=True,
    help="What to do with all of these posts.",
)
@click.option("--first-at", default="", help="With shift: time of the first post.")
@json_option
@pass_shell
def overdue_posts(shell: Shell, which: str, overdue: str, first_at: str, as_json: bool) -> None:
    """Decide about all posts whose time passed while publishing was stopped."""
    actor = shell.actor()
    from kicau.offboarding import restore_network
    from kicau.offboarding.restore_network import OverdueAction

    count = restore_network.decide_overdue(
        actor, _find_offboarding(actor, which, ended=True).id, OverdueAction(overdue), _parse_time(actor, first_at)
    )
    print_result(as_json, {"decided": count}, lambda: click.echo(f"Decided for {count} deliveries."))


@offboarding.command("instance-wide")
@click.argument("network")
@click.option("--app", "app_name", default="", help="Only channels that were connected with this app.")
@click.option("--at", "at", default="", help="When publishing stops. Default: now.")
@click.option("--reason", default="", help="Reason, for people who read the record later.")
@click.option("--resume", "resume_publishing", is_flag=True, help="Resume publishing in every workspace.")
@json_option
@pass_shell
def everywhere(
    shell: Shell, network: str, app_name: str, at: str, reason: str, resume_publishing: bool, as_json: bool
) -> None:
    """Stop or resume publishing to a network in every workspace (operators only)."""
    person = shell.person()
    from kicau.base import clock
    from kicau.offboarding import instance_wide as all_of_them
    from kicau.publishing.scheduling.time_parser import parse_time

    if resume_publishing:
        open_ones = [row.decision_id for row in all_of_them.open_decisions(person) if row.network == network]
        rows = [
            row
            for decision_id in open_ones
            if decision_id
            for row in all_of_them.resume_everywhere(person, decision_id, via="cli")
        ]
    else:
        when = parse_time(at, person.timezone, clock.now()) if at else None
        rows = all_of_them.announce_everywhere(
            person, network, app_name=app_name, effective_at=when, reason=reason, via="cli"
        )
    print_result(
        as_json,
        [_offboarding_json(row) for row in rows],
        lambda: click.echo(f"{len(rows)} workspaces: {', '.join(sorted({r.state for r in rows})) or 'nothing to do'}."),
    )


def _find_offboarding(actor: Actor, which: str, *, ended: bool = False) -> Offboarding:
    """By id, the last eight characters of one, or the network of the newest."""
    from kicau.base.errors import NotFound
    from kicau.offboarding import actions
    from kicau.offboarding.models import OPEN_STATES

    rows = list(actions.offboardings(actor)[:1000])
    found = [r for r in rows if which in (str(r.id), str(r.id)[-8:])]
    found = found or [r for r in rows if r.network == which and (ended or r.state in OPEN_STATES) and not r.channel_id]
    found = found or [r for r in rows if r.channel and r.channel.key == which and (ended or r.state in OPEN_STATES)]
    if not found:
        raise NotFound("offboarding", which)
    return found[0]


def _parse_time(actor: Actor, said: str) -> datetime | None:
    from kicau.base import clock
    from kicau.publishing.scheduling.time_parser import parse_time

    return parse_time(said, actor.workspace.timezone, clock.now()) if said else None


def _run_job(actor: Actor, job_id: Any) -> dict[str, Any]:
    """Do the job here, unless a worker has taken it; then wait for it."""
    import time

    from kicau.offboarding import jobs
    from kicau.offboarding.models import OffboardingJobState

    show = _show_progress("rows")
    jobs.run_job(job_id)
    while (job := jobs.one_job(actor, job_id)).state in (OffboardingJobState.WAITING, OffboardingJobState.WORKING):
        show(job.done, job.total)
        time.sleep(0.2)
    if job.state == OffboardingJobState.FAILED:
        raise CommandError(job.sentence, EXIT_FAILED)
    return dict(job.result)


def _show_progress(what: str) -> Callable[[int, int], None]:
    """On a terminal only, on standard error."""

    def tell(done: int, total: int) -> None:
        if sys.stderr.isatty() and total:
            click.echo(f"\r{done} of {total} {what}", nl=done >= total, err=True)

    return tell


def _offboarding_json(row: Offboarding) -> dict[str, Any]:
    return {
        "id": str(row.id),
        "network": row.network,
        "channel": row.channel.key if row.channel else None,
        "state": row.state,
        "cause": row.cause,
        "reason": row.reason,
        "evidence": row.evidence,
        "by_operator": row.by_operator,
        "effective_at": row.effective_at.isoformat(),
        "offboarded_at": row.offboarded_at.isoformat() if row.offboarded_at else None,
        "ended_at": row.ended_at.isoformat() if row.ended_at else None,
    }


def _print_offboarding(row: Offboarding) -> None:
    print_facts({k: v for k, v in _offboarding_json(row).items() if k not in ("evidence", "by_operator")})


def _outlook_json(found: OffboardingPreview) -> dict[str, Any]:
    return {
        "network": found.network,
        "at": found.at.isoformat(),
        "before": found.before,
        "after": found.after,
        "after_first": found.after_first.isoformat() if found.after_first else None,
        "after_last": found.after_last.isoformat() if found.after_last else None,
        "sending": found.sending,
        "also_elsewhere": found.also_elsewhere,
        "troubled": found.troubled,
        "published": found.published,
        "drafts": found.drafts,
        "media": found.media,
        "others": found.others,
        "channels": [
            {"channel": s.channel.key, "before": s.before, "after": s.after, "published": s.published}
            for s in found.shares
        ],
        "targets": [t.channel.key for t in found.targets],
    }


def _print_outlook(found: OffboardingPreview) -> None:
    told = _outlook_json(found)
    print_facts(
        {
            "will still be published": found.before,
            "stopped and kept": found.after,
            "first stopped post": told["after_first"],
            "last stopped post": told["after_last"],
            "also on other channels": found.also_elsewhere,
            "published": found.published,
            "drafts": found.drafts,
            "files": found.media,
            "other channels that continue": found.others,
            "channels that could take over": ", ".join(told["targets"]),
        }
    )


def _return_json(done: Resumption) -> dict[str, Any]:
    return {
        "state": done.offboarding.state,
        "channels": [c.key for c in done.channels],
        "restored": done.restored,
        "overdue": done.overdue,
        "replaced": done.replaced,
        "replaced_published": done.replaced_published,
    }
