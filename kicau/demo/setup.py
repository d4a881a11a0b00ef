"""Setting the demo's stage: its people, apps and channels, and its posts through the public importer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import aiohttp
from asgiref.sync import async_to_sync

from kicau.base import clock
from kicau.channels import actions as channels
from kicau.channels.models import ChannelState
from kicau.demo.cast import CAST, NAME, OWNER, WORKSPACE, ZONE, Member
from kicau.demo.environment import DemoTrouble, World
from kicau.publishing.imports import bulk_import
from kicau.publishing.imports.csv_reader import Table
from kicau.publishing.scheduling.time_parser import offset
from kicau.sandbox.visitor import NotTaken, consent
from kicau.workspaces import actions
from kicau.workspaces.actors import Actor
from kicau.workspaces.models import Person

HERE = Path(__file__).parent
WRITTEN_FOR = 120  # seconds over which the offsets in posts.csv are spread
HEAD_START = timedelta(seconds=10)  # from importing to the first post: uploads begin ahead of their second

type Say = Callable[[str], None]


def owner(world: World) -> Actor:
    """Sari in her workspace; made by the first run, with the password that the demo tells."""
    if actions.is_empty():
        actions.first_owner(OWNER, NAME, world.password, WORKSPACE, timezone=ZONE)
    person = Person.objects.get(email=OWNER)
    if not person.check_password(world.password):
        actions.change_person(person, password=world.password)
    return actions.actor_for(person, actions.workspaces_of(person)[0].id, "cli")


def connect(actor: Actor, world: World, say: Say) -> None:
    """Each channel by its network's own sign-in, as a person would; those that are connected stay."""
    for slug, told in world.networks.items():
        channels.register_app(
            slug, told["client_id"], told["client_secret"], endpoints=told["endpoints"], is_sandbox=True
        )
    there = {row.key for row in channels.channels(actor) if row.state == ChannelState.ACTIVE}
    for member in CAST:
        if member.key not in there:
            async_to_sync(_sign_in)(actor, world, member)
            say(f"Connected {member.key}: {member.name}, signed in as @{member.signs_in}.")


async def _sign_in(actor: Actor, world: World, member: Member) -> None:
    """Begin, consent as a person does at the network's own page, return, choose one identity."""
    visitor = next(a["id"] for a in world.networks[member.network]["accounts"] if a["handle"] == member.signs_in)
    begun = await channels.begin_sign_in(actor, member.network, member.answers)
    try:
        async with aiohttp.ClientSession() as browser:
            returned = await consent(browser, begun.url, visitor)
    except (NotTaken, aiohttp.ClientError) as exc:
        raise DemoTrouble(f"Signing in for {member.key} went wrong: {exc}") from exc
    done = await channels.finish_sign_in(actor, returned)
    chosen = next(a for a in done.accounts if (a.kind, a.name) == (member.kind, member.name))
    await channels.connect(actor, done.state, [chosen.id], keys={chosen.id: member.key})


def import_posts(actor: Actor, seconds: int, say: Say, posts: Path | None = None) -> None:
    """Through the public importer; what was imported by an earlier run is left as it is.

    `posts`: another table than the demo's own, with its media beside it.
    """
    source, folder = (posts, posts.parent) if posts else (HERE / "posts.csv", HERE / "media")
    table = scaled(bulk_import.read_posts(source.read_bytes(), source.name), seconds / WRITTEN_FOR)
    report = bulk_import.check_posts(actor, table, folder, start=clock.now() + HEAD_START)
    if report.problems:
        raise DemoTrouble(f"{source} has problems:\n" + "\n".join(p.sentence for p in report.problems))
    if not report.ready:
        say(f"All {len(report.skipped)} posts were imported before; nothing is sent twice.")
        return
    # Sari has read them: the posts are hers, and she confirms those that a network wants confirmed.
    done = bulk_import.create_posts(actor, report, folder, confirm=True)
    say(f"Imported {len(done.drafts)} posts: {len(done.deliveries)} deliveries over the next {seconds} s.")


def scaled(table: Table, factor: float) -> Table:
    """The table with its offsets ("+1:30") stretched; other times stay."""

    def stretch(at: str) -> str:
        ahead = offset(at)
        if ahead is None or factor == 1:
            return at
        milliseconds = round(ahead.total_seconds() * factor * 1000)
        return f"+{milliseconds // 60_000}:{milliseconds % 60_000 / 1000:06.3f}"

    rows = tuple(replace(row, cells={**row.cells, "at": stretch(row["at"])}) for row in table.rows)
    return replace(table, rows=rows)
