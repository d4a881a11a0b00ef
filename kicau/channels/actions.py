"""Connecting, pausing and disconnecting channels: each act once."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

import aiohttp
from asgiref.sync import sync_to_async
from django.db import transaction
from django.db.models import F, Q, QuerySet

from kicau.base import clock
from kicau.base.errors import Conflict, NotFound, ValidationFailed, validation_failed
from kicau.base.ids import as_uuid, new_id
from kicau.base.sentences import Sentence
from kicau.channels import revocations, token_refresh
from kicau.channels.channel_session import AppSession, connector_app, new_client, to_stored
from kicau.channels.models import Channel, ChannelState, NetworkApp, PendingSignIn, Slot
from kicau.connector import registry
from kicau.connector.addresses import web_address
from kicau.connector.content import JSON
from kicau.connector.errors import Rejected
from kicau.connector.oauth2 import new_state
from kicau.connector.protocol import ClientMetadataRole, SignInIdentity, SignInRedirect, sign_in_charges
from kicau.connector.serialization import from_json
from kicau.connector.session import Credentials
from kicau.costs import call_budgets
from kicau.costs.ledger import ChargeContext
from kicau.costs.models import Purpose
from kicau.events.catalogue import (
    ChannelConnected,
    ChannelDisconnected,
    ChannelDisconnecting,
    ChannelPaused,
    ChannelReconnected,
    ChannelResumed,
)
from kicau.events.dispatch import emit
from kicau.workspaces.actors import Actor, Permission

SIGN_IN_LIFETIME = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class SignInStep:
    """A sign-in under way: send the person to `url`, or, where none is needed, choose among `accounts` at once."""

    state: str
    url: str = ""
    accounts: tuple[SignInIdentity, ...] = ()


# Apps


DEFAULT_APP_NAME = "default"  # the name of an app if the operator gives none


@transaction.atomic
def register_app(
    network: str,
    client_id: str,
    client_secret: str,
    *,
    name: str = DEFAULT_APP_NAME,
    endpoints: Mapping[str, str] | None = None,
    tier: str = "",
    plan: str = "",
    is_sandbox: bool = False,
) -> NetworkApp:
    """The operator's keys for a network; the same name again replaces them. Raises UnknownNetwork, ValidationFailed."""
    connector = registry.get_connector(network)
    if not (client_id or client_secret) and isinstance(connector.auth, ClientMetadataRole):
        known = NetworkApp.objects.filter(network=network, name=name, client_id="").first()
        client_secret = (known.client_secret if known else "") or connector.auth.new_secret()
    for key in endpoints or {}:
        if key not in connector.endpoints:
            raise validation_failed(
                f"endpoints.{key}",
                "{network} has no API address (endpoint) named {key!r}. Choose one of these addresses: {known}.",
                network=connector.label,
                key=key,
                known=", ".join(connector.endpoints),
            )
    values = {
        "client_id": client_id,
        "client_secret": client_secret,
        "endpoints": dict(endpoints or {}),
        "tier": tier,
        "plan": plan,
        "is_sandbox": is_sandbox,
    }
    app, made = NetworkApp.objects.update_or_create(network=network, name=name, defaults=values)
    if not made:
        Channel.objects.filter(app=app).update(version=F("version") + 1)
    return app


def app_for(network: str, name: str = "") -> NetworkApp:
    """As `find_app`; creates the app of a network that needs no keys when it is first used."""
    return find_app(network, name) or register_app(network, "", "")


def find_app(network: str, name: str = "") -> NetworkApp | None:
    """The app of that name, or the network's first, a real one before a sandbox's; None if none exists yet and the
    network needs no keys. Raises UnknownNetwork, or Conflict that says what to do."""
    connector = registry.get_connector(network)
    apps = NetworkApp.objects.filter(network=network)
    found = (
        apps.filter(name=name).first()
        if name
        else apps.order_by(F("offboarded_at").desc(nulls_first=True), "is_sandbox", "created_at").first()
    )
    if found is not None and found.offboarded_at is not None and found.offboarded_at <= clock.now():
        raise Conflict(
            Sentence(
                "The server administrator stopped using {network} on this server on {at}. Therefore you cannot connect new channels of this social network.",
                network=registry.get_connector(network).label,
                at=f"{found.offboarded_at:%Y-%m-%d}",
            )
        )
    if found is None and (connector.auth.needs_keys or name not in ("", DEFAULT_APP_NAME)):
        raise Conflict(
            Sentence(
                "This server is not set up for {network} yet, because the keys of an app on {network} are missing. Ask the server administrator to enter them on the page “App keys”, or with the command: kicau apps add {slug}",
                network=registry.get_connector(network).label,
                slug=network,
            )
        )
    return found


def client_metadata(network: str) -> Mapping[str, JSON] | None:
    """The description of our app that this network's servers read; None if the network reads none from us."""
    if network not in registry.installed_slugs() or not isinstance(
        auth := registry.get_connector(network).auth, ClientMetadataRole
    ):
        return None
    app = NetworkApp.objects.filter(network=network, client_id="").order_by("created_at").first()
    return auth.description(connector_app(app)) if app else None


def apps() -> QuerySet[NetworkApp]:
    """The operator's apps, by network and name."""
    return NetworkApp.objects.order_by("network", "name")


@transaction.atomic
def remove_app(network: str, name: str = "default") -> NetworkApp:
    """Forget an app's keys. Raises UnknownNetwork, NotFound, or Conflict where channels were connected with it."""
    registry.get_connector(network)
    app = NetworkApp.objects.select_for_update().filter(network=network, name=name).first()
    if app is None:
        raise NotFound("app", f"{network} ({name})")
    used = list(app.channels.order_by("key").values_list("key", flat=True))
    if used:
        raise Conflict(
            Sentence(
                "You cannot remove this developer app from Kicau, because these channels and their published posts use the app: {channels}. To replace the app's keys, run: kicau apps add {slug} --name {name}",
                channels=", ".join([*used[:5], *(["…"] if len(used) > 5 else [])]),
                slug=network,
                name=name,
            )
        )
    app.delete()
    return app


# Connecting


async def begin_sign_in(
    actor: Actor,
    network: str,
    answers: Mapping[str, str] | None = None,
    *,
    app_name: str = "",
    client: aiohttp.ClientSession | None = None,
) -> SignInStep:
    """Start connecting. Raises NotAllowed, UnknownNetwork, ValidationFailed, a connector's error, or Conflict: also where a
    hard budget has no room for all that it takes, before anything is asked."""
    actor.require(Permission.CHANNELS)
    app = await sync_to_async(app_for)(network, app_name)
    async with _client_session(client) as session, _metered_sign_in(actor, app, session) as desk:
        try:
            begun = await registry.get_connector(network).auth.begin(desk, dict(answers or {}))
        except Rejected as exc:
            raise ValidationFailed(exc.problems) from exc
    if isinstance(begun, SignInRedirect):
        await PendingSignIn.objects.acreate(
            state=begun.state, workspace=actor.workspace, person=actor.person, app=app, memory=dict(begun.memory)
        )
        return SignInStep(state=begun.state, url=begun.url)
    state = new_state()
    await PendingSignIn.objects.acreate(
        state=state,
        workspace=actor.workspace,
        person=actor.person,
        app=app,
        memory={},
        found=[to_stored(a) for a in begun],
    )
    return SignInStep(state=state, accounts=begun)


async def finish_sign_in(
    actor: Actor, returned: Mapping[str, str], *, client: aiohttp.ClientSession | None = None
) -> SignInStep:
    """The person came back with `returned` (the query); gives the identities to choose among. Each return counts once.

    Raises as `begin_sign_in` does; where a budget has no room, the network is not asked and the sign-in is not used up.
    """
    actor.require(Permission.CHANNELS)
    state = returned.get("state", "")
    pending = await _pending_sign_in(actor, state)
    if pending.found is not None:
        return SignInStep(state=state, accounts=tuple(from_json(SignInIdentity, a) for a in pending.found))
    async with _client_session(client) as session, _metered_sign_in(actor, pending.app, session) as desk:
        try:
            accounts = await registry.get_connector(pending.app.network).auth.finish(desk, pending.memory, returned)
        except Rejected as exc:
            await pending.adelete()
            raise ValidationFailed(exc.problems) from exc
    pending.found = [to_stored(a) for a in accounts]
    await pending.asave(update_fields=["found"])
    return SignInStep(state=state, accounts=accounts)


async def connect(
    actor: Actor,
    state: str,
    account_ids: Sequence[str] | None = None,
    *,
    keys: Mapping[str, str] | None = None,
    client: aiohttp.ClientSession | None = None,
) -> list[Channel]:
    """Make channels of the chosen identities (all where None); one that was connected before is renewed, and its
    queue goes on. `keys` gives channels names of their own, by account id."""
    actor.require(Permission.CHANNELS)
    pending = await _pending_sign_in(actor, state)
    accounts = [from_json(SignInIdentity, a) for a in pending.found or []]
    chosen = [a for a in accounts if account_ids is None or a.id in account_ids]
    if not chosen:
        raise validation_failed(
            "accounts",
            "Select at least one of these accounts to connect: {known}.",
            known=", ".join(f"{a.name} ({a.id})" for a in accounts) or "nothing",
        )
    channels = [
        await sync_to_async(_save_channel)(actor, pending.app, account, (keys or {}).get(account.id, ""))
        for account in chosen
    ]
    await pending.adelete()
    async with _client_session(client) as session:
        for channel in channels:
            await token_refresh.update_capabilities(channel, session)
    return channels


@transaction.atomic
def _save_channel(actor: Actor, app: NetworkApp, account: SignInIdentity, key: str) -> Channel:
    identity = {"workspace": actor.workspace, "network": app.network, "host": account.host, "account_id": account.id}
    channel = Channel.objects.select_for_update().filter(**identity).first() or Channel(**identity)
    fresh = channel._state.adding
    before = channel.state
    channel.app, channel.connected_by, channel.connected_at = app, actor.person, clock.now()
    channel.handle, channel.name, channel.kind, channel.url = (
        account.handle,
        account.name or account.handle,
        account.kind,
        web_address(account.url, 500),
    )
    if before != ChannelState.OFFBOARDED:  # else it is renewed, and stays left until publishing is resumed
        channel.state, channel.reason, channel.paused_until = ChannelState.ACTIVE, "", None
    if fresh:
        channel.key = _free_key(actor, key or f"{app.network}-{account.handle or account.id}")
    token_refresh.set_credentials(channel, account.credentials)
    channel.save()
    kind = ChannelConnected if fresh else partial(ChannelReconnected, signed_in_from=before)
    emit(
        kind(
            workspace_id=actor.workspace.id,
            object_id=channel.id,
            actor=actor,
            network=app.network,
            handle=account.handle,
        )
    )
    channel.refresh_from_db(fields=["state", "reason", "leaves_at", "version"])  # whoever listens may change them
    return channel


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
    """Forget the channel's credentials, and have its network end them where it can. Its posts, queue and numbers stay; a reconnect takes them up again."""
    actor.require(Permission.CHANNELS)
    channel = one_channel(actor, key_or_id)
    emit(ChannelDisconnecting(channel=channel))
    revocations.queue(channel)
    channel.state = ChannelState.REMOVED
    channel.reason = (
        f"{actor.name} disconnected it on {clock.now():%Y-%m-%d}. Connect it again to go on with its queue."
    )
    channel.credentials = to_stored(Credentials(access_token=""))
    channel.refresh_at = channel.token_expires_at = channel.leaves_at = None
    channel.version += 1
    channel.save()
    emit(ChannelDisconnected(workspace_id=actor.workspace.id, object_id=channel.id, actor=actor))
    return channel


@transaction.atomic
def pause(actor: Actor, key_or_id: UUID | str, paused: bool) -> Channel:
    """Hold the channel's queue, or let it go on."""
    actor.require(Permission.CHANNELS)
    channel = one_channel(actor, key_or_id)
    if channel.is_paused != paused:
        channel.is_paused, channel.version = paused, channel.version + 1
        channel.save(update_fields=["is_paused", "version"])
        kind = ChannelPaused if paused else ChannelResumed
        emit(kind(workspace_id=actor.workspace.id, object_id=channel.id, actor=actor))
    return channel


@transaction.atomic
def set_slots(actor: Actor, key_or_id: UUID | str, slots: Sequence[tuple[int, Any]], timezone: str) -> list[Slot]:
    """Replace the weekly slots of a channel: (weekday with Monday 0, time of day) in `timezone`."""
    actor.require(Permission.SETTINGS)
    channel = one_channel(actor, key_or_id)
    try:
        clock.find_zone(timezone)
    except LookupError as exc:
        raise validation_failed("timezone", str(exc)) from None
    for weekday, _ in slots:
        if not 0 <= weekday <= 6:
            raise validation_failed(
                "weekday",
                "You entered {actual} as the day of the week. Enter a number from 0 (Monday) to 6 (Sunday).",
                actual=weekday,
            )
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


async def _pending_sign_in(actor: Actor, state: str) -> PendingSignIn:
    pending = await PendingSignIn.objects.select_related("app").filter(state=state, workspace=actor.workspace).afirst()
    if pending is None or clock.now() - pending.created_at > SIGN_IN_LIFETIME or pending.person_id != actor.person_id:
        raise Conflict(
            "Your sign-in to the social network has expired or was started in another browser. Connect the channel again."
        )
    return pending


@asynccontextmanager
async def _metered_sign_in(actor: Actor, app: NetworkApp, client: aiohttp.ClientSession) -> AsyncIterator[AppSession]:
    """What a sign-in is foretold to take is set aside as a whole, and what it took is charged to who connects."""
    connector = registry.get_connector(app.network)
    mine = ChargeContext(
        workspace_id=actor.workspace.id,
        network=app.network,
        purpose=Purpose.CONNECT,
        app_id=app.id,
        plan=app.plan,
        person_id=actor.person_id,
        holder=new_id(),
    )
    purse = await sync_to_async(call_budgets.new_call_budget)(mine)
    desk = AppSession(app, client, call_budgets.call_payer(mine, purse, connector.label))
    await sync_to_async(call_budgets.reserve_for_action)(mine, purse, sign_in_charges(connector.auth), connector.label)
    try:
        yield desk
    finally:
        await sync_to_async(call_budgets.record_calls)(mine, desk.http.calls)


class _client_session:
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
