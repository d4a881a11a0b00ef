"""What a webhook told by its id alone: the words are read at the network, each once, paid for and held as answers are."""

from __future__ import annotations

from datetime import datetime
from uuid import uuid4

import aiohttp
from asgiref.sync import sync_to_async
from django.db import transaction
from django.db.models import Q

from kicau.base import clock
from kicau.base.sentences import to_stored_pieces
from kicau.channels import rate_limit_backoff
from kicau.channels.call_failures import FailureKind, read_failure
from kicau.channels.channel_session import ChannelSession
from kicau.channels.usable_channels import usable_filter
from kicau.connector import registry
from kicau.connector.roles.engagement import IncomingPost
from kicau.connector.roles.webhooks import WebhookFetchRole
from kicau.costs import ledger
from kicau.sync import poller, sync_store
from kicau.sync.due_reads import SYNC_LEASE, InboxFetch
from kicau.sync.fetch_failures import failure_sentence, log_fault, next_try_at
from kicau.sync.models import CommentReference, WebhookSubscription

FETCH_BATCH_SIZE = 20


async def fetch_due(client: aiohttp.ClientSession) -> int:
    """Read what is due; how many were asked for. Safe in any number of workers at once."""
    due = await sync_to_async(_claim)()
    for row in due:
        await _fetch(row, client)
    return len(due)


@transaction.atomic
def _claim() -> list[CommentReference]:
    now = clock.now()
    free = Q(leased_until=None) | Q(leased_until__lt=now)
    may_read = usable_filter(now, "channel__") & rate_limit_backoff.sync_allowed_filter(now, "channel__")
    rows = CommentReference.objects.filter(free, may_read, next_at__lte=now).select_related(
        "channel__app", "channel__workspace"
    )
    found = list(rows.order_by("next_at").select_for_update(of=("self",), skip_locked=True)[:FETCH_BATCH_SIZE])
    for row in found:
        row.lease, row.leased_until = uuid4(), now + SYNC_LEASE
    CommentReference.objects.bulk_update(found, ["lease", "leased_until"])
    return found


async def _fetch(row: CommentReference, client: aiohttp.ClientSession) -> None:
    label, now = registry.get_connector(row.channel.network).label, clock.now()
    job = InboxFetch(
        channel=row.channel, cursor="", fruitless=row.fruitless, due_at=now, lease=row.lease or uuid4(), slower=1.0
    )
    asked, found, at, why = poller.FetchUsage(), None, None, ""
    try:
        found = await poller.metered_fetch(job, client, asked, lambda role, live: _words(role, live, row.named))
    except poller.HeldByBudget as held:
        at, why = poller.next_budget_check(held.short.renews_at), poller.budget_exceeded_sentence(held.short)
    except Exception as exc:
        failure = read_failure(exc)
        log_fault(failure, row.channel)
        why = failure_sentence(failure, label)
        if failure.kind not in (FailureKind.NO_ACCESS, FailureKind.REJECTED):  # else it is not for this channel to read
            at = next_try_at(failure, row.fruitless)
    await sync_to_async(_finish)(row, job, asked, found, at, why)


async def _words(role: object, live: ChannelSession, named: str) -> IncomingPost | None:
    assert isinstance(role, WebhookFetchRole), "a network that tells ids alone has a way to read them"
    return await role.words(live, named)


@transaction.atomic
def _finish(
    row: CommentReference,
    job: InboxFetch,
    asked: poller.FetchUsage,
    found: IncomingPost | None,
    at: datetime | None,
    why: str,
) -> None:
    mine = CommentReference.objects.select_for_update().filter(id=row.pk, lease=job.lease).first()
    ledger.write_entries(ledger.ledger_entries(job.work(), asked.calls), freed=frozenset({job.lease}))
    rate_limit_backoff.store_pauses(row.channel, asked.allowed)
    if mine is None:
        return
    mine.lease = mine.leased_until = None
    mine.next_at, mine.fruitless = at, mine.fruitless + 1 if why else 0
    mine.save()
    if found is not None:
        whose = sync_store.deliveries_by_remote_id(row.channel, {found.answers} if found.answers else set())
        sync_store.store_new_items(row.channel, [found], whose, clock.now())
    if why or row.fruitless:
        WebhookSubscription.objects.filter(channel=row.channel).update(
            reason=why, said=to_stored_pieces(why) if why else []
        )
