"""From the domain's values to the API's shapes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, cast

from kicau.api.core import problems
from kicau.api.schemas import channels as c
from kicau.api.schemas import deliveries as d
from kicau.api.schemas import posts as p
from kicau.api.schemas import rendered as r
from kicau.api.schemas.base import FieldError, PersonRef
from kicau.base import clock, sentences
from kicau.channels.models import Channel
from kicau.connector import capabilities as can
from kicau.connector import content
from kicau.connector.serialization import from_json
from kicau.costs.pricing import Priced
from kicau.publishing.content import compositions
from kicau.publishing.edits.post_edits import Proposed
from kicau.publishing.models import Attempt, Delivery, Draft
from kicau.publishing.scheduling.schedule import Preview
from kicau.workspaces.models import Person


def person(row: Person | None) -> PersonRef | None:
    return PersonRef(id=str(row.id), name=str(row)) if row else None


def errors(found: Iterable[content.Problem]) -> list[FieldError]:
    return [FieldError(**problems.error(problem)) for problem in found]


# Posts


def post(row: Draft) -> p.Post:
    """`row` comes from `compose.whole`."""
    said = compositions.composition_of(row)
    return p.Post(
        id=str(row.id),
        ref=row.ref,
        state=cast(p.PostState, row.state),
        version=row.version,
        parts=_parts(said.parts),
        link=_link(said.link),
        poll=_poll(said.poll),
        first_comment=said.first_comment,
        options=dict(said.options),
        variants=[_variant(v) for v in said.variants],
        language=row.language,
        campaign=said.campaign,
        tags=row.tags,
        timezone=row.timezone,
        convert=said.convert,
        mark_links=said.mark_links,
        origin=row.origin,
        origin_detail=row.origin_detail,
        ai_use=row.ai_use,
        author=person(row.author),
        created_at=row.created_at,
        changed_at=row.changed_at,
    )


def _parts(parts: Iterable[compositions.PartInput]) -> list[p.Part]:
    return [
        p.Part(
            text=part.text,
            media=[
                p.MediumUse(
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


def _link(link: compositions.LinkInput | None) -> p.Link | None:
    if link is None:
        return None
    return p.Link(
        url=link.url,
        title=link.title,
        description=link.description,
        thumbnail=str(link.thumbnail) if link.thumbnail else None,
    )


def _poll(poll: content.Poll | None) -> p.Poll | None:
    return p.Poll(options=list(poll.options), minutes=poll.minutes, question=poll.question) if poll else None


def _variant(given: compositions.VariantInput) -> p.Variant:
    return p.Variant(
        channel=given.channel,
        network=given.network,
        parts=None if given.parts is None else _parts(given.parts),
        link=_link(given.link),
        poll=_poll(given.poll),
        first_comment=given.first_comment,
        options=dict(given.options),
    )


# What networks are given


def rendered(
    value: content.Rendered,
    priced: Iterable[Priced],
    notices: Iterable[content.Problem] = (),
    found: Iterable[content.Problem] | None = None,
) -> dict[str, Any]:
    """The fields of `Rendered`, for it and the shapes that hold more."""
    link, poll = value.link, value.poll
    return {
        "parts": [rendered_part(part) for part in value.parts],
        "link": r.RenderedLink(url=link.url, title=link.title, description=link.description) if link else None,
        "poll": r.RenderedPoll(question=poll.question, options=list(poll.options), minutes=poll.minutes)
        if poll
        else None,
        "first_comment": rendered_part(value.first_comment) if value.first_comment else None,
        "reply_to": value.reply_to or "",
        "options": dict(value.options),
        "problems": errors(value.problems if found is None else found),
        "notices": errors([*value.notices, *notices]),
        "charges": [
            r.Price(meter=one.meter, units=one.units, micro=one.micro, currency=one.currency) for one in priced
        ],
    }


def rendered_part(part: content.RenderedPart) -> r.RenderedPart:
    return r.RenderedPart(
        text=part.text,
        spans=[r.Span(kind=s.kind.value, start=s.start, end=s.end, text=s.text, target=s.target) for s in part.spans],
        media=[_medium(one) for one in part.media],
        length=part.used,
        limit=part.limit,
        unit=part.unit,
    )


def _medium(one: content.RenderedMedia) -> r.RenderedMedium:
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


def preview(one: Preview) -> r.Preview:
    said = rendered(one.rendered, one.priced, (*one.duplicates, *one.warnings), one.problems)
    return r.Preview(channel=one.channel.key, network=one.channel.network, **said)


# Deliveries


def delivery(row: Delivery) -> d.Delivery:
    return d.Delivery(**_delivery(row))


def delivery_whole(row: Delivery, attempts: Iterable[Attempt]) -> d.DeliveryWhole:
    value = from_json(content.Rendered, row.rendered)
    return d.DeliveryWhole(
        **_delivery(row),
        rendered=[rendered_part(part) for part in value.parts],
        attempts=[
            d.Attempt(
                at=a.at,
                did=a.did,
                outcome=a.outcome,
                sentence=_local(a.sentence, a.detail.get("said", ()), row.timezone),
            )
            for a in attempts
        ],
    )


def edit_preview(value: Proposed) -> d.EditPreview:
    return d.EditPreview(
        parts=[rendered_part(part) for part in value.after.parts],
        changed=[n + 1 for n in value.parts],
        problems=errors(value.problems),
    )


def _local(text: str, said: Sequence[Any], timezone: str) -> str:
    """A kept sentence, its times on the clock of the zone in which its delivery was planned."""
    zone = clock.zone(timezone)

    def shown(at: datetime) -> str:
        return f"{at.astimezone(zone):%Y-%m-%d %H:%M %Z}"

    return " ".join(sentences.filled(*piece, shown) for piece in sentences.read(text, said))


def _delivery(row: Delivery) -> dict[str, Any]:
    parts = row.rendered.get("parts", [])
    channel, draft = row.channel, row.draft
    return {
        "id": str(row.id),
        "post": str(row.draft_id),
        "channel": d.ChannelRef(id=str(channel.id), key=channel.key, network=channel.network, name=channel.name),
        "text": parts[0].get("text", "") if parts else "",
        "parts": len(parts),
        "state": row.standing.value,
        "hold": row.hold,
        "reason": _local(row.reason, row.said, row.timezone),
        "problems": errors(from_json(content.Problem, one) for one in row.problems),
        "due_at": row.due_at,
        "timezone": row.timezone,
        "published_at": row.published_at,
        "late_ms": row.late_ms,
        "url": row.url,
        "remote_ids": row.remote_ids,
        "campaign": draft.campaign.name if draft.campaign else "",
        "tags": draft.tags,
        "confirmed_by": person(row.confirmed_by),
        "confirmed_at": row.confirmed_at,
        "created_at": row.created_at,
        "changed_at": row.changed_at,
    }


# Channels


def channel(row: Channel) -> c.Channel:
    return c.Channel(**channel_fields(row))


def channel_fields(row: Channel) -> dict[str, Any]:
    return {
        "id": str(row.id),
        "key": row.key,
        "network": row.network,
        "name": row.name,
        "handle": row.handle,
        "kind": row.kind,
        "host": row.host,
        "url": row.url,
        "state": row.state,
        "reason": row.reason,
        "renewal_why": row.renewal_why,
        "paused": row.is_paused,
        "paused_until": row.paused_until,
        "asks_from": row.asks_from,
        "asks_why": row.asks_why,
        "reads_from": row.reads_from,
        "token_expires_at": row.token_expires_at,
        "connected_at": row.connected_at,
    }


def capabilities(value: can.Capabilities) -> c.Capabilities:
    return c.Capabilities(
        max_length=value.max_length,
        unit=value.unit,
        max_comment_length=value.max_comment_length,
        max_parts=value.max_parts,
        media={kind.value: _rule(rule) for kind, rule in value.media.items()},
        max_media=value.max_media,
        mixes_media=value.mixes_media,
        needs_media=value.needs_media,
        needs_confirmation=value.needs_confirmation,
        poll=_poll_rule(value.poll),
        abilities=sorted(ability.value for ability in value.abilities),
        editable=sorted(value.editable),
        options=[option(one) for one in value.questions],
        facts={
            name: c.Fact(value=str(fact.value), source=fact.source, checked=fact.checked)
            for name, fact in value.facts.items()
        },
        quota=dict(value.quota),
    )


def _rule(rule: can.MediaRule) -> c.MediaRule:
    plain: dict[str, Any] = {name: getattr(rule, name) for name in c.MediaRule.model_fields if name != "covers"}
    sets: dict[str, Any] = {name: sorted(v) for name, v in plain.items() if isinstance(v, frozenset)}
    return c.MediaRule(**(plain | sets | {"covers": _covers(rule.cover)}))


def _covers(rule: can.CoverRule | None) -> list[str]:
    """How a video's cover may be chosen; a network that takes pictures is sent a frame as one."""
    return (
        []
        if rule is None
        else [name for name, taken in (("frame", rule.frame or rule.picture), ("picture", rule.picture)) if taken]
    )


def _poll_rule(rule: can.PollRule | None) -> c.PollRule | None:
    if rule is None:
        return None
    plain = {name: getattr(rule, name) for name in c.PollRule.model_fields}
    return c.PollRule(**(plain | {"durations": list(rule.durations)}))


def option(one: can.Option) -> c.Option:
    return c.Option(
        name=one.name,
        label=one.label,
        choices=dict(one.choices),
        default=one.default,
        secret=one.secret,
        long=one.long,
        help=one.help,
    )
