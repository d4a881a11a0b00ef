"""What a step came to: what each result and each error of a connector means for a delivery, in values and in words."""

from __future__ import annotations

import random
import traceback
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from typing import Any
from uuid import UUID

from kicau.base import clock
from kicau.base.sentences import Sentence, of_problems, sentence_pieces
from kicau.channels.models import AppRefusal
from kicau.channels.rate_limit_backoff import RateLimitPause
from kicau.connector import errors
from kicau.connector.content import AttemptNote, Charge, PendingStep, PublishedPost, PublishResult
from kicau.connector.serialization import to_json
from kicau.connector.transport.http import NETWORK_TIMEOUT_SECONDS, CallRecord
from kicau.costs import call_budgets
from kicau.costs.budgets import NEVER
from kicau.costs.ledger import ChargeContext
from kicau.costs.reservations import BudgetShortfall
from kicau.publishing.budget import budget_checks
from kicau.publishing.models import DeliveryState, HoldReason

LOOKUP_DELAY = timedelta(
    seconds=NETWORK_TIMEOUT_SECONDS + 2
)  # after a broken step began: the request has given up, and has landed or not
MAX_RETRY_DELAY_SECONDS = 30.0  # seconds between tries while a network is out: it is back within that time of returning
MAX_IMMEDIATE_LOOKUPS_PER_DAY = (
    2  # times in a day that a step may break off and be looked up before its next try is made to wait
)
MAX_LOOKUP_DELAY_SECONDS = 300.0  # seconds that it then waits at most
MAX_REJECTED_LOOKUPS = 8  # in a row; then a person is asked whether the post is public
MIN_LOOKUP_REJECTION_PERIOD = timedelta(minutes=10)  # at least, from the first of them to the last
GIVE_UP_AFTER = timedelta(hours=24)  # a network that was out for so long is told to a person


@dataclass(slots=True, kw_only=True)
class ClaimedDelivery:
    """A delivery as it was claimed; everything its step needs. Nothing of it changes once its step begins."""

    id: UUID
    group: str  # the network
    lane: UUID  # the channel
    workspace_id: UUID
    draft_id: UUID
    key: UUID
    due_at: datetime
    begun_at: datetime
    broken_at: datetime | None
    steps: int
    tries: int
    progress: Any
    rendered: Any
    confirmed: bool
    version: int  # of the channel
    campaign_id: UUID | None = None
    person_id: UUID | None = None  # the draft's author
    died: bool = False  # its last step never reported
    work: ChargeContext | None = None  # whose money it spends; None: no hard budget asked
    purse: call_budgets.CallBudget | None = None  # None: no hard budget covers it
    short: BudgetShortfall | None = None  # the budget that it does not fit into: nothing is sent
    missing: dict[str, budget_checks.MissingFromPlan] = field(
        default_factory=dict
    )  # meters that its app's plan does not have


@dataclass(slots=True, kw_only=True)
class StepOutcome:
    """What a step came to: the row's new values, the story's line, and what it used up."""

    item: ClaimedDelivery
    did: str
    outcome: str
    state: str
    next_at: datetime
    sentence: str = ""
    hold: str = HoldReason.NONE
    progress: Any = None  # None: as it was
    steps: int = 0
    tries: int = 0
    broken_at: datetime | None = None
    reason: str = ""
    problems: list[Any] = field(default_factory=list)
    published: PublishedPost | None = None
    calls: list[CallRecord] = field(default_factory=list)
    spent: tuple[Charge, ...] = ()  # what a look-up proved to have been used up
    lacks: call_budgets.ReservationMissing | None = None  # what has to be set aside before it can go on
    refusals: list[AppRefusal] = field(default_factory=list)  # of the app itself
    at: datetime = field(default_factory=clock.now)
    detail: dict[str, Any] = field(default_factory=dict)
    app_id: UUID | None = None
    host: str = ""  # the server, where a network has many
    channel_until: datetime | None = None  # the channel waits
    app_until: datetime | None = None  # the whole app waits
    waits: list[tuple[RateLimitPause, str]] = field(
        default_factory=list
    )  # by what the network said of its allowance, and why


# After a restore

RESTORED_KEY = "restored"  # in a delivery's progress: kicau/backup/reconciliation.py put it there


def restore_times(item: ClaimedDelivery) -> tuple[datetime, datetime] | None:
    """Of a delivery that comes from a backup: when that was made, and when it was put back. What happened between is
    not known, so whatever its progress says, it is looked up until nothing more of it is found."""
    said = item.progress.get(RESTORED_KEY) if isinstance(item.progress, dict) else None
    return (datetime.fromisoformat(said["since"]), datetime.fromisoformat(said["until"])) if said else None


def continue_lookup(item: ClaimedDelivery, outcome: StepOutcome, known: dict[str, Any]) -> StepOutcome:
    """What was found may not be all: the look-up goes on from there, and ends where it finds nothing new."""
    if outcome.progress is not None and outcome.progress != known:
        outcome.progress = {**outcome.progress, RESTORED_KEY: item.progress[RESTORED_KEY]}
    elif outcome.progress is None:
        outcome.progress = known
    return outcome


# What results and errors mean


def step_succeeded(item: ClaimedDelivery, did: str, result: PublishResult | None, label: str) -> StepOutcome:
    now = clock.now()
    match result:
        case PublishedPost():
            sentence, warned = _published_sentence(did, label), of_problems(result.warnings) if result.warnings else ""
            problems = [to_json(w) for w in result.warnings]
            return StepOutcome(
                item=item,
                did=did,
                outcome="published",
                state=DeliveryState.PUBLISHED,
                next_at=now,
                sentence=sentence + warned,
                steps=item.steps + 1,
                published=result,
                spent=result.spent,
                problems=problems,
                reason=warned,
            )
        case PendingStep():
            note = result.note or (
                Sentence(
                    "Kicau did not know the result of an earlier publishing step of this post, but has now found that it succeeded. Kicau continues with the next step."
                )
                if did == "find"
                else ""
            )
            return StepOutcome(
                item=item,
                did=did,
                outcome="continued",
                state=DeliveryState.PUBLISHING,
                next_at=now + result.after,
                sentence=note,
                steps=item.steps + 1,
                progress=dict(result.progress),
                reason=note,
                spent=result.spent,
            )
        case None:
            return StepOutcome(
                item=item,
                did=did,
                outcome="not-found",
                state=DeliveryState.PUBLISHING,
                next_at=now,
                sentence=Sentence(
                    "The connection broke, and a step of publishing this post did not reach {network}. Kicau repeats this step. You do not need to do anything.",
                    network=label,
                ),
                steps=item.steps + 1,
            )


@cache
def _published_sentence(did: str, label: str) -> Sentence:
    """The same for thousands at a time."""
    if did == "publish":
        return Sentence("The post is published on {network}.", network=label)
    return Sentence("Kicau checked {network} and found the post there, so the post is published.", network=label)


def try_again(
    item: ClaimedDelivery, did: str, outcome: str, sentence: str, after: timedelta, tries: int
) -> StepOutcome:
    """The step is taken again later; one that was being looked up still is."""
    return StepOutcome(
        item=item,
        did=did,
        outcome=outcome,
        state=DeliveryState.PUBLISHING,
        next_at=clock.now() + after,
        sentence=sentence,
        reason=sentence,
        steps=item.steps,
        tries=tries,
        broken_at=item.broken_at,
    )


def rate_limited(item: ClaimedDelivery, did: str, label: str, exc: errors.RateLimited) -> StepOutcome:
    until = max(exc.until, clock.now() + timedelta(seconds=1))
    sentence = (
        Sentence(
            "{network} asked Kicau to pause publishing until {until} on all channels that use the same developer app. Kicau then continues. You do not need to do anything.",
            network=label,
            until=until,
        )
        if exc.whole_app
        else Sentence(
            "{network} asked Kicau to pause publishing on this channel until {until}. Kicau then continues. You do not need to do anything.",
            network=label,
            until=until,
        )
    )
    outcome = try_again(item, did, "limited", sentence, timedelta(0), item.tries)
    outcome.next_at = until
    outcome.channel_until, outcome.app_until = (None, until) if exc.whole_app else (until, None)
    return outcome


def slow_down(outcome: StepOutcome, waits: list[RateLimitPause], label: str) -> None:
    """The network says that little is left of what it allows: what comes next waits, and says why."""
    for wait in waits:
        why = _wait_reason(wait, wait.sending, label) if wait.sending and outcome.outcome != "limited" else ""
        outcome.waits.append((wait, why))
        outcome.sentence += why
        if wait.sending and outcome.state == DeliveryState.PUBLISHING:
            outcome.next_at = max(outcome.next_at, wait.sending)
            outcome.reason = why or outcome.reason


def _wait_reason(wait: RateLimitPause, until: datetime, label: str) -> str:
    if wait.whole_app:
        return Sentence(
            "The developer app that connects Kicau to {network} has used {used}% of its request limit. Kicau continues publishing on all channels of this app at {until}.",
            network=label,
            used=wait.used,
            until=until,
        )
    return Sentence(
        "Kicau has used {used}% of the requests that {network} allows for this channel. Kicau continues publishing on the channel at {until}.",
        network=label,
        used=wait.used,
        until=until,
    )


def network_unavailable(item: ClaimedDelivery, did: str, label: str, exc: Exception) -> StepOutcome:
    if clock.now() - max(item.due_at, item.begun_at - GIVE_UP_AFTER) > GIVE_UP_AFTER and item.tries > 100:
        if did == "find":  # it may be out
            first = Sentence(
                "{network} did not reply when Kicau tried to publish the post. Kicau could not check the result, because {network} was unreachable for a day after that.",
                network=label,
            )
            return ask_a_person(
                item,
                first
                + Sentence(
                    "Check on the network whether the post was published, then mark it in Kicau as published or not published."
                ),
            )
        reason = unreachable_for_a_day(label)
        return StepOutcome(
            item=item,
            did=did,
            outcome="given-up",
            state=DeliveryState.FAILED,
            next_at=clock.now(),
            sentence=reason,
            reason=reason,
            steps=item.steps,
            tries=item.tries,
            broken_at=item.broken_at,
        )
    wait = min(MAX_RETRY_DELAY_SECONDS, 2.0 ** min(item.tries, 8)) * random.uniform(0.5, 1.0)  # noqa: S311 (spreads load, guards nothing)
    return try_again(
        item,
        did,
        "unavailable",
        Sentence(
            "Kicau could not reach {network} and sent nothing: {why}. Kicau tries again automatically. You do not need to do anything.",
            network=label,
            why=str(exc)[:200],
        ),
        timedelta(seconds=wait),
        item.tries + 1,
    )


def unreachable_for_a_day(label: str) -> Sentence:
    return Sentence(
        "Kicau tried to reach {network} for a day without success and stopped trying. Retry the post when the network works again.",
        network=label,
    )


def outcome_uncertain(
    item: ClaimedDelivery, did: str, label: str, exc: errors.Uncertain, can_verify_posts: bool, sent_at: datetime
) -> StepOutcome:
    if did == "find" and (not can_verify_posts or item.tries >= 10 or restore_times(item)):
        first = (
            Sentence(
                "Kicau restored this post from a backup and cannot find out from {network} whether the post was already published.",
                network=label,
            )
            if restore_times(item)
            else Sentence(
                "{network} did not reply when Kicau tried to publish the post. Kicau could not find out from {network} whether the post was published.",
                network=label,
            )
        )
        why = exc.detail if isinstance(exc.detail, AttemptNote) else exc.detail[:200]
        return ask_a_person(
            item,
            first
            + Sentence(
                "Check on the network whether the post was published, then mark it in Kicau as published or not published."
            )
            + why,
        )
    outcome = try_again(
        item,
        did,
        "uncertain",
        Sentence(
            "Kicau sent the post to {network} but received no reply. Kicau checks whether the post was published before it sends the post again.",
            network=label,
        ),
        LOOKUP_DELAY,
        item.tries + 1,
    )
    outcome.broken_at = item.broken_at or item.begun_at
    if did == "publish":
        # A connection can break early while its request is still on its way: one that a slow line brought late was
        # carried out 27 s after it was sent, 8 s after its answer was lost.
        outcome.next_at = max(sent_at + LOOKUP_DELAY, clock.now() + LOOKUP_DELAY / 2)
    return outcome


def ask_a_person(item: ClaimedDelivery, reason: str) -> StepOutcome:
    """Whether it is out cannot be found out here; the doubt stays until somebody says."""
    return StepOutcome(
        item=item,
        did="find",
        outcome="unknown",
        state=DeliveryState.UNKNOWN,
        next_at=clock.now(),
        sentence=reason,
        reason=reason,
        steps=item.steps,
        tries=item.tries,
        broken_at=item.broken_at,
    )


def lookup_rejected(item: ClaimedDelivery, label: str, exc: errors.Rejected) -> StepOutcome:
    """The network refused to be asked about the step. That says nothing of the post, which may be out: it is asked
    again later, and when it has refused often enough (`settling` counts), a person is asked."""
    why = Sentence(
        "{network} did not reply when Kicau tried to publish the post. Later, {network} also rejected Kicau's request to check whether the post was published.",
        network=label,
    )
    said = of_problems(exc.problems) or Sentence.of(sentence_pieces(str(exc)))
    return try_again(item, "find", "look-up-refused", why + said, LOOKUP_DELAY, item.tries + 1)


def post_rejected(item: ClaimedDelivery, did: str, exc: errors.Rejected) -> StepOutcome:
    """The network will not have the post; never of a look-up, whose refusal proves nothing."""
    reason = of_problems(exc.problems) or Sentence.of(sentence_pieces(str(exc)))
    return StepOutcome(
        item=item,
        did=did,
        outcome="rejected",
        state=DeliveryState.FAILED,
        next_at=clock.now(),
        sentence=reason,
        reason=reason,
        problems=[to_json(p) for p in exc.problems],
        steps=item.steps,
        tries=item.tries,
    )


def look_up_own_duplicate(item: ClaimedDelivery, label: str, since: datetime) -> StepOutcome:
    """The network rejects the post as a duplicate, and the answer to an earlier attempt (after `since`) was lost. That
    attempt may have been published after Kicau looked for it, so look again."""
    outcome = try_again(
        item,
        "publish",
        "own-duplicate",
        Sentence(
            "{network} reports that this post is already published. Kicau received no reply to an earlier attempt, so Kicau checks whether the published post is this one.",
            network=label,
        ),
        LOOKUP_DELAY,
        item.tries + 1,
    )
    outcome.broken_at = since
    return outcome


def hold_for_budget(
    item: ClaimedDelivery,
    did: str,
    label: str,
    short: BudgetShortfall,
    lacks: call_budgets.ReservationMissing | None = None,
) -> StepOutcome:
    problem = budget_checks.budget_problem(short, label, lacks)
    outcome = hold_delivery(item, did, HoldReason.BUDGET, of_problems([problem]), short.renews_at)
    outcome.problems = [to_json(problem)]
    return outcome


def hold_for_plan(item: ClaimedDelivery, did: str, exc: budget_checks.MissingFromPlan) -> StepOutcome:
    outcome = hold_delivery(item, did, HoldReason.BUDGET, of_problems([exc.problem]), NEVER)
    outcome.problems = [to_json(exc.problem)]
    return outcome


def hold_for_plan_quota(item: ClaimedDelivery, did: str, label: str, exc: errors.PlanExceeded) -> StepOutcome:
    if exc.resets_at is None:
        first = Sentence(
            "The quota of your {network} plan ({meter}) is used up. To publish sooner, get a larger quota from this network, then retry the post.",
            network=label,
            meter=exc.meter,
        )
    else:
        first = Sentence(
            "The quota of your {network} plan ({meter}) is used up, so Kicau publishes the post on {until}. To publish sooner, get a larger quota from the network, then retry the post.",
            network=label,
            meter=exc.meter,
            until=exc.resets_at,
        )
    return hold_delivery(item, did, HoldReason.BUDGET, first + exc.detail[:200], exc.resets_at or NEVER)


def hold_delivery(
    item: ClaimedDelivery, did: str, hold: str, reason: str, until: datetime | None = None
) -> StepOutcome:
    """`until` (UTC): when it is released by itself; what waits for a person waits from now on."""
    return StepOutcome(
        item=item,
        did=did,
        outcome="held",
        state=DeliveryState.HELD,
        hold=hold,
        next_at=until or clock.now(),
        sentence=reason,
        reason=reason,
        steps=item.steps,
        tries=item.tries,
        broken_at=item.broken_at,
    )


def park(item: ClaimedDelivery, did: str, exc: Exception) -> StepOutcome:
    """A bug: whether something was sent is unknown, so a retry by a person begins with `find`."""
    reason = Sentence(
        "Kicau stopped publishing this post because of an internal error. Ask the server administrator to find the error in the server's log, then retry the post."
    )
    return StepOutcome(
        item=item,
        did=did,
        outcome="bug",
        state=DeliveryState.PARKED,
        next_at=clock.now(),
        sentence=reason,
        reason=reason,
        steps=item.steps,
        tries=item.tries,
        broken_at=item.broken_at or item.begun_at,
        detail={"traceback": "".join(traceback.format_exception(exc))[-4000:]},
    )
