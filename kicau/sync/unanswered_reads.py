"""Readings of numbers whose answer was lost, where a network bills each post once a UTC day.

The next reading of the same day shows what the lost one was billed as: the network bills a post no second time. Where no
such reading comes, because the post was deleted or the day is over, the lost one is written down as uncertain.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from uuid import UUID

from kicau.channels.models import Channel
from kicau.connector import registry
from kicau.connector.content import Charge
from kicau.connector.roles.engagement import MeteredEngagementRole
from kicau.connector.transport.http import CallRecord
from kicau.costs import ledger
from kicau.costs.pricing import price_list_for_day
from kicau.sync.models import PostMetrics


def record_lost_fetches(leases: Collection[UUID], calls: Sequence[CallRecord]) -> list[tuple[PostMetrics, datetime]]:
    """Remember which posts' reading was lost; those of an earlier day, which no reading will show any more. In the
    caller's transaction, while the leases last."""
    lost = [call for call in calls if call.lost and call.counted]
    if not lost:
        return []
    rows = list(PostMetrics.objects.filter(lease__in=leases).order_by("id").select_for_update())
    earlier = [(row, row.lost_at) for row in rows if row.lost_at and _utc_day(row.lost_at) != _utc_day(lost[0].at)]
    fresh = [row.id for row in rows if row.lost_at is None] + [row.id for row, _ in earlier]
    PostMetrics.objects.filter(id__in=fresh).update(lost_at=lost[0].at)
    return earlier


def resolved_lost_fetches(
    rows: Sequence[PostMetrics], read: Collection[str], now: datetime
) -> list[tuple[PostMetrics, datetime]]:
    """The lost readings of these posts that a reading just now (`read`: the ids that it brought) does not show, because
    the post is there no more, or the day is another. They are forgotten in the rows, which the caller saves."""
    found = []
    for post in rows:
        if post.lost_at and (post.remote_id not in read or is_of_earlier_day(post, now)):
            found.append((post, post.lost_at))
        post.lost_at = None
    return found


def is_of_earlier_day(post: PostMetrics, now: datetime) -> bool:
    """Whether the post has a lost reading that the network billed on a UTC day before that of `now`."""
    return post.lost_at is not None and _utc_day(post.lost_at) != _utc_day(now)


def lost_fetch_entry(
    channel: Channel, work: ledger.ChargeContext, post: PostMetrics, at: datetime
) -> ledger.LedgerEntry | None:
    """The ledger's line for a lost reading. It counts nothing where the post was billed that day all the same; None where
    the network bills no reading, or bills each again."""
    connector = registry.get_connector(channel.network)
    meter = connector.reading_meter if isinstance(connector, MeteredEngagementRole) else ""
    listed = price_list_for_day(channel.network, at.date(), channel.app.plan)
    if listed is None or meter not in listed.daily:
        return None
    return ledger.LedgerEntry(work=work, at=at, used=Charge(meter, 1, resources=(post.remote_id,)), is_certain=False)


def _utc_day(at: datetime) -> object:
    return at.astimezone(UTC).date()
