"""The people of the chaos: they connect accounts, write everything, connect again what expired, and wait."""

from __future__ import annotations

import re
import time
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from importlib.resources import files
from pathlib import Path
from typing import Any

import aiohttp
from asgiref.sync import async_to_sync
from django.db import Error as DatabaseTrouble
from django.db import connections

import kicau.demo
from kicau.base import clock
from kicau.base.errors import DomainError
from kicau.channels import actions as channels
from kicau.channels.channel_session import new_client
from kicau.channels.models import Channel, ChannelState
from kicau.connector import registry
from kicau.connector.contract import consent_at_sandbox
from kicau.connector.errors import ConnectorError
from kicau.costs import actions as plans
from kicau.media import actions as media
from kicau.publishing.content import compositions
from kicau.publishing.scheduling import schedule
from kicau.workspaces.actions import actor_for, add_person, create_workspace
from tests.chaos.plan import Asked, Plan
from tests.chaos.world import Networks

LIBRARY = Path(kicau.demo.__file__).parent / "media"
PICTURES = ("brew-1.jpg", "brew-2.jpg", "brew-3.jpg", "brew-4.jpg", "puntang-bag.jpg", "senja-cup.jpg")
FILM = "pour.mp4"


CAP = re.compile(r"\[\[list\.caps\]\]\n(?:[^\[\n].*\n)*")  # in a list of prices


class People:
    def __init__(self, networks: Networks) -> None:
        self.networks = networks
        owner = add_person("chaos@example.org", "Chaos", operator=True)
        self.actor = actor_for(owner, create_workspace(owner, "Chaos").id, "cli")
        self.accounts: dict[str, str] = {}  # channel id -> who signs in for it
        self.channels: dict[str, list[Channel]] = defaultdict(list)
        self.reconnected = 0

    def connect_all(self) -> None:
        for slug, server in self.networks.sandboxes.items():
            app = server.default_app
            channels.register_app(slug, app.client_id, app.client_secret, endpoints=server.endpoints(), is_sandbox=True)
            self._without_caps(slug)
            for account in server.accounts():
                for channel in async_to_sync(self._sign_in)(slug, account.id):
                    self.accounts[str(channel.id)] = account.id
                    self.channels[slug].append(channel)

    def _without_caps(self, slug: str) -> None:
        """The sandboxes' own limits are off, so the operator's lists say so, too."""
        shipped = files(registry.network_package(slug)) / "prices.toml"
        if shipped.is_file() and (uncapped := CAP.sub("", text := shipped.read_text("utf-8"))) != text:
            plans.add_price_list(self.actor, slug, uncapped)

    async def _sign_in(self, slug: str, account: str) -> list[Channel]:
        async with new_client() as client:
            begun = await channels.begin_sign_in(self.actor, slug, client=client)
            returned = await consent_at_sandbox(client, begun.url, account)
            await channels.finish_sign_in(self.actor, returned, client=client)
            return await channels.connect(self.actor, begun.state, client=client)

    def write_all(self, plan: Plan) -> tuple[dict[int, str], datetime]:
        """Delivery ids by number, and when the first seconds of the plan begin."""
        shelf = [
            media.add_medium(self.actor, LIBRARY / name, name, alt=f"Alt of {name}").id for name in (*PICTURES, FILM)
        ]
        begin = clock.now() + timedelta(seconds=3 + len(plan.deliveries) / 150)
        ids: dict[int, str] = {}
        for start in range(0, len(plan.deliveries), 500):
            ids |= self._write(plan.deliveries[start : start + 500], shelf, begin)
        return ids, begin

    def _write(self, asked: Sequence[Asked], shelf: Sequence[Any], begin: datetime) -> dict[int, str]:
        drafts = compositions.save_drafts(self.actor, [_composition(one, shelf) for one in asked])
        whole = {
            d.id: d
            for d in compositions.with_content(compositions.drafts(self.actor).filter(id__in=[d.id for d in drafts]))
        }
        wanted = [
            schedule.ScheduleRequest(
                draft=whole[draft.id], channels=[self.channel_of(one)], due_at=begin + timedelta(seconds=one.due)
            )
            for one, draft in zip(asked, drafts, strict=True)
        ]
        rows = schedule.schedule_many(self.actor, wanted, confirm=True, twins=False).deliveries
        return {one.number: str(row.id) for one, row in zip(asked, rows, strict=True)}

    def channel_of(self, one: Asked) -> Channel:
        """Members of a network that cannot tell have number -1; others may go anywhere but there."""
        listed = self.channels[one.network]
        if one.channel < 0:
            return next(c for c in listed if c.kind == "person")
        told = [c for c in listed if c.network != "linkedin" or c.kind != "person"]
        return told[one.channel % len(told)]

    def look(self) -> None:
        """Connect again whatever has expired; what fails is tried at the next look."""
        try:
            expired = list(Channel.objects.filter(state=ChannelState.EXPIRED))
            for slug, account in {(c.network, self.accounts[str(c.id)]) for c in expired}:
                self.reconnected += len(async_to_sync(self._sign_in)(slug, account))
        except (
            DomainError,
            ConnectorError,
            aiohttp.ClientError,
            AssertionError,
            DatabaseTrouble,
            OSError,
            TimeoutError,
            IndexError,
            KeyError,
        ):
            connections.close_all()
            time.sleep(0.1)


def _composition(one: Asked, shelf: Sequence[Any]) -> compositions.Composition:
    parts = []
    for text, pictures in zip(one.texts, one.pictures, strict=True):
        use = (len(shelf) - 1,) if one.film and text == one.texts[0] else pictures
        parts.append(
            compositions.PartContent(
                text=text, media=tuple(compositions.MediumAttachment(medium=shelf[n]) for n in use)
            )
        )
    return compositions.Composition(parts=tuple(parts), first_comment=one.comment)
