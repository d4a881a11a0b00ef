"""One round of reading: what is due is asked for, each network (and server) on its own, a few calls at a time.

It runs among a worker's chores and holds nothing that publishing needs. A call has 20 seconds; a network that does not
answer is asked no more in that round, and later and later after it.
"""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import cast
from uuid import UUID

import aiohttp
import structlog
from asgiref.sync import sync_to_async
from django.db import transaction

from kicau.base import clock
from kicau.base.sentences import Sentence
from kicau.channels import token_refresh
from kicau.channels.call_failures import CallFailure, FailureKind, read_failure
from kicau.channels.channel_session import ChannelSession, credentials_of
from kicau.channels.models import Channel, NetworkApp
from kicau.connector import errors, registry
from kicau.connector.content import Charge
from kicau.connector.roles.engagement import EngagementRole
from kicau.connector.transport.http import CallRecord
from kicau.connector.transport.rate_limit_headers import RateAllowance
from kicau.costs import call_budgets, ledger, reservations
from kicau.costs.models import Purpose
from kicau.costs.pricing import price_charges, price_list_for_day
from kicau.costs.reservations import BudgetShortfall, ReservationRequest
from kicau.sync import due_reads, fetch_failures, sync_store
from kicau.sync.due_reads import InboxFetch, MetricsFetch
from kicau.sync.fetch_failures import failure_sentence, next_try_at
from kicau.sync.models import SyncProgress

FETCH_TIMEOUT_SECONDS = 20.0  # seconds for one reading
MAX_CONCURRENT_PARTITIONS, MAX_CALLS_PER_PARTITION = (
    20,
    4,
)  # networks (and servers) that are asked together, and calls to each
ROUND_TIMEOUT_SECONDS = 120.0  # seconds for a round; less than the lease (due.py)
BUDGET_RETRY_DELAY = timedelta(minutes=15)  # until a budget or a limit is asked again
MAX_RESERVATIONS_PER_FETCH = 8  # for more to be set aside, for one reading

log = structlog.get_logger("kicau.sync")

type PartitionKey = tuple[str, UUID, str]  # network, app, server
type FetchJob = InboxFetch | MetricsFetch


class HeldByBudget(Exception):
    """A hard budget has no room for it."""

    def __init__(self, short: BudgetShortfall) -> None:
        self.short = short


@dataclass(slots=True)
class FetchUsage:
    """What one reading spent and heard, over all its tries."""

    calls: list[CallRecord] = field(default_factory=list)
    allowed: list[RateAllowance] = field(default_factory=list)


async def fetch_due(client: aiohttp.ClientSession) -> int:
    """Read what is due; how many readings were made. Safe in any number of workers at once."""
    answering, numbering = await sync_to_async(due_reads.claim_due)()
    lanes: dict[PartitionKey, list[FetchJob]] = defaultdict(list)
    jobs: list[FetchJob] = [*answering, *numbering]
    for job in jobs:
        lanes[job.channel.network, job.channel.app_id, job.channel.host].append(job)
    room = asyncio.Semaphore(MAX_CONCURRENT_PARTITIONS)
    try:
        async with asyncio.timeout(ROUND_TIMEOUT_SECONDS):  # what is left is taken up when its lease ends
            await asyncio.gather(*(_fetch_partition(lane, client, room) for lane in lanes.values()))
    except TimeoutError:
        log.warning("a round of reading took too long", seconds=ROUND_TIMEOUT_SECONDS)
    return len(answering) + len(numbering)


async def _fetch_partition(jobs: Sequence[FetchJob], client: aiohttp.ClientSession, room: asyncio.Semaphore) -> None:
    waiting, silent = list(reversed(jobs)), asyncio.Event()

    async def go_on() -> None:
        while waiting:
            job = waiting.pop()
            if silent.is_set():
                await _back_off(job, FetchUsage())
            elif not await _fetch(job, client):
                silent.set()

    async with room:
        await asyncio.gather(*(go_on() for _ in range(MAX_CALLS_PER_PARTITION)))


async def _fetch(job: FetchJob, client: aiohttp.ClientSession) -> bool:
    """Whether the network answered."""
    asked, label = FetchUsage(), ""
    try:
        label = registry.get_connector(job.channel.network).label
        if isinstance(job, InboxFetch):
            cursor = job.cursor
            found = await metered_fetch(job, client, asked, lambda role, live: role.answers(live, cursor))
            await sync_to_async(sync_store.store_inbox_items)(job, asked.calls, asked.allowed, found)
        else:
            numbers = await metered_fetch(
                job, client, asked, lambda role, live: role.numbers(live, [p.remote_id for p in job.posts])
            )
            await sync_to_async(sync_store.store_metrics)(job, asked.calls, asked.allowed, numbers)
    except HeldByBudget as held:
        await _postpone(job, asked, next_budget_check(held.short.renews_at), budget_exceeded_sentence(held.short))
    except Exception as exc:
        return await _handle_failure(job, client, asked, label, exc)
    return True


async def metered_fetch[T](
    job: FetchJob,
    client: aiohttp.ClientSession,
    asked: FetchUsage,
    ask: Callable[[EngagementRole, ChannelSession], Awaitable[T]],
) -> T:
    """Ask within 20 seconds; what it costs is set aside before it is sent, and where a reading finds that it needs more
    (another page), that is set aside and all of it is asked again: what was read already is not billed again that day."""
    purse = await sync_to_async(call_budgets.new_call_budget)(_charge_contexts(job)[0])
    refused = await sync_to_async(_meters_missing_from_plan)(
        job.channel
    )  # here, since paying happens where no database is asked
    for _ in range(MAX_RESERVATIONS_PER_FETCH):
        taken: Counter[str] = Counter()

        async def pay(used: Charge, taken: Counter[str] = taken) -> None:
            if used.meter in refused:
                raise errors.PlanExceeded(used.meter)
            purse.take(purpose_of(job), used)
            taken[used.meter] += used.units

        live = ChannelSession(job.channel, client, pay)
        try:
            async with asyncio.timeout(FETCH_TIMEOUT_SECONDS):
                return await ask(cast("EngagementRole", live.connector), live)
        except call_budgets.ReservationMissing as lacks:
            wanted = Charge(lacks.used.meter, 2 * taken[lacks.used.meter] + lacks.used.units)
            await sync_to_async(_reserve)(job, purse, wanted)
        finally:
            asked.calls += live.http.calls
            asked.allowed += live.http.allowed
    raise errors.Unavailable(f"a reading asked {MAX_RESERVATIONS_PER_FETCH} times for more")


def purpose_of(job: FetchJob) -> Purpose:
    return Purpose.ANSWERS if isinstance(job, InboxFetch) else Purpose.NUMBERS


def _meters_missing_from_plan(channel: Channel) -> frozenset[str]:
    """The meters that the plan of the channel's app does not have."""
    listed = price_list_for_day(channel.network, clock.now().date(), channel.app.plan)
    return frozenset(listed.refuses) if listed else frozenset()


def _charge_contexts(job: FetchJob) -> list[ledger.ChargeContext]:
    return [job.work()] if isinstance(job, InboxFetch) else [share.work() for share in job.shares]


def _reserve(job: FetchJob, purse: call_budgets.CallBudget, wanted: Charge) -> None:
    """Raises HeldByBudget. Of a batch, the channels whose budgets have no room are left out, and the rest is read."""
    shares = _units_by_context(job, wanted)
    refused = call_budgets.request_reservations(
        [
            ReservationRequest(
                work=work, priced=price_charges(work.network, [Charge(wanted.meter, units)], plan=work.plan)
            )
            for work, units in shares
        ]
    )
    if refused and not (isinstance(job, MetricsFetch) and _exclude_channels(job, refused)):
        raise HeldByBudget(next(iter(refused.values())))
    granted = sum(units for work, units in shares if work.holder not in refused)
    purse.put(purpose_of(job), Charge(wanted.meter, granted))


def _units_by_context(job: FetchJob, wanted: Charge) -> list[tuple[ledger.ChargeContext, int]]:
    """Whose it will be: each channel's posts are its own; what is not counted by posts is the reading channel's."""
    if isinstance(job, MetricsFetch) and wanted.units % len(job.posts) == 0:
        times = wanted.units // len(job.posts)
        return [(share.work(), times * len(share.posts)) for share in job.shares]
    return [(_charge_contexts(job)[0], wanted.units)]


@transaction.atomic
def _exclude_channels(job: MetricsFetch, refused: dict[UUID, BudgetShortfall]) -> bool:
    """Whether anything of the batch is left; where nothing is, all of it waits as one."""
    out = [share for share in job.shares if share.lease in refused]
    if len(out) == len(job.shares):
        return False
    job.shares = [share for share in job.shares if share.lease not in refused]
    for share in out:
        short = refused[share.lease]
        sync_store.postpone([share], next_budget_check(short.renews_at), budget_exceeded_sentence(short))
    reservations.release_reservations([share.lease for share in out])
    return True


# What becomes of a reading that brought nothing


async def _postpone(job: FetchJob, asked: FetchUsage, at: datetime, why: str) -> None:
    if isinstance(job, InboxFetch):
        await sync_to_async(sync_store.postpone_inbox_fetch)(job, asked.calls, asked.allowed, at, why, fruitless=False)
    else:
        await sync_to_async(sync_store.postpone_metrics_fetch)(job, asked.calls, asked.allowed, at, why)


async def _handle_failure(
    job: FetchJob, client: aiohttp.ClientSession, asked: FetchUsage, label: str, exc: Exception
) -> bool:
    """Whether the network answered."""
    failure = read_failure(exc)
    fetch_failures.log_fault(failure, job.channel)
    if isinstance(exc, errors.AuthExpired):
        await _handle_rejection(job, client, asked, label, exc)
        return True
    if isinstance(exc, errors.RateLimited):
        await sync_to_async(_pause_for_rate_limit)(job.channel, exc)
    if failure.kind is FailureKind.UNREACHABLE:
        await _back_off(job, asked, failure, label)
        return False
    await _postpone(job, asked, next_try_at(failure, 0), failure_sentence(failure, label))
    return True


async def _back_off(job: FetchJob, asked: FetchUsage, failure: CallFailure | None = None, label: str = "") -> None:
    """Later and later, from a minute to an hour."""
    fruitless = job.fruitless if isinstance(job, InboxFetch) else 3
    at = next_try_at(failure or read_failure(TimeoutError()), fruitless)
    why = (
        failure_sentence(failure, label)
        if failure
        else Sentence(
            "The network did not reply when Kicau checked the comments, replies and statistics of your posts. Kicau tries again. You do not need to do anything."
        )
    )
    if isinstance(job, InboxFetch):
        await sync_to_async(sync_store.postpone_inbox_fetch)(job, asked.calls, asked.allowed, at, why, fruitless=True)
    else:
        await sync_to_async(sync_store.postpone_metrics_fetch)(job, asked.calls, asked.allowed, at, why)


async def _handle_rejection(
    job: FetchJob, client: aiohttp.ClientSession, asked: FetchUsage, label: str, exc: errors.AuthExpired
) -> None:
    """A token is renewed where it can be, once: a fresh one that is refused too shows that it is not the token. Reading
    alone never ends a channel: what was refused may be reading alone."""
    used, told = (
        credentials_of(job.channel),
        Sentence(
            "{network} did not let Kicau access this channel, so Kicau renewed its access. You do not need to do anything.",
            network=label,
        ),
    )
    again = await SyncProgress.objects.filter(channel=job.channel, is_renewed=True).aexists()
    may = bool(used.refresh_token) and not exc.missing and not again
    try:
        renewed = may and await token_refresh.refresh_channel(job.channel.id, client, used=used.access_token)
    except call_budgets.BudgetExceeded as held:
        await _postpone(
            job, asked, next_budget_check(held.again_at), token_refresh.refresh_held_sentence(held, job.channel.name)
        )
        return
    if renewed:
        await _postpone(job, asked, clock.now() + timedelta(minutes=1), told)
        await SyncProgress.objects.filter(channel=job.channel).aupdate(is_renewed=True)
        return
    failure = read_failure(exc)
    await _postpone(job, asked, next_try_at(failure, 0), failure_sentence(failure, label))


def _pause_for_rate_limit(channel: Channel, exc: errors.RateLimited) -> None:
    """A limit on reading holds reading alone: publishing has limits of its own, and hears of them itself."""
    if exc.whole_app:
        NetworkApp.objects.filter(id=channel.app_id).update(sync_paused_until=exc.until)
    else:
        Channel.objects.filter(id=channel.id).update(sync_paused_until=exc.until)


def next_budget_check(renews_at: datetime) -> datetime:
    """It may be raised at any time, so it is asked again soon; and once more as soon as it resets."""
    return min(renews_at, clock.now() + BUDGET_RETRY_DELAY)


def budget_exceeded_sentence(short: BudgetShortfall) -> Sentence:
    return Sentence(
        "The budget “{budget}” does not have enough left to monitor the comments, replies and statistics of your posts. Raise the budget, or wait until it resets.",
        budget=short.budget.name,
    )


__all__ = ["fetch_due"]
