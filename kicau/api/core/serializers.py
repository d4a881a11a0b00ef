"""From the domain's values to the API's shapes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, cast

from kicau.api.schemas import channels as c
from kicau.api.schemas import deliveries as d
from kicau.api.schemas import posts as p
from kicau.api.schemas import rendered as r
from kicau.api.schemas.base import FieldError, PersonRef
from kicau.channels.channel_fields import channel_fields
from kicau.channels.models import Channel
from kicau.connector import capabilities as can
from kicau.connector import content
from kicau.connector.serialization import from_json
from kicau.costs.pricing import PricedCharge
from kicau.publishing.content import compositions
from kicau.publishing.delivery_fields import attempt_fields, delivery_fields
from kicau.publishing.edits.post_edits import PostEditPreview
from kicau.publishing.models import Attempt, Delivery, Draft
from kicau.publishing.scheduling.schedule import PostPreview
from kicau.workspaces.models import Person


def person_fields(row: Person | None) -> PersonRef | None:
    return PersonRef(id=str(row.id), name=str(row)) if row else None


def error_list(found: Iterable[content.Problem]) -> list[FieldError]:
    return [FieldError(**problem.fields()) for problem in found]


# Posts


def post_fields(row: Draft) -> p.Post:
    """`row` comes from `compose.whole`."""
    said = compositions.composition_of(row)
    return p.Post(
        id=str(row.id),
        ref=row.ref,
        state=cast(p.PostState, row.state),
        version=row.version,
        parts=_part_schemas(said.parts),
        link=_link_schema(said.link),
        poll=_poll_schema(said.poll),
        first_comment=said.first_comment,
        options=dict(said.options),
        variants=[_variant_schema(v) for v in said.variants],
        language=row.language,
        campaign=said.campaign,
        tags=row.tags,
        timezone=row.timezone,
        convert=said.convert,
        mark_links=said.mark_links,
        origin=row.origin,
        origin_detail=row.origin_detail,
        ai_use=row.ai_use,
        author=person_fields(row.author),
        created_at=row.created_at,
        changed_at=row.changed_at,
    )


def _part_schemas(parts: Iterable[compositions.PartContent]) -> list[p.PostPart]:
    return [
        p.PostPart(
            text=part.text,
            media=[
                p.PostPartMedium(
                    medium=str(use.medium),
                    alt=use.alt,
                    cover=str(use.cover) if use.cover else None,
                    cover_ms=use.cover_ms,
                )
                for use in part.media
            ],
        )
        for part in parts
    ]


def _link_schema(link: compositions.LinkContent | None) -> p.LinkCard | None:
    if link is None:
        return None
    return p.LinkCard(
        url=link.url,
        title=link.title,
        description=link.description,
        thumbnail=str(link.thumbnail) if link.thumbnail else None,
    )


def _poll_schema(poll: content.Poll | None) -> p.PostPoll | None:
    return p.PostPoll(options=list(poll.options), minutes=poll.minutes, question=poll.question) if poll else None


def _variant_schema(given: compositions.VariantContent) -> p.PostVariant:
    return p.PostVariant(
        channel=given.channel,
        network=given.network,
        parts=None if given.parts is None else _part_schemas(given.parts),
        link=_link_schema(given.link),
        poll=_poll_schema(given.poll),
        first_comment=given.first_comment,
        options=dict(given.options),
    )


# What networks are given


def rendered_fields(
    value: content.Rendered,
    priced: Iterable[PricedCharge],
    notices: Iterable[content.Problem] = (),
    found: Iterable[content.Problem] | None = None,
) -> dict[str, Any]:
    """The fields of `Rendered`, for it and the shapes that hold more."""
    link, poll = value.link, value.poll
    return {
        "parts": [rendered_part_schema(part) for part in value.parts],
        "link": r.RenderedLinkCard(url=link.url, title=link.title, description=link.description) if link else None,
        "poll": r.RenderedPoll(question=poll.question, options=list(poll.options), minutes=poll.minutes)
        if poll
        else None,
        "first_comment": rendered_part_schema(value.first_comment) if value.first_comment else None,
        "reply_to": value.reply_to or "",
        "options": dict(value.options),
        "problems": error_list(value.problems if found is None else found),
        "notices": error_list([*value.notices, *notices]),
        "charges": [
            r.CallPrice(meter=one.meter, units=one.units, micro=one.micro, currency=one.currency) for one in priced
        ],
    }


def rendered_part_schema(part: content.RenderedPart) -> r.RenderedPostPart:
    return r.RenderedPostPart(
        text=part.text,
        spans=[
            r.TextSpan(kind=s.kind.value, start=s.start, end=s.end, text=s.text, target=s.target) for s in part.spans
        ],
        media=[_rendered_medium_schema(one) for one in part.media],
        length=part.used,
        limit=part.limit,
        unit=part.unit,
    )


def _rendered_medium_schema(one: content.RenderedMedia) -> r.RenderedMedium:
    mime = one.recipe.mime if one.recipe else one.media.mime
    return r.RenderedMedium(
        name=one.media.name,
        kind=one.media.kind.value,
        mime=mime,
        converted=one.recipe is not None,
        alt=one.media.alt,
        cover=None if one.cover is None else "picture" if one.cover_ms is None else "frame",
        cover_ms=one.cover.recipe.frame_ms if one.cover and one.cover.recipe else None,
    )


def preview_schema(one: PostPreview) -> r.ChannelPreview:
    said = rendered_fields(one.rendered, one.priced, (*one.duplicates, *one.warnings), one.problems)
    return r.ChannelPreview(channel=one.channel.key, network=one.channel.network, **said)


# Deliveries


def delivery_schema(row: Delivery) -> d.Delivery:
    return d.Delivery(**delivery_fields(row))


def delivery_detail(row: Delivery, attempts: Iterable[Attempt]) -> d.DeliveryDetail:
    value = from_json(content.Rendered, row.rendered)
    return d.DeliveryDetail(
        **delivery_fields(row),
        rendered=[rendered_part_schema(part) for part in value.parts],
        attempts=[d.AttemptEntry(**attempt_fields(one, row.timezone)) for one in attempts],
    )


def edit_preview_schema(value: PostEditPreview) -> d.PublishedEditPreview:
    return d.PublishedEditPreview(
        parts=[rendered_part_schema(part) for part in value.after.parts],
        changed=[n + 1 for n in value.parts],
        problems=error_list(value.problems),
    )


# Channels


def channel_schema(row: Channel) -> c.ConnectedChannel:
    return c.ConnectedChannel(**channel_fields(row))


def capabilities_schema(value: can.Capabilities) -> c.Capabilities:
    return c.Capabilities(
        max_length=value.max_length,
        unit=value.unit,
        max_comment_length=value.max_comment_length,
        max_parts=value.max_parts,
        media={kind.value: _media_rule_schema(rule) for kind, rule in value.media.items()},
        max_media=value.max_media,
        mixes_media=value.mixes_media,
        needs_media=value.needs_media,
        needs_confirmation=value.needs_confirmation,
        poll=_poll_rule_schema(value.poll),
        abilities=sorted(ability.value for ability in value.abilities),
        editable=sorted(value.editable),
        options=[option_schema(one) for one in value.questions],
        facts={
            name: c.SourcedFact(value=str(fact.value), source=fact.source, checked=fact.checked)
            for name, fact in value.facts.items()
        },
        quota=dict(value.quota),
    )


def _media_rule_schema(rule: can.MediaRule) -> c.MediaRule:
    plain: dict[str, Any] = {name: getattr(rule, name) for name in c.MediaRule.model_fields if name != "covers"}
    sets: dict[str, Any] = {name: sorted(v) for name, v in plain.items() if isinstance(v, frozenset)}
    return c.MediaRule(**(plain | sets | {"covers": _cover_choices(rule.cover)}))


def _cover_choices(rule: can.CoverRule | None) -> list[str]:
    """How a video's cover may be chosen; a network that takes pictures is sent a frame as one."""
    return (
        []
        if rule is None
        else [name for name, taken in (("frame", rule.frame or rule.picture), ("picture", rule.picture)) if taken]
    )


def _poll_rule_schema(rule: can.PollRule | None) -> c.PollRule | None:
    if rule is None:
        return None
    plain = {name: getattr(rule, name) for name in c.PollRule.model_fields}
    return c.PollRule(**(plain | {"durations": list(rule.durations)}))


def option_schema(one: can.Option) -> c.ChannelOption:
    return c.ChannelOption(
        name=one.name,
        label=one.label,
        choices=dict(one.choices),
        default=one.default,
        secret=one.secret,
        long=one.long,
        help=one.help,
    )
