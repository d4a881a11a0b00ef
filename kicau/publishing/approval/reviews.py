"""Approval: contributors submit, editors approve or send back, and say on which words; with what was planned for the post.

A client's part in it, by a link and without a sign-in, is kicau/publishing/approval/review_links.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet

from kicau.base import clock
from kicau.base.errors import Conflict, NotFound, validation_failed
from kicau.base.ids import as_uuid
from kicau.base.sentences import Sentence
from kicau.channels.actions import channels
from kicau.channels.models import Channel, ChannelState
from kicau.connector.content import Rendered
from kicau.connector.serialization import from_json
from kicau.notifications import actions as notices
from kicau.publishing.content import compositions
from kicau.publishing.models import Delivery, DeliveryState, Draft, DraftState, Review
from kicau.publishing.scheduling import schedule
from kicau.workspaces.actors import Actor, Permission

MAX_COMMENT_LENGTH = 4000  # characters of a comment
MAX_QUOTE_LENGTH = 500
MAX_REVIEWS_PER_POST = 500  # things said about one post
REVIEWABLE_STATES = (DraftState.DRAFT, DraftState.SUBMITTED, DraftState.APPROVED)
REVIEW_KINDS = Review.Kind


def reviews(actor: Actor, draft: Draft) -> list[Review]:
    """All that was said about a post, oldest first."""
    actor.require(Permission.READ)
    rows = Review.objects.filter(workspace=actor.workspace, draft=draft).select_related("person", "resolved_by")
    return list(rows.order_by("id")[:MAX_REVIEWS_PER_POST])


def review_queryset(actor: Actor, draft_id: UUID | str) -> QuerySet[Review]:
    """The same as a query. Raises NotFound."""
    draft = compositions.one_draft(actor, draft_id)
    return Review.objects.filter(workspace=actor.workspace, draft=draft).select_related("person", "resolved_by")


def open_review_items(actor: Actor, draft: Draft) -> list[Review]:
    """What its author is to look at: open comments, and why it was sent back since it was last handed in."""
    said = reviews(actor, draft)
    handed_in = max((row.at for row in said if row.kind == REVIEW_KINDS.SUBMITTED), default=None)
    return [
        row
        for row in said
        if (row.kind == REVIEW_KINDS.COMMENT and row.resolved_at is None)
        or (row.kind == REVIEW_KINDS.RETURNED and row.text and (handed_in is None or row.at > handed_in))
    ]


@transaction.atomic
def submit(actor: Actor, draft_id: UUID | str, text: str = "") -> Draft:
    """Hand a draft to those who may publish. Raises Conflict where it is not a draft."""
    actor.require(Permission.WRITE)
    draft = _lock_draft(actor, draft_id)
    if draft.state != DraftState.DRAFT:
        raise Conflict(
            Sentence("You can submit only a draft for approval, but this post is already {state}.", state=draft.state)
        )
    _add_review_as(actor, draft, REVIEW_KINDS.SUBMITTED, _check_text_length(text))
    _set_state(draft, DraftState.SUBMITTED)
    actor.record("draft.submitted", draft.id)
    _notify(actor, "draft.submitted", draft)
    return draft


@transaction.atomic
def approve(actor: Actor, draft_id: UUID | str, text: str = "", *, version: int | None = None) -> Draft:
    """This post may go out as it is. A later change takes the approval back.

    `version`: what was read; Conflict where somebody has changed it since, or where it is scheduled or put away.
    """
    actor.require(Permission.PUBLISH)
    draft = _lock_draft(actor, draft_id)
    _require_version_read(draft, version)
    if draft.state not in REVIEWABLE_STATES:
        raise Conflict(
            Sentence("You can submit only a draft for approval, but this post is already {state}.", state=draft.state)
        )
    _add_review_as(actor, draft, REVIEW_KINDS.APPROVED, _check_text_length(text))
    _set_state(draft, DraftState.APPROVED)
    actor.record("draft.approved", draft.id, version=draft.version)
    _notify(actor, "draft.approved", draft, to=draft.author_id)
    return draft


@transaction.atomic
def send_back(actor: Actor, draft_id: UUID | str, text: str) -> Draft:
    """Back to its author, with what is to be fixed. Raises ValidationFailed where nothing is said at all."""
    actor.require(Permission.PUBLISH)
    draft = _lock_draft(actor, draft_id)
    if draft.state not in (DraftState.SUBMITTED, DraftState.APPROVED):
        raise Conflict(
            Sentence(
                "You can return only a submitted or approved post for changes, but this post is {state}.",
                state=draft.state,
            )
        )
    said = _check_text_length(text)
    if not said and not _open_comments(draft).exists():
        raise validation_failed(
            "text",
            "To return this post, write what its author has to change. You can write a comment on the whole post or on a passage of its text.",
        )
    _add_review_as(actor, draft, REVIEW_KINDS.RETURNED, said)
    _set_state(draft, DraftState.DRAFT)
    actor.record("draft.returned", draft.id)
    _notify(actor, "draft.returned", draft, to=draft.author_id, reason=said or _last_comment(draft))
    return draft


@transaction.atomic
def comment(actor: Actor, draft_id: UUID | str, text: str, *, part: int | None = None, quote: str = "") -> Review:
    """Say something about a post, about one of its parts, or about words in it. Raises ValidationFailed."""
    actor.require(Permission.WRITE)
    draft = _lock_draft(actor, draft_id)
    made = _add_review_as(actor, draft, REVIEW_KINDS.COMMENT, require_text(text), *check_anchor(draft, part, quote))
    actor.record("draft.commented", draft.id)
    _notify(actor, "draft.commented", draft, to=draft.author_id, reason=made.text)
    return made


@transaction.atomic
def resolve_comment(actor: Actor, comment_id: UUID | str, done: bool = True) -> Review:
    """A comment is dealt with, or open again. Raises NotFound."""
    actor.require(Permission.WRITE)
    found = (
        Review.objects.select_for_update()
        .filter(workspace=actor.workspace, id=as_uuid(comment_id), kind=REVIEW_KINDS.COMMENT)
        .first()
    )
    if found is None:
        raise NotFound("comment", comment_id)
    found.resolved_at, found.resolved_by = (clock.now(), actor.person) if done else (None, None)
    found.save(update_fields=["resolved_at", "resolved_by"])
    actor.record("comment.resolved" if done else "comment.reopened", found.draft_id)
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishPlan:
    """Where and when the post's author wants it to go."""

    channels: tuple[Channel, ...]
    due_at: datetime | None  # UTC; None: not said, or `in_slot`
    in_slot: bool  # each channel's next free slot
    timezone: str


def plan_of(actor: Actor, draft: Draft, every: Sequence[Channel] | None = None) -> PublishPlan:
    """What lies on the author's desk beside the draft; a time that is past counts as not said.

    `every`: the workspace's channels, where they are at hand.
    """
    desk = draft.extras.get("desk", {})
    wanted = set(desk.get("channels", []))
    chosen = tuple(c for c in (channels(actor) if every is None else every) if c.key in wanted)
    due_at = None
    if desk.get("when", "at") == "at":
        try:
            wall = datetime.fromisoformat(f"{desk.get('date', '')}T{desk.get('time', '')}")
            due_at = wall.replace(tzinfo=clock.find_zone(draft.timezone)).astimezone(clock.UTC)
        except (ValueError, LookupError, OverflowError):
            due_at = None
    if due_at is not None and due_at <= clock.now():
        due_at = None
    return PublishPlan(channels=chosen, due_at=due_at, in_slot=desk.get("when") == "slot", timezone=draft.timezone)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelRendering:
    """What one channel shows of a post, or would show."""

    channel: Channel
    rendered: Rendered
    delivery: Delivery | None


def channel_renderings(draft: Draft) -> list[ChannelRendering]:
    """The post as each of its channels has or would get it: those it goes to, else those that its author chose, else
    all that are connected (at most 12). `draft` comes from `compose.whole`."""
    rows = Delivery.objects.filter(draft=draft).exclude(state=DeliveryState.CANCELED)
    found = [
        ChannelRendering(channel=row.channel, rendered=from_json(Rendered, row.rendered), delivery=row)
        for row in rows.select_related("channel", "channel__app").order_by("due_at", "id")
    ]
    if found:
        return found
    return preview_renderings(
        draft, list(Channel.objects.filter(workspace_id=draft.workspace_id).select_related("app").order_by("key"))
    )


def preview_renderings(draft: Draft, every: Sequence[Channel]) -> list[ChannelRendering]:
    """The same for a post that goes nowhere yet; `every`: the workspace's channels."""
    wanted = draft.extras.get("desk", {}).get("channels", [])
    active = [one for one in every if one.state == ChannelState.ACTIVE]
    chosen = [one for one in active if one.key in wanted] or active[:12]
    return [ChannelRendering(channel=one, rendered=schedule.render(draft, one), delivery=None) for one in chosen]


@transaction.atomic
def approve_and_schedule(
    actor: Actor,
    draft_id: UUID | str,
    due_at: datetime | None,
    *,
    timezone: str = "",
    text: str = "",
    version: int | None = None,
    confirm: bool = False,
) -> schedule.ScheduleResult:
    """Approve a post and schedule it on the channels that its author chose, both or neither; `due_at` None: each
    channel's next free slot. Raises ValidationFailed where no channel is chosen, or one would not take it.

    `confirm`: the actor confirms it in their name where a network wants that of a person.
    """
    draft = compositions.one_draft(actor, draft_id)
    plan = plan_of(actor, draft)
    if not plan.channels:
        raise validation_failed(
            "channels", "This post has no channels yet. Open the post and choose at least one channel."
        )
    if draft.state == DraftState.APPROVED:
        _require_version_read(draft, version)
    else:
        approve(actor, draft_id, text, version=version)
    wanted = schedule.ScheduleRequest(
        draft=draft, channels=plan.channels, due_at=due_at, timezone=timezone or plan.timezone
    )
    return schedule.schedule_many(actor, [wanted], confirm=confirm)


# What both sides of a review share


def check_anchor(draft: Draft, part: int | None, quote: str) -> tuple[int | None, str]:
    """What a comment is about, checked against the post as it is now. Raises ValidationFailed."""
    quote = " ".join(quote.split())[:MAX_QUOTE_LENGTH]
    texts = [" ".join(p.text.split()) for p in draft.parts.filter(variant=None).order_by("position")]
    if part is None:
        part = next((n for n, text in enumerate(texts) if quote in text), None) if quote else None
    elif not 0 <= part < len(texts):
        raise validation_failed(
            "part", "This post has no part {part}. Choose a part that exists in this post.", part=part + 1
        )
    if quote and (part is None or quote not in texts[part]):
        raise validation_failed(
            "quote", "The post does not contain the text that your comment refers to: {quote}", quote=quote
        )
    return part, quote


def require_text(text: str) -> str:
    """A comment's text. Raises ValidationFailed where it is empty or too long."""
    said = _check_text_length(text)
    if not said:
        raise validation_failed("text", "Your comment is empty. Write a comment first.")
    return said


def _check_text_length(text: str) -> str:
    said = text.replace("\r\n", "\n").strip()
    if len(said) > MAX_COMMENT_LENGTH:
        raise validation_failed(
            "text",
            "A comment can have at most {limit} characters. Your comment has {actual}: shorten it.",
            limit=MAX_COMMENT_LENGTH,
            actual=len(said),
        )
    if "\x00" in said:
        raise validation_failed(
            "text", "The text contains an invisible control character (NUL). Delete it, or type the text again."
        )
    return said


def add_review(
    draft: Draft, kind: str, text: str, name: str, part: int | None = None, quote: str = "", **who: object
) -> Review:
    """One line of what was said. Raises Conflict where a post has too many."""
    if Review.objects.filter(draft=draft).count() >= MAX_REVIEWS_PER_POST:
        raise Conflict(
            Sentence(
                "This post already has {limit} comments, and more are not possible. Make a copy of the post and write your comment on the copy.",
                limit=MAX_REVIEWS_PER_POST,
            )
        )
    return Review.objects.create(
        workspace_id=draft.workspace_id,
        draft=draft,
        kind=kind,
        version=draft.version,
        text=text,
        name=name[:120],
        part=part,
        quote=quote,
        **who,
    )


def _add_review_as(
    actor: Actor, draft: Draft, kind: str, text: str, part: int | None = None, quote: str = ""
) -> Review:
    return add_review(draft, kind, text, actor.name, part, quote, person=actor.person)


def _require_version_read(draft: Draft, version: int | None) -> None:
    if version is not None and version != draft.version:
        raise Conflict(
            "Someone changed this post after you opened it. Read the changed post, then make your decision about it."
        )


def _set_state(draft: Draft, state: DraftState) -> None:
    draft.state = state
    draft.save(update_fields=["state"])


def _lock_draft(actor: Actor, draft_id: UUID | str) -> Draft:
    found = Draft.objects.select_for_update().filter(workspace=actor.workspace, id=as_uuid(draft_id)).first()
    if found is None:
        raise NotFound("post", draft_id)
    return found


def _open_comments(draft: Draft) -> QuerySet[Review]:
    return Review.objects.filter(draft=draft, kind=REVIEW_KINDS.COMMENT, resolved_at=None)


def _last_comment(draft: Draft) -> str:
    last = _open_comments(draft).order_by("-id").first()
    return last.text if last else ""


def short_text(texts: Sequence[str]) -> str:
    text = " ".join((texts[0] if texts else "").split())
    return text if len(text) <= 60 else text[:59].rstrip() + "…"


def _notify(actor: Actor, event: str, draft: Draft, *, to: UUID | None = None, reason: str = "") -> None:
    """Tell those concerned, but whoever acts; of a post without an author, nobody but the editors."""
    if event != "draft.submitted" and to is None:
        return
    post = short_text(list(draft.parts.filter(variant=None, position=0).values_list("text", flat=True)))
    notices.notify(
        event,
        actor.workspace.id,
        to=() if to is None else (to,),
        besides=actor.person_id,
        gather=f"{event}:{draft.id}",
        page=f"/posts/{draft.id}",
        name=actor.name,
        post=post,
        reason=reason,
    )
