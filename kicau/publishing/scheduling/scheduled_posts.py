"""Changing a scheduled post: its content, time and channels, for every delivery that has not begun."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from django.db import transaction

from kicau.base import clock
from kicau.base.errors import Conflict, NotFound, ValidationFailed, validation_failed
from kicau.base.ids import as_uuid
from kicau.base.sentences import Sentence
from kicau.channels.actions import one_channel
from kicau.channels.models import Channel
from kicau.connector import registry
from kicau.connector.content import Problem, Rendered
from kicau.connector.serialization import from_json
from kicau.publishing import transitions
from kicau.publishing.budget import plan_quotas
from kicau.publishing.content import compositions
from kicau.publishing.models import Delivery, DeliveryState, Draft, DraftState, HoldReason
from kicau.publishing.scheduling import actions, schedule
from kicau.publishing.transitions import Verb
from kicau.workspaces.actors import Actor, Permission

FINAL_STATES = (DeliveryState.CANCELED, DeliveryState.DELETED)  # the channel may be chosen again
CONFIRM_AGAIN_CODE = "confirm-again"  # the code of the problem that asks for a new confirmation


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduledPostChange:
    """What becomes different. Everything that is left out stays as it is."""

    composition: compositions.Composition | None = None
    due_at: datetime | None = None
    next_slot: bool = False  # each channel's next free queue slot, in place of `due_at`
    timezone: str = ""  # in which `due_at` was given
    add: tuple[str, ...] = ()  # keys or ids of channels that the post goes to as well
    remove: tuple[str, ...] = ()  # keys or ids of channels that it no longer goes to
    confirm: bool | None = None  # the actor confirms the new content; None: they were not asked yet

    @property
    def moves(self) -> bool:
        return self.due_at is not None or self.next_slot

    @property
    def changes_schedule(self) -> bool:
        return self.moves or bool(self.add) or bool(self.remove)


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduledPostResult:
    """The post after the change."""

    draft: Draft
    changed: tuple[Delivery, ...]  # have the new content and time
    moved: tuple[Delivery, ...]  # those of them whose time is another
    added: tuple[Delivery, ...]
    canceled: tuple[Delivery, ...]
    begun: tuple[Delivery, ...]  # published or on their way: they stay as they were sent
    unconfirmed: tuple[Delivery, ...]  # held until a person confirms the new content
    notices: tuple[Problem, ...]


def current_deliveries(actor: Actor, draft_id: UUID | str) -> list[Delivery]:
    """The post's deliveries without canceled and deleted ones, by due time."""
    return list(actions.deliveries(actor).filter(draft_id=as_uuid(draft_id)).exclude(state__in=FINAL_STATES))


def is_changeable(row: Delivery) -> bool:
    """Whether nothing of it has begun, so that its content and time can still be changed."""
    return transitions.is_possible(row, Verb.REWRITE)


def confirmation_lapses(row: Delivery, rendered: Rendered) -> bool:
    """Whether a person confirmed the delivery and `rendered` is other content than they had read."""
    return row.confirmed_at is not None and _published_content(from_json(Rendered, row.rendered)) != _published_content(
        rendered
    )


@transaction.atomic
def change_post(
    actor: Actor, draft_id: UUID | str, wanted: ScheduledPostChange, *, version: int | None = None
) -> ScheduledPostResult:
    """Change a post and all of its deliveries that have not begun, or nothing: every problem on any of them is raised.

    What has begun stays as it was sent and is listed in `begun`. A confirmation is kept where the confirmed content
    stays the same. Where it changes, `confirm` says whether the actor confirms the new content; while that is None,
    the problem `confirm-again` is raised.

    `version`: what the editor had read. Raises Conflict where somebody else was faster, NotAllowed, NotFound,
    ValidationFailed.
    """
    actor.require(Permission.WRITE)
    draft = Draft.objects.select_for_update().filter(workspace=actor.workspace, id=as_uuid(draft_id)).first()
    if draft is None:
        raise NotFound("post", draft_id)
    if version is not None and version != draft.version:
        raise Conflict(
            "Someone else changed this post after you opened it. Open the post again to see the change, then repeat your own change."
        )
    if wanted.changes_schedule and draft.state != DraftState.SCHEDULED:
        raise Conflict("This post is not scheduled yet. Choose channels and a time to schedule it.")
    there = actions.locked_deliveries(actor, draft_id=draft.id).exclude(state__in=FINAL_STATES)
    rows = list(there.order_by("due_at", "id"))
    waiting, begun = [r for r in rows if is_changeable(r)], [r for r in rows if not is_changeable(r)]
    if waiting or wanted.changes_schedule:
        actor.require(Permission.PUBLISH)
    if wanted.composition is not None:
        compositions.replace_content(actor, draft, wanted.composition)
    fresh = compositions.one_draft(actor, draft.id)
    adding, leaving = _channels_to_add(actor, wanted, rows), _deliveries_to_remove(actor, wanted, rows)
    kept = [row for row in waiting if row.channel_id not in leaving]
    if wanted.moves and not kept and not adding:
        raise Conflict(
            "Kicau has already published this post on all its channels or is publishing it now. You cannot change its time, but you can publish the post again."
        )
    canceled = [actions.cancel(actor, row.id) for row in waiting if row.channel_id in leaving]
    notices, confirmations = _render_changes(actor, fresh, kept, wanted)
    moves = _reschedule(actor, kept, wanted, fresh)
    for row in kept:
        transitions.save(row)
    for row, verb in confirmations:
        transitions.record(row, verb, actor)
    for row, before in moves:
        transitions.record(row, Verb.RESCHEDULE, actor, before=before, after=row.due_at)
    if wanted.composition is not None and (problems := schedule.convert_media(kept)):
        raise ValidationFailed(problems)
    plan_quotas.update_soon(kept)
    if wanted.composition is not None:
        actor.record("draft.edited", draft.id, deliveries=len(kept))
    added = _schedule_channels(actor, fresh, adding, waiting, wanted, notices)
    return ScheduledPostResult(
        draft=fresh,
        changed=tuple(kept),
        moved=tuple(row for row, _ in moves),
        added=tuple(added),
        canceled=tuple(canceled),
        begun=tuple(begun),
        unconfirmed=tuple(row for row in (*kept, *added) if row.hold == HoldReason.CONFIRMATION),
        notices=tuple(notices),
    )


def _channels_to_add(actor: Actor, wanted: ScheduledPostChange, rows: Sequence[Delivery]) -> list[Channel]:
    """Raises ValidationFailed, NotFound."""
    channels = [one_channel(actor, key) for key in dict.fromkeys(wanted.add)]
    there = {row.channel_id for row in rows}
    _raise_problems(
        Problem(
            code="goes-there",
            message="This post is already scheduled on {channel}. To publish the same content a second time on this channel, choose “Publish again” on the post's page.",
            params={"channel": channel.key},
            field=f"channels.{channel.key}",
        )
        for channel in channels
        if channel.id in there
    )
    return channels


def _deliveries_to_remove(actor: Actor, wanted: ScheduledPostChange, rows: Sequence[Delivery]) -> set[UUID]:
    """Raises ValidationFailed, NotFound."""
    channels = [one_channel(actor, key) for key in dict.fromkeys(wanted.remove)]
    there = {row.channel_id for row in rows}
    _raise_problems(
        Problem(
            code="goes-not-there",
            message="This post is not scheduled on {channel}. Choose a channel on which the post is scheduled.",
            params={"channel": channel.key},
            field=f"channels.{channel.key}",
        )
        for channel in channels
        if channel.id not in there
    )
    return {channel.id for channel in channels}


def _render_changes(
    actor: Actor, draft: Draft, rows: Sequence[Delivery], wanted: ScheduledPostChange
) -> tuple[list[Problem], list[tuple[Delivery, Verb]]]:
    """Render what changes and settle its confirmations. Returns notices, and which rows were confirmed or have to be
    confirmed again. Raises ValidationFailed, Conflict."""
    again = [r for r in rows if wanted.composition is not None or (wanted.moves and r.state == DeliveryState.FAILED)]
    previews = schedule.preview_posts(actor, draft, [row.channel for row in again], due_at=wanted.due_at)
    _raise_problems(problem for one in previews for problem in one.problems)
    shown = [(row, one.rendered) for row, one in zip(again, previews, strict=True)]
    lapsed = [row for row, rendered in shown if confirmation_lapses(row, rendered)]
    if wanted.confirm is None:
        _raise_problems(map(_confirm_again_problem, lapsed))
    if wanted.confirm and actor.person is None:
        raise Conflict(
            "Only a person who is signed in to Kicau can confirm a post, not an API token. Sign in to Kicau to confirm this post."
        )
    for row, rendered in shown:
        if row.state == DeliveryState.FAILED:
            row.reason, row.problems = (
                Sentence(
                    "The problem that stopped this post from being published is fixed. Retry the post to publish it."
                ),
                [],
            )
        if _published_content(from_json(Rendered, row.rendered)) != _published_content(rendered):
            transitions.change(row, Verb.REWRITE)
        row.show(rendered)
        transitions.set_next_step(row)
    settled = [
        (row, verb)
        for row in rows
        if (verb := _settle_confirmation(actor, row, confirm=bool(wanted.confirm), lapses=row in lapsed))
    ]
    return [notice for one in previews for notice in one.duplicates], settled


def _settle_confirmation(actor: Actor, row: Delivery, *, confirm: bool, lapses: bool) -> Verb | None:
    waits = row.hold == HoldReason.CONFIRMATION
    if confirm and (lapses or waits):
        row.confirmed_by, row.confirmed_at = actor.person, clock.now()
        if waits:
            transitions.change(row, Verb.CONFIRM)
        return Verb.CONFIRM
    if lapses:
        transitions.change(row, Verb.UNCONFIRM)
        return Verb.UNCONFIRM
    return None


def _confirm_again_problem(row: Delivery) -> Problem:
    return Problem(
        code=CONFIRM_AGAIN_CODE,
        message="You changed the content that {who} confirmed for {channel} on {network}. Confirm the new content, or save it without confirmation. Without confirmation, Kicau does not publish the post.",
        params={
            "who": str(row.confirmed_by or ""),
            "channel": row.channel.name,
            "network": registry.get_connector(row.network).label,
        },
        field="confirm",
    )


def _published_content(rendered: Rendered) -> Rendered:
    """What is published, without what only concerns us: prices, notices, counts."""
    comment = rendered.first_comment
    return replace(
        rendered,
        parts=tuple(replace(part, used=0, limit=0) for part in rendered.parts),
        first_comment=replace(comment, used=0, limit=0) if comment else None,
        problems=(),
        notices=(),
        charges=(),
        lead=0,
    )


def _reschedule(
    actor: Actor, rows: Sequence[Delivery], wanted: ScheduledPostChange, draft: Draft
) -> list[tuple[Delivery, datetime]]:
    """Give each its new time. Returns those whose time is another, with the time before. Raises ValidationFailed."""
    if not wanted.moves:
        return []
    now, moved, problems = clock.now(), list[tuple[Delivery, datetime]](), list[Problem]()
    if wanted.due_at is not None:
        _raise_problems(schedule.time_problems(wanted.due_at, now))
    for row in rows:
        before, row.due_at = row.due_at, _new_due_time(actor, row.channel, wanted, now)
        again = row.state == DeliveryState.FAILED
        problems += (schedule.channel_problems if again else schedule.offboarding_problems)(row.channel, row.due_at)
        row.timezone = wanted.timezone or draft.timezone
        transitions.change(row, Verb.RENEW if again else Verb.RESCHEDULE)
        if before != row.due_at or again:
            moved.append((row, before))
    _raise_problems(problems)
    return moved


def _new_due_time(actor: Actor, channel: Channel, wanted: ScheduledPostChange, now: datetime) -> datetime:
    if wanted.next_slot:
        return schedule.take_next_slot(actor, channel)
    assert wanted.due_at is not None
    return max(wanted.due_at, now)  # a moment ago means now


def _schedule_channels(
    actor: Actor,
    draft: Draft,
    channels: Sequence[Channel],
    waiting: Sequence[Delivery],
    wanted: ScheduledPostChange,
    notices: list[Problem],
) -> list[Delivery]:
    """Deliveries for more channels: at the new time, or at the one that all others have."""
    if not channels:
        return []
    now, times = clock.now(), {row.due_at for row in waiting}
    if not wanted.moves and len(times) != 1:
        raise validation_failed("at", "Choose a publishing time for the channels that you are adding to this post.")
    made = schedule.schedule_many(
        actor,
        [
            schedule.ScheduleRequest(
                draft=draft,
                channels=[channel],
                due_at=_new_due_time(actor, channel, wanted, now) if wanted.moves else next(iter(times)),
                timezone=wanted.timezone or (waiting[0].timezone if waiting else ""),
            )
            for channel in channels
        ],
        confirm=bool(wanted.confirm),
    )
    notices += made.notices
    return list(made.deliveries)


def _raise_problems(problems: Iterable[Problem]) -> None:
    if found := list(problems):
        raise ValidationFailed(found)
