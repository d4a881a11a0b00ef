"""Whether networks tell a workspace's channels by webhook: somebody says so, a worker asks the network for it.

While webhooks come, answers are asked for seldom (`told.every` of the policy), as a net under them; once one stayed
away, or none came for long, as often as anywhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID, uuid4

import aiohttp
from asgiref.sync import sync_to_async
from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils.crypto import salted_hmac

from kicau.base import clock
from kicau.base.errors import Conflict, NotFound
from kicau.base.sentences import Sentence, sentence_pieces, to_stored_pieces
from kicau.channels.call_failures import CallFailure, FailureKind, read_failure
from kicau.channels.models import Channel, ChannelState, NetworkApp
from kicau.connector import registry
from kicau.connector.roles.webhooks import WebhookRole
from kicau.costs import ledger
from kicau.costs import read_policy as policies
from kicau.sync import poller, sync_settings
from kicau.sync.due_reads import SYNC_LEASE, InboxFetch
from kicau.sync.fetch_failures import MANUAL_FIX_RETRY_DELAY, failure_sentence, log_fault, next_try_at
from kicau.sync.models import SyncProgress, WebhookChoice, WebhookSubscription
from kicau.workspaces.actors import Actor, Permission, system_actor

WEBHOOK_PATH = "/webhooks/"
RENEW_INTERVAL = timedelta(days=1)  # after which a network is asked once more for what it grants already
SUBSCRIPTION_BATCH_SIZE = 20
UNSUBSCRIBE_PERIOD = timedelta(
    hours=1
)  # for which it is tried to have a network tell no more of a channel that was disconnected


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookOption:
    """A network that tells by webhook, on which the workspace has channels."""

    network: str
    label: str
    channels: int
    is_on: bool
    obstacle: str  # why it cannot be switched on, in a sentence; "" where it can
    setup: str  # what the operator does once at the network; "" where nothing
    addresses: tuple[tuple[str, str], ...]  # address and token of each app, for that; only for who hosts this Kicau
    subscriptions: tuple[WebhookSubscription, ...]
    usual: int  # readings of answers a day in each channel that is not told
    sparse: int  # in one that is


def callback_url(app: NetworkApp) -> str:
    return f"{settings.KICAU_PUBLIC_URL}{WEBHOOK_PATH}{app.id}"


def verify_token(app: NetworkApp) -> str:
    """By which we know that it is the network, or its operator, that asks whether the address is ours."""
    return salted_hmac("kicau.webhooks", str(app.id), algorithm="sha256").hexdigest()[:40]


def webhook_options(actor: Actor) -> list[WebhookOption]:
    """By the network's name."""
    actor.require(Permission.READ)
    rows = Channel.objects.filter(
        workspace=actor.workspace, state=ChannelState.ACTIVE, network__in=networks_with_webhooks()
    )
    by_network: dict[str, list[Channel]] = {}
    for channel in rows.select_related("app").order_by("network", "key"):
        by_network.setdefault(channel.network, []).append(channel)
    if not by_network:
        return []
    on = set(WebhookChoice.objects.filter(workspace=actor.workspace, is_on=True).values_list("network", flat=True))
    told = list(
        WebhookSubscription.objects.filter(channel__workspace=actor.workspace, is_wanted=True)
        .select_related("channel")
        .order_by("channel__key")
    )
    policy = policies.sync_policy()
    return [
        _webhook_option(actor, slug, mine, slug in on, [s for s in told if s.channel.network == slug], policy)
        for slug, mine in by_network.items()
    ]


def networks_with_webhooks() -> list[str]:
    """The networks whose connectors can be told."""
    return [slug for slug in sync_settings.readable_networks() if isinstance(registry.get_connector(slug), WebhookRole)]


def webhook_option(actor: Actor, network: str) -> WebhookOption:
    """Raises NotFound where the workspace has no channel of which that network tells."""
    found = next((o for o in webhook_options(actor) if o.network == network), None)
    if found is None:
        raise NotFound("webhook of the network", network[:40])
    return found


@transaction.atomic
def switch_webhooks(actor: Actor, network: str, on: bool) -> WebhookOption:
    """Have a network tell the workspace's channels from now on, or no more. A worker asks the network for it within
    seconds. Raises NotAllowed, NotFound, Conflict."""
    actor.require(Permission.SETTINGS)
    found = webhook_option(actor, network)
    if on and found.obstacle:
        raise Conflict(found.obstacle)
    now = clock.now()
    WebhookChoice.objects.update_or_create(
        workspace=actor.workspace, network=network, defaults={"is_on": on, "person": actor.person, "at": now}
    )
    actor.record("webhooks.on" if on else "webhooks.off", network)
    if on:
        _request_subscriptions(
            Channel.objects.filter(workspace=actor.workspace, network=network, state=ChannelState.ACTIVE), now
        )
    else:
        mine = WebhookSubscription.objects.filter(channel__workspace=actor.workspace, channel__network=network)
        mine.update(is_wanted=False, told_at=None, next_at=now)
        _reset_polling_interval(list(mine.values_list("channel_id", flat=True)))
    return webhook_option(actor, network)


def _webhook_option(
    actor: Actor,
    slug: str,
    mine: Sequence[Channel],
    on: bool,
    told: Sequence[WebhookSubscription],
    policy: policies.SyncPolicy,
) -> WebhookOption:
    teller, apps = registry.get_connector(slug), {c.app_id: c.app for c in mine}
    assert isinstance(teller, WebhookRole)
    hosts = bool(actor.person and actor.person.is_operator) and bool(teller.webhook_setup)
    day = timedelta(days=1)
    return WebhookOption(
        network=slug,
        label=teller.label,
        channels=len(mine),
        is_on=on,
        obstacle=_setup_problem(teller.label, list(apps.values())),
        setup=Sentence.of(sentence_pieces(teller.webhook_setup)) if teller.webhook_setup else "",
        addresses=tuple((callback_url(app), verify_token(app)) for app in apps.values()) if hosts else (),
        subscriptions=tuple(told),
        usual=day // policy.answers_every,
        sparse=day // policy.told_every,
    )


def _setup_problem(label: str, apps: Sequence[NetworkApp]) -> str:
    """Networks call no address that is not open to them; a sandbox beside us does."""
    if settings.KICAU_PUBLIC_URL.startswith("https://") or all(app.is_sandbox for app in apps):
        return ""
    return Sentence(
        "{network} sends updates only to https:// addresses, but this Kicau server's address is {address}. Ask the server administrator to enter an https:// address in the setting KICAU_PUBLIC_URL.",
        network=label,
        address=settings.KICAU_PUBLIC_URL,
    )


def _request_subscriptions(channels: QuerySet[Channel], now: datetime) -> None:
    ids = list(channels.values_list("id", flat=True))
    if not ids:
        return
    WebhookSubscription.objects.bulk_create(
        [WebhookSubscription(channel_id=id_, next_at=now) for id_ in ids], ignore_conflicts=True
    )
    WebhookSubscription.objects.filter(channel__in=ids).update(
        is_wanted=True, next_at=now, fruitless=0, parting=None, parted_at=None
    )


def unsubscribe_channel(channel: Channel) -> None:
    """The channel is being disconnected: a worker has the network tell of it no more, with the permission that it had, and
    forgets that within the hour, whatever came of it. In the transaction that forgets the channel's own."""
    now = clock.now()
    mine = WebhookSubscription.objects.filter(channel=channel)
    mine.filter(made_at=None).delete()
    mine.update(is_wanted=False, told_at=None, next_at=now, fruitless=0, parting=channel.credentials, parted_at=now)


def _reset_polling_interval(ids: Sequence[UUID]) -> None:
    soon = clock.now() + policies.sync_policy().answers_every
    SyncProgress.objects.filter(channel__in=ids, next_at__gt=soon).update(next_at=soon)


# Asking the network for it


async def update_subscriptions(client: aiohttp.ClientSession) -> int:
    """Subscribe what is wanted and is not, or was a day ago; take back what is not wanted. How many were asked for."""
    due = await sync_to_async(_claim)()
    for row in due:
        await _update_subscription(row, client)
    return len(due)


@transaction.atomic
def _claim() -> list[WebhookSubscription]:
    now = clock.now()
    active = Channel.objects.filter(state=ChannelState.ACTIVE)
    on = WebhookChoice.objects.filter(workspace=OuterRef("workspace"), network=OuterRef("network"), is_on=True)
    _request_subscriptions(
        active.filter(Exists(on)).exclude(
            Exists(WebhookSubscription.objects.filter(channel=OuterRef("id"), is_wanted=True))
        ),
        now,
    )
    free = Q(leased_until=None) | Q(leased_until__lt=now)
    theirs = Q(channel__in=active) | Q(parted_at__isnull=False)
    rows = WebhookSubscription.objects.filter(free, theirs, next_at__lte=now).select_related(
        "channel__app", "channel__workspace"
    )
    found = list(rows.order_by("next_at").select_for_update(of=("self",), skip_locked=True)[:SUBSCRIPTION_BATCH_SIZE])
    for row in found:
        row.lease, row.leased_until = uuid4(), now + SYNC_LEASE
    WebhookSubscription.objects.bulk_update(found, ["lease", "leased_until"])
    return found


async def _update_subscription(row: WebhookSubscription, client: aiohttp.ClientSession) -> None:
    channel, label = row.channel, registry.get_connector(row.channel.network).label
    if row.parted_at is not None:
        channel.credentials = row.parting  # in memory alone
    job = InboxFetch(
        channel=channel, cursor="", fruitless=row.fruitless, due_at=clock.now(), lease=row.lease or uuid4(), slower=1.0
    )
    asked, at, why, lost = poller.FetchUsage(), clock.now() + RENEW_INTERVAL, "", False
    try:
        if row.is_wanted:
            where, secret = callback_url(channel.app), verify_token(channel.app)
            await poller.metered_fetch(
                job, client, asked, lambda role, live: _role(role).subscribe(live, where, secret)
            )
        elif not await sync_to_async(_is_shared_account)(channel):
            await poller.metered_fetch(job, client, asked, lambda role, live: _role(role).unsubscribe(live))
    except poller.HeldByBudget as held:
        at, why = (
            min(held.short.renews_at, clock.now() + MANUAL_FIX_RETRY_DELAY),
            Sentence(
                "The budget “{budget}” does not have enough left to monitor the comments, replies and statistics of your posts. Raise the budget, or wait until it resets.",
                budget=held.short.budget.name,
            ),
        )
    except Exception as exc:
        failure = read_failure(exc)
        log_fault(failure, channel)
        lost = failure.kind is FailureKind.NO_ACCESS
        at = next_try_at(failure, row.fruitless, longest=MANUAL_FIX_RETRY_DELAY)
        why = _failure_sentence(failure, label, is_disconnected=row.parted_at is not None)
    await sync_to_async(_store_result)(row, job, asked, at, why, lost)


def _role(role: object) -> WebhookRole:
    assert isinstance(role, WebhookRole), "only networks that send webhooks are asked for them"
    return role


def _failure_sentence(failure: CallFailure, label: str, *, is_disconnected: bool) -> Sentence:
    match failure.kind:
        case FailureKind.RATE_LIMITED | FailureKind.FAULT:
            return failure_sentence(failure, label)
        case FailureKind.NO_ACCESS:
            return Sentence(
                "{network} does not send webhooks (instant updates) for this channel ({why}). Reconnect the channel and allow this access when the network asks for it.",
                network=label,
                why=failure.cause,
            )
        case _ if is_disconnected:
            return Sentence(
                "This channel is disconnected, but Kicau could not yet turn off its webhooks (instant updates) from {network}: {why}. Kicau keeps trying for at most one hour.",
                network=label,
                why=failure.cause,
            )
        case _:
            return Sentence(
                "Kicau could not turn on webhooks (instant updates) from {network} for this channel: {why}. Kicau tries again. You do not need to do anything.",
                network=label,
                why=failure.cause,
            )


def _is_shared_account(channel: Channel) -> bool:
    """Whether another workspace is told of the same account through the same app."""
    same = WebhookSubscription.objects.filter(
        channel__app=channel.app_id, channel__account_id=channel.account_id, channel__host=channel.host, is_wanted=True
    )
    return same.exclude(channel=channel).exists()


@transaction.atomic
def _store_result(
    row: WebhookSubscription, job: InboxFetch, asked: poller.FetchUsage, at: datetime, why: str, lost: bool
) -> None:
    mine = WebhookSubscription.objects.select_for_update().filter(channel=row.channel_id, lease=job.lease).first()
    ledger.write_entries(ledger.ledger_entries(job.work(), asked.calls), freed=frozenset({job.lease}))
    if mine is None:
        return
    mine.lease = mine.leased_until = None
    if mine.is_wanted != row.is_wanted:  # somebody thought better of it meanwhile
        mine.next_at = clock.now()
    elif not mine.is_wanted and (not why or (row.parted_at and clock.now() - row.parted_at >= UNSUBSCRIBE_PERIOD)):
        if row.parted_at:
            system_actor(row.channel.workspace).record(
                "webhooks.taken-back" if not why else "webhooks.left",
                row.channel_id,
                network=row.channel.network,
                why=why[:300],
            )
        mine.delete()
        return
    else:
        at = min(at, row.parted_at + UNSUBSCRIBE_PERIOD) if row.parted_at else at
        mine.next_at, mine.reason, mine.said = at, why, to_stored_pieces(why) if why else []
        mine.fruitless = mine.fruitless + 1 if why else 0
        if not why:
            mine.made_at = mine.made_at or clock.now()
        if lost:
            mine.made_at = mine.told_at = None
            _reset_polling_interval([row.channel_id])
    mine.save()
