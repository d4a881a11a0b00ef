"""Answers and numbers of an account's media: what others comment under its newest ones, and likes and comments of each.

https://developers.facebook.com/docs/instagram-platform/instagram-graph-api/reference/ig-media and .../ig-comment, as
quoted, 2026-11-26; for both sign-ins, with the permissions that they ask for already. Stories take no comments.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from kicau.connector.errors import AuthExpired, Rejected
from kicau.connector.roles.engagement import Answer, Answers, Seen
from kicau.connector.session import Session
from kicau.networks._meta.engagement import rows
from kicau.networks._meta.errors import is_gone
from kicau.networks._meta.graph import moment
from kicau.networks.instagram import wire
from kicau.networks.instagram.auth import COMMENTS

# Ours, not Instagram's: the newest media are listed in one call, and each older one costs another.
BATCH = 25
LISTED = 100  # media in that call
MEDIA, UNDER = 25, 50  # the newest media whose comments are looked at, and the newest comments of each
COMMENT = "id,text,timestamp,username,from"
FIELDS = f"id,comments.limit({UNDER}){{{COMMENT},replies.limit({UNDER}){{{COMMENT}}}}}"
COUNTS = "like_count,comments_count"


async def answers(session: Session, cursor: str) -> Answers:
    """Comments of others, answers to comments too. Under media older than the newest 25 nothing is looked for."""
    seen = Seen.of(cursor)
    new = [one for one in await _comments(session) if seen.is_new(one.id, one.at)]
    new.sort(key=lambda one: (one.at, len(one.id), one.id))
    return Answers(items=tuple(new), cursor=seen.cursor((one.id, one.at) for one in new) if new else cursor)


async def _comments(session: Session) -> list[Answer]:
    try:
        told = await wire.graph_of(session).get(f"{session.account_id}/media", fields=FIELDS, limit=str(MEDIA))
    except AuthExpired as refused:  # (#10), which names no permission
        granted = session.credentials.scopes
        if refused.missing or not granted or granted & COMMENTS:
            raise
        wanted = "instagram_manage_comments" if wire.by_facebook(session) else "instagram_business_manage_comments"
        raise AuthExpired(refused.detail, missing=frozenset({wanted})) from refused
    under = ((media, one) for media in rows(told) for one in _all(media.get("comments")))
    return [found for media, one in under if (found := _answer(session, media, one))]


def _all(edge: Any) -> Iterator[Mapping[str, Any]]:
    """Comments, and those under them."""
    for one in rows(edge):
        yield one
        yield from rows(one.get("replies"))


def _answer(session: Session, media: Mapping[str, Any], comment: Mapping[str, Any]) -> Answer | None:
    at, who = moment(comment.get("timestamp")), comment.get("from") or {}
    name = str(comment.get("username") or who.get("username") or "")
    if at is None or not comment.get("id") or name == session.handle:
        return None
    raw = {key: value for key, value in comment.items() if key != "replies"}
    return Answer(
        id=str(comment["id"]),
        at=at,
        author=str(who.get("id") or name),
        text=str(comment.get("text") or ""),
        answers=str(media["id"]),
        handle=name,
        raw=raw,
    )


async def numbers(session: Session, ids: Sequence[str]) -> dict[str, dict[str, int]]:
    """Likes (left out where the account hides them) and comments."""
    told = await wire.graph_of(session).get(f"{session.account_id}/media", fields=f"id,{COUNTS}", limit=str(LISTED))
    listed = {str(row.get("id")): row for row in rows(told)}
    found: dict[str, dict[str, int]] = {}
    for one in ids:
        try:
            row = await _counts(session, one, listed)
        except Rejected as refused:
            if not is_gone(refused):
                raise
            continue
        found[one] = {name: row[name] for name in COUNTS.split(",") if isinstance(row.get(name), int)}
    return found


async def _counts(session: Session, one: str, listed: Mapping[str, Mapping[str, Any]]) -> Mapping[str, Any]:
    """Of an answer of the account's own, likes alone."""
    if one.startswith(wire.ANSWER):
        return await wire.graph_of(session).get(one.removeprefix(wire.ANSWER), fields="like_count")
    return listed.get(one) or await wire.graph_of(session).get(one, fields=COUNTS)
