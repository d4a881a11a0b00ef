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
from kicau.demo.cast import CAST_MEMBERS, OWNER_EMAIL, OWNER_NAME, OWNER_TIMEZONE, WORKSPACE_NAME, CastMember
from kicau.demo.environment import DemoError, DemoWorld
from kicau.publishing.imports import bulk_import
from kicau.publishing.imports.csv_reader import CsvTable
from kicau.publishing.scheduling.time_parser import parse_offset
from kicau.sandbox.visitor import ConsentFailed, fill_consent_page
from kicau.workspaces import actions
from kicau.workspaces.actors import Actor
from kicau.workspaces.models import Person

DEMO_FOLDER = Path(__file__).parent
WRITTEN_FOR_SECONDS = 120  # seconds over which the offsets in posts.csv are spread
HEAD_START_DURATION = timedelta(seconds=10)  # from importing to the first post: uploads begin ahead of their second

type SayCallback = Callable[[str], None]


def ensure_owner(world: DemoWorld) -> Actor:
    """Sari in her workspace; made by the first run, with the password that the demo tells."""
    if actions.has_no_people():
        actions.create_first_owner(OWNER_EMAIL, OWNER_NAME, world.password, WORKSPACE_NAME, timezone=OWNER_TIMEZONE)
    person = Person.objects.get(email=OWNER_EMAIL)
    if not person.check_password(world.password):
        actions.update_person(person, password=world.password)
    return actions.actor_for(person, actions.workspaces_of(person)[0].id, "cli")


def connect_channels(actor: Actor, world: DemoWorld, say: SayCallback) -> None:
    """Each channel by its network's own sign-in, as a person would; those that are connected stay."""
    for slug, told in world.networks.items():
        channels.register_app(
            slug, told["client_id"], told["client_secret"], endpoints=told["endpoints"], is_sandbox=True
        )
    there = {row.key for row in channels.channels(actor) if row.state == ChannelState.ACTIVE}
    for member in CAST_MEMBERS:
        if member.key not in there:
            async_to_sync(_sign_in)(actor, world, member)
            say(f"Connected {member.key}: {member.name}, signed in as @{member.signs_in}.")


async def _sign_in(actor: Actor, world: DemoWorld, member: CastMember) -> None:
    """Begin, consent as a person does at the network's own page, return, choose one identity."""
    visitor = next(a["id"] for a in world.networks[member.network]["accounts"] if a["handle"] == member.signs_in)
    begun = await channels.begin_sign_in(actor, member.network, member.answers)
    try:
        async with aiohttp.ClientSession() as browser:
            returned = await fill_consent_page(browser, begun.url, visitor)
    except (ConsentFailed, aiohttp.ClientError) as exc:
        raise DemoError(f"The sign-in for {member.key} failed: {exc}") from exc
    done = await channels.finish_sign_in(actor, returned)
    chosen = next(a for a in done.accounts if (a.kind, a.name) == (member.kind, member.name))
    await channels.connect(actor, done.state, [chosen.id], keys={chosen.id: member.key})


def import_posts(actor: Actor, seconds: int, say: SayCallback, posts: Path | None = None) -> None:
    """Through the public importer; what was imported by an earlier run is left as it is.

    `posts`: another table than the demo's own, with its media beside it.
    """
    source, folder = (posts, posts.parent) if posts else (DEMO_FOLDER / "posts.csv", DEMO_FOLDER / "media")
    table = scale_offsets(bulk_import.read_posts(source.read_bytes(), source.name), seconds / WRITTEN_FOR_SECONDS)
    report = bulk_import.check_posts(actor, table, folder, start=clock.now() + HEAD_START_DURATION)
    if report.problems:
        raise DemoError(f"{source} has problems:\n" + "\n".join(p.sentence for p in report.problems))
    if not report.ready:
        say(f"All {len(report.skipped)} posts were imported before. Nothing is published twice.")
        return
    # Sari has read them: the posts are hers, and she confirms those that a network wants confirmed.
    done = bulk_import.create_posts(actor, report, folder, confirm=True)
    say(f"Imported {len(done.drafts)} posts: {len(done.deliveries)} deliveries over the next {seconds} s.")


def scale_offsets(table: CsvTable, factor: float) -> CsvTable:
    """The table with its offsets ("+1:30") stretched; other times stay."""

    def stretch(at: str) -> str:
        ahead = parse_offset(at)
        if ahead is None or factor == 1:
            return at
        milliseconds = round(ahead.total_seconds() * factor * 1000)
        return f"+{milliseconds // 60_000}:{milliseconds % 60_000 / 1000:06.3f}"

    rows = tuple(replace(row, cells={**row.cells, "at": stretch(row["at"])}) for row in table.rows)
    return replace(table, rows=rows)
