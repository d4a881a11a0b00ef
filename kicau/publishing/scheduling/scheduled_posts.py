"""Changing a scheduled post: its content, time and channels, for every delivery that has not begun."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from django.db import transaction

from kicau.base import clock
from kicau.base.errors import Conflict, NotFound, Unacceptable, unacceptable
from kicau.base.ids import as_uuid
from kicau.base.sentences import Sentence, stored
from kicau.channels.actions import one_channel
from kicau.channels.models import Channel, ChannelState
from kicau.connector import registry
from kicau.connector.content import Problem, Rendered
from kicau.connector.serialization import from_json
from kicau.publishing.budget import plan_quotas
from kicau.publishing.content import compositions
from kicau.publishing.delivery import delivery_notifications
from kicau.publishing.models import Attempt, Delivery, DeliveryState, Draft, DraftState, Hold
from kicau.publishing.scheduling import actions, schedule
from kicau.workspaces.actors import Actor, Permission

CHANGEABLE = (DeliveryState.SCHEDULED, DeliveryState.HELD, DeliveryState.FAILED, DeliveryState.PUBLISHING)
OVER = (DeliveryState.CANCELED, DeliveryState.DELETED)  # the channel may be chosen again
CONFIRM_AGAIN = "confirm-again"  # the code of the problem that asks for a new confirmation


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
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
class Changed:
    """The post after the change."""

    draft: Draft
    changed: tuple[Delivery, ...]  # have the new content and time
    moved: tuple[Delivery, ...]  # those of them whose time is another
    added: tuple[Delivery, ...]
    canceled: tuple[Delivery, ...]
    begun: tuple[Delivery, ...]  # published or on their way: they stay as they were sent
    unconfirmed: tuple[Delivery, ...]  # held until a person confirms the new content
    notices: tuple[Problem, ...]


def current(actor: Actor, draft_id: UUID | str) -> list[Delivery]:
    """The post's deliveries without canceled and deleted ones, by due time."""
    return list(actions.deliveries(actor).filter(draft_id=as_uuid(draft_id)).exclude(state__in=OVER))


def is_changeable(row: Delivery) -> bool:
    """Whether nothing of it has begun, so that its content and time can still be changed."""
    return row.state in CHANGEABLE and actions._unseen(row)


def confirmation_lapses(row: Delivery, rendered: Rendered) -> bool:
    """Whether a person confirmed the delivery and `rendered` is other content than they had read."""
    return row.confirmed_at is not None and _content(from_json(Rendered, row.rendered)) != _content(rendered)


@transaction.atomic
def change(actor: Actor, draft_id: UUID | str, wanted: Change, *, version: int | None = None) -> Changed:
    """Change a post and all of its deliveries that have not begun, or nothing: every problem on any of them is raised.

    What has begun stays as it was sent and is listed in `begun`. A confirmation is kept where the confirmed content
    stays the same. Where it changes, `confirm` says whether the actor confirms the new content; while that is None,
    the problem `confirm-again` is raised.

    `version`: what the editor had read. Raises Conflict where somebody else was faster, NotAllowed, NotFound,
    Unacceptable.
    """
    actor.require(Permission.WRITE)
    draft = Draft.objects.select_for_update().filter(workspace=actor.workspace, id=as_uuid(draft_id)).first()
    if draft is None:
        raise NotFound("post", draft_id)
    if version is not None and version != draft.version:
        raise Conflict("Somebody changed this post meanwhile; read it again, then put your change in.")
    if wanted.changes_schedule and draft.state != DraftState.SCHEDULED:
        raise Conflict("This post is not scheduled yet: schedule it with its channels and its time.")
    rows = list(actions._lock(actor, draft_id=draft.id).exclude(state__in=OVER).order_by("due_at", "id"))
    waiting, begun = [r for r in rows if is_changeable(r)], [r for r in rows if not is_changeable(r)]
    if waiting or wanted.changes_schedule:
        actor.require(Permission.PUBLISH)
    if wanted.composition is not None:
        compositions.rewrite(actor, draft, wanted.composition)
    fresh = compositions.one_draft(actor, draft.id)
    adding, leaving = _added(actor, wanted, rows), _removed(actor, wanted, rows)
    kept = [row for row in waiting if row.channel_id not in leaving]
    if wanted.moves and not kept and not adding:
        raise Conflict(
            "Every delivery of this post has begun, so its time cannot be changed. You can publish the post again."
        )
    canceled = [actions.cancel(actor, row.id) for row in waiting if row.channel_id in leaving]
    notices = _show(actor, fresh, kept, wanted)
    moved = _move(actor, kept, wanted, fresh)
    for row in kept:
        row.changed_at, row.said = clock.now(), stored(row.reason)
        row.save()
    if wanted.composition is not None and (problems := schedule._prepare(kept)):
        raise Unacceptable(problems)
    plan_quotas.soon(kept)
    if wanted.composition is not None:
        actor.record("draft.edited", draft.id, deliveries=len(kept))
    added = _schedule(actor, fresh, adding, waiting, wanted, notices)
    return Changed(
        draft=fresh,
        changed=tuple(kept),
        moved=tuple(moved),
        added=tuple(added),
        canceled=tuple(canceled),
        begun=tuple(begun),
        unconfirmed=tuple(row for row in (*kept, *added) if row.hold == Hold.CONFIRMATION),
        notices=tuple(notices),
    )


def _added(actor: Actor, wanted: Change, rows: Sequence[Delivery]) -> list[Channel]:
    """Raises Unacceptable, NotFound."""
    channels = [one_channel(actor, key) for key in dict.fromkeys(wanted.add)]
    there = {row.channel_id for row in rows}
    _raise(
        Problem(
            code="goes-there",
            message="This post goes to {channel} already. To make a second post there, publish it again.",
            params={"channel": channel.key},
            field=f"channels.{channel.key}",
        )
        for channel in channels
        if channel.id in there
    )
    return channels


def _removed(actor: Actor, wanted: Change, rows: Sequence[Delivery]) -> set[UUID]:
    """Raises Unacceptable, NotFound."""
    channels = [one_channel(actor, key) for key in dict.fromkeys(wanted.remove)]
    there = {row.channel_id for row in rows}
    _raise(
        Problem(
            code="goes-not-there",
            message="This post does not go to {channel}.",
            params={"channel": channel.key},
            field=f"channels.{channel.key}",
        )
        for channel in channels
        if channel.id not in there
    )
    return {channel.id for channel in channels}


def _show(actor: Actor, draft: Draft, rows: Sequence[Delivery], wanted: Change) -> list[Problem]:
    """Render what changes and settle its confirmations. Returns notices. Raises Unacceptable, Conflict."""
    again = [r for r in rows if wanted.composition is not None or (wanted.moves and r.state == DeliveryState.FAILED)]
    previews = schedule.preview(actor, draft, [row.channel for row in again], due_at=wanted.due_at)
    _raise(problem for one in previews for problem in one.problems)
    shown = [(row, one.rendered) for row, one in zip(again, previews, strict=True)]
    lapsed = [row for row, rendered in shown if confirmation_lapses(row, rendered)]
    if wanted.confirm is None:
        _raise(map(_confirm_again, lapsed))
    if wanted.confirm and actor.person is None:
        raise Conflict("A confirmation is a person's; sign in as one.")
    for row, rendered in shown:
        if row.state == DeliveryState.FAILED:
            row.reason, row.problems = Sentence("Mended; retry it to send it."), []
        if _content(from_json(Rendered, row.rendered)) != _content(rendered):
            row.progress, row.steps = {}, 0
            if row.state == DeliveryState.PUBLISHING:
                row.state = DeliveryState.SCHEDULED
        row.show(rendered)
        row.next_at = actions._first_step_at(row)
    for row in rows:
        _settle_confirmation(actor, row, confirm=bool(wanted.confirm), lapses=row in lapsed)
    return [notice for one in previews for notice in one.duplicates]


def _settle_confirmation(actor: Actor, row: Delivery, *, confirm: bool, lapses: bool) -> None:
    waits = row.hold == Hold.CONFIRMATION
    if confirm and (lapses or waits):
        row.confirmed_by, row.confirmed_at = actor.person, clock.now()
        if waits:
            row.state, row.hold, row.reason = DeliveryState.SCHEDULED, "", ""
        _log(row, "confirmed", Sentence("{who} confirmed it.", who=actor.name))
        actor.record("delivery.confirmed", row.id)
    elif lapses:
        row.confirmed_by = row.confirmed_at = None
        reason = Sentence("The content was changed after it was confirmed. Read it and confirm it again.")
        if row.hold != Hold.WITHDRAWN:  # whoever goes back to the network is asked then
            row.state, row.hold, row.reason = DeliveryState.HELD, Hold.CONFIRMATION, reason
        _log(row, "unconfirmed", reason)
        delivery_notifications.tell([(row.draft_id, row.channel_id, row.rendered, row.state, row.hold, reason)])


def _confirm_again(row: Delivery) -> Problem:
    return Problem(
        code=CONFIRM_AGAIN,
        message="You changed what {who} confirmed for {channel} on {network}. Confirm the new content, or save it without: it is then held until somebody confirms it.",
        params={
            "who": str(row.confirmed_by or ""),
            "channel": row.channel.name,
            "network": registry.get(row.network).label,
        },
        field="confirm",
    )


def _content(rendered: Rendered) -> Rendered:
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


def _move(actor: Actor, rows: Sequence[Delivery], wanted: Change, draft: Draft) -> list[Delivery]:
    """Give each its new time. Returns those whose time is another. Raises Unacceptable."""
    if not wanted.moves:
        return []
    now, moved, problems = clock.now(), list[Delivery](), list[Problem]()
    if wanted.due_at is not None:
        _raise(schedule._bad_time(wanted.due_at, now))
    for row in rows:
        before, row.due_at = row.due_at, _time_for(actor, row.channel, wanted, now)
        again = row.state == DeliveryState.FAILED
        problems += (schedule._bad_channel if again else schedule.left_before)(row.channel, row.due_at)
        row.timezone = wanted.timezone or draft.timezone
        row.next_at = actions._first_step_at(row)
        if again or (row.hold == Hold.WITHDRAWN and row.channel.state == ChannelState.ACTIVE):
            row.state, row.hold, row.reason, row.problems, row.tries = DeliveryState.SCHEDULED, "", "", [], 0
        if before != row.due_at or again:
            moved.append(row)
            _log(row, "moved", Sentence("{who} moved it to {when}.", who=actor.name, when=row.due_at))
            actor.record("delivery.moved", row.id, before=before.isoformat(), after=row.due_at.isoformat())
    _raise(problems)
    return moved


def _time_for(actor: Actor, channel: Channel, wanted: Change, now: datetime) -> datetime:
    if wanted.next_slot:
        return schedule.next_free_slot(actor, channel)
    assert wanted.due_at is not None
    return max(wanted.due_at, now)  # a moment ago means now


def _schedule(
    actor: Actor,
    draft: Draft,
    channels: Sequence[Channel],
    waiting: Sequence[Delivery],
    wanted: Change,
    notices: list[Problem],
) -> list[Delivery]:
    """Deliveries for more channels: at the new time, or at the one that all others have."""
    if not channels:
        return []
    now, times = clock.now(), {row.due_at for row in waiting}
    if not wanted.moves and len(times) != 1:
        raise unacceptable("at", "Give a time for the channels that you add.")
    made = schedule.schedule_many(
        actor,
        [
            schedule.Wanted(
                draft=draft,
                channels=[channel],
                due_at=_time_for(actor, channel, wanted, now) if wanted.moves else next(iter(times)),
                timezone=wanted.timezone or (waiting[0].timezone if waiting else ""),
            )
            for channel in channels
        ],
        confirm=bool(wanted.confirm),
    )
    notices += made.notices
    return list(made.deliveries)


def _log(row: Delivery, outcome: str, sentence: Sentence) -> None:
    Attempt.objects.create(
        delivery=row, did="person", outcome=outcome, sentence=sentence, detail={"said": stored(sentence)}
    )


def _raise(problems: Iterable[Problem]) -> None:
    if found := list(problems):
        raise Unacceptable(found)
