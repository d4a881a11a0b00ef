"""Upkeep of channels: permissions renewed in time, capabilities read again, and what is heard at a network's door kept."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

import aiohttp
from asgiref.sync import sync_to_async
from django.db import transaction
from django.db.models import F, Q

from kicau.base import clock, sentences
from kicau.base.database_reconnect import CONNECTION_ERRORS
from kicau.base.sentences import Sentence
from kicau.channels import rate_limit_backoff
from kicau.channels.channel_session import ChannelSession, credentials_of, to_stored
from kicau.channels.metered_session import charge_context, metered_session
from kicau.channels.models import AppRefusal, Channel, ChannelState
from kicau.connector import registry
from kicau.connector.app_blocks import AppBlocked
from kicau.connector.content import Charge
from kicau.connector.errors import AuthExpired, ConnectorError, Unavailable
from kicau.connector.serialization import from_json
from kicau.connector.session import Credentials
from kicau.costs import call_budgets
from kicau.costs.budgets import NEVER
from kicau.costs.models import Purpose
from kicau.events.catalogue import ChannelEvent, ChannelExpired, ChannelHeld, ChannelReconnected, ChannelReleased
from kicau.events.dispatch import emit
from kicau.notifications import actions as notices
from kicau.notifications.trouble_watch import DetectedIncident
from kicau.workspaces.actors import system_actor

CAPABILITIES_LIFETIME = timedelta(days=1)
EXPIRY_WARNING_PERIOD = timedelta(days=7)  # a person is warned so long before a permission ends
RENEWAL_OVERDUE = timedelta(minutes=15)  # a renewal is tried every few minutes
CAPABILITIES_RETRY_DELAY = timedelta(minutes=15)  # until what a budget held, or nobody answered, is asked again
HELD_REFRESH_RETRY_DELAY = timedelta(
    seconds=30
)  # until a renewal that a budget held is tried again: it costs nothing while it is held
REFRESHED_STATES = (ChannelState.ACTIVE, ChannelState.HELD)  # whose permissions are kept alive
CAPABILITIES_RETRY_FIELDS = ["capabilities_delayed_until", "capabilities_delay_reason", "asks_said"]
REFRESH_LEASE = timedelta(seconds=30)  # a worker that dies while it renews holds the channel no longer
LEASE_RENEWAL_SECONDS = (
    10.0  # seconds until one that lives renews its claim: a slow network may need longer than the claim lasts
)
MAX_CONCURRENT_REFRESHES = 8  # renewals of one network at a time

_running_refreshes: set[asyncio.Task[bool]] = set()
_is_stopping = False


class ProcessStopping(Unavailable):
    """This process ends: a renewal begins no further call."""


def set_credentials(channel: Channel, new: Credentials) -> None:
    """An empty refresh token never replaces one that is there."""
    if not new.refresh_token and channel.credentials:
        before = from_json(Credentials, channel.credentials)
        new = replace(
            new,
            refresh_token=before.refresh_token,
            refresh_expires_at=new.refresh_expires_at or before.refresh_expires_at,
        )
    channel.credentials = to_stored(new)
    channel.token_expires_at = new.expires_at
    channel.refresh_at, channel.renewal_problem, channel.renewal_said = _refresh_at(new), "", []
    channel.version = (channel.version or 0) + 1


def _refresh_at(credentials: Credentials) -> datetime | None:
    """After half of the token's life, so that a network that is out for hours costs nothing."""
    if credentials.expires_at is None:
        return None
    now = clock.now()
    return now + max((credentials.expires_at - now) / 2, timedelta(seconds=30))


async def update_capabilities(channel: Channel, client: aiohttp.ClientSession) -> None:
    """Ask what the channel can do now and keep it; a failure keeps what is known, and it is asked later. Where a hard
    budget has no room, it is put off, with the reason."""
    try:
        async with _metered_session(channel, client, Purpose.READ) as live:
            can = await live.connector.capabilities(live)
    except call_budgets.BudgetExceeded as exc:
        channel.capabilities_delayed_until, channel.capabilities_delay_reason = (
            min(exc.again_at, clock.now() + CAPABILITIES_RETRY_DELAY),
            exc.sentence,
        )
        channel.asks_said = sentences.to_stored_pieces(exc.sentence)
        await channel.asave(update_fields=CAPABILITIES_RETRY_FIELDS)
        return
    except ConnectorError:
        channel.capabilities_delayed_until, channel.capabilities_delay_reason, channel.asks_said = (
            clock.now() + CAPABILITIES_RETRY_DELAY,
            "",
            [],
        )
        await channel.asave(update_fields=CAPABILITIES_RETRY_FIELDS)
        return
    channel.capabilities, channel.capabilities_at = to_stored(can), clock.now()
    channel.capabilities_delayed_until, channel.capabilities_delay_reason, channel.asks_said = None, "", []
    if live.http.calls:  # some networks' rules are known without asking
        channel.answered_at = channel.capabilities_at
    await channel.asave(update_fields=["capabilities", "capabilities_at", "answered_at", *CAPABILITIES_RETRY_FIELDS])


async def update_due_capabilities(client: aiohttp.ClientSession, network: str) -> int:
    """Ask the channels of a network whose answers are a day old, or that gave none; each network by itself, so that one
    that answers slowly delays no other's."""
    for channel in await sync_to_async(due_for_capabilities)(network):
        await update_capabilities(channel, client)
    return 0


async def refresh_channel(channel_id: UUID, client: aiohttp.ClientSession, *, used: str = "") -> bool:
    """Renew a channel's credentials, one worker at a time. `used` is the access token that was refused: where
    another worker has renewed it meanwhile, that is enough. False where only a person can help now.

    A passing fault changes nothing but the time of the next try. Raises BudgetExceeded where a hard budget has no room for it:
    the channel tells so, tries again by itself, and is held meanwhile where its token no longer works.
    """
    if _is_stopping:
        return not used
    claimed = await sync_to_async(_lock_for_refresh)(channel_id, used)
    if claimed is None:
        return True
    renewing = asyncio.create_task(_refresh_credentials(channel_id, client, used, claimed))
    _running_refreshes.add(renewing)
    renewing.add_done_callback(_running_refreshes.discard)
    return await asyncio.shield(renewing)


async def _refresh_credentials(channel_id: UUID, client: aiohttp.ClientSession, used: str, claimed: datetime) -> bool:
    channel = await Channel.objects.select_related("app", "workspace").aget(id=channel_id)
    held = credentials_of(channel).access_token
    try:
        async with _lease_kept_alive(channel_id, claimed), _metered_session(channel, client, Purpose.REFRESH) as live:
            _block_calls_after_stop(live)
            new = await live.connector.auth.refresh(live)
    except call_budgets.BudgetExceeded as exc:
        await sync_to_async(_hold_for_budget)(channel_id, exc, held, refused=bool(used))
        raise
    except AuthExpired as exc:
        await sync_to_async(expire_channel)(channel_id, str(exc), held)
        return False
    except ProcessStopping:
        await Channel.objects.filter(id=channel_id).aupdate(refresh_at=clock.now())  # by the next worker, at once
        return not used
    except ConnectorError:
        await Channel.objects.filter(id=channel_id).aupdate(refresh_at=clock.now() + timedelta(minutes=5))
        return not used
    await sync_to_async(_store_refreshed)(channel_id, new, held)
    return True


def _block_calls_after_stop(live: ChannelSession) -> None:
    """From the stop on, no call begins: a renewal of several calls would need longer than the process is given. Nothing
    is lost by that, since the call that uses up the old token is the last one (`Auth.refresh`)."""
    pay = live.http.pay

    async def unless_stopping(used: Charge) -> None:
        if _is_stopping:
            raise ProcessStopping("this worker is stopping")
        if pay is not None:
            await pay(used)

    live.http.pay = unless_stopping


def stop_refreshing() -> None:
    """This process is told to end: renewals finish the call that they are in, and no more."""
    global _is_stopping
    _is_stopping = True


async def wait_for_refreshes() -> None:
    """Wait for the renewals that are under way, before the process ends: where a token can be used once, an answer that
    nobody keeps ends the channel's permission. After `stop_refreshing` that takes a single call's time at most."""
    global _is_stopping
    await asyncio.gather(*_running_refreshes, return_exceptions=True)
    _is_stopping = False


async def refresh_due(client: aiohttp.ClientSession, network: str) -> int:
    """Renew what is due on a network; how many. What a budget holds waits, and the rest goes on. Each network is asked by
    itself, and several channels together, so that one that answers slowly delays no other's."""
    due = await sync_to_async(due_for_refresh)(network)
    room = asyncio.Semaphore(MAX_CONCURRENT_REFRESHES)

    async def renew(channel_id: UUID) -> None:
        async with room:
            with suppress(call_budgets.BudgetExceeded):
                await refresh_channel(channel_id, client)

    done = await asyncio.gather(*(renew(channel_id) for channel_id in due), return_exceptions=True)
    for fault in done:
        if fault:
            raise fault
    return len(due)


@transaction.atomic
def _hold_for_budget(channel_id: UUID, exc: call_budgets.BudgetExceeded, used: str, *, refused: bool) -> None:
    """Nobody has to connect it again: it waits for a budget, and what is due on it waits with it from when on its token
    no longer works."""
    channel = Channel.objects.select_for_update(of=("self",)).select_related("workspace").get(id=channel_id)
    if channel.state not in REFRESHED_STATES or from_json(Credentials, channel.credentials).access_token != used:
        return
    now, label = clock.now(), registry.get_connector(channel.network).label
    first, channel.refresh_at = not channel.renewal_problem, min(exc.again_at, now + HELD_REFRESH_RETRY_DELAY)
    why = refresh_held_sentence(exc, channel.name)
    channel.renewal_problem, channel.renewal_said = why, sentences.to_stored_pieces(why)
    fields = ["refresh_at", "renewal_problem", "renewal_said"]
    is_over = refused or (channel.token_expires_at is not None and channel.token_expires_at <= now)
    if channel.state == ChannelState.HELD or is_over:
        fields += ["state", "reason", "version"]
        channel.reason = why[:500]
    happened = list[ChannelHeld]()
    if is_over and channel.state == ChannelState.ACTIVE:
        channel.state, channel.version = ChannelState.HELD, channel.version + 1
        happened.append(
            ChannelHeld(
                workspace_id=channel.workspace_id,
                object_id=channel.id,
                actor=system_actor(channel.workspace),
                budget=exc.short.budget.name,
            )
        )
    channel.save(update_fields=fields)
    emit(*happened)
    if first:
        told = {"channel": f"{channel.name} ({label})", **exc.figures}
        notices.notify_all(
            "channel.held",
            [
                notices.NotificationRequest(
                    workspace_id=channel.workspace_id, gather=str(channel.id), page="/costs/budgets", details=told
                )
            ],
        )


def refresh_held_sentence(exc: call_budgets.BudgetExceeded, name: str) -> Sentence:
    """Which budget holds the renewal of a channel's permission, its limit, and what to do."""
    budget = exc.short.budget
    if budget.cap:
        return Sentence(
            "Kicau did not renew its access to {channel}, because the renewal needs {wanted} and your {network} plan has only {left} of {limit} left. Kicau tries again at {at}, or earlier if you switch to a larger plan.",
            channel=name,
            **exc.figures,
            at=exc.again_at,
        )
    if exc.again_at == NEVER:
        return Sentence(
            "Kicau did not renew its access to {channel} on {network}, because the renewal needs {wanted} and the budget “{budget}” has only {left} of {limit} left. Raise the budget so that Kicau can renew the access.",
            channel=name,
            **exc.figures,
        )
    return Sentence(
        "Kicau did not renew its access to {channel} on {network}, because the renewal needs {wanted} and the budget “{budget}” has only {left} of {limit} left. Raise the budget, or wait until the budget resets at {at}.",
        channel=name,
        **exc.figures,
        at=exc.again_at,
    )


@asynccontextmanager
async def _metered_session(
    channel: Channel, client: aiohttp.ClientSession, purpose: Purpose
) -> AsyncIterator[ChannelSession]:
    """Paid for, and what was said beside the answers is kept."""
    async with metered_session(channel, client, charge_context(channel, purpose)) as live:
        try:
            yield live
        finally:
            await sync_to_async(_store_signals)(channel, live)


@asynccontextmanager
async def _lease_kept_alive(channel_id: UUID, claimed: datetime) -> AsyncIterator[None]:
    """The claim goes on for as long as we are inside. A second renewal with the same token would be taken for a theft by
    some networks, and end the channel's permission."""

    async def keep(until: datetime) -> None:
        with suppress(*CONNECTION_ERRORS):  # then it ends when it would have
            while True:
                await asyncio.sleep(LEASE_RENEWAL_SECONDS)
                ours, until = Channel.objects.filter(id=channel_id, refresh_at=until), clock.now() + REFRESH_LEASE
                await ours.aupdate(refresh_at=until)

    keeping = asyncio.create_task(keep(claimed))
    try:
        yield
    finally:
        keeping.cancel()
        await asyncio.wait([keeping])


def _lock_for_refresh(channel_id: UUID, used: str) -> datetime | None:
    """Claim the refresh for REFRESH_LEASE, and tell until when; None where it was done or is being done by another.

    Many refresh tokens work once: of all the steps that are refused at the same time, one may use it.
    """
    with transaction.atomic():
        channel = Channel.objects.select_for_update().get(id=channel_id)
        if used and from_json(Credentials, channel.credentials).access_token != used:
            return None
        now = clock.now()
        if not used and (channel.refresh_at is None or channel.refresh_at > now):
            return None
        if used and channel.refresh_at is not None and now < channel.refresh_at <= now + REFRESH_LEASE:
            return None  # claimed by another (or due in a moment, which comes to the same)
        channel.refresh_at = now + REFRESH_LEASE
        channel.save(update_fields=["refresh_at"])
        return channel.refresh_at


@transaction.atomic
def _store_refreshed(channel_id: UUID, new: Credentials, used: str) -> None:
    channel = Channel.objects.select_for_update(of=("self",)).select_related("workspace").get(id=channel_id)
    if from_json(Credentials, channel.credentials).access_token != used:
        return  # connected again by a person meanwhile, which is newer
    set_credentials(channel, new)
    fields = ["credentials", "token_expires_at", "refresh_at", "version", "renewal_problem", "renewal_said"]
    happened = list[ChannelEvent]()
    if channel.state in (ChannelState.EXPIRED, ChannelState.HELD):  # expired: given up for lost by another meanwhile
        ours, actor = channel.workspace_id, system_actor(channel.workspace)
        happened.append(
            ChannelReconnected(
                workspace_id=ours,
                object_id=channel.id,
                actor=actor,
                network=channel.network,
                handle=channel.handle,
            )
            if channel.state == ChannelState.EXPIRED
            else ChannelReleased(workspace_id=ours, object_id=channel.id, actor=actor)
        )
        channel.state, channel.reason = ChannelState.ACTIVE, ""
        fields += ["state", "reason"]
    channel.save(update_fields=fields)
    emit(*happened)


@transaction.atomic
def expire_channel(channel_id: UUID, why: str, used: str = "") -> None:
    """The network no longer lets us act: the queue stays, frozen, until somebody reconnects.

    `used`: the access token that was refused; where a person has connected again since, nothing happens.
    """
    channel = Channel.objects.select_for_update(of=("self",)).select_related("workspace").get(id=channel_id)
    if channel.state not in REFRESHED_STATES or (
        used and from_json(Credentials, channel.credentials).access_token != used
    ):
        return
    label = registry.get_connector(channel.network).label
    channel.state, channel.version = ChannelState.EXPIRED, channel.version + 1
    channel.reason = f"{label} no longer gives Kicau access to {channel.name}. Reconnect this channel to continue publishing its scheduled posts."
    channel.save(update_fields=["state", "reason", "version"])
    actor = system_actor(channel.workspace)
    emit(ChannelExpired(workspace_id=channel.workspace_id, object_id=channel.id, actor=actor, said=why[:300]))


def rejection_rows(channel: Channel, shut: Iterable[AppBlocked]) -> list[AppRefusal]:
    """Unsaved rows of what a connector heard, so that a caller may write them in its own transaction."""
    return [
        AppRefusal(
            network=channel.network,
            app_id=channel.app_id,
            channel=channel,
            code=d.code[:60],
            said=d.said[:500],
            over=d.over,
        )
        for d in shut
    ]


def _store_signals(channel: Channel, live: ChannelSession) -> None:
    """Keep what was heard at the network's door, and what it said of its allowance."""
    AppRefusal.objects.bulk_create(rejection_rows(channel, live.http.shut))
    rate_limit_backoff.store_pauses(channel, live.http.allowed)


def detect_incidents() -> Iterator[DetectedIncident]:
    """Channels whose token is dead, for `kicau.notifications.trouble_watch`."""
    expired = Channel.objects.filter(state=ChannelState.EXPIRED).select_related("workspace").order_by("key")[:100]
    for row in expired:
        details = {
            "network": registry.get_connector(row.network).label
            if row.network in registry.installed_slugs()
            else row.network,
            "channel": row.name,
            "workspace": row.workspace.name,
        }
        yield DetectedIncident(key=f"channel:{row.id}", kind="token", details=details)


def expires_soon(channel: Channel) -> bool:
    """Whether the permission ends within a week and is not renewed by itself: its renewal is overdue, or there is none."""
    if channel.state != ChannelState.ACTIVE or channel.token_expires_at is None:
        return False
    now = clock.now()
    overdue = channel.refresh_at is None or channel.refresh_at < now - RENEWAL_OVERDUE
    return overdue and channel.token_expires_at < now + EXPIRY_WARNING_PERIOD


def due_for_refresh(network: str, limit: int = 50) -> list[UUID]:
    due = Channel.objects.filter(network=network, state__in=REFRESHED_STATES, refresh_at__lte=clock.now())
    return list(due.order_by("refresh_at").values_list("id", flat=True)[:limit])


def due_for_capabilities(network: str, limit: int = 50) -> list[Channel]:
    old = clock.now() - CAPABILITIES_LIFETIME
    asked, put_off = (
        Q(capabilities_delayed_until=None, capabilities_at__lte=old),
        Q(capabilities_delayed_until__lte=clock.now()),
    )
    due = Channel.objects.filter(
        asked | put_off, rate_limit_backoff.sync_allowed_filter(clock.now()), network=network, state=ChannelState.ACTIVE
    )
    return list(due.select_related("app").order_by(F("capabilities_at").asc(nulls_first=True))[:limit])
