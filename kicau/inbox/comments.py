"""What others said to the workspace's channels, newest first: found, answered and marked as done.

An answer waits until a post of ours that answers it went out, whoever wrote that and wherever, or somebody marked it as
done.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import connection, transaction
from django.db.models import QuerySet

from kicau.base import clock
from kicau.base.bulk import to_uuid_array
from kicau.base.errors import Conflict, NotFound
from kicau.base.ids import as_uuid
from kicau.base.sentences import Sentence
from kicau.channels.channel_session import capabilities_of
from kicau.channels.models import Channel, ChannelState
from kicau.connector.capabilities import Ability
from kicau.events.catalogue import DeliveryPublished
from kicau.publishing.content import compositions
from kicau.publishing.models import Draft, DraftState
from kicau.sync.models import Comment
from kicau.workspaces.actors import Actor, Permission

MAX_PAGE_SIZE = 200  # in one page
type InboxCursor = tuple[datetime, UUID]  # of an answer in the list: its time (UTC) and id


@dataclass(frozen=True, slots=True, kw_only=True)
class InboxFilter:
    """Which answers; what is not named is not looked at."""

    channel: str = ""  # a key
    network: str = ""
    unanswered: bool = False  # only those that nobody answered or marked as done


@dataclass(frozen=True, slots=True, kw_only=True)
class InboxItemPage:
    """One page of them."""

    rows: tuple[Comment, ...]
    following: InboxCursor | None  # where the next page begins; None: this is the last


# Each channel's newest by its own index, then the newest of these: as fast in 100,000 answers as in ten.
NEWEST_ITEMS_SQL = """
SELECT a.id FROM unnest(%s::uuid[]) AS c (id) CROSS JOIN LATERAL (
    SELECT id, at FROM sync_comment WHERE channel_id = c.id {where} ORDER BY at DESC, id DESC LIMIT %s
) a ORDER BY a.at DESC, a.id DESC LIMIT %s
"""
UNANSWERED_SQL = "AND done_at IS NULL AND answered_at IS NULL"


def inbox_items(actor: Actor) -> QuerySet[Comment]:
    """All of the workspace, in no order, with what is shown beside each."""
    actor.require(Permission.READ)
    return Comment.objects.filter(channel__workspace=actor.workspace).select_related(
        "channel", "delivery", "done_by", "reply"
    )


def newest_items(
    actor: Actor, channels: Iterable[Channel], wanted: InboxFilter, *, after: InboxCursor | None = None, limit: int = 50
) -> InboxItemPage:
    """Of the workspace's `channels`, newest first, from behind `after` on; two statements, however many there are."""
    actor.require(Permission.READ)
    mine = [
        c.id
        for c in channels
        if c.workspace_id == actor.workspace.id and wanted.channel in ("", c.key) and wanted.network in ("", c.network)
    ]
    limit = max(1, min(limit, MAX_PAGE_SIZE))
    where = " ".join([UNANSWERED_SQL if wanted.unanswered else "", "AND (at, id) < (%s, %s)" if after else ""])
    with connection.cursor() as cursor:
        cursor.execute(
            NEWEST_ITEMS_SQL.format(where=where), [to_uuid_array(mine), *(after or ()), limit + 1, limit + 1]
        )
        ids = [row[0] for row in cursor.fetchall()]
    by_id = {row.id: row for row in inbox_items(actor).filter(id__in=ids[:limit])}
    rows = tuple(by_id[id_] for id_ in ids[:limit] if id_ in by_id)
    return InboxItemPage(rows=rows, following=(rows[-1].at, rows[-1].id) if len(ids) > limit and rows else None)


def get_item(actor: Actor, answer_id: UUID | str) -> Comment:
    """Raises NotFound."""
    found = inbox_items(actor).filter(id=as_uuid(answer_id)).first()
    if found is None:
        raise NotFound("answer", answer_id)
    return found


def can_reply(row: Comment) -> bool:
    """Whether the network lets its channel answer now."""
    return (
        row.is_answerable
        and row.channel.state == ChannelState.ACTIVE
        and capabilities_of(row.channel).can(Ability.REPLY)
    )


@transaction.atomic
def mark_done(actor: Actor, answer_id: UUID | str, *, done: bool) -> Comment:
    """Done, though nobody answers it; or not, after all. Raises NotAllowed, NotFound."""
    actor.require(Permission.WRITE)
    row = _lock_item(actor, answer_id)
    if done != (row.done_at is not None):
        row.done_at, row.done_by = (clock.now(), actor.person) if done else (None, None)
        row.save(update_fields=["done_at", "done_by"])
        actor.record(
            "answer.done" if done else "answer.reopened", row.id, channel=row.channel.key, remote_id=row.remote_id
        )
    return row


@transaction.atomic
def begin_reply(actor: Actor, answer_id: UUID | str) -> Draft:
    """A draft that answers it, to be written and sent as any; the same one again while it is not out. Raises NotAllowed,
    NotFound, Conflict where the network lets the channel answer nobody."""
    actor.require(Permission.WRITE)
    row = _lock_item(actor, answer_id)
    if row.reply is not None and row.reply.state != DraftState.ARCHIVED and row.answered_at is None:
        return row.reply
    if not can_reply(row):
        raise Conflict(
            Sentence(
                "Kicau cannot send replies on {channel}. Open the conversation on the network's own website or app to reply.",
                channel=row.channel.name,
            )
        )
    options = {f"{row.channel.network}.reply_to": row.remote_id}
    row.reply = compositions.create_draft(
        actor, compositions.Composition(parts=(compositions.PartContent(text=row.begins),), options=options)
    )
    row.save(update_fields=["reply"])
    return row.reply


def record_replies(replies: Sequence[DeliveryPublished]) -> None:
    """Posts of ours went out as answers: what they answer no longer waits. In the transaction that says so."""
    for reply in replies:
        Comment.objects.filter(channel=reply.channel_id, remote_id=reply.reply_to, answered_at=None).update(
            answered_at=reply.published_at, answered_by=reply.object_id
        )


def _lock_item(actor: Actor, answer_id: UUID | str) -> Comment:
    row = inbox_items(actor).select_for_update(of=("self",)).filter(id=as_uuid(answer_id)).first()
    if row is None:
        raise NotFound("answer", answer_id)
    return row
