"""Endpoints: what came back of a post, and whether it is read."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from ninja import Query, Router

from kicau.api.core.authentication import authenticated_actor
from kicau.api.core.paging import cursor_after, paginate, parse_cursor
from kicau.api.core.routes import READ_SCOPE, SETTINGS_SCOPE, WRITE_SCOPE, UuidPath
from kicau.api.schemas import inbox as s
from kicau.api.schemas.base import PageQuery
from kicau.channels import actions as channels
from kicau.inbox import comments, engagement
from kicau.publishing.content import compositions
from kicau.sync import sync_settings, webhook_subscriptions
from kicau.sync.models import Comment, PostMetrics

routes = Router(tags=["Inbox and metrics"])
NEWEST_FIRST = ("-at", "-id")


@routes.get(
    "/posts/{post_id}/metrics",
    response=s.PartMetricsPage,
    summary="Retrieve a post's metrics",
    openapi_extra=READ_SCOPE,
)
def list_metrics(request: HttpRequest, post_id: UuidPath, asked: Query[PageQuery]) -> dict[str, Any]:
    """The latest metrics of each delivery and part."""
    actor = authenticated_actor(request)
    return paginate(
        engagement.post_metrics(actor, compositions.one_draft(actor, post_id).id), ("id",), asked, _metrics_schema
    )


@routes.get(
    "/posts/{post_id}/comments", response=s.ReplyPage, summary="List a post's comments", openapi_extra=READ_SCOPE
)
def list_comments(request: HttpRequest, post_id: UuidPath, asked: Query[PageQuery]) -> dict[str, Any]:
    """Comments on all its deliveries, oldest first."""
    actor = authenticated_actor(request)
    return paginate(
        engagement.inbox_items(actor, compositions.one_draft(actor, post_id).id), ("at", "id"), asked, _reply_schema
    )


@routes.get("/inbox", response=s.InboxPage, summary="List comments and mentions", openapi_extra=READ_SCOPE)
def list_inbox(request: HttpRequest, asked: Query[s.InboxQuery]) -> dict[str, Any]:
    """Everything that others wrote to the workspace's channels, newest first, including mentions that are not replies."""
    actor = authenticated_actor(request)
    wanted = comments.InboxFilter(channel=asked.channel, network=asked.network, unanswered=asked.unanswered)
    place = parse_cursor(Comment, NEWEST_FIRST, asked.cursor) if asked.cursor else None
    after = (place[0], place[1]) if place else None
    found = comments.newest_items(actor, channels.channels(actor), wanted, after=after, limit=asked.limit)
    return {
        "items": [_inbox_entry_schema(row) for row in found.rows],
        "next": cursor_after(found.rows[-1], NEWEST_FIRST) if found.following else None,
    }


@routes.put("/inbox/{message_id}", response=s.InboxEntry, summary="Mark a message as done", openapi_extra=WRITE_SCOPE)
def mark_as_done(request: HttpRequest, message_id: UuidPath, given: s.InboxEntryChange) -> s.InboxEntry:
    """Or mark it as not done."""
    return _inbox_entry_schema(comments.mark_done(authenticated_actor(request), message_id, done=given.done))


@routes.post(
    "/inbox/{message_id}/reply", response=s.ReplyDraft, summary="Create a draft reply", openapi_extra=WRITE_SCOPE
)
def begin_reply(request: HttpRequest, message_id: UuidPath) -> s.ReplyDraft:
    """Returns a draft that replies to the message. Returns the same draft until it is published. Returns 409 if the network does not let the channel reply."""
    return s.ReplyDraft(post=str(comments.begin_reply(authenticated_actor(request), message_id).id))


@routes.get("/sync", response=s.SyncStates, summary="List sync settings", openapi_extra=READ_SCOPE)
def list_sync_states(request: HttpRequest) -> s.SyncStates:
    """For each network with channels of this workspace: whether Kicau reads comments and metrics, and the cost of 30 days."""
    return s.SyncStates(items=[_sync_state(one) for one in sync_settings.sync_options(authenticated_actor(request))])


@routes.put("/sync", response=s.SyncState, summary="Turn sync on or off for a network", openapi_extra=SETTINGS_SCOPE)
def switch_sync(request: HttpRequest, given: s.SyncSwitch) -> s.SyncState:
    """If reading costs money, returns 409 with the amount until you accept it. Comments and metrics that were already read stay."""
    return _sync_state(
        sync_settings.switch_sync(
            authenticated_actor(request), given.network, given.enabled, accepts=given.accepted_micro
        )
    )


@routes.get(
    "/sync/webhooks",
    response=s.NetworkWebhookStates,
    summary="List webhook subscriptions at networks",
    openapi_extra=READ_SCOPE,
)
def list_network_webhooks(request: HttpRequest) -> s.NetworkWebhookStates:
    """Each network with channels of this workspace that can report comments by webhook."""
    return s.NetworkWebhookStates(
        items=[_webhook_state(one) for one in webhook_subscriptions.webhook_options(authenticated_actor(request))]
    )


@routes.put(
    "/sync/webhooks",
    response=s.NetworkWebhookState,
    summary="Turn a network's webhooks on or off",
    openapi_extra=SETTINGS_SCOPE,
)
def switch_network_webhooks(request: HttpRequest, given: s.NetworkWebhookSwitch) -> s.NetworkWebhookState:
    """Kicau subscribes within seconds. `channels` contains the result. Returns 409 if the network cannot reach this server."""
    return _webhook_state(webhook_subscriptions.switch_webhooks(authenticated_actor(request), given.network, given.on))


def _webhook_state(one: webhook_subscriptions.WebhookOption) -> s.NetworkWebhookState:
    return s.NetworkWebhookState(
        network=one.network,
        on=one.is_on,
        obstacle=str(one.obstacle),
        setup=str(one.setup),
        reads_a_day=one.usual,
        reads_a_day_with_webhooks=one.sparse,
        channels=[
            s.NetworkWebhookChannel(
                channel=str(r.channel_id), since=r.made_at, last_received_at=r.told_at, received=r.told, reason=r.reason
            )
            for r in one.subscriptions
        ],
    )


def _metrics_schema(row: PostMetrics) -> s.PartMetrics:
    assert row.read_at is not None  # only what was read is listed
    return s.PartMetrics(
        id=row.pk,
        delivery=str(row.delivery_id),
        channel=str(row.channel_id),
        part=row.position + 1,
        remote_id=row.remote_id,
        values=row.values,
        read_at=row.read_at,
        next_at=row.next_at,
        gone_at=row.gone_at,
    )


def _reply_schema(row: Comment) -> s.Reply:
    return s.Reply(
        id=str(row.id),
        delivery=str(row.delivery_id),
        channel=str(row.channel_id),
        remote_id=row.remote_id,
        author=row.author,
        handle=row.handle,
        name=row.name,
        text=row.text,
        at=row.at,
        fetched_at=row.fetched_at,
    )


def _inbox_entry_schema(row: Comment) -> s.InboxEntry:
    return s.InboxEntry(
        id=str(row.id),
        channel=row.channel.key,
        network=row.channel.network,
        delivery=str(row.delivery_id or ""),
        remote_id=row.remote_id,
        author=row.author,
        handle=row.handle,
        name=row.name,
        text=row.text,
        url=row.url,
        at=row.at,
        answered_at=row.answered_at,
        done_at=row.done_at,
    )


def _sync_state(one: sync_settings.SyncOption) -> s.SyncState:
    return s.SyncState(
        network=one.network,
        channels=one.channels,
        enabled=one.reads,
        is_decision=one.is_chosen,
        costs=one.costs,
        posts=one.estimate.posts,
        comments=one.estimate.comments,
        micro=one.estimate.micro,
        micro_per_comment=one.estimate.each,
        currency=one.estimate.currency,
    )
