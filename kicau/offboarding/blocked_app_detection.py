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
from kicau.channels.models import AppRefusal, Channel
from kicau.channels.token_refresh import update_capabilities
from kicau.offboarding.actions import CONNECTED_STATES, close_channels, lock_workspace, one_offboarding
from kicau.offboarding.models import OPEN_STATES, Offboarding, OffboardingCause, OffboardingState
from kicau.publishing.models import Attempt
from kicau.workspaces.actors import Actor, Permission, system_actor
from kicau.workspaces.models import Workspace

EVIDENCE_PERIOD = timedelta(days=14)
MIN_REJECTIONS = 3  # refusals
MIN_REJECTED_CHANNELS = 2  # channels
PROBE_INTERVAL = timedelta(minutes=20)
MAX_CHANNELS_PROBED = 2  # channels of an app at once
SUCCESS_OUTCOMES = ("published", "continued", "not-found")  # outcomes of a step that the network let happen

type AppEndpoint = tuple[str, UUID, str]  # network, app, host


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockEvidence:
    """What was heard at one door since anything last succeeded there."""

    door: AppEndpoint
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
        several = self.refused >= min(MIN_REJECTED_CHANNELS, self.channels)
        return self.refusals >= MIN_REJECTIONS and several and self.last - self.first >= self.over

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


def block_evidence() -> list[BlockEvidence]:
    """Of every door at which something was refused of late."""
    heard: dict[AppEndpoint, list[AppRefusal]] = {}
    for row in (
        AppRefusal.objects.filter(at__gte=clock.now() - EVIDENCE_PERIOD).select_related("channel").order_by("at")
    ):
        heard.setdefault((row.network, row.app_id, row.channel.host), []).append(row)
    return [found for door, rows in heard.items() if (found := _evidence_at(door, rows))]


def _evidence_at(door: AppEndpoint, rows: list[AppRefusal]) -> BlockEvidence | None:
    network, app_id, host = door
    using = list(Channel.objects.filter(network=network, app_id=app_id, host=host, state__in=CONNECTED_STATES))
    ids = [c.id for c in using]
    steps = Attempt.objects.filter(delivery__channel__in=ids, outcome__in=SUCCESS_OUTCOMES, at__gte=rows[0].at)
    decided = Offboarding.objects.filter(
        network=network, app=app_id, host=host, cause=OffboardingCause.REFUSED
    ).exclude(ended_at=None)
    past = [
        steps.aggregate(last=Max("at"))["last"],
        decided.aggregate(last=Max("ended_at"))["last"],
    ]  # what somebody called no shut door is none
    succeeded = max(filter(None, [*past, *(c.answered_at for c in using)]), default=None)
    since = [row for row in rows if row.channel_id in ids and (succeeded is None or row.at > succeeded)]
    if not since:
        return None
    return BlockEvidence(
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


def detect_blocked_apps() -> int:
    """Freeze what a shut door stands before, and ask a person; returns how many workspaces that were."""
    return sum(_propose_offboarding(found) for found in block_evidence() if found.is_enough)


def _propose_offboarding(found: BlockEvidence) -> int:
    network, app_id, host = found.door
    using = Channel.objects.filter(network=network, app_id=app_id, host=host, state__in=CONNECTED_STATES)
    decision_id = new_id()
    workspaces = Workspace.objects.filter(id__in=using.values("workspace")).order_by("id")
    return sum(_freeze_workspace(workspace, found, decision_id) for workspace in workspaces)


@transaction.atomic
def _freeze_workspace(workspace: Workspace, found: BlockEvidence, decision_id: UUID) -> int:
    lock_workspace(workspace.id)
    network, app_id, host = found.door
    now = clock.now()
    known = Offboarding.objects.filter(
        workspace=workspace, network=network, channel=None, app=app_id, host=host, state__in=OPEN_STATES
    )
    row = known.first() or Offboarding(
        workspace=workspace, network=network, app_id=app_id, host=host, decision_id=decision_id, effective_at=now
    )
    if row.state in (OffboardingState.PROPOSED, OffboardingState.OFFBOARDED):
        return 0
    row.cause, row.evidence, row.state = OffboardingCause.REFUSED, found.told(), OffboardingState.PROPOSED
    row.save()
    close_channels(system_actor(workspace), row, now, OffboardingState.PROPOSED)
    return 1


# Asking again


async def probe_suspected_blocks(client: aiohttp.ClientSession) -> int:
    """Ask at doors where too little was heard to tell; then see what that makes."""
    for channel in await sync_to_async(_channels_to_probe)():
        await update_capabilities(channel, client)
    return await sync_to_async(detect_blocked_apps)()


def _channels_to_probe() -> list[Channel]:
    found: list[Channel] = []
    now = clock.now()
    for heard in block_evidence():
        if not heard.is_enough and now - heard.last >= PROBE_INTERVAL and now - heard.last < EVIDENCE_PERIOD / 2:
            network, app_id, host = heard.door
            using = Channel.objects.filter(network=network, app_id=app_id, host=host, state__in=CONNECTED_STATES)
            found += using.select_related("app").order_by("capabilities_at", "key")[:MAX_CHANNELS_PROBED]
    return found


async def check_if_unblocked(actor: Actor, offboarding_id: UUID | str, client: aiohttp.ClientSession) -> bool:
    """Ask whether a door is open again, with at most three of the channels that were left; changes nothing else.
    Raises NotAllowed, NotFound."""
    actor.require(Permission.CHANNELS)
    channels = await sync_to_async(_closed_channels)(actor, offboarding_id)
    return any([await _is_accepted(channel, client) for channel in channels])


def _closed_channels(actor: Actor, offboarding_id: UUID | str) -> list[Channel]:
    row = one_offboarding(actor, offboarding_id)
    return [left.channel for left in row.closed_channels.select_related("channel__app")[:3]]


async def _is_accepted(channel: Channel, client: aiohttp.ClientSession) -> bool:
    before = channel.answered_at
    await update_capabilities(channel, client)
    return channel.answered_at is not None and channel.answered_at != before


def delete_old_evidence() -> int:
    """Drop evidence that is no longer looked at; returns how much."""
    return AppRefusal.objects.filter(at__lt=clock.now() - EVIDENCE_PERIOD * 2).delete()[0]
