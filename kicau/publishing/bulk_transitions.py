"""The statements that change the state of many deliveries at once, beside the table in `transitions.py`.

The outcomes of the engine's steps, what a budget releases, and what leaving a network stops and going back to it starts
again. Each costs what it changes, whatever the planner believes of the table: `coalesce(state, '')` keeps the partial
indexes of waiting rows out of what goes by id, where an old estimate ("hardly any are waiting") would read all that wait
once for each row. Times are parameters; only a lease is compared by the database's clock, which wrote it.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection

from kicau.base.bulk import to_uuid_array
from kicau.base.sentences import Sentence, to_stored_pieces
from kicau.events.catalogue import AttemptLine, DeliveryCanceled, DeliveryMoved
from kicau.events.dispatch import emit
from kicau.publishing.models import PENDING_STATES, Delivery, DeliveryState
from kicau.publishing.transitions import TABLE, Verb, change
from kicau.workspaces.actors import Actor

RELEASE_INTERVAL = timedelta(milliseconds=200)  # between what is released to one channel, so that it arrives in order


def _sql_states(states: Collection[DeliveryState]) -> str:
    return "(" + ", ".join(f"'{state.value}'" for state in sorted(states)) + ")"


# Outcomes of the engine's steps

_SETTLE_TEMPLATE_SQL = """
UPDATE publishing_delivery d SET
    state = v.state, hold = coalesce(v.hold, ''), next_at = v.next_at, progress = coalesce(v.progress, d.progress),
    steps = v.steps, tries = v.tries, broken_at = v.broken_at, begun_at = NULL, lease_until = NULL, worker = '',
    reason = coalesce(v.reason, ''), said = coalesce(v.said, '[]'), problems = coalesce(v.problems, '[]'),
    remote_ids = coalesce(v.remote_ids, d.remote_ids), url = coalesce(v.url, d.url), raw = coalesce(v.raw, d.raw),
    published_at = coalesce(v.published_at, d.published_at), changed_at = %s
FROM (SELECT * FROM jsonb_to_recordset(%s::jsonb) AS v (
    id uuid, begun_at timestamptz, doubt timestamptz, state text, hold text, next_at timestamptz, progress jsonb, steps int, tries int, broken_at timestamptz, reason text,
    said jsonb, problems jsonb, remote_ids varchar[], url text, raw jsonb, published_at timestamptz)) v
WHERE d.id = v.id AND {}
RETURNING d.id
"""

# A row is written only while it is still this claim's (begun_at is its mark): a worker whose lease expired may not write
# its result, even if it claimed the same row again.
SETTLE_SQL = _SETTLE_TEMPLATE_SQL.format(
    f"d.worker = %s AND coalesce(d.state, '') IN {_sql_states(PENDING_STATES)} AND d.begun_at = v.begun_at"
)

# But what is published is published: while others still look for the result of this very step (broken_at is its mark
# then), and have sent nothing since, its report is what they look for, and the answer to what a person may have been asked.
SETTLE_UNCERTAIN_SQL = _SETTLE_TEMPLATE_SQL.format(
    f"coalesce(d.state, '') IN {_sql_states((*PENDING_STATES, DeliveryState.UNKNOWN))} AND d.broken_at = v.doubt"
)


# What fits a budget or a plan again


def release(rows: Sequence[Delivery], now: datetime) -> int:
    """Send on their way what a budget or a plan held, in the given order; returns how many. The rows are locked."""
    in_channel: dict[object, int] = defaultdict(int)
    for row in rows:
        change(row, Verb.RELEASE)
        row.next_at = now + RELEASE_INTERVAL * in_channel[row.channel_id]
        row.said, row.changed_at = [], now
        in_channel[row.channel_id] += 1
    columns = ["state", "hold", "reason", "said", "problems", "tries", "next_at", "changed_at"]
    Delivery.objects.bulk_update(rows, columns)
    _emit(Verb.RELEASE, [(row.workspace_id, row.id) for row in rows], did="release")
    return len(rows)


# Leaving a network: only state, hold and reason are written; text, media, times, progress, keys and remote ids stay.

# Begins a statement whose caller inserts what `stopped` returns: each delivery with the state that it was in. One whose
# step is under way is left to its worker. A step that began and lost its worker is marked, so that it is looked up first.
FREEZE_SQL = f"""
WITH waiting AS (
    SELECT id, state, hold, reason, said FROM publishing_delivery
    WHERE channel_id = ANY(%(channels)s) AND state IN {_sql_states(TABLE[Verb.FREEZE].sources)} AND hold <> 'offboarded'
      AND (%(before)s::timestamptz IS NULL OR due_at < %(before)s)
      AND (lease_until IS NULL OR lease_until <= clock_timestamp())
    FOR UPDATE
), stopped AS (
    UPDATE publishing_delivery d SET
        state = 'held', hold = 'offboarded', reason = %(reason)s, said = %(said)s::jsonb,
        broken_at = coalesce(d.broken_at, d.begun_at), begun_at = NULL, lease_until = NULL, worker = '', changed_at = %(now)s
    FROM waiting WHERE d.id = waiting.id
    RETURNING waiting.id, waiting.state, waiting.hold, waiting.reason, waiting.said
)
"""  # noqa: S608 (constants only)

# Ends a statement in which the caller's `back` names each delivery with the state that it goes back to. What is past its
# time keeps its hold, and a person is asked: those are the ones for which true comes back.
THAW_SQL = """
UPDATE publishing_delivery d SET
    state = CASE WHEN d.due_at > %(until)s THEN b.was_state ELSE d.state END,
    hold = CASE WHEN d.due_at > %(until)s THEN b.was_hold ELSE d.hold END,
    reason = CASE WHEN d.due_at > %(until)s THEN b.was_reason ELSE %(asked)s END,
    said = CASE WHEN d.due_at > %(until)s THEN b.was_said ELSE %(said)s::jsonb END,
    changed_at = %(now)s
FROM back b WHERE d.id = b.delivery_id AND d.state = 'held' AND d.hold = 'offboarded'
RETURNING d.hold = 'offboarded' AND d.state = 'held' AND d.due_at <= %(until)s
"""

# `transitions.first_step_at` for many.
_SHIFT_SQL = """
UPDATE publishing_delivery SET
    state = 'scheduled', hold = '', reason = '', said = '[]', problems = '[]', tries = 0, changed_at = %(now)s,
    due_at = due_at + make_interval(secs => %(by)s),
    next_at = greatest(due_at + make_interval(secs => %(by)s - coalesce((rendered->>'lead')::int, 0)), least(%(now)s, due_at + make_interval(secs => %(by)s)))
WHERE id = ANY(%(ids)s::uuid[])
"""


def publish_overdue(actor: Actor, ids: Sequence[UUID], now: datetime) -> None:
    """Let go out now what waited because its time had passed."""
    fresh: dict[str, Any] = {"state": DeliveryState.SCHEDULED, "hold": "", "reason": "", "said": [], "problems": []}
    Delivery.objects.filter(id__in=ids).update(**fresh, tries=0, next_at=now, changed_at=now)
    _emit(Verb.PUBLISH_OVERDUE, [(actor.workspace.id, id_) for id_ in ids], who=actor.name)


def shift_overdue(actor: Actor, due: Mapping[UUID, datetime], by: timedelta, now: datetime) -> None:
    """Give what waited because its time had passed another time, so much later. `due`: their times."""
    with connection.cursor() as cursor:
        cursor.execute(_SHIFT_SQL, {"by": by.total_seconds(), "now": now, "ids": to_uuid_array(due)})
    line = _attempt_line(Verb.SHIFT_OVERDUE, who=actor.name)
    emit(
        *(
            DeliveryMoved(workspace_id=actor.workspace.id, object_id=id_, attempt=line, before=at, after=at + by)
            for id_, at in due.items()
        )
    )


def cancel_overdue(actor: Actor, ids: Sequence[UUID], now: datetime) -> None:
    """Never send what waited because its time had passed."""
    reason = TABLE[Verb.CANCEL_OVERDUE].sentence.fill(who=actor.name)
    told = {"reason": reason, "said": to_stored_pieces(reason)}
    Delivery.objects.filter(id__in=ids).update(state=DeliveryState.CANCELED, hold="", **told, changed_at=now)
    _emit(Verb.CANCEL_OVERDUE, [(actor.workspace.id, id_) for id_ in ids], who=actor.name)


def discard(rows: Sequence[Delivery]) -> None:
    """Cancel and delete deliveries of which nothing has begun, as if they had never been made. The rows are locked."""
    ids = [row.id for row in rows]
    Delivery.objects.filter(id__in=ids).update(state=DeliveryState.CANCELED, hold="", reason="", said=[])
    emit(*(DeliveryCanceled(workspace_id=row.workspace_id, object_id=row.id) for row in rows))
    Delivery.objects.filter(id__in=ids).delete()


def _emit(verb: Verb, rows: Iterable[tuple[UUID, UUID]], did: str = "person", **params: str) -> None:
    """The event of the table for each (workspace, delivery), with its line for the attempt log."""
    kind, line = TABLE[verb].event, _attempt_line(verb, did, **params)
    assert kind is not None
    emit(*(kind(workspace_id=workspace, object_id=id_, attempt=line) for workspace, id_ in rows))


def _attempt_line(verb: Verb, did: str = "person", **params: str) -> AttemptLine:
    return AttemptLine(did=did, outcome=TABLE[verb].outcome, sentence=TABLE[verb].sentence.fill(**params))


def reason_params(name: str, reason: Sentence) -> dict[str, str]:
    """A sentence as the parameters of a statement: itself, and how it was made."""
    return {name: str(reason), "said": json.dumps(to_stored_pieces(reason))}
