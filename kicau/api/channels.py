"""Endpoints: channels, connecting them, their queue slots."""

from __future__ import annotations

from datetime import time
from typing import Any

from django.http import HttpRequest
from ninja import Query, Router

from kicau.api.core import serializers
from kicau.api.core.authentication import authenticated_actor
from kicau.api.core.paging import paginate
from kicau.api.core.routes import (
    CHANNELS_SCOPE,
    READ_SCOPE,
    SETTINGS_SCOPE,
    SIGN_IN_SCOPE,
    KeyPath,
    SignInStatePath,
    waits_for_network,
)
from kicau.api.schemas import channels as s
from kicau.api.schemas.base import PageQuery
from kicau.base import outbound
from kicau.channels import actions
from kicau.channels.channel_fields import channel_fields
from kicau.channels.channel_session import capabilities_of
from kicau.channels.models import Channel
from kicau.publishing.scheduling.schedule import next_free_slot

routes = Router(tags=["Channels"])


@routes.get("/channels", response=s.ChannelPage, summary="List channels", openapi_extra=READ_SCOPE)
def list_channels(request: HttpRequest, asked: Query[PageQuery]) -> dict[str, Any]:
    """By key, including disconnected channels."""
    return paginate(actions.channels(authenticated_actor(request)), ("key",), asked, serializers.channel_schema)


@routes.post(
    "/channels/sign-ins",
    response={201: s.SignInState},
    summary="Start connecting channels",
    openapi_extra=SIGN_IN_SCOPE,
)
@waits_for_network
def begin_sign_in(request: HttpRequest, given: s.SignInRequest) -> s.SignInState:
    """Redirect the token's person to `url`. Afterwards they return to a page of this server and choose accounts there. If
    your program receives the redirect itself, continue with the next two endpoints."""
    begun = outbound.run_request(
        authenticated_actor(request).person_id,
        actions.begin_sign_in,
        authenticated_actor(request),
        given.network,
        given.answers,
        app_name=given.app,
    )
    return _sign_in_schema(begun)


@routes.post(
    "/channels/sign-ins/{state}/callback",
    response=s.SignInState,
    summary="Submit the redirect parameters",
    openapi_extra=SIGN_IN_SCOPE,
)
@waits_for_network
def finish_sign_in(request: HttpRequest, state: SignInStatePath, given: s.SignInCallback) -> s.SignInState:
    """Returns the accounts to choose from."""
    return _sign_in_schema(
        outbound.run_request(
            authenticated_actor(request).person_id,
            actions.finish_sign_in,
            authenticated_actor(request),
            {**given.returned, "state": state},
        )
    )


@routes.post(
    "/channels/sign-ins/{state}/choose",
    response={201: s.ConnectedChannels},
    summary="Create channels from accounts",
    openapi_extra=SIGN_IN_SCOPE,
)
@waits_for_network
def choose_channels(request: HttpRequest, state: SignInStatePath, given: s.SignInChoice) -> s.ConnectedChannels:
    """An account that was connected before gets new credentials, and its queue continues."""
    made = outbound.run_request(
        authenticated_actor(request).person_id,
        actions.connect,
        authenticated_actor(request),
        state,
        given.accounts,
        keys=given.keys,
    )
    return s.ConnectedChannels(items=[serializers.channel_schema(row) for row in made])


@routes.get("/channels/{channel}", response=s.ChannelDetail, summary="Retrieve a channel", openapi_extra=READ_SCOPE)
def get_channel(request: HttpRequest, channel: KeyPath) -> s.ChannelDetail:
    """Includes its current capabilities."""
    row = actions.one_channel(authenticated_actor(request), channel)
    return s.ChannelDetail(**channel_fields(row), capabilities=serializers.capabilities_schema(capabilities_of(row)))


@routes.post(
    "/channels/{channel}/disconnect",
    response=s.ConnectedChannel,
    summary="Disconnect a channel",
    openapi_extra=CHANNELS_SCOPE,
)
def disconnect_channel(request: HttpRequest, channel: KeyPath) -> s.ConnectedChannel:
    """Deletes its credentials. Its posts, queue and metrics stay, and continue after you reconnect it."""
    return serializers.channel_schema(actions.disconnect(authenticated_actor(request), channel))


@routes.post(
    "/channels/{channel}/pause",
    response=s.ConnectedChannel,
    summary="Pause a channel's queue",
    openapi_extra=CHANNELS_SCOPE,
)
def pause_channel(request: HttpRequest, channel: KeyPath) -> s.ConnectedChannel:
    return serializers.channel_schema(actions.pause(authenticated_actor(request), channel, True))


@routes.post(
    "/channels/{channel}/resume",
    response=s.ConnectedChannel,
    summary="Resume a channel's queue",
    openapi_extra=CHANNELS_SCOPE,
)
def resume_channel(request: HttpRequest, channel: KeyPath) -> s.ConnectedChannel:
    return serializers.channel_schema(actions.pause(authenticated_actor(request), channel, False))


@routes.get(
    "/channels/{channel}/slots",
    response=s.WeeklySlots,
    summary="Retrieve a channel's queue slots",
    openapi_extra=READ_SCOPE,
)
def get_slots(request: HttpRequest, channel: KeyPath) -> s.WeeklySlots:
    row = actions.one_channel(authenticated_actor(request), channel)
    return _slots_schema(row, row.workspace.timezone)


@routes.put(
    "/channels/{channel}/slots",
    response=s.WeeklySlots,
    summary="Replace a channel's queue slots",
    openapi_extra=SETTINGS_SCOPE,
)
def set_slots(request: HttpRequest, channel: KeyPath, given: s.WeeklySlots) -> s.WeeklySlots:
    """Replaces all existing slots."""
    actor = authenticated_actor(request)
    times = [(slot.weekday, time.fromisoformat(slot.time)) for slot in given.slots]
    actions.set_slots(actor, channel, times, given.timezone)
    return _slots_schema(actions.one_channel(actor, channel), given.timezone)


@routes.get(
    "/channels/{channel}/next-slot",
    response=s.NextSlot,
    summary="Find the next free queue slot",
    openapi_extra=READ_SCOPE,
)
def next_slot(request: HttpRequest, channel: KeyPath) -> s.NextSlot:
    actor = authenticated_actor(request)
    return s.NextSlot(at=next_free_slot(actor, actions.one_channel(actor, channel)))


def _slots_schema(row: Channel, timezone: str) -> s.WeeklySlots:
    found = list(row.slots.order_by("weekday", "time"))
    shown_in = found[0].timezone if found else timezone
    return s.WeeklySlots(
        timezone=shown_in, slots=[s.WeeklySlot(weekday=one.weekday, time=f"{one.time:%H:%M}") for one in found]
    )


def _sign_in_schema(begun: actions.SignInStep) -> s.SignInState:
    """Never with the credentials that the identities hold."""
    accounts = [
        s.NetworkIdentity(id=a.id, handle=a.handle, name=a.name, kind=a.kind, url=a.url) for a in begun.accounts
    ]
    return s.SignInState(state=begun.state, url=begun.url, accounts=accounts)
