"""Deliveries as the engine's work: how they are claimed, stepped, and what each outcome means.

The one rule: "a step began" is stored before the connector is called. A step that began and did not report, by a dead
worker or a lost answer, is looked up by `find` first, and no sooner than the request itself would have given up.
"""

from __future__ import annotations

import json
import random
import time
import traceback
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import aiohttp
import structlog
from asgiref.sync import sync_to_async
from django.db import connection, models, transaction

from kicau.base import clock
from kicau.channels import acts as channel_acts
from kicau.channels.live import Live, app_value
from kicau.channels.models import Channel, NetworkApp, Refusal
from kicau.connector import errors, registry
from kicau.connector.content import Charge, Continue, Delivery, Published, PublishResult, Rendered
from kicau.connector.http import TIMEOUT, Call
from kicau.connector.session import App
from kicau.connector.wire import from_json, to_json
from kicau.engine.pump import LEASE, Room
from kicau.plans.budgets import NEVER
from kicau.plans.models import Purpose
from kicau.plans.reservations import Short
from kicau.publishing import affording, news
from kicau.publishing.claims import CLAIM, RENEW, SETTLE
from kicau.publishing.models import Attempt, DeliveryState, Hold
from kicau.publishing.models import Delivery as Row
from kicau.workspaces import webhooks

log = structlog.get_logger("kicau.publishing")

LOOK_AFTER = timedelta(
    seconds=TIMEOUT + 2
)  # after a broken step began: the request has given up, and has landed or not
LONGEST_WAIT = 30.0  # seconds between tries while a network is out: it is back within that time of returning
FREE_ROUNDS = 2  # times in a day that a step may break off and be looked up before its next try is made to wait
LONGEST_ROUND = 300.0  # seconds that it then waits at most
GIVE_UP = timedelta(hours=24)  # a network that was out for so long is told to a person


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimed:
    """A delivery as it was claimed; everything its step needs."""

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
    purse: affording.Purse | None = None  # None: no hard budget covers it
    short: Short | None = None  # the budget that it does not fit into: nothing is sent


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
    lacks: affording.NotReserved | None = None  # what has to be set aside before it can go on
    refusals: list[Refusal] = field(default_factory=list)  # of the app itself
    at: datetime = field(default_factory=clock.now)
    detail: dict[str, Any] = field(default_factory=dict)
    app_id: UUID | None = None
    channel_until: datetime | None = None  # the channel waits
    app_until: datetime | None = None  # the whole app waits


class NotHeld(errors.Unavailable):
    """Nothing was sent: the lease may end before the request does, and another worker would not know of it."""


class Deliveries:
    """The engine's Work, for deliveries."""

    def __init__(self, client: aiohttp.ClientSession) -> None:
        self.client = client
        self._channels: dict[UUID, Channel] = {}
        self._apps: dict[tuple[UUID, int], App] = {}
        self._held: dict[UUID, tuple[datetime, float]] = {}  # what is ours: the claim's mark, and when it was sure

    def groups(self) -> Sequence[str]:
        return registry.slugs()

    def claim(self, worker: str, room: Room) -> list[Claimed]:
        before = time.monotonic()
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(CLAIM, {"groups": list(room.groups), "free": list(room.groups.values()), "lanes": list(room.lanes), "used": list(room.lanes.values()), "per_lane": room.per_lane, "worker": worker, "lease": LEASE.total_seconds()})  # fmt: skip
            items = sorted((_claimed(row) for row in cursor.fetchall()), key=lambda item: item.due_at)
            self._load({item.lane: item.version for item in items})  # a claim stands only with all that its steps need
            purses, short = affording.afford(items, self._channels)
        if purses or short:
            items = [replace(i, purse=purses.get(i.id), short=short.get(i.id)) for i in items]
        self._held |= {item.id: (item.begun_at, before) for item in items}
        return items

    def _load(self, wanted: dict[UUID, int]) -> None:
        """Channels that changed since they were last used, all in one statement."""
        stale = [
            key
            for key, version in wanted.items()
            if key not in self._channels or self._channels[key].version != version
        ]
        if stale:
            for channel in Channel.objects.select_related("app").filter(id__in=stale):
                self._channels[channel.id] = channel

    def _app(self, channel: Channel) -> App:
        key = (channel.id, channel.version)
        if key not in self._apps:
            if len(self._apps) > 10_000:
                self._apps.clear()
            self._apps[key] = app_value(channel.app)
        return self._apps[key]

    def wait(self) -> float:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT extract(epoch FROM min(next_at) - clock_timestamp()) FROM publishing_delivery "
                "WHERE state IN ('scheduled', 'publishing') AND next_at > clock_timestamp() AND next_at < clock_timestamp() + interval '1 second'"
            )
            row = cursor.fetchone()
        return float(row[0]) if row and row[0] is not None else 1.0

    def renew(self, worker: str, ids: Sequence[UUID]) -> None:
        before = time.monotonic()
        with connection.cursor() as cursor:
            cursor.execute(RENEW, [LEASE.total_seconds(), list(ids), worker])
            self._held |= {id_: (begun_at, before) for id_, begun_at in cursor.fetchall()}

    def _sure(self, item: Claimed) -> None:
        """Asked before every request: one that began now has landed or given up before anybody else may look it up."""
        mark, at = self._held.get(item.id, (None, 0.0))
        if mark != item.begun_at or time.monotonic() - at > (LEASE - LOOK_AFTER).total_seconds():
            raise NotHeld("this worker stood still, or the database did")

    def _spend(self, item: Claimed, did: str, used: Charge) -> None:
        self._sure(item)
        if item.purse is not None:
            item.purse.take(Purpose.FIND if did == "find" else Purpose.PUBLISH, used)

    def spoilt(self, outcome: Outcome, exc: Exception) -> Outcome:
        return _parked(outcome.item, outcome.did, exc)

    async def step(self, item: Claimed) -> Outcome:
        channel = self._channels[item.lane]
        live: Live | None = None
        did = "find" if item.broken_at or restored(item) else "publish"
        try:
            if item.broken_at and (early := item.broken_at + LOOK_AFTER - clock.now()) > timedelta(0):
                return self._put_off(item, channel, early)
            if item.short is not None:
                return _beyond_budget(item, did, channel, item.short)
            live = Live(channel, self.client, lambda charge: self._spend(item, did, charge), app=self._app(channel))
            outcome = await self._take(item, live, did)
        except errors.ConnectorError as exc:
            outcome = await self._failed(item, channel, live, exc, did)
        except Exception as exc:
            log.exception("a step failed by a fault of ours", delivery=str(item.id), network=item.group)
            outcome = _parked(item, did, exc)
        outcome.app_id = channel.app_id
        if live is not None:
            outcome.calls = live.http.calls
            outcome.refusals = channel_acts.refusals(channel, live.http.shut)
        return outcome

    async def _take(self, item: Claimed, live: Live, did: str) -> Outcome:
        post, doubt = from_json(Rendered, item.rendered), restored(item)
        progress = {name: value for name, value in item.progress.items() if name != RESTORED}
        begun_at = min(filter(None, (item.broken_at, doubt[0] if doubt else None)), default=item.begun_at)
        delivery = Delivery(key=item.key, post=post, progress=progress, begun_at=begun_at, due_at=item.due_at, steps=item.steps, restored_at=doubt[1] if doubt else None)  # fmt: skip
        if live.connector.baseline.needs_confirmation and not item.confirmed:
            return _held(
                item,
                did,
                Hold.CONFIRMATION,
                f"{live.connector.label} wants a person to confirm each post: read it and confirm it.",
            )
        result: PublishResult | None
        if did == "find":
            result = await live.connector.find(live, delivery)
        else:
            result = await live.connector.publish(live, delivery)
        outcome = _went_on(item, did, result, live.connector.label)
        return _still_in_doubt(item, outcome, progress) if doubt and did == "find" else outcome

    def _put_off(self, item: Claimed, channel: Channel, early: timedelta) -> Outcome:
        return Outcome(
            item=item, did="find", outcome="waiting", state=DeliveryState.PUBLISHING, next_at=clock.now() + early, steps=item.steps,
            tries=item.tries, broken_at=item.broken_at, reason="An answer was lost; it is looked up as soon as the request can no longer be under way.",
            sentence="A step broke off. Waiting until its request can no longer be under way, then looking it up.",
        )  # fmt: skip

    async def _failed(
        self, item: Claimed, channel: Channel, live: Live | None, exc: errors.ConnectorError, did: str
    ) -> Outcome:
        label = registry.get(item.group).label
        match exc:
            case errors.RateLimited():
                return _limited(item, did, label, exc)
            case errors.AuthExpired():
                return await self._expired(item, channel, live, exc, did, label)
            case errors.Uncertain():
                sent_at = live.http.calls[-1].at if live and live.http.calls else item.begun_at
                return _uncertain(item, did, label, exc, registry.get(item.group).can_tell, sent_at)
            case NotHeld():
                return _again(
                    item,
                    did,
                    "waiting",
                    f"Nothing was sent to {label}: {exc.detail}. Trying again.",
                    timedelta(seconds=1),
                    item.tries,
                )
            case affording.NotReserved():
                outcome = _again(item, did, "waiting", "", timedelta(0), item.tries)
                outcome.lacks = exc
                return outcome
            case errors.Rejected():
                return _rejected(item, did, exc)
            case errors.PlanExceeded():
                until = f" until {exc.resets_at:%Y-%m-%d %H:%M} UTC, and goes out then" if exc.resets_at else ""
                return _held(
                    item,
                    did,
                    Hold.BUDGET,
                    f"The plan for {label} ({exc.meter}) is spent{until}; raise it there to send it sooner, then retry. {exc.detail[:200]}".strip(),
                    exc.resets_at or NEVER,
                )
            case _:
                return _unavailable(item, did, label, exc)

    async def _expired(
        self, item: Claimed, channel: Channel, live: Live | None, exc: errors.AuthExpired, did: str, label: str
    ) -> Outcome:
        """A refused token is renewed once, if it can be; else the channel waits for a person, its queue kept."""
        used = live.credentials.access_token if live else ""
        can_renew = bool(live and live.credentials.refresh_token) and not exc.missing
        if can_renew and await channel_acts.refresh_channel(channel.id, self.client, used=used):
            sentence = f"{label} refused the token; it was renewed, and the step is taken again."
            return _again(item, did, "renewed", sentence, timedelta(seconds=1), item.tries + 1)
        if not can_renew:
            await sync_to_async(channel_acts.expire_channel)(channel.id, str(exc), used)
        return _again(
            item,
            did,
            "expired",
            f"{label} no longer accepts this channel's permission: {exc.detail[:200]} Waiting for a reconnect.",
            timedelta(seconds=5),
            item.tries,
        )

    def settle(self, worker: str, outcomes: Sequence[Outcome]) -> None:
        with transaction.atomic():
            _pace([o for o in outcomes if o.did == "find" and o.outcome in ("not-found", "continued")])
            if any(o.lacks for o in outcomes):
                _lock(outcomes)
                affording.ask_for_more(outcomes, self._channels, self._hold)
            with connection.cursor() as cursor:
                cursor.execute(SETTLE, [_rows(outcomes), worker])
                kept = {row[0] for row in cursor.fetchall()}
            Attempt.objects.bulk_create([_attempt(o, worker, o.item.id in kept) for o in outcomes if o.sentence])
            affording.account(outcomes, self._channels)
            if heard := [row for o in outcomes for row in o.refusals]:
                Refusal.objects.bulk_create(heard)
            _pause(outcomes)
            _tell([o for o in outcomes if o.item.id in kept])
        for o in outcomes:
            if self._held.get(o.item.id, (None, 0.0))[0] == o.item.begun_at:
                del self._held[o.item.id]

    def _hold(self, outcome: Outcome, short: Short) -> None:
        held = _beyond_budget(outcome.item, outcome.did, self._channels[outcome.item.lane], short)
        outcome.state, outcome.hold, outcome.outcome, outcome.next_at = held.state, held.hold, held.outcome, held.next_at  # fmt: skip
        outcome.sentence = outcome.reason = held.reason
        outcome.problems = held.problems


def _lock(outcomes: Sequence[Outcome]) -> None:
    """Deliveries are always locked before budgets."""
    ids = [o.item.id for o in outcomes]
    list(Row.objects.filter(id__in=ids).order_by("id").select_for_update().values_list("id"))


def _claimed(row: Sequence[Any]) -> Claimed:
    (id_, network, channel_id, workspace_id, draft_id, key, due_at, begun_at, broken_at, steps, tries, progress, rendered, confirmed, version, campaign_id, person_id, died) = row  # fmt: skip
    return Claimed(
        id=id_, group=network, lane=channel_id, workspace_id=workspace_id, draft_id=draft_id, key=key, due_at=due_at, begun_at=begun_at,
        broken_at=broken_at, steps=steps, tries=tries, progress=_json(progress), rendered=_json(rendered), confirmed=confirmed, version=version,
        campaign_id=campaign_id, person_id=person_id, died=died,
    )  # fmt: skip


def _json(value: Any) -> Any:
    return json.loads(value) if isinstance(value, str | bytes) else value


# After a restore

RESTORED = "restored"  # in a delivery's progress: kicau/backup/doubt.py put it there


def restored(item: Claimed) -> tuple[datetime, datetime] | None:
    """Of a delivery that comes from a backup: when that was made, and when it was put back. What happened between is
    not known, so whatever its progress says, it is looked up until nothing more of it is found."""
    said = item.progress.get(RESTORED) if isinstance(item.progress, dict) else None
    return (datetime.fromisoformat(said["since"]), datetime.fromisoformat(said["until"])) if said else None


def _still_in_doubt(item: Claimed, outcome: Outcome, known: dict[str, Any]) -> Outcome:
    """What was found may not be all: the look-up goes on from there, and ends where it finds nothing new."""
    if outcome.progress is not None and outcome.progress != known:
        outcome.progress = {**outcome.progress, RESTORED: item.progress[RESTORED]}
    elif outcome.progress is None:
        outcome.progress = known
    return outcome


# What results and errors mean


def _went_on(item: Claimed, did: str, result: PublishResult | None, label: str) -> Outcome:
    now = clock.now()
    match result:
        case Published():
            sentence = f"Published on {label}." if did == "publish" else f"Found on {label}: it was published."
            for warning in result.warnings:
                sentence += " " + warning.sentence
            problems = [to_json(w) for w in result.warnings]
            return Outcome(item=item, did=did, outcome="published", state=DeliveryState.PUBLISHED, next_at=now, sentence=sentence, steps=item.steps + 1, published=result, spent=result.spent, problems=problems, reason=" ".join(w.sentence for w in result.warnings))  # fmt: skip
        case Continue():
            note = result.note or ("It had gone further than we knew; going on from there." if did == "find" else "")
            return Outcome(item=item, did=did, outcome="continued", state=DeliveryState.PUBLISHING, next_at=now + result.after, sentence=note, steps=item.steps + 1, progress=dict(result.progress), reason=note, spent=result.spent)  # fmt: skip
        case None:
            return Outcome(item=item, did=did, outcome="not-found", state=DeliveryState.PUBLISHING, next_at=now, sentence=f"{label} has nothing of the broken step; taking it again.", steps=item.steps + 1)  # fmt: skip


def _again(item: Claimed, did: str, outcome: str, sentence: str, after: timedelta, tries: int) -> Outcome:
    """The step is taken again later; one that was being looked up still is."""
    return Outcome(
        item=item, did=did, outcome=outcome, state=DeliveryState.PUBLISHING, next_at=clock.now() + after, sentence=sentence,
        reason=sentence, steps=item.steps, tries=tries, broken_at=item.broken_at,
    )  # fmt: skip


def _limited(item: Claimed, did: str, label: str, exc: errors.RateLimited) -> Outcome:
    until = max(exc.until, clock.now() + timedelta(seconds=1))
    who = "every channel of this app" if exc.whole_app else "this channel"
    outcome = _again(
        item, did, "limited", f"{label} asked {who} to wait until {until:%H:%M:%S} UTC.", timedelta(0), item.tries
    )
    outcome.next_at = until
    outcome.channel_until, outcome.app_until = (None, until) if exc.whole_app else (until, None)
    return outcome


def _unavailable(item: Claimed, did: str, label: str, exc: Exception) -> Outcome:
    if clock.now() - max(item.due_at, item.begun_at - GIVE_UP) > GIVE_UP and item.tries > 100:
        reason = f"{label} could not be reached for a day; retry when it is back."
        return Outcome(item=item, did=did, outcome="given-up", state=DeliveryState.FAILED, next_at=clock.now(), sentence=reason, reason=reason, steps=item.steps, tries=item.tries, broken_at=item.broken_at)  # fmt: skip
    wait = min(LONGEST_WAIT, 2.0 ** min(item.tries, 8)) * random.uniform(0.5, 1.0)  # noqa: S311 (spreads load, guards nothing)
    return _again(
        item,
        did,
        "unavailable",
        f"{label} could not be reached, nothing was sent: {str(exc)[:200]}. Trying again.",
        timedelta(seconds=wait),
        item.tries + 1,
    )


def _uncertain(
    item: Claimed, did: str, label: str, exc: errors.Uncertain, can_tell: bool, sent_at: datetime
) -> Outcome:
    if did == "find" and (not can_tell or item.tries >= 10 or restored(item)):
        why = "This post comes from a backup" if restored(item) else f"An answer of {label} was lost"
        reason = f"{why}, and {label} cannot tell whether the post is out. Look there, then say here what you found. {exc.detail[:200]}".strip()
        return Outcome(item=item, did=did, outcome="unknown", state=DeliveryState.UNKNOWN, next_at=clock.now(), sentence=reason, reason=reason, steps=item.steps, tries=item.tries, broken_at=item.broken_at)  # fmt: skip
    outcome = _again(
        item,
        did,
        "uncertain",
        f"{label} got the request, but its answer was lost. Looking it up before anything is sent again.",
        LOOK_AFTER,
        item.tries + 1,
    )
    outcome.broken_at = item.broken_at or item.begun_at
    if did == "publish":
        outcome.next_at = sent_at + LOOK_AFTER
    return outcome


def _rejected(item: Claimed, did: str, exc: errors.Rejected) -> Outcome:
    reason = " ".join(p.sentence for p in exc.problems) or str(exc)
    return Outcome(item=item, did=did, outcome="rejected", state=DeliveryState.FAILED, next_at=clock.now(), sentence=reason, reason=reason, problems=[to_json(p) for p in exc.problems], steps=item.steps, tries=item.tries)  # fmt: skip


def _beyond_budget(item: Claimed, did: str, channel: Channel, short: Short) -> Outcome:
    problem = affording.problem(short, registry.get(channel.network).label)
    outcome = _held(item, did, Hold.BUDGET, problem.sentence, short.renews_at)
    outcome.problems = [to_json(problem)]
    return outcome


def _held(item: Claimed, did: str, hold: str, reason: str, until: datetime | None = None) -> Outcome:
    """`until` (UTC): when it is released by itself; what waits for a person waits from now on."""
    return Outcome(item=item, did=did, outcome="held", state=DeliveryState.HELD, hold=hold, next_at=until or clock.now(), sentence=reason, reason=reason, steps=item.steps, tries=item.tries, broken_at=item.broken_at)  # fmt: skip


def _parked(item: Claimed, did: str, exc: Exception) -> Outcome:
    """A bug: whether something was sent is unknown, so a retry by a person begins with `find`."""
    reason = "Kicau stopped this delivery because of a fault of its own. The technical details are in its log; retry it when they are mended."
    return Outcome(
        item=item, did=did, outcome="bug", state=DeliveryState.PARKED, next_at=clock.now(), sentence=reason, reason=reason, steps=item.steps,
        tries=item.tries, broken_at=item.broken_at or item.begun_at, detail={"traceback": "".join(traceback.format_exception(exc))[-4000:]},
    )  # fmt: skip


# Writing outcomes


def _rows(outcomes: Sequence[Outcome]) -> str:
    def row(o: Outcome) -> dict[str, Any]:
        done = o.published
        return {
            "id": str(o.item.id), "begun_at": o.item.begun_at.isoformat(), "state": o.state, "hold": o.hold, "next_at": o.next_at.isoformat(), "progress": o.progress, "steps": o.steps,
            "tries": o.tries, "broken_at": o.broken_at.isoformat() if o.broken_at else None, "reason": o.reason, "problems": o.problems,
            "remote_ids": list(done.ids) if done else None, "url": done.url if done else None, "raw": dict(done.raw) if done else None,
            "published_at": done.at.isoformat() if done else None,
        }  # fmt: skip

    return json.dumps([row(o) for o in outcomes])


def _attempt(o: Outcome, worker: str, kept: bool) -> Attempt:
    calls = [
        {"method": c.method, "host": c.host, "path": c.path[:200], "status": c.status, "ms": c.milliseconds}
        for c in o.calls
    ]
    detail = {"calls": calls, **o.detail} if kept else {"calls": calls, "lost": True, **o.detail}
    sentence = o.sentence if kept else f"{o.sentence} (This report came after the lease had ended and changed nothing.)"
    return Attempt(
        delivery_id=o.item.id, at=o.at, did=o.did, outcome=o.outcome, sentence=sentence, detail=detail, worker=worker
    )


def _pace(again: Sequence[Outcome]) -> None:
    """A step that keeps breaking off and leaves nothing is taken later and later, since each look-up may cost money, and
    after a day a person is told. A network that is out is another matter: nothing reaches it, and nothing is looked up."""
    if not again:
        return
    since = clock.now() - GIVE_UP
    broken = Attempt.objects.filter(
        delivery_id__in=[o.item.id for o in again], did="publish", outcome="uncertain", at__gt=since
    )
    rounds = dict(broken.values_list("delivery_id").annotate(models.Count("id")))
    for outcome in again:
        times = rounds.get(outcome.item.id, 0)
        if times > FREE_ROUNDS:
            wait = min(LONGEST_ROUND, 2.0 ** min(times, 10)) * random.uniform(0.5, 1.0)  # noqa: S311 (spreads load, guards nothing)
            outcome.next_at = max(outcome.next_at, clock.now() + timedelta(seconds=wait))
        if times > GIVE_UP / timedelta(seconds=LONGEST_ROUND) / 2 and outcome.item.due_at < since:
            outcome.state, outcome.outcome = DeliveryState.FAILED, "given-up"
            outcome.reason = outcome.sentence = (
                f"{registry.get(outcome.item.group).label} answered each try of a day with an error, and the post is not there. Retry it when the network is well again."
            )


def _pause(outcomes: Sequence[Outcome]) -> None:
    channels = {o.item.lane: o.channel_until for o in outcomes if o.channel_until}
    apps = {o.app_id: o.app_until for o in outcomes if o.app_until and o.app_id}
    for channel_id, until in channels.items():
        Channel.objects.filter(id=channel_id).update(paused_until=until)
    for app_id, until in apps.items():
        NetworkApp.objects.filter(id=app_id).update(paused_until=until)


EVENT = {DeliveryState.PUBLISHED: "delivery.published", DeliveryState.FAILED: "delivery.failed", DeliveryState.HELD: "delivery.held", DeliveryState.UNKNOWN: "delivery.unknown", DeliveryState.PARKED: "delivery.failed"}  # fmt: skip


def _tell(outcomes: Sequence[Outcome]) -> None:
    ended = [o for o in outcomes if o.state in EVENT]
    for event in {EVENT[DeliveryState(o.state)] for o in ended}:
        rows = [
            (o.item.workspace_id, {"delivery": str(o.item.id), "post": str(o.item.draft_id), "channel": str(o.item.lane), "network": o.item.group, "state": o.state, "reason": o.reason, "url": o.published.url if o.published else "", "due_at": o.item.due_at.isoformat()})
            for o in ended
            if EVENT[DeliveryState(o.state)] == event
        ]  # fmt: skip
        webhooks.emit(event, rows)
    news.tell([(o.item.draft_id, o.item.lane, o.item.rendered, o.state, o.hold, o.reason) for o in ended])
