"""Somebody who connects accounts of the real servers and schedules posts, by Kicau's own acts. Needs Django."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path

from asgiref.sync import async_to_sync

import kicau.demo
from kicau.base import clock
from kicau.channels import actions as channels
from kicau.channels.channel_session import new_client
from kicau.channels.models import Channel
from kicau.media import actions as media
from kicau.networks.mastodon.tests.real_server import Real
from kicau.publishing.content import compositions
from kicau.publishing.scheduling import schedule
from kicau.workspaces.actions import actor_for, add_person, create_workspace
from tests.servers.pds import PASSWORD, Pds
from tests.servers.snac import Snac

PICTURE = Path(kicau.demo.__file__).parent / "media" / "brew-1.jpg"


class People:
    def __init__(self) -> None:
        owner = add_person("real@example.org", "Sari", operator=True)
        self.actor = actor_for(owner, create_workspace(owner, "Kopi Senja").id, "cli")
        self.channels: dict[str, Channel] = {}

    def connect_bluesky(self, pds: Pds, name: str) -> str:
        """By password, as where no browser is; gives the account's DID."""
        did = pds.account(name)
        channels.register_app("bluesky", "", "", endpoints=pds.endpoints)
        answers = {"login": "app-password", "handle": f"{name}.test", "password": PASSWORD}
        self.channels["bluesky"] = async_to_sync(self._connect)("bluesky", answers, None)
        return did

    def connect_mastodon(self, snac: Snac, address: str) -> None:
        """By the server's own sign-in page; `address` is where Kicau reaches it."""
        channels.register_app("mastodon", "", "", endpoints={"server": address})
        self.channels["mastodon"] = async_to_sync(self._connect)("mastodon", {}, (snac, address))

    async def _connect(self, network: str, answers: Mapping[str, str], page: tuple[Snac, str] | None) -> Channel:
        async with new_client() as client:
            begun = await channels.begin_sign_in(self.actor, network, answers, client=client)
            if page is not None:
                snac, address = page
                returned = await Real(client, address).consent(begun.url, snac.person, snac.password)
                await channels.finish_sign_in(self.actor, returned, client=client)
            return (await channels.connect(self.actor, begun.state, client=client))[0]

    def write(self, posts: Mapping[str, Sequence[tuple[str, float, bool]]], ahead: timedelta) -> datetime:
        """Schedules each (text, seconds after the beginning, with a picture); gives the beginning, `ahead` of now."""
        picture = media.add_medium(self.actor, PICTURE, PICTURE.name, alt="Kartu resep")
        use = (compositions.MediumAttachment(medium=picture.id),)
        begin = clock.now() + ahead
        for network, listed in posts.items():
            written = [
                compositions.Composition(parts=(compositions.PartContent(text=text, media=use if shown else ()),))
                for text, _, shown in listed
            ]
            drafts = compositions.save_drafts(self.actor, written)
            whole = {
                d.id: d
                for d in compositions.with_content(
                    compositions.drafts(self.actor).filter(id__in=[d.id for d in drafts])
                )
            }
            wanted = [
                schedule.ScheduleRequest(
                    draft=whole[draft.id], channels=[self.channels[network]], due_at=begin + timedelta(seconds=due)
                )
                for draft, (_, due, _) in zip(drafts, listed, strict=True)
            ]
            schedule.schedule_many(self.actor, wanted, confirm=True, twins=False)
        return begin
