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
from kicau.base.sentences import Sentence, of_problems, pieces_of
from kicau.channels.models import Refusal
from kicau.channels.rate_limit_backoff import Wait
from kicau.connector import errors
from kicau.connector.content import Charge, Continue, Note, Published, PublishResult
from kicau.connector.serialization import to_json
from kicau.connector.transport.http import TIMEOUT, Call
from kicau.costs import call_budgets
from kicau.costs.budgets import NEVER
from kicau.costs.ledger import Work
from kicau.costs.reservations import Short
from kicau.publishing.budget import budget_checks
from kicau.publishing.models import DeliveryState, Hold

LOOK_AFTER = timedelta(
    seconds=TIMEOUT + 2
)  # after a broken step began: the request has given up, and has landed or not
LONGEST_WAIT = 30.0  # seconds between tries while a network is out: it is back within that time of returning
FREE_ROUNDS = 2  # times in a day that a step may break off and be looked up before its next try is made to wait
LONGEST_ROUND = 300.0  # seconds that it then waits at most
MAX_REFUSED_LOOK_UPS = 8  # in a row; then a person is asked whether the post is public
REFUSED_FOR = timedelta(minutes=10)  # at least, from the first of them to the last
GIVE_UP = timedelta(hours=24)  # a network that was out for so long is told to a person


@dataclass(slots=True, kw_only=True)
class Claimed:
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
    work: Work | None = None  # whose money it spends; None: no hard budget asked
    purse: call_budgets.Purse | None = None  # None: no hard budget covers it
    short: Short | None = None  # the budget that it does not fit into: nothing is sent
    missing: dict[str, budget_checks.NotOnPlan] = field(
        default_factory=dict
    )  # meters that its app's plan does not have


@dataclass(slots=True, kw_only=True)
class Outcome:
    """What a step came to: the row's new values, the story's line, and what it used up."""

    item: Claimed
    did: str
    outcome: str
    state: str
    next_at: datetime
    sentence: str = ""
    hold: str = Hold.NONE
    progress: Any = None  # None: as it was
    steps: int = 0
    tries: int = 0
    broken_at: datetime | None = None
    reason: str = ""
    problems: list[Any] = field(default_factory=list)
    published: Published | None = None
    calls: list[Call] = field(default_factory=list)
    spent: tuple[Charge, ...] = ()  # what a look-up proved to have been used up
    lacks: call_budgets.NotReserved | None = None  # what has to be set aside before it can go on
    refusals: list[Refusal] = field(default_factory=list)  # of the app itself
    at: datetime = field(default_factory=clock.now)
    detail: dict[str, Any] = field(default_factory=dict)
    app_id: UUID | None = None
    host: str = ""  # the server, where a network has many
    channel_until: datetime | None = None  # the channel waits
    app_until: datetime | None = None  # the whole app waits
    waits: list[tuple[Wait, str]] = field(default_factory=list)  # by what the network said of its allowance, and why


# After a restore

RESTORED = "restored"  # in a delivery's progress: kicau/backup/reconciliation.py put it there


def restored(item: Claimed) -> tuple[datetime, datetime] | None:
    """Of a delivery that comes from a backup: when that was made, and when it was put back. What happened between is
    not known, so whatever its progress says, it is looked up until nothing more of it is found."""
    said = item.progress.get(RESTORED) if isinstance(item.progress, dict) else None
    return (datetime.fromisoformat(said["since"]), datetime.fromisoformat(said["until"])) if said else None


def still_in_doubt(item: Claimed, outcome: Outcome, known: dict[str, Any]) -> Outcome:
    """What was found may not be all: the look-up goes on from there, and ends where it finds nothing new."""
    if outcome.progress is not None and outcome.progress != known:
        outcome.progress = {**outcome.progress, RESTORED: item.progress[RESTORED]}
    elif outcome.progress is None:
        outcome.progress = known
    return outcome


# What results and errors mean


def went_on(item: Claimed, did: str, result: PublishResult | None, label: str) -> Outcome:
    now = clock.now()
    match result:
        case Published():
            sentence, warned = _out(did, label), of_problems(result.warnings) if result.warnings else ""
            problems = [to_json(w) for w in result.warnings]
            return Outcome(
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
        case Continue():
            note = result.note or (
                Sentence("It had gone further than we knew; going on from there.") if did == "find" else ""
            )
            return Outcome(
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
            return Outcome(
                item=item,
                did=did,
                outcome="not-found",
                state=DeliveryState.PUBLISHING,
                next_at=now,
                sentence=Sentence("{network} has nothing of the broken step; taking it again.", network=label),
                steps=item.steps + 1,
            )


@cache
def _out(did: str, label: str) -> Sentence:
    """The same for thousands at a time."""
    if did == "publish":
        return Sentence("Published on {network}.", network=label)
    return Sentence("Found on {network}: it was published.", network=label)


def again(item: Claimed, did: str, outcome: str, sentence: str, after: timedelta, tries: int) -> Outcome:
    """The step is taken again later; one that was being looked up still is."""
    return Outcome(
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


def limited(item: Claimed, did: str, label: str, exc: errors.RateLimited) -> Outcome:
    until = max(exc.until, clock.now() + timedelta(seconds=1))
    sentence = (
        Sentence("{network} asked every channel of this app to wait until {until}.", network=label, until=until)
        if exc.whole_app
        else Sentence("{network} asked this channel to wait until {until}.", network=label, until=until)
    )
    outcome = again(item, did, "limited", sentence, timedelta(0), item.tries)
    outcome.next_at = until
    outcome.channel_until, outcome.app_until = (None, until) if exc.whole_app else (until, None)
    return outcome


def paced(outcome: Outcome, waits: list[Wait], label: str) -> None:
    """The network says that little is left of what it allows: what comes next waits, and says why."""
    for wait in waits:
        why = _why(wait, wait.sending, label) if wait.sending and outcome.outcome != "limited" else ""
        outcome.waits.append((wait, why))
        outcome.sentence += why
        if wait.sending and outcome.state == DeliveryState.PUBLISHING:
            outcome.next_at = max(outcome.next_at, wait.sending)
            outcome.reason = why or outcome.reason


def _why(wait: Wait, until: datetime, label: str) -> str:
    if wait.whole_app:
        return Sentence(
            "{network} says that {used}% of what it allows this app is used up: the next step in any of its channels is taken at {until}.",
            network=label,
            used=wait.used,
            until=until,
        )
    return Sentence(
        "{network} says that {used}% of what it allows this channel is used up: its next step is taken at {until}.",
        network=label,
        used=wait.used,
        until=until,
    )


def unavailable(item: Claimed, did: str, label: str, exc: Exception) -> Outcome:
    if clock.now() - max(item.due_at, item.begun_at - GIVE_UP) > GIVE_UP and item.tries > 100:
        if did == "find":  # it may be out
            first = Sentence(
                "An answer of {network} was lost, and {network} could not be reached for a day since.", network=label
            )
            return ask_a_person(item, first + Sentence("Look there, then say here what you found."))
        reason = Sentence("{network} could not be reached for a day; retry when it is back.", network=label)
        return Outcome(
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
    wait = min(LONGEST_WAIT, 2.0 ** min(item.tries, 8)) * random.uniform(0.5, 1.0)  # noqa: S311 (spreads load, guards nothing)
    return again(
        item,
        did,
        "unavailable",
        Sentence(
            "{network} could not be reached, nothing was sent: {why}. Trying again.", network=label, why=str(exc)[:200]
        ),
        timedelta(seconds=wait),
        item.tries + 1,
    )


def uncertain(item: Claimed, did: str, label: str, exc: errors.Uncertain, can_tell: bool, sent_at: datetime) -> Outcome:
    if did == "find" and (not can_tell or item.tries >= 10 or restored(item)):
        first = (
            Sentence("This post comes from a backup, and {network} cannot tell whether it is out.", network=label)
            if restored(item)
            else Sentence(
                "An answer of {network} was lost, and {network} cannot tell whether the post is out.", network=label
            )
        )
        why = exc.detail if isinstance(exc.detail, Note) else exc.detail[:200]
        return ask_a_person(item, first + Sentence("Look there, then say here what you found.") + why)
    outcome = again(
        item,
        did,
        "uncertain",
        Sentence(
            "{network} got the request, but its answer was lost. Looking it up before anything is sent again.",
            network=label,
        ),
        LOOK_AFTER,
        item.tries + 1,
    )
    outcome.broken_at = item.broken_at or item.begun_at
    if did == "publish":
        # A connection can break early while its request is still on its way: one that a slow line brought late was
        # carried out 27 s after it was sent, 8 s after its answer was lost.
        outcome.next_at = max(sent_at + LOOK_AFTER, clock.now() + LOOK_AFTER / 2)
    return outcome


def ask_a_person(item: Claimed, reason: str) -> Outcome:
    """Whether it is out cannot be found out here; the doubt stays until somebody says."""
    return Outcome(
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


def look_up_refused(item: Claimed, label: str, exc: errors.Rejected) -> Outcome:
    """The network refused to be asked about the step. That says nothing of the post, which may be out: it is asked
    again later, and when it has refused often enough (`settling` counts), a person is asked."""
    why = Sentence(
        "An answer of {network} was lost, and {network} refused to say whether the post is out.", network=label
    )
    said = of_problems(exc.problems) or Sentence.of(pieces_of(str(exc)))
    return again(item, "find", "look-up-refused", why + said, LOOK_AFTER, item.tries + 1)


def rejected(item: Claimed, did: str, exc: errors.Rejected) -> Outcome:
    """The network will not have the post; never of a look-up, whose refusal proves nothing."""
    reason = of_problems(exc.problems) or Sentence.of(pieces_of(str(exc)))
    return Outcome(
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


def own_duplicate(item: Claimed, label: str, since: datetime) -> Outcome:
    """The network rejects the post as a duplicate, and the answer to an earlier attempt (after `since`) was lost. That
    attempt may have been published after Kicau looked for it, so look again."""
    outcome = again(
        item,
        "publish",
        "own-duplicate",
        Sentence(
            "{network} says that this was published before. An answer was lost, so it may be this very post: looking it up.",
            network=label,
        ),
        LOOK_AFTER,
        item.tries + 1,
    )
    outcome.broken_at = since
    return outcome


def beyond_budget(
    item: Claimed, did: str, label: str, short: Short, lacks: call_budgets.NotReserved | None = None
) -> Outcome:
    problem = budget_checks.problem(short, label, lacks)
    outcome = held(item, did, Hold.BUDGET, of_problems([problem]), short.renews_at)
    outcome.problems = [to_json(problem)]
    return outcome


def not_on_plan(item: Claimed, did: str, exc: budget_checks.NotOnPlan) -> Outcome:
    outcome = held(item, did, Hold.BUDGET, of_problems([exc.problem]), NEVER)
    outcome.problems = [to_json(exc.problem)]
    return outcome


def plan_spent(item: Claimed, did: str, label: str, exc: errors.PlanExceeded) -> Outcome:
    if exc.resets_at is None:
        first = Sentence(
            "The plan for {network} ({meter}) is spent; raise it there to send it sooner, then retry.",
            network=label,
            meter=exc.meter,
        )
    else:
        first = Sentence(
            "The plan for {network} ({meter}) is spent until {until}, and goes out then; raise it there to send it sooner, then retry.",
            network=label,
            meter=exc.meter,
            until=exc.resets_at,
        )
    return held(item, did, Hold.BUDGET, first + exc.detail[:200], exc.resets_at or NEVER)


def held(item: Claimed, did: str, hold: str, reason: str, until: datetime | None = None) -> Outcome:
    """`until` (UTC): when it is released by itself; what waits for a person waits from now on."""
    return Outcome(
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


def parked(item: Claimed, did: str, exc: Exception) -> Outcome:
    """A bug: whether something was sent is unknown, so a retry by a person begins with `find`."""
    reason = Sentence(
        "Kicau stopped this delivery because of a fault of its own. The technical details are in its log; retry it when they are mended."
    )
    return Outcome(
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
