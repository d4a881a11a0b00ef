"""Slowing down before a network refuses, by what it says beside its answers: reading waits first, then sending."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Q

from kicau.base import clock
from kicau.channels.models import Channel, NetworkApp
from kicau.connector.transport.rate_limit_headers import RateAllowance
from kicau.costs import read_policy

DEFAULT_SYNC_DELAY = timedelta(minutes=15)  # where the network names no time; a later answer may say more
MIN_DELAY_DIFFERENCE = timedelta(seconds=30)  # a wait that ends so much later than the one in force is a new one


@dataclass(frozen=True, slots=True, kw_only=True)
class RateLimitPause:
    """What a channel, or its whole app, has to wait for."""

    used: int  # percent of what the network allows
    reading: datetime  # UTC; until when nothing is read
    sending: datetime | None  # UTC; until when nothing is sent; None: sending goes on
    whole_app: bool


def rate_limit_pauses(said: Iterable[RateAllowance], now: datetime) -> list[RateLimitPause]:
    """By the operator's policy: one for the channel, one for the app, each only where it has to wait at all."""
    found = list(said)
    made = []
    for whole_app in (False, True):
        mine = [one for one in found if one.whole_app == whole_app]
        if mine:
            made += _pause_for(mine, now, whole_app)
    return made


def _pause_for(said: Sequence[RateAllowance], now: datetime, whole_app: bool) -> list[RateLimitPause]:
    near = read_policy.allowance_thresholds()
    used = max(one.used for one in said)
    until = max((one.until for one in said if one.until and one.until > now), default=None)
    if until is None and used < min(near.reading, near.sending):
        return []
    sending = until or (now + near.between if used >= near.sending else None)
    return [RateLimitPause(used=used, reading=until or now + DEFAULT_SYNC_DELAY, sending=sending, whole_app=whole_app)]


def store_pause(app_id: UUID, channel_id: UUID | None, wait: RateLimitPause) -> bool:
    """Keep it, for the whole app or one channel, where nothing longer is in force; whether sending waits longer than it
    did. In the caller's transaction."""
    rows = Channel.objects.filter(id=channel_id) if channel_id else NetworkApp.objects.filter(id=app_id)
    rows.filter(Q(sync_paused_until=None) | Q(sync_paused_until__lt=wait.reading)).update(
        sync_paused_until=wait.reading
    )
    if wait.sending is None:
        return False
    shorter = Q(paused_until=None) | Q(paused_until__lt=wait.sending - MIN_DELAY_DIFFERENCE)
    return bool(rows.filter(shorter).update(paused_until=wait.sending))


def store_pauses(channel: Channel, said: Iterable[RateAllowance]) -> None:
    """The same for all that was said while a channel was read with."""
    for wait in rate_limit_pauses(said, clock.now()):
        store_pause(channel.app_id, None if wait.whole_app else channel.id, wait)


def sync_resumes_at(channel: Channel, now: datetime) -> datetime | None:
    """From when on (UTC) anything may be read with the channel; None: now. Its app is at hand."""
    later = [at for at in (channel.sync_paused_until, channel.app.sync_paused_until) if at is not None and at > now]
    return max(later, default=None)


def sync_allowed_filter(now: datetime, path: str = "") -> Q:
    """The channels whose network's allowance is not nearly used up; `path` leads to them."""
    found = Q()
    for field in (f"{path}sync_paused_until", f"{path}app__sync_paused_until"):
        found &= Q(**{field: None}) | Q(**{f"{field}__lte": now})
    return found
