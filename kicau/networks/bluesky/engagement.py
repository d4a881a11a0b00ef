"""Answers and numbers, which the app view behind an account's server tells; a server on its own has neither.

Lexicons app.bsky.notification.listNotifications and app.bsky.feed.getPosts (https://github.com/bluesky-social/atproto,
2026-08-20). Nothing is marked as seen by a reading: whoever opens the app still finds what is new there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from kicau.connector.errors import Rejected
from kicau.connector.roles.engagement import IncomingPost, IncomingPostPage, TimeCursor
from kicau.connector.session import Session
from kicau.networks.bluesky import wire

NOTIFICATION_REASONS = ("mention", "reply", "quote")
PAGE_SIZE = 100  # listNotifications, limit
MAX_PAGES = 10  # in one reading; it lists backwards, so what is older than these is left out
METRICS_BATCH_SIZE = 25  # getPosts, uris
COUNT_FIELDS = ("replyCount", "repostCount", "likeCount", "quoteCount", "bookmarkCount")
NO_APP_VIEW_ERROR = "No service configured for"  # @atproto/pds 0.5.35, recorded 2026-11-24


async def read_incoming(session: Session, cursor: str) -> IncomingPostPage:
    """A quote counts as an answer to the post that it quotes. The cursor is of times, since the network's own leads
    backwards."""
    seen, found, more = TimeCursor.of(cursor), dict[str, IncomingPost](), ""
    for _ in range(MAX_PAGES):
        asked = [
            *(("reasons", one) for one in NOTIFICATION_REASONS),
            ("limit", str(PAGE_SIZE)),
            *([("cursor", more)] if more else []),
        ]
        told = await _query(session, "app.bsky.notification.listNotifications", asked)
        rows = [
            one
            for row in _dict_rows(told.get("notifications"))
            if (one := _incoming_post(row, session.app.endpoints["web"]))
        ]
        found |= {one.id: one for one in rows if seen.is_new(_time_key(one.id), one.at)}
        more = str(told.get("cursor") or "")
        if not more or not cursor or any(seen.is_past(one.at) for one in rows):
            break
    items = tuple(sorted(found.values(), key=lambda one: one.at))
    return IncomingPostPage(
        items=items, cursor=seen.cursor((_time_key(one.id), one.at) for one in items) if items else cursor
    )


async def read_metrics(session: Session, ids: Sequence[str]) -> dict[str, dict[str, int]]:
    told = await _query(session, "app.bsky.feed.getPosts", [("uris", one) for one in ids])
    return {
        str(row["uri"]): {name: row[name] for name in COUNT_FIELDS if isinstance(row.get(name), int)}
        for row in _dict_rows(told.get("posts"))
        if row.get("uri")
    }


async def _query(session: Session, nsid: str, asked: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """The lists of a query are repeated names. Raises Rejected where the account's server has no app view behind it."""
    held = session.credentials
    try:
        return await wire.call_xrpc(
            session, "GET", f"{nsid}?{urlencode(asked)}", at=wire.home_server(session, held), held=held
        )
    except Rejected as refused:
        if NO_APP_VIEW_ERROR not in refused.detail:
            raise
        message = "Kicau cannot read comments and metrics of this {network} account, because the account is on an independent server that does not provide them. You can still publish posts."
        raise wire.rejection("no-reading", message) from refused


def _dict_rows(value: Any) -> list[dict[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _time_key(uri: str) -> str:
    """A record's key: made of a time in microseconds and a clock's number, so that it does for the whole address."""
    return uri.rpartition("/")[2]


def _incoming_post(row: Mapping[str, Any], web: str) -> IncomingPost | None:
    record, who, at = row.get("record"), row.get("author") or {}, wire.parse_time(row.get("indexedAt"))
    if (
        row.get("reason") not in NOTIFICATION_REASONS
        or not isinstance(record, dict)
        or not row.get("uri")
        or at is None
    ):
        return None
    parent = ((record.get("reply") or {}).get("parent") or {}).get("uri")
    quoted = row.get("reasonSubject") if row["reason"] == "quote" else ""
    return IncomingPost(
        id=str(row["uri"]),
        at=at,
        author=str(who.get("did") or ""),
        text=str(record.get("text") or ""),
        answers=str(parent or quoted or ""),
        handle=str(who.get("handle") or ""),
        name=str(who.get("displayName") or ""),
        url=f"{web}/profile/{who.get('did')}/post/{_time_key(str(row['uri']))}",
        raw={"cid": row.get("cid"), "reason": row["reason"], "handle": who.get("handle"), "record": record},
    )
