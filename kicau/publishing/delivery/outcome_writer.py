"""Outcomes written in bulk: rows, attempt log, charges, pauses and what others are told, in one transaction."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from itertools import takewhile
from typing import Any
from uuid import UUID

from django.db import connection, models, transaction

from kicau.base import clock
from kicau.base.bulk import copy_in, to_json_text
from kicau.base.sentences import Sentence, sentence_pieces, to_stored_pieces
from kicau.channels import rate_limit_backoff
from kicau.channels.models import AppRefusal, Channel, NetworkApp
from kicau.connector import registry
from kicau.connector.addresses import web_address
from kicau.costs.reservations import BudgetShortfall
from kicau.events.catalogue import DeliveryEvent, DeliveryFailed, DeliveryHeld, DeliveryStopped, DeliveryUnknown
from kicau.events.dispatch import emit
from kicau.publishing.budget import budget_checks
from kicau.publishing.bulk_transitions import SETTLE_SQL, SETTLE_UNCERTAIN_SQL
from kicau.publishing.delivery import outcomes as meaning
from kicau.publishing.delivery.claims import UPDATE_REASON_SQL
from kicau.publishing.delivery.outages import OutageTracker
from kicau.publishing.delivery.outcomes import (
    GIVE_UP_AFTER,
    MAX_IMMEDIATE_LOOKUPS_PER_DAY,
    MAX_LOOKUP_DELAY_SECONDS,
    MAX_REJECTED_LOOKUPS,
    StepOutcome,
    ask_a_person,
    hold_for_budget,
)
from kicau.publishing.models import Attempt, Delivery, DeliveryState
from kicau.publishing.transitions import published_event


def write_outcomes(
    worker: str, outcomes: Sequence[StepOutcome], channels: Mapping[UUID, Channel], outages: OutageTracker
) -> None:
    """Write them, in one transaction. What is no longer this claim's is told in its story and changes nothing else, but
    where it says that the step which others wonder about did succeed."""
    with transaction.atomic():
        outages.note(outcomes)
        _delay_repeated_lookups([o for o in outcomes if o.did == "find" and o.outcome in ("not-found", "continued")])
        _ask_person_about_rejected_lookups([o for o in outcomes if o.outcome == "look-up-refused"])
        _look_for_own_duplicates([o for o in outcomes if o.did == "publish" and o.outcome == "rejected"])
        if any(o.lacks for o in outcomes):
            _lock_deliveries(outcomes)
            budget_checks.reserve_shortfalls(outcomes, channels, _hold_for_budget)
        with connection.cursor() as cursor:
            cursor.execute(SETTLE_SQL, [clock.now(), _rows_json(outcomes), worker])
            kept: set[UUID] = {row[0] for row in cursor.fetchall()}
            if late := [o for o in outcomes if o.item.id not in kept and o.outcome in ("published", "continued")]:
                cursor.execute(SETTLE_UNCERTAIN_SQL, [clock.now(), _rows_json(late, late=True)])
                kept |= {row[0] for row in cursor.fetchall()}
        copy_in(
            Attempt._meta.db_table,
            ATTEMPT_COLUMNS,
            (_attempt_row(o, worker, o.item.id in kept) for o in outcomes if o.sentence),
        )
        budget_checks.record_charges(outcomes, channels)
        if heard := [row for o in outcomes for row in o.refusals]:
            AppRefusal.objects.bulk_create(heard)
        _pause_channels(outcomes)
        emit(*_events([o for o in outcomes if o.item.id in kept]))


def _lock_deliveries(outcomes: Sequence[StepOutcome]) -> None:
    """Deliveries are always locked before budgets."""
    ids = [o.item.id for o in outcomes]
    list(Delivery.objects.filter(id__in=ids).order_by("id").select_for_update().values_list("id"))


def _hold_for_budget(outcome: StepOutcome, short: BudgetShortfall) -> None:
    held = hold_for_budget(
        outcome.item, outcome.did, registry.get_connector(outcome.item.group).label, short, outcome.lacks
    )
    outcome.state, outcome.hold, outcome.outcome, outcome.next_at = held.state, held.hold, held.outcome, held.next_at
    outcome.sentence = outcome.reason = held.reason
    outcome.problems = held.problems


def _rows_json(outcomes: Sequence[StepOutcome], *, late: bool = False) -> str:
    def row(o: StepOutcome) -> dict[str, Any]:
        done = o.published
        columns = {
            "id": o.item.id,
            "begun_at": o.item.begun_at,
            "doubt": (o.item.broken_at or o.item.begun_at) if late else None,
            "state": o.state,
            "hold": o.hold,
            "next_at": o.next_at,
            "progress": o.progress,
            "steps": o.steps,
            "tries": o.tries,
            "broken_at": o.broken_at,
            "reason": o.reason,
            "said": to_stored_pieces(o.reason),
            "problems": o.problems,
            "remote_ids": done.ids if done else None,
            "url": web_address(done.url) if done else None,
            "raw": dict(done.raw) if done else None,
            "published_at": done.at if done else None,
        }
        # What is not said is read as such: the database takes long texts of JSON apart character by character.
        return {name: value for name, value in columns.items() if value or value in (0, {})}

    return to_json_text([row(o) for o in outcomes])


ATTEMPT_COLUMNS = ("delivery_id", "at", "did", "outcome", "sentence", "detail", "worker")


def _attempt_row(o: StepOutcome, worker: str, kept: bool) -> tuple[Any, ...]:
    calls = [
        {"method": c.method, "host": c.host, "path": c.path[:200], "status": c.status, "ms": c.milliseconds}
        for c in o.calls
    ]
    sentence = o.sentence if isinstance(o.sentence, Sentence) else Sentence.of(sentence_pieces(o.sentence))
    if not kept:
        sentence += Sentence(
            "(Kicau ignored this publishing result, because it came after Kicau had started to process the post again. You do not need to do anything.)"
        )
    detail = {"said": to_stored_pieces(sentence), "calls": calls, **({} if kept else {"lost": True}), **o.detail}
    return o.item.id, o.at, o.did, o.outcome, sentence, to_json_text(detail), worker


def _delay_repeated_lookups(again: Sequence[StepOutcome]) -> None:
    """A step that keeps breaking off and leaves nothing is taken later and later, since each look-up may cost money, and
    after a day a person is told. A network that is out is another matter: nothing reaches it, and nothing is looked up."""
    if not again:
        return
    since = clock.now() - GIVE_UP_AFTER
    broken = Attempt.objects.filter(
        delivery_id__in=[o.item.id for o in again], did="publish", outcome="uncertain", at__gt=since
    )
    rounds = dict(broken.values_list("delivery_id").annotate(models.Count("id")))
    for outcome in again:
        times = rounds.get(outcome.item.id, 0)
        if times > MAX_IMMEDIATE_LOOKUPS_PER_DAY:
            wait = min(MAX_LOOKUP_DELAY_SECONDS, 2.0 ** min(times, 10)) * random.uniform(0.5, 1.0)  # noqa: S311 (spreads load, guards nothing)
            outcome.next_at = max(outcome.next_at, clock.now() + timedelta(seconds=wait))
        if times > GIVE_UP_AFTER / timedelta(seconds=MAX_LOOKUP_DELAY_SECONDS) / 2 and outcome.item.due_at < since:
            outcome.state, outcome.outcome = DeliveryState.FAILED, "given-up"
            outcome.reason = outcome.sentence = Sentence(
                "{network} returned an error to every publishing attempt for a day, and Kicau stopped trying. Retry the post when the network works again.",
                network=registry.get_connector(outcome.item.group).label,
            )


MAX_OWN_DUPLICATES = 2  # look-ups after which a duplicate must be another post
MAX_ATTEMPT_DURATION = timedelta(minutes=2)  # from its start until its outcome is recorded
MAX_ATTEMPTS_PER_DELIVERY = 100


def _ask_person_about_rejected_lookups(refused: Sequence[StepOutcome]) -> None:
    """A look-up that the network refuses is asked later and later, and in the end a person is."""
    for outcome in refused:
        item = outcome.item
        looked = Attempt.objects.filter(
            delivery_id=item.id, did="find", at__gt=item.broken_at or item.begun_at - GIVE_UP_AFTER
        ).order_by("-id")
        # A look-up that failed in another way in between says that the network is in trouble, and not that it refuses.
        latest = looked.values_list("outcome", "at")[:MAX_ATTEMPTS_PER_DELIVERY]
        refusals = [at for _, at in takewhile(lambda one: one[0] == "look-up-refused", latest)]
        before = len(refusals)
        if before + 1 < MAX_REJECTED_LOOKUPS or clock.now() - refusals[-1] < meaning.MIN_LOOKUP_REJECTION_PERIOD:
            seconds = min(MAX_LOOKUP_DELAY_SECONDS, meaning.LOOKUP_DELAY.total_seconds() * 2 ** min(before, 10))
            outcome.next_at = clock.now() + timedelta(seconds=seconds)
            continue
        asked = ask_a_person(
            item,
            outcome.reason
            + Sentence(
                "Check on the network whether the post was published, then mark it in Kicau as published or not published."
            ),
        )
        outcome.outcome, outcome.state, outcome.next_at = asked.outcome, asked.state, asked.next_at
        outcome.reason = outcome.sentence = asked.reason


def _look_for_own_duplicates(refused: Sequence[StepOutcome]) -> None:
    for outcome in refused:
        item = outcome.item
        if not any(problem["code"] == "duplicate" for problem in outcome.problems):
            continue
        story = Attempt.objects.filter(delivery_id=item.id, at__gt=clock.now() - GIVE_UP_AFTER)
        lost = models.Q(did="publish", outcome="uncertain") | models.Q(did="find", outcome="not-found")
        first = story.filter(lost).order_by("id").values_list("at", flat=True).first()
        if first is None or story.filter(outcome="own-duplicate").count() >= MAX_OWN_DUPLICATES:
            continue
        doubt = meaning.look_up_own_duplicate(
            item, registry.get_connector(item.group).label, first - MAX_ATTEMPT_DURATION
        )
        outcome.outcome, outcome.state, outcome.next_at = doubt.outcome, doubt.state, doubt.next_at
        outcome.reason = outcome.sentence = doubt.reason
        outcome.problems, outcome.tries, outcome.broken_at = [], doubt.tries, doubt.broken_at


def _pause_channels(outcomes: Sequence[StepOutcome]) -> None:
    channels = {o.item.lane: o.channel_until for o in outcomes if o.channel_until}
    apps = {o.app_id: o.app_until for o in outcomes if o.app_until and o.app_id}
    for channel_id, until in channels.items():
        Channel.objects.filter(id=channel_id).update(paused_until=until)
    for app_id, until in apps.items():
        NetworkApp.objects.filter(id=app_id).update(paused_until=until)
    said = {(o.app_id, None if wait.whole_app else o.item.lane): (wait, why) for o in outcomes for wait, why in o.waits}
    for (app, lane), (wait, why) in said.items():
        if app and rate_limit_backoff.store_pause(app, lane, wait) and why:
            with connection.cursor() as cursor:
                cursor.execute(
                    UPDATE_REASON_SQL, [why, to_json_text(to_stored_pieces(why)), clock.now(), app, lane, wait.sending]
                )


_STOPPED_EVENTS: Mapping[str, type[DeliveryStopped]] = {
    DeliveryState.FAILED: DeliveryFailed,
    DeliveryState.HELD: DeliveryHeld,
    DeliveryState.UNKNOWN: DeliveryUnknown,
    DeliveryState.PARKED: DeliveryFailed,
}


def _events(outcomes: Sequence[StepOutcome]) -> Iterator[DeliveryEvent]:
    for o in outcomes:
        if o.published:
            item = o.item
            yield published_event(item.workspace_id, item.id, item.lane, item.rendered, o.published.at)
        elif kind := _STOPPED_EVENTS.get(o.state):
            yield kind(workspace_id=o.item.workspace_id, object_id=o.item.id)
