"""What Threads tells of an account by webhook: replies at any depth, and mentions.

https://developers.facebook.com/docs/threads/webhooks, looked up 2026-11-26: topics and fields are chosen in the app's
dashboard alone, with advanced access; every account that gave the permissions is told of, so nothing is called here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from kicau.connector.content import AttemptNote
from kicau.connector.errors import AuthExpired
from kicau.connector.roles.engagement import IncomingPost
from kicau.connector.roles.webhooks import WebhookNotification
from kicau.connector.session import Session
from kicau.networks._meta.graph import parse_time
from kicau.networks._meta.webhooks import read_documents, read_each
from kicau.networks.threads.limits import NETWORK_LABEL

READ_REPLIES_SCOPE = "threads_read_replies"  # the permission
SETUP_NOTE = AttemptNote(
    "In your app's dashboard at Meta, open “Access the {network} API”, then Settings, then Webhooks. Enter the address and token that Kicau shows here for the topics “moderate” (field “replies”) and “interaction” (field “mentions”).",
    network=NETWORK_LABEL,
)


def read_notifications(body: bytes) -> Sequence[WebhookNotification]:
    return read_each(
        _read_notification, ((told, change) for told in read_documents(body) for change in _read_changes(told))
    )


def _read_changes(told: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    found = told.get("values")
    return [
        one
        for one in (found if isinstance(found, list) else [found])
        if isinstance(one, dict) and isinstance(one.get("value"), dict)
    ]


def _read_notification(told: Mapping[str, Any], change: Mapping[str, Any]) -> WebhookNotification | None:
    value, sent = change["value"], parse_time(told.get("time"))
    made = parse_time(value.get("timestamp")) or sent
    if not value.get("id") or made is None:
        return None
    root, to = value.get("root_post") or {}, value.get("replied_to") or {}
    match change.get("field"):
        case "replies":
            account, answers = str(root.get("owner_id") or ""), str(to.get("id") or root.get("id") or "")
        case "mentions":
            account, answers = str(told.get("target_id") or ""), ""
        case _:
            return None
    handle = str(value.get("username") or "")
    said = IncomingPost(
        id=str(value["id"]),
        at=made,
        author=handle,
        handle=handle,
        url=str(value.get("permalink") or ""),
        text=str(value.get("text") or ""),
        answers=answers,
        raw=dict(value),
    )
    return WebhookNotification(account=account, at=sent or made, answer=said)


async def subscribe_webhooks(session: Session, address: str, token: str) -> None:
    granted = session.credentials.scopes
    if granted and READ_REPLIES_SCOPE not in granted:
        raise AuthExpired("replies were not granted", missing=frozenset({READ_REPLIES_SCOPE}))


async def unsubscribe_webhooks(session: Session) -> None:
    """What comes all the same is not for a channel that is told of, and is left."""
