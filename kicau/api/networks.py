"""Endpoints: what networks are installed, what they can do and cost, and what they would say to a post."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from django.http import HttpRequest
from ninja import Router
from pydantic import Field

from kicau.api.core import serializers
from kicau.api.core.authentication import authenticated_actor
from kicau.api.core.problems import field_error
from kicau.api.core.routes import READ_SCOPE, NetworkPath
from kicau.api.posts import poll_value
from kicau.api.schemas import channels as s
from kicau.api.schemas.base import EXAMPLE_NETWORK, Schema, StrictBool, example_config
from kicau.api.schemas.posts import (
    LinkCardInput,
    OptionValues,
    PostPartInput,
    PostPartMediumInput,
    PostPollInput,
    PostText,
)
from kicau.api.schemas.rendered import CheckedPost
from kicau.base.errors import NotFound
from kicau.channels.actions import one_channel
from kicau.channels.channel_session import capabilities_of
from kicau.channels.models import Channel, NetworkApp
from kicau.connector import content, registry
from kicau.connector.protocol import Connector
from kicau.costs.pricing import price_charges
from kicau.media.actions import one_medium
from kicau.publishing.delivery.own_posts import is_reply_to_own_post
from kicau.workspaces.actors import Actor, Permission

routes = Router(tags=["Networks"])


class CheckInput(Schema):
    """A post, and the network or channel to check it for."""

    model_config = example_config(
        {"network": EXAMPLE_NETWORK, "parts": [{"text": "Kopi 👨‍👩‍👧‍👦 bersama #keluarga https://example.com"}]}
    )

    network: str = Field(
        "",
        max_length=40,
        description="The network, with the limits of an ordinary account. Alternatively, set `channel`.",
    )
    channel: str = Field(
        "", max_length=80, description="Key or ID of a channel whose limits to use. Alternatively, set `network`."
    )
    parts: list[PostPartInput] = Field(
        min_length=1, max_length=100, description="One part, or several parts of a thread."
    )
    link: LinkCardInput | None = Field(None, description="The link preview.")
    poll: PostPollInput | None = Field(None, description="The poll.")
    first_comment: PostText = Field("", description="The first comment.")
    language: str = Field("", max_length=20, description="BCP 47 language code. Empty: not set.")
    options: OptionValues = Field(
        default_factory=dict, description="The network's own options, by name without the network."
    )
    convert: StrictBool = Field(True, description="Whether Kicau may convert images.")


@routes.get("/networks", response=s.InstalledNetworks, summary="List networks", openapi_extra=READ_SCOPE)
def list_networks(request: HttpRequest) -> s.InstalledNetworks:
    """All installed networks."""
    authenticated_actor(request).require(Permission.READ)
    ready = _ready_networks()
    return s.InstalledNetworks(
        items=[s.InstalledNetwork(**_network_schema(one, ready)) for one in registry.installed_connectors().values()]
    )


@routes.get(
    "/networks/{network}",
    response=s.NetworkDetail,
    summary="Retrieve a network's limits and prices",
    openapi_extra=READ_SCOPE,
)
def get_network(request: HttpRequest, network: NetworkPath) -> s.NetworkDetail:
    """The limits of an ordinary account, each with its source and date, and the prices of requests."""
    authenticated_actor(request).require(Permission.READ)
    if network not in registry.installed_slugs():
        raise NotFound("network", network)
    found = registry.get_connector(network)
    prices = [
        s.NetworkPrices(
            name=one.name, since=one.since, currency=one.currency, source=one.source, prices=dict(one.prices)
        )
        for one in found.price_lists
    ]
    return s.NetworkDetail(
        **_network_schema(found, _ready_networks()),
        capabilities=serializers.capabilities_schema(found.baseline),
        prices=prices,
    )


@routes.post(
    "/check", response=CheckedPost, tags=["Posts"], summary="Check a post for a network", openapi_extra=READ_SCOPE
)
def check(request: HttpRequest, asked: CheckInput) -> CheckedPost:
    """Returns length, spans, problems and price of a post. Nothing is saved or published."""
    actor = authenticated_actor(request)
    actor.require(Permission.READ)
    if bool(asked.network) == bool(asked.channel):
        raise field_error("network", "needs-target", "Set either `network` or `channel`.")
    channel = one_channel(actor, asked.channel) if asked.channel else None
    connector = registry.get_connector(channel.network if channel else asked.network)
    can = capabilities_of(channel) if channel else connector.baseline
    draft = _draft_from_request(actor, asked)
    channels = [channel] if channel else list(Channel.objects.filter(workspace=actor.workspace, network=connector.slug))
    found = connector.render(replace(draft, answers_own=is_reply_to_own_post(channels, draft.reply_to)), can)
    priced = price_charges(connector.slug, found.charges, plan=channel.app.plan if channel else "")
    return CheckedPost(
        **serializers.rendered_fields(found, priced), network=connector.slug, channel=channel.key if channel else None
    )


def _draft_from_request(actor: Actor, asked: CheckInput) -> content.Draft:
    parts = tuple(
        content.Part(text=part.text, media=tuple(_media_of_part(actor, use) for use in part.media))
        for part in asked.parts
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


def _media_of_part(actor: Actor, use: PostPartMediumInput) -> content.Media:
    cover = one_medium(actor, use.cover) if use.cover else None
    return one_medium(actor, use.medium).value(use.alt, cover, use.cover_ms)


def _network_schema(one: Connector, ready: set[str]) -> dict[str, Any]:
    return {
        "slug": one.slug,
        "label": one.label,
        "ready": one.slug in ready or not one.auth.needs_keys,
        "can_verify_posts": one.can_verify_posts,
        "needs_confirmation": one.baseline.needs_confirmation,
        "questions": [serializers.option_schema(q) for q in one.auth.questions],
    }


def _ready_networks() -> set[str]:
    return set(NetworkApp.objects.values_list("network", flat=True))
