"""Endpoints: what networks are installed, what they can do and cost, and what they would say to a post."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from django.http import HttpRequest
from ninja import Router
from pydantic import Field

from kicau.api.core import serializers
from kicau.api.core.authentication import acting
from kicau.api.core.problems import field_error
from kicau.api.core.routes import READS, Slug
from kicau.api.posts import poll_value
from kicau.api.schemas import channels as s
from kicau.api.schemas.base import A_NETWORK, Flag, Shape, examples
from kicau.api.schemas.posts import LinkInput, MediumUseInput, Options, PartInput, PollInput, Text
from kicau.api.schemas.rendered import Checked
from kicau.base.errors import NotFound
from kicau.channels.actions import one_channel
from kicau.channels.channel_session import capabilities_of
from kicau.channels.models import Channel, NetworkApp
from kicau.connector import content, registry
from kicau.connector.protocol import Connector
from kicau.costs.pricing import price_all
from kicau.media.actions import one_medium
from kicau.publishing.delivery.own_posts import answers_own
from kicau.workspaces.actors import Actor, Permission

routes = Router(tags=["Networks"])


class CheckInput(Shape):
    """A post, and the network or the channel that is asked about it."""

    model_config = examples(
        {"network": A_NETWORK, "parts": [{"text": "Kopi 👨‍👩‍👧‍👦 bersama #keluarga https://example.com"}]}
    )

    network: str = Field(
        "", max_length=40, description="A network, with what a usual account can do; or give `channel`."
    )
    channel: str = Field(
        "", max_length=80, description="Key or id of a channel, with what it can do; or give `network`."
    )
    parts: list[PartInput] = Field(min_length=1, max_length=100, description="One part, or several of a thread.")
    link: LinkInput | None = Field(None, description="A link card.")
    poll: PollInput | None = Field(None, description="A poll.")
    first_comment: Text = Field("", description="A first comment.")
    language: str = Field("", max_length=20, description="BCP 47; empty: not said.")
    options: Options = Field(
        default_factory=dict, description="The network's own options, by their names without the network."
    )
    convert: Flag = Field(True, description="Whether pictures may be converted.")


@routes.get("/networks", response=s.Networks, summary="List networks", openapi_extra=READS)
def list_networks(request: HttpRequest) -> s.Networks:
    """All that are installed."""
    acting(request).require(Permission.READ)
    ready = _ready()
    return s.Networks(items=[s.Network(**_network(one, ready)) for one in registry.installed().values()])


@routes.get(
    "/networks/{network}", response=s.NetworkWhole, summary="Read a network's limits and prices", openapi_extra=READS
)
def get_network(request: HttpRequest, network: Slug) -> s.NetworkWhole:
    """What a usual account can do, each number with its source and date; and what calls cost."""
    acting(request).require(Permission.READ)
    if network not in registry.slugs():
        raise NotFound("network", network)
    found = registry.get(network)
    prices = [
        s.PriceList(name=one.name, since=one.since, currency=one.currency, source=one.source, prices=dict(one.prices))
        for one in found.price_lists
    ]
    return s.NetworkWhole(
        **_network(found, _ready()), capabilities=serializers.capabilities(found.baseline), prices=prices
    )


@routes.post("/check", response=Checked, tags=["Posts"], summary="Ask what a network would say", openapi_extra=READS)
def check(request: HttpRequest, asked: CheckInput) -> Checked:
    """Lengths, spans, problems and prices of a post, without keeping or sending anything."""
    actor = acting(request)
    actor.require(Permission.READ)
    if bool(asked.network) == bool(asked.channel):
        raise field_error("network", "needs-target", "Give `network` or `channel`, one of them.")
    channel = one_channel(actor, asked.channel) if asked.channel else None
    connector = registry.get(channel.network if channel else asked.network)
    can = capabilities_of(channel) if channel else connector.baseline
    draft = _draft(actor, asked)
    channels = [channel] if channel else list(Channel.objects.filter(workspace=actor.workspace, network=connector.slug))
    found = connector.render(replace(draft, answers_own=answers_own(channels, draft.reply_to)), can)
    priced = price_all(connector.slug, found.charges, plan=channel.app.plan if channel else "")
    return Checked(
        **serializers.rendered(found, priced), network=connector.slug, channel=channel.key if channel else None
    )


def _draft(actor: Actor, asked: CheckInput) -> content.Draft:
    parts = tuple(
        content.Part(text=part.text, media=tuple(_media(actor, use) for use in part.media)) for part in asked.parts
    )
    link, options = asked.link, dict(asked.options)
    picture = one_medium(actor, link.thumbnail).value() if link and link.thumbnail else None
    return content.Draft(
        parts=parts,
        link=content.Link(url=link.url, title=link.title, description=link.description, thumbnail=picture)
        if link
        else None,
        poll=poll_value(asked.poll),
        first_comment=asked.first_comment,
        language=asked.language,
        reply_to=options.pop("reply_to", "").strip() or None,
        options=options,
        convert=asked.convert,
    )


def _media(actor: Actor, use: MediumUseInput) -> content.Media:
    cover = one_medium(actor, use.cover) if use.cover else None
    return one_medium(actor, use.medium).value(use.alt, cover, use.cover_ms)


def _network(one: Connector, ready: set[str]) -> dict[str, Any]:
    return {
        "slug": one.slug,
        "label": one.label,
        "ready": one.slug in ready or not one.auth.needs_keys,
        "can_tell": one.can_tell,
        "needs_confirmation": one.baseline.needs_confirmation,
        "questions": [serializers.option(q) for q in one.auth.questions],
    }


def _ready() -> set[str]:
    return set(NetworkApp.objects.values_list("network", flat=True))
