"""Answers and numbers of an account's media: what others comment under its newest ones, and likes and comments of each.

https://developers.facebook.com/docs/instagram-platform/instagram-graph-api/reference/ig-media and .../ig-comment, as
quoted, 2026-11-26; for both sign-ins, with the permissions that they ask for already. Stories take no comments.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from kicau.connector.errors import AuthExpired, Rejected
from kicau.connector.roles.engagement import IncomingPost, IncomingPostPage, TimeCursor
from kicau.connector.session import Session
from kicau.networks._meta.engagement import edge_rows
from kicau.networks._meta.errors import is_missing_object
from kicau.networks._meta.graph import parse_time
from kicau.networks.instagram import wire
from kicau.networks.instagram.auth import COMMENT_SCOPES

# Ours, not Instagram's: the newest media are listed in one call, and each older one costs another.
METRICS_BATCH_SIZE = 25
MEDIA_LOOKED_THROUGH = 100  # media in that call
MEDIA_PER_PAGE, COMMENTS_PER_MEDIUM = (
    25,
    50,
)  # the newest media whose comments are looked at, and the newest comments of each
COMMENT_FIELDS = "id,text,timestamp,username,from"
MEDIA_FIELDS = f"id,comments.limit({COMMENTS_PER_MEDIUM}){{{COMMENT_FIELDS},replies.limit({COMMENTS_PER_MEDIUM}){{{COMMENT_FIELDS}}}}}"
COUNT_FIELDS = "like_count,comments_count"


async def read_incoming(session: Session, cursor: str) -> IncomingPostPage:
    """Comments of others, answers to comments too. Under media older than the newest 25 nothing is looked for."""
    seen = TimeCursor.of(cursor)
    new = [one for one in await _read_comments(session) if seen.is_new(one.id, one.at)]
    new.sort(key=lambda one: (one.at, len(one.id), one.id))
    return IncomingPostPage(items=tuple(new), cursor=seen.cursor((one.id, one.at) for one in new) if new else cursor)


async def _read_comments(session: Session) -> list[IncomingPost]:
    try:
        told = await wire.graph_client(session).get(
            f"{session.account_id}/media", fields=MEDIA_FIELDS, limit=str(MEDIA_PER_PAGE)
        )
    except AuthExpired as refused:  # (#10), which names no permission
        granted = session.credentials.scopes
        if refused.missing or not granted or granted & COMMENT_SCOPES:
            raise
        wanted = (
            "instagram_manage_comments" if wire.uses_facebook_login(session) else "instagram_business_manage_comments"
        )
        raise AuthExpired(refused.detail, missing=frozenset({wanted})) from refused
    under = ((media, one) for media in edge_rows(told) for one in _flatten_comments(media.get("comments")))
    return [found for media, one in under if (found := _incoming_post(session, media, one))]


def _flatten_comments(edge: Any) -> Iterator[Mapping[str, Any]]:
    """Comments, and those under them."""
    for one in edge_rows(edge):
        yield one
        yield from edge_rows(one.get("replies"))


def _incoming_post(session: Session, media: Mapping[str, Any], comment: Mapping[str, Any]) -> IncomingPost | None:
    at, who = parse_time(comment.get("timestamp")), comment.get("from") or {}
    name = str(comment.get("username") or who.get("username") or "")
    if at is None or not comment.get("id") or name == session.handle:
        return None
    raw = {key: value for key, value in comment.items() if key != "replies"}
    return IncomingPost(
        id=str(comment["id"]),
        at=at,
        author=str(who.get("id") or name),
        text=str(comment.get("text") or ""),
        answers=str(media["id"]),
        handle=name,
        raw=raw,
    )


async def read_metrics(session: Session, ids: Sequence[str]) -> dict[str, dict[str, int]]:
    """Likes (left out where the account hides them) and comments."""
    told = await wire.graph_client(session).get(
        f"{session.account_id}/media", fields=f"id,{COUNT_FIELDS}", limit=str(MEDIA_LOOKED_THROUGH)
    )
    listed = {str(row.get("id")): row for row in edge_rows(told)}
    found: dict[str, dict[str, int]] = {}
    for one in ids:
        try:
            row = await _metric_values(session, one, listed)
        except Rejected as refused:
            if not is_missing_object(refused):
                raise
            continue
        found[one] = {name: row[name] for name in COUNT_FIELDS.split(",") if isinstance(row.get(name), int)}
    return found


async def _metric_values(session: Session, one: str, listed: Mapping[str, Mapping[str, Any]]) -> Mapping[str, Any]:
    """Of an answer of the account's own, likes alone."""
    if one.startswith(wire.REPLY_PREFIX):
        return await wire.graph_client(session).get(one.removeprefix(wire.REPLY_PREFIX), fields="like_count")
    return listed.get(one) or await wire.graph_client(session).get(one, fields=COUNT_FIELDS)
