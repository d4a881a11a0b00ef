"""What to read when, in which batches: the policy is data, and what it saves is reckoned from it."""

from __future__ import annotations

import re
import tomllib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

from kicau.base import clock, setting_definitions
from kicau.connector.prices import PriceList

if TYPE_CHECKING:
    from kicau.costs.actions import BudgetBalance

DURATION_UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}
POLICY_FILE_NAME = "reading.toml"  # in the data folder


class InvalidSyncPolicy(ValueError):
    """The reading policy cannot be used. The message says what is wrong in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PollingStep:
    until: timedelta  # of a post's age
    every: timedelta


@dataclass(frozen=True, kw_only=True)
class AllowanceThresholds:
    """From when on a network's own allowance is spared, in percent used."""

    reading: int = 75  # from then on nothing is read
    sending: int = 95  # from then on a channel's steps are `between` apart
    between: timedelta = timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncPolicy:
    answers_every: timedelta
    days: tuple[int, ...]  # of a post's life, its first being 0, on which its numbers are read
    steps: tuple[PollingStep, ...]  # by age, youngest first
    slowest: float = 8.0
    near: AllowanceThresholds = AllowanceThresholds()
    told_every: timedelta = timedelta(hours=2)  # as answers_every, while the network tells of them by webhook
    told_silent: timedelta = timedelta(days=3)  # without one for so long, answers_every holds again


@dataclass(frozen=True, slots=True, kw_only=True)
class PolledPost:
    """A published post whose numbers are wanted."""

    id: str  # the network's
    channel_id: UUID
    app_id: UUID
    published_at: datetime
    read_at: datetime | None = None


def sync_policy() -> SyncPolicy:
    """The operator's, or ours. Raises InvalidSyncPolicy."""
    own = setting_definitions.data_folder() / POLICY_FILE_NAME
    return parse_policy(
        own.read_text("utf-8") if own.is_file() else files("kicau.costs").joinpath(POLICY_FILE_NAME).read_text("utf-8")
    )


def allowance_thresholds() -> AllowanceThresholds:
    """The policy's; ours where it cannot be used, since posts go out all the same. Read again when the file changed."""
    own = setting_definitions.data_folder() / POLICY_FILE_NAME
    return _cached_thresholds(own, own.stat().st_mtime_ns if own.is_file() else 0)


@lru_cache(maxsize=1)
def _cached_thresholds(own: Path, changed: int) -> AllowanceThresholds:
    try:
        return sync_policy().near
    except (InvalidSyncPolicy, OSError):
        return AllowanceThresholds()


def parse_policy(text: str) -> SyncPolicy:
    """Raises InvalidSyncPolicy."""
    try:
        data = tomllib.loads(text)
        days = tuple(sorted({int(day) for day in data["numbers"]["days"]}))
        steps = tuple(
            PollingStep(until=_parse_duration(s["until"]), every=_parse_duration(s["every"]))
            for s in data["numbers"]["step"]
        )
        said = data.get("allowance", {})
        near = AllowanceThresholds(
            reading=int(said.get("reading", AllowanceThresholds.reading)),
            sending=int(said.get("sending", AllowanceThresholds.sending)),
            between=_parse_duration(said.get("between", "1m")),
        )
        told = data.get("told", {})
        found = SyncPolicy(
            answers_every=_parse_duration(data["answers"]["every"]),
            days=days,
            steps=steps,
            slowest=float(data.get("slowing", {}).get("at_most", 8)),
            near=near,
            told_every=_parse_duration(told.get("every", "2h")),
            told_silent=_parse_duration(told.get("silent", "3d")),
        )
    except (tomllib.TOMLDecodeError, KeyError, TypeError, ValueError) as exc:
        raise InvalidSyncPolicy(f"The reading policy cannot be read: {exc}.") from exc
    if not days or days[0] < 0 or not steps or found.slowest < 1:
        raise InvalidSyncPolicy("The reading policy needs days from 0 on, at least one step, and at_most of 1 or more.")
    if not 1 <= found.near.reading <= found.near.sending <= 100:
        raise InvalidSyncPolicy(
            "Of the reading policy's allowance, reading and sending are percent from 1 to 100, and reading is not above sending."
        )
    if found.told_every < found.answers_every:
        raise InvalidSyncPolicy(
            "Of the reading policy, told.every is not shorter than answers.every: it is for what webhooks tell."
        )
    return found


def next_fetch_at(
    policy: SyncPolicy, published_at: datetime, read_at: datetime | None, *, slower: float = 1.0
) -> datetime | None:
    """When (UTC) a post's numbers are read next; None: no more. `slower` stretches the time between readings."""
    if read_at is None:
        return published_at + policy.steps[0].every
    age = read_at - published_at
    step = next((s for s in policy.steps if age < s.until), None)
    at = read_at + (step.every if step else policy.steps[-1].every) * slower
    first = _utc_day(published_at)
    if (_utc_day(at) - first).days in policy.days:
        return at
    later = [day for day in policy.days if day > (_utc_day(at) - first).days]
    if not later:
        return None
    return datetime.combine(first + timedelta(days=later[0]), published_at.astimezone(clock.UTC).timetz())


def first_fetch_at(policy: SyncPolicy, published_at: datetime, now: datetime) -> datetime | None:
    """When (UTC) a post is read that nobody has read yet. One that is older than its first reading (reading was switched
    on later) waits for the next of its days, so that no such beginning costs more than a usual day."""
    at = next_fetch_at(policy, published_at, None)
    if at is None or at >= now or is_fetch_day(policy, published_at, now):
        return at
    return next_fetch_at(policy, published_at, now)


def is_fetch_day(policy: SyncPolicy, published_at: datetime, at: datetime) -> bool:
    """Whether `at` is on one of the days of a post's life on which it is read."""
    return (_utc_day(at) - _utc_day(published_at)).days in policy.days


def due_posts(
    policy: SyncPolicy, posts: Iterable[PolledPost], now: datetime, *, slower: float = 1.0
) -> list[PolledPost]:
    """Those whose numbers are to be read now."""
    return [p for p in posts if (at := next_fetch_at(policy, p.published_at, p.read_at, slower=slower)) and at <= now]


def fetch_batches(
    posts: Sequence[PolledPost], size: int, *, reads_all: bool
) -> Iterator[tuple[UUID, list[PolledPost]]]:
    """Largest batches first to last, each with the channel that reads it: one read serves every channel of an app where
    the network lets it."""
    groups: dict[UUID, list[PolledPost]] = defaultdict(list)
    for post in posts:
        groups[post.app_id if reads_all else post.channel_id].append(post)
    for group in groups.values():
        for n in range(0, len(group), size):
            yield group[n].channel_id, group[n : n + size]


def slowdown_factor(policy: SyncPolicy, states: Iterable[BudgetBalance], now: datetime) -> float:
    """How many times slower to read: as much as the fullest budget is used up faster than its period passes."""
    worst = 1.0
    for state in states:
        share = state.budget.amount * state.budget.sync_share_percent / 100
        length = (state.renews_at - state.begins_at).total_seconds()
        passed = max(0.02, (now - state.begins_at).total_seconds() / length) if length < 10**8 else 1.0
        worst = max(worst, (state.used + state.reserved) / share / passed if share else policy.slowest)
    return min(policy.slowest, worst)


# What it saves


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncWorkload:
    """A month of 30 days: so many channels, posts and answers a day in each."""

    channels: int
    posts: int
    answers: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncSavings:
    """Readings that are billed in a month, ours and the naive policy's, and what both cost in micro-units."""

    ours: int
    naive: int
    ours_micro: int
    naive_micro: int

    @property
    def percent(self) -> int:
        return round(100 - 100 * self.ours_micro / self.naive_micro) if self.naive_micro else 0


BASELINE_DAYS, BASELINE_PAGE_SIZE, BASELINE_READS_PER_DAY = (
    90,
    20,
    12,
)  # posts of 90 days twelve times a day; a page of answers each minute


def sync_savings(policy: SyncPolicy, work: SyncWorkload, plan: PriceList, meter: str) -> SyncSavings:
    """Against polling each channel each minute and re-reading 90 days of posts every two hours, in a steady state."""
    daily = meter in plan.daily
    each_post = billed_fetches_per_post(policy, daily=daily)
    ours = work.channels * 30 * (work.posts * each_post + work.answers)
    reread = work.channels * 30 * work.posts * BASELINE_DAYS * (1 if daily else BASELINE_READS_PER_DAY)
    polled = (
        work.channels * 30 * (min(BASELINE_PAGE_SIZE, 10**6) + work.answers if daily else BASELINE_PAGE_SIZE * 1440)
    )
    naive = reread + polled
    return SyncSavings(ours=ours, naive=naive, ours_micro=plan.price(meter, ours), naive_micro=plan.price(meter, naive))


def billed_fetches_per_post(policy: SyncPolicy, *, daily: bool) -> int:
    """How many readings of one post are billed in its life; `daily`: each day's first alone."""
    return len(policy.days) if daily else sum(1 for _ in _fetch_times(policy))


def _fetch_times(policy: SyncPolicy) -> Iterator[datetime]:
    published = datetime(2026, 1, 1, 12, tzinfo=clock.UTC)
    at = next_fetch_at(policy, published, None)
    while at is not None:
        yield at
        at = next_fetch_at(policy, published, at)


def _utc_day(at: datetime) -> date:
    return at.astimezone(clock.UTC).date()


def _parse_duration(written: str) -> timedelta:
    found = re.fullmatch(r"(\d+)([mhd])", str(written))
    if not found or not int(found[1]):
        raise ValueError(f"{written!r} is no time such as 15m, 2h or 3d")
    return int(found[1]) * DURATION_UNITS[found[2]]
