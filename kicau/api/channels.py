"""Endpoints: channels, connecting them, their queue slots."""

from __future__ import annotations

from datetime import time
from typing import Any

from django.http import HttpRequest
from ninja import Query, Router

from kicau.api.core import serializers
from kicau.api.core.authentication import acting
from kicau.api.core.paging import page
from kicau.api.core.routes import CHANNELS, READS, SETTINGS, SIGNS_IN, Key, State, asks_outside
from kicau.api.schemas import channels as s
from kicau.api.schemas.base import PageQuery
from kicau.base import outbound
from kicau.channels import actions
from kicau.channels.channel_session import capabilities_of
from kicau.channels.models import Channel
from kicau.publishing.scheduling.schedule import next_free_slot

routes = Router(tags=["Channels"])


@routes.get("/channels", response=s.ChannelPage, summary="List channels", openapi_extra=READS)
def list_channels(request: HttpRequest, asked: Query[PageQuery]) -> dict[str, Any]:
    """By key, disconnected ones too."""
    return page(actions.channels(acting(request)), ("key",), asked, serializers.channel)


@routes.post("/channels/sign-ins", response={201: s.SignIn}, summary="Begin connecting", openapi_extra=SIGNS_IN)
@asks_outside
def begin_sign_in(request: HttpRequest, given: s.SignInBegin) -> s.SignIn:
    """Send the token's person to `url`. They come back to this instance's own page, where they choose; or, where your
    program receives the return itself, it goes on with the two endpoints below."""
    begun = outbound.run(
        acting(request).person_id,
        actions.begin_sign_in,
        acting(request),
        given.network,
        given.answers,
        app_name=given.app,
    )
    return _sign_in(begun)


@routes.post(
    "/channels/sign-ins/{state}/return", response=s.SignIn, summary="Hand in what came back", openapi_extra=SIGNS_IN
)
@asks_outside
def finish_sign_in(request: HttpRequest, state: State, given: s.SignInReturn) -> s.SignIn:
    """Gives the identities to choose among."""
    return _sign_in(
        outbound.run(
            acting(request).person_id, actions.finish_sign_in, acting(request), {**given.returned, "state": state}
        )
    )


@routes.post(
    "/channels/sign-ins/{state}/choose",
    response={201: s.ChannelsMade},
    summary="Make channels of identities",
    openapi_extra=SIGNS_IN,
)
@asks_outside
def choose_channels(request: HttpRequest, state: State, given: s.SignInChoose) -> s.ChannelsMade:
    """One that was connected before is renewed, and its queue goes on."""
    made = outbound.run(
        acting(request).person_id, actions.connect, acting(request), state, given.accounts, keys=given.keys
    )
    return s.ChannelsMade(items=[serializers.channel(row) for row in made])


@routes.get("/channels/{channel}", response=s.ChannelWhole, summary="Read a channel", openapi_extra=READS)
def get_channel(request: HttpRequest, channel: Key) -> s.ChannelWhole:
    """With what it can do now."""
    row = actions.one_channel(acting(request), channel)
    return s.ChannelWhole(
        **serializers.channel_fields(row), capabilities=serializers.capabilities(capabilities_of(row))
    )


@routes.post(
    "/channels/{channel}/disconnect", response=s.Channel, summary="Disconnect a channel", openapi_extra=CHANNELS
)
def disconnect_channel(request: HttpRequest, channel: Key) -> s.Channel:
    """Its credentials are forgotten. Its posts, queue and numbers stay; a reconnect takes them up again."""
    return serializers.channel(actions.disconnect(acting(request), channel))


@routes.post("/channels/{channel}/pause", response=s.Channel, summary="Hold a channel's queue", openapi_extra=CHANNELS)
def pause_channel(request: HttpRequest, channel: Key) -> s.Channel:
    return serializers.channel(actions.pause(acting(request), channel, True))


@routes.post(
    "/channels/{channel}/resume", response=s.Channel, summary="Let a channel's queue go on", openapi_extra=CHANNELS
)
def resume_channel(request: HttpRequest, channel: Key) -> s.Channel:
    return serializers.channel(actions.pause(acting(request), channel, False))


@routes.get("/channels/{channel}/slots", response=s.Slots, summary="Read a channel's queue slots", openapi_extra=READS)
def get_slots(request: HttpRequest, channel: Key) -> s.Slots:
    row = actions.one_channel(acting(request), channel)
    return _slots(row, row.workspace.timezone)


@routes.put(
    "/channels/{channel}/slots", response=s.Slots, summary="Set a channel's queue slots", openapi_extra=SETTINGS
)
def set_slots(request: HttpRequest, channel: Key, given: s.Slots) -> s.Slots:
    """They replace all that were there."""
    actor = acting(request)
    times = [(slot.weekday, time.fromisoformat(slot.time)) for slot in given.slots]
    actions.set_slots(actor, channel, times, given.timezone)
    return _slots(actions.one_channel(actor, channel), given.timezone)


@routes.get(
    "/channels/{channel}/next-slot", response=s.NextSlot, summary="Find the next free queue slot", openapi_extra=READS
)
def next_slot(request: HttpRequest, channel: Key) -> s.NextSlot:
    actor = acting(request)
    return s.NextSlot(at=next_free_slot(actor, actions.one_channel(actor, channel)))


def _slots(row: Channel, timezone: str) -> s.Slots:
    found = list(row.slots.order_by("weekday", "time"))
    shown_in = found[0].timezone if found else timezone
    return s.Slots(timezone=shown_in, slots=[s.Slot(weekday=one.weekday, time=f"{one.time:%H:%M}") for one in found])


def _sign_in(begun: actions.Begun) -> s.SignIn:
    """Never with the credentials that the identities hold."""
    accounts = [s.Identity(id=a.id, handle=a.handle, name=a.name, kind=a.kind, url=a.url) for a in begun.accounts]
    return s.SignIn(state=begun.state, url=begun.url, accounts=accounts)
