"""Whether a workspace reads on a network: by itself where that costs nothing, else when somebody said so and saw the price."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import Count, Func, IntegerField, Sum
from django.db.models.functions import Coalesce

from kicau.base import clock
from kicau.base.errors import Conflict, NotFound
from kicau.base.money import format_money
from kicau.base.sentences import Sentence
from kicau.channels import rate_limit_backoff
from kicau.channels.models import Channel, ChannelState
from kicau.channels.usable_channels import usable_filter
from kicau.connector import registry
from kicau.connector.prices import PriceList
from kicau.connector.roles.engagement import EngagementRole, MeteredEngagementRole
from kicau.costs import pricing
from kicau.costs import read_policy as policies
from kicau.publishing.models import Delivery, DeliveryState
from kicau.sync.models import Comment, SyncChoice, SyncProgress
from kicau.workspaces.actors import Actor, Permission

MAX_WAITING_CHANNELS_SHOWN = 10  # channels of a network whose reason stands there
ESTIMATE_DAYS, ESTIMATE_HISTORY_DAYS = 30, 28  # days that an estimate is for, and that it is judged by


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncCostEstimate:
    """What 30 days of reading would come to if posts and answers go on as in the last 28."""

    posts: int  # published in 30 days
    comments: int  # read in 30 days; 0 where nothing was read so far
    readings: int  # of posts and answers, each that is billed
    micro: int  # micro-units of `currency`
    currency: str
    each: int  # micro-units for one more answer


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncOption:
    """A network that can be read, on which the workspace has channels."""

    network: str
    label: str
    channels: int
    reads: bool
    is_chosen: bool  # somebody said so; else it is the default
    costs: bool  # money, or what a plan allows little of
    estimate: SyncCostEstimate
    is_listed: bool  # False: no price list in force says what its plan's readings cost
    waiting: tuple[SyncProgress, ...]  # of channels with which nothing could be read last time, each with its reason
    kept_back: tuple[Channel, ...]  # those with which nothing is read until their `sync_resumes_at`, or their app's


def readable_networks() -> list[str]:
    """The networks whose connectors can."""
    return [slug for slug in registry.installed_slugs() if isinstance(registry.get_connector(slug), EngagementRole)]


def meter_of(network: str) -> str:
    """What a post or an answer that is read uses up one unit of; "" where nothing is counted."""
    connector = registry.get_connector(network)
    return connector.reading_meter if isinstance(connector, MeteredEngagementRole) else ""


def costs_money(network: str, plan: str) -> bool:
    """Whether reading on that plan costs money, may cost any, or uses up what the plan allows only so much of."""
    meter, listed = meter_of(network), _price_list(network, plan)
    if not meter or listed is None:
        return bool(meter)  # a network that counts readings, and no list says at what price: somebody decides
    capped = any(meter in cap.meters for cap in listed.caps)
    return bool(listed.prices.get(meter)) or meter in listed.refuses or capped


def price_per_item(network: str, plan: str) -> tuple[int, str]:
    """What one more post or answer that is read costs: micro-units and their currency; 0 and "" where nothing."""
    listed, meter = _price_list(network, plan), meter_of(network)
    return (listed.price(meter, 1), listed.currency) if listed and listed.prices.get(meter) else (0, "")


def sync_is_on(actor: Actor, channels: Iterable[Channel]) -> dict[str, bool]:
    """Whether the workspace reads, by those of the channels' networks that can be read; one statement."""
    actor.require(Permission.READ)
    said, able = _preferences([actor.workspace.id]), set(readable_networks())
    rows = [c for c in channels if c.network in able and c.state == ChannelState.ACTIVE]
    dear = {c.network for c in rows if costs_money(c.network, c.app.plan)}
    return {c.network: said.get((actor.workspace.id, c.network), c.network not in dear) for c in rows}


def open_channels() -> list[Channel]:
    """Those that are read with now, of all workspaces: they may be used, their network's allowance is not nearly used
    up, and their workspaces read. Without their credentials."""
    now = clock.now()
    may_read = usable_filter(now) & rate_limit_backoff.sync_allowed_filter(now)
    rows = Channel.objects.filter(may_read, network__in=readable_networks())
    found = list(
        rows.select_related("app").only(
            "id", "workspace_id", "network", "host", "app_id", "app__id", "app__network", "app__plan"
        )
    )
    return channels_with_sync(found)


def channels_with_sync(channels: Iterable[Channel]) -> list[Channel]:
    """Those of them whose workspaces read there."""
    found = list(channels)
    said = _preferences({c.workspace_id for c in found})
    return [c for c in found if said.get((c.workspace_id, c.network), not costs_money(c.network, c.app.plan))]


def sync_options(actor: Actor) -> list[SyncOption]:
    """By the network's name."""
    actor.require(Permission.READ)
    rows = Channel.objects.filter(workspace=actor.workspace, network__in=readable_networks(), state=ChannelState.ACTIVE)
    by_network: dict[str, list[Channel]] = {}
    for channel in rows.select_related("app").order_by("network", "key"):
        by_network.setdefault(channel.network, []).append(channel)
    if not by_network:
        return []
    ids = [c.id for mine in by_network.values() for c in mine]
    said, counted = _preferences([actor.workspace.id]), _count_items(ids)
    waiting: dict[str, list[SyncProgress]] = {}
    for row in (
        SyncProgress.objects.filter(channel__in=ids)
        .exclude(reason="")
        .select_related("channel")
        .order_by("channel__key")
    ):
        waiting.setdefault(row.channel.network, []).append(row)
    return [
        _sync_option(slug, mine, said.get((actor.workspace.id, slug)), counted, waiting.get(slug, []))
        for slug, mine in by_network.items()
    ]


def sync_option(actor: Actor, network: str) -> SyncOption:
    """Raises NotFound where the workspace has nothing to read there."""
    found = next((c for c in sync_options(actor) if c.network == network), None)
    if found is None:
        raise NotFound("channel that can be read on", network[:40])
    return found


@transaction.atomic
def switch_sync(actor: Actor, network: str, reads: bool, *, accepts: int | None = None) -> SyncOption:
    """Read on a network from now on, or no more; what was read is kept.

    Where reading costs, `accepts` is what the owner or admin was shown for 30 days, in micro-units: it is not switched on
    for less than it will cost. Raises NotAllowed, NotFound, Conflict (which names the figure).
    """
    actor.require(Permission.SETTINGS)
    found = sync_option(actor, network)
    if reads and found.costs and (accepts is None or accepts < found.estimate.micro):
        cost, each = (
            _format_money(micro, found.estimate.currency) for micro in (found.estimate.micro, found.estimate.each)
        )
        raise Conflict(
            Sentence(
                "Monitoring the comments, replies and statistics of your posts on {network} costs about {cost} per 30 days. Each reply received costs another {each}. To turn monitoring on, accept these costs.",
                network=found.label,
                cost=cost,
                each=each,
            )
        )
    SyncChoice.objects.update_or_create(
        workspace=actor.workspace, network=network, defaults={"reads": reads, "person": actor.person, "at": clock.now()}
    )
    actor.record(
        "reading.on" if reads else "reading.off", network, micro=found.estimate.micro, currency=found.estimate.currency
    )
    return sync_option(actor, network)


def _format_money(micro: int, currency: str) -> str:
    return format_money(micro, currency) if currency else "0"


def _preferences(workspaces: Iterable[UUID]) -> dict[tuple[UUID, str], bool]:
    rows = SyncChoice.objects.filter(workspace__in=list(workspaces))
    return {
        (workspace, network): reads
        for workspace, network, reads in rows.values_list("workspace_id", "network", "reads")
    }


def _price_list(network: str, plan: str) -> PriceList | None:
    return pricing.price_list_for_day(network, clock.now().date(), plan)


def _sync_option(
    slug: str, mine: list[Channel], said: bool | None, counted: ItemCounts, waiting: Sequence[SyncProgress]
) -> SyncOption:
    now = clock.now()
    dear = any(costs_money(slug, c.app.plan) for c in mine)
    return SyncOption(
        network=slug,
        label=registry.get_connector(slug).label,
        channels=len(mine),
        reads=said if said is not None else not dear,
        is_chosen=said is not None,
        costs=dear,
        estimate=estimate_costs(mine, counted),
        is_listed=not meter_of(slug) or all(_price_list(slug, c.app.plan) for c in mine),
        kept_back=tuple(c for c in mine if rate_limit_backoff.sync_resumes_at(c, now))[:MAX_WAITING_CHANNELS_SHOWN],
        waiting=tuple(waiting[:MAX_WAITING_CHANNELS_SHOWN]),
    )


def new_sync_costs(workspaces: Collection[UUID]) -> dict[tuple[UUID, str, str], int]:
    """What 30 days will cost where reading was switched on so lately that there is no habit of it: micro-units by
    workspace, network and currency."""
    lately = clock.now() - timedelta(days=ESTIMATE_HISTORY_DAYS)
    chosen = set(
        SyncChoice.objects.filter(workspace__in=list(workspaces), reads=True, at__gte=lately).values_list(
            "workspace_id", "network"
        )
    )
    rows = Channel.objects.filter(workspace__in={id_ for id_, _ in chosen}, state=ChannelState.ACTIVE).select_related(
        "app"
    )
    by_choice: dict[tuple[UUID, str], list[Channel]] = {}
    for channel in rows if chosen else ():
        if (channel.workspace_id, channel.network) in chosen:
            by_choice.setdefault((channel.workspace_id, channel.network), []).append(channel)
    counted = _count_items([c.id for mine in by_choice.values() for c in mine]) if by_choice else ({}, {})
    told = {key: estimate_costs(mine, counted) for key, mine in by_choice.items()}
    return {(*key, one.currency): one.micro for key, one in told.items() if one.currency}


type ItemCounts = tuple[dict[UUID, int], dict[UUID, int]]  # by channel: parts that went out, answers that were read


def _count_items(channels: Collection[UUID]) -> ItemCounts:
    """In the days that an estimate is judged by; two statements, however many networks there are."""
    since = clock.now() - timedelta(days=ESTIMATE_HISTORY_DAYS)
    out = Delivery.objects.filter(channel__in=channels, state=DeliveryState.PUBLISHED, published_at__gte=since)
    parts = out.values_list("channel").annotate(
        n=Coalesce(Sum(Func("remote_ids", function="cardinality", output_field=IntegerField())), 0)
    )
    told = (
        Comment.objects.filter(channel__in=channels, fetched_at__gte=since)
        .values_list("channel")
        .annotate(n=Count("id"))
    )
    return dict(parts.order_by()), dict(told.order_by())


def estimate_costs(mine: list[Channel], counted: ItemCounts) -> SyncCostEstimate:
    """For channels of one network; `counted` is what `_count_items` found of them, among others."""
    parts_of, answers_of = counted
    policy = policies.sync_policy()
    posts = comments = readings = micro = each = 0
    currency = ""
    for plan in {c.app.plan for c in mine}:
        some, slug = [c.id for c in mine if c.app.plan == plan], mine[0].network
        parts, told = (sum(of.get(id_, 0) for id_ in some) for of in (parts_of, answers_of))
        listed, meter = _price_list(slug, plan), meter_of(slug)
        month_posts, month_answers = (
            parts * ESTIMATE_DAYS // ESTIMATE_HISTORY_DAYS,
            told * ESTIMATE_DAYS // ESTIMATE_HISTORY_DAYS,
        )
        times = (
            month_posts * policies.billed_fetches_per_post(policy, daily=listed is not None and meter in listed.daily)
            + month_answers
        )
        posts, comments, readings = posts + month_posts, comments + month_answers, readings + times
        if listed is not None and listed.prices.get(meter):
            micro, each, currency = micro + listed.price(meter, times), listed.price(meter, 1), listed.currency
    return SyncCostEstimate(
        posts=posts, comments=comments, readings=readings, micro=micro, currency=currency, each=each
    )
