"""What can be done with a delivery: each act, from which states, on which condition, and what it changes.

This is the only module that changes `state` and `hold` of single deliveries; `bulk_transitions.py` beside it holds the
statements that change many at once. `allowed` tells faces what to offer; every act asks the same table before it acts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Protocol
from uuid import UUID

from kicau.base import clock
from kicau.base.errors import Conflict
from kicau.base.sentences import Sentence, to_stored_pieces
from kicau.channels.channel_session import capabilities_of
from kicau.channels.models import ChannelState
from kicau.connector import registry
from kicau.connector.capabilities import Ability
from kicau.connector.roles.edits import EditRole
from kicau.events.catalogue import (
    AttemptLine,
    DeliveryCanceled,
    DeliveryConfirmed,
    DeliveryDeleted,
    DeliveryEvent,
    DeliveryHeld,
    DeliveryMoved,
    DeliveryPublished,
    DeliveryReleased,
    DeliveryResolved,
    DeliveryRetried,
)
from kicau.events.dispatch import emit
from kicau.publishing.models import PENDING_STATES, Attempt, Delivery, DeliveryState, HoldReason, Revision
from kicau.workspaces.actors import Actor

UNFINISHED_EDIT_STATES = (Revision.State.BEGUN, Revision.State.UNKNOWN)


class Verb(StrEnum):
    """What is done to a single delivery."""

    CANCEL = "cancel"
    RETRY = "retry"
    RESCHEDULE = "reschedule"
    CONFIRM = "confirm"
    MARK_PUBLISHED = "mark-published"
    MARK_UNPUBLISHED = "mark-unpublished"
    EDIT = "edit"
    RESOLVE_EDIT = "edit/resolve"
    DELETE = "delete"
    REWRITE = "rewrite"  # its content, before anything of it is sent
    RENEW = "renew"  # a new time for one that failed, or that overstayed while its network was left
    UNCONFIRM = "unconfirm"  # the content is not what the person had read
    RELEASE = "release"  # what a budget or a plan held fits again
    FREEZE = "freeze"  # its network is left
    PUBLISH_OVERDUE = "publish-overdue"  # its time passed while its network was left
    SHIFT_OVERDUE = "shift-overdue"
    CANCEL_OVERDUE = "cancel-overdue"


class DeliveryFacts(Protocol):
    """What decides whether a delivery can be moved; calendars know no more of it."""

    @property
    def state(self) -> str: ...
    @property
    def steps(self) -> int: ...
    @property
    def begun_at(self) -> datetime | None: ...
    @property
    def broken_at(self) -> datetime | None: ...
    @property
    def due_at(self) -> datetime: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Transition:
    """One row of the table."""

    sources: frozenset[DeliveryState]
    refusal: Sentence  # why not, from any other state
    guard: Callable[[Any], str] = lambda row: ""  # why not now, from these states; "" if nothing prevents it
    effect: Callable[[Delivery], None] = lambda row: None
    action: str = ""  # what faces call it; "" if none offers it
    outcome: str = ""  # in the attempt log
    sentence: Sentence = Sentence("")  # noqa: RUF009 (never changes)
    event: type[DeliveryEvent] | None = None


# Conditions


def is_unpublished(row: DeliveryFacts) -> bool:
    """Whether nothing of it has readers and no step is under way, so that it can still be changed."""
    if row.begun_at is not None or row.broken_at is not None:
        return False
    return row.steps == 0 or (row.state == DeliveryState.PUBLISHING and row.due_at > clock.now())


def _no_step_under_way(row: DeliveryFacts) -> str:
    if row.begun_at is None:
        return ""
    return Sentence("Kicau is publishing this post right now. Try again in a few seconds.")


def _nothing_sent(row: DeliveryFacts) -> str:
    if is_unpublished(row):
        return ""
    return _no_step_under_way(row) or Sentence(
        "Kicau has already begun to publish this post, so you can no longer change its content or time."
    )


def _may_be_retried(row: Delivery) -> str:
    if row.hold == HoldReason.CONFIRMATION:
        return Sentence("A person has to confirm this post before Kicau publishes it. Read the post, then confirm it.")
    if row.channel.state != ChannelState.ACTIVE:
        return _reconnect(row)
    return ""


def _waits_for_confirmation(row: Delivery) -> str:
    if row.hold == HoldReason.CONFIRMATION:
        return ""
    return Sentence("This post does not wait for a confirmation. You do not need to do anything.")


def _is_on_network(row: Delivery) -> str:
    if not row.remote_ids:
        return Sentence(
            "Kicau does not know the ID of this post on {network}. Edit or delete the post on the network itself.",
            network=registry.get_connector(row.network).label,
        )
    return _reconnect(row) if row.channel.state in (ChannelState.REMOVED, ChannelState.EXPIRED) else ""


def _may_be_edited(row: Delivery) -> str:
    connector = registry.get_connector(row.network)
    if not isinstance(connector, EditRole) or not capabilities_of(row.channel).can(Ability.EDIT):
        return Sentence(
            "{network} does not allow changes to published posts. Delete the published post, then publish a corrected post.",
            network=connector.label,
        )
    if has_unfinished_edit(row):
        return Sentence(
            "Kicau does not know yet whether an earlier edit of this published post succeeded. Check the result of that edit first."
        )
    return _is_on_network(row)


def _has_doubtful_edit(row: Delivery) -> str:
    if has_unfinished_edit(row):
        return _is_on_network(row)
    return Sentence("Kicau already knows the result of every edit of this post. You do not need to check anything.")


def _may_be_deleted(row: Delivery) -> str:
    if not capabilities_of(row.channel).can(Ability.DELETE):
        return Sentence(
            "{network} does not allow Kicau to delete posts. Delete the post on the network itself.",
            network=registry.get_connector(row.network).label,
        )
    return _is_on_network(row)


def _reconnect(row: Delivery) -> Sentence:
    return Sentence(
        "Reconnect the channel {channel}, because it is not connected: {reason}",
        channel=row.channel.key,
        reason=row.channel.reason,
    )


def has_unfinished_edit(row: Delivery) -> bool:
    """Whether it is not known what became of a change on the network. Asked of the database once, or with the row."""
    if "unfinished_edit" not in row.__dict__:
        row.__dict__["unfinished_edit"] = row.revisions.filter(state__in=UNFINISHED_EDIT_STATES).exists()
    return bool(row.__dict__["unfinished_edit"])


# What changes


def first_step_at(due_at: datetime, lead: float, now: datetime) -> datetime:
    """When preparing may begin, so that only the visible step is left for the moment itself; `lead` in seconds."""
    return max(due_at - timedelta(seconds=lead), min(now, due_at))


def set_next_step(row: Delivery) -> None:
    row.next_at = first_step_at(row.due_at, row.rendered.get("lead") or 0, clock.now())


def _cancel(row: Delivery) -> None:
    row.state, row.hold = DeliveryState.CANCELED, HoldReason.NONE


def _schedule(row: Delivery) -> None:
    """It goes out at its time, or now if that has passed."""
    row.state, row.hold, row.reason, row.problems, row.tries = DeliveryState.SCHEDULED, HoldReason.NONE, "", [], 0
    set_next_step(row)


def _retry(row: Delivery) -> None:
    if row.state == DeliveryState.UNKNOWN and row.broken_at is None:
        row.broken_at = row.changed_at  # it is looked up first
    _schedule(row)


def _reschedule(row: Delivery) -> None:
    if row.hold == HoldReason.OFFBOARDED and row.channel.state == ChannelState.ACTIVE:
        _schedule(row)  # its time had passed, and this is the answer
    else:
        set_next_step(row)


def _mark_published(row: Delivery) -> None:
    row.state, row.reason, row.broken_at, row.published_at = DeliveryState.PUBLISHED, "", None, clock.now()


def _mark_unpublished(row: Delivery) -> None:
    row.broken_at = None
    _schedule(row)


def _delete(row: Delivery) -> None:
    row.state = DeliveryState.DELETED


def _rewrite(row: Delivery) -> None:
    """What was prepared for other content is not used."""
    row.progress, row.steps = {}, 0
    if row.state == DeliveryState.PUBLISHING:
        row.state = DeliveryState.SCHEDULED


def _unconfirm(row: Delivery) -> None:
    row.confirmed_by = row.confirmed_at = None
    if row.hold != HoldReason.OFFBOARDED:  # whoever goes back to the network is asked then
        row.state, row.hold, row.reason = DeliveryState.HELD, HoldReason.CONFIRMATION, _CONFIRM_AGAIN


# The table

_CHANGEABLE = frozenset({DeliveryState.SCHEDULED, DeliveryState.HELD, DeliveryState.FAILED, DeliveryState.PUBLISHING})
_CANNOT_CHANGE = Sentence("This post is {state}, so you can no longer change its content or time.")
_CANNOT_RESOLVE = Sentence(
    "Kicau already knows that this post is {state}. You do not need to check whether it was published."
)

_CONFIRM_AGAIN = Sentence(
    "The content of this post was changed after a person confirmed it. Read the new content, then confirm the post again."
)

TABLE: Mapping[Verb, Transition] = {
    Verb.CONFIRM: Transition(
        sources=frozenset({DeliveryState.HELD}),
        refusal=Sentence("This post is {state}, so you cannot confirm it."),
        guard=_waits_for_confirmation,
        effect=_schedule,
        action="confirm",
        outcome="confirmed",
        sentence=Sentence("{who} confirmed that Kicau may publish the post."),
        event=DeliveryConfirmed,
    ),
    Verb.RETRY: Transition(
        sources=frozenset(
            {
                DeliveryState.FAILED,
                DeliveryState.HELD,
                DeliveryState.PARKED,
                DeliveryState.CANCELED,
                DeliveryState.UNKNOWN,
            }
        ),
        refusal=Sentence("This post is {state}, so you cannot retry it."),
        guard=_may_be_retried,
        effect=_retry,
        action="retry",
        outcome="retried",
        sentence=Sentence("{who} asked Kicau to try again to publish the post."),
        event=DeliveryRetried,
    ),
    Verb.RESCHEDULE: Transition(
        sources=_CHANGEABLE - {DeliveryState.FAILED},
        refusal=_CANNOT_CHANGE,
        guard=_nothing_sent,
        effect=_reschedule,
        action="reschedule",
        outcome="moved",
        sentence=Sentence("{who} rescheduled the post to {when}."),
        event=DeliveryMoved,
    ),
    Verb.CANCEL: Transition(
        sources=_CHANGEABLE | {DeliveryState.PARKED, DeliveryState.UNKNOWN},
        refusal=Sentence("This post is {state}, so you cannot cancel it. To remove it, delete it from the network."),
        guard=_no_step_under_way,
        effect=_cancel,
        action="cancel",
        outcome="canceled",
        sentence=Sentence("{who} canceled the post."),
        event=DeliveryCanceled,
    ),
    Verb.MARK_PUBLISHED: Transition(
        sources=frozenset({DeliveryState.UNKNOWN}),
        refusal=_CANNOT_RESOLVE,
        effect=_mark_published,
        action="resolve",
        outcome="found",
        sentence=Sentence("{who} checked the post and marked it as published."),
        event=DeliveryResolved,
    ),
    Verb.MARK_UNPUBLISHED: Transition(
        sources=frozenset({DeliveryState.UNKNOWN}),
        refusal=_CANNOT_RESOLVE,
        effect=_mark_unpublished,
        action="resolve",
        outcome="not-found",
        sentence=Sentence("{who} did not find the post on the network, so Kicau tries again to publish it."),
        event=DeliveryResolved,
    ),
    Verb.EDIT: Transition(
        sources=frozenset({DeliveryState.PUBLISHED}),
        refusal=Sentence("This post is {state}, so you cannot edit it on the network."),
        guard=_may_be_edited,
        action="edit",
    ),
    Verb.RESOLVE_EDIT: Transition(
        sources=frozenset({DeliveryState.PUBLISHED}),
        refusal=Sentence("This post is {state}, so you cannot edit it on the network."),
        guard=_has_doubtful_edit,
        action="edit/resolve",
    ),
    Verb.DELETE: Transition(
        sources=frozenset({DeliveryState.PUBLISHED}),
        refusal=Sentence("This post is {state}, so you cannot delete it from the network."),
        guard=_may_be_deleted,
        effect=_delete,
        action="delete",
        outcome="deleted",
        sentence=Sentence("{who} deleted the post from the network."),
        event=DeliveryDeleted,
    ),
    Verb.REWRITE: Transition(sources=_CHANGEABLE, refusal=_CANNOT_CHANGE, guard=_nothing_sent, effect=_rewrite),
    Verb.RENEW: Transition(sources=_CHANGEABLE, refusal=_CANNOT_CHANGE, guard=_nothing_sent, effect=_schedule),
    Verb.UNCONFIRM: Transition(
        sources=_CHANGEABLE,
        refusal=_CANNOT_CHANGE,
        effect=_unconfirm,
        outcome="unconfirmed",
        sentence=_CONFIRM_AGAIN,
        event=DeliveryHeld,
    ),
    Verb.RELEASE: Transition(
        sources=frozenset({DeliveryState.HELD}),
        refusal=_CANNOT_CHANGE,
        effect=_schedule,
        outcome="released",
        sentence=Sentence("The budget has enough left for this post again, so Kicau publishes it now."),
        event=DeliveryReleased,
    ),
    Verb.FREEZE: Transition(
        sources=frozenset({*PENDING_STATES, DeliveryState.HELD}), refusal=_CANNOT_CHANGE, guard=_no_step_under_way
    ),
    Verb.PUBLISH_OVERDUE: Transition(
        sources=frozenset({DeliveryState.HELD}),
        refusal=_CANNOT_CHANGE,
        outcome="overdue-now",
        sentence=Sentence("{who} decided to publish the post now, although its publishing time had passed."),
        event=DeliveryRetried,
    ),
    Verb.SHIFT_OVERDUE: Transition(
        sources=frozenset({DeliveryState.HELD}),
        refusal=_CANNOT_CHANGE,
        outcome="overdue-shift",
        sentence=Sentence("{who} gave the post a new publishing time, because the old one had passed."),
        event=DeliveryMoved,
    ),
    Verb.CANCEL_OVERDUE: Transition(
        sources=frozenset({DeliveryState.HELD}),
        refusal=_CANNOT_CHANGE,
        outcome="overdue-cancel",
        sentence=Sentence("{who} canceled the post, because its publishing time had passed."),
        event=DeliveryCanceled,
    ),
}


# What is asked of it


def allowed(row: Delivery) -> tuple[str, ...]:
    """What can be done with it now, in the faces' words; whether somebody's role covers that is asked beside."""
    return tuple(dict.fromkeys(one.action for verb, one in TABLE.items() if one.action and is_possible(row, verb)))


def is_possible(row: DeliveryFacts, verb: Verb) -> bool:
    return row.state in TABLE[verb].sources and not TABLE[verb].guard(row)


def require(row: Delivery, verb: Verb) -> None:
    """Raises Conflict with the reason why this cannot be done now."""
    one = TABLE[verb]
    if row.state not in one.sources:
        raise Conflict(one.refusal.fill(state=row.standing.label))
    if why := one.guard(row):
        raise Conflict(why)


def apply(
    row: Delivery,
    verb: Verb,
    actor: Actor,
    *,
    values: Mapping[str, Any] | None = None,
    note: str = "",
    is_done: bool = False,
    **detail: Any,
) -> None:
    """Carry it out and emit its event; in the caller's transaction, with the row locked. `values` are other columns that
    change with it; `note` is a sentence that follows the table's; `detail` is what the event tells beside. Raises
    Conflict, unless it is done already on the network (`is_done`)."""
    if not is_done:
        require(row, verb)
    change(row, verb, **values or {})
    if row.state in (DeliveryState.CANCELED, DeliveryState.DELETED):
        row.reason = TABLE[verb].sentence.fill(who=actor.name)
    save(row)
    record(row, verb, actor, note, **detail)


def change(row: Delivery, verb: Verb, **values: Any) -> None:
    """Its columns alone, for whoever asks, saves and records many things together."""
    for name, value in values.items():
        setattr(row, name, value)
    TABLE[verb].effect(row)


def save(row: Delivery) -> None:
    row.changed_at = clock.now()
    if isinstance(row.reason, Sentence) or not row.reason:  # else it is the one that was read, and `said` tells it
        row.said = to_stored_pieces(row.reason)
    row.save()


def record(row: Delivery, verb: Verb, actor: Actor, note: str = "", **detail: Any) -> None:
    """Emit its event, with the table's sentence and `note` for the attempt log. The row is saved."""
    kind = TABLE[verb].event
    assert kind is not None
    sentence = TABLE[verb].sentence.fill(who=actor.name, when=row.due_at) + note
    line = AttemptLine(outcome=TABLE[verb].outcome, sentence=sentence)
    emit(kind(workspace_id=row.workspace_id, object_id=row.id, actor=actor, attempt=line, **detail))


def published_event(
    workspace: UUID, delivery: UUID, channel: UUID, rendered: Mapping[str, Any], at: datetime
) -> DeliveryPublished:
    reply_to = rendered.get("reply_to") or ""
    return DeliveryPublished(
        workspace_id=workspace, object_id=delivery, channel_id=channel, published_at=at, reply_to=reply_to
    )


def log_attempt(row: Delivery, outcome: str, sentence: str) -> None:
    """A person's decision that changes nothing for others, as a line of the attempt log."""
    detail = {"said": to_stored_pieces(sentence)}
    Attempt.objects.create(delivery=row, did="person", outcome=outcome, sentence=sentence, detail=detail)
