"""What is to be read now, taken by one worker under a lease, so that no two read the same."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from django.db import transaction
from django.db.models import Exists, OuterRef, Q

from kicau.base import clock
from kicau.base.ids import NO_ID
from kicau.channels.models import Channel
from kicau.connector import registry
from kicau.connector.content import Charge
from kicau.costs import actions as plans
from kicau.costs import budgets, ledger, reservations
from kicau.costs import read_policy as policies
from kicau.costs.models import Budget, Purpose, Reservation
from kicau.costs.pricing import price_list_for_day
from kicau.publishing.models import Delivery, DeliveryState
from kicau.sync import sync_settings, unanswered_reads
from kicau.sync.models import PostMetrics, SyncProgress

SYNC_LEASE = timedelta(minutes=3)  # longer than a whole round may take (rounds.py)
MAX_CHANNELS_PER_ROUND = 200  # channels, and thousands of posts, in one round
MAX_PUBLISH_DELAY = timedelta(days=60)  # by how much a post may have gone out after the time it was due


@dataclass(slots=True, kw_only=True)
class InboxFetch:
    """A channel whose answers are read now."""

    channel: Channel
    cursor: str
    fruitless: int
    due_at: datetime
    lease: UUID
    slower: float

    def work(self) -> ledger.ChargeContext:
        return charge_context(self.channel, Purpose.ANSWERS, self.lease)


@dataclass(slots=True, kw_only=True)
class ChannelPosts:
    """The posts of one channel in a batch: what they use up is theirs."""

    channel: Channel
    lease: UUID
    slower: float
    posts: list[PostMetrics] = field(default_factory=list)

    def work(self, post: PostMetrics | None = None) -> ledger.ChargeContext:
        return charge_context(self.channel, Purpose.NUMBERS, self.lease, post)


@dataclass(slots=True, kw_only=True)
class MetricsFetch:
    """Posts whose numbers one call reads, through the first share's channel."""

    shares: list[ChannelPosts]

    @property
    def channel(self) -> Channel:
        return self.shares[0].channel

    @property
    def posts(self) -> list[PostMetrics]:
        return [post for share in self.shares for post in share.posts]


def charge_context(
    channel: Channel, purpose: Purpose, lease: UUID, post: PostMetrics | None = None
) -> ledger.ChargeContext:
    draft = post.delivery.draft if post else None
    return ledger.ChargeContext(
        workspace_id=channel.workspace_id,
        network=channel.network,
        purpose=purpose,
        app_id=channel.app_id,
        plan=channel.app.plan,
        channel_id=channel.id,
        campaign_id=draft.campaign_id if draft else None,
        person_id=draft.author_id if draft else None,
        holder=lease,
    )


def register_published_posts() -> int:
    """Posts that went out since the last look, in channels that are read with; how many."""
    now, policy = clock.now(), policies.sync_policy()
    horizon = now - timedelta(days=policy.days[-1] + 1)
    rows = Delivery.objects.filter(
        ~Exists(PostMetrics.objects.filter(delivery=OuterRef("id"))),
        channel__in=[c.id for c in sync_settings.open_channels()],
        state=DeliveryState.PUBLISHED,
        published_at__gte=horizon,
        due_at__gte=horizon - MAX_PUBLISH_DELAY,
    ).exclude(remote_ids=[])
    made = [
        PostMetrics(
            channel_id=channel_id,
            delivery_id=id_,
            remote_id=remote_id,
            position=n,
            published_at=at,
            next_at=align_fetch_time(policy, policies.first_fetch_at(policy, at, now)),
        )
        for id_, channel_id, at, remote_ids in rows.values_list("id", "channel_id", "published_at", "remote_ids")[:5000]
        if at
        for n, remote_id in enumerate(remote_ids)
    ]
    PostMetrics.objects.bulk_create(made, ignore_conflicts=True)
    return len(made)


def align_fetch_time(policy: policies.SyncPolicy, at: datetime | None) -> datetime | None:
    """The next of the moments at which numbers are read, so that those that are due about then fill one batch."""
    if at is None:
        return None
    every = int(policy.answers_every.total_seconds())
    return datetime.fromtimestamp(-(-int(at.timestamp()) // every) * every, UTC)


def _add_new_standings(open_: Collection[UUID], first_at: datetime) -> None:
    """Not at once: a channel that was just connected has no answers yet."""
    known = set(SyncProgress.objects.filter(channel__in=open_).values_list("channel_id", flat=True))
    if fresh := [SyncProgress(channel_id=id_, next_at=first_at) for id_ in open_ if id_ not in known]:
        SyncProgress.objects.bulk_create(fresh, ignore_conflicts=True)


def _lock_due_standings(open_: Collection[UUID], now: datetime) -> list[SyncProgress]:
    free = Q(leased_until=None) | Q(leased_until__lt=now)
    return list(
        SyncProgress.objects.filter(free, channel__in=open_, next_at__lte=now)
        .order_by("next_at")
        .select_for_update(skip_locked=True)[:MAX_CHANNELS_PER_ROUND]
    )


def _lock_due_posts(open_: Collection[UUID], now: datetime) -> list[PostMetrics]:
    free = Q(leased_until=None) | Q(leased_until__lt=now)
    return list(
        PostMetrics.objects.filter(free, channel__in=open_, next_at__lte=now)
        .select_related("delivery__draft")
        .only(
            "id",
            "channel_id",
            "remote_id",
            "published_at",
            "read_at",
            "next_at",
            "lease",
            "values",
            "gone_at",
            "leased_until",
            "lost_at",
            "delivery__state",
            "delivery__draft__campaign_id",
            "delivery__draft__author_id",
        )
        .order_by("next_at", "id")
        .select_for_update(of=("self",), skip_locked=True)[: MAX_CHANNELS_PER_ROUND * 100]
    )


@transaction.atomic
def claim_due() -> tuple[list[InboxFetch], list[MetricsFetch]]:
    """Everything that is due and that nobody else reads, at most MAX_CHANNELS_PER_ROUND channels' answers and as many batches."""
    now, policy = clock.now(), policies.sync_policy()
    open_ = {c.id for c in sync_settings.open_channels()}
    _add_new_standings(open_, now + policy.answers_every)
    standings, posts = _lock_due_standings(open_, now), _lock_due_posts(open_, now)
    if not standings and not posts:
        return [], []
    _charge_expired_reservations({s.lease for s in standings if s.lease} | {p.lease for p in posts if p.lease})
    touched = {s.channel_id for s in standings} | {p.channel_id for p in posts}
    whole = {c.id: c for c in Channel.objects.filter(id__in=touched).select_related("app", "workspace")}
    slower = _slowdown_by_channel(policy, whole.values(), now)
    answering = [
        InboxFetch(
            channel=whole[s.channel_id],
            cursor=s.cursor,
            fruitless=s.fruitless,
            due_at=s.next_at,
            lease=uuid4(),
            slower=slower[s.channel_id],
        )
        for s in standings
    ]
    for standing, job in zip(standings, answering, strict=True):
        standing.lease, standing.leased_until = job.lease, now + SYNC_LEASE
    SyncProgress.objects.bulk_update(standings, ["lease", "leased_until"])
    for post in posts:
        if post.lease and post.leased_until:  # its worker died, and may have read it
            post.lost_at = post.lost_at or post.leased_until - SYNC_LEASE
    numbering = _batches(policy, posts, whole, slower, now)
    _charge_lost_fetches_without_retry(posts, whole, now)
    PostMetrics.objects.bulk_update(posts, ["lease", "leased_until", "next_at", "lost_at"], batch_size=1000)
    return answering, numbering


def _charge_lost_fetches_without_retry(posts: Sequence[PostMetrics], whole: dict[UUID, Channel], now: datetime) -> None:
    """No later reading shows what a lost one was billed as, where the post was deleted or the day is over. The next
    reading can be days away, so the ledger does not wait for it."""
    settled = [
        post
        for post in posts
        if post.delivery.state != DeliveryState.PUBLISHED or unanswered_reads.is_of_earlier_day(post, now)
    ]
    ledger.write_entries(
        [
            line
            for post, at in unanswered_reads.resolved_lost_fetches(settled, (), now)
            if (
                line := unanswered_reads.lost_fetch_entry(
                    whole[post.channel_id],
                    charge_context(whole[post.channel_id], Purpose.NUMBERS, NO_ID, post),
                    post,
                    at,
                )
            )
        ]
    )


def _batches(
    policy: policies.SyncPolicy,
    posts: Sequence[PostMetrics],
    whole: dict[UUID, Channel],
    slower: dict[UUID, float],
    now: datetime,
) -> list[MetricsFetch]:
    """The largest that there are, each with a lease for each channel in it. What is not due after all, because reading
    is slowed, waits; what was deleted is left out for good."""
    by_id, asked = {str(p.id): p for p in posts}, []
    for post in posts:
        post.lease = post.leased_until = None
        mine = policies.PolledPost(
            id=str(post.id),
            channel_id=post.channel_id,
            app_id=whole[post.channel_id].app_id,
            published_at=post.published_at,
            read_at=post.read_at,
        )
        if post.delivery.state != DeliveryState.PUBLISHED:
            post.next_at = None
        elif (at := _postponed_until(policy, mine, now, slower[post.channel_id])) is None or at > now:
            post.next_at = align_fetch_time(policy, at)
        else:
            asked.append(mine)
    made = []
    by_network: dict[tuple[str, str], list[policies.PolledPost]] = defaultdict(list)
    for one in asked:
        by_network[whole[one.channel_id].network, whole[one.channel_id].host].append(one)
    for (network, _), some in by_network.items():
        connector = registry.get_connector(network)
        for reader, batch in policies.fetch_batches(some, connector.batch, reads_all=connector.reads_all):  # type: ignore[attr-defined]
            shares: dict[UUID, ChannelPosts] = {}
            for one in sorted(batch, key=lambda p: p.channel_id != reader):
                channel = whole[one.channel_id]
                share = shares.setdefault(
                    channel.id, ChannelPosts(channel=channel, lease=uuid4(), slower=slower[channel.id])
                )
                post = by_id[one.id]
                post.lease, post.leased_until = share.lease, now + SYNC_LEASE
                share.posts.append(post)
            made.append(MetricsFetch(shares=list(shares.values())))
    return made


def _postponed_until(
    policy: policies.SyncPolicy, post: policies.PolledPost, now: datetime, slower: float
) -> datetime | None:
    """When it is to be read after all: now, or later where reading is slowed or its day is over (a round came late, or a
    channel came back)."""
    if not policies.is_fetch_day(policy, post.published_at, now):
        return policies.next_fetch_at(policy, post.published_at, now)
    if post.read_at is None or policies.due_posts(policy, [post], now, slower=slower):
        return now
    return policies.next_fetch_at(policy, post.published_at, post.read_at, slower=slower)


def _slowdown_by_channel(policy: policies.SyncPolicy, channels: Iterable[Channel], now: datetime) -> dict[UUID, float]:
    """How many times slower each channel is read, as the budgets that cover it are used up."""
    states = plans.budget_balances(list(Budget.objects.filter(is_active=True)), now)
    found = {}
    for channel in channels:
        works = [charge_context(channel, purpose, channel.id) for purpose in (Purpose.ANSWERS, Purpose.NUMBERS)]
        mine = [s for s in states if any(budgets.covers(s.budget, one) for one in works)]
        found[channel.id] = policies.slowdown_factor(policy, mine, now)
    return found


def _charge_expired_reservations(leases: set[UUID]) -> None:
    """A worker that died may have spent what it had set aside, and nothing tells: it counts as spent. What is billed
    once a day needs no such care: the same reading, taken again, shows it."""
    if not leases:
        return
    lost: list[ledger.LedgerEntry] = []
    for row in Reservation.objects.filter(holder__in=leases, units__gt=0):
        plan = Channel.objects.filter(id=row.channel_id or NO_ID).values_list("app__plan", flat=True).first() or ""
        listed = price_list_for_day(row.network, clock.now().date(), plan)
        if listed is None or row.meter not in listed.daily:
            mine = ledger.ChargeContext(
                workspace_id=row.workspace_id,
                network=row.network,
                purpose=row.purpose,
                app_id=row.app_id,
                plan=plan,
                channel_id=row.channel_id,
                campaign_id=row.campaign_id,
                holder=row.holder,
            )
            lost.append(
                ledger.LedgerEntry(work=mine, at=clock.now(), used=Charge(row.meter, row.units), is_certain=False)
            )
    ledger.write_entries(lost)
    reservations.release_reservations(leases)
