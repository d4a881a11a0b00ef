"""Endpoints: posts, as they are written, previewed and scheduled; campaigns."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from ninja import Query, Router
from pydantic import Field

from kicau.api.core import serializers
from kicau.api.core.authentication import acting
from kicau.api.core.paging import page
from kicau.api.core.problems import Refused, field_error
from kicau.api.core.routes import PUBLISHES, READS, WRITES, Id
from kicau.api.core.times import moment
from kicau.api.costs import worth
from kicau.api.schemas import posts as s
from kicau.api.schemas.base import PageQuery
from kicau.api.schemas.deliveries import PostChanged, PostMade, Scheduled
from kicau.base.errors import Conflict
from kicau.channels.actions import one_channel
from kicau.connector import content
from kicau.costs.display_currency import Display
from kicau.publishing.approval import reviews
from kicau.publishing.content import compositions
from kicau.publishing.models import Campaign, Draft
from kicau.publishing.scheduling import actions, schedule, scheduled_posts
from kicau.publishing.scheduling.scheduled_posts import Change, Changed
from kicau.workspaces.actors import Actor

routes = Router(tags=["Posts"])


class PostQuery(PageQuery):
    """Filters; what is left out does not matter."""

    state: s.PostState | None = Field(None, description="In this state.")
    campaign: str = Field("", max_length=120, description="Name of a campaign.")
    tag: str = Field("", max_length=60, description="With this tag.")
    ref: str = Field("", max_length=120, description="With this `ref`.")


@routes.get("/posts", response=s.PostPage, summary="List posts", openapi_extra=READS)
def list_posts(request: HttpRequest, asked: Query[PostQuery]) -> dict[str, Any]:
    """Newest first."""
    rows = compositions.whole(compositions.drafts(acting(request)))
    if asked.state:
        rows = rows.filter(state=asked.state)
    if asked.campaign:
        rows = rows.filter(campaign__name=asked.campaign)
    if asked.tag:
        rows = rows.filter(tags__contains=[asked.tag])
    if asked.ref:
        rows = rows.filter(ref=asked.ref)
    return page(rows, ("-id",), asked, serializers.post)


@routes.post("/posts", response={201: PostMade}, summary="Write a post, and schedule it", openapi_extra=WRITES)
def create_post(request: HttpRequest, response: HttpResponse, given: s.PostCreate) -> PostMade:
    """With `schedule` (which needs the scope publish too) both happen, or neither: where any channel has a problem,
    nothing is made."""
    actor = acting(request)
    with transaction.atomic():
        draft = compositions.create_draft(
            actor, _composition(given, ref=given.ref, origin=given.origin, origin_detail=given.origin_detail)
        )
        row = compositions.one_draft(actor, draft.id)
        made = (
            _schedule(actor, row, given.schedule, "schedule.")
            if given.schedule
            else Scheduled(deliveries=[], notices=[])
        )
        row.refresh_from_db(fields=["state"])
    response["Location"] = f"/api/v1/posts/{row.id}"
    response["ETag"] = _etag(row)
    return PostMade(post=serializers.post(row), deliveries=made.deliveries, notices=made.notices)


@routes.get("/posts/{post_id}", response=s.Post, summary="Read a post", openapi_extra=READS)
def get_post(request: HttpRequest, response: HttpResponse, post_id: Id) -> s.Post:
    """Its ETag names its version; send it as If-Match with a change."""
    row = compositions.one_draft(acting(request), post_id)
    response["ETag"] = _etag(row)
    return serializers.post(row)


@routes.put("/posts/{post_id}", response=s.Post, summary="Replace a post's content", openapi_extra=WRITES)
def replace_post(request: HttpRequest, response: HttpResponse, post_id: Id, given: s.PostReplace) -> s.Post:
    """The whole content. Deliveries that have not begun are rendered again (which needs the scope publish), all or
    none; what is out or on its way stays as it was sent. With If-Match, only where nobody was faster."""
    actor = acting(request)
    before = compositions.one_draft(actor, post_id)
    content = _composition(given, origin=before.origin, origin_detail=before.origin_detail)
    done = _changed_post(request, before, Change(composition=content, confirm=given.confirm))
    response["ETag"] = _etag(done.draft)
    return serializers.post(done.draft)


@routes.patch(
    "/posts/{post_id}",
    response=PostChanged,
    summary="Change a post's content, time and channels",
    openapi_extra=WRITES,
)
def change_post(request: HttpRequest, response: HttpResponse, post_id: Id, given: s.PostChange) -> PostChanged:
    """Only what is given changes, on every delivery that has not begun (which needs the scope publish), all or none.
    What is out or on its way stays as it was sent and is named in `begun`. With If-Match, only where nobody was
    faster."""
    actor = acting(request)
    before = compositions.one_draft(actor, post_id)
    if given.slot and given.at:
        raise field_error("at", "needs-time", "Give `at` or `slot`, not both.")
    wanted = Change(
        composition=_changed_content(before, given),
        due_at=moment(given.at, given.timezone) if given.at else None,
        next_slot=given.slot,
        timezone=given.timezone if given.at not in ("", "now") else "",
        add=tuple(given.add_channels),
        remove=tuple(given.remove_channels),
        confirm=given.confirm,
    )
    done = _changed_post(request, before, wanted)
    response["ETag"] = _etag(done.draft)
    return PostChanged(
        post=serializers.post(done.draft),
        deliveries=[serializers.delivery(row) for row in scheduled_posts.current(actor, post_id)],
        changed=[str(row.id) for row in done.changed],
        added=[str(row.id) for row in done.added],
        canceled=[str(row.id) for row in done.canceled],
        begun=[str(row.id) for row in done.begun],
        notices=serializers.errors(done.notices),
    )


def _changed_post(request: HttpRequest, before: Draft, wanted: Change) -> Changed:
    """The change, where the post is still as If-Match says."""
    actor = acting(request)
    match = request.headers.get("If-Match", "").strip()
    if match not in ("", "*", _etag(before)):
        raise _changed(before)
    version = before.version if match not in ("", "*") else None
    try:
        return scheduled_posts.change(actor, before.id, wanted, version=version)
    except Conflict:
        now = compositions.one_draft(actor, before.id)
        if version is not None and now.version != version:
            raise _changed(now) from None
        raise


def _changed_content(before: Draft, given: s.PostChange) -> compositions.Composition | None:
    """The content with what is given; None where nothing of it is."""
    read: dict[str, Callable[[Any], Any]] = {
        "parts": _parts,
        "link": link_input,
        "poll": poll_value,
        "first_comment": str,
        "options": dict,
        "variants": lambda variants: tuple(_variant(v) for v in variants),
        "language": str,
        "campaign": str,
        "tags": tuple,
    }
    found = {name: getattr(given, name) for name in given.model_fields_set & read.keys()}
    may_be_null = ("link", "poll")
    values = {name: read[name](v) for name, v in found.items() if v is not None or name in may_be_null}
    return replace(compositions.composition_of(before), **values) if values else None


@routes.post(
    "/posts/{post_id}/submit", response=s.Post, summary="Hand a post to those who may publish", openapi_extra=WRITES
)
def submit_post(request: HttpRequest, post_id: Id) -> s.Post:
    actor = acting(request)
    return serializers.post(compositions.one_draft(actor, reviews.submit(actor, post_id).id))


@routes.post("/posts/{post_id}/archive", response=s.Post, summary="Put a post away", openapi_extra=WRITES)
def archive_post(request: HttpRequest, post_id: Id) -> s.Post:
    """Nothing is deleted. One with deliveries still to come must be canceled first."""
    return serializers.post(actions.archive_draft(acting(request), post_id))


@routes.post(
    "/posts/{post_id}/duplicate", response={201: s.Post}, summary="Make a copy of a post", openapi_extra=WRITES
)
def duplicate_post(request: HttpRequest, post_id: Id) -> s.Post:
    """A new draft with the same content, without its `ref`."""
    actor = acting(request)
    return serializers.post(compositions.one_draft(actor, actions.duplicate(actor, post_id).id))


@routes.post(
    "/posts/{post_id}/preview", response=s.Previews, summary="See what channels would get", openapi_extra=READS
)
def preview_post(request: HttpRequest, post_id: Id, asked: s.PreviewInput) -> s.Previews:
    """Exactly what would be sent to each: lengths, spans, problems, notices and prices. Nothing is sent or kept."""
    actor = acting(request)
    row = compositions.one_draft(actor, post_id)
    at = moment(asked.at, asked.timezone) if asked.at else None
    found = schedule.preview(actor, row, [one_channel(actor, key) for key in dict.fromkeys(asked.channels)], due_at=at)
    cost, display = schedule.cost(found), Display(actor.workspace.currency)
    return s.Previews(
        items=[serializers.preview(one) for one in found],
        cost=dict(cost),
        cost_shown={currency: told for currency, micro in cost.items() if (told := worth(display, micro, currency))},
    )


@routes.post("/posts/{post_id}/schedule", response={201: Scheduled}, summary="Schedule a post", openapi_extra=PUBLISHES)
def schedule_post(request: HttpRequest, post_id: Id, given: s.ScheduleInput) -> Scheduled:
    """One delivery for each channel, all or none: any problem on any of them, and nothing is scheduled. A channel
    that the post goes to already is refused unless `again` is true."""
    actor = acting(request)
    return _schedule(actor, compositions.one_draft(actor, post_id), given)


@routes.get("/campaigns", response=s.CampaignPage, tags=["Campaigns"], summary="List campaigns", openapi_extra=READS)
def list_campaigns(request: HttpRequest, asked: Query[PageQuery]) -> dict[str, Any]:
    """A campaign begins with the first post that names it."""
    return page(compositions.campaigns(acting(request)), ("name",), asked, _campaign)


def _campaign(row: Campaign) -> s.Campaign:
    return s.Campaign(id=str(row.id), name=row.name, created_at=row.created_at)


def _schedule(actor: Actor, row: Draft, given: s.ScheduleInput, where: str = "") -> Scheduled:
    if given.slot == bool(given.at):
        raise field_error(
            f"{where}at", "needs-time", "Give `at` (a time, or now), or `slot`: true for the next free slot; not both."
        )
    if given.slot:
        wanted = [_in_slot(actor, row, key) for key in dict.fromkeys(given.channels)]
        made = schedule.schedule_many(actor, wanted, confirm=given.confirm, again=given.again)
    else:
        at = moment(given.at, given.timezone, field=f"{where}at", zone_field=f"{where}timezone")
        made = schedule.schedule(
            actor, row, given.channels, at, timezone=_zone(given), confirm=given.confirm, again=given.again
        )
    return Scheduled(
        deliveries=[serializers.delivery(one) for one in made.deliveries], notices=serializers.errors(made.notices)
    )


def _zone(given: s.ScheduleInput) -> str:
    """The zone is kept with the delivery, for showing its time; one that nobody needed may be anything else."""
    return given.timezone if given.at != "now" else ""


def _in_slot(actor: Actor, row: Draft, key: str) -> schedule.Wanted:
    channel = one_channel(actor, key)
    return schedule.Wanted(draft=row, channels=[channel], due_at=schedule.next_free_slot(actor, channel))


def _etag(row: Draft) -> str:
    return f'"{row.version}"'


def _changed(row: Draft) -> Refused:
    return Refused(
        "changed",
        f"This post was changed meanwhile and is at version {row.version}; read it again, then put your change in.",
        headers={"ETag": _etag(row)},
    )


# From shapes to compositions


def _composition(given: s.PostInput, **more: Any) -> compositions.Composition:
    return compositions.Composition(
        parts=_parts(given.parts),
        link=link_input(given.link),
        poll=poll_value(given.poll),
        first_comment=given.first_comment,
        options=given.options,
        variants=tuple(_variant(v) for v in given.variants),
        language=given.language,
        campaign=given.campaign,
        tags=tuple(given.tags),
        timezone=given.timezone,
        convert=given.convert,
        mark_links=given.mark_links,
        ai_use=given.ai_use,
        **more,
    )


def _parts(parts: Sequence[s.PartInput]) -> tuple[compositions.PartInput, ...]:
    return tuple(
        compositions.PartInput(
            text=part.text,
            media=tuple(
                compositions.MediumUse(medium=use.medium, alt=use.alt, cover=use.cover, cover_ms=use.cover_ms)
                for use in part.media
            ),
        )
        for part in parts
    )


def link_input(link: s.LinkInput | None) -> compositions.LinkInput | None:
    return (
        compositions.LinkInput(url=link.url, title=link.title, description=link.description, thumbnail=link.thumbnail)
        if link
        else None
    )


def poll_value(poll: s.PollInput | None) -> content.Poll | None:
    return content.Poll(options=tuple(poll.options), minutes=poll.minutes, question=poll.question) if poll else None


def _variant(given: s.VariantInput) -> compositions.VariantInput:
    return compositions.VariantInput(
        channel=given.channel,
        network=given.network,
        parts=None if given.parts is None else _parts(given.parts),
        link=link_input(given.link),
        poll=poll_value(given.poll),
        first_comment=given.first_comment,
        options=given.options,
    )
