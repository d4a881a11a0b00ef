"""Answers and numbers, which the app view behind an account's server tells; a server on its own has neither.

Lexicons app.bsky.notification.listNotifications and app.bsky.feed.getPosts (https://github.com/bluesky-social/atproto,
2026-08-20). Nothing is marked as seen by a reading: whoever opens the app still finds what is new there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from kicau.connector.errors import Rejected
from kicau.connector.roles.engagement import Answer, Answers, Seen
from kicau.connector.session import Session
from kicau.networks.bluesky import wire

REASONS = ("mention", "reply", "quote")
PAGE = 100  # listNotifications, limit
MOST_PAGES = 10  # in one reading; it lists backwards, so what is older than these is left out
BATCH = 25  # getPosts, uris
COUNTS = ("replyCount", "repostCount", "likeCount", "quoteCount", "bookmarkCount")
NO_APP_VIEW = "No service configured for"  # @atproto/pds 0.5.35, recorded 2026-11-24


async def answers(session: Session, cursor: str) -> Answers:
    """A quote counts as an answer to the post that it quotes. The cursor is of times, since the network's own leads
    backwards."""
    seen, found, more = Seen.of(cursor), dict[str, Answer](), ""
    for _ in range(MOST_PAGES):
        asked = [*(("reasons", one) for one in REASONS), ("limit", str(PAGE)), *([("cursor", more)] if more else [])]
        told = await _ask(session, "app.bsky.notification.listNotifications", asked)
        rows = [one for row in _rows(told.get("notifications")) if (one := _answer(row, session.app.endpoints["web"]))]
        found |= {one.id: one for one in rows if seen.is_new(_key(one.id), one.at)}
        more = str(told.get("cursor") or "")
        if not more or not cursor or any(seen.is_past(one.at) for one in rows):
            break
    items = tuple(sorted(found.values(), key=lambda one: one.at))
    return Answers(items=items, cursor=seen.cursor((_key(one.id), one.at) for one in items) if items else cursor)


async def numbers(session: Session, ids: Sequence[str]) -> dict[str, dict[str, int]]:
    told = await _ask(session, "app.bsky.feed.getPosts", [("uris", one) for one in ids])
    return {
        str(row["uri"]): {name: row[name] for name in COUNTS if isinstance(row.get(name), int)}
        for row in _rows(told.get("posts"))
        if row.get("uri")
    }


async def _ask(session: Session, nsid: str, asked: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """The lists of a query are repeated names. Raises Rejected where the account's server has no app view behind it."""
    held = session.credentials
    try:
        return await wire.xrpc(session, "GET", f"{nsid}?{urlencode(asked)}", at=wire.home(session, held), held=held)
    except Rejected as refused:
        if NO_APP_VIEW not in refused.detail:
            raise
        message = "The server of this {network} account stands alone and tells neither answers nor numbers; publishing is not affected."
        raise wire.refusal("no-reading", message) from refused


def _rows(value: Any) -> list[dict[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _key(uri: str) -> str:
    """A record's key: made of a time in microseconds and a clock's number, so that it does for the whole address."""
    return uri.rpartition("/")[2]


def _answer(row: Mapping[str, Any], web: str) -> Answer | None:
    record, who, at = row.get("record"), row.get("author") or {}, wire.when(row.get("indexedAt"))
    if row.get("reason") not in REASONS or not isinstance(record, dict) or not row.get("uri") or at is None:
        return None
    parent = ((record.get("reply") or {}).get("parent") or {}).get("uri")
    quoted = row.get("reasonSubject") if row["reason"] == "quote" else ""
    return Answer(
        id=str(row["uri"]),
        at=at,
        author=str(who.get("did") or ""),
        text=str(record.get("text") or ""),
        answers=str(parent or quoted or ""),
        handle=str(who.get("handle") or ""),
        name=str(who.get("displayName") or ""),
        url=f"{web}/profile/{who.get('did')}/post/{_key(str(row['uri']))}",
        raw={"cid": row.get("cid"), "reason": row["reason"], "handle": who.get("handle"), "record": record},
    )
