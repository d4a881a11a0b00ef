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
from kicau.api.core.authentication import authenticated_actor
from kicau.api.core.paging import paginate
from kicau.api.core.problems import ApiProblem, field_error
from kicau.api.core.routes import PUBLISH_SCOPE, READ_SCOPE, WRITE_SCOPE, UuidPath
from kicau.api.core.times import parse_time
from kicau.api.costs import converted_amount
from kicau.api.schemas import posts as s
from kicau.api.schemas.base import PageQuery
from kicau.api.schemas.deliveries import PostChangeResult, PostCreated, ScheduledDeliveries
from kicau.base.errors import Conflict
from kicau.channels.actions import one_channel
from kicau.connector import content
from kicau.costs.display_currency import CurrencyDisplay
from kicau.publishing.approval import reviews
from kicau.publishing.content import compositions
from kicau.publishing.models import Campaign, Draft
from kicau.publishing.scheduling import actions, schedule, scheduled_posts
from kicau.publishing.scheduling.scheduled_posts import ScheduledPostChange, ScheduledPostResult
from kicau.workspaces.actors import Actor

routes = Router(tags=["Posts"])


class PostQuery(PageQuery):
    """Filters. All are optional."""

    state: s.PostState | None = Field(None, description="Only posts in this state.")
    campaign: str = Field("", max_length=120, description="Only posts of the campaign with this name.")
    tag: str = Field("", max_length=60, description="Only posts with this tag.")
    ref: str = Field("", max_length=120, description="Only the post with this `ref`.")


@routes.get("/posts", response=s.PostPage, summary="List posts", openapi_extra=READ_SCOPE)
def list_posts(request: HttpRequest, asked: Query[PostQuery]) -> dict[str, Any]:
    """Newest first."""
    rows = compositions.with_content(compositions.drafts(authenticated_actor(request)))
    if asked.state:
        rows = rows.filter(state=asked.state)
    if asked.campaign:
        rows = rows.filter(campaign__name=asked.campaign)
    if asked.tag:
        rows = rows.filter(tags__contains=[asked.tag])
    if asked.ref:
        rows = rows.filter(ref=asked.ref)
    return paginate(rows, ("-id",), asked, serializers.post_fields)


@routes.post(
    "/posts",
    response={201: PostCreated},
    summary="Create a post, and optionally schedule it",
    openapi_extra=WRITE_SCOPE,
)
def create_post(request: HttpRequest, response: HttpResponse, given: s.PostCreate) -> PostCreated:
    """With `schedule` (requires the scope publish), the post is created and scheduled. If any channel has a problem, nothing
    is created."""
    actor = authenticated_actor(request)
    with transaction.atomic():
        draft = compositions.create_draft(
            actor,
            _composition_from_request(given, ref=given.ref, origin=given.origin, origin_detail=given.origin_detail),
        )
        row = compositions.one_draft(actor, draft.id)
        made = (
            _schedule_post(actor, row, given.schedule, "schedule.")
            if given.schedule
            else ScheduledDeliveries(deliveries=[], notices=[])
        )
        row.refresh_from_db(fields=["state"])
    response["Location"] = f"/api/v1/posts/{row.id}"
    response["ETag"] = _etag(row)
    return PostCreated(post=serializers.post_fields(row), deliveries=made.deliveries, notices=made.notices)


@routes.get("/posts/{post_id}", response=s.Post, summary="Retrieve a post", openapi_extra=READ_SCOPE)
def get_post(request: HttpRequest, response: HttpResponse, post_id: UuidPath) -> s.Post:
    """The ETag contains its version. Send it as If-Match with an update."""
    row = compositions.one_draft(authenticated_actor(request), post_id)
    response["ETag"] = _etag(row)
    return serializers.post_fields(row)


@routes.put("/posts/{post_id}", response=s.Post, summary="Replace a post's content", openapi_extra=WRITE_SCOPE)
def replace_post(request: HttpRequest, response: HttpResponse, post_id: UuidPath, given: s.PostReplace) -> s.Post:
    """Replaces the whole content. Deliveries whose publishing has not begun get the new content (requires the scope
    publish), all or none. Published content does not change. With If-Match, returns 412 if someone else changed the post."""
    actor = authenticated_actor(request)
    before = compositions.one_draft(actor, post_id)
    content = _composition_from_request(given, origin=before.origin, origin_detail=before.origin_detail)
    done = _change_post(request, before, ScheduledPostChange(composition=content, confirm=given.confirm))
    response["ETag"] = _etag(done.draft)
    return serializers.post_fields(done.draft)


@routes.patch(
    "/posts/{post_id}",
    response=PostChangeResult,
    summary="Update a post's content, time and channels",
    openapi_extra=WRITE_SCOPE,
)
def change_post(
    request: HttpRequest, response: HttpResponse, post_id: UuidPath, given: s.PostChange
) -> PostChangeResult:
    """Changes only the fields that you send, on all deliveries whose publishing has not begun (requires the scope publish),
    all or none. Deliveries that have begun are listed in `begun` and do not change. With If-Match, returns 412 if someone
    else changed the post."""
    actor = authenticated_actor(request)
    before = compositions.one_draft(actor, post_id)
    if given.slot and given.at:
        raise field_error("at", "needs-time", "Set `at` or `slot`, not both.")
    wanted = ScheduledPostChange(
        composition=_merge_content(before, given),
        due_at=parse_time(given.at, given.timezone) if given.at else None,
        next_slot=given.slot,
        timezone=given.timezone if given.at not in ("", "now") else "",
        add=tuple(given.add_channels),
        remove=tuple(given.remove_channels),
        confirm=given.confirm,
    )
    done = _change_post(request, before, wanted)
    response["ETag"] = _etag(done.draft)
    return PostChangeResult(
        post=serializers.post_fields(done.draft),
        deliveries=[serializers.delivery_schema(row) for row in scheduled_posts.current_deliveries(actor, post_id)],
        changed=[str(row.id) for row in done.changed],
        added=[str(row.id) for row in done.added],
        canceled=[str(row.id) for row in done.canceled],
        begun=[str(row.id) for row in done.begun],
        notices=serializers.error_list(done.notices),
    )


def _change_post(request: HttpRequest, before: Draft, wanted: ScheduledPostChange) -> ScheduledPostResult:
    """The change, where the post is still as If-Match says."""
    actor = authenticated_actor(request)
    match = request.headers.get("If-Match", "").strip()
    if match not in ("", "*", _etag(before)):
        raise _change_response(before)
    version = before.version if match not in ("", "*") else None
    try:
        return scheduled_posts.change_post(actor, before.id, wanted, version=version)
    except Conflict:
        now = compositions.one_draft(actor, before.id)
        if version is not None and now.version != version:
            raise _change_response(now) from None
        raise


def _merge_content(before: Draft, given: s.PostChange) -> compositions.Composition | None:
    """The content with what is given; None where nothing of it is."""
    read: dict[str, Callable[[Any], Any]] = {
        "parts": _part_inputs,
        "link": link_input,
        "poll": poll_value,
        "first_comment": str,
        "options": dict,
        "variants": lambda variants: tuple(_variant_input(v) for v in variants),
        "language": str,
        "campaign": str,
        "tags": tuple,
    }
    found = {name: getattr(given, name) for name in given.model_fields_set & read.keys()}
    may_be_null = ("link", "poll")
    values = {name: read[name](v) for name, v in found.items() if v is not None or name in may_be_null}
    return replace(compositions.composition_of(before), **values) if values else None


@routes.post(
    "/posts/{post_id}/submit",
    response=s.Post,
    summary="Submit a post for approval",
    openapi_extra=WRITE_SCOPE,
)
def submit_post(request: HttpRequest, post_id: UuidPath) -> s.Post:
    actor = authenticated_actor(request)
    return serializers.post_fields(compositions.one_draft(actor, reviews.submit(actor, post_id).id))


@routes.post("/posts/{post_id}/archive", response=s.Post, summary="Archive a post", openapi_extra=WRITE_SCOPE)
def archive_post(request: HttpRequest, post_id: UuidPath) -> s.Post:
    """Nothing is deleted. First cancel scheduled deliveries."""
    return serializers.post_fields(actions.archive_draft(authenticated_actor(request), post_id))


@routes.post("/posts/{post_id}/duplicate", response={201: s.Post}, summary="Copy a post", openapi_extra=WRITE_SCOPE)
def duplicate_post(request: HttpRequest, post_id: UuidPath) -> s.Post:
    """Creates a draft with the same content, without the `ref`."""
    actor = authenticated_actor(request)
    return serializers.post_fields(compositions.one_draft(actor, actions.duplicate(actor, post_id).id))


@routes.post(
    "/posts/{post_id}/preview", response=s.PostPreviews, summary="Preview a post on channels", openapi_extra=READ_SCOPE
)
def preview_post(request: HttpRequest, post_id: UuidPath, asked: s.PreviewInput) -> s.PostPreviews:
    """Returns the exact content for each channel: length, spans, problems, notices and price. Nothing is saved or published."""
    actor = authenticated_actor(request)
    row = compositions.one_draft(actor, post_id)
    at = parse_time(asked.at, asked.timezone) if asked.at else None
    found = schedule.preview_posts(
        actor, row, [one_channel(actor, key) for key in dict.fromkeys(asked.channels)], due_at=at
    )
    cost, display = schedule.total_cost(found), CurrencyDisplay(actor.workspace.currency)
    return s.PostPreviews(
        items=[serializers.preview_schema(one) for one in found],
        cost=dict(cost),
        cost_shown={
            currency: told for currency, micro in cost.items() if (told := converted_amount(display, micro, currency))
        },
    )


@routes.post(
    "/posts/{post_id}/schedule",
    response={201: ScheduledDeliveries},
    summary="Schedule a post",
    openapi_extra=PUBLISH_SCOPE,
)
def schedule_post(request: HttpRequest, post_id: UuidPath, given: s.ScheduleInput) -> ScheduledDeliveries:
    """Creates one delivery for each channel, all or none: if any channel has a problem, nothing is scheduled. A channel that
    the post is already scheduled or published on is refused, unless `again` is true."""
    actor = authenticated_actor(request)
    return _schedule_post(actor, compositions.one_draft(actor, post_id), given)


@routes.get(
    "/campaigns", response=s.CampaignPage, tags=["Campaigns"], summary="List campaigns", openapi_extra=READ_SCOPE
)
def list_campaigns(request: HttpRequest, asked: Query[PageQuery]) -> dict[str, Any]:
    """A campaign is created with the first post that names it."""
    return paginate(compositions.campaigns(authenticated_actor(request)), ("name",), asked, _campaign_schema)


def _campaign_schema(row: Campaign) -> s.Campaign:
    return s.Campaign(id=str(row.id), name=row.name, created_at=row.created_at)


def _schedule_post(actor: Actor, row: Draft, given: s.ScheduleInput, where: str = "") -> ScheduledDeliveries:
    if given.slot == bool(given.at):
        raise field_error(
            f"{where}at", "needs-time", "Set either `at` (a time, or now) or `slot` (true: the next free slot)."
        )
    if given.slot:
        channels = [one_channel(actor, key) for key in dict.fromkeys(given.channels)]
        wanted = schedule.ScheduleRequest(draft=row, channels=channels, due_at=None)
        made = schedule.schedule_many(actor, [wanted], confirm=given.confirm, again=given.again)
    else:
        at = parse_time(given.at, given.timezone, field=f"{where}at", zone_field=f"{where}timezone")
        made = schedule.schedule(
            actor, row, given.channels, at, timezone=_requested_zone(given), confirm=given.confirm, again=given.again
        )
    return ScheduledDeliveries(
        deliveries=[serializers.delivery_schema(one) for one in made.deliveries],
        notices=serializers.error_list(made.notices),
    )


def _requested_zone(given: s.ScheduleInput) -> str:
    """The zone is kept with the delivery, for showing its time; one that nobody needed may be anything else."""
    return given.timezone if given.at != "now" else ""


def _etag(row: Draft) -> str:
    return f'"{row.version}"'


def _change_response(row: Draft) -> ApiProblem:
    return ApiProblem(
        "changed",
        f"Someone else changed this post (current version: {row.version}). Retrieve it again, then repeat your change.",
        headers={"ETag": _etag(row)},
    )


# From shapes to compositions


def _composition_from_request(given: s.PostInput, **more: Any) -> compositions.Composition:
    return compositions.Composition(
        parts=_part_inputs(given.parts),
        link=link_input(given.link),
        poll=poll_value(given.poll),
        first_comment=given.first_comment,
        options=given.options,
        variants=tuple(_variant_input(v) for v in given.variants),
        language=given.language,
        campaign=given.campaign,
        tags=tuple(given.tags),
        timezone=given.timezone,
        convert=given.convert,
        mark_links=given.mark_links,
        ai_use=given.ai_use,
        **more,
    )


def _part_inputs(parts: Sequence[s.PostPartInput]) -> tuple[compositions.PartContent, ...]:
    return tuple(
        compositions.PartContent(
            text=part.text,
            media=tuple(
                compositions.MediumAttachment(medium=use.medium, alt=use.alt, cover=use.cover, cover_ms=use.cover_ms)
                for use in part.media
            ),
        )
        for part in parts
    )


def link_input(link: s.LinkCardInput | None) -> compositions.LinkContent | None:
    return (
        compositions.LinkContent(url=link.url, title=link.title, description=link.description, thumbnail=link.thumbnail)
        if link
        else None
    )


def poll_value(poll: s.PostPollInput | None) -> content.Poll | None:
    return content.Poll(options=tuple(poll.options), minutes=poll.minutes, question=poll.question) if poll else None


def _variant_input(given: s.PostVariantInput) -> compositions.VariantContent:
    return compositions.VariantContent(
        channel=given.channel,
        network=given.network,
        parts=None if given.parts is None else _part_inputs(given.parts),
        link=link_input(given.link),
        poll=poll_value(given.poll),
        first_comment=given.first_comment,
        options=given.options,
    )
