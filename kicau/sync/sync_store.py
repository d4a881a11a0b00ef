"""What a reading brought is kept in one transaction with what it cost; who lost the lease brings only the cost."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction

from kicau.base import clock
from kicau.base.sentences import to_stored_pieces
from kicau.channels import rate_limit_backoff
from kicau.channels.models import Channel
from kicau.connector.addresses import web_address
from kicau.connector.content import Charge
from kicau.connector.roles.engagement import IncomingPost as Said
from kicau.connector.roles.engagement import IncomingPostPage
from kicau.connector.transport.http import CallRecord, without_unstorable
from kicau.connector.transport.rate_limit_headers import RateAllowance
from kicau.costs import ledger
from kicau.costs import read_policy as policies
from kicau.publishing.models import Delivery
from kicau.sync import retention, unanswered_reads
from kicau.sync.due_reads import ChannelPosts, InboxFetch, MetricsFetch, align_fetch_time
from kicau.sync.models import Comment, MetricsChange, PostMetrics, SyncProgress, WebhookSubscription

MAX_WEBHOOK_DELAY = timedelta(minutes=15)  # by which a webhook tells at the latest while all is well


@transaction.atomic
def store_inbox_items(
    job: InboxFetch, calls: Sequence[CallRecord], said: Sequence[RateAllowance], found: IncomingPostPage
) -> int:
    """New answers, each once and beside the post that it answers, and where to go on; how many were new."""
    mine = SyncProgress.objects.select_for_update().filter(channel=job.channel, lease=job.lease).first()
    ledger.write_entries(
        ledger.ledger_entries(job.work(), calls), freed=frozenset({job.lease})
    )  # after the row: rows before budgets
    rate_limit_backoff.store_pauses(job.channel, said)
    if mine is None:
        return 0
    now, policy = clock.now(), policies.sync_policy()
    rows = store_new_items(
        job.channel,
        found.items,
        deliveries_by_remote_id(job.channel, {a.answers for a in found.items if a.answers}),
        now,
    )
    every = (policy.told_every if _are_webhooks_reliable(job, rows, policy, now) else policy.answers_every) * job.slower
    mine.cursor, mine.read_at, mine.fruitless, mine.reason, mine.said = found.cursor or mine.cursor, now, 0, "", []
    mine.is_renewed = False
    mine.next_at = job.due_at + every if job.due_at + every > now else now + every
    mine.lease = mine.leased_until = None
    mine.save()
    _clear_app_rejections(job.channel, now)
    return len(rows)


def store_new_items(channel: Channel, found: Sequence[Said], whose: dict[str, UUID], now: datetime) -> list[Comment]:
    """What is not known yet, each beside the post that it answers; `whose` grows by what was said under the same posts.
    In the caller's transaction."""
    known = set(
        Comment.objects.filter(channel=channel, remote_id__in=[a.id for a in found]).values_list("remote_id", flat=True)
    )
    rows = []
    since = retention.retention_cutoff()
    for one in found:
        if one.id in known or (since and one.at < since):
            continue
        if (delivery := whose.get(one.answers)) is not None:
            whose[one.id] = delivery  # who answers this answer is in the same talk
        rows.append(
            Comment(
                channel=channel,
                delivery_id=delivery,
                remote_id=one.id[:300],
                author=one.author[:300],
                text=without_unstorable(one.text),
                at=one.at,
                handle=without_unstorable(one.handle)[:300],
                name=without_unstorable(one.name)[:300],
                url=web_address(one.url),
                begins=without_unstorable(one.begins)[:310],
                is_answerable=one.answerable,
                fetched_at=now,
                raw=without_unstorable(dict(one.raw)),
            )
        )
    Comment.objects.bulk_create(rows, ignore_conflicts=True)
    return rows


def _are_webhooks_reliable(
    job: InboxFetch, fresh: Sequence[Comment], policy: policies.SyncPolicy, now: datetime
) -> bool:
    """Whether the network's webhooks can be trusted to tell of the channel. An answer to a post of ours that only reading
    found, long after it was given, shows that they stay away: then it is read as often as anywhere, until one comes."""
    row = WebhookSubscription.objects.select_for_update().filter(channel=job.channel).first()
    if row is None or not row.is_told(policy.told_silent, now) or row.made_at is None:
        return False
    missed = [a for a in fresh if a.delivery_id and row.made_at < a.at < now - MAX_WEBHOOK_DELAY]
    if not missed:
        return True
    row.told_at = None
    row.save(update_fields=["told_at"])
    return False


@transaction.atomic
def store_metrics(
    job: MetricsFetch,
    calls: Sequence[CallRecord],
    said: Sequence[RateAllowance],
    found: Mapping[str, Mapping[str, int]],
) -> int:
    """What changed, with the time; how many posts were read."""
    rows = _posts_still_leased(job)
    _charge_by_post(job, calls, unanswered_reads.resolved_lost_fetches(rows, set(found), clock.now()))
    rate_limit_backoff.store_pauses(job.channel, said)
    now, policy = clock.now(), policies.sync_policy()
    slower = {post.id: share.slower for share in job.shares for post in share.posts}
    changed = []
    for post in rows:
        values = found.get(post.remote_id)
        if values is None:  # once may be a network's slip; twice is not
            post.next_at = (
                None
                if post.gone_at
                else align_fetch_time(
                    policy, policies.next_fetch_at(policy, post.published_at, now, slower=slower[post.id])
                )
            )
            post.gone_at = post.gone_at or now
            continue
        if fresh := {name: n for name, n in values.items() if post.values.get(name) != n}:
            changed.append(MetricsChange(post=post, at=now, values=fresh))
            post.values = {**post.values, **fresh}
        post.read_at, post.gone_at = now, None
        post.next_at = align_fetch_time(
            policy, policies.next_fetch_at(policy, post.published_at, now, slower=slower[post.id])
        )
    MetricsChange.objects.bulk_create(changed)
    for post in rows:
        post.lease = post.leased_until = None
    PostMetrics.objects.bulk_update(
        rows, ["values", "read_at", "next_at", "gone_at", "lease", "leased_until", "lost_at"], batch_size=1000
    )
    _clear_app_rejections(job.channel, now)
    return len(rows)


@transaction.atomic
def postpone_inbox_fetch(
    job: InboxFetch,
    calls: Sequence[CallRecord],
    said: Sequence[RateAllowance],
    at: datetime,
    why: str,
    *,
    fruitless: bool,
) -> None:
    """Nothing was read: what it cost all the same, why, and when (UTC) it is tried again."""
    SyncProgress.objects.filter(channel=job.channel, lease=job.lease).update(
        lease=None,
        leased_until=None,
        next_at=at,
        reason=why,
        said=to_stored_pieces(why),
        is_renewed=False,
        fruitless=job.fruitless + 1 if fruitless else job.fruitless,
    )
    ledger.write_entries(ledger.ledger_entries(job.work(), calls), freed=frozenset({job.lease}))
    rate_limit_backoff.store_pauses(job.channel, said)


@transaction.atomic
def postpone_metrics_fetch(
    job: MetricsFetch, calls: Sequence[CallRecord], said: Sequence[RateAllowance], at: datetime, why: str
) -> None:
    """The same for numbers."""
    lost = unanswered_reads.record_lost_fetches([share.lease for share in job.shares], calls)
    postpone(job.shares, at, why)
    _charge_by_post(job, calls, lost)
    rate_limit_backoff.store_pauses(job.channel, said)


def postpone(shares: Iterable[ChannelPosts], at: datetime, why: str) -> None:
    """In the caller's transaction."""
    for share in shares:
        PostMetrics.objects.filter(lease=share.lease).update(lease=None, leased_until=None, next_at=at)
        SyncProgress.objects.filter(channel=share.channel).update(
            reason=why, said=to_stored_pieces(why), is_renewed=False
        )


def _charge_by_post(
    job: MetricsFetch, calls: Sequence[CallRecord], lost: Sequence[tuple[PostMetrics, datetime]] = ()
) -> None:
    """Each post's reading is its own channel's, campaign's and author's; what is no post's is the reading channel's.
    `lost` are earlier readings that nothing will tell of any more."""
    owner = {post.remote_id: (share, post) for share in job.shares for post in share.posts}
    found = [
        e
        for post, at in lost
        if (e := unanswered_reads.lost_fetch_entry(job.channel, owner[post.remote_id][0].work(post), post, at))
    ]
    for call in calls:
        for entry in ledger.ledger_entries(job.shares[0].work(), [call]):
            parts: dict[ledger.ChargeContext, list[str]] = defaultdict(list)
            for id_ in entry.used.resources:
                share, post = owner.get(id_, (job.shares[0], None))
                parts[share.work(post)].append(id_)
            if len(entry.used.resources) != entry.used.units or not parts:
                found.append(entry)
                continue
            found += [
                ledger.LedgerEntry(
                    work=work,
                    at=entry.at,
                    used=Charge(entry.used.meter, len(ids), resources=tuple(ids)),
                    is_certain=entry.is_certain,
                )
                for work, ids in parts.items()
            ]
    ledger.write_entries(found, freed=frozenset(share.lease for share in job.shares))


def _posts_still_leased(job: MetricsFetch) -> list[PostMetrics]:
    ids, leases = [p.id for p in job.posts], [s.lease for s in job.shares]
    return list(PostMetrics.objects.filter(id__in=ids, lease__in=leases).order_by("id").select_for_update())


def deliveries_by_remote_id(channel: Channel, ids: set[str]) -> dict[str, UUID]:
    """Whose post each of these is: one of ours, or an answer that belongs to one."""
    if not ids:
        return {}
    found = {
        remote_id: delivery
        for remote_id, delivery in Comment.objects.filter(
            channel=channel, remote_id__in=ids, delivery__isnull=False
        ).values_list("remote_id", "delivery_id")
        if delivery
    }
    found |= dict(
        PostMetrics.objects.filter(channel=channel, remote_id__in=ids).values_list("remote_id", "delivery_id")
    )
    if missing := ids - set(found):  # of before reading began, or of a moment ago
        rows = Delivery.objects.filter(channel=channel, remote_ids__overlap=list(missing))
        found |= {one: id_ for id_, remote_ids in rows.values_list("id", "remote_ids") for one in remote_ids}
    return found


def _clear_app_rejections(channel: Channel, now: datetime) -> None:
    """Its network lets us in: what tells a shut door from a quiet one (offboarding/blocked_app_detection.py)."""
    Channel.objects.filter(id=channel.id).update(answered_at=now)
