"""What becomes of posts: the calendar, one delivery's story, and everything that a person can do with it."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

import click

from kicau.cli.core.command import (
    EXIT_NOT_FOUND,
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
    from kicau.publishing.content.compositions import Composition
    from kicau.publishing.models import Delivery, Draft
    from kicau.workspaces.actors import Actor

STATE_NAMES = ("scheduled", "publishing", "published", "held", "failed", "unknown", "parked", "canceled", "deleted")
COMMAND_NAMES = {"edit/resolve": "edit --resolve"}  # of actions that are called otherwise here
SHORT_ID_LENGTH = 8  # characters of an id's end that tables show and commands take


@click.command()
@click.option("--from", "since", metavar="TIME", help="Only deliveries due from this time. Default: today.")
@click.option("--to", "until", metavar="TIME", help="Only deliveries due before this time.")
@click.option("--channel", "keys", multiple=True, help="Only this channel. Repeat for several.")
@click.option("--network", help="Only this network.")
@click.option(
    "--state", "states", multiple=True, type=click.Choice(STATE_NAMES), help="Only this state. Repeat for several."
)
@click.option("--campaign", help="Only posts of this campaign.")
@click.option("--tag", help="Only posts with this tag.")
@click.option("--all", "from_ever", is_flag=True, help="Also list deliveries that were due before today.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=200, show_default=True, help="Maximum number of rows.")
@click.option("--zone", default="", help="Time zone of the output and of --from and --to. Default: the workspace's.")
@json_option
@pass_shell
def calendar(
    shell: Shell,
    since: str | None,
    until: str | None,
    keys: tuple[str, ...],
    network: str | None,
    states: tuple[str, ...],
    campaign: str | None,
    tag: str | None,
    from_ever: bool,
    limit: int,
    zone: str,
    as_json: bool,
) -> None:
    """List scheduled and published posts by date."""
    actor = shell.actor()
    from kicau.base import clock
    from kicau.channels.actions import one_channel
    from kicau.cli.core import serializers
    from kicau.publishing.models import state_filter
    from kicau.publishing.scheduling import actions
    from kicau.publishing.scheduling.time_parser import parse_range_end

    zone = zone or actor.workspace.timezone
    rows = actions.deliveries(actor)
    if not from_ever:
        rows = rows.filter(due_at__gte=parse_range_end(since or "today", zone, clock.now()))
    if until:
        rows = rows.filter(due_at__lt=parse_range_end(until, zone, clock.now()))
    if keys:
        rows = rows.filter(channel__in=[one_channel(actor, key) for key in keys])
    exact = {"network": network, "draft__campaign__name": campaign}
    rows = rows.filter(**{name: value for name, value in exact.items() if value})
    rows = rows.filter(state_filter(states)) if states else rows
    rows = rows.filter(draft__tags__contains=[tag]) if tag else rows
    found = list(rows[: limit + 1])
    print_result(
        as_json, [serializers.delivery_json(row) for row in found[:limit]], lambda: _print_calendar(found, limit, zone)
    )


def _print_calendar(found: Sequence[Delivery], limit: int, zone: str) -> None:
    table = [
        (
            short_id(row),
            local_time(row.due_at, zone),
            row.channel.key,
            row.standing.label,
            delay_text(row),
            one_line(row),
            row.url or localize_sentence(row.reason, zone),
        )
        for row in found[:limit]
    ]
    print_table(
        ("id", f"due ({zone})", "channel", "state", ">late", "text", ""),
        table,
        empty="No posts are scheduled. To see earlier ones, add --all.",
    )
    if len(found) > limit:
        click.echo(f"There are more. Raise --limit or narrow the range (--from {found[limit].due_at:%Y-%m-%dT%H:%M}Z).")


def short_id(row: Any) -> str:
    return str(row.id)[-SHORT_ID_LENGTH:]


def local_time(at: datetime | None, zone: str) -> str:
    from kicau.base import clock

    return f"{at.astimezone(clock.find_zone(zone)):%Y-%m-%d %H:%M:%S}" if at else ""


def localize_sentence(text: str, zone: str) -> str:
    from kicau.base import sentences

    return sentences.times_in_zone(text, zone)


def delay_text(row: Delivery) -> str:
    return "" if row.late_ms is None else f"{row.late_ms / 1000:.1f} s"


def one_line(row: Delivery, width: int = 48) -> str:
    parts = row.rendered["parts"]
    text = printable_line(parts[0].get("text", "") if parts else "").strip()
    return text if len(text) <= width else text[: width - 1] + "…"


def find_delivery(actor: Actor, said: str) -> Delivery:
    """By its whole id, or by an ending that only one has. Raises CommandError, NotFound."""
    from kicau.publishing.scheduling import actions

    if not re.fullmatch(r"[0-9a-f]{6,11}", said.casefold()):
        return actions.one_delivery(actor, said)
    found = list(actions.deliveries(actor).filter(id__endswith=said.casefold())[:2])
    if len(found) != 1:
        raise CommandError(
            f"{'Several delivery IDs end' if found else 'No delivery ID ends'} in {said}. Use the whole ID (see kicau calendar --json).",
            EXIT_NOT_FOUND,
        )
    return found[0]


@click.command()
@click.argument("delivery_id", metavar="ID")
@json_option
@pass_shell
def show(shell: Shell, delivery_id: str, as_json: bool) -> None:
    """Show a delivery (a post on one channel): its content, state and each step so far."""
    actor = shell.actor()
    from kicau.cli.core import serializers
    from kicau.connector.content import Rendered
    from kicau.connector.serialization import from_json
    from kicau.costs.pricing import price_charges
    from kicau.inbox import engagement as what_was_read
    from kicau.publishing import transitions
    from kicau.publishing.scheduling import actions

    row = find_delivery(actor, delivery_id)
    rendered = from_json(Rendered, row.rendered)
    story = actions.attempt_log(actor, row)
    priced = price_charges(row.network, rendered.charges, plan=row.channel.app.plan)
    numbers = list(what_was_read.post_metrics(actor, row.draft_id).filter(delivery=row).order_by("position"))
    answers = list(what_was_read.inbox_items(actor, row.draft_id).filter(delivery=row).order_by("at", "id"))
    data = {
        **serializers.delivery_json(row),
        "rendered": serializers.rendered_json(rendered, priced),
        "attempts": [serializers.attempt_json(a, row.timezone) for a in story],
        "metrics": [
            {
                "part": n.position + 1,
                "remote_id": n.remote_id,
                "values": n.values,
                "read_at": n.read_at.isoformat() if n.read_at else None,
            }
            for n in numbers
        ],
        "comments": [
            {
                "remote_id": a.remote_id,
                "author": a.author,
                "handle": a.handle,
                "name": a.name,
                "text": a.text,
                "at": a.at.isoformat(),
            }
            for a in answers
        ],
    }

    def human() -> None:
        print_facts(
            {
                "id": row.id,
                "post": row.draft_id,
                "channel": f"{row.channel.key} ({row.channel.name})",
                "state": row.standing.label,
                "because": localize_sentence(row.reason, row.timezone),
                "you can": ", ".join(COMMAND_NAMES.get(one, one) for one in transitions.allowed(row)),
                "due": f"{local_time(row.due_at, row.timezone)} {row.timezone}",
                "published": local_time(row.published_at, row.timezone),
                "late": delay_text(row),
                "address": row.url,
                "confirmed by": row.confirmed_by,
            }
        )
        for n, part in enumerate(rendered.parts, 1):
            click.echo(f"\n── part {n} ({part.used} of {part.limit} {part.unit})\n{printable_lines(part.text)}")
            for medium in part.media:
                click.echo(
                    f"   [{medium.media.kind}] {printable_line(medium.media.name)}: {printable_line(medium.media.alt) or 'no alt text'}"
                )
        click.echo()
        print_table(
            ("when", "did", "cost", ""),
            [
                (local_time(a.at, row.timezone), a.did, a.outcome, localize_sentence(a.sentence, row.timezone))
                for a in story
            ],
            empty="No steps yet.",
        )
        for one in numbers:
            told = ", ".join(f"{name} {value}" for name, value in one.values.items())
            click.echo(f"\nRead {local_time(one.read_at, row.timezone)}: {printable_line(told)}")
        if answers:
            click.echo()
            print_table(
                ("answered", "by", ""),
                [
                    (local_time(a.at, row.timezone), printable_line(a.name or a.handle or a.author), a.text)
                    for a in answers
                ],
            )

    print_result(as_json, data, human)


def printable_lines(text: str) -> str:
    return "\n".join(printable_line(line) for line in text.split("\n"))


def _run_for_each(
    shell: Shell, ids: Sequence[str], act: Callable[[Actor, Delivery], Delivery], sentence: str, as_json: bool
) -> None:
    """The same act on several deliveries; what was done before one failed stays done and is told."""
    actor = shell.actor()
    from kicau.cli.core import serializers

    done = []
    try:
        for one in ids:
            done.append(act(actor, find_delivery(actor, one)))
    finally:
        if not as_json:
            for row in done:
                click.echo(f"{short_id(row)} ({row.channel.key}) {sentence}.")
    if as_json:
        print_result(True, [serializers.delivery_json(row) for row in done], lambda: None)


ids_argument = click.argument("ids", nargs=-1, required=True, metavar="ID...")


@click.command()
@ids_argument
@json_option
@pass_shell
def cancel(shell: Shell, ids: tuple[str, ...], as_json: bool) -> None:
    """Cancel deliveries. Their posts stay in Kicau."""

    def act(actor: Actor, row: Delivery) -> Delivery:
        from kicau.publishing.scheduling import actions

        return actions.cancel(actor, row.id)

    _run_for_each(shell, ids, act, "is canceled", as_json)


@click.command()
@ids_argument
@json_option
@pass_shell
def retry(shell: Shell, ids: tuple[str, ...], as_json: bool) -> None:
    """Retry deliveries that failed or are held, parked or canceled, or check the network again if the result is unknown.
    Kicau publishes nothing twice."""

    def act(actor: Actor, row: Delivery) -> Delivery:
        from kicau.publishing.scheduling import actions

        return actions.retry(actor, row.id)

    _run_for_each(shell, ids, act, "will be tried again", as_json)


@click.command()
@ids_argument
@json_option
@pass_shell
def confirm(shell: Shell, ids: tuple[str, ...], as_json: bool) -> None:
    """Confirm that you have read these posts and want them published, if the network requires a confirmation."""

    def act(actor: Actor, row: Delivery) -> Delivery:
        from kicau.publishing.scheduling import actions

        return actions.confirm(actor, row.id)

    _run_for_each(shell, ids, act, "is confirmed", as_json)


@click.command()
@click.argument("delivery_id", metavar="ID")
@click.argument("at", metavar="WHEN", nargs=-1, required=True)
@click.option("--zone", default="", help="Time zone of WHEN. Default: the delivery's own.")
@json_option
@pass_shell
def reschedule(shell: Shell, delivery_id: str, at: tuple[str, ...], zone: str, as_json: bool) -> None:
    """Reschedule a delivery, for example: kicau reschedule 1a2b3c4d tomorrow 09:00"""

    def act(actor: Actor, row: Delivery) -> Delivery:
        from kicau.base import clock
        from kicau.publishing.scheduling import actions
        from kicau.publishing.scheduling.time_parser import parse_time

        said = " ".join(at)
        due = None if said.casefold() in SLOT_WORDS else parse_time(said, zone or row.timezone, clock.now())
        return actions.reschedule(actor, row.id, due, zone)

    _run_for_each(shell, [delivery_id], act, f"is moved to {' '.join(at)}", as_json)


def find_post(actor: Actor, given: str) -> Draft:
    """By the id of the post or of one of its deliveries, whole or as an ending. Raises CommandError, NotFound."""
    from kicau.base.ids import as_uuid
    from kicau.publishing.content import compositions

    if re.fullmatch(r"[0-9a-f]{6,11}", given.casefold()):
        found = list(compositions.drafts(actor).filter(id__endswith=given.casefold()).values_list("id", flat=True)[:2])
        return compositions.one_draft(actor, found[0] if len(found) == 1 else find_delivery(actor, given).draft_id)
    row = compositions.with_content(compositions.drafts(actor)).filter(id=as_uuid(given)).first()
    return row or compositions.one_draft(actor, find_delivery(actor, given).draft_id)


@click.command()
@click.argument("post", metavar="ID")
@click.option("--text", "texts", multiple=True, metavar="TEXT", help="The new text. Repeat for each part of a thread.")
@click.option("--at", default="", metavar="WHEN", help="The new time, in the same form as in kicau post.")
@click.option("--zone", default="", help="Time zone of --at. Default: the workspace's.")
@click.option("--add", multiple=True, metavar="CHANNEL", help="Also publish on this channel. Repeat for several.")
@click.option(
    "--remove", multiple=True, metavar="CHANNEL", help="Do not publish on this channel any more. Repeat for several."
)
@click.option(
    "--confirm/--no-confirm",
    default=None,
    help="If a person had confirmed the old content: confirm the new content too, or hold the post until someone does.",
)
@json_option
@pass_shell
def change(
    shell: Shell,
    post: str,
    texts: tuple[str, ...],
    at: str,
    zone: str,
    add: tuple[str, ...],
    remove: tuple[str, ...],
    confirm: bool | None,
    as_json: bool,
) -> None:
    """Change the content, time or channels of a scheduled post, on all channels where publishing has not begun.

    ID is the ID of the post or of one of its deliveries.
    """
    if not (texts or at or add or remove or confirm is not None):
        raise CommandError("Choose what to change: --text, --at, --add, --remove or --confirm.")
    actor = shell.actor()
    from kicau.base import clock
    from kicau.cli.core import serializers
    from kicau.publishing.content import compositions
    from kicau.publishing.scheduling import scheduled_posts
    from kicau.publishing.scheduling.time_parser import parse_time

    draft = find_post(actor, post)
    zone = zone or actor.workspace.timezone
    in_slot = at.strip().casefold() in SLOT_WORDS
    wanted = scheduled_posts.ScheduledPostChange(
        composition=_replace_texts(compositions.composition_of(draft), texts) if texts else None,
        due_at=parse_time(at, zone, clock.now()) if at and not in_slot else None,
        next_slot=in_slot,
        timezone=zone if at else "",
        add=add,
        remove=remove,
        confirm=confirm,
    )
    done = scheduled_posts.change_post(actor, draft.id, wanted)
    groups = {"changed": done.changed, "added": done.added, "canceled": done.canceled, "begun": done.begun}
    data: dict[str, Any] = {name: [serializers.delivery_json(row) for row in rows] for name, rows in groups.items()}

    def human() -> None:
        results = {
            "changed": "",
            "added": "added",
            "canceled": "canceled",
            "begun": "not changed, because publishing has begun",
        }
        table = [
            (short_id(row), row.channel.key, local_time(row.due_at, zone), row.standing.label, results[name])
            for name, rows in groups.items()
            for row in rows
        ]
        print_table(("id", "channel", f"due ({zone})", "state", ""), table, empty="The content is changed.")
        for problem in done.notices:
            click.echo(f"· {printable_line(problem.sentence)}")

    print_result(as_json, {"post": str(draft.id), **data, "notices": [n.fields() for n in done.notices]}, human)


def _replace_texts(content: Composition, texts: Sequence[str]) -> Composition:
    """The texts by part; files stay with their part. A part that gets neither goes."""
    from kicau.publishing.content.compositions import PartContent

    media = [part.media for part in content.parts]
    media += [()] * (len(texts) - len(media))
    parts = [PartContent(text=text or "", media=use) for text, use in zip_longest(texts, media)]
    return replace(content, parts=tuple(part for part in parts if part.text or part.media))


@click.command("publish-again")
@click.argument("post", metavar="ID")
@click.option(
    "--to", "keys", multiple=True, required=True, metavar="CHANNEL", help="Channel to publish on. Repeat for several."
)
@click.option("--at", default="now", show_default=True, metavar="WHEN", help="Time, in the same form as in kicau post.")
@click.option("--zone", default="", help="Time zone of --at. Default: the workspace's.")
@click.option(
    "--confirm",
    is_flag=True,
    help="Confirm that you have read the post and want it published, if the network requires a confirmation.",
)
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
@json_option
@pass_shell
def publish_again(
    shell: Shell, post: str, keys: tuple[str, ...], at: str, zone: str, confirm: bool, yes: bool, as_json: bool
) -> None:
    """Publish a post a second time, in addition to the copies that are already published.

    ID is the ID of the post or of one of its deliveries.
    """
    actor = shell.actor()
    from kicau.base import clock
    from kicau.channels.actions import one_channel
    from kicau.cli.core import serializers
    from kicau.publishing.scheduling import schedule
    from kicau.publishing.scheduling.time_parser import parse_time

    draft = find_post(actor, post)
    zone = zone or actor.workspace.timezone
    due_at = parse_time(at, zone, clock.now())
    names = ", ".join(one_channel(actor, key).key for key in dict.fromkeys(keys))
    if not yes:
        time = "now" if at == "now" else f"on {local_time(due_at, zone)} {zone}"
        click.confirm(f"Publish this post once more on {names} {time}", abort=True, err=True)
    made = schedule.schedule(actor, draft, keys, due_at, timezone=zone, confirm=confirm, again=True)

    def human() -> None:
        for row in made.deliveries:
            click.echo(f"{short_id(row)} ({row.channel.key}) {row.standing.label}, {local_time(row.due_at, zone)}")

    print_result(as_json, [serializers.delivery_json(row) for row in made.deliveries], human)


SLOT_WORDS = ("next free slot", "next slot", "slot berikutnya", "slot kosong berikutnya")


@click.command()
@click.argument("delivery_id", metavar="ID")
@click.option("--published/--not-published", "published", required=True, help="Whether the post is on the network.")
@click.option("--url", default="", help="Address of the post, if it was published.")
@click.option("--remote-id", default="", help="The network's ID of the post, if it was published.")
@json_option
@pass_shell
def resolve(shell: Shell, delivery_id: str, published: bool, url: str, remote_id: str, as_json: bool) -> None:
    """Record whether a post with an unknown result was published."""

    def act(actor: Actor, row: Delivery) -> Delivery:
        from kicau.publishing.scheduling import actions

        return actions.resolve_unknown_outcome(actor, row.id, published=published, url=url, remote_id=remote_id)

    _run_for_each(shell, [delivery_id], act, "is marked as published" if published else "will be published", as_json)


@click.command()
@click.argument("delivery_id", metavar="ID")
@click.option("--text", "texts", multiple=True, metavar="TEXT", help="The new text. Repeat for each part of a thread.")
@click.option("--part", type=click.IntRange(1), help="Number of the thread part that --text changes.")
@click.option(
    "--alt",
    "alts",
    multiple=True,
    nargs=3,
    type=(click.IntRange(1), click.IntRange(1), str),
    metavar="PART FILE TEXT",
    help="A new alt text. Repeat for several.",
)
@click.option(
    "--option",
    "options",
    multiple=True,
    metavar="NAME=VALUE",
    help="A new value for one of the network's options. Repeat for several.",
)
@click.option(
    "--resolve",
    is_flag=True,
    help="If the result of an earlier change is unknown: check the network, and send the changes that are missing.",
)
@click.option(
    "--reads",
    type=click.Choice(["after", "before"]),
    help="With --resolve, if Kicau cannot read the post: which version the network shows, before or after the change.",
)
@json_option
@pass_shell
def edit(
    shell: Shell,
    delivery_id: str,
    texts: tuple[str, ...],
    part: int | None,
    alts: tuple[tuple[int, int, str], ...],
    options: tuple[str, ...],
    resolve: bool,
    reads: str | None,
    as_json: bool,
) -> None:
    """Change a published post on its network, for example: kicau edit 1a2b3c4d --text "Without the typo" """
    if not resolve and not (texts or alts or options):
        raise CommandError("Choose what to change: --text, --alt or --option.")
    if part and len(texts) != 1:
        raise CommandError("Use --part with exactly one --text.")
    named = dict(one.partition("=")[::2] for one in options)

    def act(actor: Actor, row: Delivery) -> Delivery:
        from kicau.publishing.edits import post_edits

        if resolve:
            return shell.wait_for(post_edits.resolve_edit(actor, row.id, reads=reads or ""))
        change = post_edits.PostEditInput(
            texts=dict(enumerate(texts, (part or 1) - 1)),
            alts={(p - 1, f - 1): said for p, f, said in alts},
            options=named,
        )
        return shell.wait_for(post_edits.apply_edit(actor, row.id, change))

    _run_for_each(shell, [delivery_id], act, "is changed on the network", as_json)


@click.command()
@ids_argument
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
@json_option
@pass_shell
def delete(shell: Shell, ids: tuple[str, ...], yes: bool, as_json: bool) -> None:
    """Delete published posts from their networks. Kicau keeps its own record of them."""
    if not yes:
        click.confirm(
            f"Delete {len(ids)} posts from their networks? Readers will no longer see them", abort=True, err=True
        )

    def act(actor: Actor, row: Delivery) -> Delivery:
        from kicau.publishing.scheduling import actions

        return shell.wait_for(actions.delete_from_network(actor, row.id))

    _run_for_each(shell, ids, act, "is deleted from the network", as_json)
