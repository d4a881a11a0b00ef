"""What Instagram tells of an account by webhook: comments, and those under comments.

https://developers.facebook.com/documentation/instagram-platform/webhooks/setup and .../fields, looked up 2026-11-26. With
Instagram's own sign-in the app's address is entered in its dashboard; with Facebook's it is set by a call, and it is the
Page beside the account that is subscribed. Mentions under others' media, and in their captions, come as ids alone; the
words are read by them (.../instagram-api-with-facebook-login/mentions, .../reference/ig-user/mentioned_comment and
.../mentioned_media, looked up 2026-11-27), which only Facebook's sign-in may.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from kicau.connector.content import AttemptNote
from kicau.connector.errors import Rejected
from kicau.connector.roles.engagement import IncomingPost
from kicau.connector.roles.webhooks import WebhookNotification
from kicau.connector.session import Session
from kicau.networks._meta.errors import is_missing_object
from kicau.networks._meta.graph import parse_time
from kicau.networks._meta.webhooks import (
    read_changes,
    read_each,
    subscribe_account,
    subscribe_app,
    unsubscribe_account,
)
from kicau.networks.instagram import wire
from kicau.networks.instagram.limits import NETWORK_LABEL

WEBHOOK_OBJECT, WEBHOOK_FIELDS, MENTIONS_FIELD = "instagram", "comments", "mentions"
MENTION_QUERIES = {  # how each is asked for, and which field has the words
    "comment": ("mentioned_comment.comment_id", "id,text,timestamp,username,media{permalink}", "text"),
    "media": ("mentioned_media.media_id", "id,caption,timestamp,username,permalink", "caption"),
}
PAGE_WEBHOOK_FIELDS = "feed"  # of the Page beside it: any field lets the app be told of the account
SETUP_NOTE = AttemptNote(
    "In your app's dashboard at Meta, open {network}, then Webhooks. Enter the address and token that Kicau shows here, then subscribe to “comments” (not needed for accounts that sign in with Facebook).",
    network=NETWORK_LABEL,
)


def read_notifications(body: bytes) -> Sequence[WebhookNotification]:
    return read_each(_read_notification, read_changes(body, WEBHOOK_OBJECT))


def _read_notification(account: str, sent: Any, field: str, value: Mapping[str, Any]) -> WebhookNotification | None:
    match field:
        case "comments":
            return _comment_notification(account, sent, value)
        case "mentions":
            return _mention_notification(account, sent, value)
    return None


def _mention_notification(account: str, sent: Any, value: Mapping[str, Any]) -> WebhookNotification | None:
    """In a comment, or where there is none in the caption of the media."""
    comment, media, at = str(value.get("comment_id") or ""), str(value.get("media_id") or ""), parse_time(sent)
    if at is None or not (comment or media).isdecimal():
        return None
    return WebhookNotification(account=account, at=at, named=f"comment:{comment}" if comment else f"media:{media}")


async def fetch_named(session: Session, named: str) -> IncomingPost | None:
    """Answered in the app alone: they stand under others' media. Raises Rejected where the channel signed in with Instagram itself: its tokens may not read them."""
    kind, _, key = named.partition(":")
    edge, asked, says = MENTION_QUERIES[kind]
    try:
        told = await wire.graph_client(session).get(session.account_id, fields=f"{edge}({key}){{{asked}}}")
    except Rejected as refused:
        if is_missing_object(refused):
            return None
        raise
    one = told.get(edge.partition(".")[0])
    at = parse_time(one.get("timestamp")) if isinstance(one, dict) else None
    if not isinstance(one, dict) or at is None or one.get("username") == session.handle:
        return None
    handle, shown = (
        str(one.get("username") or ""),
        str(one.get("permalink") or (one.get("media") or {}).get("permalink") or ""),
    )
    return IncomingPost(
        id=key,
        at=at,
        author=handle,
        handle=handle,
        text=str(one.get(says) or ""),
        url=shown,
        answerable=False,
        raw=dict(one),
    )


def _comment_notification(account: str, sent: Any, value: Mapping[str, Any]) -> WebhookNotification | None:
    key, at = str(value.get("id") or ""), parse_time(sent)
    if not key or at is None:
        return None
    who, media = value.get("from") or {}, value.get("media") or {}
    author = str(who.get("id") or who.get("username") or "")
    said = IncomingPost(
        id=key,
        at=at,
        author=author,
        handle=str(who.get("username") or ""),
        text=str(value.get("text") or ""),
        answers=str(media.get("id") or ""),
        raw=dict(value),
    )
    return WebhookNotification(account=account, at=at, answer=said)


async def subscribe_account_webhooks(session: Session, address: str, token: str) -> None:
    if wire.uses_facebook_login(session):
        await subscribe_app(
            session.http,
            session.app,
            session.app.endpoints["facebook"],
            WEBHOOK_OBJECT,
            f"{WEBHOOK_FIELDS},{MENTIONS_FIELD}",
            address,
            token,
        )
    await subscribe_account(wire.graph_client(session), _subscribed_object(session), _webhook_fields(session))


async def unsubscribe_account_webhooks(session: Session) -> None:
    await unsubscribe_account(wire.graph_client(session), _subscribed_object(session))


def _subscribed_object(session: Session) -> str:
    return str(session.credentials.extra["page"]) if wire.uses_facebook_login(session) else session.account_id


def _webhook_fields(session: Session) -> str:
    return PAGE_WEBHOOK_FIELDS if wire.uses_facebook_login(session) else WEBHOOK_FIELDS
