"""Setting the demo's stage: its people, apps and channels, and its posts through the public importer."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from datetime import timedelta
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

import aiohttp
from asgiref.sync import async_to_sync
from rich.console import Console

from kicau.base import clock
from kicau.channels import acts as channels
from kicau.channels.live import new_client
from kicau.channels.models import Channel
from kicau.connector.protocol import Account
from kicau.demo.cast import CAST, NAME, OWNER, WORKSPACE, ZONE, Member
from kicau.publishing import importing
from kicau.publishing.models import Draft
from kicau.publishing.tables import read_posts
from kicau.publishing.when import offset
from kicau.sandbox.visitor import consent
from kicau.workspaces.acts import actor_for, add_person, create_workspace, workspaces_of
from kicau.workspaces.actors import Actor
from kicau.workspaces.models import Person

LENGTH = 120.0  # seconds over which the table's times are spread
HEAD_START = timedelta(seconds=5)  # between the import and the first second of the table


def set_up(apps: Mapping[str, Any], password: str, console: Console) -> Actor:
    """Everything that is not there yet; gives the owner, who acts."""
    actor = _owner(password)
    for slug, said in apps.items():
        channels.register_app(slug, said["client_id"], said["client_secret"], endpoints=said["endpoints"], is_sandbox=True)
    async_to_sync(_connect)(actor, apps, console)
    return actor


def import_posts(actor: Actor, seconds: float) -> int:
    """Schedules the table's posts, its two minutes squeezed into `seconds`; 0 where all of them are here already."""
    with as_file(files("kicau.demo")) as here:
        table = read_posts(_squeezed((here / "posts.csv").read_text("utf-8"), seconds / LENGTH).encode(), "posts.csv")
        media = Path(here) / "media"
        if Draft.objects.filter(workspace=actor.workspace, ref__in=[row["ref"] for row in table.rows]).count() == len(table.rows):
            return 0
        report = importing.check_posts(actor, table, media, zone=ZONE, start=clock.now() + HEAD_START)
        # Sari has read them: the demo's posts are hers, and she confirms those that a network wants confirmed.
        done = importing.create_posts(actor, report, media, confirm=True)
    return len(done.deliveries)


def _squeezed(text: str, by: float) -> str:
    if by == 1.0:
        return text
    rows = list(csv.reader(io.StringIO(text)))
    column = rows[0].index("at")
    for row in rows[1:]:
        ahead = offset(row[column])
        if ahead is not None:
            at = round(ahead.total_seconds() * by)
            row[column] = f"+{at // 60}:{at % 60:02}"
    out = io.StringIO()
    csv.writer(out).writerows(rows)
    return out.getvalue()


def _owner(password: str) -> Actor:
    person = Person.objects.filter(email=OWNER).first() or add_person(OWNER, NAME, password, operator=True, timezone=ZONE)
    if not person.check_password(password):
        person.set_password(password)
        person.save(update_fields=["password"])
    workspace = next(iter(workspaces_of(person)), None) or create_workspace(person, WORKSPACE, timezone=ZONE, via="cli")
    return actor_for(person, workspace.id, "cli")


async def _connect(actor: Actor, apps: Mapping[str, Any], console: Console) -> None:
    known = {c.key: c async for c in Channel.objects.filter(workspace=actor.workspace)}
    async with new_client() as client:
        for member in CAST:
            if member.key in known:
                continue
            channel = await _sign_in(actor, member, apps[member.network], client)
            console.print(f"  connected [bold]{channel.key}[/bold]: {channel.name} (@{channel.handle}) on {channel.network}")


async def _sign_in(actor: Actor, member: Member, app: Mapping[str, Any], client: aiohttp.ClientSession) -> Channel:
    """Begin, consent as a person does at the network's own page, return, choose one identity."""
    begun = await channels.begin_sign_in(actor, member.network, client=client)
    who = next((a["id"] for a in app["accounts"] if a["handle"] == member.signs_in), "")
    returned = await consent(client, begun.url, who)
    done = await channels.finish_sign_in(actor, returned, client=client)
    account: Account = next(a for a in done.accounts if member.is_called in (a.name, a.handle))
    made = await channels.connect(actor, done.state, [account.id], keys={account.id: member.key}, client=client)
    return made[0]
