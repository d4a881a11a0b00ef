"""What Facebook tells of a Page by webhook: comments, changed and deleted ones too.

https://developers.facebook.com/docs/graph-api/webhooks/getting-started/webhooks-for-pages and .../reference/page (`feed`),
looked up 2026-11-26: a Page's own permission `pages_manage_metadata` is needed to subscribe it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from kicau.connector.roles.engagement import Answer
from kicau.connector.roles.webhooks import Happening
from kicau.connector.session import Session
from kicau.networks._meta.graph import moment, page_graph
from kicau.networks._meta.webhooks import changes, each, subscribe_account, subscribe_app, unsubscribe_account

OBJECT, FIELDS = "page", "feed"
SUBSCRIBES = "pages_manage_metadata"  # the permission


def happenings(body: bytes) -> Sequence[Happening]:
    return each(
        _comment, ((page, sent, value) for page, sent, field, value in changes(body, OBJECT) if field == FIELDS)
    )


def _comment(page: str, sent: Any, value: Mapping[str, Any]) -> Happening | None:
    key, at = str(value.get("comment_id") or ""), moment(sent) or moment(value.get("created_time"))
    if value.get("item") != "comment" or not key or at is None:
        return None
    match value.get("verb"):
        case "add" | "edited" | "edit":
            who = value.get("from") if isinstance(value.get("from"), dict) else {}
            name = str((who or {}).get("name") or "")
            made = moment(value.get("created_time")) or at
            said = Answer(
                id=key,
                at=made,
                author=str((who or {}).get("id") or ""),
                name=name,
                text=str(value.get("message") or ""),
                answers=str(value.get("post_id") or ""),
                raw=dict(value),
            )
            return Happening(account=page, at=at, answer=said)
        case "remove":
            return Happening(account=page, at=at, gone=key)
    return None  # hidden or shown again: it is there all the same


async def subscribe(session: Session, address: str, token: str) -> None:
    await subscribe_app(session.http, session.app, session.app.endpoints["graph"], OBJECT, FIELDS, address, token)
    await subscribe_account(page_graph(session), session.account_id, FIELDS)


async def unsubscribe(session: Session) -> None:
    await unsubscribe_account(page_graph(session), session.account_id)
