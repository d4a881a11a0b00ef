"""What Facebook tells of a Page by webhook: comments, changed and deleted ones too.

https://developers.facebook.com/docs/graph-api/webhooks/getting-started/webhooks-for-pages and .../reference/page (`feed`),
looked up 2026-11-26: a Page's own permission `pages_manage_metadata` is needed to subscribe it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from kicau.connector.roles.engagement import IncomingPost
from kicau.connector.roles.webhooks import WebhookNotification
from kicau.connector.session import Session
from kicau.networks._meta.graph import page_graph, parse_time
from kicau.networks._meta.webhooks import (
    read_changes,
    read_each,
    subscribe_account,
    subscribe_app,
    unsubscribe_account,
)

WEBHOOK_OBJECT, WEBHOOK_FIELDS = "page", "feed"
SUBSCRIBE_SCOPE = "pages_manage_metadata"  # the permission


def read_notifications(body: bytes) -> Sequence[WebhookNotification]:
    return read_each(
        _comment_notification,
        (
            (page, sent, value)
            for page, sent, field, value in read_changes(body, WEBHOOK_OBJECT)
            if field == WEBHOOK_FIELDS
        ),
    )


def _comment_notification(page: str, sent: Any, value: Mapping[str, Any]) -> WebhookNotification | None:
    key, at = str(value.get("comment_id") or ""), parse_time(sent) or parse_time(value.get("created_time"))
    if value.get("item") != "comment" or not key or at is None:
        return None
    match value.get("verb"):
        case "add" | "edited" | "edit":
            who = value.get("from") if isinstance(value.get("from"), dict) else {}
            name = str((who or {}).get("name") or "")
            made = parse_time(value.get("created_time")) or at
            said = IncomingPost(
                id=key,
                at=made,
                author=str((who or {}).get("id") or ""),
                name=name,
                text=str(value.get("message") or ""),
                answers=str(value.get("post_id") or ""),
                raw=dict(value),
            )
            return WebhookNotification(account=page, at=at, answer=said)
        case "remove":
            return WebhookNotification(account=page, at=at, gone=key)
    return None  # hidden or shown again: it is there all the same


async def subscribe_page(session: Session, address: str, token: str) -> None:
    await subscribe_app(
        session.http, session.app, session.app.endpoints["graph"], WEBHOOK_OBJECT, WEBHOOK_FIELDS, address, token
    )
    await subscribe_account(page_graph(session), session.account_id, WEBHOOK_FIELDS)


async def unsubscribe_page(session: Session) -> None:
    await unsubscribe_account(page_graph(session), session.account_id)
