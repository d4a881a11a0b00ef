"""What networks post to us: kept as it came once its signature is seen, worked on by a worker.

Nothing is called on this road, so nothing is spent on it. One that comes twice, late or in another order changes nothing.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import structlog
from django.core.cache import cache
from django.db import transaction
from django.db.models import F, Q

from kicau.base import clock
from kicau.channels.channel_session import connector_app
from kicau.channels.models import Channel, NetworkApp
from kicau.channels.usable_channels import connected_filter
from kicau.connector import registry
from kicau.connector.roles.webhooks import WebhookNotification, WebhookRole
from kicau.connector.transport.http import without_unstorable
from kicau.costs import read_policy as policies
from kicau.sync import sync_settings, sync_store, webhook_subscriptions
from kicau.sync.models import (
    Comment,
    CommentReference,
    CommentTimestamp,
    IncomingWebhook,
    SyncProgress,
    WebhookSubscription,
)

MAX_WEBHOOKS_PER_MINUTE = (
    3_000  # genuine ones of an app that one web process takes in a minute; the network sends the others again
)
MAX_FORGED_PER_MINUTE = 60  # others that are told apart and logged in a minute, by one web process
WEBHOOK_RETENTION = timedelta(days=3)  # Meta, the most patient, repeats one for 36 hours
WEBHOOK_BATCH_SIZE = 100

log = structlog.get_logger("kicau.sync")


class UnknownWebhookApp(Exception):
    """No app of ours has that address, or its network sends no webhooks."""


class InvalidSignature(Exception):
    """The network did not sign it with the app's secret."""


class TooManyWebhooks(Exception):
    """More than is taken in a minute."""


def answer_challenge(app_id: UUID, query: Mapping[str, str]) -> str:
    """What answers the network's question whether the address is ours. Raises UnknownWebhookApp, InvalidSignature."""
    app, teller = _find_app(app_id)
    told = teller.verification(query, webhook_subscriptions.verify_token(app))
    if told is None:
        raise InvalidSignature
    return told


def store_webhook(app_id: UUID, headers: Mapping[str, str], body: bytes) -> None:
    """Keep a body for the worker, once. Names of headers are in lower case. Raises UnknownWebhookApp, InvalidSignature, TooManyWebhooks."""
    app, teller = _find_app(app_id)
    if not teller.is_genuine(headers, body, connector_app(app)):
        if _count_in_minute(f"forged:{app.id}") > MAX_FORGED_PER_MINUTE:
            raise TooManyWebhooks
        log.warning("a webhook that its network did not sign", network=app.network, app=str(app.id), bytes=len(body))
        raise InvalidSignature
    if _count_in_minute(f"webhooks:{app.id}") > MAX_WEBHOOKS_PER_MINUTE:
        raise TooManyWebhooks
    IncomingWebhook.objects.bulk_create(
        [IncomingWebhook(app=app, digest=hashlib.sha256(body).hexdigest(), body=body)], ignore_conflicts=True
    )


def _find_app(app_id: UUID) -> tuple[NetworkApp, WebhookRole]:
    app = NetworkApp.objects.filter(id=app_id).first()
    connector = registry.get_connector(app.network) if app and app.network in registry.installed_slugs() else None
    if app is None or not isinstance(connector, WebhookRole):
        raise UnknownWebhookApp
    return app, connector


def _count_in_minute(what: str) -> int:
    key = f"{what}:{int(clock.now().timestamp()) // 60}"
    cache.add(key, 0, 120)
    return cache.incr(key)


# Working on them


@dataclass(slots=True)
class WebhookResult:
    told: int = 0
    ignored: int = 0


@transaction.atomic
def process_stored() -> int:
    """Work on what waits, oldest first, each once whatever the number of workers; how many were worked on."""
    rows = list(
        IncomingWebhook.objects.filter(taken_at=None)
        .select_related("app")
        .order_by("id")
        .select_for_update(of=("self",), skip_locked=True)[:WEBHOOK_BATCH_SIZE]
    )
    for row in rows:
        try:
            with transaction.atomic():
                taken = _process(row)
        except ValueError:
            taken = WebhookResult(ignored=1)
            log.warning("a webhook that cannot be read", network=row.app.network, app=str(row.app_id))
        except Exception:
            taken = WebhookResult(
                ignored=1
            )  # it is read at the next reading; trying again would only hold up the others
            log.exception("a webhook failed by a fault of ours", network=row.app.network, app=str(row.app_id))
        row.body, row.taken_at, row.told, row.ignored = b"", clock.now(), taken.told, taken.ignored
    IncomingWebhook.objects.bulk_update(rows, ["body", "taken_at", "told", "ignored"])
    return len(rows)


def _process(row: IncomingWebhook) -> WebhookResult:
    teller = registry.get_connector(row.app.network)
    assert isinstance(teller, WebhookRole)
    by_account: dict[str, list[WebhookNotification]] = defaultdict(list)
    for one in teller.happenings(bytes(row.body)):
        by_account[one.account].append(one)
    if not by_account:
        return WebhookResult(ignored=1)
    taken, known = WebhookResult(), set[str]()
    for channel in _subscribed_channels(row.app, list(by_account)):
        known.add(channel.account_id)
        _store_changes(channel, by_account[channel.account_id])
        taken.told += len(by_account[channel.account_id])
    taken.ignored = sum(len(some) for account, some in by_account.items() if account not in known)
    return taken


def _subscribed_channels(app: NetworkApp, accounts: Sequence[str]) -> list[Channel]:
    """Channels of this very app that asked to be told, in workspaces that read; locked in one order."""
    rows = Channel.objects.filter(connected_filter(clock.now()), app=app, account_id__in=accounts)
    wanted = WebhookSubscription.objects.filter(channel__in=rows, is_wanted=True).order_by("channel_id")
    ids = list(wanted.select_for_update().values_list("channel_id", flat=True))
    return sync_settings.channels_with_sync(rows.filter(id__in=ids).select_related("app").order_by("id"))


def _store_changes(channel: Channel, told: Sequence[WebhookNotification]) -> None:
    now, policy = clock.now(), policies.sync_policy()
    news = [one for one in told if _is_newest_change(channel, one)]
    for one in news:
        if one.gone:
            Comment.objects.filter(channel=channel, remote_id=one.gone[:300]).delete()
    said = [one.answer for one in news if one.answer and one.answer.author not in (channel.account_id, channel.handle)]
    whose = sync_store.deliveries_by_remote_id(channel, {one.answers for one in said if one.answers})
    # Whose post it answers may be told only by reading: a film is kept by another id than the post that shows it.
    ours = [one for one in said if not one.answers or one.answers in whose]
    sync_store.store_new_items(channel, ours, whose, now)
    for answer in ours:
        changed = Comment.objects.filter(~Q(text=answer.text), channel=channel, remote_id=answer.id[:300])
        changed.update(text=without_unstorable(answer.text), raw=without_unstorable(dict(answer.raw)), fetched_at=now)
    CommentReference.objects.bulk_create(
        [CommentReference(channel=channel, named=one.named[:300]) for one in told if one.named], ignore_conflicts=True
    )
    WebhookSubscription.objects.filter(channel=channel).update(
        told_at=now, told=F("told") + len(told), reason="", said=[]
    )
    if len(ours) < len(said) or any(one.answer is None and not one.gone and not one.named for one in told):
        _fetch_soon(channel, policy)


def _is_newest_change(channel: Channel, one: WebhookNotification) -> bool:
    """Whether nothing later was told of that answer; at the same second, that it is gone is the later."""
    key, is_gone = (one.gone or (one.answer.id if one.answer else ""))[:300], bool(one.gone)
    if not key:
        return True
    row, made = CommentTimestamp.objects.get_or_create(
        channel=channel, remote_id=key, defaults={"at": one.at, "is_gone": is_gone}
    )
    if made:
        return True
    if (row.at, row.is_gone) > (one.at, is_gone):
        return False
    row.at, row.is_gone = one.at, is_gone
    row.save(update_fields=["at", "is_gone"])
    return True


def _fetch_soon(channel: Channel, policy: policies.SyncPolicy) -> None:
    """Read it as soon as the usual pace allows."""
    row = SyncProgress.objects.select_for_update().filter(channel=channel).first()
    if row is not None and row.lease is None:
        soon = max(clock.now(), row.read_at + policy.answers_every) if row.read_at else clock.now()
        row.next_at = min(row.next_at, soon)
        row.save(update_fields=["next_at"])


def delete_old_webhooks() -> int:
    """What can no longer come again is no longer known."""
    before = clock.now() - WEBHOOK_RETENTION
    CommentTimestamp.objects.filter(at__lt=before).delete()
    CommentReference.objects.filter(at__lt=before).delete()  # what a budget or a limit held for so long is read no more
    return IncomingWebhook.objects.filter(at__lt=before, taken_at__isnull=False).delete()[0]
