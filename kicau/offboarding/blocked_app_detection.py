"""Whether a network has shut its door: told from an expired permission, a limit and an outage by what it says, to how
many channels, for how long. Kicau freezes the queue and proposes; a person decides.

What counts are refusals that the network's connector calls refusals of the app itself (kicau/connector/app_blocks.py): never
an expired token, a request to wait, a lost answer or a fault of the server. They are a shut door where, for one app (and
one server, where the network is many),

- there are at least three, on at least two channels (or on the only one),
- the first and the last are as far apart as the connector says that such a refusal must last,
- nothing has succeeded since the first: no post, no look-up, no reading.

While the evidence is not enough, the channels are asked every twenty minutes, by the cheapest call there is.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import aiohttp
from asgiref.sync import sync_to_async
from django.db import transaction
from django.db.models import Max

from kicau.base import clock
from kicau.base.ids import new_id
from kicau.channels.models import Channel, Refusal
from kicau.channels.token_refresh import ask_capabilities
from kicau.offboarding.actions import IN_USE, alone, one_withdrawal, take_effect
from kicau.offboarding.models import OPEN, Cause, Withdrawal, WithdrawalState
from kicau.publishing.models import Attempt
from kicau.workspaces.actors import Actor, Permission, system
from kicau.workspaces.models import Workspace

LOOKED_BACK = timedelta(days=14)
ENOUGH = 3  # refusals
SEVERAL = 2  # channels
ASKED_EVERY = timedelta(minutes=20)
ASKED = 2  # channels of an app at once
SUCCESS = ("published", "continued", "not-found")  # outcomes of a step that the network let happen

type Door = tuple[str, UUID, str]  # network, app, host


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What was heard at one door since anything last succeeded there."""

    door: Door
    code: str
    said: str
    first: datetime
    last: datetime
    refusals: int
    refused: int  # channels
    channels: int  # in use there
    over: timedelta

    @property
    def is_enough(self) -> bool:
        several = self.refused >= min(SEVERAL, self.channels)
        return self.refusals >= ENOUGH and several and self.last - self.first >= self.over

    def told(self) -> dict[str, str | int]:
        return {
            "code": self.code,
            "said": self.said,
            "first": self.first.isoformat(),
            "last": self.last.isoformat(),
            "refusals": self.refusals,
            "refused_channels": self.refused,
            "channels": self.channels,
        }


def evidence() -> list[Evidence]:
    """Of every door at which something was refused of late."""
    heard: dict[Door, list[Refusal]] = {}
    for row in Refusal.objects.filter(at__gte=clock.now() - LOOKED_BACK).select_related("channel").order_by("at"):
        heard.setdefault((row.network, row.app_id, row.channel.host), []).append(row)
    return [found for door, rows in heard.items() if (found := _at(door, rows))]


def _at(door: Door, rows: list[Refusal]) -> Evidence | None:
    network, app_id, host = door
    using = list(Channel.objects.filter(network=network, app_id=app_id, host=host, state__in=IN_USE))
    ids = [c.id for c in using]
    steps = Attempt.objects.filter(delivery__channel__in=ids, outcome__in=SUCCESS, at__gte=rows[0].at)
    decided = Withdrawal.objects.filter(network=network, app=app_id, host=host, cause=Cause.REFUSED).exclude(
        ended_at=None
    )
    past = [
        steps.aggregate(last=Max("at"))["last"],
        decided.aggregate(last=Max("ended_at"))["last"],
    ]  # what somebody called no shut door is none
    succeeded = max(filter(None, [*past, *(c.answered_at for c in using)]), default=None)
    since = [row for row in rows if row.channel_id in ids and (succeeded is None or row.at > succeeded)]
    if not since:
        return None
    return Evidence(
        door=door,
        code=since[-1].code,
        said=since[-1].said,
        first=since[0].at,
        last=since[-1].at,
        refusals=len(since),
        refused=len({row.channel_id for row in since}),
        channels=len(using),
        over=max(row.over for row in since),
    )


def recognise() -> int:
    """Freeze what a shut door stands before, and ask a person; returns how many workspaces that were."""
    return sum(_propose(found) for found in evidence() if found.is_enough)


def _propose(found: Evidence) -> int:
    network, app_id, host = found.door
    using = Channel.objects.filter(network=network, app_id=app_id, host=host, state__in=IN_USE)
    together = new_id()
    workspaces = Workspace.objects.filter(id__in=using.values("workspace")).order_by("id")
    return sum(_freeze(workspace, found, together) for workspace in workspaces)


@transaction.atomic
def _freeze(workspace: Workspace, found: Evidence, together: UUID) -> int:
    alone(workspace.id)
    network, app_id, host = found.door
    now = clock.now()
    known = Withdrawal.objects.filter(
        workspace=workspace, network=network, channel=None, app=app_id, host=host, state__in=OPEN
    )
    row = known.first() or Withdrawal(
        workspace=workspace, network=network, app_id=app_id, host=host, together=together, effective_at=now
    )
    if row.state in (WithdrawalState.PROPOSED, WithdrawalState.WITHDRAWN):
        return 0
    row.cause, row.evidence, row.state = Cause.REFUSED, found.told(), WithdrawalState.PROPOSED
    row.save()
    take_effect(system(workspace), row, now, WithdrawalState.PROPOSED)
    return 1


# Asking again


async def listen(client: aiohttp.ClientSession) -> int:
    """Ask at doors where too little was heard to tell; then see what that makes."""
    for channel in await sync_to_async(_to_ask)():
        await ask_capabilities(channel, client)
    return await sync_to_async(recognise)()


def _to_ask() -> list[Channel]:
    found: list[Channel] = []
    now = clock.now()
    for heard in evidence():
        if not heard.is_enough and now - heard.last >= ASKED_EVERY and now - heard.last < LOOKED_BACK / 2:
            network, app_id, host = heard.door
            using = Channel.objects.filter(network=network, app_id=app_id, host=host, state__in=IN_USE)
            found += using.select_related("app").order_by("capabilities_at", "key")[:ASKED]
    return found


async def knock(actor: Actor, withdrawal_id: UUID | str, client: aiohttp.ClientSession) -> bool:
    """Ask whether a door is open again, with at most three of the channels that were left; changes nothing else.
    Raises NotAllowed, NotFound."""
    actor.require(Permission.CHANNELS)
    channels = await sync_to_async(_left)(actor, withdrawal_id)
    return any([await _answers(channel, client) for channel in channels])


def _left(actor: Actor, withdrawal_id: UUID | str) -> list[Channel]:
    row = one_withdrawal(actor, withdrawal_id)
    return [left.channel for left in row.left.select_related("channel__app")[:3]]


async def _answers(channel: Channel, client: aiohttp.ClientSession) -> bool:
    before = channel.answered_at
    await ask_capabilities(channel, client)
    return channel.answered_at is not None and channel.answered_at != before


def forget_old() -> int:
    """Drop evidence that is no longer looked at; returns how much."""
    return Refusal.objects.filter(at__lt=clock.now() - LOOKED_BACK * 2).delete()[0]
