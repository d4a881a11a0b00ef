"""Telling other programs: events into an outbox in the act's own transaction, sent signed, retried for a day.

The signature is `Kicau-Signature: t=<epoch seconds>,v1=<hex HMAC-SHA256 of "t.body" with the webhook's secret>`.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import secrets
import time
from collections.abc import Iterable, Sequence
from datetime import timedelta
from uuid import UUID

import aiohttp
import structlog
from asgiref.sync import sync_to_async
from django.conf import settings
from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.utils import translation

from kicau.base import clock
from kicau.base.errors import NotFound, validation_failed
from kicau.base.ids import as_uuid
from kicau.connector.transport import ssrf
from kicau.connector.transport.ssrf import guarded_session
from kicau.events.catalogue import EVENT_GROUPS, PUBLIC_EVENTS, ObjectType, PublicEvent, event_group
from kicau.events.dispatch import present
from kicau.workspaces.actors import Actor, Permission
from kicau.workspaces.models import Webhook, WebhookEvent

log = structlog.get_logger("kicau.webhooks")

RETRY_DELAYS_SECONDS = (10, 60, 300, 1800, 7200, 21600, 43200)  # seconds before each retry; then it is given up
REQUEST_TIMEOUT_SECONDS = 10  # seconds for one answer
MAX_ROUND_SECONDS = 10.0  # seconds in which one address is told what is due, until the others had their turn
WEBHOOK_LEASE = timedelta(
    seconds=30
)  # longer than a round with its last answer: who dies in it holds an address no longer
MAX_MESSAGES_PER_ROUND = 100  # messages at a time
MAX_CONCURRENT_REQUESTS = 10  # of them that one address is sent together
MESSAGE_RETENTION = timedelta(days=7)


@transaction.atomic
def add_webhook(actor: Actor, url: str, events: Iterable[str]) -> Webhook:
    """Raises ValidationFailed for an address that is no http(s) URL or an event that does not exist."""
    actor.require(Permission.SETTINGS)
    if not url.startswith(("https://", "http://")) or len(url) > 500:
        raise validation_failed(
            "url", "A webhook's address must begin with https:// or http:// and can have at most 500 characters."
        )
    wanted = sorted(set(events))
    for event in wanted or [""]:
        if event not in (*PUBLIC_EVENTS, *EVENT_GROUPS, "*"):
            raise validation_failed(
                "events",
                "Kicau does not know the webhook event {event!r}. Choose from: {known}. For a whole group of events, enter {groups} or * (all events).",
                event=event,
                known=", ".join(PUBLIC_EVENTS),
                groups=", ".join(EVENT_GROUPS),
            )
    made = Webhook.objects.create(
        workspace=actor.workspace, url=url, events=wanted, secret="whsec_" + secrets.token_urlsafe(32)
    )
    actor.record("webhook.added", made.id, url=url, events=wanted)
    return made


@transaction.atomic
def remove_webhook(actor: Actor, webhook_id: UUID | str) -> None:
    actor.require(Permission.SETTINGS)
    hook = one_webhook(actor, webhook_id)
    actor.record("webhook.removed", hook.id, url=hook.url)
    hook.delete()


def one_webhook(actor: Actor, webhook_id: UUID | str) -> Webhook:
    actor.require(Permission.SETTINGS)
    found = Webhook.objects.filter(workspace=actor.workspace, id=as_uuid(webhook_id)).first()
    if found is None:
        raise NotFound("webhook", webhook_id)
    return found


def all_webhooks(actor: Actor) -> QuerySet[Webhook]:
    """The workspace's webhooks, oldest first."""
    actor.require(Permission.SETTINGS)
    return Webhook.objects.filter(workspace=actor.workspace).order_by("id")


async def send_test_event(actor: Actor, webhook_id: UUID | str) -> Webhook:
    """Send one event "ping" now, once; the webhook that comes back tells what was answered."""
    hook = await sync_to_async(one_webhook)(actor, webhook_id)
    made = WebhookEvent(
        webhook=hook, event="ping", payload={"webhook": str(hook.id)}, next_at=clock.now() + timedelta(hours=1)
    )
    await made.asave()
    async with guarded_session(timeout=REQUEST_TIMEOUT_SECONDS) as client:
        if not _is_success(await _post_event(client, made)):
            await WebhookEvent.objects.filter(id=made.id).aupdate(given_up_at=clock.now())
    return await sync_to_async(one_webhook)(actor, webhook_id)


def queue_messages(events: Sequence[PublicEvent]) -> None:
    """Put events into the outbox of every webhook that wants them, with their objects as the REST API returns them."""
    hooks = _listening_webhooks(events)
    wanted = [(hook, event) for hook in hooks for event in events if _wants(hook, event)]
    if not wanted:
        return
    ids: dict[ObjectType, set[UUID]] = {}
    for _, event in wanted:
        ids.setdefault(event.object_type, set()).add(event.object_id)
    with translation.override(settings.LANGUAGE_CODE):
        shown = {id_: fields for kind, some in ids.items() for id_, fields in present(kind, some).items()}
    WebhookEvent.objects.bulk_create(
        WebhookEvent(
            webhook_id=hook.id,
            event=event.name,
            subject=event.object_id,
            payload=shown.get(event.object_id, {}),
            details=event.details(),
        )
        for hook, event in wanted
    )


def _wants(hook: Webhook, event: PublicEvent) -> bool:
    wanted = {"*", event_group(event.name), event.name}
    return hook.workspace_id == event.workspace_id and not wanted.isdisjoint(hook.events)


def _listening_webhooks(events: Iterable[PublicEvent]) -> list[Webhook]:
    """Webhooks that want any of them. Asked for each batch that goes out, so it costs little."""
    names = sorted({"*", *(name for event in events for name in (event.name, event_group(event.name)))})
    workspaces = {event.workspace_id for event in events}
    rows = Webhook.objects.filter(workspace__in=workspaces, is_active=True, events__overlap=names)
    return list(rows.only("id", "workspace_id", "events").order_by("id"))


def sign_payload(secret: str, body: bytes, timestamp: int) -> str:
    mac = hmac.new(secret.encode(), f"{timestamp}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={timestamp},v1={mac}"


async def send_due_messages() -> int:
    """Send what is due; how many messages were taken. Each address is served by one worker at a time, for ROUND in a go,
    with a few messages at once: one that is slow or gone delays no other. Messages about the same thing (`subject`) come
    in order: one waits until the one before it was taken or given up. A failure waits longer each time."""
    hooks = await sync_to_async(_claim_webhooks)()
    if not hooks:
        return 0
    async with guarded_session(timeout=REQUEST_TIMEOUT_SECONDS) as client:
        done = await asyncio.gather(*(_send_to_webhook(client, hook) for hook in hooks), return_exceptions=True)
    for fault in done:
        if isinstance(fault, BaseException):
            raise fault
    return sum(taken for taken in done if isinstance(taken, int))


def delete_old_messages() -> int:
    """Delete messages that were taken or given up days ago; how many, or 0 when none are left."""
    over = Q(sent_at__isnull=False) | Q(given_up_at__isnull=False)
    old = WebhookEvent.objects.filter(over, created_at__lt=clock.now() - MESSAGE_RETENTION).order_by("created_at")
    return WebhookEvent.objects.filter(id__in=list(old.values_list("id", flat=True)[:MAX_MESSAGES_PER_ROUND])).delete()[
        0
    ]


@transaction.atomic
def _claim_webhooks(limit: int = 100) -> list[Webhook]:
    """Those to whom something is to be told and whom nobody tells; who waited longest first."""
    now = clock.now()
    due = WebhookEvent.objects.filter(webhook=OuterRef("id"), sent_at=None, given_up_at=None, next_at__lte=now)
    free = Webhook.objects.filter(Q(busy_until=None) | Q(busy_until__lte=now), Exists(due))
    hooks = list(free.select_for_update(skip_locked=True).order_by(F("last_at").asc(nulls_first=True), "id")[:limit])
    Webhook.objects.filter(id__in=[hook.id for hook in hooks]).update(busy_until=now + WEBHOOK_LEASE)
    return hooks


async def _send_to_webhook(client: aiohttp.ClientSession, hook: Webhook) -> int:
    try:
        chains = _group_by_subject(await sync_to_async(_due_messages)(hook))
        round_ = _WebhookRound(client, until=time.monotonic() + MAX_ROUND_SECONDS)
        if chains:
            await round_.send(chains[0], most=1)  # the others only where somebody is there
        async with asyncio.TaskGroup() as group:
            for _ in range(MAX_CONCURRENT_REQUESTS):
                group.create_task(round_.send_all(chains))
        if round_.is_gone:  # the others wait instead of trying in vain, one after the other
            await sync_to_async(_postpone_webhook)(hook)
    finally:
        await Webhook.objects.filter(id=hook.id).aupdate(busy_until=None)
    return round_.taken


class _WebhookRound:
    """One address's turn."""

    def __init__(self, client: aiohttp.ClientSession, until: float) -> None:
        self.client, self.until = client, until
        self.taken, self.is_gone = 0, False

    async def send_all(self, chains: list[list[WebhookEvent]]) -> None:
        while chains and not self._is_over():
            await self.send(chains.pop(0))

    async def send(self, chain: list[WebhookEvent], most: int = MAX_MESSAGES_PER_ROUND) -> None:
        """The first messages of a chain. What comes after one that was not taken waits."""
        while chain:
            status = await _post_event(self.client, chain.pop(0))
            most -= 1
            self.is_gone |= not status
            self.taken += _is_success(status)
            if not _is_success(status):
                chain.clear()
            if most == 0 or self._is_over():
                break

    def _is_over(self) -> bool:
        return self.is_gone or time.monotonic() > self.until


def _group_by_subject(events: Iterable[WebhookEvent]) -> list[list[WebhookEvent]]:
    """The messages about each subject, in order; the subjects in the order of their first."""
    found: dict[UUID | None, list[WebhookEvent]] = {}
    for event in events:
        found.setdefault(event.subject, []).append(event)
    return [sorted(chain, key=lambda event: (event.created_at, event.id)) for chain in found.values()]


def _due_messages(hook: Webhook) -> list[WebhookEvent]:
    """Oldest first; without those about an object of which an earlier message waits for its next try."""
    before = Q(created_at__lt=OuterRef("created_at")) | Q(created_at=OuterRef("created_at"), id__lt=OuterRef("id"))
    earlier = WebhookEvent.objects.filter(
        before,
        webhook=OuterRef("webhook"),
        sent_at=None,
        given_up_at=None,
        next_at__gt=clock.now(),
        subject=OuterRef("subject"),
    )
    due = _pending_messages(hook).filter(~Exists(earlier)).select_related("webhook")
    return list(due.order_by("next_at", "created_at", "id")[:MAX_MESSAGES_PER_ROUND])


def _postpone_webhook(hook: Webhook) -> None:
    _pending_messages(hook).update(next_at=clock.now() + timedelta(seconds=RETRY_DELAYS_SECONDS[0]))


def _pending_messages(hook: Webhook) -> QuerySet[WebhookEvent]:
    return WebhookEvent.objects.filter(webhook=hook, sent_at=None, given_up_at=None, next_at__lte=clock.now())


def _is_success(status: int) -> bool:
    return 200 <= status < 300


async def _post_event(client: aiohttp.ClientSession, event: WebhookEvent) -> int:
    """The status that was answered; 0 where nobody did."""
    hook = event.webhook
    body = json.dumps(
        {
            "id": str(event.id),
            "event": event.event,
            "at": event.created_at.isoformat(),
            "data": event.payload,
            "details": event.details,
        }
    ).encode()
    stamp = int(clock.now().timestamp())
    headers = {
        "Content-Type": "application/json",
        "Kicau-Event": event.event,
        "Kicau-Delivery": str(event.id),
        "Kicau-Signature": sign_payload(hook.secret, body, stamp),
    }
    status, error = 0, ""
    try:
        async with client.post(hook.url, data=body, headers=headers, allow_redirects=False) as answer:
            status = answer.status
            error = "" if _is_success(status) else f"it answered {status}"
    except (TimeoutError, aiohttp.ClientError, OSError) as exc:
        log.warning("a webhook could not be reached", webhook=str(hook.id), why=ssrf.failure_reason(exc))
        error = "it could not be reached: its address must be public, and it must answer"
    await sync_to_async(_record_result)(event, status, error)
    return status


def _record_result(event: WebhookEvent, status: int, error: str) -> None:
    now = clock.now()
    event.attempts += 1
    if not error:
        event.sent_at = now
    elif event.attempts > len(RETRY_DELAYS_SECONDS):
        event.given_up_at = now
    else:
        event.next_at = now + timedelta(seconds=RETRY_DELAYS_SECONDS[event.attempts - 1])
    told = {name: getattr(event, name) for name in ("attempts", "sent_at", "given_up_at", "next_at")}
    WebhookEvent.objects.filter(id=event.id).update(**told)  # somebody may have removed the webhook meanwhile
    failures = F("failures") + 1 if error else 0
    Webhook.objects.filter(id=event.webhook_id).update(
        last_at=now, last_status=status, last_error=error[:300], failures=failures
    )
