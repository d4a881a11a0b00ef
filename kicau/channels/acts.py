"""Connecting, keeping and disconnecting channels: each act once."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import aiohttp
from asgiref.sync import sync_to_async
from django.db import transaction
from django.db.models import F, Q, QuerySet

from kicau.base import clock, sentences
from kicau.base.errors import Conflict, NotFound, Unacceptable, unacceptable
from kicau.base.ids import as_uuid, new_id
from kicau.base.sentences import Sentence
from kicau.channels import pacing
from kicau.channels.live import Desk, Live, credentials_of, new_client, stored
from kicau.channels.models import Channel, ChannelState, NetworkApp, PendingSignIn, Refusal, Slot
from kicau.channels.paying import paid, work_for
from kicau.connector import registry
from kicau.connector.doors import ShutDoor
from kicau.connector.errors import AuthExpired, ConnectorError, Rejected
from kicau.connector.oauth2 import new_state
from kicau.connector.protocol import Account, Redirect, takes
from kicau.connector.session import Credentials
from kicau.connector.wire import from_json
from kicau.notices import acts as notices
from kicau.notices.watch import Seen
from kicau.plans import purses
from kicau.plans.budgets import NEVER
from kicau.plans.ledger import Work
from kicau.plans.models import Purpose
from kicau.workspaces import webhooks
from kicau.workspaces.actors import Actor, Permission, system

SIGN_IN_LASTS = timedelta(hours=1)
CAPABILITIES_LAST = timedelta(days=1)
#: A room above keeps a channel's queue safe, in the same transaction: called with the actor and the channel after it
#: went (WENT), and after it came back, with the state that it was in before (CAME_BACK).
WENT: list[Callable[[Actor, Channel], None]] = []
#: The same for what still needs the channel's permission: called before it is forgotten.
GOES: list[Callable[[Actor, Channel], None]] = []
CAME_BACK: list[Callable[[Actor, Channel, str], None]] = []

ENDS_SOON = timedelta(days=7)  # a person is warned so long before a permission ends
RENEWAL_OVERDUE = timedelta(minutes=15)  # a renewal is tried every few minutes
ASKED_LATER = timedelta(minutes=15)  # until what a budget held is asked again: it may be raised at any time
RENEWED_LATER = timedelta(
    seconds=30
)  # until a renewal that a budget held is tried again: it costs nothing while it is held
RENEWED = (ChannelState.ACTIVE, ChannelState.HELD)  # whose permissions are kept alive
ASKS = ["asks_from", "asks_why", "asks_said"]
REFRESH_LASTS = timedelta(seconds=30)  # a worker that dies while it renews holds the channel no longer


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """A sign-in under way: send the person to `url`, or, where none is needed, choose among `accounts` at once."""

    state: str
    url: str = ""
    accounts: tuple[Account, ...] = ()


# Apps


@transaction.atomic
def register_app(network: str, client_id: str, client_secret: str, *, name: str = "default", endpoints: Mapping[str, str] | None = None, tier: str = "", plan: str = "", is_sandbox: bool = False) -> NetworkApp:  # fmt: skip
    """The operator's keys for a network; the same name again replaces them. Raises UnknownNetwork, Unacceptable."""
    connector = registry.get(network)
    for key in endpoints or {}:
        if key not in connector.endpoints:
            raise unacceptable(f"endpoints.{key}", "{network} has no endpoint {key!r}; it has: {known}.", network=connector.label, key=key, known=", ".join(connector.endpoints))  # fmt: skip
    values = {"client_id": client_id, "client_secret": client_secret, "endpoints": dict(endpoints or {}), "tier": tier, "plan": plan, "is_sandbox": is_sandbox}  # fmt: skip
    app, made = NetworkApp.objects.update_or_create(network=network, name=name, defaults=values)
    if not made:
        Channel.objects.filter(app=app).update(version=F("version") + 1)
    return app


def app_for(network: str, name: str = "") -> NetworkApp:
    """The app of that name, or the network's first. Raises UnknownNetwork, Conflict with what to do."""
    registry.get(network)
    apps = NetworkApp.objects.filter(network=network)
    found = apps.filter(name=name).first() if name else apps.order_by(F("withdrawn_at").desc(nulls_first=True), "created_at").first()  # fmt: skip
    if found is not None and found.withdrawn_at is not None and found.withdrawn_at <= clock.now():
        raise Conflict(
            Sentence(
                "The operator of this Kicau left {network} on {at}; nothing new is connected there.",
                network=registry.get(network).label,
                at=f"{found.withdrawn_at:%Y-%m-%d}",
            )
        )
    if found is None:
        raise Conflict(
            Sentence(
                "{network} has no app keys here yet; the operator adds them with: kicau apps add {slug}",
                network=registry.get(network).label,
                slug=network,
            )
        )
    return found


def apps() -> QuerySet[NetworkApp]:
    """The operator's apps, by network and name."""
    return NetworkApp.objects.order_by("network", "name")


@transaction.atomic
def remove_app(network: str, name: str = "default") -> NetworkApp:
    """Forget an app's keys. Raises UnknownNetwork, NotFound, or Conflict where channels were connected with it."""
    registry.get(network)
    app = NetworkApp.objects.select_for_update().filter(network=network, name=name).first()
    if app is None:
        raise NotFound("app", f"{network} ({name})")
    used = list(app.channels.order_by("key").values_list("key", flat=True))
    if used:
        raise Conflict(
            Sentence(
                "{channels} came in through this app, and what they published stays told. Put other keys in its place with: kicau apps add {slug} --name {name}",
                channels=", ".join([*used[:5], *(["…"] if len(used) > 5 else [])]),
                slug=network,
                name=name,
            )
        )
    app.delete()
    return app


# Connecting


async def begin_sign_in(actor: Actor, network: str, answers: Mapping[str, str] | None = None, *, app_name: str = "", client: aiohttp.ClientSession | None = None) -> Begun:  # fmt: skip
    """Start connecting. Raises NotAllowed, UnknownNetwork, Unacceptable, a connector's error, or Conflict: also where a
    hard budget has no room for all that it takes, before anything is asked."""
    actor.require(Permission.CHANNELS)
    app = await sync_to_async(app_for)(network, app_name)
    async with _client(client) as session, _paid(actor, app, session) as desk:
        try:
            begun = await registry.get(network).auth.begin(desk, dict(answers or {}))
        except Rejected as exc:
            raise Unacceptable(exc.problems) from exc
    if isinstance(begun, Redirect):
        await PendingSignIn.objects.acreate(
            state=begun.state, workspace=actor.workspace, person=actor.person, app=app, memory=dict(begun.memory)
        )
        return Begun(state=begun.state, url=begun.url)
    state = new_state()
    await PendingSignIn.objects.acreate(
        state=state,
        workspace=actor.workspace,
        person=actor.person,
        app=app,
        memory={},
        found=[stored(a) for a in begun],
    )
    return Begun(state=state, accounts=begun)


async def finish_sign_in(
    actor: Actor, returned: Mapping[str, str], *, client: aiohttp.ClientSession | None = None
) -> Begun:
    """The person came back with `returned` (the query); gives the identities to choose among. Each return counts once.

    Raises as `begin_sign_in` does; where a budget has no room, the network is not asked and the sign-in is not used up.
    """
    actor.require(Permission.CHANNELS)
    state = returned.get("state", "")
    pending = await _pending(actor, state)
    if pending.found is not None:
        return Begun(state=state, accounts=tuple(from_json(Account, a) for a in pending.found))
    async with _client(client) as session, _paid(actor, pending.app, session) as desk:
        try:
            accounts = await registry.get(pending.app.network).auth.finish(desk, pending.memory, returned)
        except Rejected as exc:
            await pending.adelete()
            raise Unacceptable(exc.problems) from exc
    pending.found = [stored(a) for a in accounts]
    await pending.asave(update_fields=["found"])
    return Begun(state=state, accounts=accounts)


async def connect(actor: Actor, state: str, account_ids: Sequence[str] | None = None, *, keys: Mapping[str, str] | None = None, client: aiohttp.ClientSession | None = None) -> list[Channel]:  # fmt: skip
    """Make channels of the chosen identities (all where None); one that was connected before is renewed, and its
    queue goes on. `keys` gives channels names of their own, by account id."""
    actor.require(Permission.CHANNELS)
    pending = await _pending(actor, state)
    accounts = [from_json(Account, a) for a in pending.found or []]
    chosen = [a for a in accounts if account_ids is None or a.id in account_ids]
    if not chosen:
        raise unacceptable(
            "accounts",
            "Choose at least one of: {known}.",
            known=", ".join(f"{a.name} ({a.id})" for a in accounts) or "nothing",
        )
    channels = [
        await sync_to_async(_save_channel)(actor, pending.app, account, (keys or {}).get(account.id, ""))
        for account in chosen
    ]
    await pending.adelete()
    async with _client(client) as session:
        for channel in channels:
            await ask_capabilities(channel, session)
    return channels


@transaction.atomic
def _save_channel(actor: Actor, app: NetworkApp, account: Account, key: str) -> Channel:
    identity = {"workspace": actor.workspace, "network": app.network, "host": account.host, "account_id": account.id}
    channel = Channel.objects.select_for_update().filter(**identity).first() or Channel(**identity)
    fresh = channel._state.adding
    before = channel.state
    channel.app, channel.connected_by, channel.connected_at = app, actor.person, clock.now()
    channel.handle, channel.name, channel.kind, channel.url = (
        account.handle,
        account.name or account.handle,
        account.kind,
        account.url,
    )
    if before != ChannelState.WITHDRAWN:  # else it is renewed, and stays left until it is reinstated
        channel.state, channel.reason, channel.paused_until = ChannelState.ACTIVE, "", None
    if fresh:
        channel.key = _free_key(actor, key or f"{app.network}-{account.handle or account.id}")
    _take_credentials(channel, account.credentials)
    channel.save()
    if not fresh and channel.state == ChannelState.ACTIVE:
        for tell in CAME_BACK:
            tell(actor, channel, before)
    actor.record(
        "channel.connected" if fresh else "channel.reconnected", channel.id, network=app.network, handle=account.handle
    )
    webhooks.emit(
        "channel.connected",
        [(actor.workspace.id, {"channel": str(channel.id), "key": channel.key, "network": channel.network})],
    )
    return channel


def _take_credentials(channel: Channel, new: Credentials) -> None:
    """An empty refresh token never replaces one that is there."""
    if not new.refresh_token and channel.credentials:
        before = from_json(Credentials, channel.credentials)
        new = replace(
            new,
            refresh_token=before.refresh_token,
            refresh_expires_at=new.refresh_expires_at or before.refresh_expires_at,
        )
    channel.credentials = stored(new)
    channel.token_expires_at = new.expires_at
    channel.refresh_at, channel.renewal_why, channel.renewal_said = _refresh_at(new), "", []
    channel.version = (channel.version or 0) + 1


def _refresh_at(credentials: Credentials) -> datetime | None:
    """After half of the token's life, so that a network that is out for hours costs nothing."""
    if credentials.expires_at is None:
        return None
    now = clock.now()
    return now + max((credentials.expires_at - now) / 2, timedelta(seconds=30))


# Keeping


async def ask_capabilities(channel: Channel, client: aiohttp.ClientSession) -> None:
    """Ask what the channel can do now and keep it; a failure keeps what is known. Where a hard budget has no room, it is
    put off, with the reason."""
    try:
        async with _heard(channel, client, Purpose.READ) as live:
            can = await live.connector.capabilities(live)
    except purses.NoRoom as exc:
        channel.asks_from, channel.asks_why = min(exc.again_at, clock.now() + ASKED_LATER), exc.sentence
        channel.asks_said = sentences.stored(exc.sentence)
        await channel.asave(update_fields=ASKS)
        return
    except ConnectorError:
        return
    channel.capabilities, channel.capabilities_at = stored(can), clock.now()
    channel.asks_from, channel.asks_why, channel.asks_said = None, "", []
    if live.http.calls:  # some networks' rules are known without asking
        channel.answered_at = channel.capabilities_at
    await channel.asave(update_fields=["capabilities", "capabilities_at", "answered_at", *ASKS])


async def refresh_channel(channel_id: UUID, client: aiohttp.ClientSession, *, used: str = "") -> bool:
    """Renew a channel's credentials, one worker at a time. `used` is the access token that was refused: where
    another worker has renewed it meanwhile, that is enough. False where only a person can help now.

    A passing fault changes nothing but the time of the next try. Raises NoRoom where a hard budget has no room for it:
    the channel tells so, tries again by itself, and is held meanwhile where its token no longer works.
    """
    if not await sync_to_async(_lock_for_refresh)(channel_id, used):
        return True
    channel = await Channel.objects.select_related("app", "workspace").aget(id=channel_id)
    held = credentials_of(channel).access_token
    try:
        async with _heard(channel, client, Purpose.REFRESH) as live:
            new = await live.connector.auth.refresh(live)
    except purses.NoRoom as exc:
        await sync_to_async(_hold)(channel_id, exc, held, refused=bool(used))
        raise
    except AuthExpired as exc:
        await sync_to_async(expire_channel)(channel_id, str(exc), held)
        return False
    except ConnectorError:
        await Channel.objects.filter(id=channel_id).aupdate(refresh_at=clock.now() + timedelta(minutes=5))
        return not used
    await sync_to_async(_store_refreshed)(channel_id, new, held)
    return True


async def refresh_due(client: aiohttp.ClientSession) -> int:
    """Renew what is due; how many. What a budget holds waits, and the rest goes on."""
    due = await sync_to_async(due_for_refresh)()
    for channel_id in due:
        with suppress(purses.NoRoom):
            await refresh_channel(channel_id, client)
    return len(due)


@transaction.atomic
def _hold(channel_id: UUID, exc: purses.NoRoom, used: str, *, refused: bool) -> None:
    """Nobody has to connect it again: it waits for a budget, and what is due on it waits with it from when on its token
    no longer works."""
    channel = Channel.objects.select_for_update(of=("self",)).select_related("workspace").get(id=channel_id)
    if channel.state not in RENEWED or from_json(Credentials, channel.credentials).access_token != used:
        return
    now, label = clock.now(), registry.get(channel.network).label
    first, channel.refresh_at = not channel.renewal_why, min(exc.again_at, now + RENEWED_LATER)
    why = not_renewed(exc, channel.name)
    channel.renewal_why, channel.renewal_said = why, sentences.stored(why)
    fields = ["refresh_at", "renewal_why", "renewal_said"]
    is_over = refused or (channel.token_expires_at is not None and channel.token_expires_at <= now)
    if channel.state == ChannelState.HELD or is_over:
        fields += ["state", "reason", "version"]
        channel.reason = why[:500]
    if is_over and channel.state == ChannelState.ACTIVE:
        channel.state, channel.version = ChannelState.HELD, channel.version + 1
        system(channel.workspace).record("channel.held", channel.id, budget=exc.short.budget.name)
        webhooks.emit("channel.held", [(channel.workspace_id, {"channel": str(channel.id), "key": channel.key, "reason": str(why)})])  # fmt: skip
    channel.save(update_fields=fields)
    if first:
        told = {"channel": f"{channel.name} ({label})", **exc.figures}
        notices.tell_all("channel.held", [notices.News(workspace_id=channel.workspace_id, gather=str(channel.id), page="/costs/budgets", details=told)])  # fmt: skip


def not_renewed(exc: purses.NoRoom, name: str) -> Sentence:
    """Which budget holds the renewal of a channel's permission, its limit, and what to do."""
    budget = exc.short.budget
    if budget.cap:
        return Sentence("The permission of {channel} is not renewed: the plan for {network} allows {limit}, {left} are left, and this needs {wanted}. It goes on by itself when there is room again, from {at} on, or sooner on a larger plan.", channel=name, **exc.figures, at=exc.again_at)  # fmt: skip
    if exc.again_at == NEVER:
        return Sentence("The permission of {channel} on {network} is not renewed: the budget “{budget}” of {limit} has {left} left, and this needs {wanted}. Raise the budget, and it goes on by itself.", channel=name, **exc.figures)  # fmt: skip
    return Sentence("The permission of {channel} on {network} is not renewed: the budget “{budget}” of {limit} has {left} left, and this needs {wanted}. Raise the budget, and it goes on by itself, or else when that begins anew at {at}.", channel=name, **exc.figures, at=exc.again_at)  # fmt: skip


@asynccontextmanager
async def _heard(channel: Channel, client: aiohttp.ClientSession, purpose: Purpose) -> AsyncIterator[Live]:
    """Paid for, and what was said beside the answers is kept."""
    async with paid(channel, client, work_for(channel, purpose)) as live:
        try:
            yield live
        finally:
            await sync_to_async(_note)(channel, live)


def _lock_for_refresh(channel_id: UUID, used: str) -> bool:
    """Claim the refresh for REFRESH_LASTS; False where it was done or is being done by another.

    Many refresh tokens work once: of all the steps that are refused at the same time, one may use it.
    """
    with transaction.atomic():
        channel = Channel.objects.select_for_update().get(id=channel_id)
        if used and from_json(Credentials, channel.credentials).access_token != used:
            return False
        now = clock.now()
        if not used and (channel.refresh_at is None or channel.refresh_at > now):
            return False
        if used and channel.refresh_at is not None and now < channel.refresh_at <= now + REFRESH_LASTS:
            return False  # claimed by another (or due in a moment, which comes to the same)
        channel.refresh_at = now + REFRESH_LASTS
        channel.save(update_fields=["refresh_at"])
        return True


@transaction.atomic
def _store_refreshed(channel_id: UUID, new: Credentials, used: str) -> None:
    channel = Channel.objects.select_for_update(of=("self",)).select_related("workspace").get(id=channel_id)
    if from_json(Credentials, channel.credentials).access_token != used:
        return  # connected again by a person meanwhile, which is newer
    _take_credentials(channel, new)
    fields = ["credentials", "token_expires_at", "refresh_at", "version", "renewal_why", "renewal_said"]
    if channel.state in (ChannelState.EXPIRED, ChannelState.HELD):  # expired: given up for lost by another meanwhile
        system(channel.workspace).record("channel.reconnected" if channel.state == ChannelState.EXPIRED else "channel.released", channel.id)  # fmt: skip
        channel.state, channel.reason = ChannelState.ACTIVE, ""
        fields += ["state", "reason"]
    channel.save(update_fields=fields)


@transaction.atomic
def expire_channel(channel_id: UUID, why: str, used: str = "") -> None:
    """The network no longer lets us act: the queue stays, frozen, until somebody reconnects.

    `used`: the access token that was refused; where a person has connected again since, nothing happens.
    """
    channel = Channel.objects.select_for_update(of=("self",)).select_related("workspace").get(id=channel_id)
    if channel.state not in RENEWED or (used and from_json(Credentials, channel.credentials).access_token != used):
        return
    label = registry.get(channel.network).label
    channel.state, channel.version = ChannelState.EXPIRED, channel.version + 1
    channel.reason = f"{label} no longer accepts this channel's permission. Connect {channel.name} again; its queue is kept and goes on by itself."
    channel.save(update_fields=["state", "reason", "version"])
    system(channel.workspace).record("channel.expired", channel.id, said=why[:300])
    webhooks.emit(
        "channel.expired",
        [(channel.workspace_id, {"channel": str(channel.id), "key": channel.key, "reason": channel.reason})],
    )
    notices.tell("channel.expired", channel.workspace_id, gather=channel.id, page=f"/channels/{channel.key}", channel=f"{channel.name} ({label})")  # fmt: skip


def refusals(channel: Channel, shut: Iterable[ShutDoor]) -> list[Refusal]:
    """Unsaved rows of what a connector heard, so that a caller may write them in its own transaction."""
    return [
        Refusal(network=channel.network, app_id=channel.app_id, channel=channel, code=d.code[:60], said=d.said[:500], over=d.over)
        for d in shut
    ]  # fmt: skip


def _note(channel: Channel, live: Live) -> None:
    """Keep what was heard at the network's door, and what it said of its allowance."""
    Refusal.objects.bulk_create(refusals(channel, live.http.shut))
    pacing.note_all(channel, live.http.allowed)


def troubles() -> Iterator[Seen]:
    """Channels whose token is dead, for `kicau.notices.watch`."""
    expired = Channel.objects.filter(state=ChannelState.EXPIRED).select_related("workspace").order_by("key")[:100]
    for row in expired:
        details = {"network": registry.get(row.network).label if row.network in registry.slugs() else row.network, "channel": row.name, "workspace": row.workspace.name}  # fmt: skip
        yield Seen(key=f"channel:{row.id}", kind="token", details=details)


def ends_soon(channel: Channel) -> bool:
    """Whether the permission ends within a week and is not renewed by itself: its renewal is overdue, or there is none."""
    if channel.state != ChannelState.ACTIVE or channel.token_expires_at is None:
        return False
    now = clock.now()
    overdue = channel.refresh_at is None or channel.refresh_at < now - RENEWAL_OVERDUE
    return overdue and channel.token_expires_at < now + ENDS_SOON


def due_for_refresh(limit: int = 50) -> list[UUID]:
    due = Channel.objects.filter(state__in=RENEWED, refresh_at__lte=clock.now())
    return list(due.order_by("refresh_at").values_list("id", flat=True)[:limit])


def due_for_capabilities(limit: int = 50) -> list[Channel]:
    old = clock.now() - CAPABILITIES_LAST
    asked, put_off = Q(asks_from=None, capabilities_at__lte=old), Q(asks_from__lte=clock.now())
    due = Channel.objects.filter(asked | put_off, pacing.may_read(clock.now()), state=ChannelState.ACTIVE)
    return list(due.select_related("app").order_by(F("capabilities_at").asc(nulls_first=True))[:limit])


# What people do with channels


def channels(actor: Actor) -> QuerySet[Channel]:
    """The workspace's channels, disconnected ones too, in the order of their keys."""
    actor.require(Permission.READ)
    return Channel.objects.filter(workspace=actor.workspace).select_related("app").order_by("key")


def one_channel(actor: Actor, key_or_id: UUID | str) -> Channel:
    """By id or key. Raises NotFound."""
    found = channels(actor).filter(Q(key=str(key_or_id)) | Q(id=as_uuid(key_or_id))).first()
    if found is None:
        raise NotFound("channel", key_or_id)
    return found


@transaction.atomic
def disconnect(actor: Actor, key_or_id: UUID | str) -> Channel:
    """Forget the channel's credentials. Its posts, queue and numbers stay; a reconnect takes them up again."""
    actor.require(Permission.CHANNELS)
    channel = one_channel(actor, key_or_id)
    for tell in GOES:
        tell(actor, channel)
    channel.state = ChannelState.REMOVED
    channel.reason = (
        f"{actor.name} disconnected it on {clock.now():%Y-%m-%d}. Connect it again to go on with its queue."
    )
    channel.credentials = stored(Credentials(access_token=""))
    channel.refresh_at = channel.token_expires_at = channel.leaves_at = None
    channel.version += 1
    channel.save()
    actor.record("channel.disconnected", channel.id)
    for tell in WENT:
        tell(actor, channel)
    return channel


@transaction.atomic
def pause(actor: Actor, key_or_id: UUID | str, paused: bool) -> Channel:
    """Hold the channel's queue, or let it go on."""
    actor.require(Permission.CHANNELS)
    channel = one_channel(actor, key_or_id)
    if channel.is_paused != paused:
        channel.is_paused, channel.version = paused, channel.version + 1
        channel.save(update_fields=["is_paused", "version"])
        actor.record("channel.paused" if paused else "channel.resumed", channel.id)
    return channel


@transaction.atomic
def set_slots(actor: Actor, key_or_id: UUID | str, slots: Sequence[tuple[int, Any]], timezone: str) -> list[Slot]:
    """Replace the weekly slots of a channel: (weekday with Monday 0, time of day) in `timezone`."""
    actor.require(Permission.SETTINGS)
    channel = one_channel(actor, key_or_id)
    try:
        clock.zone(timezone)
    except LookupError as exc:
        raise unacceptable("timezone", str(exc)) from None
    for weekday, _ in slots:
        if not 0 <= weekday <= 6:
            raise unacceptable("weekday", "A weekday is 0 (Monday) to 6 (Sunday), not {actual}.", actual=weekday)
    channel.slots.all().delete()
    made = Slot.objects.bulk_create(
        [Slot(channel=channel, weekday=d, time=t, timezone=timezone) for d, t in sorted(set(slots))]
    )
    actor.record("slots.set", channel.id, count=len(made))
    return made


def _free_key(actor: Actor, wanted: str) -> str:
    stem = re.sub(r"[^a-z0-9]+", "-", wanted.lower()).strip("-")[:70] or "channel"
    taken = set(Channel.objects.filter(workspace=actor.workspace, key__startswith=stem).values_list("key", flat=True))
    return next(key for key in (stem, *(f"{stem}-{n}" for n in range(2, 1000))) if key not in taken)


async def _pending(actor: Actor, state: str) -> PendingSignIn:
    pending = await PendingSignIn.objects.select_related("app").filter(state=state, workspace=actor.workspace).afirst()
    if pending is None or clock.now() - pending.created_at > SIGN_IN_LASTS or pending.person_id != actor.person_id:
        raise Conflict("This sign-in is over or was begun elsewhere; connect the channel again.")
    return pending


@asynccontextmanager
async def _paid(actor: Actor, app: NetworkApp, client: aiohttp.ClientSession) -> AsyncIterator[Desk]:
    """What a sign-in is foretold to take is set aside as a whole, and what it took is charged to who connects."""
    connector = registry.get(app.network)
    mine = Work(workspace_id=actor.workspace.id, network=app.network, purpose=Purpose.CONNECT, app_id=app.id, plan=app.plan, person_id=actor.person_id, holder=new_id())  # fmt: skip
    purse = await sync_to_async(purses.purse_for)(mine)
    desk = Desk(app, client, purses.payer(mine, purse, connector.label))
    await sync_to_async(purses.set_aside)(mine, purse, takes(connector.auth), connector.label)
    try:
        yield desk
    finally:
        await sync_to_async(purses.account)(mine, desk.http.calls)


class _client:
    """The session that was given, or one for this piece of work."""

    def __init__(self, given: aiohttp.ClientSession | None) -> None:
        self.given, self.own = given, None if given else new_client()

    async def __aenter__(self) -> aiohttp.ClientSession:
        session = self.given or self.own
        assert session is not None
        return session

    async def __aexit__(self, *exc: object) -> None:
        if self.own:
            await self.own.close()
